"""The judgement over a run: pure, from what was noted."""

from __future__ import annotations

import json
import re
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.soak.crew import REDIS, Life

WARM_UP_SECONDS, SHORTEST_SECONDS = 600.0, 600.0
"""What a life's first minutes weigh says nothing, nor does a life that ends soon after: caches of statements, templates
and pages fill for ten minutes and more, as the picture of any hour shows."""
MOST_GROWTH_MB, MOST_GROWTH_MB_AN_HOUR = 10.0, 12.0
"""Memory counts as flat unless it grew by more than both, the first measured and the second as the line goes on.
SQLite's page cache alone grows with the file."""

EXPECTED = tuple(
    map(
        re.compile,
        (
            r"the clock could not look: \w+; it tries again",
            r"a nudge was lost, the clock will repeat it: \w+",
            r"the database did not answer: \w+",
            r"alert N could not be escalated: OperationalError; the clock tries again",
            r"a reply could not be read: OperationalError",
            r"\(redis\.exceptions\.\w+\)$",
            r"could not connect to Redis instance",
            r"no Redis answers: run `aftercare up`",
            r"Worker \(pid:N\) was sent SIGKILL!",
            r"a job failed; .* \(sqlalchemy\.exc\.OperationalError\)",  # its database was busy
            r"job .* exception raised while executing",  # the same, or its own record was flushed away under it
            r"notice: \w+, ",  # to the operator, who is meant to hear of what is done here
        ),
    )
)
"""What the logs may say while things are broken on purpose; anything else that is an error is a finding."""


@dataclass(frozen=True)
class Trend:
    """How the memory of one life went, once it was warm."""

    name: str
    minutes: float
    grew_mb: float
    mb_an_hour: float

    @property
    def is_flat(self) -> bool:
        return self.grew_mb <= MOST_GROWTH_MB or self.mb_an_hour <= MOST_GROWTH_MB_AN_HOUR


def trends(lives: Iterable[Life], since: float) -> list[Trend]:
    """Linear fits over what each life weighed after `since` (seconds of the run), of those that lasted."""
    found = []
    for life in lives:
        points = [(at, mb) for at, mb in life.rss if at >= max(since, life.began + WARM_UP_SECONDS)]
        if life.name == REDIS or len(points) < 3 or points[-1][0] - points[0][0] < SHORTEST_SECONDS:
            continue
        slope = statistics.linear_regression(*zip(*points, strict=True)).slope
        length = points[-1][0] - points[0][0]
        found.append(Trend(life.name, length / 60, slope * length, slope * 3600))
    return found


def errors_in(logs: Path) -> tuple[Counter[str], Counter[str]]:
    """What the logs say at level error or worse, or outside any log line: (expected, not expected), numbers as N."""
    expected: Counter[str] = Counter()
    other: Counter[str] = Counter()
    for path in sorted(logs.glob("*.log")):
        if path.stem == REDIS:
            continue
        for line in path.read_text("utf-8", "replace").splitlines():
            said = _complaint(line)
            if said is not None:
                kept = expected if any(one.search(said) for one in EXPECTED) else other
                kept[f"{path.stem}: {said}"] += 1
    return expected, other


def _complaint(line: str) -> str | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return _plain(line) if line.strip() else None
    if not isinstance(entry, dict) or entry.get("level") not in ("error", "critical", "exception"):
        return None
    kinds = [one.get("type", "") for one in entry.get("exception", ())]
    return _plain(f"{entry.get('event', '')}{f' ({kinds[0]})' if kinds else ''}")


def _plain(text: str) -> str:
    return re.sub(r"\d+", "N", text.replace("[number]", "N"))[:200]


def judge(
    samples_doubles: Sequence[str], stuck: Sequence[str], late: Sequence[str], trended: Sequence[Trend],
    unexpected: Counter[str], broken_promises: Sequence[str],
) -> list[str]:  # fmt: skip
    """Everything that is wrong, in sentences; nothing is a pass."""
    wrong = [*broken_promises, *dict.fromkeys(samples_doubles), *dict.fromkeys(stuck), *late]
    wrong += [
        f"{one.name} grew by {one.grew_mb:.1f} MB in {one.minutes:.0f} min ({one.mb_an_hour:.0f} MB an hour)"
        for one in trended
        if not one.is_flat
    ]
    wrong += [f"the log says {number} times: {said}" for said, number in unexpected.most_common()]
    return wrong
