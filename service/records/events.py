"""Events that clinics posted, each with the answer it was given, so that a repeat gets the same one."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select

from service.records.bulk import Write
from service.records.ids import new_id
from service.records.sealing import Vault
from service.records.tables import events


@dataclass(frozen=True, slots=True)
class Answered:
    """What an event was answered."""

    same_content: bool
    """False: the key was used before for something else."""
    status: int
    answer: dict[str, Any]


_EARLIER = select(events.c.id, events.c.digest, events.c.status, events.c.answer).where(
    events.c.clinic_id == bindparam("clinic_id"), events.c.key == bindparam("key")
)


def earlier_answer(connection: Connection, vault: Vault, clinic_id: int, key: str, content: bytes) -> Answered | None:
    """The answer already given under this key, if there is one."""
    row = connection.execute(_EARLIER, {"clinic_id": clinic_id, "key": key}).one_or_none()
    if row is None:
        return None
    return Answered(bytes(row.digest) == digest(content), row.status, _open(vault, row.answer, row.id))


def add(connection: Connection, row: dict[str, Any]) -> None:
    """Record an `answered_row`. A concurrent twin fails on the unique key, is repeated, and finds this one."""
    connection.execute(insert(events), row)


def add_all(write: Write, rows: Iterable[dict[str, Any]]) -> None:
    """Record many events: their `answered_row`s."""
    write(events, rows)


def answered_row(
    vault: Vault,
    clinic_id: int,
    key: str,
    content: bytes,
    kind: str,
    session_id: int | None,
    patient_id: int | None,
    status: int,
    answer: str,
    now: datetime,
) -> dict[str, Any]:
    """An event with its answer, which is JSON, as a row.

    It goes with the session that it is about when the patient is erased, or else with the patient.
    """
    row = new_id()
    return {
        "id": row,
        "clinic_id": clinic_id,
        "key": key,
        "digest": digest(content),
        "type": kind,
        "session_id": session_id,
        "patient_id": patient_id,
        "status": status,
        "answer": _seal(vault, answer, row),
        "received_at": now,
    }


def digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def _seal(vault: Vault, answer: str, row: int) -> bytes:
    return vault.seal_bytes(zlib.compress(answer.encode(), 1), row)


def _open(vault: Vault, blob: bytes, row: int) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(zlib.decompress(vault.open_bytes(blob, row)))
    return answer
