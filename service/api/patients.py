"""A patient as their clinic may read them; every read is noted."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from flask import request
from sqlalchemy import Connection

from service import time
from service.api.timelines import timeline
from service.context import context
from service.problems import Problem
from service.records import audit, consents, patients, sessions
from service.records.database import run

bp = APIBlueprint("patients", __name__, tag="Patients")


@bp.get("/v1/patients/<path:patient_id>")
def get_patient(patient_id: str) -> dict[str, object]:
    """A patient with consents and sessions."""
    here = context()
    clinic_id = here.doorkeeper.owner_of_key(request)

    def work(connection: Connection) -> dict[str, Any]:
        patient = patients.find(connection, here.sending.vault, clinic_id, patient_id)
        if patient is None or patient.erased_at is not None:
            raise Problem(404, "patient_unknown", "This clinic has no such patient.")
        audit.note(connection, clinic_id, "api", "patient.read", f"patient {patient.id}", time.now())
        return {
            "patient": {
                "id": patient.external_id,
                "given_name": patient.given_name,
                "phone": patient.phone,
                "email": patient.email,
                "timezone": patient.timezone,
                "locale": patient.locale,
                "consent": {"sms": patient.sms_consent, "email": patient.email_consent},
            },
            "consents": [
                {
                    "channel": line["channel"],
                    "action": line["action"],
                    "at": line["at"].isoformat(),
                    "wording": line["wording"],
                    "source": line["source"],
                }
                for line in consents.ledger(connection, patient.id)
            ],
            "sessions": [timeline(connection, session) for session in sessions.of_patient(connection, patient.id)],
        }

    return run(here.engine, work)
