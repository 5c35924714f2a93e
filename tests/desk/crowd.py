"""Enough patients for figures: half a year at a clinic, as rows, with a little of everything that results count."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Table, insert

from service.care.lifecycle import Channel, Reason, State
from service.care.urgency import Urgency
from service.context import Context
from service.records import clinics, protocols
from service.records.alert_tables import alerts
from service.records.database import run
from service.records.ids import new_id
from service.records.reply_tables import responses
from service.records.sealing import Vault
from service.records.sending_tables import attempts, messages
from service.records.tables import courses, patients, sessions
from tests.desk.practice import NOW, Practice
from tests.house import PROTOCOL

SITES = ("knee_left", "knee_right", "knee", "shoulder", "lower_back", "jaw")
STEPS = {"day1": ("S1", 1), "day7": ("S3", 7), "week6": ("S5", 42)}
"""The survey, and its day."""
JUDGEMENTS = (
    "very_much_better", "much_better", "a_little_better", "no_change", "a_little_worse", "much_worse",
    "very_much_worse",
)  # fmt: skip
"""The answers to how they are, all in all."""
End = tuple[State, Reason, str | None]
ARRIVED: End = (State.DELIVERED, Reason.CONFIRMED, None)
WAITS: End = (State.SENT, Reason.HANDED_OVER, None)
OFF: End = (State.UNDELIVERED, Reason.UNREACHABLE, "30003")
REFUSED: End = (State.FAILED, Reason.BAD_ADDRESS, "21614")
NEVER: End = (State.EXPIRED, Reason.WINDOW_CLOSED, None)
LOST: dict[Channel, tuple[End, ...]] = {
    Channel.SMS: (OFF, (State.UNDELIVERED, Reason.BLOCKED_BY_CARRIER, "30007"), REFUSED, NEVER),
    Channel.EMAIL: ((State.UNDELIVERED, Reason.BOUNCED, "5.1.1"), NEVER),
}
_numbers = itertools.count(1)


def gather(here: Context, practice: Practice, size: int = 70, seed: int = 1) -> None:
    """Let the clinic have looked after `size` more patients, half of them under a second protocol."""

    def work(connection: Connection) -> None:
        clinic = clinics.get(connection, practice.clinic_id)
        second = protocols.add(connection, clinic.id, PROTOCOL.replace("name: prolotherapy", "name: gentle", 1), NOW)
        season = Season(
            connection, here.sending.vault, clinic.id, here.sending.of(clinic), (practice.protocol, second.id),
            random.Random(seed),
        )  # fmt: skip
        for _ in range(size):
            season.patient()

    run(here.engine, work)


@dataclass(frozen=True)
class Season:
    """Writes rows of one clinic."""

    connection: Connection
    vault: Vault
    clinic_id: int
    senders: Mapping[Channel, str]
    protocols: tuple[int, ...]
    chance: random.Random

    def patient(self) -> None:
        """One session, its surveys as far as they were asked for, and a worry or two."""
        ended = NOW - timedelta(days=self.chance.uniform(0, 180))
        session = self.session(ended)
        for step in STEPS:
            self.ask(session, step, ended)
        for _ in range(self.chance.choice((0, 0, 1, 2))):
            self.alert(session, ended + timedelta(days=self.chance.uniform(0, 20)))

    def session(self, ended: datetime) -> dict[str, Any]:
        chance, session_id = self.chance, new_id()
        name = f"crowd-{next(_numbers)}"
        patient = self._put(
            patients, clinic_id=self.clinic_id, external_id=name, sms_consent=True, email_consent=True, facts_at=ended
        )
        course = self._put(courses, clinic_id=self.clinic_id, patient_id=patient, site=chance.choice(SITES))
        measured = {"pain": chance.randint(3, 9), "peg": [chance.randint(2, 9) for _ in range(3)], "activity_score": 3}
        row = {
            "id": session_id, "clinic_id": self.clinic_id, "external_id": name, "patient_id": patient,
            "course_id": course, "protocol_id": chance.choice(self.protocols), "ended_at": ended,
            "number": chance.choice((1, 1, 2, 7, None)), "facts_at": ended, "created_at": ended,
            "baseline": self.vault.seal(json.dumps(measured), session_id) if chance.random() < 0.9 else None,
            "has_baseline": False,
        }  # fmt: skip
        self.connection.execute(insert(sessions).values(**row))
        return row

    def ask(self, session: dict[str, Any], step: str, ended: datetime) -> None:
        """On one channel or both, now and then in vain, with a reminder and an answer."""
        chance, (survey, day) = self.chance, STEPS[step]
        asked = ended + timedelta(days=day, minutes=chance.uniform(0, 60))
        if asked >= NOW:
            return
        arrived = False
        for channel in chance.choice(((Channel.SMS,), (Channel.EMAIL,), (Channel.SMS, Channel.EMAIL))):
            end = (
                chance.choice(LOST[channel]) if chance.random() < 0.15 else WAITS if chance.random() < 0.1 else ARRIVED
            )
            arrived = arrived or end in (ARRIVED, WAITS)
            self.message(session, step, survey, channel, asked + timedelta(seconds=30 * (channel == "email")), end)
        if arrived and chance.random() < 0.3:
            self.message(session, f"{step}.reminder", survey, Channel.SMS, asked + timedelta(days=2), ARRIVED)
        if arrived and chance.random() < 0.7:
            self.answer(session, survey, asked + timedelta(minutes=chance.lognormvariate(5, 2)))

    def message(
        self, session: dict[str, Any], step: str, survey: str, channel: Channel, at: datetime, end: End
    ) -> None:
        state, reason, code = end
        message = self._put(
            messages, clinic_id=self.clinic_id, patient_id=session["patient_id"], session_id=session["id"], step=step,
            channel=channel, survey=survey, sender=self.senders[channel], priority=1, segments=1, due_at=at,
            window_until=at + timedelta(hours=12), state=state, reason=reason, tries=1,
            handed_at=None if end in (REFUSED, NEVER) else at,
        )  # fmt: skip
        # What could not be reached was tried twice, and only the last word counts.
        for number, word in enumerate(("30008", code) if end == OFF else () if end == NEVER else (code,), 1):
            self._put(
                attempts, message_id=message, number=number, token=f"crowd{next(_numbers)}", address=b"",
                address_key=b"", body_key=b"", started_at=at, outcome="accepted", code=word, checks=0,
            )  # fmt: skip

    def answer(self, session: dict[str, Any], survey: str, at: datetime) -> None:
        if at >= NOW:
            return
        items = ("peg_pain", "peg_enjoyment", "peg_activity") if survey == "S5" else ("pain",)
        given: dict[str, int | str] = {item: self.chance.randint(0, 9) for item in items}
        response = new_id()
        if survey == "S5":
            given["pgic"] = JUDGEMENTS[int(given["peg_pain"]) % len(JUDGEMENTS)]
        self.connection.execute(
            insert(responses).values(
                id=response, clinic_id=self.clinic_id, patient_id=session["patient_id"], session_id=session["id"],
                survey=survey, started_at=at, changed_at=at,
                completed_at=at if self.chance.random() < 0.9 else None,
                answers=self.vault.seal(json.dumps(given), response),
            )
        )  # fmt: skip

    def alert(self, session: dict[str, Any], opened: datetime) -> None:
        taken = opened + timedelta(minutes=self.chance.lognormvariate(3, 1.5))
        by = "Nurse" if taken < NOW and self.chance.random() < 0.9 else None
        if opened < NOW:
            self._put(
                alerts, clinic_id=self.clinic_id, patient_id=session["patient_id"], session_id=session["id"],
                cause=f"crowd-{next(_numbers)}", urgency=self.chance.choice(list(Urgency)), opened_at=opened,
                since=opened, rounds=1, acknowledged_at=taken if by else None, acknowledged_by=by,
            )  # fmt: skip

    def _put(self, table: Table, **values: Any) -> int:
        row = new_id()
        self.connection.execute(insert(table).values(id=row, **values))
        return row
