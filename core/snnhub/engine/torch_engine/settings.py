"""How torch is called: call shape, samples per call, device, threads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from importlib.util import find_spec

from snnhub.errors import MissingPeerError, UsageError

DEVICES = ("cpu", "cuda")


class Mode(Enum):
    """Multi-step: one call per layer over all time steps, as SpikingJelly's ``step_mode='m'``. Single-step: one
    call per layer and step, as ``step_mode='s'``. Auto: multi-step where it fits into memory.
    """

    MULTI = "m"
    SINGLE = "s"
    AUTO = "auto"


@dataclass(frozen=True)
class Settings:
    """``batch``: samples per call, None for all at once. ``threads``: of torch on the CPU, None for as many as
    torch is set to. All four can change the last bits of a sum.
    """

    mode: Mode = Mode.AUTO
    batch: int | None = None
    device: str = "cpu"
    threads: int | None = None


def read_settings(options: Mapping[str, str]) -> Settings:
    """Settings from ``--option name=value``. Raises ``UsageError`` for names and values that do not fit."""
    known = ("mode", "batch", "device", "threads")
    unknown = [name for name in options if name not in known]
    if unknown:
        raise UsageError("unknown option of the torch engine", found=", ".join(unknown), allowed=", ".join(known))
    mode, device = options.get("mode", "auto"), options.get("device", "cpu")
    modes = [item.value for item in Mode]
    if mode not in modes:
        raise UsageError("unknown mode", where="--option mode", found=mode, allowed=", ".join(modes))
    if device not in DEVICES:
        raise UsageError("unknown device", where="--option device", found=device, allowed=", ".join(DEVICES))
    return Settings(Mode(mode), _count(options, "batch"), device, _count(options, "threads"))


def _count(options: Mapping[str, str], name: str) -> int | None:
    text = options.get(name)
    if text is None:
        return None
    if not text.isdigit() or int(text) < 1:
        raise UsageError("option needs a positive number", where=f"--option {name}", found=text)
    return int(text)


@contextmanager
def active(settings: Settings) -> Iterator[None]:
    """Torch set as the settings say, without gradients and without TF32; afterwards as it was before.

    Raises ``MissingPeerError`` if torch or the device is not here.
    """
    if find_spec("torch") is None:
        raise MissingPeerError("torch is not installed", remedy="Run: pip install 'snnhub[torch]'")
    import torch

    if settings.device == "cuda" and not torch.cuda.is_available():
        raise MissingPeerError(
            "no CUDA device that this torch can use", found=f"torch {torch.__version__}", remedy="Use device=cpu."
        )
    threads = torch.get_num_threads()
    matmul = torch.backends.cuda.matmul
    tf32 = matmul.allow_tf32
    try:
        matmul.allow_tf32 = False
        if settings.threads is not None:
            torch.set_num_threads(settings.threads)
        exact = torch.backends.cudnn.flags(benchmark=False, deterministic=True, allow_tf32=False)
        with exact, torch.inference_mode():
            yield
    finally:
        matmul.allow_tf32 = tf32
        torch.set_num_threads(threads)
