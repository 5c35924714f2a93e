"""Two clinics at work, each with its people and patients, built the way they come to be: events, texts, answers.

`Practice` says what there is of one, so that a test can ask for "the other clinic's alert". What is of a clinic alone
carries its marker: a page of one clinic on which the other's turns up has shown too much.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from service import time
from service.care.lifecycle import Channel
from service.care.roles import Role
from service.care.surveys import Answer, questions_for, validate
from service.care.triage import Urgency
from service.context import Context
from service.nudges import QueueName
from service.pages.desk.hashing import hashed
from service.records import (
    alerts,
    clinics,
    contacts,
    hook_endpoints,
    patients,
    protocols,
    replies,
    sessions,
    staff,
    triaging,
)
from service.records.database import run
from service.records.library import library
from service.records.replies import Incoming
from service.records.reply_tables import responses as response_rows
from service.records.responses import Change
from tests.house import PROTOCOL, completed, dumps
from workers import listen

NOW = datetime(2026, 3, 10, 16, 0, tzinfo=UTC)
"""Noon in New York, a Tuesday: both clinics are open."""
PASSWORD = "teapot-velvet-orbit-39"
_HASH = hashed(PASSWORD)
S2_ANSWERS: dict[str, Any] = {"pain": "6", "compared": "worse", "swelling": "severe", "signs": "fever", "call": "yes"}
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Practice:
    """What there is of one clinic, by row id where nothing else is said."""

    name: str
    clinic_id: int
    marker: str
    """In its patients' names and ids, its people's names and what was written: of no other clinic."""
    staff: dict[Role, int]
    emails: dict[Role, str]
    patients: tuple[int, ...]
    """Three: the first with an open alert, replies and answers; the second three weeks on; the third just treated."""
    sessions: tuple[int, ...]
    alert: int
    replies: tuple[int, ...]
    """A text with words, a number, and one from a number that nobody knows at this clinic."""
    response: int
    protocol: int
    contact: int
    key: int
    endpoint: int
    phones: tuple[str, ...]


class Silent:
    """Nudges that reach nobody."""

    def send(self, queue: QueueName, ids: Any) -> bool:
        return True

    def wake_clock(self) -> None:
        pass

    def reachable(self) -> bool:
        return False


def furnish(here: Context, name: str, marker: str, digit: int) -> Practice:
    """A clinic with everything; `digit` keeps its telephone numbers apart. Call it with the clock held at NOW."""
    vault = here.sending.vault
    number = f"+1202555{digit}"
    clinic_id, protocol, contact = run(here.engine, lambda connection: _clinic(connection, here, name, marker, digit))
    phones = tuple(f"{number}10{place}" for place in range(3))
    days = (3, 21, 0)
    for place, phone in enumerate(phones):
        ended = NOW - timedelta(days=days[place], hours=1)
        _post(here, clinic_id, ended, f"{marker}-s{place}", f"{marker}-p{place}", phone, f"{marker}{place}")
    kept = [
        _text(here, phones[0], f"My knee is hot, {marker} asks: is that normal?"),
        _text(here, phones[1], "4"),
        _text(here, f"{number}999", f"Wrong number? {marker}"),
    ]

    def work(connection: Connection) -> Practice:
        who = [patients.find(connection, vault, clinic_id, f"{marker}-p{place}") for place in range(3)]
        seen = [sessions.find(connection, clinic_id, f"{marker}-s{place}") for place in range(3)]
        clinic = clinics.get(connection, clinic_id)
        first, session = who[0], seen[0]
        assert first is not None
        assert session is not None
        alert = alerts.open_alert(
            connection, here.sending, clinic, first.id, session.id, Urgency.URGENT, "fever",
            "survey S2", f"Fever or chills, said {marker}", NOW - timedelta(minutes=20), tell_patient=False,
        )  # fmt: skip
        clinics.new_api_key(connection, clinic_id, NOW)
        endpoint, _ = hook_endpoints.add(
            connection, vault, clinic_id, f"https://{marker.lower()}.example/hook", "*", NOW
        )
        ids, emails = _people(connection, here, clinic_id, marker)
        return Practice(
            name=name,
            clinic_id=clinic_id,
            marker=marker,
            staff=ids,
            emails=emails,
            patients=tuple(one.id for one in who if one is not None),
            sessions=tuple(one.id for one in seen if one is not None),
            alert=alert,
            replies=tuple(kept),
            response=_answer(connection, here, session.id),
            protocol=protocol,
            contact=contact,
            key=clinics.keys_of(connection, clinic_id)[0]["id"],
            endpoint=endpoint.id,
            phones=phones,
        )

    return run(here.engine, work)


def _clinic(connection: Connection, here: Context, name: str, marker: str, digit: int) -> tuple[int, int, int]:
    long_ago = NOW - timedelta(days=60)
    fields = {
        "name": name, "display_name": name[:18], "phone": f"202-555-{digit}000", "timezone": "America/New_York",
        "email": f"desk@{marker.lower()}.example",
    }  # fmt: skip
    clinic = clinics.add(connection, fields, long_ago)
    version = protocols.add(connection, clinic.id, PROTOCOL, long_ago)
    protocols.approve(connection, version.id, f"Dr {marker}", long_ago)
    contact = contacts.add(
        connection, here.sending.vault, clinic.id, f"Nurse {marker}", f"+1202555{digit}200", None, long_ago
    )
    return clinic.id, version.id, contact.id


def _people(
    connection: Connection, here: Context, clinic_id: int, marker: str
) -> tuple[dict[Role, int], dict[Role, str]]:
    ids, emails = {}, {}
    for role in Role:
        emails[role] = f"{role}@{marker.lower()}.example"
        made = staff.add(
            connection, here.sending.vault, clinic_id, f"{role.capitalize()} {marker}", emails[role], role, NOW
        )
        staff.set_password(connection, made.id, _HASH)
        ids[role] = made.id
    return ids, emails


def _post(
    here: Context, clinic_id: int, ended: datetime, session: str, patient: str, phone: str, given_name: str
) -> None:
    data = completed(
        session=session, patient=patient, phone=phone, email=f"{patient.lower()}@mail.example", ended_at=ended,
        baseline={"pain": 6, "peg": [6, 5, 7], "activity": "climb stairs", "activity_score": 3},
    )  # fmt: skip
    data["patient"]["given_name"] = given_name
    with time.held(ended + timedelta(minutes=5)):
        status, answer = here.events(
            clinic_id, f"event {next(_numbers)}", dumps({"type": "session.completed", "data": data})
        )
    assert status == 202, answer


def _text(here: Context, sender: str, body: str) -> int:
    when = NOW - timedelta(minutes=30)
    incoming = Incoming(f"SM{next(_numbers):032}", Channel.SMS, sender, here.sending.sms_sender, body)
    with time.held(when):
        kept = run(here.engine, lambda connection: replies.keep(connection, here.sending.vault, incoming, when))
        assert kept is not None
        listen.handle(here.engine, here.sending, Silent(), [kept])  # type: ignore[arg-type]
    return kept


def _answer(connection: Connection, here: Context, session_id: int) -> int:
    """The second survey, sent off."""
    vault, asked_at = here.sending.vault, NOW - timedelta(minutes=25)
    where = triaging.setting(connection, vault, session_id)
    survey = library().surveys["S2"]
    questions = questions_for(survey, where.site_groups, True, where.day(asked_at))
    read = [validate(question, [S2_ANSWERS[question.id]]) for question in questions if question.id in S2_ANSWERS]
    answers = {one.question: one for one in read if isinstance(one, Answer)}
    assert answers
    triaging.take(connection, vault, library(), where, survey, Change(answers, finish=True), asked_at, lambda *_: None)
    return connection.execute(
        select(response_rows.c.id).where(response_rows.c.session_id == session_id, response_rows.c.survey == "S2")
    ).scalar_one()
