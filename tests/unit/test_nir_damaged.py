"""A NIR file that broke on its way is told as such."""

from __future__ import annotations

from pathlib import Path

import pytest
from snnhub.cli.main import invoke

from tests.networks.nir_nets import chain, lif


@pytest.mark.parametrize("kept", [0.3, 0.9])
def test_a_file_cut_short_is_named_by_its_reader(
    kept: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = chain(lif(4), shape=[4]).write(tmp_path / "a.nir")
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])
    assert invoke(["inspect", str(path)]) == 1
    told = capsys.readouterr().err
    assert "a.nir" in told
    assert "no importer knows" not in told
