"""Run inside a fresh environment: the last argument is a line of Python that must work there."""

import sys


def main() -> None:
    """Execute the recipe's check."""
    exec(sys.argv[-1], {})  # noqa: S102  the line comes from a recipe, which could install anything anyway
