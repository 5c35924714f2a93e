"""The consent ledger: every grant and revocation with its wording, source and time; nothing is ever changed in it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from service.care.lifecycle import Channel
from service.records import hooks
from service.records.bulk import Write
from service.records.ids import new_id
from service.records.tables import consents, patients


@dataclass(frozen=True, slots=True)
class Consent:
    """One grant, as the clinic recorded it."""

    channel: Channel
    at: datetime
    wording: str
    source: str
    warned_at: datetime | None = None
    accepted_at: datetime | None = None


def grant_first(
    connection: Connection, clinic_id: int, patient_id: int, given: Sequence[Consent], now: datetime
) -> None:
    """Record the grants of a patient who was just added with them: there is nothing yet to hold them against."""
    if given:
        connection.execute(insert(consents), [_granted(clinic_id, patient_id, consent, now) for consent in given])
        announce_first(connection, clinic_id, patient_id, given, now)


def add_all(write: Write, clinic_id: int, given: Iterable[tuple[int, Consent]], now: datetime) -> None:
    """The same for many new patients, each grant with its patient; to be announced once they are inserted."""
    write(consents, (_granted(clinic_id, patient_id, consent, now) for patient_id, consent in given))


def announce_first(
    connection: Connection, clinic_id: int, patient_id: int, given: Sequence[Consent], now: datetime
) -> None:
    """Tell the clinic's endpoints of a new patient's grants."""
    for one in given:
        _announce(connection, clinic_id, patient_id, one.channel, "granted", one.source, one.at, now)


def _granted(clinic_id: int, patient_id: int, consent: Consent, now: datetime) -> dict[str, Any]:
    return {
        "id": new_id(),
        "clinic_id": clinic_id,
        "patient_id": patient_id,
        "channel": consent.channel.value,
        "action": "granted",
        "wording": consent.wording,
        "source": consent.source,
        "at": consent.at,
        "warned_at": consent.warned_at,
        "accepted_at": consent.accepted_at,
        "recorded_at": now,
    }


def grant(connection: Connection, clinic_id: int, patient_id: int, consent: Consent, now: datetime) -> None:
    """Record a grant (once: the same grant reported again is the same line) and bring the patient's row in step."""
    known = connection.execute(
        select(consents.c.id).where(
            consents.c.patient_id == patient_id,
            consents.c.channel == consent.channel,
            consents.c.action == "granted",
            consents.c.at == consent.at,
        )
    ).first()
    if known is None:
        connection.execute(insert(consents), _granted(clinic_id, patient_id, consent, now))
        _announce(connection, clinic_id, patient_id, consent.channel, "granted", consent.source, consent.at, now)
    _bring_in_step(connection, patient_id, consent.channel)


def revoke(
    connection: Connection,
    clinic_id: int,
    patient_id: int,
    channel: Channel,
    source: str,
    at: datetime,
    now: datetime,
    reply_id: int | None = None,
) -> None:
    """Record a revocation and bring the patient's row in step."""
    same = (
        consents.c.patient_id == patient_id,
        consents.c.channel == channel,
        consents.c.action == "revoked",
        consents.c.at == at,
    )
    if connection.execute(select(consents.c.id).where(*same)).first() is None:
        connection.execute(
            insert(consents).values(
                id=new_id(),
                clinic_id=clinic_id,
                patient_id=patient_id,
                channel=channel,
                action="revoked",
                wording="",
                source=source,
                at=at,
                recorded_at=now,
                reply_id=reply_id,
            )
        )
        _announce(connection, clinic_id, patient_id, channel, "revoked", source, at, now)
    _bring_in_step(connection, patient_id, channel)


def revoked_at(connection: Connection, clinic_id: int, names: Collection[str]) -> set[tuple[str, str, datetime]]:
    """When these patients, by the clinic's own id, took back what: id, channel and moment of each revocation."""
    rows = connection.execute(
        select(patients.c.external_id, consents.c.channel, consents.c.at)
        .join(patients, patients.c.id == consents.c.patient_id)
        .where(patients.c.clinic_id == clinic_id, patients.c.external_id.in_(names), consents.c.action == "revoked")
    )
    return {(row.external_id, row.channel, row.at) for row in rows}


def ledger(connection: Connection, patient_id: int) -> list[dict[str, Any]]:
    """Every line of a patient, oldest first."""
    rows = connection.execute(
        select(consents).where(consents.c.patient_id == patient_id).order_by(consents.c.at, consents.c.id)
    )
    return [dict(row._mapping) for row in rows]


def _announce(
    connection: Connection,
    clinic_id: int,
    patient_id: int,
    channel: Channel,
    action: str,
    source: str,
    at: datetime,
    now: datetime,
) -> None:
    line = {"channel": channel, "action": action, "source": source, "at": hooks.iso(at)}
    hooks.announce_consent(connection, clinic_id, patient_id, line, now)


def _bring_in_step(connection: Connection, patient_id: int, channel: Channel) -> None:
    # The line with the latest moment counts, whatever order the lines came in; a tie goes to the revocation.
    latest = connection.execute(
        select(consents.c.action)
        .where(consents.c.patient_id == patient_id, consents.c.channel == channel)
        .order_by(consents.c.at.desc(), consents.c.action.desc())
        .limit(1)
    ).scalar_one()
    column = "sms_consent" if channel is Channel.SMS else "email_consent"
    connection.execute(update(patients).where(patients.c.id == patient_id).values({column: latest == "granted"}))
