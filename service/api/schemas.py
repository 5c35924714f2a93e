"""The shapes of the API's bodies as JSON Schema: what clinics post comes from the models, what they read stands here.

Tests hold the answers against these.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from service.api.bodies import EVENT
from service.care import sites
from service.care.lifecycle import Channel, Reason, State
from service.care.triage import Urgency
from service.records.alert_history import EventKind

Schema = dict[str, Any]

REF = "#/components/schemas/{model}"


def ref(name: str) -> Schema:
    return {"$ref": REF.format(model=name)}


def text(**more: Any) -> Schema:
    return {"type": "string", **more}


def moment(what: str = "") -> Schema:
    return {"type": "string", "format": "date-time", **({"description": what} if what else {})}


def one_of(values: Iterable[str], **more: Any) -> Schema:
    return {"type": "string", "enum": [str(value) for value in values], **more}


def or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def listed(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


def record(properties: dict[str, Schema], optional: Iterable[str] = (), what: str = "") -> Schema:
    """An object with these fields, all of them there but the optional ones; more may come with newer versions."""
    leave_out = set(optional)
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in leave_out],
        **({"description": what} if what else {}),
    }


_ID = text(pattern="^[0-9]{1,19}$")
_CURSOR = text(description="Pass it as `after` to go on from here. Keep it when a page is empty.")
_SITES = sorted(site.value for site in sites.Site)
_MATCHES = ("matched", "shared", "unmatched", "clinician", "waiting")

ANSWERS: dict[str, Schema] = {
    "Problem": record(
        {
            "type": text(description="urn:aftercare:problem: and the code; stable, for programs."),
            "title": text(),
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": text(description="What to mend. Never repeats what was sent."),
            "errors": listed(
                record(
                    {
                        "pointer": text(description="Where in the body: a JSON pointer (RFC 6901)."),
                        "detail": text(),
                    }
                )
            ),
        },
        optional=["errors"],
        what="RFC 9457.",
    ),
    "Message": record(
        {
            "id": _ID,
            "step": text(description="The protocol's step, with `.reminder` and the like behind it."),
            "channel": one_of(Channel),
            "due_at": moment(),
            "state": one_of(State),
            "reason": one_of(Reason),
            "why": text(description="The reason in one sentence."),
        }
    ),
    "Session": record(
        {
            "id": text(description="Your own id."),
            "state": one_of(("active", "superseded", "cancelled")),
            "site": or_null(text()),
            "number": or_null({"type": "integer"}),
            "ended_at": or_null(moment()),
            "next_session_at": or_null(moment()),
        }
    ),
    "Timeline": record({"session": ref("Session"), "messages": listed(ref("Message"))}),
    "PatientChanged": record(
        {"patient": record({"id": text()}), "messages": listed(ref("Message"))},
        what="After patient.updated: what waits to be sent now. After patient.erased: nothing.",
    ),
    "BatchLine": record(
        {
            "line": {"type": "integer", "minimum": 1},
            "status": {"type": "integer"},
            "answer": {"anyOf": [ref("Timeline"), ref("PatientChanged")]},
            "problem": ref("Problem"),
        },
        optional=["answer", "problem"],
        what="One line of the answer for each line of the batch that is not blank, in order.",
    ),
    "Patient": record(
        {
            "patient": record(
                {
                    "id": text(),
                    "given_name": or_null(text()),
                    "phone": or_null(text()),
                    "email": or_null(text()),
                    "timezone": or_null(text()),
                    "locale": or_null(text()),
                    "consent": record({"sms": {"type": "boolean"}, "email": {"type": "boolean"}}),
                }
            ),
            "consents": listed(
                record(
                    {
                        "channel": one_of(Channel),
                        "action": one_of(("granted", "revoked")),
                        "at": moment(),
                        "wording": text(),
                        "source": text(),
                    }
                )
            ),
            "sessions": listed(ref("Timeline")),
        }
    ),
    "Reply": record(
        {
            "id": _ID,
            "channel": one_of(Channel),
            "received_at": moment(),
            "match": one_of(_MATCHES, description="shared: several patients use the number, see `candidates`."),
            "patient": or_null(text(description="Your own id.")),
            "candidates": listed(text()),
            "session": or_null(text()),
            "text": or_null(text()),
            "pictures": {"type": "integer", "description": "How many came with it. They are noted, not kept."},
            "automatic": {"type": "boolean"},
            "meaning": or_null(text()),
            "stop": {"type": "boolean"},
            "stop_certain": {"type": "boolean"},
            "number": {"description": "The score that was written, if it was one."},
            "red_flags": {"type": "array", "items": {}},
            "resolved_by": or_null(text()),
        }
    ),
    "Replies": record({"replies": listed(ref("Reply")), "next": _CURSOR}),
    "Answer": record(
        {
            "id": _ID,
            "patient": record({"id": text()}),
            "session": record({"id": text()}),
            "survey": text(),
            "started_at": moment(),
            "changed_at": moment(),
            "completed_at": or_null(moment("Null until the patient sends it off.")),
            "answers": {"type": "object", "description": "By question."},
        }
    ),
    "Answers": record({"answers": listed(ref("Answer")), "next": _CURSOR}),
    "AlertEvent": record(
        {
            "kind": one_of(EventKind),
            "at": moment(),
            "source": text(),
            "urgency": one_of(Urgency),
            "contact": text(),
            "channel": one_of(Channel),
            "round": {"type": "integer"},
            "by": text(),
            "details": text(),
        },
        optional=["source", "urgency", "contact", "channel", "round", "by", "details"],
    ),
    "Alert": record(
        {
            "id": _ID,
            "state": text(),
            "urgency": one_of(Urgency),
            "cause": text(),
            "patient": record({"id": text()}),
            "opened_at": moment(),
            "acknowledged_at": or_null(moment()),
            "acknowledged_by": or_null(text()),
            "next_notice_at": or_null(moment("When somebody is told again, unless it is acknowledged before.")),
            "closed_at": or_null(moment()),
            "closed_by": or_null(text()),
            "history": listed(ref("AlertEvent")),
        }
    ),
    "Alerts": record({"alerts": listed(ref("Alert")), "next": _CURSOR}),
    "OneAlert": record({"alert": ref("Alert")}),
    "WebhookEvents": record({"events": listed(record({"id": text(), "body": {"type": "object"}})), "next": _CURSOR}),
    "FhirResource": record({"resourceType": text()}, what="A FHIR R4 resource."),
    "FhirBundle": record(
        {"resourceType": {"const": "Bundle"}, "type": text(), "entry": listed({"type": "object"})}, optional=["entry"]
    ),
    "FhirTaken": record(
        {
            "events": listed(
                {"allOf": [record({"type": text()}), {"anyOf": [ref("Timeline"), ref("PatientChanged")]}]}
            ),
            "ignored": {"type": "array", "items": {}},
        }
    ),
    "Status": record({"status": {"const": "ok"}}),
    "AcknowledgeBody": {
        **record({"by": text(minLength=1, maxLength=120, pattern=r"\S")}),
        "additionalProperties": False,
    },
    "CloseBody": {
        **record({"by": text(minLength=1, maxLength=120, pattern=r"\S"), "note": text(minLength=1, maxLength=4000)}),
        "additionalProperties": False,
    },
}


def components() -> dict[str, Schema]:
    """Every named schema."""
    posted = EVENT.json_schema(ref_template=REF)
    models: dict[str, Schema] = posted.pop("$defs")
    for model in models.values():
        for name, schema in model.get("properties", {}).items():
            _say_more(name, schema)
    return {
        **models,
        "Event": {**posted, "description": "One event. Fields that are not named here are refused."},
        **ANSWERS,
    }


_MORE: dict[str, Schema] = {
    "phone": {"description": "In international form.", "examples": ["+12025550123"]},
    "email": {"format": "email", "maxLength": 254},
    "timezone": {"description": "An IANA time zone; without one the clinic's is used.", "examples": ["America/Denver"]},
    "locale": {"pattern": "^[a-z]{2}(-[A-Z]{2})?$", "examples": ["en", "es-MX"]},
    "site": {
        "description": f"One of {', '.join(_SITES)}; with _left or _right behind it where it matters.",
        "examples": ["knee_left"],
    },
    "protocol": {"description": "A protocol of yours by name; `prolotherapy` when left out."},
}


def _say_more(name: str, schema: Schema) -> None:
    """Rules that live in validators, put into words for the reader of the schema."""
    more = _MORE.get(name)
    if more is None:
        return
    choices = [one for one in schema.get("anyOf", [schema]) if one.get("type") == "string"]
    for choice in choices:
        choice.update(more)
