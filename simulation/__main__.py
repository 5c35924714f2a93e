"""`python3 dev.py simulate`: run seeds, show progress, and tell the story of one that breaks a promise."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field

from simulation.seed import Report, one


@dataclass
class Total:
    """All seeds so far."""

    seeds: list[int] = field(default_factory=list)
    patient_days: int = 0
    messages: int = 0
    faults: int = 0
    violations: int = 0

    def add(self, report: Report) -> None:
        self.seeds.append(report.seed)
        self.patient_days += report.patient_days
        self.messages += report.messages
        self.faults += report.faults
        self.violations += len(report.violations)

    def line(self) -> str:
        """The summary."""
        verdict = "ok" if not self.violations else "BROKEN"
        return (
            f"{verdict}: {len(self.seeds)} seeds, {_spaced(self.patient_days)} patient-days, "
            f"{_spaced(self.messages)} messages, {_spaced(self.faults)} faults, {self.violations} violations"
        )


def main(arguments: list[str]) -> int:
    """Run what was asked for; 1 when a promise was broken."""
    asked = _parsed(arguments)
    began = time.monotonic()
    seeds = _seeds(asked)
    print(f"{len(seeds)} seeds from {seeds[0]}, {asked.patients} patients, {asked.days} days each", flush=True)
    total = Total()
    for report in _reports(asked, seeds, began + asked.seconds if asked.seconds else None):
        total.add(report)
        print(
            f"[{len(total.seeds)}/{len(seeds)}] seed {report.seed}: {_spaced(report.steps)} steps, "
            f"{report.messages} messages, {report.faults} faults, hash {report.hash:x}, {report.seconds:.1f} s"
            + (f", {len(report.violations)} VIOLATIONS" if report.violations else ""),
            flush=True,
        )
        if report.story:
            print("\n".join(report.story), flush=True)
        if report.violations and not asked.keep_going:
            break
    print(total.line())
    return 1 if total.violations else 0


def _reports(asked: argparse.Namespace, seeds: list[int], until: float | None) -> Iterator[Report]:
    """Reports as they come; none is begun after `until`."""

    def in_time() -> bool:
        return until is None or time.monotonic() < until

    if asked.jobs == 1:
        for seed in seeds:
            if in_time():
                yield one(seed, asked.patients, asked.days, asked.story)
        return
    left = iter(seeds)
    with ProcessPoolExecutor(asked.jobs, multiprocessing.get_context("spawn")) as pool:
        running: set[Future[Report]] = set()
        while True:
            while len(running) < asked.jobs and in_time() and (following := next(left, None)) is not None:
                running.add(pool.submit(one, following, asked.patients, asked.days, asked.story))
            if not running:
                return
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()


def _seeds(asked: argparse.Namespace) -> list[int]:
    if asked.seed is not None:
        return list(range(asked.seed, asked.seed + (asked.seeds or 1)))
    first = int(time.time()) % 1_000_000 * 1000
    return list(range(first, first + (asked.seeds or 1)))


def _spaced(number: int) -> str:
    return f"{number:,}".replace(",", " ")


def _parsed(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3 dev.py simulate", description=__doc__)
    parser.add_argument("--seed", type=int, help="the first seed; without it they are drawn from the time")
    parser.add_argument("--seeds", type=int, help="how many (1)")
    parser.add_argument("--patients", type=int, default=40)
    parser.add_argument("--days", type=int, default=84)
    parser.add_argument("--seconds", type=float, help="begin no further seed after so long")
    parser.add_argument("--jobs", type=int, default=1, help="processes (1)")
    parser.add_argument("--story", choices=("offending", "all", "none"), default="offending", help="what is told")
    parser.add_argument("--keep-going", action="store_true", help="do not stop at the first broken promise")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":
        # Sets of texts would be walked in another order each time, and a run could not be run again.
        again = [sys.executable, "-m", "simulation", *sys.argv[1:]]
        os.execve(sys.executable, again, {**os.environ, "PYTHONHASHSEED": "0"})  # noqa: S606
    sys.exit(main(sys.argv[1:]))
