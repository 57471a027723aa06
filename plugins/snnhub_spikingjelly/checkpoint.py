"""Reads checkpoints of tensors, never unpickling anything else, and loads them strictly."""

from __future__ import annotations

import io
import pickletools
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from snnhub.errors import FormatError, UnsupportedError, UsageError

if TYPE_CHECKING:
    import torch

WRAPPERS = ("net", "model", "state_dict", "model_state_dict", "network")
REMEDY = "Save tensors only: torch.save(net.state_dict(), path)"


def load_weights(net: torch.nn.Module, path: Path) -> None:
    """Load a state dict (``.pt``, ``.pth``, ``.safetensors``), bare or wrapped as ``{"net": …}``.

    Raises ``UsageError`` if there is no such file or the weights do not fit the network, ``UnsupportedError``
    if the file would need unpickling, ``FormatError`` if it is broken.
    """
    import torch

    tensors = _tensors(read(path), path)
    wanted = net.state_dict()
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
    net.load_state_dict(tensors)


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
            raise UnsupportedError(
                "checkpoint needs unpickling, which runs code; nothing was loaded",
                where=str(path),
                found=_first_global(path),
                allowed="tensors",
                remedy=REMEDY,
            ) from None
        raise FormatError(
            "not a readable checkpoint",
            where=str(path),
            found=str(problem).strip().splitlines()[0][:120] if str(problem).strip() else "",
        ) from None


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
    return [path.read_bytes()]


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
