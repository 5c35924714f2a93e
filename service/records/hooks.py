"""What clinics' own systems are told: which events happened, and which endpoints are to hear of each.

An outbox: `announce` writes the event and a delivery for each endpoint in the caller's transaction, so that an event
exists exactly if what it tells of was committed. Where no clinic has an endpoint, announcing costs a look into a
dictionary.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, Row, bindparam, delete, insert, select

from service import time
from service.care.lifecycle import ENDS, SENTENCES, Reason, State
from service.records.ids import new_ids
from service.records.sealing import Vault
from service.records.sending_tables import messages
from service.records.tables import patients, sessions
from service.records.webhook_tables import webhook_deliveries, webhook_endpoints, webhook_events

KEEP_DAYS = 30
"""How far back events can be read again."""
TOLD = ENDS | {State.ACCEPTED, State.SENT}
"""States of a message that clinics hear of: the steps in between are ours."""
LIVE = ("waiting", "queued", "posting")
_KEEP_SECONDS = 2.0
"""How long a process goes by what it knows of endpoints: an endpoint added elsewhere hears of what happens after
that."""


class Type(StrEnum):
    """What clinics may hear of."""

    MESSAGE = "message.state_changed"
    REPLY = "reply.received"
    SURVEY = "survey.answered"
    ALERT_OPENED = "alert.opened"
    ALERT_ACKNOWLEDGED = "alert.acknowledged"
    ALERT_CLOSED = "alert.closed"
    CONSENT = "consent.changed"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a clinic listens. `types` is "*" or the event types that it wants."""

    id: int
    clinic_id: int
    url: str
    types: Sequence[str]
    created_at: datetime
    disabled_at: datetime | None
    failing_since: datetime | None
    paused_at: datetime | None

    def wants(self, kind: str) -> bool:
        return self.types == "*" or kind in self.types


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. `body` is what endpoints are sent, to the byte, however often."""

    id: int
    type: str
    created_at: datetime
    body: str

    @property
    def webhook_id(self) -> str:
        """The same in every delivery: by this receivers know doubles."""
        return webhook_id(self.id)


@dataclass(frozen=True, slots=True)
class _Happened:
    clinic_id: int
    patient_id: int | None
    type: Type
    facts: dict[str, Any] | None = None
    words: dict[str, Any] | None = None


def webhook_id(event_id: int) -> str:
    return f"evt_{event_id}"


# Announcing


def announce(
    connection: Connection,
    vault: Vault,
    clinic_id: int,
    patient_id: int | None,
    kind: Type,
    data: Mapping[str, Any],
    now: datetime,
    session_id: int | None = None,
) -> bool:
    """Tell the clinic's endpoints, once the caller's transaction is committed. False when none listens.

    `data` is JSON and is kept sealed. `{"patient": {"id": …}}` and `{"session": {"id": …}}`, with the clinic's own
    ids, are put in front of it.
    """
    if not _listens(connection, clinic_id):
        return False
    named = {**_names(connection, patient_id, session_id), **data}
    return _write(connection, vault, [_Happened(clinic_id, patient_id, kind, words=named)], now) > 0


def announce_consent(
    connection: Connection, clinic_id: int, patient_id: int, facts: Mapping[str, Any], now: datetime
) -> bool:
    """A line was added to the consent ledger. Not sealed: the ledger is not either."""
    if not _listens(connection, clinic_id):
        return False
    named = {**_names(connection, patient_id, None), "consent": dict(facts)}
    return _write(connection, None, [_Happened(clinic_id, patient_id, Type.CONSENT, facts=named)], now) > 0


def announce_alert(
    connection: Connection,
    clinic_id: int,
    patient_id: int,
    session_id: int | None,
    kind: Type,
    facts: Mapping[str, Any],
    now: datetime,
) -> bool:
    """Where an alert stands. Not sealed: it says how urgent and who took it on, never why."""
    if not _listens(connection, clinic_id):
        return False
    named = {**_names(connection, patient_id, session_id), "alert": dict(facts)}
    return _write(connection, None, [_Happened(clinic_id, patient_id, kind, facts=named)], now) > 0


def anyone_listens(connection: Connection) -> bool:
    """Whether any clinic has an endpoint: whoever moves messages in bulk asks before collecting ids."""
    return bool(_watched(connection))


def announce_messages(connection: Connection, message_ids: Collection[int], now: datetime) -> int:
    """Tell of the states that these messages are in now, as far as clinics hear of them; returns how many events.

    Not sealed, and so without a vault: states, reasons and ids, as the messages' own rows hold them.
    """
    clinics = _watched(connection)
    if not clinics or not message_ids:
        return 0
    rows = connection.execute(_MESSAGES, {"ids": list(message_ids), "clinics": list(clinics)})
    happened = [
        _Happened(row.clinic_id, row.patient_id, Type.MESSAGE, facts=_message_facts(row))
        for row in rows
        if row.state in TOLD or row.state == State.PLANNED
    ]
    return _write(connection, None, happened, now)


_MESSAGES = (
    select(messages, patients.c.external_id.label("patient"), sessions.c.external_id.label("session"))
    .join(patients, patients.c.id == messages.c.patient_id)
    .outerjoin(sessions, sessions.c.id == messages.c.session_id)
    .where(
        messages.c.id.in_(bindparam("ids", expanding=True)),
        messages.c.clinic_id.in_(bindparam("clinics", expanding=True)),
    )
    .order_by(messages.c.due_at, messages.c.id)
)


def _message_facts(row: Row[Any]) -> dict[str, Any]:
    return {
        "patient": {"id": row.patient},
        "session": None if row.session is None else {"id": row.session},
        "message": {
            "id": str(row.id),
            "step": row.step,
            "channel": row.channel,
            "due_at": iso(row.due_at),
            "state": row.state,
            "reason": row.reason,
            "why": SENTENCES[Reason(row.reason)],
        },
    }


def _names(connection: Connection, patient_id: int | None, session_id: int | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, table, row_id in (("patient", patients, patient_id), ("session", sessions, session_id)):
        if row_id is not None:
            own = connection.execute(select(table.c.external_id).where(table.c.id == row_id)).scalar_one()
            found[name] = {"id": own}
    return found


def _write(connection: Connection, vault: Vault | None, happened: Sequence[_Happened], now: datetime) -> int:
    if not happened:
        return 0
    listening = _live_endpoints(connection, {one.clinic_id for one in happened})
    events, deliveries = [], []
    for row_id, one in zip(new_ids(len(happened)), happened, strict=True):
        ears = listening.get(one.clinic_id, [])
        if not ears:
            continue
        sealed = None if vault is None or one.words is None else vault.seal(_json(one.words), row_id)
        event = {"id": row_id, "clinic_id": one.clinic_id, "patient_id": one.patient_id, "type": one.type}
        events.append({**event, "facts": one.facts, "body": sealed, "created_at": now})
        deliveries += [fresh(row_id, ear.id, one.patient_id, now) for ear in ears if ear.wants(one.type)]
    if events:
        connection.execute(insert(webhook_events), events)
    if deliveries:
        connection.execute(insert(webhook_deliveries), deliveries)
    return len(events)


def fresh(event_id: int, endpoint_id: int, patient_id: int | None, now: datetime) -> dict[str, Any]:
    """A delivery that waits to be posted, as a row."""
    return {
        "event_id": event_id,
        "endpoint_id": endpoint_id,
        "patient_id": patient_id,
        "state": "waiting",
        "tries": 0,
        "due_at": now,
        "since": now,
    }


_WATCHED = select(webhook_endpoints.c.clinic_id).where(webhook_endpoints.c.disabled_at.is_(None))
_known: WeakKeyDictionary[Engine, tuple[float, frozenset[int]]] = WeakKeyDictionary()


def _watched(connection: Connection) -> frozenset[int]:
    """The clinics with a living endpoint, as this process last saw it."""
    until, clinics = _known.get(connection.engine, (0.0, frozenset()))
    if time.monotonic() >= until:
        clinics = frozenset(connection.execute(_WATCHED).scalars())
        _known[connection.engine] = (time.monotonic() + _KEEP_SECONDS, clinics)
    return clinics


def _listens(connection: Connection, clinic_id: int) -> bool:
    return clinic_id in _watched(connection)


def forget_known() -> None:
    """Look at the endpoints again before the next announcement."""
    _known.clear()


_LIVE_ENDPOINTS = (
    select(webhook_endpoints)
    .where(
        webhook_endpoints.c.clinic_id.in_(bindparam("clinics", expanding=True)),
        webhook_endpoints.c.disabled_at.is_(None),
    )
    .order_by(webhook_endpoints.c.id)
)


def _live_endpoints(connection: Connection, clinic_ids: Collection[int]) -> dict[int, list[Endpoint]]:
    found: dict[int, list[Endpoint]] = {}
    for row in connection.execute(_LIVE_ENDPOINTS, {"clinics": list(clinic_ids)}):
        found.setdefault(row.clinic_id, []).append(as_endpoint(row))
    return found


def as_endpoint(row: Row[Any]) -> Endpoint:
    return Endpoint(
        row.id, row.clinic_id, row.url, row.types, row.created_at, row.disabled_at, row.failing_since, row.paused_at
    )  # fmt: skip


# Reading again


def events_after(connection: Connection, vault: Vault, clinic_id: int, after: int, limit: int) -> list[Event]:
    """A clinic's events with ids after `after`, oldest first."""
    rows = connection.execute(
        select(webhook_events)
        .where(webhook_events.c.clinic_id == clinic_id, webhook_events.c.id > after)
        .order_by(webhook_events.c.id)
        .limit(limit)
    )
    return [Event(row.id, row.type, row.created_at, body_of(vault, row)) for row in rows]


