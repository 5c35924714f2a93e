"""Finding a patient: by what is known exactly, or among those whom the clinic told us of last."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, tuple_

from service.care.lifecycle import Channel
from service.records import patients
from service.records.patients import Patient
from service.records.sealing import Vault
from service.records.tables import patients as patient_rows


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody typed, as each of the things that it may be."""

    text: str
    phone: str | None
    """In international form."""


def find(connection: Connection, vault: Vault, clinic_id: int, wanted: Wanted) -> list[Patient]:
    """The clinic's living patients with exactly this id of the clinic's own, phone number or e-mail address.

    Names are sealed, so nothing can be looked up by a name or by a part of anything.
    """
    by_id = patients.find(connection, vault, clinic_id, wanted.text)
    found = [] if by_id is None else [by_id]
    if wanted.phone is not None:
        found += patients.by_address(connection, vault, Channel.SMS, wanted.phone)
    if "@" in wanted.text:
        found += patients.by_address(connection, vault, Channel.EMAIL, wanted.text)
    theirs = {one.id: one for one in found if one.clinic_id == clinic_id and one.erased_at is None}
    return list(theirs.values())


def recent(
    connection: Connection, vault: Vault, clinic_id: int, before: tuple[datetime, int] | None, limit: int
) -> list[Patient]:
    """The clinic's living patients by when it last told us of them, the latest first, from behind `before` on."""
    place = tuple_(patient_rows.c.facts_at, patient_rows.c.id)
    query = select(patient_rows.c.id).where(patient_rows.c.clinic_id == clinic_id, patient_rows.c.erased_at.is_(None))
    if before is not None:
        query = query.where(place < before)
    newest_first = query.order_by(patient_rows.c.facts_at.desc(), patient_rows.c.id.desc()).limit(limit)
    ids = list(connection.execute(newest_first).scalars())
    found = patients.of_ids(connection, vault, ids)
    return [found[one] for one in ids]
