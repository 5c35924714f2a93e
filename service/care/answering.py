"""How many surveys come back, and how soon."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from service.care.figures import Column, Drawn, F, Figure, Labels, Unit, figure, grouped
from service.care.lifecycle import Channel
from service.care.spread import share, spread

CHANNELS = {Channel.SMS: "Text", Channel.EMAIL: "E-mail"}
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
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
    asked_at: datetime
    answered_at: datetime | None
    """When the survey was sent off, whichever reminder it took."""


@dataclass(frozen=True, slots=True)
class _Answer:
    patient_id: int
    step: str
    took: timedelta


def rates(asks: Iterable[Ask], steps: Sequence[str] = ()) -> Figure:
    """By step and channel; `steps` is their order in the plan. Who was asked on both channels counts for each."""
    groups = grouped(asks, lambda one: (named(one.step), CHANNELS[one.channel]))

    def measured(some: Sequence[Ask]) -> tuple[float | None, ...]:
        answered = sum(one.answered_at is not None for one in some)
        return len(some), answered, share(answered, len(some))

    return figure(("Step", "Asked by"), _RATES, _in_order(groups, steps), measured, Drawn("Rate"))


def times(asks: Iterable[Ask], steps: Sequence[str] = ()) -> Figure:
    """From the first message that asked until the survey was sent off, by step."""
    groups = grouped(_answers(asks), lambda one: (named(one.step),))

    def measured(some: Sequence[_Answer]) -> tuple[float | None, ...]:
        took = spread(one.took / timedelta(minutes=1) for one in some)
        within = [share(sum(one.took <= limit for one in some), len(some)) for limit in (_HOUR, _DAY)]
        return took.count, took.median, took.low, took.high, *within

    return figure(("Step",), _TIMES, _in_order(groups, steps), measured, Drawn("Median", "P25", "P75"))


def named(step: str) -> str:
    """A step's id for people: "next_visit" is "Next visit", "week6" is "Week 6"."""
    words = re.sub(r"(?<=[a-z])(?=[0-9])", " ", step.replace("_", " "))
    return words[:1].upper() + words[1:]


def _answers(asks: Iterable[Ask]) -> Iterable[_Answer]:
    first: dict[tuple[int, str], Ask] = {}
    for one in asks:
        known = first.setdefault((one.session_id, one.step), one)
        if one.asked_at < known.asked_at:
            first[one.session_id, one.step] = one
    for one in first.values():
        # Another step may have asked for the same survey before.
        if one.answered_at is not None and one.answered_at >= one.asked_at:
            yield _Answer(one.patient_id, one.step, one.answered_at - one.asked_at)


def _in_order(groups: Mapping[Labels, list[F]], steps: Sequence[str]) -> dict[Labels, list[F]]:
    places = {named(step): place for place, step in enumerate(steps)}
    ordered = sorted(groups, key=lambda each: (places.get(each[0], len(places)), each))
    return {labels: groups[labels] for labels in ordered}
