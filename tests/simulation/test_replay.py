"""The simulation itself: a few seeds keep every promise, and a seed run again is the same run."""

from __future__ import annotations

import subprocess
import sys

import pytest

from simulation.checker import check
from simulation.run import simulated

SEEDS = (1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (2, 3)))


@pytest.mark.timeout(120)
@pytest.mark.parametrize("seed", SEEDS)
def test_every_promise_is_kept(seed: int) -> None:
    with simulated(seed, patients=5, days=6) as finished:
        assert finished.installation.provider.taken
        assert check(finished.facts()) == []


@pytest.mark.timeout(120)
def test_the_same_seed_is_the_same_run() -> None:
    runs = []
    for _ in range(2):
        with simulated(4, patients=4, days=5) as finished:
            entries = finished.installation.provider.ledger.entries()
            runs.append((finished.story.hash, [(one.at, one.to, one.body) for one in entries]))
    assert runs[0] == runs[1]


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_seeds_run_in_several_processes() -> None:
    asked = ["--seed", "5", "--seeds", "2", "--patients", "2", "--days", "1", "--jobs", "2"]
    done = subprocess.run([sys.executable, "-m", "simulation", *asked], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "ok: 2 seeds, 4 patient-days" in done.stdout
