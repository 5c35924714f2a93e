"""Appointments: the session whose next visit one is, and what it changes there."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from service.api import intake
from service.care.fhir_in import NextVisit
from service.problems import Problem
from service.records import clinics, patients, sessions
from service.records.patients import Patient
from service.records.plans import Sending
from service.records.sessions import Session


def change(connection: Connection, sending: Sending, clinic_id: int, visit: NextVisit) -> dict[str, Any]:
    """The event that an appointment comes to; it may change nothing. Raises Problem 409.

    The patient stays locked: a new appointment and the end of the old one are often posted at the same moment.
    """
    clinics.held(connection, clinic_id)
    patient = patients.find(connection, sending.vault, clinic_id, visit.patient, lock=True)
    if patient is not None and patient.erased_at is not None:
        raise intake.erased_before()
    if visit.session is None:
        session = _followed(connection, patient, visit)
    else:
        session = _named(connection, clinic_id, patient, visit.session)
    body: dict[str, Any] = {"id": session.external_id}
    if visit.booked and session.ended_at is not None and session.ended_at < visit.at:
        body["next_session_at"] = visit.at.isoformat()
    if not visit.booked and session.next_session_at == visit.at:
        body["next_session_at"] = None
    return {"type": "session.updated", "data": {"session": body}}


def _named(connection: Connection, clinic_id: int, patient: Patient | None, name: str) -> Session:
    session = sessions.find(connection, clinic_id, name)
    if session is None:
        raise Problem(
            409, "session_unknown", "This session has not been reported yet; post that first, then this again."
        )
    if session.patient_id is not None and (patient is None or patient.id != session.patient_id):
        raise Problem(409, "other_patient", "The session that the appointment names belongs to another patient.")
    return session


def _followed(connection: Connection, patient: Patient | None, visit: NextVisit) -> Session:
    """The patient's latest session that the visit can follow or, once it is off, that waits for it; else the latest."""
    theirs = [] if patient is None else sessions.of_patient(connection, patient.id)
    living = [one for one in reversed(theirs) if one.cancelled_at is None]
    if not living:
        raise Problem(409, "session_unknown", "The patient has no session yet; post that first, then this again.")
    if visit.booked:
        fitting = (one for one in living if one.ended_at is not None and one.ended_at < visit.at)
    else:
        fitting = (one for one in living if one.next_session_at == visit.at)
    return next(fitting, living[0])
