"""P10: ids that cannot exist are ids that do not exist, on either database."""

from __future__ import annotations

from pathlib import Path

from tests.api.counter import counter

ODD = ("%00", "s1%00", "%ED%A0%80", "%F0%9F%92%89", "x" * 5000, "%0A", "..%2Fs1", "9" * 30, "%E2%82%AC")


def test_an_odd_id_is_an_unknown_one(database_url: str, redis_url: str, tmp_path: Path) -> None:
    with counter(database_url, redis_url, tmp_path) as here:
        for place in ("sessions", "patients", "fhir/Observation", "fhir/QuestionnaireResponse"):
            for odd in ODD:
                answer = here.client.get(f"/v1/{place}/{odd}", headers=here.signed_in)
                assert (answer.status_code, answer.mimetype) == (404, "application/problem+json"), (place, odd[:20])


def test_a_visit_of_an_odd_patient_is_refused(database_url: str, redis_url: str, tmp_path: Path) -> None:
    patient = {"reference": "Patient/a", "identifier": {"system": "urn:aftercare:patient", "value": "a\0"}}
    visit = {
        "resourceType": "Appointment",
        "status": "booked",
        "start": "2026-12-01T10:00:00Z",
        "participant": [{"actor": patient}],
    }
    with counter(database_url, redis_url, tmp_path) as here:
        answer = here.client.post("/v1/fhir", json=visit, headers=here.signed_in)
        assert 400 <= answer.status_code < 500
