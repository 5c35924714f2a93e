"""FHIR in: the same event, by the same rules, whatever form it comes in."""

from __future__ import annotations

import contextlib
import copy
import json
from typing import Any

import pytest
from fhir.resources.R4B.appointment import Appointment
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.consent import Consent
from fhir.resources.R4B.patient import Patient
from fhir.resources.R4B.procedure import Procedure
from hypothesis import given
from hypothesis import strategies as st

from service.care.fhir_in import NotUsable, translate
from tests.fhir.conftest import Desk

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "pat7",
    "name": [{"use": "official", "given": ["Ana María"], "family": "Ruiz"}, {"use": "usual", "given": ["Ana"]}],
    "telecom": [
        {"system": "phone", "value": "+12025550111"},
        {"system": "phone", "use": "mobile", "value": "+1 202 555 0123"},
        {"system": "email", "value": "ana@example.org"},
    ],
    "communication": [{"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": "es"}]}, "preferred": True}],
    "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/timezone", "valueCode": "America/Denver"}],
}
CONSENT: dict[str, Any] = {
    "resourceType": "Consent",
    "id": "con1",
    "status": "active",
    "scope": {"coding": [{"code": "patient-privacy"}]},
    "category": [{"coding": [{"system": "urn:aftercare:channel", "code": "sms"}]}],
    "patient": {"reference": "Patient/pat7"},
    "dateTime": "2026-03-01T10:00:00-07:00",
    "policyRule": {"text": "I agree to care texts."},
    "sourceAttachment": {"title": "Intake form"},
}
PROCEDURE: dict[str, Any] = {
    "resourceType": "Procedure",
    "id": "proc1",
    "status": "completed",
    "subject": {"reference": "Patient/pat7"},
    "performedPeriod": {"start": "2026-03-02T09:00:00-07:00", "end": "2026-03-02T09:40:00-07:00"},
    "bodySite": [{"coding": [{"system": "http://snomed.info/sct", "code": "82169009", "display": "Left knee"}]}],
}
APPOINTMENT: dict[str, Any] = {
    "resourceType": "Appointment",
    "id": "app1",
    "status": "booked",
    "start": "2026-04-02T09:00:00-06:00",
    "end": "2026-04-02T09:30:00-06:00",
    "participant": [
        {"actor": {"reference": "Practitioner/1"}, "status": "accepted"},
        {"actor": {"reference": "Patient/pat7"}, "status": "accepted"},
    ],
}


def bundle(*resources: dict[str, Any], kind: str = "collection") -> dict[str, Any]:
    entries = [
        {"fullUrl": f"https://ehr.example/{one['resourceType']}/{one['id']}", "resource": one} for one in resources
    ]
    return {"resourceType": "Bundle", "type": kind, "entry": entries}


def changed(resource: dict[str, Any], **values: Any) -> dict[str, Any]:
    return {name: value for name, value in {**copy.deepcopy(resource), **values}.items() if value is not None}


def test_our_examples_are_valid_r4() -> None:
    for model, one in ((Patient, PATIENT), (Consent, CONSENT), (Procedure, PROCEDURE), (Appointment, APPOINTMENT)):
        model.model_validate(one)
    Bundle.model_validate(bundle(PATIENT, CONSENT, PROCEDURE, APPOINTMENT))


def test_a_bundle_becomes_one_event() -> None:
    made = translate(bundle(PATIENT, CONSENT, PROCEDURE, APPOINTMENT))
    assert made.visits == []
    assert made.events == [
        {
            "type": "session.completed",
            "data": {
                "session": {
                    "id": "proc1",
                    "ended_at": "2026-03-02T09:40:00-07:00",
                    "site": "Left knee",
                    "next_session_at": "2026-04-02T09:00:00-06:00",
                },
                "patient": {
                    "id": "pat7",
                    "given_name": "Ana",
                    "phone": "+1 202 555 0123",
                    "email": "ana@example.org",
                    "timezone": "America/Denver",
                    "locale": "es",
                    "consent": {
                        "sms": {
                            "at": "2026-03-01T10:00:00-07:00",
                            "wording": "I agree to care texts.",
                            "source": "Intake form",
                        }
                    },
                },
            },
        }
    ]


