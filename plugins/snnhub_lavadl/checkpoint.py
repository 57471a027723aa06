"""Reads state dicts without unpickling anything but tensors, and loads them strictly."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from snnhub.errors import FormatError, UnsupportedError, UsageError

WRAPPERS = ("net", "model", "state_dict", "model_state_dict", "network")
LAZY = ("running_mean", "delay.delay", "neuron.current_decay", "neuron.voltage_decay", "spike_state")
"""Ends of names of tensors that get their shape in the first forward or in training: the checkpoint's is taken."""
REMEDY = "Save tensors only: torch.save(net.state_dict(), path)"


def load_weights(net: Any, path: Path) -> None:
    """Load a state dict, bare or wrapped as ``{"net": …}``, into a network that has run once.

    Raises ``UsageError`` if there is no such file or the weights do not fit the network, ``UnsupportedError``
    if the file would need unpickling, ``FormatError`` if it is broken.
    """
    import torch

    tensors = _tensors(_read(path), path)
    wanted = net.state_dict()
    problems = [f"missing {name}" for name in wanted if name not in tensors]
    problems += [f"unknown {name}" for name in tensors if name not in wanted]
    problems += [
        f"{name} has shape {list(tensors[name].shape)}, the network needs {list(wanted[name].shape)}"
        for name in wanted
        if name in tensors and tensors[name].shape != wanted[name].shape and not name.endswith(LAZY)
    ]
    if problems:
        more = f" and {len(problems) - 4} more" if len(problems) > 4 else ""
        found, remedy = "; ".join(problems[:4]) + more, "Check --set against the training script."
        raise UsageError(
            "weights do not fit the network that the factory returned",
            where=str(path),
            found=found,
            remedy=remedy,
        )
    wrong = [name for name, t in tensors.items() if t.is_floating_point() and not torch.isfinite(t).all()]
    if wrong:
        raise FormatError("checkpoint holds NaN or infinity", where=str(path), found=", ".join(wrong[:3]))
    _fit_lazy(net, tensors)
    net.load_state_dict(tensors)


def _fit_lazy(net: Any, tensors: Mapping[str, Any]) -> None:
    for name, value in (*net.named_parameters(), *net.named_buffers()):
        if name in tensors and name.endswith(LAZY) and value.shape != tensors[name].shape:
            value.data = tensors[name].clone()


def _read(path: Path) -> Any:
    import torch

    if not path.is_file():
        raise UsageError("no such file", where=str(path))
    if path.stat().st_size == 0:
        raise FormatError("file is empty", where=str(path))
    if zipfile.is_zipfile(path):
        _refuse_bombs(path)
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as problem:  # noqa: BLE001  torch raises many kinds for broken files
        found = (str(problem).strip().splitlines() or [""])[0][:120]
        if type(problem).__name__ == "UnpicklingError":
            words = "checkpoint needs unpickling, which runs code; nothing was loaded"
            raise UnsupportedError(words, where=str(path), found=found, allowed="tensors", remedy=REMEDY) from None
        raise FormatError("not a readable checkpoint", where=str(path), found=found, remedy=REMEDY) from None


def _refuse_bombs(path: Path) -> None:
    """A checkpoint is stored, not compressed: members that unpack to more than the file are refused."""
    with zipfile.ZipFile(path) as archive:
        total = sum(item.file_size for item in archive.infolist())
    if total > 2 * path.stat().st_size + 2**20:
        raise FormatError("declared size is far beyond the file", where=str(path), found=f"{total} bytes")


def _tensors(found: Any, path: Path) -> dict[str, Any]:
    import torch

    if isinstance(found, Mapping) and not all(isinstance(value, torch.Tensor) for value in found.values()):
        inner = [found[name] for name in WRAPPERS if isinstance(found.get(name), Mapping)]
        found = inner[0] if inner else found
    if not isinstance(found, Mapping) or not all(isinstance(value, torch.Tensor) for value in found.values()):
        raise UnsupportedError(
            "checkpoint holds no state dict",
            where=str(path),
            found=type(found).__name__,
            allowed=f"tensors by name, bare or under {', '.join(WRAPPERS)}",
            remedy=REMEDY,
        )
    return {str(name): value for name, value in found.items()}
