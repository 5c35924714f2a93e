"""Many patients whose message is due at the same moment, as at half past nine: sealed as the service seals them."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Table, insert, update

from benchmarks.place import Place
from service.care.lifecycle import Channel, Reason, State
from service.records import attempts, protocols
from service.records.attempts import Draft
from service.records.database import run
from service.records.ids import new_ids
from service.records.messages import ROUTINE
from service.records.patients import normal
from service.records.sealing import new_token
from service.records.sending_tables import messages
from service.records.tables import clinics, courses, patients, sessions

AT_A_TIME = 5_000
_STEP, _SURVEY = "day1", "S1"
Row = dict[str, Any]


def open_all_day(here: Place, now: datetime) -> None:
    """Move the clinic to where it is late morning: no quiet hours for as long as a benchmark takes."""
    zones = [f"Etc/GMT{hours:+d}" for hours in range(-14, 13)]
    zone = next(name for name in zones if now.astimezone(ZoneInfo(name)).hour == 11)
    run(here.parts.engine, lambda connection: connection.execute(update(clinics).values(timezone=zone)))


def plan(here: Place, numbers: range, due_at: datetime) -> list[int]:
    """Plan one text each for these patients, all due at `due_at`; returns the messages' ids."""
    ids: list[int] = []
    for first in range(numbers.start, numbers.stop, AT_A_TIME):
        some = range(first, min(first + AT_A_TIME, numbers.stop))
        tables = _rows(here, some, due_at)

        def work(connection: Connection, tables: Sequence[tuple[Table, list[Row]]] = tables) -> None:
            protocol = protocols.of_clinic(connection, here.clinic_id)[-1].id
            for table, rows in tables:
                if table is sessions:
                    rows = [{**row, "protocol_id": protocol} for row in rows]
                connection.execute(insert(table), rows)

        run(here.parts.engine, work)
        ids += [row["id"] for row in tables[-1][1]]
    return ids


def retime(here: Place, planned: datetime, due_at: datetime) -> None:
    """Let everything that was planned for one moment be due at another, from one moment to the next."""
    statement = update(messages).where(messages.c.due_at == planned).values(due_at=due_at)
    run(here.parts.engine, lambda connection: connection.execute(statement))


def invite(here: Place, message_ids: Sequence[int], at: datetime) -> Iterator[str]:
    """Let these texts have gone out at `at`; yields the token in each one's link."""
    vault = here.parts.sending.vault
    for message_id in message_ids:
        token = new_token()
        draft = Draft(message_id, 1, secrets.token_urlsafe(12), token, "+12025550123", b"k" * 16, "text")

        def work(connection: Connection, draft: Draft = draft) -> None:
            attempts.write(connection, vault, [draft], at)
            accepted = {"state": State.ACCEPTED, "reason": Reason.HANDED_OVER, "handed_at": at}
            connection.execute(update(messages).where(messages.c.id == draft.message_id).values(accepted))

        run(here.parts.engine, work)
        yield token


def _rows(here: Place, numbers: range, due_at: datetime) -> tuple[tuple[Table, list[Row]], ...]:
    vault, sender = here.parts.sending.vault, here.parts.sending.sms_sender
    ended_at = due_at - timedelta(days=1)
    found: tuple[list[Row], list[Row], list[Row], list[Row]] = ([], [], [], [])
    for number, row_id in zip(numbers, new_ids(len(numbers)), strict=True):
        phone = f"+1{2_020_000_000 + number}"
        theirs = {"id": row_id, "clinic_id": here.clinic_id}
        found[0].append({
            **theirs, "external_id": f"p{number}", "given_name": vault.seal("Pat", row_id),
            "phone": vault.seal(phone, row_id), "phone_key": vault.index(normal(Channel.SMS, phone)),
            "sms_consent": True, "email_consent": False, "facts_at": ended_at,
        })  # fmt: skip
        found[1].append({**theirs, "patient_id": row_id, "site": "knee"})
        found[2].append({
            **theirs, "external_id": f"s{number}", "patient_id": row_id, "course_id": row_id, "ended_at": ended_at,
            "facts_at": ended_at, "created_at": ended_at, "has_baseline": False,
        })  # fmt: skip
        found[3].append({
            **theirs, "patient_id": row_id, "session_id": row_id, "step": _STEP, "channel": Channel.SMS,
            "survey": _SURVEY, "sender": sender, "priority": ROUTINE, "segments": 1, "due_at": due_at,
            "window_until": due_at + timedelta(hours=5), "state": State.PLANNED, "reason": Reason.NOT_YET_DUE,
            "tries": 0,
        })  # fmt: skip
    return ((patients, found[0]), (courses, found[1]), (sessions, found[2]), (messages, found[3]))
