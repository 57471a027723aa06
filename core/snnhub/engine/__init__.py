"""Engines run graphs. ``reference`` is the normative one: NumPy, short, exact."""
