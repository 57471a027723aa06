"""``file.netx``, accepted: what Lava's reader makes of a file, and what it does to it without a word."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from snnhub.api.load import load_graph
from snnhub.api.options import ImportOptions
from snnhub.ir.graph import Graph
from snnhub.passes.base import PassContext, run_passes
from snnhub_netx.arrange import passes
from snnhub_netx.writer import export_netx

from snnhub_conformance.generate import chips
from snnhub_conformance.generate.entry import Answer, Family
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

SOURCE = {"kind": "reader", "ref": "netx importer, held against Lava 0.10 by tests/differential/test_lava.py"}
WRITTEN = {"kind": "graph", "ref": "the network that was written"}


@dataclass(frozen=True)
class Row:
    """Layers of a file, what must be reported, and why the case is there."""

    layers: list[Layer]
    comment: str
    findings: tuple[str, ...] = ()
    options: dict[str, str] = field(default_factory=dict)
    landmine: int | None = None
    names: list[str] | None = None


def add(writer: Writer) -> None:
    """Files by hand, and files of the exporter, whose network is known."""
    family = Family(writer, "file.netx", "reader", ("importer", "netx"), SOURCE)
    for title, row in ROWS.items():
        data = netx(row.layers, row.names)
        digest = Answer(_read(data, row.options)).expect().digest
        family.add(
            title,
            row.comment,
            {"netx": ("model.net", data)},
            Answer(None, row.findings, digest),
            options=row.options,
            landmine=row.landmine,
        )
    family = Family(writer, "file.netx", "reader", ("importer", "netx"), WRITTEN)
    for title, make in chips.INTEGER.items():
        graph = run_passes(make(), passes(), PassContext())
        about = f"{(make.__doc__ or title).strip()} Written by the exporter, with its records."
        family.add(
            f"written: {title}", about, {"netx": ("model.net", _written(graph))}, Answer(graph, ("SNN-3114",))
        )

    edited = _written(run_passes(chips.dense_chain(), passes(), PassContext()), edit=True)
    about = "The records of a file whose weights were changed afterwards are left out."
    answer = Answer(None, ("SNN-3113",), Answer(_read(edited, {})).expect().digest)
    family.add("edited", about, {"netx": ("model.net", edited)}, answer)


def _read(data: bytes, options: dict[str, str]) -> Graph:
    text = options.get("input_shape", "")
    shape = tuple(int(size) for size in text.split(",")) if text else None
    given = {key: value for key, value in options.items() if key != "input_shape"}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.net"
        path.write_bytes(data)
        return load_graph(path, importer="netx", options=ImportOptions(input_shape=shape, given=given)).graph


def _written(graph: Graph, edit: bool = False) -> bytes:
    import h5py

    with tempfile.TemporaryDirectory() as folder:
        export_netx(graph, Path(folder) / "model.net")
        if edit:
            with h5py.File(Path(folder) / "model.net", "r+") as file:
                file["layer/1/weight"][0, 0] += 2
        return (Path(folder) / "model.net").read_bytes()


ONE_HOT = np.zeros((1, 1, 3, 3))
ONE_HOT[0, 0, 0, 2] = 2
DECAYS = neuron(iDecay=np.array([9, 900, 4000, 0]), vDecay=np.array([4, 40, 400, 0]))
OLD = neuron(type="LOIHI", wgtExp=0, theta=4096)
WORKED_OUT = "SNN-3109"

SIGMA = {**SDNN, "sigma_output": True, "vThMant": 0}
SIGMA_DELTA: dict[str, Row] = {
    "sigma-delta: dense": Row(
        [
            graded_input(4, weight=np.array([64.0], "f4"), bias=np.array([0.0], "f4")),
            dense_layer(even(3, 4), bias=np.array([3.0, -2, 0]), neuron=SDNN),
            dense_layer(even(2, 3), neuron=SIGMA),
        ],
        "An input that sends differences, neurons, a sigma output. Lava does not apply the input's weight.",
        ("SNN-3105 /layer/0/weight", "SNN-3105 /layer/0/bias"),
    ),
    "sigma-delta: conv, flatten, dense": Row(
        [
            graded_input(2, 4, 3),
            conv_layer(even(3, 2, 3, 2), (3, 2, 2), bias=np.array([3.0, -2, 5]), neuron=SDNN),
            {"type": "flatten", "shape": np.array([12, 1, 1])},
            dense_layer(even(2, 12), neuron=SIGMA),
        ],
        "As lava-dl writes it: the shape of a flatten has three axes.",
    ),
    "sigma-delta: plain spikes first": Row(
        [dense_layer(even(3, 2), neuron=SDNN), dense_layer(even(2, 3), neuron={**SDNN, "sigma_output": False})],
        "The key alone makes a sigma output.",
        ("SNN-3105 /layer/1/neuron/vThMant",),
    ),
    "sigma-delta: another activation": Row(
        [graded_input(2), dense_layer(even(2, 2), neuron={**SDNN, "activation": "tanh"})],
        "Lava computes a ReLU.",
        ("SNN-3120 /layer/1/neuron/activation",),
    ),
    "sigma-delta: threshold and bias beyond 20 bits": Row(
        [
            graded_input(2),
            dense_layer(even(2, 2), bias=np.array([2.0**19, 5]), neuron={**SDNN, "vThMant": 2**20 + 1}),
        ],
        "Lava holds them times 4096 in 32 bits.",
        ("SNN-3123 /layer/1/neuron/vThMant", "SNN-3123 /layer/1/bias"),
    ),
    "sigma-delta: reset_interval": Row(
        [
            graded_input(1, 3, 3),
            conv_layer(even(2, 1, 2, 2), (2, 2, 2), neuron=SDNN),
            conv_layer(even(1, 2, 2, 2), (1, 1, 1)),
        ],
        "Lava resets the neurons of the last layer only.",
        ("SNN-3124", WORKED_OUT),
        {"reset_interval": "6"},
    ),
    "sigma-delta: delays": Row(
        [graded_input(3), dense_layer(even(2, 3), delay=np.array([[0.0, 1, 2], [3, 0, 1]]), neuron=SDNN)],
        "Lava's products overflow one by one.",
        ("SNN-3125 /layer/1/weight",),
    ),
    "sigma-delta: recurrent": Row(
        [
            graded_input(2),
            dense_layer(even(2, 2), type="dense_rec", weight_rec=np.full((2, 2), 4.0, "f4"), neuron=SDNN),
        ],
        "Behind graded spikes the loop carries numbers.",
        ("SNN-3125 /layer/1/weight",),
    ),
    "sigma-delta: what lava-dl's norms add": Row(
        [graded_input(2), dense_layer(even(2, 2), neuron={**SDNN, "weight_exp": -1})],
        "Lava ignores it.",
        ("SNN-3105 /layer/1/neuron/weight_exp",),
    ),
}

ROWS: dict[str, Row] = {
    **SIGMA_DELTA,
    "dense": Row([dense_layer(even(5, 6)), dense_layer(even(4, 5))], "Two dense layers."),
    "dense, recurrent": Row(
        [dense_layer(even(3, 2), type="dense_rec", weight_rec=even(3, 3).astype(np.float32))],
        "The loop's synapse takes its step, too.",
    ),
    "conv, flatten, dense": Row(
        [
            input_layer(2, 4, 3),
            conv_layer(even(3, 2, 3, 2), (3, 2, 2)),
            {"type": "flatten"},
            dense_layer(even(2, 12)),
        ],
        "A file's shapes are (channels, y, x) for a kernel (out, in, y, x); flatten merges them in that order.",
        landmine=14,
    ),
    "conv: stride, padding, dilation, groups": Row(
        [
            input_layer(2, 6, 5),
            conv_layer(
                even(4, 1, 3, 2),
                (4, 3, 5),
                stride=np.array([2, 1]),
                padding=np.array([1, 1]),
                dilation=np.array([1, 2]),
                groups=2,
            ),
        ],
        "Everything that differs between the axes.",
    ),
    "conv: one-hot kernel": Row(
        [input_layer(1, 4, 4), conv_layer(ONE_HOT, (1, 2, 2))],
        "A kernel that is neither symmetric nor its own transpose: flipped or transposed it is another network.",
        landmine=13,
    ),
    "conv: numbers for both axes": Row(
        [input_layer(1, 5, 5), conv_layer(even(2, 1, 3, 3), (2, 3, 3), stride=1, padding=0, dilation=1)],
        "Geometry as single numbers.",
    ),
    "conv: kernel of five axes": Row(
        [input_layer(1, 5, 5), conv_layer(even(2, 1, 3, 3, 1), (2, 3, 3))], "A kernel with an axis of one behind."
    ),
    "input shape worked out": Row(
        [conv_layer(even(2, 1, 3, 3), (2, 3, 3))], "Without an input layer, and without a doubt.", (WORKED_OUT,)
    ),
    "input shape given": Row(
        [conv_layer(even(2, 1, 3, 3), (2, 3, 3), stride=np.array([2, 2]))],
        "Several inputs fit: whoever reads says which.",
        options={"input_shape": "1,8,7"},
    ),
    "input block with neurons": Row(
        [input_layer(2, 4, 3, neuron=neuron(vThMant=1), bias=1.0), conv_layer(even(1, 2, 2, 2), (1, 3, 2))],
        "The block's own neurons see the input.",
        ("SNN-3105",),
    ),
    "decays per channel": Row([dense_layer(even(4, 6), neuron=DECAYS)], "A decay for each neuron.", landmine=21),
    "biases": Row([dense_layer(even(4, 6), bias=np.array([3.0, -2, 0, 50]))], "A bias for each neuron."),
    "bias of 40,000": Row(
        [dense_layer(even(2, 2), bias=np.array([40000.0, 5.0]))],
        "Lava wraps it to 16 bits.",
        ("SNN-3112",),
        landmine=10,
    ),
    "weights up to -256": Row(
        [dense_layer([[-256, 254], [2, -2]])],
        "Eight bits are not symmetric: -256 is a weight, 256 is none.",
        landmine=9,
    ),
    "weights that packing changes": Row(
        [dense_layer(np.full((3, 2), 8)), dense_layer(np.full((2, 3), -8))],
        "A layer of inhibition alone is 0 in Lava.",
        ("SNN-3111",),
        landmine=9,
    ),
    "all weights 0": Row([dense_layer(np.zeros((2, 2)))], "Lava's reader fails on it.", ("SNN-3110",)),
    "delay of the layer": Row([dense_layer(even(4, 6), delay=np.array(5.0))], "One delay for all."),
    "delay per output": Row([dense_layer(even(4, 6), delay=np.array([1.0, 2, 3, 0]))], "A delay for each neuron."),
    "delay per input": Row([dense_layer(even(3, 4), delay=np.array([0.0, 4, 2, 7]))], "A delay for each input."),
    "delay per synapse": Row(
        [dense_layer(even(2, 3), delay=np.array([[0.0, 1, 2], [3, 0, 1]]))], "A delay for each weight."
    ),
    "delay 62": Row(
        [dense_layer(even(2, 2), delay=np.array([0.0, 62.0]))], "The largest that Lava keeps.", landmine=17
    ),
    "delay 63": Row(
        [dense_layer(even(2, 2), delay=np.array([1.0, 63.0]))],
        "Lava clamps it to 62.",
        ("SNN-3115 /layer/0/delay",),
        landmine=17,
    ),
    "delay 2.5": Row(
        [dense_layer(even(2, 2), delay=np.array([1.0, 2.5]))], "Lava cuts it to 2.", ("SNN-3115 /layer/0/delay",)
    ),
    "delay of a convolution": Row(
        [input_layer(1, 3, 3), conv_layer(even(1, 1, 2, 2), (1, 2, 2), delay=np.array([2.0]))],
        "Lava ignores it.",
        ("SNN-3106 /layer/1/delay",),
    ),
    "reset_interval": Row(
        [dense_layer(even(4, 6), bias=np.array([3.0, 2, 0, 5]))],
        "The file cannot say it; the reader is told.",
        (WORKED_OUT,),
        {"reset_interval": "8", "reset_offset": "3"},
    ),
    "old names": Row(
        [dense_layer(even(5, 6), shape=np.array([5, 1, 1]), neuron=OLD)],
        "LOIHI neurons, shape (N, 1, 1).",
        landmine=23,
    ),
    "one neuron, weights in one axis": Row(
        [dense_layer(even(2, 3)), dense_layer([2, 4], shape=np.array([1]))], "A row."
    ),
    "no neuron": Row([without(dense_layer(even(2, 2)), "neuron")], "Lava puts its defaults there.", (WORKED_OUT,)),
    "refractory delay": Row(
        [dense_layer(even(2, 2), neuron=neuron(refDelay=3))],
        "Lava ignores it.",
        ("SNN-3105 /layer/0/neuron/refDelay",),
    ),
    "weight exponent": Row(
        [dense_layer(even(2, 2), neuron=neuron(weight_exp=-1))],
        "Lava ignores it.",
        ("SNN-3105 /layer/0/neuron/weight_exp",),
        landmine=9,
    ),
    "messageBits": Row(
        [dense_layer(even(2, 2), neuron=neuron(messageBits=0))],
        "Lava's reader crashes on the key.",
        ("SNN-3108 /layer/0/neuron/messageBits",),
    ),
    "resonators": Row(
        [dense_layer(even(4, 3)), complex_layer(even(2, 4), -even(2, 4))],
        "Complex weights, each part packed by itself; decays half a step farther from 0.",
        ("SNN-3132 /layer/1/neuron/sinDecay",),
    ),
    "resonators after Izhikevich": Row(
        [complex_layer(even(2, 4), -even(2, 4), type="RF_IZHIKEVICH", cosDecay=np.array([-7.5, 0.0]))],
        "A cosine for each neuron.",
        ("SNN-3132 /layer/0/neuron/cosDecay",),
    ),
    "resonators with whole decays": Row(
        [complex_layer(even(2, 4), -even(2, 4), sinDecay=1500, cosDecay=3700)],
        "Lava makes them of floats, and may have one less.",
        ("SNN-3131 /layer/0/neuron/sinDecay",),
    ),
    "adaptive resonators": Row(
        [complex_layer(even(2, 4), -even(2, 4), type="ADRF_PHASE", thDecay=9)],
        "Plain ones in Lava.",
        ("SNN-3130 /layer/0/neuron",),
    ),
    "graded spikes": Row(
        [dense_layer(even(2, 2), neuron=neuron(gradedSpike=True))],
        "Lava sends 0 and 1.",
        ("SNN-3137 /layer/0/neuron/gradedSpike",),
    ),
    "eleven layers": Row(
        [without(dense_layer(even(2, 2)), "neuron") for _ in range(11)],
        "As text, 10 comes before 2.",
        landmine=12,
    ),
}
