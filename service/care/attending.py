"""How soon somebody at the clinic takes an alert on, held against how soon they should."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from service.care.escalation import OfficeHours
from service.care.figures import Column, Drawn, Figure, Labels, Unit, figure, grouped
from service.care.spread import quantile, share
from service.care.urgency import Urgency

_TARGETS = {Urgency.EMERGENCY: timedelta(minutes=10), Urgency.URGENT: timedelta(hours=1)}
"""An emergency: before the shipped ladder has had to tell a third person. Urgent: to be called back within the hour."""
_NAMES = {
    Urgency.EMERGENCY: ("Emergency", "within 10 min"),
    Urgency.URGENT: ("Urgent", "within 1 h"),
    Urgency.NEXT_BUSINESS_DAY: ("Next business day", "within the day"),
    Urgency.WATCH: ("Watch", "no target"),
}
_COLUMNS = (
    Column("Alerts", Unit.COUNT, "alerts"),
    Column("Taken on", Unit.COUNT, "taken_on"),
    Column("Median", Unit.MINUTES, "median_minutes"),
    Column("90 % within", Unit.MINUTES, "p90_minutes"),
    Column("In time", Unit.PERCENT, "in_time_percent"),
)


@dataclass(frozen=True, slots=True)
class Heard:
    """An alert: since when it is that urgent, and when somebody took it on."""

    patient_id: int
    urgency: Urgency
    since: datetime
    taken_on_at: datetime | None


def attending(alerts: Iterable[Heard], hours: OfficeHours, now: datetime) -> Figure:
    """By urgency, the most urgent first. In time: of those that were taken on, or whose time is over."""
    groups = grouped(alerts, lambda one: _NAMES[one.urgency])

    def measured(some: Sequence[Heard]) -> tuple[float | None, ...]:
        took = sorted((one.taken_on_at - one.since) / timedelta(minutes=1) for one in some if one.taken_on_at)
        verdicts = [verdict for one in some if (verdict := in_time(one, hours, now)) is not None]
        return len(some), len(took), quantile(took, 0.5), quantile(took, 0.9), share(sum(verdicts), len(verdicts))

    ordered: dict[Labels, list[Heard]] = {_NAMES[one]: groups[_NAMES[one]] for one in Urgency if _NAMES[one] in groups}
    return figure(("Urgency", "Target"), _COLUMNS, ordered, measured, Drawn("Median", "Median", "90 % within"))


def in_time(alert: Heard, hours: OfficeHours, now: datetime) -> bool | None:
    """Whether it was taken on in time; None where there is no target, or still time."""
    target = _target(alert, hours)
    if target is None or (alert.taken_on_at is None and now <= target):
        return None
    return alert.taken_on_at is not None and alert.taken_on_at <= target


def _target(alert: Heard, hours: OfficeHours) -> datetime | None:
    if alert.urgency in _TARGETS:
        return alert.since + _TARGETS[alert.urgency]
    if alert.urgency is Urgency.NEXT_BUSINESS_DAY:
        # The day is over when the next one begins.
        return list(islice(hours.openings(alert.since), 2))[1]
    return None
