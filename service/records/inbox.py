"""Replies as the desk lists them: what is still to be read, what is still nobody's, and all of them.

A clinic sees a reply that is its own, and one from a phone that several clinics' patients share until it is known whose
it is; of another clinic's patients on that phone it is told nothing.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Connection, Row, Select, func, literal_column, or_, select, update

from service.care.lifecycle import Channel, State
from service.care.worklist import BY_RULE, NoReader
from service.records import notes, patients
from service.records.notes import Note
from service.records.patients import Patient
from service.records.replies import SHARED, UNMATCHED
from service.records.reply_tables import UNRESOLVED_REPLIES, replies, reply_candidates
from service.records.sealing import Vault
from service.records.sending_tables import messages

_UNRESOLVED: ColumnElement[bool] = literal_column(f"({UNRESOLVED_REPLIES})", Boolean)


class Shelf(StrEnum):
    """Which replies."""

    UNREAD = "unread"
    SHARED = "shared"
    UNMATCHED = "unmatched"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Answered:
    """A text that went out because of a reply."""

    step: str
    state: State


@dataclass(frozen=True, slots=True)
class Letter:
    """A reply with all that one needs to act on it."""

    id: int
    place: int
    channel: Channel
    received_at: datetime
    match: str
    patient: Patient | None
    candidates: tuple[Patient, ...]
    """The clinic's own patients among those who may have written."""
    sender: str = field(repr=False)
    text: str = field(repr=False)
    media: int
    automatic: bool
    meaning: str | None
    reading: Mapping[str, Any] = field(repr=False)
    answered: tuple[Answered, ...]
    notes: tuple[Note, ...]
    seen_at: datetime | None
    seen_by: str | None
    resolved_by: str | None

    @property
    def is_open(self) -> bool:
        """Nobody knows yet who wrote it, and nobody has said that we cannot know."""
        return self.match in (SHARED, UNMATCHED) and self.resolved_by is None


def shelf(
    connection: Connection, vault: Vault, clinic_id: int, which: Shelf, after: int | None, limit: int
) -> list[Letter]:
    """The clinic's replies on a shelf: those that wait, the longest waiting first; all of them, the newest first.

    `after` is the last one's `id`, for all of them its `place`.
    """
    if which is Shelf.ALL:
        rows = _merged(connection, clinic_id, replies.c.place, after, limit, newest_first=True)
    elif which is Shelf.UNREAD:
        rows = _merged(connection, clinic_id, replies.c.id, after, limit, replies.c.seen_at.is_(None))
    elif which is Shelf.SHARED:
        condition = (_UNRESOLVED, replies.c.match == SHARED)
        rows = _merged(connection, clinic_id, replies.c.id, after, limit, *condition)
    else:
        condition = (_UNRESOLVED, replies.c.match == UNMATCHED)
        rows = list(connection.execute(_own(clinic_id, replies.c.id, after, limit, False, *condition)))
    return _letters(connection, vault, clinic_id, rows)


def get(connection: Connection, vault: Vault, clinic_id: int, reply_id: int) -> Letter:
    """The reply, if the clinic may see it. Raises LookupError."""
    row = connection.execute(select(replies).where(replies.c.id == reply_id, may_see(clinic_id))).one_or_none()
    if row is None:
        raise LookupError(f"clinic {clinic_id} sees no reply {reply_id}")
    return _letters(connection, vault, clinic_id, [row])[0]


def lock(connection: Connection, clinic_id: int, reply_id: int) -> None:
    """Let others wait who would write down the same. Raises LookupError."""
    row = connection.execute(
        select(replies.c.id).where(replies.c.id == reply_id, may_see(clinic_id)).with_for_update(of=replies)
    ).first()
    if row is None:
        raise LookupError(f"clinic {clinic_id} sees no reply {reply_id}")


def may_see(clinic_id: int) -> ColumnElement[bool]:
    """The condition under which a clinic sees a reply."""
    return or_(replies.c.clinic_id == clinic_id, _shared_with(clinic_id))


def unread(connection: Connection, clinic_id: int, most: int) -> int:
    """How many replies are to be read, counted up to `most`."""
    own = select(replies.c.id).where(replies.c.clinic_id == clinic_id, replies.c.seen_at.is_(None)).limit(most)
    among = select(replies.c.id).where(_shared_with(clinic_id), replies.c.seen_at.is_(None)).limit(most)
    counts = (
        connection.execute(select(func.count()).select_from(some.subquery())).scalar_one() for some in (own, among)
    )
    return min(sum(counts), most)


