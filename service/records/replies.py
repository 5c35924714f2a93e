"""Replies: kept before anything looks at them, then read once, then shown to the clinic."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, text, union_all, update

from service.care.lifecycle import Channel
from service.records import hooks
from service.records.database import upsert
from service.records.ids import new_id
from service.records.patients import normal
from service.records.reply_tables import UNREAD_REPLIES, replies, reply_candidates
from service.records.sealing import Vault
from service.records.tables import patients, sessions

WAITING, MATCHED, SHARED, UNMATCHED, CLINICIAN = "waiting", "matched", "shared", "unmatched", "clinician"
"""Whose a reply is: not looked at yet, a patient's, one of several patients', nobody's we know, a clinician's."""
MOST_TEXT = 50_000
"""Characters kept of a reply: more than anybody types, less than a mailing list's history."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A reply as a provider posted it."""

    provider_key: str
    channel: Channel
    sender: str = field(repr=False)
    recipient: str
    """Our number and messaging service, separated by a space, or the reply address."""
    body: str = field(repr=False)
    media: int = 0
    opt_out_type: str | None = None
    automatic: bool = False
    link_key: int | None = None
    subject: str = field(default="", repr=False)
    """An e-mail's, where the sender seems to have written it; not kept by itself."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply on record, opened."""

    id: int
    channel: Channel
    sender: str = field(repr=False)
    sender_key: bytes
    recipient: str
    link_key: int | None
    body: str = field(repr=False)
    media: int
    opt_out_type: str | None
    automatic: bool
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Whose:
    """Where a reply belongs. `candidates` are (patient, clinic) pairs, filled only where several share the number."""

    match: str
    clinic_id: int | None = None
    patient_id: int | None = None
    session_id: int | None = None
    candidates: tuple[tuple[int, int], ...] = ()
    attached: tuple[int, ...] = ()
    """Earlier replies that this one says the writer of."""


def keep(connection: Connection, vault: Vault, incoming: Incoming, now: datetime) -> int | None:
    """Keep a reply; its id, or None when it is on record already."""
    row_id = new_id()
    address = normal(incoming.channel, incoming.sender)
    return connection.execute(
        upsert(connection.dialect.name, replies)
        .values(
            id=row_id,
            provider_key=incoming.provider_key,
            channel=incoming.channel,
            sender=vault.seal(incoming.sender, row_id),
            sender_key=vault.index(address),
            recipient=incoming.recipient,
            link_key=incoming.link_key,
            body=vault.seal(incoming.body[:MOST_TEXT], row_id),
            media=incoming.media,
            opt_out_type=incoming.opt_out_type,
            automatic=incoming.automatic,
            received_at=now,
            match=WAITING,
        )
        .on_conflict_do_nothing(index_elements=["provider_key"])
        .returning(replies.c.id)
    ).scalar_one_or_none()


def unhandled(connection: Connection, before: datetime, limit: int) -> list[int]:
    """Replies received before `before` that nobody has read: their nudge was lost."""
    oldest = UNREAD.order_by(replies.c.received_at).limit(limit)
    return list(connection.execute(oldest, {"unread_before": before}).scalars())


UNREAD = select(replies.c.id).where(text(UNREAD_REPLIES), replies.c.received_at < bindparam("unread_before"))


def unread_senders(connection: Connection) -> set[bytes]:
    """The keyed hashes of the addresses from which something came that nobody has read."""
    return set(connection.execute(select(replies.c.sender_key).where(text(UNREAD_REPLIES))).scalars())


def unhandled_up_to(connection: Connection, reply_id: int) -> list[int]:
    """The same sender's unread replies up to this one, oldest first: STOP and START must be read in their order."""
    one = select(replies.c.sender_key).where(replies.c.id == reply_id).scalar_subquery()
    return list(
        connection.execute(
            select(replies.c.id)
            .where(replies.c.sender_key == one, replies.c.handled_at.is_(None), replies.c.id <= reply_id)
            .order_by(replies.c.id)
        ).scalars()
    )


