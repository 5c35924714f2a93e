"""What the checker goes by: the history by row, who was handed what, and the truth the provider knows."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from simulation.history import Change, History
from simulation.installation import Installation
from simulation.provider import Taken
from simulation.scheduler import SECOND

SLACK = timedelta(seconds=5)
"""How far the clocks of the machines differ in a run, and a little for what lies between reading one and a commit."""


@dataclass(frozen=True, slots=True)
class Violation:
    """A promise that was not kept."""

    promise: str
    what: str
    message: int | None = None
    patient: int | None = None


@dataclass(frozen=True, slots=True)
class HandedOver:
    """A message that the provider took, with the claim that stands behind it."""

    message: int
    claim: Change
    """Of the message, from queued to sending."""
    attempt: Change
    taken: Taken


class Facts:
    """One finished run, indexed."""

    def __init__(self, installation: Installation, calm_from: int, end: int) -> None:
        self.installation = installation
        self.history: History = installation.history
        self.provider = installation.provider
        self.people = installation.people
        self.calm_from = calm_from
        self.end = end

    def true(self, micros: int) -> datetime:
        return self.installation.scheduler.true(micros)

    @property
    def ended_at(self) -> datetime:
        return self.true(self.end)

    @cached_property
    def by_row(self) -> dict[tuple[str, int], list[Change]]:
        found: dict[tuple[str, int], list[Change]] = defaultdict(list)
        for change in self.history.changes:
            found[change.table, change.row].append(change)
        return found

    @cached_property
    def messages(self) -> dict[int, list[Change]]:
        return {row: changes for (table, row), changes in self.by_row.items() if table == "messages"}

    @cached_property
    def told_of(self) -> dict[int, list[Change]]:
        """Who was told of each alert, in order."""
        found: dict[int, list[Change]] = defaultdict(list)
        for change in self.history.of("alert_events"):
            if change["kind"] == "notified":
                found[change["alert_id"]].append(change)
        return found

    @cached_property
    def attempt_of(self) -> dict[str, Change]:
        """The insert of each attempt, by its token."""
        return {one["token"]: one for one in self.history.of("attempts") if one.before is None}

    @cached_property
    def handed_over(self) -> list[HandedOver]:
        """Everything the provider took that some attempt on record stands for, in the order it was taken."""
        found = []
        for taken in self.provider.taken:
            attempt = self.attempt_of.get(taken.token)
            claim = None if attempt is None else self.claim_of(attempt)
            if attempt is not None and claim is not None:
                found.append(HandedOver(attempt["message_id"], claim, attempt, taken))
        return found

    @cached_property
    def taken_of(self) -> dict[int, list[HandedOver]]:
        found: dict[int, list[HandedOver]] = defaultdict(list)
        for one in self.handed_over:
            found[one.message].append(one)
        return found

    def claim_of(self, attempt: Change) -> Change | None:
        """The move to sending that was committed together with the attempt."""
        for change in self.messages.get(attempt["message_id"], ()):
            if change.seq == attempt.seq and change["state"] == "sending":
                return change
        return None

    def zone_of(self, patient: int, seq: int) -> ZoneInfo:
        """The patient's zone as it was on record before that transaction."""
        name, clinic = None, None
        for change in self.by_row.get(("patients", patient), ()):
            if change.seq > seq:
                break
            name, clinic = change["timezone"], change["clinic_id"]
        return ZoneInfo(name or next(one.zone for one in self.people.clinics if one.row == clinic))


def seconds(micros: int) -> float:
    return micros / SECOND