def test_a_procedure_plans_the_messages(desk: Desk) -> None:
    answer = desk.post(bundle(PATIENT, CONSENT, PROCEDURE))
    assert answer.status_code == 202, answer.json
    [event] = answer.json["events"]
    assert event["session"]["site"] == "knee_left"
    assert {one["step"] for one in event["messages"]} >= {"welcome", "day1", "week12"}
    assert {one["state"] for one in event["messages"] if one["channel"] == "email"} == {"skipped"}  # no consent for it


def test_a_repeated_notification_is_taken_in_once(desk: Desk) -> None:
    body = bundle(PATIENT, CONSENT, PROCEDURE, kind="history")
    first, again = desk.post(body), desk.post(body)
    assert first.status_code == again.status_code == 202
    assert first.json == again.json
    reused = desk.post(bundle(PATIENT, CONSENT, changed(PROCEDURE, id="p2")), **{"Idempotency-Key": "k1"})
    assert reused.status_code == 202
    assert desk.post(body, **{"Idempotency-Key": "k1"}).status_code == 409


def test_without_consent_nothing_is_taken_in(desk: Desk) -> None:
    answer = desk.post(bundle(PATIENT, PROCEDURE))
    assert answer.status_code == 422
    assert {"pointer": "/data/patient/consent", "detail": "is required"} in answer.json["errors"]
    assert desk.get("/v1/sessions/proc1").status_code == 404


@pytest.mark.parametrize(
    "change", [{"status": "inactive"}, {"status": "rejected"}, {"status": "draft"}, {"provision": {"type": "deny"}}]
)
def test_whatever_is_not_an_active_permission_is_no_grant(change: dict[str, Any]) -> None:
    """P3"""
    [event] = translate(bundle(PATIENT, {**CONSENT, **change}, PROCEDURE)).events
    assert event["data"]["patient"]["consent"] == {
        "sms": {"withdrawn_at": "2026-03-01T10:00:00-07:00", "source": "Intake form"}
    }


def test_consent_about_somebody_else_is_nobodys() -> None:
    [event] = translate(bundle(PATIENT, {**CONSENT, "patient": {"reference": "Patient/other"}}, PROCEDURE)).events
    assert "consent" not in event["data"]["patient"]


def test_a_lone_procedure_with_a_contained_patient(desk: Desk) -> None:
    parts = [("channel", "sms"), ("at", "2026-03-01T10:00:00-07:00"), ("wording", "Yes"), ("source", "form")]
    consent = {
        "url": "urn:aftercare:consent",
        "extension": [{"url": name, "valueString": value} for name, value in parts],
    }
    inner = changed(PATIENT, id="p", identifier=[{"value": "MRN-9"}], extension=[consent])
    body = changed(PROCEDURE, contained=[inner], subject={"reference": "#p"})
    Procedure.model_validate(body)
    answer = desk.post(body)
    assert answer.status_code == 202, answer.json
    assert translate(body).events[0]["data"]["patient"]["id"] == "MRN-9"


