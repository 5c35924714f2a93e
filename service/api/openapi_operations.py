"""Every operation of the API: who may ask, with what, and every answer there is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from service.api.events import EVENT_BYTES
from service.api.fhir import MEDIA_TYPE as FHIR
from service.api.metrics import CONTENT_TYPE as METRICS
from service.api.openapi_schemas import CLINICS_ID, NUMBER_CURSOR, PLACE_CURSOR, ROW_ID, Schema, one_of, ref
from service.problems import MEDIA_TYPE as PROBLEM

JSON = "application/json"
Node = dict[str, Any]

SECURITY_SCHEMES: Node = {
    "apiKey": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key of the clinic (`aftercare clinic key new`).",
    },
    **{
        scheme: {"type": "apiKey", "in": "header", "name": header, "description": meaning}
        for scheme, header, meaning in (
            ("webhookId", "webhook-id", "Of your own, one an event: a repeat under the same id changes nothing."),
            ("webhookTimestamp", "webhook-timestamp", "Unix seconds; refused when more than five minutes off."),
            ("webhookSignature", "webhook-signature", "Standard Webhooks (v1), with the clinic's webhook secret."),
        )
    },
}

_BEARER: list[Node] = [{"apiKey": []}]
_BEARER_OR_SIGNED: list[Node] = [*_BEARER, {"webhookId": [], "webhookTimestamp": [], "webhookSignature": []}]
_ANYBODY: list[Node] = []

PROBLEMS = {
    400: "The request cannot be read: no JSON, a cursor or a header that is none.",
    401: "No key, an unknown or revoked one, or a signature that does not verify.",
    404: "This clinic has no such thing.",
    409: "It contradicts what is on record: an id used before for another event, say, or an alert's old `seen`.",
    413: "The body is too large.",
    415: "Another media type is needed.",
    422: "The body has fields that cannot be accepted; `errors` names each.",
    503: "The database did not answer; send the same again after the seconds in Retry-After, it is taken in once.",
}


def _media(**schemas: Schema) -> Node:
    return {kind: {"schema": schema} for kind, schema in schemas.items()}


def _body(schema: Schema, *kinds: str) -> Node:
    return {"required": True, "content": _media(**dict.fromkeys(kinds, schema))}


def _answer(description: str, schema: Schema, *kinds: str) -> Node:
    return {"description": description, "content": _media(**dict.fromkeys(kinds or (JSON,), schema))}


def _query(name: str, schema: Schema, description: str) -> Node:
    return {"name": name, "in": "query", "schema": schema, "description": description}


def _path(name: str, schema: Schema, description: str) -> Node:
    return {"name": name, "in": "path", "required": True, "schema": schema, "description": description}


_KEY: Node = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]([ -~]*[!-~])?$"},
    "description": "Your own id of the event. Needed with an API key; when signed, webhook-id takes its place.",
}
_AFTER_ADVICE = "The `next` of an earlier answer; 0 is the beginning."
_AFTER = _query("after", {**NUMBER_CURSOR, "default": "0"}, _AFTER_ADVICE)
_PLACE = _query("after", {**PLACE_CURSOR, "default": "0"}, _AFTER_ADVICE)
_SIZE: Schema = {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}
_LIMIT = _query("limit", _SIZE, "At most so many.")
_COUNT = _query("_count", _SIZE, "At most so many surveys a page.")
_ALERT_ID = _path("alert_id", ROW_ID, "The alert's id.")


@dataclass(frozen=True, slots=True)
class Operation:
    """What a route's docstring does not say."""

    answers: dict[int, Node]
    problems: tuple[int, ...] = ()
    security: list[Node] = field(default_factory=lambda: _BEARER)
    parameters: tuple[Node, ...] = ()
    body: Node | None = None

    def node(self) -> Node:
        """As OpenAPI writes it."""
        responses = {str(status): answer for status, answer in self.answers.items()}
        for status in self.problems:
            responses[str(status)] = {"$ref": f"#/components/responses/Problem{status}"}
        made: Node = {"security": self.security, "responses": responses}
        if self.parameters:
            made["parameters"] = list(self.parameters)
        if self.body is not None:
            made["requestBody"] = self.body
        return made


_READ = (400, 401, 503)
_READ_ONE = (401, 404, 503)
_TAKE_IN = (400, 401, 409, 413, 415, 422, 503)
_DECIDE = (400, 401, 404, 409, 413, 415, 422, 503)
_TAKEN: Schema = {"anyOf": [ref("Timeline"), ref("PatientAnswer")]}
_LINES: Schema = {
    "type": "string",
    "description": f"NDJSON: an Event a line, each of at most {EVENT_BYTES} bytes.",
}
_CSV: Node = {
    "description": "A line an answer.",
    "headers": {"Link": {"description": "The next page, rel=next.", "schema": {"type": "string"}}},
    "content": _media(**{"text/csv": {"type": "string"}}),
}


def _searchset(description: str) -> Operation:
    return Operation({200: _answer(description, ref("FhirResource"), FHIR)}, _READ, parameters=(_PLACE, _COUNT))


