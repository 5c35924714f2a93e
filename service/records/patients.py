"""Patients: who they are to their clinic, how they are reached, and everything we hold of one."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from service.care.lifecycle import Channel
from service.records.bulk import Write
from service.records.ids import new_id
from service.records.sealing import Vault
from service.records.tables import patients


@dataclass(frozen=True, slots=True)
class Facts:
    """What an event says of a patient. None means that the event does not say."""

    external_id: str
    given_name: str | None
    phone: str | None
    email: str | None
    timezone: str | None
    locale: str | None


@dataclass(frozen=True, slots=True)
class Patient:
    """A patient, opened."""

    id: int
    clinic_id: int
    external_id: str
    given_name: str | None
    phone: str | None
    email: str | None
    timezone: str | None
    locale: str | None
    sms_consent: bool
    email_consent: bool
    facts_at: datetime
    paused_at: datetime | None
    stopped_at: datetime | None
    erased_at: datetime | None
    paused_by: str | None = None
    stopped_by: str | None = None

    def address(self, channel: Channel) -> str | None:
        return self.phone if channel is Channel.SMS else self.email

    def consents_to(self, channel: Channel) -> bool:
        return self.sms_consent if channel is Channel.SMS else self.email_consent


def find(connection: Connection, vault: Vault, clinic_id: int, external_id: str, lock: bool = False) -> Patient | None:
    """The clinic's patient of that id, also one that was erased (`erased_at` is set, and little else).

    `lock` makes others wait who would change this patient's plan.
    """
    if "\x00" in external_id:  # nobody has such an id, and PostgreSQL cannot even be asked
        return None
    row = connection.execute(
        _FIND_AND_LOCK if lock else _FIND,
        {"clinic_id": clinic_id, "names": [external_id, *tombstones(vault, clinic_id, external_id)]},
    ).one_or_none()
    return None if row is None else _patient(row, vault)


_FIND = select(patients).where(
    patients.c.clinic_id == bindparam("clinic_id"), patients.c.external_id.in_(bindparam("names", expanding=True))
)
_FIND_AND_LOCK = _FIND.with_for_update()


def tombstones(vault: Vault, clinic_id: int, external_id: str) -> list[str]:
    """What an erased patient's id is replaced by: a late event for them is known again, and nobody can read it back."""
    return ["erased:" + key.hex() for key in vault.indexes(f"erased {clinic_id} {external_id}")]


_GET = select(patients).where(patients.c.id == bindparam("id"))
_LOCK = _GET.with_for_update()


def get(connection: Connection, vault: Vault, patient_id: int, lock: bool = False) -> Patient:
    """The patient of that row. Raises LookupError."""
    row = connection.execute(_LOCK if lock else _GET, {"id": patient_id}).one_or_none()
    if row is None:
        raise LookupError(f"no patient {patient_id}")
    return _patient(row, vault)


def of_clinic(connection: Connection, vault: Vault, clinic_id: int, patient_id: int, lock: bool = False) -> Patient:
    """The clinic's living patient of that row. Raises LookupError."""
    patient = get(connection, vault, patient_id, lock)
    if patient.clinic_id != clinic_id or patient.erased_at is not None:
        raise LookupError(f"clinic {clinic_id} has no patient {patient_id}")
    return patient


def of_ids(connection: Connection, vault: Vault, ids: Collection[int]) -> dict[int, Patient]:
    """The patients of these rows, by id; also those that were erased."""
    rows = connection.execute(select(patients).where(patients.c.id.in_(ids))) if ids else ()
    return {row.id: _patient(row, vault) for row in rows}


def add(
    connection: Connection, vault: Vault, clinic_id: int, facts: Facts, facts_at: datetime, consent: Collection[Channel]
) -> Patient:
    """Insert a patient who consents to these channels (the caller writes the ledger's lines)."""
    patient = new(clinic_id, facts, facts_at, consent)
    connection.execute(insert(patients), _row(vault, patient))
    return patient


