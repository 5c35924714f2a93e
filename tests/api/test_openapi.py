"""The description says what the routes do: every route, every field."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import pytest

from service.api.openapi import UNDESCRIBED, document, routes
from service.api.openapi_operations import OPERATIONS
from service.care.sites import Site
from tests.api.counter import Counter
from tests.house import completed


def test_every_route_is_described_or_left_out_on_purpose(clinic_counter: Counter) -> None:
    """A new route without an entry in OPERATIONS fails here."""
    found = {(method, path) for method, path, _ in routes(clinic_counter.app)}
    assert {one for one in found if one not in OPERATIONS and one[1] not in UNDESCRIBED} == set()


def test_nothing_is_described_that_is_not_there(clinic_counter: Counter) -> None:
    found = {(method, path) for method, path, _ in routes(clinic_counter.app)}
    assert set(OPERATIONS) - found == set()
    assert UNDESCRIBED - {path for _, path in found} == set()


def test_a_route_of_which_nobody_told_is_noticed(clinic_counter: Counter) -> None:
    """The first test can fail."""
    from apiflask import APIFlask

    app = APIFlask("other")
    app.add_url_rule("/v1/new/<int:number>", view_func=lambda number: "")
    assert ("get", "/v1/new/{number}") in {(method, path) for method, path, _ in routes(app)} - set(OPERATIONS)


def test_every_operation_has_words_and_a_name_of_its_own(clinic_counter: Counter) -> None:
    operations = [one for methods in clinic_counter.spec["paths"].values() for one in methods.values()]
    assert all(one["summary"] for one in operations)
    assert len({one["operationId"] for one in operations}) == len(operations) == len(OPERATIONS)


def test_every_reference_leads_somewhere(clinic_counter: Counter) -> None:
    spec = clinic_counter.spec
    missing = [where for where in _references(spec) if not _leads(spec, where)]
    assert missing == []


def test_parameters_in_paths_are_described(clinic_counter: Counter) -> None:
    for path, methods in clinic_counter.spec["paths"].items():
        for operation in methods.values():
            named = {one["name"] for one in operation.get("parameters", []) if one["in"] == "path"}
            assert named == {part[1:-1] for part in path.split("/") if part.startswith("{")}


def test_the_page_needs_no_script_and_no_other_host(clinic_counter: Counter) -> None:
    answer = clinic_counter.client.get("/docs")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert "<script" not in page
    assert "https:" not in answer.headers["Content-Security-Policy"]
    assert all(path in page for _, path in OPERATIONS)
    assert 'src="' not in page
    assert all(target.startswith(("/", "#")) for target in _targets(page))


def test_the_page_has_every_anchor_it_points_to(clinic_counter: Counter) -> None:
    page = clinic_counter.client.get("/docs").get_data(as_text=True)
    assert all(f'id="{target[1:]}"' in page for target in _targets(page) if target.startswith("#"))


EVENTS: list[dict[str, Any]] = [
    {"type": "session.completed", "data": completed(session="s9", patient="p9", email="a@b.example", locale="es-MX",
                                                    timezone="America/Denver", baseline={"pain": 3, "peg": [1, 2, 3]})},
    {"type": "session.updated", "data": {"session": {"id": "s1", "next_session_at": None}}},
    {"type": "session.cancelled", "data": {"session": {"id": "s9"}}},
    {"type": "patient.updated", "data": {"patient": {"id": "p1", "consent": {"sms": {
        "withdrawn_at": "2026-01-02T10:00:00Z", "source": "phone"}}}}},
    {"type": "patient.erased", "data": {"patient": {"id": "p9"}}},
]  # fmt: skip


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event["type"])
def test_events_fit_their_schema_and_so_do_the_answers(clinic_counter: Counter, event: dict[str, Any]) -> None:
    spec = strict(clinic_counter.spec)
    assert not errors(spec, "Event", event)
    headers = {**clinic_counter.signed_in, "Idempotency-Key": f"openapi {event['type']}"}
    answer = clinic_counter.client.post("/v1/events", json=event, headers=headers)
    assert answer.status_code == 202
    schema = spec["paths"]["/v1/events"]["post"]["responses"]["202"]["content"]["application/json"]["schema"]
    assert not errors_of(spec, schema, answer.get_json())
    line = clinic_counter.client.post(
        "/v1/events/batch",
        data=json.dumps(event) + "\nx\n",
        headers={**headers, "Content-Type": "application/x-ndjson"},
    )
    told = [json.loads(one) for one in line.get_data(as_text=True).splitlines()]
    assert len(told) == 2
    assert not [problem for one in told for problem in errors(spec, "BatchAnswer", one)]


def test_every_known_site_is_in_the_description(clinic_counter: Counter) -> None:
    said = clinic_counter.spec["components"]["schemas"]["SessionBody"]["properties"]["site"]["description"]
    assert all(site in said for site in Site)


@pytest.mark.parametrize(
    ("path", "asked", "shown"),
    [
        ("/v1/sessions/{session_id}", "/v1/sessions/s1", "messages"),
        ("/v1/patients/{patient_id}", "/v1/patients/p1", "consents"),
        ("/v1/replies", "/v1/replies", "replies"),
        ("/v1/answers", "/v1/answers", "answers"),
        ("/v1/alerts", "/v1/alerts?state=all", "alerts"),
        ("/v1/webhook-events", "/v1/webhook-events", "events"),
        ("/v1/fhir/Observation", "/v1/fhir/Observation", "entry"),
        ("/v1/fhir/QuestionnaireResponse", "/v1/fhir/QuestionnaireResponse", "entry"),
    ],
)
def test_answers_have_the_fields_that_are_described_and_no_others(
    clinic_counter: Counter, path: str, asked: str, shown: str
) -> None:
    spec = strict(clinic_counter.spec)
    answer = clinic_counter.client.get(asked, headers=clinic_counter.signed_in)
    assert answer.status_code == 200
    content = spec["paths"][path]["get"]["responses"]["200"]["content"]
    body = json.loads(answer.data)
    assert body[shown]
    assert not errors_of(spec, content[answer.mimetype]["schema"], body)


def test_an_alert_that_was_taken_on_and_closed_fits_too(clinic_counter: Counter) -> None:
    spec = strict(clinic_counter.spec)
    for move, said in (("acknowledge", {"by": "Dr Ann"}), ("close", {"by": "Dr Ann", "note": "called"})):
        answer = clinic_counter.client.post(
            f"/v1/alerts/{clinic_counter.alert_id}/{move}", json=said, headers=clinic_counter.signed_in
        )
        assert answer.status_code == 200
        assert not errors(spec, "OneAlert", answer.get_json())


def test_the_address_is_the_public_one(clinic_counter: Counter) -> None:
    assert clinic_counter.spec["servers"] == [{"url": "https://care.example"}]
    assert document(clinic_counter.app, "https://x.example")["servers"] == [{"url": "https://x.example"}]


def strict(spec: dict[str, Any]) -> dict[str, Any]:
    """The same description with answers closed: a field that nobody described is an error here, not for clients."""
    for name, schema in spec["components"]["schemas"].items():
        if not name.startswith("Fhir"):
            _close(schema)
    return spec


def _close(node: Any) -> None:
    if isinstance(node, dict):
        if "properties" in node:
            node.setdefault("additionalProperties", False)
        for value in node.values():
            _close(value)
    elif isinstance(node, list):
        for value in node:
            _close(value)


def errors(spec: dict[str, Any], name: str, value: Any) -> list[str]:
    return errors_of(spec, {"$ref": f"#/components/schemas/{name}"}, value)


def errors_of(spec: dict[str, Any], schema: dict[str, Any], value: Any) -> list[str]:
    judge = jsonschema_rs.Draft202012Validator({**schema, "components": spec["components"]}, validate_formats=True)
    return [f"{one.instance_path}: {one.message}" for one in judge.iter_errors(value)]


def _references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        mapped = list(node["mapping"].values()) if isinstance(node.get("mapping"), dict) else []
        return own + mapped + [one for value in node.values() for one in _references(value)]
    return [one for value in node for one in _references(value)] if isinstance(node, list) else []


def _leads(spec: dict[str, Any], reference: str) -> bool:
    node: Any = spec
    for step in reference.removeprefix("#/").split("/"):
        if step not in node:
            return False
        node = node[step]
    return True


def _targets(page: str) -> list[str]:
    return [part.split('"', 1)[0] for part in page.split('href="')[1:]]
