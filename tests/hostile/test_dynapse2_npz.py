"""Broken and hostile files of DynapSim networks: each refused by an error of ours that names the place."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
import snnhub
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from snnhub.errors import FormatError, SnnhubError, UnsupportedError
from snnhub.ir.tensor import Array
from snnhub_dynapse2.archive import looks_like, read_archive

from tests.networks.dynapsim_numbers import layer, raster, save

SIZE, CHANNELS, STEPS = 6, 8, 12
X = raster(STEPS, CHANNELS)


def whole() -> dict[str, Array]:
    return {**layer(SIZE, CHANNELS), "x": X, "s": np.zeros((STEPS, SIZE), np.uint8)}


def bad(path: Path, **change: Array | None) -> FormatError:
    arrays = {**whole(), **{name.replace("__", "/"): array for name, array in change.items()}}
    kept = {name: array for name, array in arrays.items() if array is not None}
    with pytest.raises(FormatError) as caught:
        read_archive(save(path / "n.npz", kept))
    return caught.value


CHANGES: dict[str, tuple[dict[str, Array | None], str, str]] = {
    "a name less": ({"f_charge": None}, "SNN-3409", "0/f_charge"),
    "a name more": ({"nonsense": np.zeros(3)}, "SNN-3409", "nonsense"),
    "a raster of other channels": ({"x": X[:, :-1]}, "SNN-3408", "x"),
    "a layer that is skipped": ({"2__w_in": np.zeros((6, 6))}, "SNN-3409", "layers"),
    "a layer beyond all": ({"99__w_in": np.zeros((6, 6))}, "SNN-3409", "99/w_in"),
    "a layer below 0": ({"-1__w_in": np.zeros((6, 6))}, "SNN-3409", "-1/w_in"),
    "a folder": ({"a__f_charge": np.zeros(6)}, "SNN-3409", "a/f_charge"),
    "a name twice": ({"0__f_charge": np.zeros(6)}, "SNN-3409", "0/f_charge"),
    "texts for numbers": ({"Io": np.array(["a"] * 6)}, "SNN-3409", "Io"),
    "complex numbers": ({"Io": np.zeros(6, np.complex64)}, "SNN-3409", "Io"),
    "NaN": ({"Ut": np.full(6, np.nan)}, "SNN-3404", "0/Ut"),
    "beyond f32": ({"w_in": np.full((CHANNELS, SIZE), 1e300)}, "SNN-3404", "0/w_in"),
    "a step per neuron": ({"dt": np.linspace(1e-3, 2e-3, SIZE)}, "SNN-3404", "0/dt"),
    "another count": ({"n_ref": np.full(SIZE, 77)}, "SNN-3404", "0/n_ref"),
    "half a step": ({"n_ref": np.full(SIZE, 0.5)}, "SNN-3404", "0/n_ref"),
    "sizes that disagree": ({"Io": np.ones(5)}, "SNN-3408", "0/"),
    "a matrix of parameters": ({"Io": np.ones((SIZE, 2))}, "SNN-3408", "0/Io"),
    "recurrent weights that are not square": ({"w_rec": np.ones((SIZE, 5))}, "SNN-3408", "0/w_rec"),
    "weights of one axis": ({"w_in": np.ones(SIZE)}, "SNN-3408", "0/w_in"),
    "no weights": ({"w_in": np.ones((0, SIZE))}, "SNN-3408", "0/w_in"),
    "a bias without weights": ({"w_in": None, "b_in": np.ones(SIZE)}, "SNN-3409", "0/b_in"),
    "a raster of one axis": ({"x": np.zeros(STEPS)}, "SNN-3409", "x"),
    "a raster with NaN": ({"x": X * np.nan}, "SNN-3409", "x"),
    "a recording without a raster": ({"x": None}, "SNN-3409", "0/s"),
    "a recording of other steps": ({"s": np.zeros((STEPS + 1, SIZE))}, "SNN-3408", "0/s"),
    "a recording of other neurons": ({"imem": np.zeros((STEPS, 3))}, "SNN-3408", "0/imem"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_each_wrong_array_is_refused_with_its_place(tmp_path: Path, what: str) -> None:
    change, code, place = CHANGES[what]
    found = bad(tmp_path, **change)
    assert (code, place) in {(item.code, item.place) for item in found.findings}


def test_the_good_one_is_good_and_everything_wrong_is_told_at_once(tmp_path: Path) -> None:
    assert set(read_archive(save(tmp_path / "n.npz", whole())).records) == {"0/s"}
    found = bad(tmp_path, f_charge=None, nonsense=np.zeros(1), Ut=np.full(SIZE, np.inf))
    assert {item.place for item in found.findings} >= {"0/f_charge", "nonsense", "0/Ut"}


def test_rounding_to_f32_is_said(tmp_path: Path) -> None:
    arrays = whole()
    wide = arrays["w_in"].astype(np.float64)
    assert "SNN-2526" not in codes_of(tmp_path, arrays | {"w_in": wide})
    wide[1, 2] = np.pi
    assert codes_of(tmp_path, arrays | {"w_in": wide})["SNN-2526"] == ("0/w_in", "note")
    wide[1, 2] = 1e-60
    assert codes_of(tmp_path, arrays | {"w_in": wide})["SNN-2526"] == ("0/w_in", "loss")


def codes_of(folder: Path, arrays: dict[str, Array]) -> dict[str, tuple[str, str]]:
    found = read_archive(save(folder / "n.npz", arrays)).findings
    return {item.code: (item.place, item.severity.value) for item in found}


def test_too_many_neurons_are_refused_before_anything_is_made_of_them(tmp_path: Path) -> None:
    arrays = {**layer(SIZE, CHANNELS), "w_rec": None, "w_in": None}
    kept = {name: array for name, array in arrays.items() if array is not None}
    kept |= {"Io": np.full(1 << 17, 5e-13)}
    with pytest.raises(FormatError) as caught:
        read_archive(save(tmp_path / "n.npz", kept))
    assert any("131072 neurons" in item.message for item in caught.value.findings)


def test_pickles_are_never_loaded(tmp_path: Path) -> None:
    arrays = {**whole(), "f_charge": np.array([{"a": 1}] * SIZE, dtype=object)}
    with pytest.raises(FormatError, match="unpickling"):
        read_archive(save(tmp_path / "n.npz", arrays))


def test_bombs_and_false_sizes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "n.npz"
    head = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1000000, 1000000), }"
    data = b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head + b"\0" * 64
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("f_charge", "f_discharge", "It_mem"):
            archive.writestr(f"{name}.npy", data)
    assert looks_like(path)
    with pytest.raises(FormatError, match="beyond the file"):
        snnhub.import_model(path, source="dynapse2")
    monkeypatch.setattr("snnhub_formats.recording.INFLATED_BYTES", 2**20)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("0/w_in.npy", bytes(2**20 + 1))
    with pytest.raises(FormatError, match="unpack to too much"):
        read_archive(path)


@pytest.mark.parametrize("content", [b"", b"PK", b"PK\3\4", b"PK\3\4" + b"\0" * 99, b"hello"])
def test_what_is_no_zip_is_no_network(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "n.npz"
    path.write_bytes(content)
    assert not looks_like(path)
    with pytest.raises(SnnhubError):
        read_archive(path)


def _bytes() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **whole())  # type: ignore[arg-type]
    return buffer.getvalue()


GOOD = _bytes()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, len(GOOD) - 1), st.integers(0, 255), st.integers(0, 40))
def test_any_damage_is_refused_by_an_error_of_ours_or_harmless(
    tmp_path: Path, place: int, value: int, cut: int
) -> None:
    data = bytearray(GOOD)
    data[place] = value
    path = tmp_path / "n.npz"
    path.write_bytes(bytes(data[: len(data) - cut]))
    try:
        snnhub.import_model(path, source="dynapse2")
    except (FormatError, UnsupportedError):
        return
