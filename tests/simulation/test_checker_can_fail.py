"""Every mistake made on purpose is caught, by a promise that was named before."""

from __future__ import annotations

import pytest

from simulation.bugs import BUGS, Bug
from simulation.checker import check
from simulation.run import simulated

SEEDS = 24
"""The rarest shows in a quarter of all runs, whatever the code: in none of 24, one time in a thousand."""
RUNS = [(seed, 8) for seed in range(2, 5)] + [(seed, 12) for seed in range(1, SEEDS + 1)]
"""Seeds, each with how many patients. Nearly all show among few, in half the time."""


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_it_is_caught(bug: Bug) -> None:
    seen: set[str] = set()
    for seed, patients in RUNS:
        with bug.made(), simulated(seed, patients=patients, days=8, weather=bug.weather) as finished:
            seen |= {violation.promise for violation in check(finished.facts())}
        if seen & set(bug.promises):
            return
    pytest.fail(f"not caught in {len(RUNS)} runs; other promises: {sorted(seen)}")
