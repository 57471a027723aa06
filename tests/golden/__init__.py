"""Frozen files and digests of released versions."""
