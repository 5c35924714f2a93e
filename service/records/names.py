"""Which of the names that events use are on record, and which of their addresses are suppressed: one question."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ARRAY,
    BindParameter,
    Column,
    ColumnElement,
    CompoundSelect,
    Connection,
    LargeBinary,
    Select,
    Table,
    Text,
    any_,
    bindparam,
    literal,
    null,
    or_,
    select,
    union_all,
)

from service.care.lifecycle import Channel, Reason
from service.records.database import PLANNED_ANEW
from service.records.sending_tables import suppressions
from service.records.tables import events, patients, sessions

_EVENT, _PATIENT, _SESSION, _ADDRESS = "event", "patient", "session", "address"


@dataclass(frozen=True, slots=True)
class OnRecord:
    """What was found of what was asked for."""

    events: frozenset[str]
    patients: frozenset[str]
    sessions: frozenset[str]
    suppressed: dict[tuple[Channel, bytes], Reason]


def look_up(
    connection: Connection,
    clinic_id: int,
    event_keys: Collection[str],
    patient_ids: Collection[str],
    session_ids: Collection[str],
    address_keys: Collection[bytes],
) -> OnRecord:
    """Look for a clinic's events, patients and sessions by its own ids, and for suppressed addresses."""
    rows = connection.execute(
        _LOOK_UP_IN_ARRAYS if connection.dialect.name == "postgresql" else _LOOK_UP,
        {
            "clinic_id": clinic_id,
            _EVENT: list(event_keys),
            _PATIENT: list(patient_ids),
            _SESSION: list(session_ids),
            _ADDRESS: list(address_keys),
        },
    ).all()
    found: dict[str, set[str]] = {_EVENT: set(), _PATIENT: set(), _SESSION: set()}
    suppressed = {}
    for kind, name, address_key in rows:
        if address_key is None:
            found[kind].add(name)
        else:
            suppressed[Channel(kind), bytes(address_key)] = Reason(name)
    return OnRecord(frozenset(found[_EVENT]), frozenset(found[_PATIENT]), frozenset(found[_SESSION]), suppressed)


def _look_up(among: Callable[[Column[Any], str], ColumnElement[bool]]) -> CompoundSelect[Any]:
    clinic_id: BindParameter[int] = bindparam("clinic_id")

    def named(kind: str, table: Table, name: str) -> Select[Any]:
        return select(literal(kind, Text), table.c[name], null().cast(LargeBinary)).where(
            table.c.clinic_id == clinic_id, among(table.c[name], kind)
        )

    return union_all(
        named(_EVENT, events, "key"),
        named(_PATIENT, patients, "external_id"),
        named(_SESSION, sessions, "external_id"),
        select(suppressions.c.channel, suppressions.c.reason, suppressions.c.address_key).where(
            among(suppressions.c.address_key, _ADDRESS),
            suppressions.c.lifted_at.is_(None),
            or_(suppressions.c.clinic_id.is_(None), suppressions.c.clinic_id == clinic_id),
        ),
    )


def _in_list(column: Column[Any], name: str) -> ColumnElement[bool]:
    return column.in_(bindparam(name, expanding=True))


def _in_array(column: Column[Any], name: str) -> ColumnElement[bool]:
    return column == any_(bindparam(name, type_=ARRAY(column.type)))


_LOOK_UP = _look_up(_in_list)
_LOOK_UP_IN_ARRAYS = _look_up(_in_array).execution_options(**PLANNED_ANEW)
"""One parameter for any number of names: with one each the driver takes the whole statement apart every time."""
