"""Addresses that get nothing more: opted out, bounced, known not to work."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, TextClause, bindparam, insert, or_, select, text, update

from service.care.lifecycle import Channel, Reason
from service.records.ids import new_id
from service.records.sending_tables import suppressions


@dataclass(frozen=True, slots=True)
class Suppression:
    """Why, and since when, an address gets nothing more."""

    reason: Reason
    since: datetime
    cause: str


def suppress(
    connection: Connection,
    clinic_id: int | None,
    channel: Channel,
    address_key: bytes,
    reason: Reason,
    cause: str,
    now: datetime,
    certain: bool = True,
) -> bool:
    """Suppress an address for a clinic (None: for everyone who uses our default sender). False when it already was."""
    scope = suppressions.c.clinic_id.is_(None) if clinic_id is None else suppressions.c.clinic_id == clinic_id
    known = connection.execute(
        select(suppressions.c.id, suppressions.c.certain).where(
            suppressions.c.address_key == address_key,
            suppressions.c.channel == channel,
            suppressions.c.reason == reason,
            suppressions.c.lifted_at.is_(None),
            scope,
        )
    ).first()
    if known is not None:
        if certain and not known.certain:
            # What was in doubt is none any more: nobody may lift it as a misunderstanding.
            connection.execute(update(suppressions).where(suppressions.c.id == known.id).values(certain=True))
        return False
    connection.execute(
        insert(suppressions).values(
            id=new_id(),
            clinic_id=clinic_id,
            channel=channel,
            address_key=address_key,
            reason=reason,
            certain=certain,
            since=now,
            cause=cause,
        )
    )
    return True


def lift(
    connection: Connection,
    clinic_ids: Collection[int],
    channel: Channel,
    address_keys: Sequence[bytes],
    reason: Reason,
    now: datetime,
) -> int:
    """End the suppressions of an address for these clinics, and the one that held for all. Returns how many."""
    done = connection.execute(
        update(suppressions)
        .where(
            suppressions.c.address_key.in_(address_keys),
            suppressions.c.channel == channel,
            suppressions.c.reason == reason,
            suppressions.c.lifted_at.is_(None),
            or_(suppressions.c.clinic_id.is_(None), suppressions.c.clinic_id.in_(clinic_ids)),
        )
        .values(lifted_at=now)
    )
    return done.rowcount


def history(connection: Connection, clinic_id: int, channel: Channel, address_keys: Sequence[bytes]) -> list[Row[Any]]:
    """Every suppression of an address that concerns a clinic, also those that were lifted, the oldest first."""
    query = select(suppressions.c.reason, suppressions.c.since, suppressions.c.lifted_at, suppressions.c.cause).where(
        suppressions.c.address_key.in_(address_keys),
        suppressions.c.channel == channel,
        or_(suppressions.c.clinic_id.is_(None), suppressions.c.clinic_id == clinic_id),
    )
    return list(connection.execute(query.order_by(suppressions.c.id)))


_KEY = 16
"""Bytes of a keyed hash (`sealing.Vault.index`)."""


@cache
def _standing(dialect: str) -> TextClause:
    # The keys of a whole batch travel as one value, as ids do (`database.among_ids`).
    keys = f"SELECT substr(:keys, place, {_KEY}) FROM places"
    among = f"= ANY (ARRAY({keys}))" if dialect == "postgresql" else f"IN ({keys})"
    return text(
        f"WITH RECURSIVE places(place) AS (SELECT 1 UNION ALL SELECT place + {_KEY} FROM places"
        f" WHERE place + {_KEY} <= length(:keys))"
        f" SELECT clinic_id, address_key, reason FROM suppressions WHERE address_key {among}"
        " AND channel = :channel AND lifted_at IS NULL"
    )


def standing(
    connection: Connection, channel: Channel, address_keys: Collection[bytes]
) -> dict[tuple[int | None, bytes], Reason]:
    """The suppressions now in force on these addresses, by clinic (None: all clinics) and address."""
    if not address_keys:
        return {}
    rows = connection.execute(_standing(connection.dialect.name), {"keys": b"".join(address_keys), "channel": channel})
    found: dict[tuple[int | None, bytes], Reason] = {}
    for row in rows:
        place = row.clinic_id, bytes(row.address_key)
        found[place] = strictest(Reason(row.reason), found.get(place))
    return found


def strictest(reason: Reason, *others: Reason | None) -> Reason:
    """Of several on one address, the one that lets nothing through: after an opt-out one confirmation may still go,
    and to an address that does not work not even that."""
    standing = [reason, *(other for other in others if other is not None)]
    return next((one for one in standing if one is not Reason.OPTED_OUT), Reason.OPTED_OUT)


_OF_ADDRESSES = select(
    suppressions.c.channel, suppressions.c.clinic_id, suppressions.c.address_key, suppressions.c.reason
).where(suppressions.c.address_key.in_(bindparam("keys", expanding=True)), suppressions.c.lifted_at.is_(None))


def of_addresses(
    connection: Connection, clinic_id: int, keys: Mapping[Channel, Sequence[bytes]]
) -> dict[Channel, Reason]:
    """Why this clinic may not write to a patient's addresses; channels it may use are left out."""
    wanted = [key for those in keys.values() for key in those]
    found: dict[Channel, Reason] = {}
    for row in connection.execute(_OF_ADDRESSES, {"keys": wanted}) if wanted else ():
        channel = Channel(row.channel)
        if row.clinic_id in (None, clinic_id) and bytes(row.address_key) in keys.get(channel, ()):
            # What the patient asked for outlives an address that does not work: it decides what may go another way.
            asked = found.get(channel) is Reason.OPTED_OUT
            found[channel] = Reason.OPTED_OUT if asked else Reason(row.reason)
    return found


def of_address(connection: Connection, clinic_id: int, channel: Channel, keys: Sequence[bytes]) -> Reason | None:
    """The same of one address."""
    return of_addresses(connection, clinic_id, {channel: keys}).get(channel)


def against(
    connection: Connection, clinic_id: int, channel: Channel, address_keys: Sequence[bytes]
) -> Suppression | None:
    """What stands longest against this clinic's writing to an address."""
    if not address_keys:
        return None
    row = connection.execute(
        select(suppressions.c.reason, suppressions.c.since, suppressions.c.cause)
        .where(
            suppressions.c.address_key.in_(address_keys),
            suppressions.c.channel == channel,
            suppressions.c.lifted_at.is_(None),
            or_(suppressions.c.clinic_id.is_(None), suppressions.c.clinic_id == clinic_id),
        )
        .order_by(suppressions.c.since)
        .limit(1)
    ).first()
    return None if row is None else Suppression(Reason(row.reason), row.since, row.cause)
