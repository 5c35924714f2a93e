"""The API's description: OpenAPI 3.1, from the routes' own docstrings and the tables below.

What providers post and what patients see is not in it: it is for those who connect a clinic's system.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from typing import Any

from apiflask import APIFlask

from service.api import schemas
from service.api.schemas import Schema, one_of, ref, text

PRIVATE = ("/twilio/", "/sendgrid/", "/s/", "/a/", "/u/", "/assets/", "/static/", "/docs", "/openapi.json")
"""Routes that are no part of the API for clinics."""

_PROBLEM = "application/problem+json"
_JSON, _NDJSON, _CSV, _FHIR = "application/json", "application/x-ndjson", "text/csv", "application/fhir+json"
_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")

_WHY = {
    400: "A header or a parameter is missing or cannot be read, or the body is not JSON.",
    401: "Neither a valid signature nor a living API key.",
    404: "This clinic has no such thing.",
    409: "It contradicts what is on record: an id used before for other content, a session not reported yet.",
    413: "Too large.",
    415: "Another media type is wanted.",
    422: "The body is JSON but cannot be accepted; `errors` names every bad field.",
    503: "Nothing was stored; send it again after `Retry-After`.",
}

_BY_KEY: list[dict[str, list[str]]] = [{"apiKey": []}]
_SIGNED: list[dict[str, list[str]]] = [
    {"apiKey": []},
    {"webhookId": [], "webhookTimestamp": [], "webhookSignature": []},
]
_KEY_HEADER: Schema = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "With an API key: a value of your own for each event. The same value with the same body gets the"
    " same answer, with another body a 409. A signed event has its `webhook-id` instead.",
    "schema": text(minLength=1, maxLength=255, pattern="^[ -~]+$"),
}
_FHIR_KEY_HEADER: Schema = {
    **_KEY_HEADER,
    "description": "May be left out: then the body itself is the key, and the same body is taken in once.",
}


def _query(name: str, schema: Schema, what: str) -> Schema:
    return {"name": name, "in": "query", "schema": schema, "description": what}


_NUMBER = {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}
_AFTER = _query("after", text(pattern="^[0-9]{1,18}$", default="0"), "`next` of an earlier answer.")
_AFTER_CHANGE = _query("after", text(default="0", maxLength=64), "`next` of an earlier answer.")
_LIMIT = _query("limit", _NUMBER, "How many at most.")
_COUNT = _query("_count", _NUMBER, "How many surveys at most.")


def _content(schema: Schema, media_type: str = _JSON) -> dict[str, Any]:
    return {media_type: {"schema": schema}}


def _operation(
    good: int,
    said: str,
    content: dict[str, Any],
    bad: Iterable[int],
    *,
    body: dict[str, Any] | None = None,
    parameters: Iterable[Schema] = (),
    security: list[dict[str, list[str]]] = _BY_KEY,
) -> dict[str, Any]:
    problems = {str(status): {"$ref": f"#/components/responses/{status}"} for status in sorted({*bad, 503})}
    return {
        "parameters": list(parameters),
        **({"requestBody": {"required": True, "content": body}} if body else {}),
        "responses": {str(good): {"description": said, "content": content}, **problems},
        "security": security,
    }


_EXAMPLE: dict[str, Any] = {
    "type": "session.completed",
    "data": {
        "session": {"id": "S-31", "ended_at": "2026-03-02T15:04:00-07:00", "site": "knee_left", "number": 2},
        "patient": {
            "id": "P-7",
            "given_name": "Ann",
            "phone": "+12025550123",
            "timezone": "America/Denver",
            "consent": {
                "sms": {"at": "2026-01-05T09:00:00-07:00", "wording": "I agree to care texts.", "source": "front desk"}
            },
        },
    },
}
_TAKEN: Schema = {"anyOf": [ref("Timeline"), ref("PatientChanged")]}
_OPEN: list[dict[str, list[str]]] = []

OPERATIONS: dict[tuple[str, str], dict[str, Any]] = {
    ("post", "/v1/events"): _operation(
        202,
        "Committed: the plan as it is now.",
        _content(_TAKEN),
        (400, 401, 409, 413, 415, 422),
        body={_JSON: {"schema": ref("Event"), "examples": {"session.completed": {"value": _EXAMPLE}}}},
        parameters=[_KEY_HEADER],
        security=_SIGNED,
    ),
    ("post", "/v1/events/batch"): _operation(
        200,
        "A line for each event, written once it is committed. `Idempotency-Key` and the line's number are its key.",
        _content(ref("BatchLine"), _NDJSON),
        (400, 401, 413, 415),
        body={_NDJSON: {"schema": text(description="One event a line, 64 KiB each, 32 MiB in all.")}},
        parameters=[_KEY_HEADER],
        security=_SIGNED,
    ),
    ("get", "/v1/sessions/<session_id>"): _operation(200, "The timeline.", _content(ref("Timeline")), (401, 404)),
    ("get", "/v1/patients/<patient_id>"): _operation(200, "The patient.", _content(ref("Patient")), (401, 404)),
    ("get", "/v1/replies"): _operation(
        200, "A page.", _content(ref("Replies")), (400, 401), parameters=[_AFTER, _LIMIT]
    ),
    ("get", "/v1/answers"): _operation(
        200,
        "A page.",
        {**_content(ref("Answers")), **_content(text(), _CSV)},
        (400, 401),
        parameters=[_AFTER_CHANGE, _LIMIT],
    ),
    ("get", "/v1/answers.csv"): _operation(
        200, "A page.", _content(text(), _CSV), (400, 401), parameters=[_AFTER_CHANGE, _LIMIT]
    ),
    ("get", "/v1/alerts"): _operation(
        200,
        "A page.",
        _content(ref("Alerts")),
        (400, 401),
        parameters=[_AFTER, _LIMIT, _query("state", one_of(("open", "all"), default="open"), "Closed ones too?")],
    ),
    ("post", "/v1/alerts/<alert_id>/acknowledge"): _operation(
        200,
        "The alert.",
        _content(ref("OneAlert")),
        (400, 401, 404, 413, 415, 422),
        body=_content(ref("AcknowledgeBody")),
    ),
    ("post", "/v1/alerts/<alert_id>/close"): _operation(
        200, "The alert.", _content(ref("OneAlert")), (400, 401, 404, 413, 415, 422), body=_content(ref("CloseBody"))
    ),
    ("get", "/v1/webhook-events"): _operation(
        200, "A page.", _content(ref("WebhookEvents")), (400, 401), parameters=[_AFTER, _LIMIT]
    ),
    ("get", "/v1/fhir/QuestionnaireResponse"): _operation(
        200, "A searchset.", _content(ref("FhirBundle"), _FHIR), (400, 401), parameters=[_AFTER_CHANGE, _COUNT]
    ),
    ("get", "/v1/fhir/Observation"): _operation(
        200, "A searchset.", _content(ref("FhirBundle"), _FHIR), (400, 401), parameters=[_AFTER_CHANGE, _COUNT]
    ),
    ("get", "/v1/fhir/QuestionnaireResponse/<response_id>"): _operation(
        200, "The resource.", _content(ref("FhirResource"), _FHIR), (401, 404)
    ),
    ("get", "/v1/fhir/Observation/<observation_id>"): _operation(
        200, "The resource.", _content(ref("FhirResource"), _FHIR), (401, 404)
    ),
    ("post", "/v1/fhir"): _operation(
        202,
        "Committed: what each resource came to.",
        _content(ref("FhirTaken")),
        (400, 401, 409, 413, 415, 422),
        body={**_content(ref("FhirResource"), _FHIR), **_content(ref("FhirResource"))},
        parameters=[_FHIR_KEY_HEADER],
        security=_SIGNED,
    ),
    ("get", "/healthz"): _operation(200, "It lives.", _content(ref("Status")), (), security=_OPEN),
    ("get", "/readyz"): _operation(200, "It can do its work.", _content(ref("Status")), (), security=_OPEN),
    ("get", "/metrics"): _operation(200, "Metrics.", _content(text(), "text/plain"), (), security=_OPEN),
}

_HEADER = {"type": "apiKey", "in": "header"}
SECURITY: dict[str, Any] = {
    "apiKey": {
        "type": "http",
        "scheme": "bearer",
        "description": "A clinic's key (`ak_…`). To post events it goes with an `Idempotency-Key`.",
    },
    "webhookId": {**_HEADER, "name": "webhook-id", "description": "A value of your own for each event."},
    "webhookTimestamp": {**_HEADER, "name": "webhook-timestamp", "description": "Unix seconds, within five minutes."},
    "webhookSignature": {
        **_HEADER,
        "name": "webhook-signature",
        "description": "Standard Webhooks: `v1,` and the base64 of the HMAC-SHA256 of `id.timestamp.body` with the"
        " secret (`whsec_…`). Any library of standardwebhooks.com makes it.",
    },
}

_ABOUT = (
    "Clinics post events; Aftercare writes to their patients for twelve weeks and hands out what they answer. A 2xx"
    " means that it is committed. Errors are problems (RFC 9457) that say what to mend and never repeat what was sent."
    " Lists go by cursor: pass `next` as `after`."
)


def describe(app: APIFlask) -> None:
    """Serve the description at /openapi.json, and as a page at /docs."""

    def complete(generated: dict[str, Any] | str) -> dict[str, Any] | str:
        if isinstance(generated, str):
            raise TypeError("the description is made as JSON")
        return {
            "openapi": "3.1.0",
            "info": {**generated["info"], "description": _ABOUT},
            "tags": generated["tags"],
            "paths": _paths(app),
            "components": {
                "schemas": schemas.components(),
                "securitySchemes": SECURITY,
                "responses": {
                    str(status): {"description": why, "content": _content(ref("Problem"), _PROBLEM)}
                    for status, why in _WHY.items()
                },
            },
        }

    app.spec_processor(complete)


def _paths(app: APIFlask) -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for rule in app.url_map.iter_rules():
        for method in sorted(rule.methods or ()):
            details = OPERATIONS.get((method.lower(), rule.rule))
            if details is None:
                continue
            path = _PARAMETER.sub(r"{\1}", rule.rule)
            name = rule.endpoint.rpartition(".")[2]
            blueprint = app.blueprints[rule.endpoint.rpartition(".")[0]]
            in_path = [
                {"name": one, "in": "path", "required": True, "schema": text(minLength=1)}
                for one in _PARAMETER.findall(rule.rule)
            ]
            paths.setdefault(path, {})[method.lower()] = {
                "operationId": name,
                "tags": [str(getattr(blueprint, "tag", "") or "Aftercare")],
                **_told(app.view_functions[rule.endpoint].__doc__ or ""),
                **details,
                "parameters": [*in_path, *details["parameters"]],
            }
    return paths


def _told(docstring: str) -> dict[str, str]:
    whole = " ".join(inspect.cleandoc(docstring).split())
    summary = re.split(r"(?<=[a-z)])[.:](?:\s|$)", whole, maxsplit=1)[0]
    return {"summary": summary, "description": whole}
