"""Pickled networks: what is inside is told, nothing inside is ever run, and nothing hangs or escapes."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from snnhub.cli.main import invoke
from snnhub.errors import SnnhubError, UnsupportedError, UsageError
from snnhub.torchnet.pickled import modules_in

pytestmark = [pytest.mark.peer, pytest.mark.usefixtures("spikingjelly")]
MARK = "PWNED"


class Payload:
    """Makes a folder when it is unpickled."""

    def __reduce__(self) -> Any:
        return os.mkdir, (MARK,)


def network() -> Any:
    from spikingjelly.activation_based import layer, neuron
    from torch import nn

    return nn.Sequential(
        layer.Conv2d(1, 4, 3, padding=1), nn.Sequential(neuron.LIFNode(tau=1.5), layer.Flatten()), nn.Linear(64, 3)
    )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def pickle_of(path: Path) -> bytes:
    with zipfile.ZipFile(path) as archive:
        return archive.read(next(name for name in archive.namelist() if name.endswith("data.pkl")))


def test_the_modules_inside_are_listed(folder: Path) -> None:
    import torch

    for protocol in (2, 3, 4, 5):
        torch.save(network(), "net.pt", pickle_protocol=protocol)
        entries = modules_in(pickle_of(Path("net.pt")))
        assert [(entry.path, entry.kind.rpartition(".")[2]) for entry in entries] == [
            ("", "Sequential"),
            ("0", "Conv2d"),
            ("1", "Sequential"),
            ("1.0", "LIFNode"),
            ("1.0.surrogate_function", "Sigmoid"),
            ("1.1", "Flatten"),
            ("2", "Linear"),
        ]
        assert dict(entries[1].settings)["kernel_size"] == (3, 3)
        assert {"tau": 1.5, "v_threshold": 1.0}.items() <= dict(entries[3].settings).items()
        assert dict(entries[6].settings) == {"in_features": 64, "out_features": 3}


@pytest.mark.parametrize(
    "arguments",
    [
        ["convert", "net.pt", "--from", "spikingjelly", "-o", "net.snn"],
        ["convert", "net.pt", "-o", "net.snn"],
        ["inspect", "net.pt"],
        ["convert", "model.py:net", "--weights", "net.pt", "--input-shape", "1,4,4", "-o", "net.snn"],
    ],
)
def test_a_whole_network_is_refused_with_its_modules_and_the_way_on(
    arguments: list[str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import torch

    torch.save(network(), "net.pt")
    Path("model.py").write_text("from tests.hostile.test_pickles import network as net\n")
    assert invoke(arguments) != 0
    said = capsys.readouterr().err
    for words in (
        "unpickling, which runs code",
        "1.0 LIFNode(",
        "tau=1.5",
        "state_dict()",
        "--weights weights.pt",
    ):
        assert words in said
    assert not Path("net.snn").exists()


def test_a_malicious_pickle_runs_nothing(folder: Path) -> None:
    import torch
    from snnhub.torchnet.weights import read, refuse_file

    net = network()
    net.extra = Payload()
    net[0].hidden = Payload()
    for content in (net, Payload(), {"net": net}, [Payload()], {"state_dict": {}, "evil": Payload()}):
        torch.save(content, "evil.pt")
        torch.save(content, "old.pt", _use_new_zipfile_serialization=False)
        for name in ("evil.pt", "old.pt"):
            with pytest.raises(UnsupportedError, match="needs unpickling"):
                read(Path(name))
            assert isinstance(refuse_file(Path(name)), UnsupportedError)
        modules_in(pickle_of(Path("evil.pt")))
    assert not Path(MARK).exists()
    torch.load("evil.pt", weights_only=False)
    assert Path(MARK).exists(), "the payload does work where somebody unpickles it"


def test_the_finding_names_the_file(folder: Path) -> None:
    import torch
    from snnhub.torchnet.weights import refuse_file

    torch.save({"epoch": 3, "net": network()}, "net.pt")
    problem = refuse_file(Path("net.pt"))
    assert [(finding.code, finding.place) for finding in problem.findings] == [("SNN-3011", "net.pt")]
    assert "7 modules" in problem.findings[0].message
    torch.save(network().state_dict(), "state.pt")
    problem = refuse_file(Path("state.pt"))
    assert isinstance(problem, UsageError)
    assert "snnhub convert my_model.py:my_factory --weights state.pt" in problem.remedy


def test_random_damage_ends_in_an_answer(folder: Path) -> None:
    """Bytes of a real pickle changed, cut and doubled: modules or none, never an exception, never a call."""
    import torch

    torch.save(network(), "net.pt")
    whole = pickle_of(Path("net.pt"))
    random = np.random.default_rng(20261121)
    for _ in range(300):
        data = bytearray(whole[: random.integers(1, len(whole))] if random.random() < 0.3 else whole)
        for _ in range(int(random.integers(1, 20))):
            data[random.integers(len(data))] = random.integers(256)
        modules_in(bytes(data))
    for size in range(0, len(whole), 97):
        modules_in(whole[:size])
        with zipfile.ZipFile("cut.pt", "w") as archive:
            archive.writestr("net/data.pkl", whole[:size])
        from snnhub.torchnet.weights import refuse_file

        assert isinstance(refuse_file(Path("cut.pt")), SnnhubError)


def test_pickles_that_blow_up() -> None:
    """A module that contains itself, lists of lists doubled again and again, and depth without end."""
    doubled = b"\x80\x02]q\x00" + b"".join(b"]q%c(h%ch%ce" % (n + 1, n, n) for n in range(60)) + b"."
    assert modules_in(doubled) == ()
    cyclic = (
        b"\x80\x02ctorch.nn\nSequential\n)\x81q\x00}q\x01X\x08\x00\x00\x00_modules}q\x02"
        b"X\x01\x00\x00\x00ah\x00sX\x01\x00\x00\x00bh\x00ssb."
    )
    entries = modules_in(cyclic)
    assert entries[0].kind == "torch.nn.Sequential"
    assert len(entries) <= 400
    assert modules_in(b"(" * 100_000 + b"t" * 100_000 + b".") == ()
    assert modules_in(io.BytesIO().getvalue()) == ()