def test_an_encounter_counts_unless_a_procedure_is_in_it() -> None:
    encounter = {
        "resourceType": "Encounter",
        "id": "enc1",
        "status": "finished",
        "class": {"code": "AMB"},
        "subject": {"reference": "https://ehr.example/Patient/pat7"},
        "period": {"end": "2026-03-02T10:00:00-07:00"},
        "extension": [{"url": "urn:aftercare:site", "valueCode": "neck"}],
    }
    [alone] = translate(bundle(PATIENT, CONSENT, encounter)).events
    assert alone["data"]["session"] == {"id": "enc1", "ended_at": "2026-03-02T10:00:00-07:00", "site": "neck"}
    inside = {**PROCEDURE, "encounter": {"reference": "Encounter/enc1"}}
    [one] = translate(bundle(PATIENT, CONSENT, encounter, inside)).events
    assert one["data"]["session"]["id"] == "proc1"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("not-done", "session.cancelled"),
        ("entered-in-error", "session.cancelled"),
        ("in-progress", None),
        ("preparation", None),
    ],
)
def test_other_states_of_a_procedure(status: str, expected: str | None) -> None:
    made = translate({**PROCEDURE, "status": status})
    assert [event["type"] for event in made.events] == ([expected] if expected else [])
    assert made.ignored == ([] if expected else ["Procedure"])


def test_an_appointment_moves_the_next_visit_of_the_latest_session(desk: Desk) -> None:
    assert desk.post(bundle(PATIENT, APPOINTMENT)).json["type"] == "urn:aftercare:problem:session_unknown"
    desk.post(bundle(PATIENT, CONSENT, PROCEDURE))
    booked = desk.post(bundle(PATIENT, APPOINTMENT))
    assert booked.status_code == 202, booked.json
    assert booked.json["events"][0]["session"]["next_session_at"] == "2026-04-02T15:00:00Z"
    off = desk.post(bundle(PATIENT, {**APPOINTMENT, "status": "cancelled"}))
    assert off.json["events"][0]["session"]["next_session_at"] is None


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ([], "resourceType"),
        ({"resourceType": 5}, "resourceType"),
        (PROCEDURE, "Procedure.subject"),
        (bundle(PATIENT, {**APPOINTMENT, "start": None}), "Appointment.start"),
        (bundle(PATIENT, {**APPOINTMENT, "participant": []}), "Appointment.participant"),
        (changed(PROCEDURE, id=None, status="not-done"), "Procedure.identifier"),
        ({"resourceType": "Bundle", "entry": [{"resource": PATIENT}] * 201}, "Bundle.entry"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(desk: Desk, body: Any, where: str) -> None:
    """P10: and never repeats what was sent."""
    answer = desk.post(body)
    assert answer.status_code == 422
    assert answer.json["errors"][0]["pointer"] == where


@pytest.mark.parametrize("raw", ["{", "nope", '{"a":1,"a":2}', "\xff", ""])
def test_what_is_not_json_is_400(desk: Desk, raw: str) -> None:
    headers = {"Authorization": f"Bearer {desk.key}", "Content-Type": "application/fhir+json"}
    assert desk.client.post("/v1/fhir", data=raw.encode("latin-1"), headers=headers).status_code == 400


def test_other_resources_ask_for_nothing(desk: Desk) -> None:
    answer = desk.post(bundle(PATIENT, CONSENT))
    assert answer.json == {"events": [], "ignored": []}


def test_the_door_is_the_same(desk: Desk) -> None:
    assert desk.client.post("/v1/fhir", data="{}", content_type="application/fhir+json").status_code == 401
    assert desk.post({}, **{"Content-Type": "text/plain"}).status_code == 415


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(["Patient/pat7", "#p", "completed", "booked", "Patient", "Procedure", "urn:aftercare:consent"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from([PATIENT, CONSENT, PROCEDURE, APPOINTMENT]), st.data())
def test_whatever_stands_in_a_field_is_read_or_refused(one: dict[str, Any], data: st.DataObject) -> None:
    """P10: never a fault of ours."""
    broken = {**one, data.draw(st.sampled_from(sorted(one))): data.draw(json_values)}
    rest = [other for other in (PATIENT, CONSENT, PROCEDURE, APPOINTMENT) if other is not one]
    body = {"resourceType": "Bundle", "entry": [{"resource": other} for other in [*rest, broken]]}
    with contextlib.suppress(NotUsable):
        json.dumps(translate(body).events)
