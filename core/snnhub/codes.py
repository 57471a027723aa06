"""Every finding code with its title. Codes are public: never reused, never renumbered.

1xxx graphs and programs · 2xxx lowering, quantisation, targets · 3xxx import · 4xxx files and export ·
5xxx runs and comparisons · 6xxx peers and environments. ``docs/findings.md`` explains each at length.
"""

CODES: dict[str, str] = {
    "SNN-1001": "duplicate or reserved node id",
    "SNN-1002": "edge refers to nothing",
    "SNN-1003": "unknown op",
    "SNN-1004": "attribute missing, unknown or not allowed",
    "SNN-1005": "parameter missing, unknown or of the wrong type",
    "SNN-1006": "parameter outside its declared range",
    "SNN-1007": "parameter shape does not fit the elements",
    "SNN-1008": "input port without an edge",
    "SNN-1009": "shapes do not fit",
    "SNN-1010": "numeric types do not fit",
    "SNN-1011": "cycle without a delay",
    "SNN-1012": "node does not reach an output",
    "SNN-1013": "NaN or infinity in a parameter",
    "SNN-1014": "step program missing, broken, or not what the op expands to",
    "SNN-1015": "delay out of range",
    "SNN-1016": "graph without inputs or outputs",
    "SNN-1017": "decoder refers to nothing",
    "SNN-1018": "duplicate edge",
    "SNN-1019": "correspondence refers to nothing",
    "SNN-5001": "input rounded to the type of the graph input",
    "SNN-5002": "recorded state is NaN or infinite",
}
