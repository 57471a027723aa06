"""samna, SynSense's library for its boards: configuration objects of Dynap-SE2, and boards. Never imported here.

None of this was verified on a chip. Attribute names are data (``attributes.toml``), each with its source.
"""
