"""One seed, run and checked. Not in `__main__`: a process of the pool could not import it from there."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass

from simulation import telling
from simulation.checker import check
from simulation.facts import Violation
from simulation.run import simulated

_QUIET = frozenset({"http", "accepted", "carrier", "says", "calm", "job failed"})
"""What the story tells that is no fault."""


@dataclass(frozen=True)
class Report:
    """One seed, run and checked; small enough to travel between processes."""

    seed: int
    patient_days: int
    steps: int
    messages: int
    faults: int
    hash: int
    seconds: float
    violations: list[Violation]
    story: list[str]


def one(seed: int, patients: int, days: int, story: str) -> Report:
    """Run a seed and check it. `story`: "offending", "all", or "none"."""
    began = time.monotonic()
    with simulated(seed, patients, days, whole=story == "all") as finished:
        facts = finished.facts()
        violations = check(facts)
        counts = Counter(finished.story.counts)
        told: list[str] = []
        if story == "all":
            told = list(telling.everything(facts, finished.story.lines))
        if violations and story != "none":
            told += _offending(violations)
            if story == "offending":
                told += telling.about(facts, finished.story.lines, violations[0])
            told.append(f"again: python3 dev.py simulate --seed {seed} --patients {patients} --days {days}")
        return Report(
            seed=seed,
            patient_days=patients * days,
            steps=finished.installation.scheduler.steps,
            messages=len(finished.installation.provider.taken),
            faults=sum(number for kind, number in counts.items() if kind not in _QUIET),
            hash=finished.story.hash & 0xFFFFFFFFFFFFFFFF,
            seconds=time.monotonic() - began,
            violations=violations,
            story=told,
        )


def _offending(violations: list[Violation]) -> list[str]:
    lines = [f"  {one.promise}: {one.what} (message {one.message}, patient {one.patient})" for one in violations[:10]]
    more = len(violations) - len(lines)
    return [*lines, *([f"  … and {more} more"] if more > 0 else []), "  the first of them:"]
