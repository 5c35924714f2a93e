"""How bad it gets: the rates of every fault, drawn once a run. Some runs are calm, in some everything fails at once."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True)
class Weather:
    """Chances, each at its own kind of moment; mostly 0 in the calm at the end of every run."""

    death: float = 0.0
    """That a process dies at a boundary."""
    freeze: float = 0.0
    """That it stands still for seconds or minutes at a boundary."""
    database: float = 0.0
    """That a statement, a begin or a commit fails."""
    commit_answer: float = 0.0
    """That a commit is done and its answer lost."""
    nudge_lost: float = 0.0
    nudge_doubled: float = 0.0
    nudge_late: float = 0.0
    receipt_lost: float = 0.0
    receipt_doubled: float = 0.0
    receipt_late: float = 0.0
    """Late receipts also come in another order."""
    receipt_bunched: float = 0.0
    """That a receipt comes at the same moment as others, as after a provider's own trouble."""
    hand_over: float = 0.0
    """That a hand-over does not simply work."""
    look_up: float = 0.0
    """That the provider's record cannot be read."""
    carrier: float = 0.0
    """That an accepted message does not arrive."""
    bad_number: float = 0.03
    """That a patient's number is not one: in every run, also in the calm."""
    endpoint: float = 0.0
    """That a post to a clinic's own system does not simply work."""
    outages_a_week: float = 0.0
    """Of the provider, the database and the queue, each for minutes to hours."""
    flushes_a_week: float = 0.0
    """Of the whole queue."""
    jumps_a_week: float = 0.0
    """Of the machines' clocks, by seconds."""


CALM = Weather()


def draw(dice: Random) -> Weather:
    """The weather of one run."""
    if dice.random() < 0.08:
        return CALM

    def rate(most: float) -> float:
        # Each fault is absent in one run of four, so that it is also seen what the others do without it.
        return 0.0 if dice.random() < 0.25 else most * dice.random() ** 2

    return Weather(
        death=rate(0.002),
        freeze=rate(0.0005),
        database=rate(0.002),
        commit_answer=rate(0.004),
        nudge_lost=rate(0.5),
        nudge_doubled=rate(0.5),
        nudge_late=rate(0.5),
        receipt_lost=rate(0.4),
        receipt_doubled=rate(0.4),
        receipt_late=rate(0.4),
        hand_over=rate(0.5),
        look_up=rate(0.7),
        carrier=rate(0.4),
        endpoint=rate(0.5),
        outages_a_week=rate(3.0),
        flushes_a_week=rate(10.0),
        jumps_a_week=rate(10.0),
        receipt_bunched=rate(0.8),
    )
