"""Mapped floats to the core's integers: scales, the search on calibration data, and what every step of it cost."""