def claim(connection: Connection, vault: Vault, reply_id: int, now: datetime) -> Reply | None:
    """Take a reply to read it, once for all workers; committed together with everything that follows from it."""
    row = connection.execute(
        update(replies)
        .where(replies.c.id == reply_id, replies.c.handled_at.is_(None))
        .values(handled_at=now)
        .returning(replies)
    ).one_or_none()
    return None if row is None else _opened(row, vault)


def note(
    connection: Connection, vault: Vault, reply_id: int, whose: Whose, meaning: str | None, reading: str | None
) -> None:
    """Write down whose a reply is and what it means."""
    connection.execute(
        update(replies)
        .where(replies.c.id == reply_id)
        .values(
            match=whose.match,
            clinic_id=whose.clinic_id,
            patient_id=whose.patient_id,
            session_id=whose.session_id,
            meaning=meaning,
            reading=vault.seal_optional(reading, reply_id),
            place=new_id(),
        )
    )
    if whose.candidates:
        connection.execute(
            insert(reply_candidates),
            [
                {"reply_id": reply_id, "patient_id": patient_id, "clinic_id": clinic_id}
                for patient_id, clinic_id in whose.candidates
            ],
        )


def attach(
    connection: Connection, reply_ids: Collection[int], clinic_id: int, patient_id: int, session_id: int | None, by: str
) -> int:
    """Say whose replies are of which that was open; the clinic sees them again in its list. Returns how many were."""
    changed = 0
    for reply_id in sorted(reply_ids):
        changed += connection.execute(
            update(replies)
            .where(replies.c.id == reply_id, replies.c.match.in_((SHARED, UNMATCHED)), replies.c.resolved_by.is_(None))
            .values(
                match=MATCHED,
                clinic_id=clinic_id,
                patient_id=patient_id,
                session_id=session_id,
                resolved_by=by,
                place=new_id(),
            )
        ).rowcount
    return changed


def open_shared(connection: Connection, sender_key: bytes, patient_ids: Collection[int], since: datetime) -> list[int]:
    """Replies from this sender, not older than `since`, of which one of exactly these patients is the writer."""
    rows = connection.execute(
        select(replies.c.id, reply_candidates.c.patient_id)
        .join(reply_candidates, reply_candidates.c.reply_id == replies.c.id)
        .where(replies.c.sender_key == sender_key, replies.c.match == SHARED, replies.c.received_at >= since)
    )
    found: dict[int, set[int]] = {}
    for row in rows:
        found.setdefault(row.id, set()).add(row.patient_id)
    return sorted(reply_id for reply_id, theirs in found.items() if theirs == set(patient_ids))


def lately(
    connection: Connection, vault: Vault, reply: Reply, since: timedelta, most: int
) -> list[tuple[datetime, str]]:
    """When, and with which words, the sender wrote up to this reply, newest first; `most` at most."""
    rows = connection.execute(
        select(replies.c.id, replies.c.received_at, replies.c.body)
        .where(
            replies.c.sender_key == reply.sender_key,
            replies.c.received_at > reply.received_at - since,
            replies.c.id <= reply.id,
        )
        .order_by(replies.c.id.desc())
        .limit(most)
    )
    return [(row.received_at, vault.open(row.body, row.id) if row.body else "") for row in rows]


@dataclass(frozen=True, slots=True)
class Shown:
    """A reply as its clinic reads it."""

    place: int
    id: int
    channel: str
    received_at: datetime
    match: str
    patient: str | None
    candidates: tuple[str, ...]
    session: str | None
    meaning: str | None
    text: str = field(repr=False)
    media: int
    automatic: bool
    reading: str | None = field(repr=False)
    resolved_by: str | None


_SHOWN = (
    select(replies, patients.c.external_id.label("patient"), sessions.c.external_id.label("session"))
    .outerjoin(patients, patients.c.id == replies.c.patient_id)
    .outerjoin(sessions, sessions.c.id == replies.c.session_id)
)


