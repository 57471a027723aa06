"""``python -m snnhub`` is ``snnhub``."""

from snnhub.cli.main import entry

if __name__ == "__main__":
    entry()
