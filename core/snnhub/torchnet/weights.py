"""Reads checkpoints of tensors, never unpickling anything else, and loads them strictly."""

from __future__ import annotations

import io
import pickletools
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from snnhub.errors import FormatError, SnnhubError, UnsupportedError, UsageError
from snnhub.findings import error
from snnhub.torchnet.pickled import modules_in

if TYPE_CHECKING:
    import torch

WRAPPERS = ("net", "model", "state_dict", "model_state_dict", "network")
LISTED = 40
"""Modules that are listed by name."""
REMEDY = "Save tensors only: torch.save(net.state_dict(), path)"


def load_weights(net: torch.nn.Module, path: Path, states: frozenset[str] = frozenset()) -> list[str]:
    """Load a state dict (``.pt``, ``.pth``, ``.safetensors``), bare or wrapped as ``{"net": …}``.

    ``states``: names that hold states of neurons; they need not be there, are not loaded, and those that are there
    are returned.

    Raises ``UsageError`` if there is no such file or the weights do not fit the network, ``UnsupportedError``
    if the file would need unpickling, ``FormatError`` if it is broken.
    """
    import torch

    found = _tensors(read(path), path)
    tensors = {name: value for name, value in found.items() if name not in states}
    wanted = {name: value for name, value in net.state_dict().items() if name not in states}
    problems = [f"missing {name}" for name in wanted if name not in tensors]
    problems += [f"unknown {name}" for name in tensors if name not in wanted]
    problems += [f"{name} is {t.layout}" for name, t in tensors.items() if t.layout is not torch.strided]
    problems += [
        f"{name} has shape {list(tensors[name].shape)}, the network needs {list(wanted[name].shape)}"
        for name in wanted
        if name in tensors and tensors[name].shape != wanted[name].shape
    ]
    if problems:
        more = f" and {len(problems) - 4} more" if len(problems) > 4 else ""
        raise UsageError(
            "weights do not fit the network that the factory returned",
            where=str(path),
            found="; ".join(problems[:4]) + more,
            remedy="Check --set against the training script.",
        )
    # only now: a tensor of another shape may claim any size without storing it
    wrong = [
        f"{name} {list(t.shape)}"
        for name, t in tensors.items()
        if t.is_floating_point() and not torch.isfinite(t).all()
    ]
    if wrong:
        raise FormatError("checkpoint holds NaN or infinity", where=str(path), found=", ".join(wrong[:3]))
    net.load_state_dict(tensors, strict=not states)
    return [name for name in found if name in states]


def read(path: Path) -> Any:
    """What the file holds, read without executing anything in it."""
    import torch

    if not path.is_file():
        raise UsageError("no such file", where=str(path))
    if path.stat().st_size == 0:
        raise FormatError("file is empty", where=str(path))
    if path.suffix == ".safetensors":
        return _safetensors(path)
    _refuse_bombs(path)
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as problem:  # noqa: BLE001  torch raises many kinds for broken files
        if _needs_pickle(path):
            raise needs_pickle(path) from None
        raise FormatError(
            "not a readable checkpoint",
            where=str(path),
            found=str(problem).strip().splitlines()[0][:120] if str(problem).strip() else "",
        ) from None


def needs_pickle(path: Path, given_as_network: bool = False) -> UnsupportedError:
    """The refusal of a file that holds more than tensors. It says what is inside and how to go on."""
    entries = modules_in((_pickles(path) or [b""])[-1])
    listing = "\n    ".join(["", *(str(entry) for entry in entries[:LISTED])])
    if len(entries) > LISTED:
        listing += f"\n    and {len(entries) - LISTED} more"
    factory = "my_model.py:my_factory"
    remedy = f"{REMEDY}, write a function that builds the network, and pass it: snnhub convert {factory} --weights"
    if not entries:
        return UnsupportedError(
            "checkpoint needs unpickling, which runs code; nothing was loaded",
            where=str(path),
            found=_first_global(path),
            allowed="tensors",
            remedy=f"{remedy} {path}." if given_as_network else REMEDY,
        )
    kind = entries[0].kind
    message = "a whole network is pickled here; loading it needs unpickling, which runs code; nothing was loaded"
    finding = error("SNN-3011", str(path), f"{message}. Inside, {len(entries)} modules:{listing}", remedy=remedy)
    return UnsupportedError(
        f"{message}. Inside:{listing}\n ",
        where=str(path),
        found=kind,
        allowed="tensors",
        remedy=f"Where you trust the file: torch.save(torch.load({str(path)!r}, weights_only=False).state_dict(), "
        f"'weights.pt'), then snnhub convert {factory} --weights weights.pt, with a factory that builds this.",
        findings=[finding],
    )


