"""Networks of DynapSim, and recordings of them, as ``.npz``: the form of what is handed over without Rockpool.

Names are those of ``dynapse2.DynapSim``'s parameters and states, with ``w_in``, ``w_rec`` and the raster ``x``; a
network of several layers has them as ``0/w_in``, ``0/f_charge`` … ``1/w_in`` …. See ``docs/dynapse2-model.md``.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from snnhub.errors import FormatError
from snnhub.findings import Finding, Severity, error, info, loss, note, of_severity
from snnhub.ir.tensor import Array
from snnhub_formats.recording import BROKEN, load_arrays

from snnhub_dynapse2.chain import Layer, Linear, Neurons
from snnhub_dynapse2.derive import RAW, F, derived, refractory_steps
from snnhub_dynapse2.parameters import BIASES, COMPUTING, names

WORKED_OUT = ("n_ref", "I_init")
"""Parameters that a file may leave out: one follows from the others, the other has a default."""
NEEDED = tuple(name for name in names(COMPUTING) if name not in WORKED_OUT)
RECORDS = ("s", "isyn", "iahp", "imem", "vmem")
WEIGHTS = ("w_in", "b_in", "w_rec")
INPUT = "x"
SIGN = ("f_charge", "f_discharge", "It_mem")
"""Members that make a file one of these."""
MOST_NEURONS = 1 << 16
MOST_WEIGHTS = 1 << 28
MOST_LAYERS = 64
SAME = 0.02
"""Share by which a number may differ from what the biases give: Rockpool's own factors lose up to 0.6 %."""
DEFAULT_IO = F(5e-13)
"""Rockpool's dark current: where Io was drawn with mismatch, the currents still start from it."""


@dataclass(frozen=True)
class Archive:
    """``x``: raster (time, channels) or (time, samples, channels), or None. ``records``: by name of section, with
    the number of the layer before it (``0/s``); same leading axes as ``x``.
    """

    layers: tuple[Layer, ...]
    x: Array | None
    records: Mapping[str, Array]
    findings: tuple[Finding, ...]


