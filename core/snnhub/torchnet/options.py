"""Options that every importer and runner of a torch framework has."""

from __future__ import annotations

from snnhub.api.options import ImportOptions
from snnhub.errors import UsageError
from snnhub.hub.objects import Option
from snnhub.torchnet.layout import Kind

OPTIONS = (
    Option("output", "which of the tensors that the network returns is its output, counted from 0", "0"),
    Option("layout", f"what one call of the network takes: {', '.join(kind.value for kind in Kind)}", "found out"),
    Option(
        "steps", "steps of the run that is recorded, where the network takes only so many", "4, or what it needs"
    ),
    Option("samples", "samples of the run that is recorded, where the network takes only so many", "3"),
)


def kind_of(options: ImportOptions) -> Kind | None:
    """The layout that the user asks for. Raises ``UsageError`` for a word that is none."""
    text = options.given.get("layout")
    if text is None:
        return None
    if text not in {kind.value for kind in Kind}:
        allowed = ", ".join(kind.value for kind in Kind)
        raise UsageError("no such layout", where="--option layout", found=text, allowed=allowed)
    return Kind(text)
