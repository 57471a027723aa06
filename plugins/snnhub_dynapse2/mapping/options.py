"""What a mapping may choose."""

from __future__ import annotations

from dataclasses import dataclass

from snnhub.errors import UsageError

from snnhub_dynapse2.quantiser.weights import ISCALES, SPLITS


@dataclass(frozen=True)
class Options:
    """``split``: ``auto`` lets a synapse be the sum of two CAM entries where there is room, ``off`` does not.
    ``iscale``: ``auto`` changes iscale where bases do not fit (its product with Igain_syn is kept), ``keep``
    refuses then. Raises ``UsageError`` for anything else.
    """

    split: str = "off"
    iscale: str = "auto"

    def __post_init__(self) -> None:
        for name, value, allowed in (("split", self.split, SPLITS), ("iscale", self.iscale, ISCALES)):
            if value not in allowed:
                raise UsageError("no such choice", where=name, found=value, allowed=", ".join(allowed))
