"""What the send job reads about a batch of queued messages, in the transaction that claims them.

Patients' rows are locked first: whoever stops, erases or re-plans a patient takes the same lock, so that either they
find the message still waiting and withdraw it, or we commit before they do (P3). The daily cap is exact for the same
reason.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, TextClause, and_, bindparam, case, func, or_, select, text, true

from service.care.lifecycle import Channel, Reason, State
from service.records import suppressions
from service.records.alert_tables import alerts
from service.records.database import Moment, among_ids, as_ids
from service.records.messages import ROUTINE
from service.records.patients import normal
from service.records.reply_tables import responses
from service.records.sealing import Vault
from service.records.sending_tables import messages
from service.records.tables import patients, protocols, sessions


class Ready(NamedTuple):
    """A queued message with everything its gate and its words depend on. A tuple: one is made for every message."""

    channel: Channel
    address: str | None
    address_keys: tuple[bytes, ...]
    body: str | None
    given_name: str | None
    suppressed: Reason | None
    # from here on as `_FACTS` reads them
    id: int
    clinic_id: int
    patient_id: int | None
    session_id: int | None
    cause_id: int | None
    step: str
    survey: str | None
    sender: str
    priority: int
    due_at: datetime
    window_until: datetime
    tries: int
    timezone: str | None
    locale: str | None
    consent: bool
    paused: bool
    stopped: bool
    erased: bool
    session_active: bool
    superseded_from: datetime | None
    protocol_id: int | None
    approved: bool
    answered: bool
    alert_acknowledged: bool
    """The alert that caused it was taken on."""

    @property
    def is_planned(self) -> bool:
        """Part of a protocol's plan, rather than an answer, an alert or a typed message."""
        return self.priority == ROUTINE and self.session_id is not None

    @property
    def attempt(self) -> int:
        """The number of the attempt that claiming it begins: `take` counts it into `tries`."""
        return self.tries + 1

    @property
    def base_step(self) -> str:
        return self.step.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Handed:
    """A planned message that went to a patient lately."""

    patient_id: int
    session_id: int | None
    step: str
    channel: Channel
    at: datetime


@dataclass(frozen=True, slots=True)
class Parent:
    """What became of a step's first message."""

    sent_at: datetime | None
    pending: bool


_TO_PATIENT = messages.c.patient_id.is_not(None)
_BY_SMS = messages.c.channel == Channel.SMS
_SEALED = (
    messages.c.channel,
    func.coalesce(messages.c.patient_id, messages.c.id).label("sealed_in"),
    case((~_TO_PATIENT, messages.c.address), (_BY_SMS, patients.c.phone), else_=patients.c.email).label("address"),
    messages.c.body,
    patients.c.given_name,
)
_FACTS = (
    messages.c.id,
    messages.c.clinic_id,
    messages.c.patient_id,
    messages.c.session_id,
    messages.c.cause_id,
    messages.c.step,
    messages.c.survey,
    messages.c.sender,
    messages.c.priority,
    messages.c.due_at,
    messages.c.window_until,
    messages.c.tries,
    patients.c.timezone,
    patients.c.locale,
    case((~_TO_PATIENT, true()), (_BY_SMS, patients.c.sms_consent), else_=patients.c.email_consent).label("consent"),
    patients.c.paused_at.is_not(None).label("paused"),
    # As in care/pausing.is_stopped.
    and_(
        patients.c.stopped_at.is_not(None),
        or_(sessions.c.ended_at.is_(None), sessions.c.ended_at <= patients.c.stopped_at),
    ).label("stopped"),
    patients.c.erased_at.is_not(None).label("erased"),
    sessions.c.cancelled_at.is_(None).label("session_active"),
    sessions.c.superseded_from,
    sessions.c.protocol_id,
    or_(sessions.c.protocol_id.is_(None), protocols.c.approved_at.is_not(None)).label("approved"),
    responses.c.completed_at.is_not(None).label("answered"),
    alerts.c.acknowledged_at.is_not(None).label("alert_acknowledged"),
)


def read(connection: Connection, vault: Vault, ids: Sequence[int]) -> list[Ready]:
    """The messages among `ids` that are still queued, in order of due time, locked until the transaction ends."""
    wanted = {"ids": as_ids(ids)}
    if connection.dialect.name == "postgresql":
        connection.execute(_LOCK_PATIENTS, wanted)  # SQLite has one writer, and this transaction is it
    opened = [_opened(row, vault) for row in connection.execute(_batch(connection.dialect.name), wanted).all()]
    standing = {
        channel: suppressions.standing(connection, channel, {key for one in opened for key in one.address_keys})
        for channel in {one.channel for one in opened}
    }
    return [_held_against(one, standing[one.channel]) if standing[one.channel] else one for one in opened]


