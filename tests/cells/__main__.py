"""``python -m tests.cells``; see the package."""

from __future__ import annotations

import sys

from tests.cells import page, record
from tests.cells.networks import networks
from tests.cells.store import store


def main(arguments: list[str]) -> int:
    """Exit code."""
    sources = [argument for argument in arguments if not argument.startswith("--")]
    nets = tuple(net for net in networks() if not sources or net.source in sources)
    if "--store" in arguments:
        store(nets)
        return 0
    if "--page" not in arguments:
        found = record.measured(nets, record.stored() if sources else {})
        if "--check" in arguments:
            same = record.timeless(found) == record.timeless(record.stored())
            if not same:
                print("tests/cells/record.json says something else: run make cells", file=sys.stderr)
            return int(not same)
        record.save(found)
    page.PAGE.write_text(page.written(page.PAGE.read_text(), record.stored()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
