"""The noes of rows that cannot be entered: whose each is, which of them are new, and what is said of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from service.care.entering import Trouble
from service.care.refusing import CONSENTS, COUNTS, DATES, NOT_NOTED, Refusal, event_of, key_of, whose
from service.records import consents, imports, patient_search
from service.records.patient_search import Wanted
from service.records.sealing import Vault

_NOBODY = ""


@dataclass(frozen=True, slots=True)
class Spoken:
    """A no, and since when it counts. `row` is 0 where nothing is to be said of the row any more."""

    row: int
    refusal: Refusal
    since: datetime


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of some noes."""

    events: Mapping[str, bytes]
    """To be taken in, under their keys."""
    remarks: Mapping[int, Sequence[Trouble]]
    """What is to be said of the rows."""
    new: frozenset[int]
    """Rows that say a no of which the ledger knows nothing yet."""


def since(refusal: Refusal, wrong: Iterable[Trouble], uploaded_at: datetime) -> datetime:
    """From when on it counts: where the row's days cannot be relied on, from the upload. A yes of before that day may
    be older than the no, and who said no is not written to on the strength of it."""
    if refusal.since is None or any(one.field in DATES for one in wrong):
        return uploaded_at
    return refusal.since


def hear(connection: Connection, vault: Vault, clinic_id: int, spoken: Sequence[Spoken]) -> Heard:
    """Of patients who are not on record nothing is said: nothing is sent to them, and the mended row tells it again."""
    named = {one.refusal.patient for one in spoken if one.refusal.patient}
    known = imports.living(connection, clinic_id, named)
    owners = {one: _owner(connection, vault, clinic_id, one.refusal, known) for one in spoken}
    before = consents.revoked_at(connection, clinic_id, {owner for owner in owners.values() if owner})
    events: dict[str, bytes] = {}
    remarks: dict[int, Sequence[Trouble]] = {}
    new = set()
    for one, owner in owners.items():
        if owner != _NOBODY and one.row:
            sentence = COUNTS if owner else NOT_NOTED
            remarks[one.row] = [Trouble(CONSENTS[channel], sentence) for channel in one.refusal.channels]
        fresh = [channel for channel in one.refusal.channels if (owner, channel, one.since) not in before]
        if owner and fresh:
            event = event_of(owner, fresh, one.since, one.refusal.source)
            events.setdefault(key_of(owner, fresh, one.since), json.dumps(event).encode())
            new.add(one.row)
    return Heard(events, remarks, frozenset(new - {0}))


def _owner(connection: Connection, vault: Vault, clinic_id: int, refusal: Refusal, known: frozenset[str]) -> str | None:
    """The clinic's own id of the one whose no it is, `_NOBODY` where it is nobody's on record, and None where it may be
    somebody's. A number that is written says who it is, and nothing else does."""
    if refusal.patient in known:
        return refusal.patient
    found = patient_search.find(connection, vault, clinic_id, Wanted(refusal.email, refusal.phone))
    if refusal.patient:
        return None if found else _NOBODY
    return whose(refusal, {one.external_id: one.given_name or "" for one in found})