_LOCK_PATIENTS = text(
    "SELECT id FROM patients WHERE id IN"
    f" (SELECT patient_id FROM messages WHERE {among_ids('id', 'postgresql')}) ORDER BY id FOR NO KEY UPDATE"
)


@cache
def _batch(dialect: str) -> Select[Any]:
    query = (
        select(*_SEALED, *_FACTS)
        .select_from(messages)
        .outerjoin(patients, patients.c.id == messages.c.patient_id)
        .outerjoin(sessions, sessions.c.id == messages.c.session_id)
        .outerjoin(protocols, protocols.c.id == sessions.c.protocol_id)
        .outerjoin(
            responses, and_(responses.c.session_id == messages.c.session_id, responses.c.survey == messages.c.survey)
        )
        .outerjoin(alerts, alerts.c.id == messages.c.cause_id)
        .where(text(among_ids("messages.id", dialect)), messages.c.state == State.QUEUED)
        .order_by(messages.c.due_at, messages.c.id)
    )
    if dialect == "postgresql":
        # A doubled job that runs at the same moment skips what this one holds.
        query = query.with_for_update(of=messages, skip_locked=True)
    return query


def _opened(row: Any, vault: Vault) -> Ready:
    name, sealed_in, sealed_address, sealed_body, sealed_name, *facts = row
    channel = Channel(name)
    address = vault.open_optional(sealed_address, sealed_in)
    keys = () if address is None else tuple(vault.indexes(normal(channel, address)))
    body = vault.open_optional(sealed_body, facts[0]) if sealed_body else None
    given_name = vault.open_optional(sealed_name, sealed_in)
    return Ready(channel, address, keys, body, given_name, None, *facts)


def _held_against(ready: Ready, standing: dict[tuple[int | None, bytes], Reason]) -> Ready:
    """The message with what its address is suppressed for, if it is."""
    found = (standing.get((owner, key)) for owner in (ready.clinic_id, None) for key in ready.address_keys)
    reasons = [reason for reason in found if reason is not None]
    return ready._replace(suppressed=suppressions.strictest(*reasons)) if reasons else ready


_LOOK_BACK = timedelta(hours=50)
"""No local day is longer, and none begins further back."""


def handed_lately(connection: Connection, patient_ids: Collection[int], now: datetime) -> dict[int, list[Handed]]:
    """Planned messages handed over in the last two days, by patient: for the daily cap and for twins."""
    rows = connection.execute(_handed(connection.dialect.name), {"ids": as_ids(patient_ids), "since": now - _LOOK_BACK})
    found: dict[int, list[Handed]] = {}
    for patient_id, session_id, step, channel, at in rows:
        found.setdefault(patient_id, []).append(Handed(patient_id, session_id, step, Channel(channel), at))
    return found


@cache
def _handed(dialect: str) -> Select[Any]:
    return select(
        messages.c.patient_id, messages.c.session_id, messages.c.step, messages.c.channel, messages.c.handed_at
    ).where(
        text(among_ids("messages.patient_id", dialect)),
        messages.c.handed_at >= bindparam("since", type_=Moment),
        messages.c.handed_at.is_not(None),
        messages.c.priority == ROUTINE,
    )


def parents(connection: Connection, children: Collection[Ready]) -> dict[tuple[int, str], Parent]:
    """What became of the first messages that reminders look back to, by session and step."""
    wanted = {(child.session_id, child.base_step) for child in children if child.session_id is not None}
    if not wanted:
        return {}
    rows = connection.execute(
        select(messages.c.session_id, messages.c.step, messages.c.state, messages.c.handed_at).where(
            messages.c.session_id.in_({session for session, _ in wanted}),
            messages.c.step.in_({step for _, step in wanted}),
        )
    )
    found: dict[tuple[int, str], Parent] = {}
    for row in rows:
        before = found.get((row.session_id, row.step), Parent(None, False))
        sent = [moment for moment in (before.sent_at, row.handed_at) if moment is not None]
        pending = before.pending or row.state in (State.PLANNED, State.QUEUED, State.SENDING)
        found[row.session_id, row.step] = Parent(min(sent, default=None), pending)
    return found


def take(connection: Connection, ids: Collection[int], now: datetime, lease: datetime) -> set[int]:
    """The compare-and-set (`queued → sending`) that makes messages ours; returns the ones it got."""
    rows = connection.execute(
        _taking(connection.dialect.name),
        {"now": now, "lease": lease, "reason": Reason.HANDED_OVER, "ids": as_ids(sorted(ids))},
    )
    return set(rows.scalars().all())


@cache
def _taking(dialect: str) -> TextClause:
    return text(
        "UPDATE messages SET state = 'sending', tries = tries + 1, handed_at = :now, check_at = :lease,"
        f" reason = :reason WHERE {among_ids('id', dialect)} AND state = 'queued' RETURNING id"
    ).bindparams(bindparam("now", type_=Moment), bindparam("lease", type_=Moment))
