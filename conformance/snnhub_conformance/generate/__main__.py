"""``python -m snnhub_conformance.generate [GROUP …]``: makes all cases, groups, or one op (``op:core.LIF``).

``open`` and ``open:core.LIF`` search again what the searches of ops left open.
"""

from __future__ import annotations

import sys

from snnhub_conformance.generate.make import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
