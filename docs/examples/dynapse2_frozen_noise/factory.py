"""The network as a factory of Rockpool, for ``--live``: runs in the environment ``dynapse2``, not here."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))


def network(weights: str) -> Any:
    """``weights``: an ``.npz`` with ``w_in`` and ``w_rec``."""
    from with_rockpool import network as made

    with np.load(weights) as file:
        return made(file["w_in"], file["w_rec"])
