"""What is wrong with a plugin, in whose words it can be put right."""

from __future__ import annotations

from dataclasses import dataclass

BROKEN, ODD = "broken", "odd"


@dataclass(frozen=True, slots=True)
class PluginProblem:
    """Why a plugin, or one of its objects, is not used (``broken``), or what it should not do (``odd``).

    ``plugin``: name of the entry point; ``distribution``: what brought it; ``remedy``: what to do.
    """

    plugin: str
    distribution: str
    message: str
    remedy: str = ""
    state: str = BROKEN

    def __post_init__(self) -> None:
        if not self.remedy:
            object.__setattr__(self, "remedy", f"Ask the authors of {self.distribution}, or uninstall it.")

    def to_json(self) -> dict[str, str]:
        return {
            "plugin": self.plugin,
            "distribution": self.distribution,
            "state": self.state,
            "message": self.message,
            "remedy": self.remedy,
        }
