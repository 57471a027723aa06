"""``file.netx``, refused: files that Lava's reader misreads or fails on, and attacks on HDF5."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from snnhub.errors import FormatError, SnnhubError, UnsupportedError, UsageError

from snnhub_conformance.generate.entry import Family, Refusal
from snnhub_conformance.generate.netx_accepted import SOURCE
from snnhub_conformance.generate.netx_parts import (
    SDNN,
    Layer,
    complex_layer,
    conv_layer,
    dense_layer,
    even,
    graded_input,
    input_layer,
    netx,
    neuron,
    without,
)
from snnhub_conformance.generate.write import Writer


@dataclass(frozen=True)
class Row:
    """Layers, how the file must be refused (kind, code, place), and what is wrong with it."""

    layers: list[Layer]
    wanted: Refusal
    comment: str
    names: list[str] | None = None
    landmine: int | None = None
    options: dict[str, str] | None = None


def add(writer: Writer) -> None:
    """Broken networks, broken HDF5, and bytes that are none."""
    family = Family(writer, "file.netx", "reader", ("importer", "netx"), SOURCE)
    for title, row in ROWS.items():
        files = {"netx": ("model.net", netx(row.layers, row.names))}
        family.add(title, row.comment, files, row.wanted, landmine=row.landmine, options=row.options)
    for title, (change, comment) in ATTACKS.items():
        files = {"netx": ("model.net", netx([dense_layer(even(3, 2))], None, change))}
        family.add(title, comment, files, Refusal(FormatError))
    whole = netx([dense_layer(even(3, 2))])
    for title, count in {"nothing": 0, "three bytes": 3, "a half": len(whole) // 2}.items():
        family.add(
            f"cut after {title}",
            "A copy that stopped early.",
            {"netx": ("model.net", whole[:count])},
            Refusal(SnnhubError),
        )


def fault(code: str, place: str, *also: str, kind: type[SnnhubError] = FormatError) -> Refusal:
    return Refusal(kind, code, place, also)


def beyond(code: str, place: str) -> Refusal:
    return Refusal(UnsupportedError, code, place)


ONE = dense_layer([[2]])
MANY = [
    dense_layer(np.full((2, 2), 2.5)),
    {"type": "pool", "shape": np.array([2, 1, 1])},
    {"type": "affine"},
    dense_layer(np.full((2, 2), 4), neuron=neuron(type="ALIF")),
    dense_layer(np.full((2, 2), np.nan)),
    without(conv_layer(np.full((1, 1, 1, 1), 2), (1, 1, 1)), "stride"),
    {"type": "dense", "shape": np.array([3])},
]
IMAGE = input_layer(1, 5, 5)

SIGMA_DELTA: dict[str, Row] = {
    "sigma-delta: message bits": Row(
        [dense_layer(even(2, 2), neuron={**SDNN, "messageBits": 16})],
        beyond("SNN-3121", "/layer/0/neuron/messageBits"),
        "Lava's reader fails on the key.",
    ),
    "sigma-delta: bias of a sigma output": Row(
        [graded_input(2), dense_layer(even(2, 2), bias=np.array([1.0, 2]), neuron={**SDNN, "sigma_output": True})],
        beyond("SNN-3122", "/layer/1/bias"),
        "Lava fails on it.",
    ),
    "sigma-delta: threshold per neuron": Row(
        [graded_input(2), dense_layer(even(2, 2), neuron={**SDNN, "vThMant": np.array([1, 2])})],
        beyond("SNN-3122", "/layer/1/neuron/vThMant"),
        "Lava fails on it.",
    ),
    "sigma-delta: recurrent behind plain spikes": Row(
        [dense_layer(even(2, 2), type="dense_rec", weight_rec=np.full((2, 2), 4.0), neuron=SDNN)],
        beyond("SNN-3122", "/layer/0"),
        "Lava's loop takes numbers for yes or no.",
    ),
    "sigma-delta: dense CUBA behind it": Row(
        [graded_input(2), dense_layer(even(2, 2))],
        beyond("SNN-3122", "/layer/1"),
        "Sums beyond 32 bits would have to overflow.",
    ),
    "sigma-delta: threshold missing": Row(
        [dense_layer(even(2, 2), neuron=without(SDNN, "vThMant"))],
        fault("SNN-3101", "/layer/0/neuron"),
        "A neuron.",
    ),
    "sigma-delta: threshold of half a number": Row(
        [dense_layer(even(2, 2), neuron={**SDNN, "vThMant": 0.5})],
        fault("SNN-3104", "/layer/0/neuron/vThMant"),
        "Lava computes with it; its fixed-point words cannot.",
    ),
    "sigma-delta: layers that do not fit": Row(
        [graded_input(3), dense_layer(even(2, 2), neuron=SDNN)],
        fault("SNN-3107", "/layer/1"),
        "Three inputs, two expected.",
    ),
}

ROWS: dict[str, Row] = {
    "gap in the numbers": Row([ONE, ONE], Refusal(FormatError), "Layers 0 and 2.", ["0", "2"], 12),
    "first layer is 1": Row([ONE], Refusal(FormatError), "Nothing says what layer 0 was.", ["1"], 12),
    "layer that is no number": Row([ONE, ONE], Refusal(FormatError), "Layers 0 and x.", ["0", "x"], 12),
    "no layers": Row([], Refusal(FormatError), "An HDF5 file without /layer.", []),
    "no type": Row(
        [{"shape": np.array([3])}], fault("SNN-3101", "/layer/0"), "A layer without a type.", landmine=12
    ),
    "unknown type": Row(
        [ONE, {"type": "affine"}],
        beyond("SNN-3102", "/layer/1"),
        "Lava's reader skips it without a word.",
        landmine=12,
    ),
    "pooling layer": Row(
        [{"type": "pool", "shape": np.array([2])}], beyond("SNN-3102", "/layer/0"), "Lava fails on it."
    ),
    "average layer": Row(
        [IMAGE, {"type": "average", "shape": np.array([1, 1, 1])}],
        beyond("SNN-3102", "/layer/1"),
        "Not loadable by Lava.",
    ),
    "adaptive neurons": Row(
        [dense_layer(even(2, 2), neuron=neuron(type="ALIF"))],
        beyond("SNN-3103", "/layer/0/neuron"),
        "Not held yet.",
    ),
    "resonators with real weights": Row(
        [dense_layer(even(2, 2), neuron=neuron(type="RF_PHASE", sinDecay=9.5, cosDecay=4000.5))],
        beyond("SNN-3134", "/layer/0"),
        "Lava fails on it.",
    ),
    "complex weights without resonators": Row(
        [complex_layer(even(2, 4), -even(2, 4), type="CUBA", iDecay=9, vDecay=9)],
        beyond("SNN-3134", "/layer/0"),
        "Lava fails on it.",
    ),
    "delay of another shape": Row(
        [dense_layer(even(2, 2), delay=np.array([1.0, 1, 1]))],
        beyond("SNN-3103", "/layer/0"),
        "Three delays, two neurons.",
    ),
    "negative delay": Row(
        [dense_layer(even(2, 2), delay=np.array([1.0, -1]))],
        beyond("SNN-3116", "/layer/0"),
        "Lava's reader fails on it.",
    ),
    "recurrent layer with a delay": Row(
        [dense_layer(even(2, 2), type="dense_rec", weight_rec=np.full((2, 2), 4.0), delay=np.array(0.0))],
        beyond("SNN-3116", "/layer/0"),
        "Lava has no such layer; a delay of 0 in the file is one, too.",
        landmine=17,
    ),
    "float weights": Row(
        [dense_layer(np.full((2, 2), 2.5))],
        fault("SNN-3104", "/layer/0/weight[0, 0]"),
        "Lava cuts them to integers.",
        landmine=11,
    ),
    "weight NaN": Row([dense_layer([[2, np.nan]])], fault("SNN-3104", "/layer/0/weight[0, 1]"), "Not a number."),
    "weight infinite": Row(
        [dense_layer([[np.inf, 2]])], fault("SNN-3104", "/layer/0/weight[0, 0]"), "Not a number."
    ),
    "weights missing": Row(
        [{"type": "dense", "shape": np.array([3])}], fault("SNN-3101", "/layer/0"), "No weight."
    ),
    "stride missing": Row(
        [IMAGE, without(conv_layer(even(2, 1, 3, 3), (2, 3, 3)), "stride")],
        fault("SNN-3101", "/layer/1"),
        "No stride.",
    ),
    "convolution without neurons": Row(
        [IMAGE, without(conv_layer(even(2, 1, 3, 3), (2, 3, 3)), "neuron")],
        fault("SNN-3101", "/layer/1"),
        "Lava needs them.",
    ),
    "threshold missing": Row(
        [dense_layer(even(2, 2), neuron=without(neuron(), "vThMant"))],
        fault("SNN-3101", "/layer/0/neuron"),
        "A neuron.",
    ),
    "layers that do not fit": Row(
        [dense_layer([[2, 2]]), dense_layer([[2, 2]])], fault("SNN-3107", "/layer/1"), "One output, two inputs."
    ),
    "dense behind an image": Row(
        [input_layer(1, 3, 3), dense_layer(np.full((1, 9), 2))],
        fault("SNN-3107", "/layer/1"),
        "Without a flatten.",
        landmine=14,
    ),
    "declared shape is wrong": Row(
        [IMAGE, conv_layer(even(2, 1, 3, 3), (2, 4, 4)), {"type": "flatten"}, dense_layer(np.full((3, 32), 2))],
        Refusal(FormatError, "SNN-3107"),
        "The convolution gives (2, 3, 3).",
    ),
    "input layer second": Row([ONE, input_layer(1)], Refusal(FormatError, "SNN-3107"), "It must come first."),
    "flatten last": Row([ONE, {"type": "flatten"}], Refusal(FormatError, "SNN-3107"), "Nothing behind it."),
    "decay 5000": Row(
        [dense_layer([[2]], neuron=neuron(iDecay=5000))],
        Refusal(FormatError, "SNN-1006"),
        "Twelve bits.",
        landmine=10,
    ),
    "threshold below 0": Row(
        [dense_layer([[2]], neuron=neuron(vThMant=-1))], Refusal(FormatError, "SNN-1006"), "Unsigned."
    ),
    "four numbers as an input bias": Row(
        [input_layer(4, neuron=neuron(), bias=np.ones(4)), dense_layer(np.full((2, 4), 2))],
        Refusal(FormatError),
        "The bias of an input layer is one number.",
    ),
    "everything at once": Row(
        MANY,
        Refusal(
            UnsupportedError,
            "SNN-3102",
            "/layer/1",
            (
                "SNN-3104 /layer/0/weight[0, 0]",
                "SNN-3102 /layer/2",
                "SNN-3103 /layer/3/neuron",
                "SNN-3104 /layer/4/weight[0, 0]",
                "SNN-3101 /layer/5",
                "SNN-3101 /layer/6",
            ),
        ),
        "Seven faults, one report.",
    ),
    "input shape in doubt": Row(
        [conv_layer(even(2, 1, 3, 3), (2, 3, 3), stride=np.array([2, 2]))],
        Refusal(UsageError),
        "Several inputs fit.",
    ),
    "option that is no number": Row(
        [ONE], Refusal(UsageError), "A reset interval of 1.5 steps.", options={"reset_interval": "1.5"}
    ),
    **SIGMA_DELTA,
    "unknown option": Row([ONE], Refusal(UsageError), "Nobody knows it.", options={"no_such_option": "1"}),
}


def _replaced(file: Any, **options: Any) -> None:
    """Another dataset in the place of the weights."""
    del file["layer/0/weight"]
    file["layer/0"].create_dataset("weight", track_times=False, **options)


def _external_link(file: Any) -> None:
    import h5py

    del file["layer/0/weight"]
    file["layer/0/weight"] = h5py.ExternalLink("secret.net", "/layer/0/weight")


def _soft_link(file: Any) -> None:
    import h5py

    file["layer/0/copy"] = h5py.SoftLink("/layer/0/weight")


def _virtual(file: Any) -> None:
    from h5py import h5d, h5p, h5s, h5t

    del file["layer/0/weight"]
    space, plan = h5s.create_simple((3, 2)), h5p.create(h5p.DATASET_CREATE)
    plan.set_obj_track_times(False)
    plan.set_virtual(space, b"elsewhere.h5", b"data", space)
    h5d.create(file["layer/0"].id, b"weight", h5t.IEEE_F32LE, space, plan)


def _again(file: Any) -> None:
    file["layer/0/again"] = file["layer"]


HUGE: dict[str, Any] = {"shape": (100_000, 100_000), "dtype": "f4", "fillvalue": 0.0}
ATTACKS: dict[str, tuple[Callable[[Any], object], str]] = {
    "external link": (_external_link, "A link to another file is never followed."),
    "soft link": (_soft_link, "A link is never followed."),
    "external storage": (
        lambda file: _replaced(file, shape=(3, 2), dtype="f4", external=[("raw", 0, 24)]),
        "Numbers in another file.",
    ),
    "virtual dataset": (_virtual, "Numbers in another file."),
    "40 GB of zeros": (lambda file: _replaced(file, **HUGE), "Declared, not stored."),
    "40 GB in chunks": (
        lambda file: _replaced(file, chunks=(1024, 1024), compression="gzip", **HUGE),
        "Declared, not stored.",
    ),
    "group inside itself": (_again, "A walk over all entries would never end."),
    "200 groups deep": (
        lambda file: file.create_group("/".join(["layer/0/x", *["y"] * 200])),
        "Deeper than any network.",
    ),
    "text as weights": (lambda file: _replaced(file, data="os.system('rm -rf /')"), "Text where numbers belong."),
}