OPERATIONS: dict[tuple[str, str], Operation] = {
    ("post", "/v1/events"): Operation(
        {202: _answer("Committed. A repeat gets the first answer again.", _TAKEN)},
        _TAKE_IN,
        _BEARER_OR_SIGNED,
        (_KEY,),
        _body(ref("Event"), JSON),
    ),
    ("post", "/v1/events/batch"): Operation(
        {
            200: _answer(
                "NDJSON: a BatchAnswer a line, in order, each written once its event is committed.",
                {"type": "string", "contentMediaType": "application/x-ndjson", "contentSchema": ref("BatchAnswer")},
                "application/x-ndjson",
            )
        },
        (400, 401, 413, 415, 503),
        _BEARER_OR_SIGNED,
        (_KEY,),
        _body(_LINES, "application/x-ndjson", "application/jsonl"),
    ),
    ("get", "/v1/sessions/{session_id}"): Operation(
        {200: _answer("The session's timeline.", ref("Timeline"))},
        _READ_ONE,
        parameters=(_path("session_id", CLINICS_ID, "The clinic's id of the session."),),
    ),
    ("get", "/v1/patients/{patient_id}"): Operation(
        {200: _answer("The patient, consents and sessions.", ref("PatientRecord"))},
        _READ_ONE,
        parameters=(_path("patient_id", CLINICS_ID, "The clinic's id of the patient."),),
    ),
    ("get", "/v1/replies"): Operation(
        {200: _answer("A page of replies.", ref("Replies"))}, _READ, parameters=(_AFTER, _LIMIT)
    ),
    ("get", "/v1/answers"): Operation(
        {
            200: {
                "description": "A page of answers, as JSON or CSV.",
                "content": _media(**{JSON: ref("Answers"), "text/csv": {"type": "string"}}),
            }
        },
        _READ,
        parameters=(_PLACE, _LIMIT),
    ),
    ("get", "/v1/answers.csv"): Operation({200: _CSV}, _READ, parameters=(_PLACE, _LIMIT)),
    ("get", "/v1/alerts"): Operation(
        {200: _answer("A page of alerts.", ref("Alerts"))},
        _READ,
        parameters=(
            _AFTER,
            _LIMIT,
            _query("state", {**one_of(("open", "all")), "default": "open"}, "Those not closed yet, or every one."),
        ),
    ),
    ("post", "/v1/alerts/{alert_id}/acknowledge"): Operation(
        {200: _answer("The alert as it now stands.", ref("OneAlert"))},
        _DECIDE,
        parameters=(_ALERT_ID,),
        body=_body(ref("Acknowledgement"), JSON),
    ),
    ("post", "/v1/alerts/{alert_id}/close"): Operation(
        {200: _answer("The alert as it now stands.", ref("OneAlert"))},
        _DECIDE,
        parameters=(_ALERT_ID,),
        body=_body(ref("Closing"), JSON),
    ),
    ("get", "/v1/webhook-events"): Operation(
        {200: _answer("A page of events.", ref("WebhookEvents"))}, _READ, parameters=(_AFTER, _LIMIT)
    ),
    ("get", "/v1/fhir/QuestionnaireResponse"): _searchset("A searchset Bundle of QuestionnaireResponses."),
    ("get", "/v1/fhir/Observation"): _searchset("A searchset Bundle of Observations."),
    ("get", "/v1/fhir/QuestionnaireResponse/{response_id}"): Operation(
        {200: _answer("A QuestionnaireResponse.", ref("FhirResource"), FHIR)},
        _READ_ONE,
        parameters=(_path("response_id", ROW_ID, "The id of the response."),),
    ),
    ("get", "/v1/fhir/Observation/{observation_id}"): Operation(
        {200: _answer("An Observation.", ref("FhirResource"), FHIR)},
        _READ_ONE,
        parameters=(
            _path(
                "observation_id",
                {"type": "string", "pattern": "^[0-9]{1,19}-[A-Za-z0-9.-]{1,40}$"},
                "The id of the observation.",
            ),
        ),
    ),
    ("post", "/v1/fhir"): Operation(
        {202: _answer("Committed, all of it.", ref("FhirAnswer"))},
        _TAKE_IN,
        _BEARER_OR_SIGNED,
        ({**_KEY, "description": "Your own id of the notification. Left out, the content is its own key."},),
        _body(ref("FhirResource"), FHIR, JSON),
    ),
    ("get", "/healthz"): Operation({200: _answer("It answers.", ref("Health"))}, security=_ANYBODY),
    ("get", "/readyz"): Operation(
        {200: _answer("Everything is there.", ref("Health"))}, problems=(503,), security=_ANYBODY
    ),
    ("get", "/metrics"): Operation(
        {200: _answer("Prometheus' text format.", {"type": "string"}, METRICS.partition(";")[0])}, security=_ANYBODY
    ),
}


def problem_responses() -> Node:
    """The shared answers to what is wrong."""
    return {
        f"Problem{status}": {"description": meaning, "content": _media(**{PROBLEM: ref("Problem")})}
        for status, meaning in PROBLEMS.items()
    }
