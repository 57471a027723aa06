"""Unit tests, beside the behaviour they pin."""
