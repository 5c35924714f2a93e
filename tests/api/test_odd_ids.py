"""P10: odd ids, numbers and bodies, on either database: each is taken, or refused for what it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from standardwebhooks import Webhook

from service import time
from service.records import clinics
from service.records.database import run
from service.records.tables import clinics as clinic_rows
from tests.api.counter import counter
from tests.house import completed

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


def test_an_id_with_a_slash_is_found_again(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """Clinics number visits so, and what was taken in must be there to be asked for."""
    with counter(database_url, redis_url, tmp_path) as here:
        data = completed(session="2026/0042", patient="A/7")
        headers = {**here.signed_in, "Idempotency-Key": "slash"}
        posted = here.client.post("/v1/events", json={"type": "session.completed", "data": data}, headers=headers)
        assert posted.status_code == 202
        for path in ("sessions/2026%2F0042", "patients/A%2F7"):
            assert here.client.get(f"/v1/{path}", headers=here.signed_in).status_code == 200, path


def test_a_session_is_not_cancelled_in_another_patients_name(database_url: str, redis_url: str, tmp_path: Path) -> None:
    with counter(database_url, redis_url, tmp_path) as here:

        def post(kind: str, data: object, key: str) -> int:
            headers = {**here.signed_in, "Idempotency-Key": key}
            return here.client.post("/v1/events", json={"type": kind, "data": data}, headers=headers).status_code

        assert post("session.completed", completed(session="s1", patient="p1"), "1") == 202
        assert post("session.cancelled", {"session": {"id": "s1"}, "patient": {"id": "p2"}}, "2") == 409
        shown = here.client.get("/v1/sessions/s1", headers=here.signed_in)
        assert shown.json["session"]["state"] == "active"
        assert post("session.cancelled", {"session": {"id": "s1"}, "patient": {"id": "p1"}}, "3") == 202


def test_a_phone_number_has_one_spelling(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """P3: a STOP is found by the number's keyed hash; digits of another script would make it another number."""
    with counter(database_url, redis_url, tmp_path) as here:
        arabic = "+1" + "202555" + "".join(chr(0x0660 + int(digit)) for digit in "0123")
        data = completed(session="s1", patient="p1", phone=arabic)
        headers = {**here.signed_in, "Idempotency-Key": "digits"}
        assert (
            here.client.post(
                "/v1/events", json={"type": "session.completed", "data": data}, headers=headers
            ).status_code
            == 202
        )
        found = here.client.get("/v1/patients/p1", headers=here.signed_in).json["patient"]["phone"]
        assert found == "+12025550123"


@pytest.mark.parametrize("body", ["[" * 60_000, '{"a": ' + "9" * 5_000 + "}"], ids=["deep", "long number"])
def test_signed_json_that_no_reader_takes_is_said_to_be_that(
    database_url: str, redis_url: str, tmp_path: Path, body: str
) -> None:
    with counter(database_url, redis_url, tmp_path) as here:
        clinic = run(here.here.engine, lambda c: c.execute(select(clinic_rows.c.id)).scalar_one())
        secret = run(
            here.here.engine, lambda c: clinics.new_webhook_secret(c, here.here.sending.vault, clinic, time.now())
        )
        at = datetime.now(UTC)
        headers = {
            "Content-Type": "application/json",
            "webhook-id": "odd",
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": Webhook(secret).sign("odd", at, body),
        }
        answer = here.client.post("/v1/events", data=body.encode(), headers=headers)
        assert (answer.status_code, answer.json["type"]) == (400, "urn:aftercare:problem:not_json")


@pytest.mark.parametrize("ahead", [0, 240], ids=["in time", "a clock four minutes ahead"])
def test_p3_a_stop_outranks_a_consent_that_was_dated_ahead(
    database_url: str, redis_url: str, tmp_path: Path, ahead: int
) -> None:
    with counter(database_url, redis_url, tmp_path) as here:
        given = {"at": (time.now() + timedelta(seconds=ahead)).isoformat(), "wording": "Yes.", "source": "form"}
        data = completed(session="s1", patient="p1")
        data["patient"]["consent"] = {"sms": given}
        said = {"withdrawn_at": (time.now() + timedelta(seconds=1)).isoformat(), "source": "by phone"}
        word = {"patient": {"id": "p1", "consent": {"sms": said}}}
        for key, kind, one in (("1", "session.completed", data), ("2", "patient.updated", word)):
            headers = {**here.signed_in, "Idempotency-Key": key}
            answer = here.client.post("/v1/events", json={"type": kind, "data": one}, headers=headers)
            assert answer.status_code == 202
        assert here.client.get("/v1/patients/p1", headers=here.signed_in).json["patient"]["consent"]["sms"] is False
