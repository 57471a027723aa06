"""The conformance suite: cases as data, what runs them, and what a wrong runner is likely to have wrong."""

from datetime import date

SUITE = "1.0"
"""Version of the suite. Cases are added, never changed: a case that turns out wrong is superseded by another."""

RELEASED = date(2026, 11, 21)
"""The day of that version, by which expected failures expire."""
