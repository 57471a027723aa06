"""``nir.read`` asked what it makes of files: run where nir is, without snnhub, ``PYTHONHASHSEED=0``.

``nir_read.py FOLDER`` prints one line of JSON per ``.nir`` file there: its name, and ``refused`` with the words or
``graph`` with nodes in order (name, type, shapes by terminal, dtypes and shapes of fields, graphs within), edges.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any


def sizes(types: dict[str, Any] | None) -> Any:
    """Shapes by terminal as lists of numbers."""
    import numpy as np

    if types is None:
        return {}
    return {str(name): None if shape is None else np.asarray(shape).tolist() for name, shape in types.items()}


def told(graph: Any) -> dict[str, Any]:
    """A graph as data."""
    import numpy as np

    nodes = []
    for name, node in graph.nodes.items():
        kind = type(node).__name__
        fields = {
            key: [str(value.dtype), list(value.shape)]
            for key, value in vars(node).items()
            if isinstance(value, np.ndarray | np.generic)
            and key not in ("input_type", "output_type", "input_shape")
        }
        made = {"name": name, "type": kind, "into": sizes(node.input_type), "out": sizes(node.output_type)}
        nodes.append({**made, "fields": fields, "inner": told(node) if kind == "NIRGraph" else None})
    return {"nodes": nodes, "edges": [list(edge) for edge in graph.edges]}


def main() -> None:
    """All files of the folder, in order of their names."""
    import nir

    warnings.simplefilter("ignore")
    for path in sorted(Path(sys.argv[1]).glob("*.nir")):
        found: dict[str, Any] = {"file": path.name}
        try:
            found["graph"] = told(nir.read(path))
        except Exception as problem:  # noqa: BLE001  whatever it raises is a refusal
            found["refused"] = f"{type(problem).__name__}: {problem}"[:300]
        print(json.dumps(found))


if __name__ == "__main__":
    main()
