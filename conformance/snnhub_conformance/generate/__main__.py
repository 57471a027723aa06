"""``python -m snnhub_conformance.generate [FAMILY …]``: makes the cases of the suite, or of some families."""

from __future__ import annotations

import sys

from snnhub_conformance.generate.make import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