def of_clinic(connection: Connection, vault: Vault, clinic_id: int, after: int, limit: int) -> list[Shown]:
    """A clinic's replies behind the cursor `after`, in the order in which they were read or changed."""
    in_turn = replies.c.place > after
    own = select(replies.c.id).where(replies.c.clinic_id == clinic_id, in_turn).order_by(replies.c.place).limit(limit)
    # Several clinics' patients share the number: all see it until it is known whose it is, then that one.
    shared = (
        select(replies.c.id)
        .join(reply_candidates, reply_candidates.c.reply_id == replies.c.id)
        .where(reply_candidates.c.clinic_id == clinic_id, replies.c.match == SHARED, in_turn)
    )
    # Two ways in, each down an index of its own: asked for with one OR, PostgreSQL goes through every reply.
    theirs = union_all(select(own.subquery()), shared)
    rows = connection.execute(_SHOWN.where(replies.c.id.in_(theirs)).order_by(replies.c.place).limit(limit)).all()
    candidates = _candidates(connection, clinic_id, [row.id for row in rows if row.match == SHARED])
    return [_shown(row, vault, candidates.get(row.id, ())) for row in rows]


def told(reply: Shown) -> dict[str, Any]:
    """A reply as JSON: what the API shows and what clinics' own systems are told."""
    reading = json.loads(reply.reading) if reply.reading else {}
    return {
        "id": str(reply.id),
        "channel": reply.channel,
        "received_at": hooks.iso(reply.received_at),
        "match": reply.match,
        "patient": reply.patient,
        "candidates": list(reply.candidates),
        "session": reply.session,
        "text": reply.text,
        "pictures": reply.media,
        "automatic": reply.automatic,
        "meaning": reply.meaning,
        "stop": reading.get("stop", False),
        "stop_certain": reading.get("stop_certain", True),
        "number": reading.get("number"),
        "red_flags": reading.get("red_flags", []),
        "resolved_by": reply.resolved_by,
    }


def announce(connection: Connection, vault: Vault, reply_ids: Collection[int], now: datetime) -> None:
    """Tell clinics' own systems of replies whose patient is known, in the transaction that found out."""
    if not hooks.anyone_listens(connection):
        return
    for row in connection.execute(_SHOWN.where(replies.c.id.in_(reply_ids), replies.c.match == MATCHED)).all():
        facts = told(_shown(row, vault, ()))
        del facts["patient"], facts["session"]  # the event has them, as every event does
        hooks.announce(
            connection, vault, row.clinic_id, row.patient_id, hooks.Type.REPLY, facts, now, session_id=row.session_id
        )


def _candidates(connection: Connection, clinic_id: int, reply_ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
    """The clinic's own patients among those who may have written: of another clinic's it is told nothing."""
    rows = connection.execute(
        select(reply_candidates.c.reply_id, patients.c.external_id)
        .join(patients, patients.c.id == reply_candidates.c.patient_id)
        .where(reply_candidates.c.reply_id.in_(reply_ids), reply_candidates.c.clinic_id == clinic_id)
        .order_by(patients.c.id)
    )
    found: dict[int, tuple[str, ...]] = {}
    for row in rows:
        found[row.reply_id] = (*found.get(row.reply_id, ()), row.external_id)
    return found


def _shown(row: Row[Any], vault: Vault, candidates: tuple[str, ...]) -> Shown:
    return Shown(
        place=row.place,
        id=row.id,
        channel=row.channel,
        received_at=row.received_at,
        match=row.match,
        patient=row.patient,
        candidates=candidates,
        session=row.session,
        meaning=row.meaning,
        text=vault.open(row.body, row.id) if row.body else "",
        media=row.media,
        automatic=row.automatic,
        reading=vault.open_optional(row.reading, row.id),
        resolved_by=row.resolved_by,
    )


def _opened(row: Row[Any], vault: Vault) -> Reply:
    return Reply(
        id=row.id,
        channel=Channel(row.channel),
        sender=vault.open(row.sender, row.id) if row.sender else "",
        sender_key=bytes(row.sender_key),
        recipient=row.recipient,
        link_key=row.link_key,
        body=vault.open(row.body, row.id) if row.body else "",
        media=row.media,
        opt_out_type=row.opt_out_type,
        automatic=row.automatic,
        received_at=row.received_at,
    )
