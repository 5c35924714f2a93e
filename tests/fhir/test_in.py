"""FHIR in: the same event, by the same rules, whatever form it comes in."""

from __future__ import annotations

import contextlib
import copy
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from fhir.resources.R4B.appointment import Appointment
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.consent import Consent
from fhir.resources.R4B.patient import Patient
from fhir.resources.R4B.procedure import Procedure
from hypothesis import given
from hypothesis import strategies as st

from service import time
from service.care import fhir_in
from service.care.fhir_in import Translation
from service.care.fhir_post import NotUsable
from service.records import erasure, patients
from service.records.database import run
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
CONSENTED = {
    "url": "urn:aftercare:consent",
    "extension": [
        {"url": "channel", "valueString": "sms"},
        {"url": "at", "valueString": "2026-03-01T10:00:00-07:00"},
        {"url": "wording", "valueString": "Yes"},
        {"url": "source", "valueString": "form"},
    ],
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


NOW = datetime(2026, 3, 2, 20, tzinfo=UTC)


def translate(body: Any) -> Translation:
    return fhir_in.translate(body, NOW)


def bundle(*resources: dict[str, Any], kind: str = "collection") -> dict[str, Any]:
    entries = [
        {"fullUrl": f"https://ehr.example/{one['resourceType']}/{one['id']}", "resource": one} for one in resources
    ]
    return {"resourceType": "Bundle", "type": kind, "entry": entries}


def changed(resource: dict[str, Any], **values: Any) -> dict[str, Any]:
    return {name: value for name, value in {**copy.deepcopy(resource), **values}.items() if value is not None}


def with_contained(procedure: str, patient: str, given_name: str) -> dict[str, Any]:
    """A procedure that contains its patient as "p"."""
    named = [{"given": [given_name]}]
    inner = changed(PATIENT, id="p", identifier=[{"value": patient}], extension=[CONSENTED], name=named)
    return changed(PROCEDURE, id=procedure, contained=[inner], subject={"reference": "#p"})


def channel_of(extension: dict[str, Any], channel: str) -> dict[str, Any]:
    parts = [part for part in extension["extension"] if part["url"] != "channel"]
    return {**extension, "extension": [*parts, {"url": "channel", "valueString": channel}]}


def agrees(desk: Desk, who: str) -> tuple[bool, bool]:
    """Whether a patient on record consents to texts, and to e-mails."""
    patient = run(desk.here.engine, lambda c: patients.find(c, desk.here.sending.vault, desk.clinic_id, who))
    assert patient is not None
    return patient.sms_consent, patient.email_consent


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


@pytest.mark.parametrize("key", [{}, {"Idempotency-Key": "app-1"}], ids=["by its content", "by a key"])
def test_p2_a_visit_posted_again_gets_its_first_answer(desk: Desk, key: dict[str, str]) -> None:
    """Whatever became of the patient's sessions in between."""
    desk.post(bundle(PATIENT, CONSENT, PROCEDURE))
    first = desk.post(bundle(PATIENT, APPOINTMENT), **key)
    newer = changed(PROCEDURE, id="proc2", performedPeriod={"end": "2026-03-20T09:40:00-07:00"})
    moved = {**APPOINTMENT, "start": "2026-05-02T09:00:00-06:00"}
    gone = [{**PROCEDURE, "id": name, "status": "entered-in-error"} for name in ("proc1", "proc2")]
    for body in (bundle(PATIENT, CONSENT, newer), bundle(PATIENT, moved), bundle(*gone)):
        assert desk.post(body).status_code == 202
        again = desk.post(bundle(PATIENT, APPOINTMENT), **key)
        assert (again.status_code, again.json) == (first.status_code, first.json)
    if key:
        assert desk.post(bundle(PATIENT, LATER), **key).json["type"] == "urn:aftercare:problem:key_reused"


@pytest.mark.parametrize("named", [False, True])
def test_p3_an_erased_patient_has_no_next_visit(desk: Desk, named: bool) -> None:
    desk.post(bundle(PATIENT, CONSENT, PROCEDURE))
    desk.post(bundle(PATIENT, APPOINTMENT))
    run(desk.here.engine, lambda c: erasure.erase(c, desk.here.sending.vault, desk.clinic_id, "pat7", time.now()))
    extension = [{"url": "urn:aftercare:session", "valueString": "proc1"}] if named else []
    for body in (bundle(PATIENT, {**APPOINTMENT, "extension": extension}), bundle(PATIENT, LATER), bundle(PATIENT, NO)):
        answer = desk.post(body)
        assert (answer.status_code, answer.json["type"]) == (409, "urn:aftercare:problem:patient_erased")


def test_without_consent_nothing_is_taken_in(desk: Desk) -> None:
    answer = desk.post(bundle(PATIENT, PROCEDURE))
    assert answer.status_code == 422
    assert {"pointer": "/data/patient/consent", "detail": "is required"} in answer.json["errors"]
    assert desk.get("/v1/sessions/proc1").status_code == 404


@pytest.mark.parametrize(
    "change",
    [
        *({"status": status} for status in ("draft", "proposed", "rejected", "inactive", "entered-in-error", None)),
        {"provision": {"type": "deny"}},
        {"provision": {"provision": [{"type": "permit", "provision": [{"type": "deny"}]}]}},
        {"provision": {"provision": [{"type": "deny", "code": CONSENT["category"]}]}},
        {"policyRule": {"coding": [{"code": "OPTOUT"}], "text": "No texts."}},
    ],
)
def test_p1_p3_whatever_is_not_an_active_permission_is_no_grant(change: dict[str, Any]) -> None:
    """Also where R4 itself has denials: in nested provisions, and in the rule that these are exceptions from."""
    [event] = translate(bundle(PATIENT, {**CONSENT, **change}, PROCEDURE)).events
    assert event["data"]["patient"]["consent"] == {
        "sms": {"withdrawn_at": "2026-03-01T10:00:00-07:00", "source": "Intake form"}
    }


def test_a_denial_of_one_channel_leaves_the_other() -> None:
    email = {"coding": [{"system": "urn:aftercare:channel", "code": "email"}]}
    provision = {"provision": [{"type": "deny", "code": [email]}, {"type": "permit"}]}
    made = {**CONSENT, "provision": provision}
    Consent.model_validate(made)
    [event] = translate(bundle(PATIENT, made, PROCEDURE)).events
    consent = event["data"]["patient"]["consent"]
    assert {channel: "withdrawn_at" in word for channel, word in consent.items()} == {"sms": False, "email": True}


def test_p10_provisions_however_deep_are_read() -> None:
    provision: dict[str, Any] = {"type": "deny"}
    for _ in range(5000):
        provision = {"provision": [provision]}
    [event] = translate(bundle(PATIENT, {**CONSENT, "provision": provision}, PROCEDURE)).events
    assert "withdrawn_at" in event["data"]["patient"]["consent"]["sms"]


def test_p1_consent_about_somebody_else_is_theirs() -> None:
    """Even where they did not come along: then by the clinic's own id, never by a reference that may mean anybody."""
    about = {"identifier": {"system": "urn:aftercare:patient", "value": "other"}}
    made = translate(bundle(PATIENT, {**CONSENT, "patient": about}, PROCEDURE))
    session, consent = (one["data"] for one in made.events)
    assert "consent" not in session["patient"]
    assert (consent["patient"]["id"], list(consent["patient"])) == ("other", ["id", "consent"])
    with pytest.raises(NotUsable):
        translate(bundle(PATIENT, {**CONSENT, "patient": {"reference": "Patient/other"}}, PROCEDURE))


NO: dict[str, Any] = changed(CONSENT, id="con2", status="inactive", dateTime="2026-03-01T10:30:00-07:00")


@pytest.mark.parametrize("withdrawal", [NO, {**NO, "dateTime": CONSENT["dateTime"]}], ids=["later", "at once"])
@pytest.mark.parametrize("turned", [False, True])
def test_p1_p3_the_latest_word_counts_wherever_it_stands_in_the_bundle(
    desk: Desk, withdrawal: dict[str, Any], turned: bool
) -> None:
    words = [withdrawal, CONSENT] if turned else [CONSENT, withdrawal]
    [event] = desk.post(bundle(PATIENT, *words, PROCEDURE)).json["events"]
    assert {one["reason"] for one in event["messages"] if one["channel"] == "sms"} == {"no_consent"}


def test_a_later_grant_takes_a_withdrawal_back() -> None:
    """Also one in the Patient: it is no better and no worse than a Consent."""
    patient = changed(PATIENT, extension=[CONSENTED])
    earlier = {**NO, "dateTime": "2026-02-28T10:00:00-07:00"}
    for words, sms in (([earlier], {"at", "wording", "source"}), ([earlier, NO], {"withdrawn_at", "source"})):
        [event] = translate(bundle(patient, *words, PROCEDURE)).events
        assert event["data"]["patient"]["consent"]["sms"].keys() == sms


@pytest.mark.parametrize(
    "body",
    [
        bundle(PATIENT, NO),
        bundle(PATIENT, NO, APPOINTMENT),
        bundle(PATIENT, NO, {**PROCEDURE, "id": "proc2", "status": "in-progress"}),
        {**NO, "patient": {"identifier": {"system": "urn:aftercare:patient", "value": "pat7"}}},
        changed(NO, contained=[{"resourceType": "Patient", "id": "p", "identifier": [{"value": "pat7"}]}],
                patient={"reference": "#p"}),
    ],
    ids=["with the patient", "with a visit", "with a treatment that goes on", "by the id", "contained"],
)  # fmt: skip
def test_p1_p3_a_withdrawal_needs_no_treatment(desk: Desk, body: dict[str, Any]) -> None:
    desk.post(bundle(PATIENT, CONSENT, PROCEDURE))
    answer = desk.post(body)
    assert answer.status_code == 202, answer.json
    assert answer.json["events"][0]["type"] == "patient.updated"
    assert agrees(desk, "pat7") == (False, False)


def test_p1_p3_a_withdrawal_that_cannot_be_taken_in_is_refused(desk: Desk) -> None:
    desk.post(bundle(PATIENT, CONSENT, PROCEDURE))
    for body, where in ((NO, "/patient"), (bundle(PATIENT, changed(NO, dateTime=None)), "/entry/1/resource/dateTime")):
        answer = desk.post(body)
        assert answer.status_code == 422
        assert answer.json["errors"][0]["pointer"] == where


def test_a_grant_needs_no_treatment_either(desk: Desk) -> None:
    desk.post(bundle(PATIENT, NO, PROCEDURE))
    assert agrees(desk, "pat7") == (False, False)
    later = changed(PATIENT, extension=[CONSENTED, channel_of(CONSENTED, "email")])
    desk.post(bundle(later, {**CONSENT, "dateTime": "2026-03-03T10:00:00-07:00"}))
    assert agrees(desk, "pat7") == (True, True)


def test_a_lone_procedure_with_a_contained_patient(desk: Desk) -> None:
    body = with_contained("proc1", "MRN-9", "Ana")
    Procedure.model_validate(body)
    answer = desk.post(body)
    assert answer.status_code == 202, answer.json
    assert translate(body).events[0]["data"]["patient"]["id"] == "MRN-9"


def test_p1_a_contained_patient_is_the_patient_of_its_own_container() -> None:
    """Ids of contained resources are local: two may be "p", and mean two people."""
    made = translate(bundle(with_contained("A", "MRN-A", "Ann"), with_contained("B", "MRN-B", "Bob")))
    people = [one["data"]["patient"] for one in made.events]
    assert [(one["id"], one["given_name"]) for one in people] == [("MRN-A", "Ann"), ("MRN-B", "Bob")]
    stranger = changed(PROCEDURE, id="C", subject={"reference": "#p"})
    with pytest.raises(NotUsable):
        translate(bundle(with_contained("A", "MRN-A", "Ann"), stranger))


def test_p1_patients_of_two_servers_are_two_though_their_ids_are_one() -> None:
    """A relative reference is to the server of the resource it stands in; where that is not known, to neither."""
    one, other = (
        bundle(PATIENT, CONSENT, PROCEDURE)["entry"],
        bundle(changed(PATIENT, name=[{"given": ["Bob"]}]))["entry"],
    )
    other[0]["fullUrl"] = other[0]["fullUrl"].replace("ehr.example", "other.example")
    [made] = translate({"resourceType": "Bundle", "entry": [*other, *one]}).events
    assert made["data"]["patient"]["given_name"] == "Ana"
    del one[2]["fullUrl"]
    with pytest.raises(NotUsable):
        translate({"resourceType": "Bundle", "entry": [*other, *one]})


@pytest.mark.parametrize(
    "reference", ["Patient/pat7", "Patient/pat7/_history/3", "https://ehr.example/Patient/pat7", "urn:uuid:7"]
)
def test_a_patient_is_found_however_they_are_referred_to(reference: str) -> None:
    body = bundle(PATIENT, CONSENT, changed(PROCEDURE, subject={"reference": reference}))
    if reference.startswith("urn:"):
        body["entry"][0]["fullUrl"] = reference
    [made] = translate(body).events
    assert made["data"]["patient"]["id"] == "pat7"


def test_an_encounter_without_an_id_is_no_other_procedures() -> None:
    patient = changed(PATIENT, id="b")
    encounter = {
        "resourceType": "Encounter",
        "identifier": [{"system": "urn:aftercare:session", "value": "enc-b"}],
        "status": "finished",
        "class": {"code": "AMB"},
        "subject": {"reference": "Patient/b"},
        "period": {"end": "2026-03-02T10:00:00-07:00"},
    }
    body = bundle(PATIENT, CONSENT, PROCEDURE, patient)
    body["entry"].append({"resource": encounter})
    assert [one["data"]["session"]["id"] for one in translate(body).events] == ["proc1", "enc-b"]


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


LATER: dict[str, Any] = {**APPOINTMENT, "id": "app2", "start": "2026-04-09T09:00:00-06:00"}
OWN: dict[str, Any] = {**APPOINTMENT, "id": "app0", "start": "2026-03-02T09:00:00-07:00"}
"""The visit at which the treatment itself took place."""


def next_visit(desk: Desk, session: str = "proc1") -> Any:
    return desk.get(f"/v1/sessions/{session}").json["session"]["next_session_at"]


@pytest.mark.parametrize("status", ["cancelled", "noshow", "entered-in-error"])
@pytest.mark.parametrize("at_once", [False, True])
def test_p2_moving_a_visit_keeps_its_reminder(desk: Desk, status: str, at_once: bool) -> None:
    """As record systems do it: the new appointment is booked, and then the old one is off."""
    desk.post(bundle(PATIENT, CONSENT, PROCEDURE))
    desk.post(bundle(PATIENT, APPOINTMENT))
    off = {**APPOINTMENT, "status": status}
    for body in [bundle(PATIENT, LATER, off)] if at_once else [bundle(PATIENT, LATER), bundle(PATIENT, off)]:
        assert desk.post(body).status_code == 202
    assert next_visit(desk) == "2026-04-09T15:00:00Z"
    assert desk.post(bundle(PATIENT, {**LATER, "status": status})).status_code == 202
    assert next_visit(desk) is None


def test_a_cancelled_appointment_may_be_without_its_time(desk: Desk) -> None:
    """R4 allows it; which visit is off cannot be told then."""
    desk.post(bundle(PATIENT, CONSENT, PROCEDURE, APPOINTMENT))
    off = desk.post(bundle(PATIENT, changed(APPOINTMENT, status="cancelled", start=None)))
    assert off.json == {"events": [], "ignored": ["Patient", "Appointment"]}


@pytest.mark.parametrize("status", ["arrived", "checked-in", "fulfilled", "proposed", "pending", "waitlist"])
def test_an_appointment_that_is_no_next_visit_asks_for_nothing(desk: Desk, status: str) -> None:
    """Not agreed on yet, or under way: then it is the treatment's own."""
    desk.post(bundle(PATIENT, CONSENT, PROCEDURE, APPOINTMENT))
    for one in (OWN, LATER):
        answer = desk.post(bundle(PATIENT, {**one, "status": status}))
        assert answer.json == {"events": [], "ignored": ["Patient", "Appointment"]}
    other = desk.post(bundle(PATIENT, CONSENT, {**PROCEDURE, "id": "proc2"}, {**OWN, "status": status}))
    assert other.status_code == 202, other.json
    assert other.json["events"][0]["session"]["next_session_at"] is None


@pytest.mark.parametrize("together", [False, True])
def test_a_visit_is_next_only_for_a_treatment_before_it(desk: Desk, together: bool) -> None:
    """A treatment's own appointment may still be booked when all of it is posted."""
    before = changed(PROCEDURE, id="before", performedPeriod={"end": "2026-02-02T09:40:00-07:00"})
    desk.post(bundle(PATIENT, CONSENT, before))
    if together:
        assert desk.post(bundle(PATIENT, CONSENT, PROCEDURE, OWN)).status_code == 202
    else:
        desk.post(bundle(PATIENT, CONSENT, PROCEDURE))
        assert desk.post(bundle(PATIENT, OWN)).status_code == 202
    assert (next_visit(desk, "before"), next_visit(desk)) == ("2026-03-02T16:00:00Z", None)


def test_a_first_treatments_own_visit_is_nobodys_next(desk: Desk) -> None:
    answer = desk.post(bundle(PATIENT, CONSENT, PROCEDURE, OWN))
    assert answer.status_code == 202, answer.json
    assert next_visit(desk) is None


def test_an_appointment_that_changes_nothing_leaves_the_facts_as_old_as_they_were(desk: Desk) -> None:
    desk.post(bundle(PATIENT, CONSENT, PROCEDURE))
    said_at = time.now().isoformat()
    assert desk.post(bundle(PATIENT, OWN)).status_code == 202
    change = {"id": "proc1", "next_session_at": APPOINTMENT["start"]}
    event = {"type": "session.updated", "timestamp": said_at, "data": {"session": change}}
    headers = {"Authorization": f"Bearer {desk.key}", "Idempotency-Key": "e1"}
    assert desk.client.post("/v1/events", json=event, headers=headers).status_code == 202
    assert next_visit(desk) == "2026-04-02T15:00:00Z"


def test_of_several_visits_in_one_post_the_soonest_is_next(desk: Desk) -> None:
    [event] = translate(bundle(PATIENT, CONSENT, PROCEDURE, LATER, APPOINTMENT)).events
    assert event["data"]["session"]["next_session_at"] == APPOINTMENT["start"]
    desk.post(bundle(PATIENT, CONSENT, PROCEDURE))
    desk.post(bundle(PATIENT, APPOINTMENT, LATER))
    assert next_visit(desk) == "2026-04-02T15:00:00Z"


def test_booked_anew_for_the_same_moment_it_is_not_off(desk: Desk) -> None:
    desk.post(
        bundle(PATIENT, CONSENT, PROCEDURE, {**APPOINTMENT, "status": "cancelled"}, {**APPOINTMENT, "id": "app2"})
    )
    assert next_visit(desk) == "2026-04-02T15:00:00Z"


def test_an_appointment_names_a_session_of_its_own_patient(desk: Desk) -> None:
    desk.post(bundle(PATIENT, CONSENT, PROCEDURE))
    named = {"url": "urn:aftercare:session", "valueString": "proc1"}
    theirs = {**APPOINTMENT, "extension": [named]}
    other = changed(PATIENT, id="other")
    about_other = {**theirs, "participant": [{"actor": {"reference": "Patient/other"}, "status": "accepted"}]}
    refused = desk.post(bundle(other, about_other))
    assert (refused.status_code, refused.json["type"]) == (409, "urn:aftercare:problem:other_patient")
    assert next_visit(desk) is None
    unheard_of = {**APPOINTMENT, "extension": [{**named, "valueString": "proc9"}]}
    assert desk.post(bundle(PATIENT, unheard_of)).json["type"] == "urn:aftercare:problem:session_unknown"
    assert desk.post(bundle(PATIENT, theirs)).status_code == 202
    assert next_visit(desk) == "2026-04-02T15:00:00Z"


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ([], "/resourceType"),
        ({"resourceType": 5}, "/resourceType"),
        ({"resourceType": "Of no use <b>"}, "/resourceType"),
        ({"resourceType": "Bundle", "entry": [7, {"resource": {"id": "1"}}]}, "/entry/1/resource/resourceType"),
        ({**PROCEDURE, "contained": [{"id": "p"}]}, "/contained/0/resourceType"),
        (with_contained("proc1", "", "Ana"), "/contained/0/identifier"),
        (PROCEDURE, "/subject"),
        (bundle(PATIENT, {**APPOINTMENT, "start": None}), "/entry/1/resource/start"),
        (bundle(PATIENT, {**APPOINTMENT, "start": "2026-04-02T09:00:00"}), "/entry/1/resource/start"),
        (bundle(PATIENT, {**APPOINTMENT, "participant": []}), "/entry/1/resource/participant"),
        (changed(PROCEDURE, id=None, status="not-done"), "/identifier"),
        ({"resourceType": "Bundle", "entry": [{"resource": PATIENT}] * 201}, "/entry"),
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


def phone(number: str, **more: Any) -> dict[str, Any]:
    return {"system": "phone", "value": number, **more}


@pytest.mark.parametrize(
    ("telecom", "expected"),
    [
        ([phone("1", use="old"), phone("2", use="home", rank=1)], "2"),
        ([phone("1", use="mobile", period={"end": "2020-01-01"}), phone("2")], "2"),
        ([phone("1", use="mobile", period={"end": "2026-03-02T19:59:59Z"}), phone("2")], "2"),
        ([phone("1", use="mobile", period={"end": "2026-03-02T13:00:01-07:00"}), phone("2")], "1"),
        ([phone("1", use="mobile", period={"start": "2026-03-03"}), phone("2")], "2"),
        ([phone("1", use="mobile", period={"start": "2026-03-02", "end": "2026-03-02"}), phone("2")], "1"),
        ([phone("1", use="mobile", period={"start": "2026-03", "end": "2026"}), phone("2")], "1"),
        ([phone("1", rank=2), phone("2", rank=1)], "2"),
        ([phone("1"), phone("2", rank=7)], "2"),
        ([phone("1", rank=1), phone("2", use="mobile", rank=2), phone("3", use="mobile", rank=1)], "3"),
        ([{"system": "phone", "use": "mobile"}, phone("2")], "2"),
        ([{**phone("1"), "system": "fax"}, {**phone("2"), "system": "sms"}], "2"),
        ([phone("1", use="old")], None),
    ],
)
def test_p2_the_number_is_one_that_the_patient_has_now(telecom: list[dict[str, Any]], expected: str | None) -> None:
    """Mobile first, then by rank, as R4 orders them; a date alone means all of that day."""
    patient = changed(PATIENT, telecom=telecom)
    Patient.model_validate(patient)
    [event] = translate(bundle(patient, CONSENT, PROCEDURE)).events
    assert event["data"]["patient"].get("phone") == expected


def test_the_name_is_one_that_the_patient_has_now() -> None:
    names = [
        {"use": "old", "given": ["Anna"]},
        {"use": "usual", "given": ["Annie"], "period": {"end": "2019"}},
        {"use": "official", "given": ["Ana"]},
    ]
    [event] = translate(bundle(changed(PATIENT, name=names), CONSENT, PROCEDURE)).events
    assert event["data"]["patient"]["given_name"] == "Ana"


def test_what_asks_for_nothing_is_named(desk: Desk) -> None:
    treatment = {**CONSENT, "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}]}
    going_on = {**PROCEDURE, "status": "in-progress"}
    others = ({"resourceType": "Practitioner", "id": "1"}, {**APPOINTMENT, "status": "proposed"})
    answer = desk.post(bundle(PATIENT, treatment, going_on, *others))
    kinds = ["Patient", "Consent", "Procedure", "Practitioner", "Appointment"]
    assert answer.json == {"events": [], "ignored": kinds}
    answer = desk.post(bundle(PATIENT, CONSENT, PROCEDURE, *others))
    assert answer.json["ignored"] == ["Practitioner", "Appointment"]


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
