"""samna, SynSense's library for its boards: its configuration objects, its JSON, and chips. Never imported here.

None of this was verified on a chip. Attribute names are data (``attributes.toml``), each with its source.
"""