def body_of(vault: Vault, row: Row[Any]) -> str:
    """What endpoints are sent for this row of `webhook_events`. Raises CannotOpen."""
    data = row.facts if row.body is None else json.loads(vault.open(row.body, row.id))
    return _json({"type": row.type, "timestamp": iso(row.created_at), "data": data})


# Forgetting


def forget_patient(connection: Connection, patient_id: int) -> None:
    """Erasure: what was told of a patient, and what was still to be told, goes."""
    _forget(connection, select(webhook_events.c.id).where(webhook_events.c.patient_id == patient_id))


def forget_old(connection: Connection, now: datetime, batch: int) -> int:
    """Retention: events older than can be read again; returns how many."""
    before = now - timedelta(days=KEEP_DAYS)
    old = connection.execute(
        select(webhook_events.c.id)
        .where(webhook_events.c.created_at < before)
        .order_by(webhook_events.c.id)
        .limit(batch)
    ).scalars()
    ids = list(old)
    if ids:
        _forget(connection, ids)
    return len(ids)


def _forget(connection: Connection, ids: Any) -> None:
    connection.execute(delete(webhook_deliveries).where(webhook_deliveries.c.event_id.in_(ids)))
    connection.execute(delete(webhook_events).where(webhook_events.c.id.in_(ids)))


def iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
