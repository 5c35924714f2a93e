"""What every scene of the matrix has in common: something is under way, one process dies over it, another goes on."""

from __future__ import annotations

import time as real_time
from collections import Counter

from service.crashpoints import VARIABLE, Point
from tests import audit
from tests.nursery import Born
from tests.processes import wait_until
from tests.promises.installation import Installation

STILL_SECONDS = 1.2
"""Longer than a nudge's lease in these installations: what would be doubled has had its chance."""


class Scene:
    """One kind of work, and the process that dies over it."""

    victim: tuple[str, ...]
    """The arguments of `aftercare`."""
    times = 1
    """Which time the victim dies at the point."""

    def arrange(self, place: Installation) -> None:
        """Have something to do, and running what the victim's work comes from."""
        raise NotImplementedError

    def strike(self, place: Installation, point: Point) -> None:
        """Start the victim and see it die."""
        place.died(self.start(place, point))

    def seen(self, place: Installation) -> str:
        """What was on record, and outside, when it was dead."""
        raise NotImplementedError

    def go_on(self, place: Installation) -> None:
        """Start the same process again, and whatever else its work needs to come to its end."""
        raise NotImplementedError

    def check(self, place: Installation) -> None:
        """All is as if nobody had died."""
        raise NotImplementedError

    def start(self, place: Installation, point: Point) -> Born:
        return place.start(*self.victim, **{VARIABLE: f"{point}:{self.times}"})


class WebScene(Scene):
    """The web server dies: the one who posted gets no answer, and posts the same again."""

    victim = ("web",)

    def strike(self, place: Installation, point: Point) -> None:
        web = place.serve(**{VARIABLE: f"{point}:{self.times}"})
        self.post_in_vain(place)
        # gunicorn's master outlives the process that served, and says what became of it.
        wait_until(lambda: "SIGKILL" in place.log(), 10)
        place.kill(web)

    def post_in_vain(self, place: Installation) -> None:
        """What the outside sends; the connection dies over it."""
        raise NotImplementedError


def wait_for_rest(place: Installation, seconds: float = 40) -> None:
    """Wait until nothing is under way."""
    try:
        wait_until(lambda: not audit.still_open(place.h.parts.engine).anything, seconds)
    except AssertionError:
        rows = place.h.sql("SELECT state, reason, channel, count(*) FROM messages GROUP BY 1, 2, 3")
        left = audit.still_open(place.h.parts.engine)
        raise AssertionError(f"left open: {left} {rows}\n{place.log()}") from None


def nothing_is_wrong(place: Installation) -> None:
    """It stays at rest, the records explain themselves, and they agree with what the provider took."""
    engine = place.h.parts.engine
    real_time.sleep(STILL_SECONDS)
    assert not audit.still_open(engine).anything
    assert audit.unexplained(engine) == []
    assert audit.against_the_ledger(engine, place.h.handed_over()) == []


def standing(place: Installation, step: str = "welcome") -> str:
    """How the texts of `step` stand, and how many the provider has: "2 accepted, 4 sending; provider: 2"."""
    rows = place.h.sql("SELECT state, count(*) FROM messages WHERE step = :s AND channel = 'sms' GROUP BY 1", s=step)
    counts = Counter(dict(map(tuple, rows)))
    states = ", ".join(f"{number} {state}" for state, number in sorted(counts.items())) or f"no {step}"
    return f"{states}; provider: {len(place.h.handed_over())}"


def number_of(place: Installation, query: str) -> int:
    """What `SELECT count(*) FROM …` counts."""
    return int(place.h.sql(f"SELECT count(*) FROM {query}")[0][0])