def looks_like(path: Path) -> bool:
    """Whether a zip has the names of DynapSim's numbers. Reads the directory alone."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = {name.removesuffix(".npy").rpartition("/")[2] for name in archive.namelist()[:4096]}
    except BROKEN:
        return False
    return set(SIGN) <= members


def read_archive(path: Path) -> Archive:
    """Read and check a file. Raises ``FormatError`` with all that is missing, unknown or of another kind."""
    arrays = load_arrays(path)
    problems: list[Finding] = []
    parts = _parts(arrays, problems)
    layers: list[Layer] = []
    for number in sorted(parts):
        layers += _layer(number, parts[number], problems)
    x = _raster(arrays.get(INPUT), problems)
    records = {
        f"{number}/{name}": array
        for number, part in sorted(parts.items())
        for name, array in part.items()
        if name in RECORDS
    }
    _check_records(records, layers, x, problems)
    errors = of_severity(problems, Severity.ERROR)
    if errors:
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        where = f"{path}:{errors[0].place}"
        raise FormatError(f"{errors[0].message}{more}", where=where, remedy=errors[0].remedy, findings=errors)
    if records:
        words = f"the file has a recording of {', '.join(records)}; it is what --against dynapsim compares with"
        problems.append(info("SNN-3410", path.name, words))
    return Archive(tuple(layers), x, records, tuple(problems))


def node_of(number: int) -> str:
    """Name of the node of a layer of neurons."""
    return f"layer{number}"


def _parts(arrays: Mapping[str, Array], problems: list[Finding]) -> dict[int, dict[str, Array]]:
    """Arrays by layer; names without a number belong to layer 0."""
    known = {*names(COMPUTING), *names(BIASES), *RECORDS, *WEIGHTS}
    parts: dict[int, dict[str, Array]] = {}
    for key, array in arrays.items():
        number, _, name = key.rpartition("/")
        if array.dtype.kind not in "fiub":
            problems.append(error("SNN-3409", key, f"array of {array.dtype}, allowed numbers"))
        elif key == INPUT:
            continue
        elif name not in known or (number and not (number.isascii() and number.isdigit())):
            words = "no name of a DynapSim network"
            problems.append(error("SNN-3409", key, words, remedy="docs/dynapse2-model.md lists the names."))
        elif int(number or 0) >= MOST_LAYERS:
            problems.append(error("SNN-3409", key, f"layer {number}, allowed 0 .. {MOST_LAYERS - 1}"))
        elif name in parts.setdefault(int(number or 0), {}):
            problems.append(error("SNN-3409", key, "is there twice, with and without the number of the layer"))
        else:
            parts[int(number or 0)][name] = array
    if sorted(parts) != list(range(len(parts))) or not parts:
        found = ", ".join(str(number) for number in sorted(parts)) or "none"
        problems.append(error("SNN-3409", "layers", f"layers are numbered from 0 on; found {found}"))
    return parts


def _layer(number: int, part: Mapping[str, Array], problems: list[Finding]) -> list[Layer]:
    """The linear layer of ``w_in`` and the neurons."""
    node, prefix = node_of(number), f"{number}/"
    problems += [error("SNN-3409", f"{prefix}{name}", "is missing") for name in NEEDED if name not in part]
    size = _size(part, prefix, problems)
    values = {name: part[name] for name in names(COMPUTING) if name in part}
    values = {name: _per_neuron(f"{prefix}{name}", array, size, problems) for name, array in values.items()}
    biases = {name: part[name] for name in names(BIASES) if name in part}
    biases = {name: _per_neuron(f"{prefix}{name}", array, size, problems) for name, array in biases.items()}
    linear = _linear(number, part, size, problems)
    if any(name not in values for name in NEEDED):
        return linear
    if len(biases) < len(BIASES):
        absent = [name for name in names(BIASES) if name not in biases]
        words = (
            f"{len(absent)} of {len(BIASES)} bias currents and capacitances are not in the file ({absent[0]} …)"
        )
        remedy = "Add them by Rockpool's names: a mapper needs them."
        problems.append(info("SNN-3406", node, words, remedy=remedy))
        biases = {}
    _work_out(number, values, problems)
    if biases and not any(item.severity is Severity.ERROR for item in problems):
        biases = _believed(node, values, biases, problems)
    w_rec = part.get("w_rec")
    w_rec = None if w_rec is None else _matrix(f"{prefix}w_rec", w_rec, (size, size), problems)
    kept = w_rec if w_rec is not None and w_rec.any() else None
    return [*linear, Neurons(node, size, values, biases, kept, "as the file has it")]


def _believed(
    node: str, values: Mapping[str, Array], biases: dict[str, Array], problems: list[Finding]
) -> dict[str, Array]:
    """The bias currents, if the numbers follow from them; none where the file contradicts itself."""
    raw = {name: values[name] if name in values else biases[name] for name in RAW}
    with np.errstate(all="ignore"):
        wanted = derived(raw, float(values["Iscale"]), float(values["dt"]), initial=values["I_init"])
        off = [
            name
            for name in names(COMPUTING)
            if name != "n_ref" and not np.allclose(values[name], wanted[name], rtol=SAME, atol=0.0)
        ]
    if not off:
        return biases
    words = f"the bias currents of the file do not give its {', '.join(off[:3])}: they are left out"
    problems.append(loss("SNN-3406", node, words, remedy="Store what the numbers were computed from, or neither."))
    return {}


def _size(part: Mapping[str, Array], prefix: str, problems: list[Finding]) -> int:
    """How many neurons: what the arrays of one axis say, else the weights."""
    known = (*names(COMPUTING), *names(BIASES))
    sizes = {part[name].shape[0] for name in known if name in part and part[name].ndim == 1}
    sizes = {size for size in sizes if size > 1} or sizes
    for name in ("w_rec", "w_in"):
        if not sizes and name in part and part[name].ndim == 2:
            sizes = {part[name].shape[1]}
    size = max(sizes, default=1)
    if len(sizes) > 1:
        words = f"arrays disagree about the number of neurons: {', '.join(str(n) for n in sorted(sizes))}"
        problems.append(error("SNN-3408", prefix, words))
    if not 0 < size <= MOST_NEURONS:
        problems.append(error("SNN-3409", prefix, f"{size} neurons, allowed 1 .. {MOST_NEURONS}"))
    return size


def _per_neuron(place: str, array: Array, size: int, problems: list[Finding]) -> Array:
    """A number per neuron as f32 (n_ref: integers), 0-d where there is one for all."""
    if array.shape not in ((), (1,), (size,)):
        words = f"shape {list(array.shape)}, allowed [] or {[size]}"
        problems.append(error("SNN-3408", place, words))
        return np.zeros(())
    if place.endswith("/n_ref"):
        whole = array.astype(np.int64)
        if (whole != array).any() or (whole < 0).any():
            problems.append(error("SNN-3404", place, "n_ref is a number of steps"))
        return whole.reshape(()) if whole.size == 1 else whole
    values = _single(place, array, problems)
    return values.reshape(()) if values.size == 1 else values


def _single(place: str, array: Array, problems: list[Finding]) -> Array:
    """In f32. Rounding is said; a number that becomes 0 is a loss."""
    with np.errstate(over="ignore", under="ignore"):
        values = array.astype(F)
    if not np.isfinite(values).all():
        problems.append(error("SNN-3404", place, "holds NaN, infinity, or a number beyond f32"))
        return values
    off = np.flatnonzero(values.ravel() != array.ravel())
    if off.size:
        exact, given = array.ravel()[off], values.ravel()[off]
        worst = int(np.abs(given / exact - 1).argmax())
        make = loss if (given == 0).any() else note
        words = f"{off.size} of {array.size} numbers were rounded to f32"
        problems.append(make("SNN-2526", place, words, old=f"{exact[worst]!s}", new=f"{given[worst]!s}"))
    return values


def _linear(number: int, part: Mapping[str, Array], size: int, problems: list[Finding]) -> list[Layer]:
    if "w_in" not in part:
        if "b_in" in part:
            problems.append(error("SNN-3409", f"{number}/b_in", "a bias without w_in"))
        return []
    weight = part["w_in"]
    rows = weight.shape[0] if weight.ndim == 2 else 0
    matrix = _matrix(f"{number}/w_in", weight, (rows, size), problems)
    bias = part.get("b_in")
    if bias is not None:
        bias = np.broadcast_to(_per_neuron(f"{number}/b_in", bias, size, problems), (size,))
    return [Linear(f"w_in{number}", matrix, bias)]


def _matrix(place: str, array: Array, shape: tuple[int, int], problems: list[Finding]) -> Array:
    """Weights as f32, row = presynaptic."""
    if array.ndim != 2 or array.shape != shape or not 0 < array.size <= MOST_WEIGHTS:
        words = f"shape {list(array.shape)}, allowed {list(shape)} with 1 .. {MOST_WEIGHTS} weights"
        problems.append(error("SNN-3408", place, words))
        return np.zeros((max(shape[0], 1), max(shape[1], 1)), F)
    return _single(place, array, problems)


def _work_out(number: int, values: dict[str, Array], problems: list[Finding]) -> None:
    """What a file may leave out: the currents at the start, and the count of the refractory timer."""
    node = node_of(number)
    for name in ("Iscale", "dt"):
        if values[name].ndim:
            words = "one number for all neurons"
            if (values[name] != values[name][0]).any():
                problems.append(error("SNN-3404", f"{number}/{name}", words))
            values[name] = values[name][0]
    if "I_init" not in values:
        io = values["Io"]
        same = not io.ndim or bool((io == io[0]).all())
        values["I_init"] = np.asarray(io.ravel()[0] if same else DEFAULT_IO)
        if not same:
            words = "Io differs from neuron to neuron, and the file does not say what currents start from"
            problems.append(info("SNN-3109", f"{node}/I_init", words, new=f"{float(DEFAULT_IO):g} A"))
    dt = values["dt"]
    if not (np.isfinite(values["t_ref"]).all() and float(dt) > 0):
        values.setdefault("n_ref", np.zeros((), np.int64))
        return
    counted = refractory_steps(values["t_ref"], dt)
    if "n_ref" in values and (values["n_ref"] != counted).any():
        words = "n_ref is not what the f32 timer of t_ref counts"
        problems.append(error("SNN-3404", f"{number}/n_ref", words, remedy="Leave it out: it is counted."))
    values["n_ref"] = counted


def _raster(x: Array | None, problems: list[Finding]) -> Array | None:
    if x is not None and (x.ndim not in (2, 3) or not np.isfinite(x).all()):
        words = f"shape {list(x.shape)}, allowed (time, channels) or (time, samples, channels) of finite numbers"
        problems.append(error("SNN-3409", INPUT, words))
    return x


def _check_records(
    records: Mapping[str, Array], layers: list[Layer], x: Array | None, problems: list[Finding]
) -> None:
    sizes = {layer.path: layer.size for layer in layers if isinstance(layer, Neurons)}
    first = layers[0] if layers else None
    if x is not None and x.ndim in (2, 3) and isinstance(first, Linear | Neurons):
        channels = first.weight.shape[0] if isinstance(first, Linear) else first.size
        if x.shape[-1] != channels:
            words = f"shape {list(x.shape)}, allowed {[*x.shape[:-1], channels]}"
            problems.append(error("SNN-3408", INPUT, words))
    for key, array in records.items():
        size = sizes.get(node_of(int(key.partition("/")[0])))
        if x is None:
            problems.append(error("SNN-3409", key, "a recording without the raster x"))
        elif size is not None and array.shape != (*x.shape[:-1], size):
            words = f"shape {list(array.shape)}, allowed {[*x.shape[:-1], size]}"
            problems.append(error("SNN-3408", key, words))
