"""Writes the frozen files of the current format version. Run once per version; never again for an old one.

    python -m tests.golden.freeze tests/golden/v1_0

The float MNIST network comes from SpikingJelly, the NetX file from its lowering, the expected recording from
SpikingJelly itself, so that tests need neither.
"""

from __future__ import annotations

import argparse
import json
import sys
from itertools import product
from pathlib import Path

import numpy as np
import snnhub
from snnhub.api.options import ImportOptions
from snnhub.hub.catalogue import register_ops
from snnhub.ir.op import Attribute, StepOp
from snnhub.ir.tensor import Array
from snnhub.ops.registry import REGISTRY
from snnhub_formats.container import save

from tests.conftest import EXAMPLE
from tests.unit.test_container import everything

STEPS, DIGITS = 8, 20


def digits(key: str, count: int) -> Array:
    """Encoded digits of the example."""
    sys.path.insert(0, str(EXAMPLE))
    from encoding import encode  # type: ignore[import-not-found]

    spikes: Array = encode(np.load(EXAMPLE / "digits.npz")[key][:count], STEPS)
    return spikes


def choices(attribute: Attribute) -> list[object]:
    """Values of an attribute that make a difference: all of a choice, both ends and one inside of a range."""
    if attribute.allowed:
        return list(attribute.allowed)
    low, high = attribute.range or (0, 0)
    return [low, min(low + 16, high), high]


def program_digests() -> dict[str, str]:
    """Digest of every shipped step op, version and combination of attributes."""
    found = {}
    for op in REGISTRY.all():
        if isinstance(op, StepOp):
            names = [attribute.name for attribute in op.attributes]
            for values in product(*(choices(attribute) for attribute in op.attributes)):
                settings = dict(zip(names, values, strict=True))
                text = ",".join(f"{name}={value}" for name, value in sorted(settings.items()))
                found[f"{op.name}/{op.version} {text}"] = op.program(settings).digest  # type: ignore[arg-type]
    return dict(sorted(found.items()))


def main(folder: Path) -> None:
    """Write everything."""
    register_ops()
    folder.mkdir(parents=True, exist_ok=True)
    source = f"{EXAMPLE.relative_to(Path.cwd())}/model.py:csnn"  # no path of this machine in a frozen file
    options = ImportOptions(EXAMPLE / "weights.pt", {"channels": "16"}, (1, 28, 28))
    snnhub.convert(source, folder / "mnist_csnn.snn", options=options)
    snnhub.convert(source, folder / "mnist_csnn.net", options=options, calibration=digits("calibration", 100))
    recording = snnhub.run(
        source, digits("images", DIGITS), runner="spikingjelly", record="all", options=options
    ).recording
    spikes = {key.replace("/", "."): np.packbits(array) for key, array in recording.items() if key.endswith("/s")}
    np.savez_compressed(folder / "mnist_csnn_spikes.npz", allow_pickle=False, **spikes)
    save(everything(), folder / "everything.snn")
    (folder / "programs.json").write_text(json.dumps(program_digests(), indent=1) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the files go")
    main(parser.parse_args().folder)
