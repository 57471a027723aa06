"""Keeps torch and SpikingJelly from filling the terminal when they are imported."""

from __future__ import annotations

import logging

NOISY = ("torch._library.triton",)


def hush() -> None:
    """Raise the level of loggers that warn about the absence of GPU tools. Call before importing torch."""
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.ERROR)
