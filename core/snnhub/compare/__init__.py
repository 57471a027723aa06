"""Comparing recordings: what belongs together, how far it is the same, and where it first is not."""
