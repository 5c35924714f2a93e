"""Replies of which nobody knows who wrote them: a person says so, once, and what follows from it follows.

On a phone that several patients share all was done for all of them when the reply was read: the alerts, and the end of
the texts. So knowing the writer changes nothing but whose history it is in; alerts of the others are closed one by one,
by a person. A reply from a number that nobody knew was heard for nobody: what it says counts from now on. A score or an
answer to a survey is never entered afterwards: nobody can tell any more which question it answered.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, select, update

from service.care.lifecycle import Channel
from service.care.optout import StopScope
from service.records import alerts, clinics, inbox, notes, optouts, patients, replies, sessions, triaging
from service.records.alert_history import SAID
from service.records.alert_tables import alert_events
from service.records.alert_tables import alerts as alert_rows
from service.records.alerts import Alert, as_alert
from service.records.ids import new_id
from service.records.library import library
from service.records.patients import Patient
from service.records.plans import Sending
from service.records.replies import SHARED, UNMATCHED
from service.records.reply_tables import replies as reply_rows
from service.records.reply_tables import reply_candidates
from service.records.triaging import Said

SOURCE = "desk"
ANOTHER_WROTE = "Written by another patient on this phone."
"""The note with which the alert of somebody who did not write is closed."""
_MOST_WORDS = 600


def search(connection: Connection, sending: Sending, clinic_id: int, wanted: str, phone: str | None) -> list[Patient]:
    """The clinic's living patients with exactly this id of the clinic's own, or this phone number."""
    by_id = patients.find(connection, sending.vault, clinic_id, wanted)
    by_phone = [] if phone is None else patients.by_address(connection, sending.vault, Channel.SMS, phone)
    found = {one.id: one for one in (by_id, *by_phone) if one is not None}
    return [one for one in found.values() if one.clinic_id == clinic_id and one.erased_at is None]


def attach(
    connection: Connection, sending: Sending, clinic_id: int, reply_id: int, patient_id: int, by: str, now: datetime
) -> bool:
    """Say which patient wrote it. False when somebody had said so before: the first stays.

    Wake the clock after the commit. Raises LookupError when the clinic sees no such reply, has no such patient, or the
    phone is shared and not this patient's.
    """
    patient = patients.get(connection, sending.vault, patient_id, lock=True)
    if patient.clinic_id != clinic_id or patient.erased_at is not None:
        raise LookupError(f"clinic {clinic_id} has no patient {patient_id}")
    letter = inbox.get(connection, sending.vault, clinic_id, reply_id)
    if not letter.is_open:
        return False
    if letter.match == SHARED and patient_id not in [one.id for one in letter.candidates]:
        raise LookupError(f"patient {patient_id} is not reached at the number of reply {reply_id}")
    session_id = sessions.latest_of(connection, patient_id, letter.received_at)
    if not replies.attach(connection, [reply_id], clinic_id, patient_id, session_id, by):
        return False
    if letter.match == UNMATCHED:
        _hear(connection, sending, letter, patient, session_id, now)
    replies.announce(connection, sending.vault, [reply_id], now)
    return True


def to_nobody(
    connection: Connection, sending: Sending, clinic_id: int, reply_id: int, why: str, by: str, now: datetime
) -> bool:
    """Say that none of the clinic's patients wrote it, with a note. False when somebody had said whose it is before.

    Where other clinics' patients share the phone, it stays open for those.
    """
    letter = inbox.get(connection, sending.vault, clinic_id, reply_id)
    if not letter.is_open:
        return False
    others = _forget_candidates(connection, clinic_id, reply_id) if letter.match == SHARED else []
    if others:
        alone = others[0] if len(set(others)) == 1 else None
        done = _still_open(connection, reply_id, clinic_id=alone)
    else:
        done = _still_open(connection, reply_id, clinic_id=clinic_id, match=UNMATCHED, resolved_by=by)
    if done:
        notes.add(connection, sending.vault, clinic_id, None, why, by, now, reply_id=reply_id)
    if done and not others:
        inbox.settle(connection, clinic_id, reply_id, by, now)
    return done


def alerts_of_others(connection: Connection, clinic_id: int, reply_id: int) -> list[Alert]:
    """Open alerts of patients who did not write it, that stand for nothing but this reply."""
    writer = connection.execute(select(reply_rows.c.patient_id).where(reply_rows.c.id == reply_id)).scalar_one_or_none()
    if writer is None:
        return []
    elsewhere = (
        select(alert_events.c.id)
        .where(
            alert_events.c.alert_id == alert_rows.c.id,
            alert_events.c.kind.in_(SAID),
            alert_events.c.source.is_distinct_from(f"reply {reply_id}"),
        )
        .exists()
    )
    rows = connection.execute(
        select(alert_rows)
        .join(reply_candidates, reply_candidates.c.patient_id == alert_rows.c.patient_id)
        .where(
            reply_candidates.c.reply_id == reply_id,
            reply_candidates.c.clinic_id == clinic_id,
            alert_rows.c.clinic_id == clinic_id,
            alert_rows.c.patient_id != writer,
            alert_rows.c.closed_at.is_(None),
            ~elsewhere,
        )
        .order_by(alert_rows.c.id)
    )
    return [as_alert(row) for row in rows]


def close_of_other(
    connection: Connection, sending: Sending, clinic_id: int, reply_id: int, alert_id: int, by: str, now: datetime
) -> bool:
    """Close the alert of somebody who did not write the reply. False when it was closed before.

    Raises LookupError for an alert that stands for anything else.
    """
    alert = alerts.get(connection, clinic_id, alert_id, lock=True)
    if alert.closed_at is not None:
        return False
    if alert_id not in [one.id for one in alerts_of_others(connection, clinic_id, reply_id)]:
        raise LookupError(f"alert {alert_id} does not stand for reply {reply_id} alone")
    return alerts.close(connection, sending.vault, clinic_id, alert_id, ANOTHER_WROTE, by, now)


def _forget_candidates(connection: Connection, clinic_id: int, reply_id: int) -> Sequence[int]:
    """This clinic's patients did not write it; returns the clinics of those who still may have."""
    connection.execute(
        delete(reply_candidates).where(
            reply_candidates.c.reply_id == reply_id, reply_candidates.c.clinic_id == clinic_id
        )
    )
    return list(
        connection.execute(
            select(reply_candidates.c.clinic_id).where(reply_candidates.c.reply_id == reply_id)
        ).scalars()
    )