def settle(connection: Connection, clinic_id: int, reply_id: int, by: str, now: datetime) -> bool:
    """Somebody has read it, and nothing more is to be done. False when somebody had before.

    Raises LookupError when the clinic sees no such reply.
    """
    done = connection.execute(
        update(replies)
        .where(replies.c.id == reply_id, may_see(clinic_id), replies.c.seen_at.is_(None))
        .values(seen_at=now, seen_by=by)
    )
    if done.rowcount == 0:
        lock(connection, clinic_id, reply_id)
    return done.rowcount == 1


def settle_by_rule(connection: Connection, reply_id: int, why: NoReader, now: datetime) -> None:
    """Nobody needs to read it."""
    connection.execute(
        update(replies).where(replies.c.id == reply_id).values(seen_at=now, seen_by=f"{BY_RULE}{why.value}")
    )


def _shared_with(clinic_id: int) -> ColumnElement[bool]:
    """Of several clinics' patients, nobody knows yet whose, and this clinic has one of them."""
    candidate = select(reply_candidates.c.reply_id).where(
        reply_candidates.c.reply_id == replies.c.id, reply_candidates.c.clinic_id == clinic_id
    )
    return _UNRESOLVED & (replies.c.match == SHARED) & replies.c.clinic_id.is_(None) & candidate.exists()


def _merged(
    connection: Connection,
    clinic_id: int,
    order: ColumnElement[int],
    after: int | None,
    limit: int,
    *condition: ColumnElement[bool],
    newest_first: bool = False,
) -> list[Row[Any]]:
    """Its own and those it shares with other clinics: one query each, so that each has its index."""
    own = _own(clinic_id, order, after, limit, newest_first, *condition)
    among = _ordered(select(replies).where(_shared_with(clinic_id), *condition), order, after, limit, newest_first)
    rows = [*connection.execute(own), *connection.execute(among)]
    return sorted(rows, key=lambda row: getattr(row, order.key or ""), reverse=newest_first)[:limit]


def _own(
    clinic_id: int,
    order: ColumnElement[int],
    after: int | None,
    limit: int,
    newest_first: bool,
    *condition: ColumnElement[bool],
) -> Select[Any]:
    return _ordered(
        select(replies).where(replies.c.clinic_id == clinic_id, *condition), order, after, limit, newest_first
    )


def _ordered(
    query: Select[Any], order: ColumnElement[int], after: int | None, limit: int, newest_first: bool
) -> Select[Any]:
    if after is not None:
        query = query.where(order < after if newest_first else order > after)
    return query.order_by(order.desc() if newest_first else order).limit(limit)


def _letters(connection: Connection, vault: Vault, clinic_id: int, rows: Sequence[Row[Any]]) -> list[Letter]:
    ids = [row.id for row in rows]
    among = _candidates(connection, clinic_id, [row.id for row in rows if row.match == SHARED])
    wanted = {row.patient_id for row in rows if row.patient_id is not None}
    people = patients.of_ids(connection, vault, wanted.union(*among.values()))
    answers, noted = _answers(connection, ids), notes.of_replies(connection, vault, clinic_id, ids)
    return [
        Letter(
            id=row.id,
            place=row.place or 0,
            channel=Channel(row.channel),
            received_at=row.received_at,
            match=row.match,
            patient=None if row.patient_id is None else people[row.patient_id],
            candidates=tuple(people[one] for one in among.get(row.id, ())),
            sender=vault.open_optional(row.sender, row.id) or "",
            text=vault.open_optional(row.body, row.id) or "",
            media=row.media,
            automatic=row.automatic,
            meaning=row.meaning,
            reading=json.loads(vault.open_optional(row.reading, row.id) or "{}"),
            answered=tuple(answers.get(row.id, ())),
            notes=tuple(noted.get(row.id, ())),
            seen_at=row.seen_at,
            seen_by=row.seen_by,
            resolved_by=row.resolved_by,
        )
        for row in rows
    ]


def _candidates(connection: Connection, clinic_id: int, reply_ids: Collection[int]) -> dict[int, list[int]]:
    rows = connection.execute(
        select(reply_candidates.c.reply_id, reply_candidates.c.patient_id)
        .where(reply_candidates.c.reply_id.in_(reply_ids), reply_candidates.c.clinic_id == clinic_id)
        .order_by(reply_candidates.c.patient_id)
    )
    found: dict[int, list[int]] = {}
    for row in rows:
        found.setdefault(row.reply_id, []).append(row.patient_id)
    return found


def _answers(connection: Connection, reply_ids: Collection[int]) -> dict[int, list[Answered]]:
    rows = connection.execute(
        select(messages.c.cause_id, messages.c.step, messages.c.state)
        .where(messages.c.cause_id.in_(reply_ids))
        .order_by(messages.c.id)
    )
    found: dict[int, list[Answered]] = {}
    for row in rows:
        found.setdefault(row.cause_id, []).append(Answered(row.step, State(row.state)))
    return found
