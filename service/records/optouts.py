"""Stopping: what an opt-out, a bad address or a complaint changes beyond the message that brought it to light.

Every function takes the patient's lock first, so that no claim can slip between the suppression and the withdrawal
(P3).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from service.care.lifecycle import Channel, Reason
from service.records import clinics, consents, messages, patients, plans, suppressions
from service.records.patients import Patient, normal
from service.records.plans import Sending


def opt_out(
    connection: Connection,
    sending: Sending,
    patient_id: int,
    channel: Channel,
    source: str,
    now: datetime,
    reply_id: int | None = None,
    certain: bool = True,
    reason: Reason = Reason.OPTED_OUT,
) -> None:
    """The patient wants no more on this channel: suppress, note it in the ledger, withdraw all that waits."""
    patient = patients.get(connection, sending.vault, patient_id, lock=True)
    _suppress(connection, sending, patient, channel, reason, source, now, certain)
    consents.revoke(connection, patient.clinic_id, patient.id, channel, source, now, now, reply_id)
    messages.withdraw_of_patient(connection, patient.id, reason, channel)


def address_is_bad(
    connection: Connection,
    sending: Sending,
    patient_id: int,
    channel: Channel,
    now: datetime,
    reason: Reason = Reason.BAD_ADDRESS,
) -> None:
    """The address does not work: suppress it and plan again, so that steps which may go by e-mail instead do."""
    patient = patients.get(connection, sending.vault, patient_id, lock=True)
    _suppress(connection, sending, patient, channel, reason, "provider", now, True)
    messages.withdraw_of_patient(connection, patient.id, reason, channel)
    plans.remake_all(connection, sending, clinics.get(connection, patient.clinic_id), patient, now)


def opt_in(
    connection: Connection,
    sending: Sending,
    patient_id: int,
    channel: Channel,
    wording: str,
    source: str,
    now: datetime,
) -> None:
    """The patient wants messages again: lift the opt-out, note the consent, plan what is still to come."""
    patient = patients.get(connection, sending.vault, patient_id, lock=True)
    address = patient.address(channel)
    if address is not None:
        keys = sending.vault.indexes(normal(channel, address))
        suppressions.lift(connection, [patient.clinic_id], channel, keys, Reason.OPTED_OUT, now)
    consents.grant(connection, patient.clinic_id, patient.id, consents.Consent(channel, now, wording, source), now)
    patient = patients.get(connection, sending.vault, patient_id)
    plans.remake_all(connection, sending, clinics.get(connection, patient.clinic_id), patient, now)


def _suppress(
    connection: Connection,
    sending: Sending,
    patient: Patient,
    channel: Channel,
    reason: Reason,
    cause: str,
    now: datetime,
    certain: bool,
) -> None:
    address = patient.address(channel)
    if address is not None:
        key = sending.vault.index(normal(channel, address))
        suppressions.suppress(connection, patient.clinic_id, channel, key, reason, cause, now, certain)
