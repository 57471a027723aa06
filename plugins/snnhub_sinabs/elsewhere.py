"""Where sinabs' networks are imported and run: here, or in the environment that has sinabs (AGPL-3.0)."""

from __future__ import annotations

from snnhub.torchnet.elsewhere import Elsewhere

ENVIRONMENT = "nir-frameworks"
ELSEWHERE = Elsewhere(
    "sinabs",
    ENVIRONMENT,
    "snnhub_sinabs.importer:import_sinabs",
    "snnhub_sinabs.runner:run_sinabs",
    "Run: pip install sinabs.",
)
import_model, run_model = ELSEWHERE.import_model, ELSEWHERE.run_model
