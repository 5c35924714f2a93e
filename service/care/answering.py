"""How many surveys come back, and how soon."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from service.care.figures import Column, Drawn, Figure, Labels, Unit, figure, grouped
from service.care.lifecycle import Channel
from service.care.spread import share, spread

CHANNELS = {Channel.SMS: "Text", Channel.EMAIL: "E-mail"}
_HOUR, _DAY = 60, 24 * 60
_RATES = (
    Column("Asked", Unit.COUNT, "asked"),
    Column("Answered", Unit.COUNT, "answered"),
    Column("Rate", Unit.PERCENT, "rate_percent"),
)
_TIMES = (
    Column("Answered", Unit.COUNT, "answered"),
    Column("Median", Unit.MINUTES, "median_minutes"),
    Column("P25", Unit.MINUTES, "p25_minutes"),
    Column("P75", Unit.MINUTES, "p75_minutes"),
    Column("Within 1 h", Unit.PERCENT, "within_1_hour_percent"),
    Column("Within 24 h", Unit.PERCENT, "within_24_hours_percent"),
)


@dataclass(frozen=True, slots=True)
class Ask:
    """A survey that a patient was asked for on one channel, by the first message of a step."""

    patient_id: int
    session_id: int
    step: str
    channel: Channel
    minutes: float | None
    """Until the survey was sent off, whichever reminder it took; None while it is not. Below zero where it had been
    before."""


def rates(asks: Iterable[Ask], steps: Sequence[str] = ()) -> Figure:
    """By step and channel; `steps` is their order in the plan. Who was asked on both channels counts for each."""
    groups = grouped(asks, lambda one: (named(one.step), CHANNELS[one.channel]))

    def measured(some: Sequence[Ask]) -> tuple[float | None, ...]:
        answered = sum(one.minutes is not None for one in some)
        return len(some), answered, share(answered, len(some))

    return figure(("Step", "Asked by"), _RATES, _in_order(groups, steps), measured, Drawn("Rate"))


def times(asks: Iterable[Ask], steps: Sequence[str] = ()) -> Figure:
    """From the first message that asked until the survey was sent off, by step."""
    groups = grouped(_answered(asks), lambda one: (named(one.step),))

    def measured(some: Sequence[Ask]) -> tuple[float | None, ...]:
        waited = [one.minutes for one in some if one.minutes is not None]
        took = spread(waited)
        within = [share(sum(one <= limit for one in waited), len(waited)) for limit in (_HOUR, _DAY)]
        return took.count, took.median, took.low, took.high, *within

    return figure(("Step",), _TIMES, _in_order(groups, steps), measured, Drawn("Median", "P25", "P75"))


def named(step: str) -> str:
    """A step's id for people: "next_visit" is "Next visit", "week6" is "Week 6"."""
    words = re.sub(r"(?<=[a-z])(?=[0-9])", " ", step.replace("_", " "))
    return words[:1].upper() + words[1:]


def _answered(asks: Iterable[Ask]) -> Iterable[Ask]:
    """The first ask of each survey that was answered, where two channels asked: the one that had to wait longer."""
    first: dict[tuple[int, str], tuple[float, Ask]] = {}
    for one in asks:
        # Another step may have asked for the same survey before, and had its answer.
        if one.minutes is not None and one.minutes >= 0:
            key = (one.session_id, one.step)
            if key not in first or one.minutes > first[key][0]:
                first[key] = (one.minutes, one)
    return [one for _, one in first.values()]


def _in_order(groups: Mapping[Labels, list[Ask]], steps: Sequence[str]) -> dict[Labels, list[Ask]]:
    places = {named(step): place for place, step in enumerate(steps)}
    ordered = sorted(groups, key=lambda each: (places.get(each[0], len(places)), each))
    return {labels: groups[labels] for labels in ordered}
