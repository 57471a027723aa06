"""Writing: a process that is killed leaves the old file or the new one; no room and no right are clear errors."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from snnhub.errors import UsageError
from snnhub.files import PREFIX, check_writable, replacing, staged
from snnhub.ir.graph import Graph
from snnhub.ir.recording import Recording
from snnhub_formats.container import load, save, to_bytes
from snnhub_formats.recording import load_arrays, save_recording
from snnhub_netx.reader import import_netx
from snnhub_netx.writer import export_netx

from tests.build import loihi_mlp, mlp, spikes

SEED = 20261121
KILLS = 20
SIZE = (700, 900)


def networks() -> tuple[Graph, Graph]:
    """Two networks of 2.5 MB each."""
    return mlp(SIZE, 1), mlp(SIZE, 2)


def chips() -> tuple[Graph, Graph]:
    from snnhub.hub.catalogue import register_ops

    from tests.unit.test_netx import arranged

    register_ops()

    return arranged(loihi_mlp(SIZE, 1)), arranged(loihi_mlp(SIZE, 2))


def recordings() -> tuple[Recording, Recording]:
    return tuple(Recording({"output": spikes((300, 10, 900), 0.3, seed)}, True) for seed in (1, 2))  # type: ignore[return-value]


def write_for_ever(kind: str, path: str) -> None:
    """What the killed process does: one, the other, one, the other …"""
    makers = {"snn": networks, "net": chips, "npz": recordings}
    writers = {"snn": save, "net": export_netx, "npz": save_recording}
    both = makers[kind]()
    writers[kind](both[0], Path(path))  # type: ignore[operator]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        for item in both[::-1]:
            writers[kind](item, Path(path))  # type: ignore[operator]


def content(kind: str, path: Path) -> bytes:
    if kind == "snn":
        return to_bytes(load(path))
    if kind == "net":
        from snnhub.api.options import ImportOptions

        return to_bytes(import_netx(path, ImportOptions()))
    return load_arrays(path)["output"].tobytes()


@pytest.mark.parametrize("kind", ["snn", "net", "npz"])
def test_a_killed_writer_leaves_one_of_the_two(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"x.{kind}"
    delays = np.random.default_rng(SEED).uniform(0, 0.15, KILLS)
    seen: set[bytes] = set()
    code = "import sys; from tests.hostile.test_writing import write_for_ever as w; w(*sys.argv[1:])"
    words = [sys.executable, "-c", code]
    for delay in delays:
        process = subprocess.Popen([*words, kind, str(path)], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        if path.exists():
            seen.add(content(kind, path))
    assert 1 <= len(seen) <= 2
    left = [item.name for item in tmp_path.iterdir() if item != path]
    assert all(name.startswith(f"{PREFIX}{path.name}.") for name in left), left


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB."""
    place = tmp_path / "small"
    place.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("this test needs the right to mount")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_is_a_clear_error(small_disk: Path) -> None:
    for write in (
        lambda: save(mlp(SIZE), small_disk / "x.snn"),
        lambda: export_netx(chips()[0], small_disk / "x.net"),
        lambda: save_recording(recordings()[0], small_disk / "x.npz"),
    ):
        with pytest.raises(UsageError, match="No space left") as caught:
            write()
        assert caught.value.exit_code == 2
        assert list(small_disk.iterdir()) == []


def test_a_disk_that_fills_is_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same where nobody may mount: the file goes to /dev/full."""
    import tempfile

    (tmp_path / "x.snn").write_bytes(b"old")
    monkeypatch.setattr(tempfile, "mkstemp", lambda **_: (os.open("/dev/full", os.O_RDWR), str(tmp_path / "t")))
    with pytest.raises(UsageError, match="No space left"):
        save(mlp(SIZE), tmp_path / "x.snn")
    assert (tmp_path / "x.snn").read_bytes() == b"old"


def test_folders_that_take_nothing(tmp_path: Path) -> None:
    """/proc takes no files, from root neither."""
    with pytest.raises(UsageError) as caught, replacing(Path("/proc/x.snn")) as file:
        file.write(b"x")
    assert caught.value.exit_code == 2
    with pytest.raises(UsageError), staged(Path("/proc/x.snn")):
        pass
    with pytest.raises(UsageError, match="does not exist"):
        check_writable(tmp_path / "none" / "x.snn")
    (tmp_path / "d").mkdir()
    with pytest.raises(UsageError, match="is a folder"):
        check_writable(tmp_path / "d")
    with pytest.raises(UsageError):
        save(mlp(), tmp_path / "d")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_read_only_folders(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(UsageError):
        save(mlp(), tmp_path / "x.snn")
    tmp_path.chmod(0o700)


def half_replacing(path: Path) -> None:
    with replacing(path) as file:
        file.write(b"half")
        raise ZeroDivisionError


def half_staged(path: Path) -> None:
    with staged(path) as place:
        place.write_bytes(b"half")
        raise ZeroDivisionError


def test_an_error_while_writing_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"old")
    for write in (half_replacing, half_staged):
        with pytest.raises(ZeroDivisionError):
            write(path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
    with replacing(tmp_path / ("n" * 250)) as file:
        file.write(b"a name as long as file systems take")
    assert np.fromfile(path, np.uint8).size == 3
