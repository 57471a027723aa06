"""The plugin hub: what plugins register, how they are loaded, and how a file finds its importer.

Importing this package imports neither NumPy nor any framework.
"""

from snnhub.hub.objects import (
    PLUGIN_API,
    Approximation,
    Availability,
    Environment,
    Exporter,
    FormatGuess,
    Importer,
    Method,
    Option,
    Profile,
    Runner,
    Target,
)
from snnhub.hub.spec import hookimpl

__all__ = [
    "PLUGIN_API",
    "Approximation",
    "Availability",
    "Environment",
    "Exporter",
    "FormatGuess",
    "Importer",
    "Method",
    "Option",
    "Profile",
    "Runner",
    "Target",
    "hookimpl",
]
