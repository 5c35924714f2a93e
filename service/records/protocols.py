"""Protocol versions: never changed once written, followed once a named person has approved them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, func, insert, select, update

from service.care.protocol import Protocol, content_fingerprint, timing_fingerprint
from service.care.protocol_file import load
from service.records.ids import new_id
from service.records.tables import protocols


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a clinic's protocol."""

    id: int
    clinic_id: int
    name: str
    version: int
    timing: str
    approved_by: str | None
    approved_at: datetime | None
    followers: str | None
    """Who has yet to go over to it; see `switching`."""


_COLUMNS = (
    protocols.c.id,
    protocols.c.clinic_id,
    protocols.c.name,
    protocols.c.version,
    protocols.c.timing,
    protocols.c.approved_by,
    protocols.c.approved_at,
    protocols.c.followers,
)

_parsed: dict[int, Protocol] = {}


def add(connection: Connection, clinic_id: int, body: str, now: datetime) -> Version:
    """Store `body` (valid YAML) as the next version of its protocol; the newest one's text again is that version."""
    protocol = load(body, "protocol")
    content = content_fingerprint(protocol)
    mine = (protocols.c.clinic_id == clinic_id, protocols.c.name == protocol.name)
    last = connection.execute(select(func.max(protocols.c.version)).where(*mine)).scalar()
    if last is not None:
        same = connection.execute(
            select(*_COLUMNS).where(*mine, protocols.c.version == last, protocols.c.content == content)
        ).one_or_none()
        if same is not None:
            return Version(*same)
    return add_as(connection, clinic_id, new_id(), body, now)


def add_as(connection: Connection, clinic_id: int, version_id: int, body: str, now: datetime) -> Version:
    """Store `body` (valid YAML) as the next version of its protocol, under an id that was drawn before."""
    protocol = load(body, "protocol")
    last = connection.execute(
        select(func.max(protocols.c.version)).where(
            protocols.c.clinic_id == clinic_id, protocols.c.name == protocol.name
        )
    ).scalar()
    connection.execute(
        insert(protocols).values(
            id=version_id,
            clinic_id=clinic_id,
            name=protocol.name,
            version=(last or 0) + 1,
            body=body,
            timing=timing_fingerprint(protocol),
            content=content_fingerprint(protocol),
            created_at=now,
        )
    )
    return version(connection, version_id)


def approve(connection: Connection, version_id: int, by: str, now: datetime) -> Version:
    """Sign a version off. The first signature stays."""
    connection.execute(
        update(protocols)
        .where(protocols.c.id == version_id, protocols.c.approved_at.is_(None))
        .values(approved_by=by, approved_at=now)
    )
    return version(connection, version_id)


def get(connection: Connection, clinic_id: int, version_id: int, lock: bool = False) -> Version:
    """Raises LookupError for a version that the clinic does not have."""
    query = select(*_COLUMNS).where(protocols.c.id == version_id, protocols.c.clinic_id == clinic_id)
    # Of the weaker kind: a session that comes in meanwhile refers to the row and must not wait.
    row = connection.execute(query.with_for_update(key_share=True) if lock else query).one_or_none()
    if row is None:
        raise LookupError(f"clinic {clinic_id} has no protocol {version_id}")
    return Version(*row)


def version(connection: Connection, version_id: int) -> Version:
    return Version(*connection.execute(select(*_COLUMNS).where(protocols.c.id == version_id)).one())


_CURRENT = (
    select(*_COLUMNS)
    .where(protocols.c.clinic_id == bindparam("clinic_id"), protocols.c.name == bindparam("name"))
    .order_by(protocols.c.approved_at.is_(None), protocols.c.version.desc())
    .limit(1)
)


_HELD = _CURRENT.with_for_update(read=True, key_share=True)


def current(connection: Connection, clinic_id: int, name: str) -> Version | None:
    """The version in force: the newest approved one, or, while none is, the newest draft (planned, but held)."""
    row = connection.execute(_CURRENT, {"clinic_id": clinic_id, "name": name}).one_or_none()
    return None if row is None else Version(*row)


def to_follow(connection: Connection, clinic_id: int, name: str) -> Version | None:
    """The version in force, for a session that is put under it in this transaction.

    It is held until the commit, so that nobody who comes over from it is forgotten (`nobody_holds`). Asked for again
    once it is held: whatever came into force before that is seen, and whatever comes later waits for us.
    """
    asked = {"clinic_id": clinic_id, "name": name}
    while (row := connection.execute(_HELD, asked).one_or_none()) is not None:
        version = current(connection, clinic_id, name)
        if version is not None and version.id == row.id:
            return version
    return None


def nobody_holds(connection: Connection, version_ids: Sequence[int]) -> bool:
    """Whether no open transaction holds any of these versions for a session of its own. Waits for nobody."""
    free = select(protocols.c.id).where(protocols.c.id.in_(version_ids)).with_for_update(skip_locked=True)
    return len(connection.execute(free).all()) == len(version_ids)


def of_clinic(connection: Connection, clinic_id: int) -> list[Version]:
    rows = connection.execute(
        select(*_COLUMNS).where(protocols.c.clinic_id == clinic_id).order_by(protocols.c.name, protocols.c.version)
    )
    return [Version(*row) for row in rows]


def body(connection: Connection, version_id: int) -> str:
    text: str = connection.execute(select(protocols.c.body).where(protocols.c.id == version_id)).scalar_one()
    return text


def parsed(connection: Connection, version_id: int) -> Protocol:
    """The protocol of a version. Kept for the life of the process: versions never change."""
    if version_id not in _parsed:
        _parsed[version_id] = load(body(connection, version_id), "protocol")
    return _parsed[version_id]
