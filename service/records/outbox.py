"""What the send job reads about a batch of queued messages, in the transaction that claims them.

Patients' rows are locked first: whoever stops, erases or re-plans a patient takes the same lock, so that either they
find the message still waiting and withdraw it, or we commit before they do (P3). The daily cap is exact for the same
reason.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, select, text

from service.care.lifecycle import Channel, Reason, State
from service.care.pausing import is_stopped
from service.records import suppressions
from service.records.database import Moment, as_rows, listed
from service.records.messages import ROUTINE
from service.records.patients import normal
from service.records.sealing import Vault
from service.records.tables import alerts, messages, patients, protocols, responses, sessions


@dataclass(frozen=True, slots=True)
class Ready:
    """A queued message with everything its gate and its words depend on."""

    id: int
    clinic_id: int
    patient_id: int | None
    session_id: int | None
    cause_id: int | None
    step: str
    channel: Channel
    survey: str | None
    sender: str
    priority: int
    due_at: datetime
    window_until: datetime
    tries: int
    address: str | None
    address_keys: tuple[bytes, ...]
    body: str | None
    given_name: str | None
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
    suppressed: Reason | None
    alert_acknowledged: bool = False
    """The alert that caused it was taken on."""

    @property
    def is_planned(self) -> bool:
        """Part of a protocol's plan, rather than an answer, an alert or a typed message."""
        return self.priority == ROUTINE and self.session_id is not None

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


def read(connection: Connection, vault: Vault, ids: Sequence[int]) -> list[Ready]:
    """The messages among `ids` that are still queued, in order of due time, locked until the transaction ends."""
    _lock_patients(connection, ids)
    rows = connection.execute(_batch(connection), {"ids": list(ids)}).all()
    opened = [_opened(row, vault) for row in rows]
    standing: dict[Channel, dict[tuple[int | None, bytes], Reason]] = {}
    for channel in Channel:
        keys = {key for row, (_, keys) in zip(rows, opened, strict=True) if row.channel == channel for key in keys}
        standing[channel] = suppressions.standing(connection, channel, keys)
    return [
        _ready(row, address, keys, standing[Channel(row.channel)], vault)
        for row, (address, keys) in zip(rows, opened, strict=True)
    ]


def _lock_patients(connection: Connection, ids: Sequence[int]) -> None:
    if connection.dialect.name != "postgresql":
        return  # SQLite has one writer, and this transaction is it
    theirs = select(messages.c.patient_id).where(messages.c.id.in_(ids))
    connection.execute(
        select(patients.c.id).where(patients.c.id.in_(theirs)).order_by(patients.c.id).with_for_update(key_share=True)
    )


def _batch(connection: Connection) -> Any:
    query = (
        select(
            messages,
            patients.c.given_name,
            patients.c.phone,
            patients.c.email,
            patients.c.timezone,
            patients.c.locale,
            patients.c.sms_consent,
            patients.c.email_consent,
            patients.c.paused_at,
            patients.c.stopped_at,
            patients.c.erased_at,
            sessions.c.cancelled_at,
            sessions.c.ended_at,
            sessions.c.superseded_from,
            sessions.c.protocol_id,
            protocols.c.approved_at,
            responses.c.completed_at,
            alerts.c.acknowledged_at,
        )
        .select_from(messages)
        .outerjoin(patients, patients.c.id == messages.c.patient_id)
        .outerjoin(sessions, sessions.c.id == messages.c.session_id)
        .outerjoin(protocols, protocols.c.id == sessions.c.protocol_id)
        .outerjoin(
            responses, and_(responses.c.session_id == messages.c.session_id, responses.c.survey == messages.c.survey)
        )
        .outerjoin(alerts, alerts.c.id == messages.c.cause_id)
        .where(messages.c.id.in_(bindparam("ids", expanding=True)), messages.c.state == State.QUEUED)
        .order_by(messages.c.due_at, messages.c.id)
    )
    if connection.dialect.name == "postgresql":
        # A doubled job that runs at the same moment skips what this one holds.
        query = query.with_for_update(of=messages, skip_locked=True)
    return query


