"""Where norse networks are imported and run: in this interpreter, or in the environment that has norse."""

from __future__ import annotations

from snnhub.torchnet.elsewhere import Elsewhere

NORSE_AT = Elsewhere(
    "norse",
    "nir-frameworks",
    "snnhub_norse.importer:import_norse",
    "snnhub_norse.importer:run_norse",
    "Run: pip install norse==1.1.0 torch.",
)
import_model = NORSE_AT.import_model
run_model = NORSE_AT.run_model
