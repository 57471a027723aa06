"""NIR files, made steps by a profile, on chips: what was written has the bits of live Lava and xylosim."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import snnhub
from snnhub.api.options import ImportOptions

from tests.networks.nir_nets import DT, Net, affine, chain, cuba, lif, weights

pytestmark = [pytest.mark.peer]
STEPS = 80
UNIT: dict[str, Any] = {"r": 20.0, "w_in": 10.0, "th": 1.0}


def mlp(hidden: Any, last: Any) -> Net:
    return chain(affine(weights(16, 8, 1)), hidden, affine(weights(4, 16, 2)), last, shape=[8], out=[4])


def per_neuron(low: float, high: float) -> Any:
    return np.random.default_rng(5).uniform(low, high, 16)


NETX = {
    "lif": ("nir-euler", mlp(lif(16, r=20.0, th=1.0), lif(4, r=20.0, th=1.0))),
    "cuba": ("norse-1", mlp(cuba(16, **UNIT), cuba(4, **UNIT))),
    "per neuron": (
        "exponential",
        mlp(cuba(16, **(UNIT | {"th": per_neuron(0.8, 1.2)}), mem=per_neuron(1e-3, 4e-3)), cuba(4, **UNIT)),
    ),
}


def stimulus() -> Any:
    return (np.random.default_rng(0).random((STEPS, 8)) < 0.3).astype("f4")


@pytest.mark.usefixtures("lava")
@pytest.mark.parametrize("name", NETX)
def test_netx_in_live_lava(name: str, tmp_path: Path) -> None:
    """The file gives Lava's bits, and the network's spikes as far as the conversion promised."""
    profile, net = NETX[name]
    source, written, x = net.write(tmp_path / "a.nir"), tmp_path / "a.net", stimulus()
    options = ImportOptions(profile=profile, dt=DT)
    snnhub.convert(source, written, to="netx", options=options, calibration=x, verify=x)
    found = snnhub.verify(written, against="lava", stimulus=x, expect="bits")
    assert found.passed
    assert snnhub.verify(source, written, stimulus=x, options=options).passed


@pytest.mark.usefixtures("xylosim")
def test_xylo_in_live_xylosim(tmp_path: Path) -> None:
    """rockpool-3 makes neurons of Xylo's own kind; the configuration gives xylosim's bits."""
    neuron: dict[str, Any] = {"syn": 2e-2, "mem": 2e-2, "th": 15.0, "r": 19.0}
    net = mlp(cuba(16, **neuron), cuba(4, **neuron))
    source, written, x = net.write(tmp_path / "a.nir"), tmp_path / "a.json", stimulus()
    options = ImportOptions(profile="rockpool-3", dt=1e-3)
    snnhub.convert(source, written, to="xylo", target="xylo-a2", options=options, calibration=x, verify=x)
    found = snnhub.verify(written, against="xylosim", stimulus=x, expect="bits")
    assert found.passed
