"""The damage that the importers' contract does to files, for our own hostile tests."""

from snnhub_conformance.damage import SEED, mutated

__all__ = ["SEED", "mutated"]
