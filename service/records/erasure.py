"""Everything we hold of one patient, and its end: export, erasure, retention, and re-sealing under a new key."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, delete, func, literal_column, select, update

from service.care.lifecycle import WAITING, Reason
from service.records import alert_history, audit, consents, hooks, imports, messages, patients, plans, suppressions
from service.records.desk_tables import notes
from service.records.patients import Facts, Patient
from service.records.reply_tables import conversations, replies, reply_candidates, responses, silences
from service.records.sealing import Vault
from service.records.sending_tables import attempts
from service.records.sending_tables import messages as message_rows
from service.records.tables import courses, events, sessions
from service.records.tables import patients as patient_rows

_NOTHING = b""


def erase(
    connection: Connection, vault: Vault, clinic_id: int, external_id: str, now: datetime, unheard_of: bool = False
) -> bool:
    """Erase a patient: cancel what waits, blank what names or describes them. False when there is no such patient.

    `unheard_of`: also one whom nobody has told us of. Events come in any order, and none may bring them in later. The
    clinic must be locked then, or whoever is bringing them in has looked for them already and goes on.

    What stays: that a patient was erased (under a keyed hash, so that a late event cannot bring them back), when they
    were treated and what was sent when, that there were alerts, how urgent and who took them on, and the ledger of
    consent and opt-outs, which is kept as evidence, in the words that the clinic gave. The sealed answer to the event
    that asked for this goes with retention.
    """
    patient = patients.find(connection, vault, clinic_id, external_id, lock=True)
    if patient is None and unheard_of:
        patient = patients.add(connection, vault, clinic_id, Facts(external_id, *[None] * 5), now, ())
    if patient is None or patient.erased_at is not None:
        return False
    messages.withdraw(connection, Reason.PATIENT_ERASED, message_rows.c.patient_id == patient.id)
    connection.execute(
        update(patient_rows)
        .where(patient_rows.c.id == patient.id)
        .values(
            external_id=patients.tombstones(vault, clinic_id, external_id)[0],
            given_name=None,
            phone=None,
            phone_key=None,
            email=None,
            email_key=None,
            timezone=None,
            locale=None,
            sms_consent=False,
            email_consent=False,
            erased_at=now,
        )
    )
    _blank(connection, patient.id)
    # Files that wait to be taken in are sealed whole: which of them holds a row of this patient is not looked for.
    imports.end_all(connection, clinic_id, now)
    return True


def _blank(connection: Connection, patient_id: int) -> None:
    theirs = select(sessions.c.id).where(sessions.c.patient_id == patient_id)
    sent = select(message_rows.c.id).where(message_rows.c.patient_id == patient_id)
    hooks.forget_patient(connection, patient_id)
    alert_history.forget_patient(connection, patient_id)
    connection.execute(delete(events).where(events.c.session_id.in_(theirs)))
    connection.execute(delete(events).where(events.c.patient_id == patient_id))
    connection.execute(delete(responses).where(responses.c.session_id.in_(theirs)))
    connection.execute(delete(silences).where(silences.c.session_id.in_(theirs)))
    connection.execute(delete(notes).where(notes.c.patient_id == patient_id))
    connection.execute(delete(conversations).where(conversations.c.patient_id == patient_id))
    connection.execute(update(attempts).where(attempts.c.message_id.in_(sent)).values(address=_NOTHING, link_key=None))
    connection.execute(
        update(message_rows).where(message_rows.c.patient_id == patient_id).values(body=None, address=None)
    )
    connection.execute(
        update(replies)
        .where(replies.c.patient_id == patient_id)
        .values(sender=_NOTHING, sender_key=_NOTHING, body=_NOTHING, reading=None)
    )
    shared = select(reply_candidates.c.reply_id).where(reply_candidates.c.patient_id == patient_id)
    maybe_theirs = list(connection.execute(shared).scalars())
    connection.execute(delete(reply_candidates).where(reply_candidates.c.patient_id == patient_id))
    # A reply that one of several may have written goes with the last of them.
    others = select(reply_candidates.c.reply_id)
    connection.execute(
        update(replies)
        .where(replies.c.id.in_(maybe_theirs), replies.c.patient_id.is_(None), replies.c.id.not_in(others))
        .values(sender=_NOTHING, sender_key=_NOTHING, body=_NOTHING, reading=None)
    )
    rows = connection.execute(select(sessions.c.id, sessions.c.external_id).where(sessions.c.patient_id == patient_id))
    for row in rows.all():
        blind = "erased:" + hashlib.sha256(f"{row.id} {row.external_id}".encode()).hexdigest()[:32]
        values = {"baseline": None, "external_id": blind, "course_id": None}
        connection.execute(update(sessions).where(sessions.c.id == row.id).values(values))
    connection.execute(delete(courses).where(courses.c.patient_id == patient_id))  # they say where it hurt


def export(connection: Connection, vault: Vault, clinic_id: int, external_id: str) -> dict[str, Any] | None:
    """Everything held of a patient, readable; None when there is no such patient."""
    patient = patients.find(connection, vault, clinic_id, external_id)
    if patient is None or patient.erased_at is not None:
        return None
    theirs = select(sessions.c.id).where(sessions.c.patient_id == patient.id)
    return {
        "patient": {
            "id": patient.external_id,
            "given_name": patient.given_name,
            "phone": patient.phone,
            "email": patient.email,
            "timezone": patient.timezone,
            "locale": patient.locale,
        },
        "consents": [_plain(row) for row in consents.ledger(connection, patient.id)],
        "suppressions": _suppressions(connection, vault, patient),
        "courses": [_plain(row) for row in _rows(connection, courses, courses.c.patient_id == patient.id)],
        "sessions": [_session(vault, row) for row in _rows(connection, sessions, sessions.c.patient_id == patient.id)],
        "messages": [
            _plain({**row, "body": vault.open_optional(row["body"], row["id"]), "address": None})
            for row in messages.of_patient(connection, patient.id)
        ],
        "answers": [
            _plain({**row, "answers": vault.open(row["answers"], row["id"])})
            for row in _rows(connection, responses, responses.c.session_id.in_(theirs))
        ],
        "replies": [
            _plain(
                {
                    **row,
                    "sender": vault.open_optional(row["sender"], row["id"]),
                    "body": vault.open_optional(row["body"], row["id"]),
                    "reading": vault.open_optional(row["reading"], row["id"]),
                    "sender_key": None,
                }
            )
            for row in _rows(connection, replies, replies.c.patient_id == patient.id)
        ],
        "conversations": [
            _plain({**row, "state": vault.open(row["state"], row["id"])})
            for row in _rows(connection, conversations, conversations.c.patient_id == patient.id)
        ],
        "alerts": alert_history.of_patient(connection, vault, patient.id),
        "notes": [
            _plain({**row, "body": vault.open(row["body"], row["id"])})
            for row in _rows(connection, notes, notes.c.patient_id == patient.id)
        ],
    }


def _suppressions(connection: Connection, vault: Vault, patient: Patient) -> list[dict[str, Any]]:
    """From which of their addresses messages are kept, and were: by the clinic's wish or for everybody's sake."""
    return [
        {"channel": str(channel), **_plain(dict(row._mapping))}
        for channel, keys in plans.address_keys(vault, patient).items()
        for row in suppressions.history(connection, patient.clinic_id, channel, keys)
    ]


def _session(vault: Vault, row: dict[str, Any]) -> dict[str, Any]:
    return _plain({**row, "baseline": vault.open_optional(row["baseline"], row["id"])})


def _rows(connection: Connection, table: Any, condition: Any) -> list[dict[str, Any]]:
    return [dict(row._mapping) for row in connection.execute(select(table).where(condition).order_by(table.c.id))]


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in row.items()
        if not isinstance(value, bytes | memoryview)
    }


def forget_old(connection: Connection, now: datetime, days: int, batch: int = 500) -> int:
    """Retention: blank the free text, answers and addresses that are older than `days`; returns how many rows.

    A baseline, which later answers are held against, stays while anything still waits for its patient. What has a term
    of its own goes by that: webhooks' events, and lines of the audit that are no clinic's. Patients, sessions and
    messages themselves stay until the patient is erased.

    Consents and suppressions stay: evidence of an opt-out is kept at least five years, and costs nobody's privacy.
    """
    before = now - timedelta(days=days)
    old_replies = _oldest(connection, replies.c.received_at, before, batch, _kept(replies.c.body))
    old_attempts = _oldest(connection, attempts.c.started_at, before, batch, _kept(attempts.c.address))
    old_texts = _oldest(connection, message_rows.c.due_at, before, batch, message_rows.c.body.is_not(None))
    old_starts = _oldest(
        connection, sessions.c.created_at, before, batch, sessions.c.baseline.is_not(None), ~_patient_is_written_to(now)
    )
    forgotten = (
        update(message_rows).where(message_rows.c.id.in_(old_texts)).values(body=None),
        update(sessions).where(sessions.c.id.in_(old_starts)).values(baseline=None),
        update(replies)
        .where(replies.c.id.in_(old_replies))
        .values(sender=_NOTHING, sender_key=_NOTHING, body=_NOTHING, reading=None),
        update(attempts).where(attempts.c.id.in_(old_attempts)).values(address=_NOTHING, link_key=None),
        *(
            delete(since.table).where(since.table.c.id.in_(_oldest(connection, since, before, batch)))
            for since in (responses.c.changed_at, notes.c.at, conversations.c.expires_at, events.c.received_at)
        ),
    )
    done = sum(connection.execute(statement).rowcount for statement in forgotten)
    done += hooks.forget_old(connection, now, batch)
    done += alert_history.forget_old(connection, before, batch)
    done += audit.forget_nobodys(connection, now, batch)
    return done


def _oldest(
    connection: Connection, since: Column[datetime], before: datetime, most: int, *where: ColumnElement[bool]
) -> list[int]:
    """The oldest rows from before then, down the index on `since`."""
    query = select(since.table.c.id).where(since < before, *where).order_by(since).limit(most)
    return list(connection.execute(query).scalars())


def _patient_is_written_to(now: datetime) -> ColumnElement[bool]:
    """That something may still go to the patient of a session."""
    return (
        select(message_rows.c.id)
        .where(
            message_rows.c.patient_id == sessions.c.patient_id,
            message_rows.c.state.in_(WAITING),
            message_rows.c.window_until > now,
        )
        .exists()
    )


def _kept(blob: Column[bytes]) -> ColumnElement[bool]:
    """That it was not blanked, in the very words of the indexes that hold only such rows."""
    return func.length(blob) > literal_column("0")
