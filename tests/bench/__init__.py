"""Measured speed and accuracy; nothing here is asserted in tests."""
