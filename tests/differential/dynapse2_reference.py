"""What Rockpool knows of Dynap-SE2, asked in its environment: ``ask(folder, "table", names=...)``."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from snnhub.peers.env import root

from tests.conftest import REQUIRE_PEERS

SCRIPT = Path(__file__).with_name("dynapse2_peer.py")
SECONDS = 1200


def python() -> Path:
    """The environment's interpreter. Skips without it, unless peers are required: then its absence is a
    failure.
    """
    found = root() / "dynapse2" / "bin" / "python"
    if not found.exists():
        message = "environment dynapse2 is missing. Run: snnhub env create dynapse2"
        if REQUIRE_PEERS:
            pytest.fail(message)
        pytest.skip(message)
    return found


def ask(folder: Path, what: str, **question: Any) -> dict[str, Any]:
    """The arrays that ``dynapse2_peer`` answers with."""
    asked, answer = folder / "question.npz", folder / "answer.npz"
    np.savez(asked, allow_pickle=False, ask=np.array(what), **{key: np.asarray(v) for key, v in question.items()})
    command = [str(python()), str(SCRIPT), str(asked), str(answer)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    with np.load(answer, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}
