"""What became of every attribute of a configuration, by path: counted while it is set, told afterwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from snnhub.peers.samna_report import Entry, LoadReport, shown

from snnhub_dynapse2.dac import Code
from snnhub_dynapse2.samna.names import MANY, ROOT, classes, leaves
from snnhub_dynapse2.samna.slots import told

FAMILY = "dynapse2"
CORE = "chips[].cores[]"
NEURON = f"{CORE}.neurons[]"


@dataclass
class Tally:
    """``codes``: what was wanted of parameters, by chip and core. ``missing`` and ``refused``: by path, with the
    first reason; ``used``: in how many places a path holds something.
    """

    codes: Mapping[tuple[int, int], Mapping[str, Code]]
    missing: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    used: Counter[str] = field(default_factory=Counter)

    def report(self, config: Any) -> LoadReport:
        done = tuple(Entry(path, value) for path, value in self._values() if not self._failed(path))
        missing = tuple(
            Entry(path, self._value(path), words, self._needed(path)) for path, words in self.missing.items()
        )
        refused = tuple(Entry(path, self._value(path), words) for path, words in self.refused.items())
        return LoadReport(FAMILY, done, missing, refused, tuple(self._left(config)), tuple(self._unknown(config)))

    def _values(self) -> Iterator[tuple[str, str]]:
        """Everything that was to be set, with how much of it holds something."""
        for path, attribute in leaves():
            name = path.rpartition(".")[2]
            if path.startswith(f"{NEURON}."):
                yield path, self._value(path)
            elif name == "parameters" and attribute.kind == "parameters":
                names = sorted({name for codes in self.codes.values() for name in codes})
                yield from ((f"{path}[{name}]", self._value(f"{path}[{name}]")) for name in names)

    def _value(self, path: str) -> str:
        if ".parameters[" in path:
            name = path.rpartition("[")[2].rstrip("]")
            found = sorted({codes[name] for codes in self.codes.values() if name in codes})
            codes = ", ".join(f"{code.coarse}/{code.fine}" for code in found[:3])
            return f"{codes}{', …' if len(found) > 3 else ''} on {self.used[path]} cores"
        return f"{self.used[path]} in use, the rest cleared"

    def _failed(self, path: str) -> bool:
        """Whether a path, or a list that it is in, is missing or was refused."""
        bad = self.missing.keys() | self.refused.keys()
        return any(path == item or path.startswith(f"{item}.") for item in bad)

    def _needed(self, path: str) -> bool:
        """Whether the network does more at a path than what an attribute that is not there does anyhow."""
        return bool(self.used[path]) or path in ("chips[]", CORE, NEURON)

    def _left(self, config: Any) -> Iterator[Entry]:
        """Documented attributes that a file does not have, and parameters that this one does not list."""
        for path, attribute in leaves():
            if not path.startswith(f"{NEURON}.") and attribute.kind != "parameters":
                yield Entry(path, _first(config, path), needed=False)
        codes = {name for codes in self.codes.values() for name in codes}
        try:
            names = sorted(set(config.chips[0].cores[0].parameters) - codes)
        except Exception:  # noqa: BLE001  a map that cannot be gone through: its names are not known
            return
        yield from (Entry(f"{CORE}.parameters[{name}]", "its default", needed=False) for name in names)

    def _unknown(self, config: Any) -> Iterator[Entry]:
        """Attributes that the objects have and the data file has not."""
        try:
            yield from _unknown(config, ROOT, "")
        except Exception:  # noqa: BLE001  objects that are not there were told already
            return


def _first(config: Any, path: str) -> str:
    """The value at a path on the first chip and core, in few words."""
    value = config
    try:
        for part in path.split("."):
            value = getattr(value, part.removesuffix("[]"))
            value = value[0] if part.endswith("[]") else value
    except Exception as problem:  # noqa: BLE001  whatever the object raises is told
        return f"not there, {told(problem)}"
    return shown(value)


def _unknown(item: Any, owner: str, prefix: str) -> Iterator[Entry]:
    known = classes()[owner]
    for name in dir(item):
        if name.startswith("_") or callable(getattr(item, name, None)):
            continue
        if name not in known:
            yield Entry(prefix + name, shown(getattr(item, name, None)), needed=False)
        elif known[name].kind in MANY:
            for part in list(getattr(item, name))[:1]:
                yield from _unknown(part, known[name].of, f"{prefix}{name}[].")