def refuse_file(path: Path) -> SnnhubError:
    """The refusal of a checkpoint that was given in place of a network, whatever it holds."""
    try:
        tensors = _tensors(read(path), path)
    except SnnhubError as problem:
        return problem
    names = ", ".join(list(tensors)[:3])
    return UsageError(
        "a state dict has no network: no neurons, no thresholds, no order of layers",
        where=str(path),
        found=f"{len(tensors)} tensors: {names}, …",
        allowed="path/file.py:factory or package.module:factory",
        remedy=f"snnhub convert my_model.py:my_factory --weights {path}",
    )


def _safetensors(path: Path) -> Any:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError) as problem:
        raise FormatError("not a readable safetensors file", where=str(path), found=str(problem)[:120]) from None


def _refuse_bombs(path: Path) -> None:
    """A checkpoint is stored, not compressed: members that unpack to more than the file are refused."""
    if not zipfile.is_zipfile(path):
        return
    try:
        with zipfile.ZipFile(path) as archive:
            total = sum(item.file_size for item in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError) as problem:
        raise FormatError("not a readable checkpoint", where=str(path), found=str(problem)) from None
    if total > 2 * path.stat().st_size + 2**20:
        raise FormatError(
            "declared size is far beyond the file",
            where=str(path),
            found=f"{total} bytes",
            allowed=f"{path.stat().st_size} bytes are there",
        )


def _pickles(path: Path) -> list[bytes]:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return [archive.read(name) for name in archive.namelist() if name.endswith("data.pkl")][:1]
    return list(_in_a_row(path.read_bytes()))


def _in_a_row(data: bytes) -> Iterator[bytes]:
    """The pickles at the beginning of a file of torch before 1.6: magic number, protocol, system, content."""
    stream = io.BytesIO(data)
    for _ in range(4):
        start = stream.tell()
        try:
            for _ in pickletools.genops(stream):
                pass
        except (ValueError, IndexError, EOFError):
            yield data[start:]
            return
        yield data[start : stream.tell()]


def _first_global(path: Path) -> str:
    """The first class or function that the pickle names beyond what tensors need."""
    harmless = {"torch._utils _rebuild_tensor_v2", "collections OrderedDict", "torch._utils _rebuild_parameter"}
    for data in _pickles(path):
        strings: list[str] = []
        try:
            for opcode, argument, _ in _opcodes(data):
                if isinstance(argument, str) and opcode.name != "GLOBAL":
                    strings.append(argument)
                name = (
                    argument
                    if opcode.name == "GLOBAL"
                    else " ".join(strings[-2:])
                    if opcode.name == "STACK_GLOBAL"
                    else None
                )
                if (
                    isinstance(name, str)
                    and name not in harmless
                    and not name.startswith("torch ")
                    and "Storage" not in name
                ):
                    return name.replace(" ", ".")
        except (ValueError, IndexError, EOFError):
            return ""
    return ""


def _opcodes(data: bytes) -> Iterator[tuple[pickletools.OpcodeInfo, Any, int | None]]:
    """Of all pickles in a row: a checkpoint of the old format is five of them, and then its numbers."""
    stream = io.BytesIO(data)
    while stream.tell() < len(data):
        yield from pickletools.genops(stream)


def _needs_pickle(path: Path) -> bool:
    try:
        return bool(_first_global(path))
    except (OSError, zipfile.BadZipFile, KeyError):
        return False


def _tensors(found: Any, path: Path) -> dict[str, torch.Tensor]:
    import torch

    if (
        isinstance(found, Mapping)
        and found
        and not all(isinstance(value, torch.Tensor) for value in found.values())
    ):
        inner = [found[name] for name in WRAPPERS if isinstance(found.get(name), Mapping)]
        found = inner[0] if inner else found
    if not isinstance(found, Mapping) or not all(isinstance(value, torch.Tensor) for value in found.values()):
        kind = type(found).__name__
        keys = ", ".join(str(key) for key in list(found)[:5]) if isinstance(found, Mapping) else ""
        raise UnsupportedError(
            "checkpoint holds no state dict",
            where=str(path),
            found=f"{kind} {keys}".strip(),
            allowed=f"tensors by name, bare or under {', '.join(WRAPPERS)}",
            remedy=REMEDY,
        )
    return {str(name): value for name, value in found.items()}