def new(clinic_id: int, facts: Facts, facts_at: datetime, consent: Collection[Channel]) -> Patient:
    """A patient who consents to these channels, not on record yet."""
    return Patient(
        new_id(), clinic_id, facts.external_id, facts.given_name, facts.phone, facts.email, facts.timezone,
        facts.locale, Channel.SMS in consent, Channel.EMAIL in consent, facts_at, None, None, None,
    )  # fmt: skip


def add_all(write: Write, vault: Vault, those: Iterable[Patient]) -> None:
    """Insert new patients."""
    write(patients, (_row(vault, patient) for patient in those))


def _row(vault: Vault, patient: Patient) -> dict[str, Any]:
    return {
        "id": patient.id,
        "clinic_id": patient.clinic_id,
        "external_id": patient.external_id,
        "sms_consent": patient.sms_consent,
        "email_consent": patient.email_consent,
        "facts_at": patient.facts_at,
        **_sealed(vault, patient.id, _as_facts(patient)),
    }


def bring_up_to_date(connection: Connection, vault: Vault, known: Patient, facts: Facts, facts_at: datetime) -> Patient:
    """Bring a patient's row up to what an event says; an event older than the row changes only what was unknown."""
    merged = _merge(known, facts, newer=facts_at >= known.facts_at)
    if merged != _as_facts(known) or facts_at > known.facts_at:
        values: dict[str, Any] = {"facts_at": max(facts_at, known.facts_at)}
        if merged != _as_facts(known):
            values |= _sealed(vault, known.id, merged)
        connection.execute(update(patients).where(patients.c.id == known.id).values(**values))
    return get(connection, vault, known.id)


def by_address(connection: Connection, vault: Vault, channel: Channel, address: str) -> list[Patient]:
    """Every living patient, of whatever clinic, who is reached there. Several may share a phone."""
    column = patients.c.phone_key if channel is Channel.SMS else patients.c.email_key
    rows = connection.execute(
        select(patients)
        .where(column.in_(vault.indexes(normal(channel, address))), patients.c.erased_at.is_(None))
        .order_by(patients.c.id)
    )
    return [_patient(row, vault) for row in rows]


def normal(channel: Channel, address: str) -> str:
    """The form in which equal addresses are equal text."""
    return address if channel is Channel.SMS else address.strip().casefold()


def _merge(known: Patient, facts: Facts, newer: bool) -> Facts:
    def pick(old: str | None, new: str | None) -> str | None:
        return new if new is not None and (newer or old is None) else old

    return Facts(
        known.external_id,
        pick(known.given_name, facts.given_name),
        pick(known.phone, facts.phone),
        pick(known.email, facts.email),
        pick(known.timezone, facts.timezone),
        pick(known.locale, facts.locale),
    )


def _as_facts(known: Patient) -> Facts:
    return Facts(known.external_id, known.given_name, known.phone, known.email, known.timezone, known.locale)


def _sealed(vault: Vault, row_id: int, facts: Facts) -> dict[str, Any]:
    return {
        "given_name": vault.seal_optional(facts.given_name, row_id),
        "phone": vault.seal_optional(facts.phone, row_id),
        "phone_key": None if facts.phone is None else vault.index(normal(Channel.SMS, facts.phone)),
        "email": vault.seal_optional(facts.email, row_id),
        "email_key": None if facts.email is None else vault.index(normal(Channel.EMAIL, facts.email)),
        "timezone": facts.timezone,
        "locale": facts.locale,
    }


def _patient(row: Row[Any], vault: Vault) -> Patient:
    return Patient(
        id=row.id,
        clinic_id=row.clinic_id,
        external_id=row.external_id,
        given_name=vault.open_optional(row.given_name, row.id),
        phone=vault.open_optional(row.phone, row.id),
        email=vault.open_optional(row.email, row.id),
        timezone=row.timezone,
        locale=row.locale,
        sms_consent=row.sms_consent,
        email_consent=row.email_consent,
        facts_at=row.facts_at,
        paused_at=row.paused_at,
        stopped_at=row.stopped_at,
        erased_at=row.erased_at,
        paused_by=row.paused_by,
        stopped_by=row.stopped_by,
    )
