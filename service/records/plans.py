"""Plans on record: from the facts in the database, through the pure rules, to rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from service.care.lifecycle import Channel, Reason
from service.care.pausing import is_stopped
from service.care.planning import PlanFacts, PlannedMessage, plan
from service.care.replanning import Insert, Move, Revive, Withdraw, replan
from service.records import messages, protocols, sessions, suppressions
from service.records.clinics import Clinic
from service.records.patients import Patient, normal
from service.records.sealing import Vault
from service.records.sending_tables import messages as message_rows
from service.records.sessions import Session
from service.records.tables import sessions as session_rows

STILL_CONCERNED = timedelta(days=400)
"""Sessions older than the longest protocol (a year and its windows) have nothing left to plan."""
PART = 25
"""Sessions whose plans are made anew in one transaction: whoever waits for one of these patients waits a moment."""


@dataclass(frozen=True, slots=True)
class Sending:
    """What plans need to know of this installation."""

    vault: Vault
    sms_sender: str
    email_sender: str

    def of(self, clinic: Clinic) -> dict[Channel, str]:
        """Which sender each channel of a clinic uses."""
        return {Channel.SMS: clinic.sender or self.sms_sender, Channel.EMAIL: self.email_sender}


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def make(
    connection: Connection, sending: Sending, clinic: Clinic, patient: Patient, session: Session, now: datetime
) -> list[tuple[int, PlannedMessage]]:
    """Plan a session for the first time: every message, with its due time, in the event's own transaction."""
    fresh = _fresh(connection, sending, clinic, patient, session, now, told_at=now)
    ids = messages.insert_planned(connection, clinic.id, patient.id, session.id, sending.of(clinic), fresh)
    return list(zip(ids, fresh, strict=True))


def remake(
    connection: Connection, sending: Sending, clinic: Clinic, patient: Patient, session: Session, now: datetime
) -> int:
    """Bring a session's waiting messages in line with the facts as they are; returns how many changed."""
    told_at = connection.execute(select(session_rows.c.created_at).where(session_rows.c.id == session.id)).scalar_one()
    fresh = _fresh(connection, sending, clinic, patient, session, now, told_at)
    changes = replan(messages.on_record(connection, session.id), fresh)
    inserts = []
    for change in changes:
        match change:
            case Insert(message):
                inserts.append(message)
            case Move(message_id, message):
                messages.re_time(connection, message_id, message)
            case Withdraw(message_id, state, reason):
                messages.withdraw(connection, reason, message_rows.c.id == message_id, state=state)
            case Revive(message_id, was_state, was_reason, message):
                messages.revive(connection, message_id, was_state, was_reason, message)
    messages.insert_planned(connection, clinic.id, patient.id, session.id, sending.of(clinic), inserts)
    return len(changes)


def remake_all(connection: Connection, sending: Sending, clinic: Clinic, patient: Patient, now: datetime) -> int:
    """Bring every session of a patient in line: a new address, consent or time zone touches them all."""
    return sum(
        remake(connection, sending, clinic, patient, session, now)
        for session in sessions.of_patient(connection, patient.id)
        if session.cancelled_at is None
    )


def reachable(connection: Connection, vault: Vault, patient: Patient) -> Mapping[Channel, Reason | None]:
    """For each channel why the patient cannot be written to there; None where they can."""
    keys = address_keys(vault, patient)
    return ways(patient) | suppressions.of_addresses(connection, patient.clinic_id, keys)


def ways(patient: Patient) -> dict[Channel, Reason | None]:
    """The same as far as the patient's own row knows: whether there is an address, and consent."""
    found: dict[Channel, Reason | None] = {}
    for channel in Channel:
        if patient.address(channel) is None:
            found[channel] = Reason.NO_ADDRESS
        else:
            found[channel] = None if patient.consents_to(channel) else Reason.NO_CONSENT
    return found


def address_keys(vault: Vault, patient: Patient) -> dict[Channel, list[bytes]]:
    """The keyed hashes of the patient's addresses.

    Without consent too: an opt-out takes that away as well, and says more than that there is none.
    """
    return {
        channel: vault.indexes(normal(channel, address))
        for channel in Channel
        if (address := patient.address(channel)) is not None
    }


def _fresh(
    connection: Connection,
    sending: Sending,
    clinic: Clinic,
    patient: Patient,
    session: Session,
    now: datetime,
    told_at: datetime,
) -> list[PlannedMessage]:
    if session.protocol_id is None or session.ended_at is None:
        return []
    open_ways = reachable(connection, sending.vault, patient)
    facts = facts_of(clinic, patient, session, session.ended_at, open_ways, now, told_at)
    return plan(protocols.parsed(connection, session.protocol_id), facts)


def facts_of(
    clinic: Clinic,
    patient: Patient,
    session: Session,
    ended_at: datetime,
    reachable: Mapping[Channel, Reason | None],
    now: datetime,
    told_at: datetime,
) -> PlanFacts:
    """What the rules need to know of a session that has ended."""
    return PlanFacts(
        ended_at=ended_at,
        next_session_at=session.next_session_at,
        has_baseline=session.has_baseline,
        timezone=zone(patient.timezone or clinic.timezone),
        quiet=clinic.quiet,
        reachable=reachable,
        superseded_from=session.superseded_from,
        stopped=is_stopped(patient.stopped_at, session.ended_at),
        now=now,
        told_at=told_at,
    )
