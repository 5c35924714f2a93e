"""docs/crash-matrix.md, written from a run: the rows are the tests' own, the figures are what this run measured."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from service.crashpoints import Point
from tests.matrix.meanings import meanings_of
from tests.matrix.outages import OUTAGES, Outage
from tests.matrix.rows import ROWS
from tests.promises.installation import Installation

PAGE = Path(__file__).parents[2] / "docs" / "crash-matrix.md"
DATABASES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
SECONDS = [f"s {name}" for name in DATABASES.values()]

Record = Callable[[Installation, str], AbstractContextManager[None]]


@dataclass(frozen=True)
class Figure:
    """How long one thing took to come to rest, on one database."""

    name: str
    database: str
    seconds: float


def write(figures: Sequence[Figure]) -> str:
    """Write the page, unless the run did not cover every point and every outage; returns what was done."""
    took = {(one.name, one.database): one.seconds for one in figures}
    lacking = [f"{row.point} on {name}" for row in ROWS for name in DATABASES if (row.point, name) not in took]
    lacking += [
        f"{one.outage} on {name}" for one in OUTAGES for name in one.databases if (one.outage, name) not in took
    ]
    if lacking:
        return f"{PAGE.name} is NOT written, there are no figures of: " + ", ".join(lacking)
    PAGE.write_text("\n".join(_lines(took)) + "\n", "utf-8")
    return f"{PAGE} is written."


def _lines(took: dict[tuple[str, str], float]) -> Iterable[str]:
    yield _HEAD
    meaning = meanings_of(Point)
    yield from _table(
        ("point", "the process dies when", "then found", "done a second time", "noticed by", *SECONDS),
        (
            (f"`{row.point}`", meaning[row.point], row.at_death, row.repeated, row.noticed,
             *(f"{took[row.point, name]:.1f}" for name in DATABASES))
            for row in ROWS
        ),
    )  # fmt: skip
    yield _OUTAGES
    what = meanings_of(Outage)
    yield from _table(
        ("outage", "what is done", "what is seen", *SECONDS),
        (
            (f"`{one.outage}`", what[one.outage], one.seen,
             *(f"{took[one.outage, name]:.1f}" if name in one.databases else "" for name in DATABASES))
            for one in OUTAGES
        ),
    )  # fmt: skip


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterable[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield "| " + " | ".join(cell.rstrip(".") for cell in row) + " |"


_HEAD = """\
# The crash matrix

Written by a run of `python3 dev.py test -m slow tests/matrix --write-matrix`; do not edit. A run without the option
checks the same and writes nothing.

## Kill -9 at every point

For each point between two effects, on each database: real processes run, one gets to the point and dies by SIGKILL, and
is started again. Then the test waits until nothing is under way, and looks: at the stand-in provider's own ledger
(everything once, nothing doubled, nothing missing), and at every row (none stuck; each state with a reason that fits
it). A row is here only if it passed. "Then found" is compared word for word with what the records and the provider
held when the process was dead.

The seconds are from the new process's start to rest. Where a lease must end first, the test ends it by hand, so the
lease comes on top: its length is in the column before. In these runs an unanswered nudge is repeated after 1 s instead
of 30, and the provider is asked 1 s after a lost answer instead of 60. How busy the machine was is in the figures too.
Texts are the ones that are due; "provider" counts what it took.
"""
_OUTAGES = """
## Outages

What everything depends on goes away under real processes, and comes back. The seconds are from its return to rest, with
a supervisor that starts again at once whatever ended.
"""