def _still_open(connection: Connection, reply_id: int, **values: object) -> bool:
    done = connection.execute(
        update(reply_rows)
        .where(
            reply_rows.c.id == reply_id,
            reply_rows.c.match.in_((SHARED, UNMATCHED)),
            reply_rows.c.resolved_by.is_(None),
        )
        .values(place=new_id(), **values)
    )
    return done.rowcount == 1


def _hear(
    connection: Connection,
    sending: Sending,
    letter: inbox.Letter,
    patient: Patient,
    session_id: int | None,
    now: datetime,
) -> None:
    """What a reply from an unknown number says, now that it is somebody's (P3, P9)."""
    signs = frozenset(letter.reading.get("red_flags", ()))
    if signs:
        clinic = clinics.get(connection, patient.clinic_id)
        for finding in triaging.heard_words(connection, sending.vault, library(), session_id, Said(signs), now):
            alerts.open_alert(
                connection,
                sending,
                clinic,
                patient.id,
                session_id,
                finding.urgency,
                finding.cause,
                f"reply {letter.id}",
                f"{finding.sentence} Wrote: {letter.text[:_MOST_WORDS]!r}",
                now,
            )
    # "Wrong number" is about the number it came from, which is stopped already, and not about this patient's.
    if letter.reading.get("stop") and letter.reading.get("stop_scope") != StopScope.WRONG_PERSON:
        certain = bool(letter.reading.get("stop_certain", True))
        optouts.opt_out(connection, sending, patient.id, letter.channel, SOURCE, letter.received_at, letter.id, certain)
