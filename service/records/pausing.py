"""Halting a patient's plan: pause and resume, stop and start again, each in the name of whoever did it.

Every function takes the patient's lock first, as claims do: what is committed here holds for every message that was not
handed over before (P3).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, update

from service.care.lifecycle import Reason
from service.care.pausing import is_stopped
from service.records import clinics, messages, patients, plans, sessions
from service.records.messages import ROUTINE
from service.records.patients import Patient
from service.records.plans import Sending
from service.records.sealing import Vault
from service.records.sending_tables import messages as message_rows
from service.records.tables import patients as patient_rows


def pause(connection: Connection, vault: Vault, clinic_id: int, patient_id: int, by: str, now: datetime) -> bool:
    """Hold the plan until somebody resumes it. False when it was held already: the first name stays."""
    patient = patients.of_clinic(connection, vault, clinic_id, patient_id, lock=True)
    if patient.paused_at is not None:
        return False
    _set(connection, patient_id, paused_at=now, paused_by=by)
    return True


def resume(connection: Connection, vault: Vault, clinic_id: int, patient_id: int, now: datetime) -> bool:
    """Let the plan go on. False when it was not held.

    What was held is asked about at once: the gate sends what is still useful, and ends what has grown too old.
    """
    patient = patients.of_clinic(connection, vault, clinic_id, patient_id, lock=True)
    if patient.paused_at is None:
        return False
    _set(connection, patient_id, paused_at=None, paused_by=None)
    messages.wake_held(connection, Reason.PLAN_PAUSED, now, message_rows.c.patient_id == patient_id)
    return True


def stop(connection: Connection, vault: Vault, clinic_id: int, patient_id: int, by: str, now: datetime) -> bool:
    """End the plan of every session there has been. False when it had ended already: the first name stays.

    What follows from a later change finds the stop among the facts of the plan, and plans nothing.
    """
    patient = patients.of_clinic(connection, vault, clinic_id, patient_id, lock=True)
    ended = _last_ended(connection, patient)
    if patient.stopped_at is not None and is_stopped(patient.stopped_at, ended):
        return False
    # A clinic's clock may be ahead of ours: the session that is meant must not count as a later one.
    stopped_at = now if ended is None else max(now, ended)
    _set(connection, patient_id, stopped_at=stopped_at, stopped_by=by, paused_at=None, paused_by=None)
    messages.withdraw(
        connection,
        Reason.STOPPED_BY_CLINIC,
        message_rows.c.patient_id == patient_id,
        message_rows.c.session_id.is_not(None),
        message_rows.c.priority == ROUTINE,
    )
    return True


def start_again(connection: Connection, sending: Sending, clinic_id: int, patient_id: int, now: datetime) -> bool:
    """Plan again whatever of a stopped plan is still to come. False when it was not stopped."""
    patient = patients.of_clinic(connection, sending.vault, clinic_id, patient_id, lock=True)
    if patient.stopped_at is None:
        return False
    _set(connection, patient_id, stopped_at=None, stopped_by=None)
    patient = patients.get(connection, sending.vault, patient_id)
    plans.remake_all(connection, sending, clinics.get(connection, clinic_id), patient, now)
    return True


def _last_ended(connection: Connection, patient: Patient) -> datetime | None:
    ended = [one.ended_at for one in sessions.of_patient(connection, patient.id) if one.cancelled_at is None]
    return max((moment for moment in ended if moment is not None), default=None)


def _set(connection: Connection, patient_id: int, **values: object) -> None:
    connection.execute(update(patient_rows).where(patient_rows.c.id == patient_id).values(**values))
