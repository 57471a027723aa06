"""Checkpoints that want to be unpickled, claim more than they hold, or are cut off."""

from __future__ import annotations

import pickle  # noqa: TID251  to write what must never be read
import zipfile
from pathlib import Path
from typing import Any

import pytest
from snnhub.errors import FormatError, SnnhubError, UnsupportedError, UsageError
from snnhub_conformance.damage import mutated

pytestmark = [pytest.mark.peer, pytest.mark.usefixtures("spikingjelly")]


def net() -> Any:
    from torch import nn

    return nn.Linear(4, 3, bias=False)


def load(path: Path) -> None:
    from snnhub.torchnet.weights import load_weights

    load_weights(net(), path)


def saved(path: Path, content: Any, **options: Any) -> Path:
    import torch

    torch.save(content, path, **options)
    return path


class Runs:
    """What a malicious checkpoint holds: a call that unpickling makes."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: {"net": x}, lambda x: {"weight": x}])
@pytest.mark.parametrize("legacy", [False, True])
def test_nothing_is_unpickled(wrap: Any, legacy: bool, tmp_path: Path) -> None:
    path = saved(tmp_path / "x.pt", wrap(Runs(tmp_path / "evil")), _use_new_zipfile_serialization=not legacy)
    with pytest.raises(UnsupportedError, match="unpickling"):
        load(path)
    (tmp_path / "y.pt").write_bytes(pickle.dumps(Runs(tmp_path / "evil")))
    with pytest.raises(UnsupportedError, match="unpickling"):
        load(tmp_path / "y.pt")
    assert not (tmp_path / "evil").exists()


def test_tensors_that_claim_a_size_without_storing_it(tmp_path: Path) -> None:
    """Stride 0: four petabytes over one number. Only its shape is looked at."""
    import torch

    path = saved(tmp_path / "x.pt", {"weight": torch.zeros(1).expand(2**50)})
    assert path.stat().st_size < 4096
    with pytest.raises(UsageError, match="has shape"):
        load(path)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_sparse_tensors_are_no_weights(tmp_path: Path) -> None:
    import torch

    indices = torch.zeros((2, 1), dtype=torch.int64)
    sparse = torch.sparse_coo_tensor(indices, torch.ones(1), (4, 3), check_invariants=True)
    with pytest.raises(SnnhubError):
        load(saved(tmp_path / "x.pt", {"weight": sparse.t()}))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_are_not_finite(value: float, tmp_path: Path) -> None:
    import torch

    with pytest.raises(FormatError, match="NaN or infinity"):
        load(saved(tmp_path / "x.pt", {"weight": torch.full((3, 4), value)}))


def test_a_compressed_checkpoint_is_a_bomb(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x/data.pkl", b"\x80\x02}q\x00.")
        archive.writestr("x/data/0", b"\0" * 2**26)
    with pytest.raises(FormatError, match="far beyond"):
        load(tmp_path / "x.pt")


def test_storages_larger_than_the_file(tmp_path: Path) -> None:
    """The pickle says that the storage has 2**40 numbers; the record has twelve."""
    import torch

    path = saved(tmp_path / "x.pt", {"weight": torch.zeros(3, 4)})
    members = {}
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            members[name] = archive.read(name)
    name = next(name for name in members if name.endswith("data.pkl"))
    assert b"K\x0ct" in members[name]  # twelve, as one byte
    members[name] = members[name].replace(b"K\x0ct", b"\x8a\x06" + (2**40).to_bytes(6, "little") + b"t", 1)
    with zipfile.ZipFile(tmp_path / "y.pt", "w", zipfile.ZIP_STORED) as archive:
        for key, data in members.items():
            archive.writestr(key, data)
    with pytest.raises(SnnhubError):
        load(tmp_path / "y.pt")


@pytest.mark.parametrize("kind", ["zip", "legacy", "safetensors"])
def test_mutated_checkpoints_never_crash(kind: str, tmp_path: Path) -> None:
    """60 cases of each kind: flipped, cut, spliced."""
    import torch
    from safetensors.torch import save_file

    path = tmp_path / ("x.safetensors" if kind == "safetensors" else "x.pt")
    content = {"weight": torch.arange(12.0).reshape(3, 4)}
    if kind == "safetensors":
        save_file(content, path)
    else:
        saved(path, content, _use_new_zipfile_serialization=kind == "zip")
    whole = path.read_bytes()
    loaded = 0
    for case in range(60):
        path.write_bytes(mutated(whole, case))
        try:
            load(path)
            loaded += 1
        except SnnhubError:
            continue
    assert loaded < 60


def test_the_mutations_differ() -> None:
    assert len({mutated(bytes(range(256)), case) for case in range(30)}) == 30
