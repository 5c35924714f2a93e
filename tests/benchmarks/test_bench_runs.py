"""Benchmarks that nobody runs rot: here each runs to its end, far too small to measure anything."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from benchmarks.__main__ import BENCHMARKS
from benchmarks.place import KINDS

ROOT = Path(__file__).parents[2]
SCALE = "0.002"


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.skipif(shutil.which("cc") is None, reason="the stand-in provider is compiled, and there is no cc")
@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_benchmark_runs_to_its_end(name: str, postgres_server: URL, tmp_path: Path) -> None:
    kept = tmp_path / "figures.json"
    command = [sys.executable, "-m", "benchmarks", name, "--scale", SCALE, "--json", str(kept)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-3000:]
    figures = json.loads(kept.read_text())["figures"]
    assert figures
    assert {figure["benchmark"] for figure in figures} == {name}
    for kind in KINDS:
        assert any(kind in figure["name"] for figure in figures), f"nothing about {kind}"
    assert all(figure["value"] >= 0 for figure in figures)