def _opened(row: Row[Any], vault: Vault) -> tuple[str | None, tuple[bytes, ...]]:
    """The address a message goes to and the keys it is suppressed under."""
    channel = Channel(row.channel)
    if row.patient_id is None:
        address = vault.open_optional(row.address, row.id)
    else:
        address = vault.open_optional(row.phone if channel is Channel.SMS else row.email, row.patient_id)
    return address, () if address is None else tuple(vault.indexes(normal(channel, address)))


def _ready(
    row: Row[Any],
    address: str | None,
    keys: tuple[bytes, ...],
    standing: dict[tuple[int | None, bytes], Reason],
    vault: Vault,
) -> Ready:
    channel = Channel(row.channel)
    suppressed = None
    if standing:
        found = (standing.get((owner, key)) for owner in (row.clinic_id, None) for key in keys)
        suppressed = next((reason for reason in found if reason is not None), None)
    to_patient = row.patient_id is not None
    return Ready(
        id=row.id,
        clinic_id=row.clinic_id,
        patient_id=row.patient_id,
        session_id=row.session_id,
        cause_id=row.cause_id,
        step=row.step,
        channel=channel,
        survey=row.survey,
        sender=row.sender,
        priority=row.priority,
        due_at=row.due_at,
        window_until=row.window_until,
        tries=row.tries,
        address=address,
        address_keys=keys,
        body=vault.open_optional(row.body, row.id),
        given_name=vault.open_optional(row.given_name, row.patient_id) if to_patient else None,
        timezone=row.timezone,
        locale=row.locale,
        consent=not to_patient or bool(row.sms_consent if channel is Channel.SMS else row.email_consent),
        paused=row.paused_at is not None,
        stopped=is_stopped(row.stopped_at, row.ended_at),
        erased=row.erased_at is not None,
        session_active=row.cancelled_at is None,
        superseded_from=row.superseded_from,
        protocol_id=row.protocol_id,
        approved=row.protocol_id is None or row.approved_at is not None,
        answered=row.completed_at is not None,
        suppressed=suppressed,
        alert_acknowledged=row.acknowledged_at is not None,
    )


_LOOK_BACK = timedelta(hours=50)
"""No local day is longer, and none begins further back."""


def handed_lately(connection: Connection, patient_ids: Collection[int], now: datetime) -> dict[int, list[Handed]]:
    """Planned messages handed over in the last two days, by patient: for the daily cap and for twins."""
    rows = connection.execute(
        select(
            messages.c.patient_id, messages.c.session_id, messages.c.step, messages.c.channel, messages.c.handed_at
        ).where(
            messages.c.patient_id.in_(patient_ids),
            messages.c.handed_at >= now - _LOOK_BACK,
            messages.c.handed_at.is_not(None),
            messages.c.priority == ROUTINE,
        )
    )
    found: dict[int, list[Handed]] = {}
    for row in rows:
        one = Handed(row.patient_id, row.session_id, row.step, Channel(row.channel), row.handed_at)
        found.setdefault(row.patient_id, []).append(one)
    return found


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


def take(connection: Connection, ids: Sequence[int], now: datetime, lease: datetime) -> set[int]:
    """The compare-and-set (`queued → sending`) that makes messages ours; returns the ones it got."""
    rows = connection.execute(
        text(
            "UPDATE messages SET state = 'sending', tries = tries + 1, handed_at = :now, check_at = :lease,"
            f" reason = :reason FROM {listed(connection, {'id': 'bigint'})} AS listed"
            " WHERE messages.id = listed.id AND messages.state = 'queued' RETURNING messages.id"
        ).bindparams(bindparam("now", type_=Moment), bindparam("lease", type_=Moment)),
        {
            "now": now,
            "lease": lease,
            "reason": Reason.HANDED_OVER,
            "rows": as_rows([{"id": one} for one in sorted(ids)]),
        },
    )
    return set(rows.scalars())
