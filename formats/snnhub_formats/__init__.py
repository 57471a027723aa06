"""The neutral file ``.snn`` and recordings: container, protobuf serialisation, strict readers.

Knows ``snnhub.ir`` only. Protobuf messages never leave ``serde``.
"""

FORMAT_MAJOR = 1
FORMAT_MINOR = 0
FEATURES: frozenset[str] = frozenset()
"""Required features that this reader knows beyond the base format. A file that needs another is refused."""
