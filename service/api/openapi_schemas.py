"""What travels, as JSON Schema: events from the very models that check them, answers as the views write them.

The schemas of answers are open: new fields may come at any time, and readers ignore those that they do not know.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from service.api.bodies import EVENT
from service.care import replies
from service.care.lifecycle import Channel, Reason, State
from service.care.urgency import Urgency
from service.records.alert_history import EventKind
from service.records.hooks import Type
from service.records.replies import CLINICIAN, MATCHED, SHARED, UNMATCHED

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
TRUTH: Schema = {"type": "boolean"}
MOMENT: Schema = {"type": "string", "format": "date-time"}
ROW_ID: Schema = {"type": "string", "pattern": "^[0-9]{1,19}$"}
"""Ids of ours are 63 bits: as text, because JavaScript's numbers hold 53."""
CLINICS_ID: Schema = {"type": "string", "minLength": 1, "maxLength": 128, "description": "The clinic's own id."}
NUMBER_CURSOR: Schema = {"type": "string", "pattern": "^[0-9]{1,19}$"}
PLACE_CURSOR: Schema = {"type": "string", "pattern": "^(0|[0-9]{1,19}-[0-9]{1,19})$"}


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def maybe(schema: Schema) -> Schema:
    """The same, or null."""
    if "$ref" in schema or "enum" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    return {**schema, "type": [schema["type"], "null"]}


def many(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


def one_of(words: type[StrEnum] | Iterable[str]) -> Schema:
    return {"type": "string", "enum": [str(word) for word in words]}


def record(properties: dict[str, Schema], optional: Iterable[str] = (), description: str = "") -> Schema:
    """An object whose fields are all there, but for the `optional` ones."""
    required = [name for name in properties if name not in set(optional)]
    made: Schema = {"type": "object", "properties": properties, "required": required}
    return {**made, "description": description} if description else made


def components() -> dict[str, Schema]:
    """Every named schema."""
    return {**_events(), **_ANSWERS}


def _events() -> dict[str, Schema]:
    whole = EVENT.json_schema(ref_template="#/components/schemas/{model}")
    parts: dict[str, Schema] = whole.pop("$defs")
    return {**parts, "Event": whole}


_NAMED = record({"id": CLINICS_ID})

_MESSAGE = record(
    {
        "id": ROW_ID,
        "step": {**TEXT, "description": "The protocol's name of the step."},
        "channel": one_of(Channel),
        "due_at": maybe(MOMENT),
        "state": one_of(State),
        "reason": one_of(Reason),
        "why": {**TEXT, "description": "The reason as a sentence."},
    },
    description="One planned step on one channel.",
)

_SESSION = record(
    {
        "id": CLINICS_ID,
        "state": one_of(("active", "superseded", "cancelled")),
        "site": maybe(TEXT),
        "number": maybe({"type": "integer"}),
        "ended_at": maybe(MOMENT),
        "next_session_at": maybe(MOMENT),
    },
    description="One treatment. Superseded: a later session at the site took over.",
)

_PATIENT = record(
    {
        "id": CLINICS_ID,
        "given_name": maybe(TEXT),
        "phone": maybe(TEXT),
        "email": maybe(TEXT),
        "timezone": maybe(TEXT),
        "locale": maybe(TEXT),
        "consent": record({"sms": TRUTH, "email": TRUTH}),
    }
)

_CONSENT = record(
    {
        "channel": one_of(Channel),
        "action": one_of(("granted", "revoked")),
        "at": MOMENT,
        "wording": TEXT,
        "source": TEXT,
    },
    description="A line of the consent ledger.",
)

_REPLY = record(
    {
        "id": ROW_ID,
        "channel": one_of(Channel),
        "received_at": MOMENT,
        "match": {
            **one_of((MATCHED, SHARED, UNMATCHED, CLINICIAN)),
            "description": "Shared while several patients use the number: see `candidates`. Unmatched from a number "
            "that no patient uses; clinician from one of your own contacts.",
        },
        "patient": maybe(CLINICS_ID),
        "candidates": many(CLINICS_ID),
        "session": maybe(CLINICS_ID),
        "text": {**TEXT, "description": "The patient's words."},
        "pictures": {"type": "integer", "minimum": 0},
        "automatic": {**TRUTH, "description": "An out-of-office note or the like."},
        "meaning": maybe(one_of(replies.Meaning)),
        "stop": TRUTH,
        "stop_certain": TRUTH,
        "number": maybe({"type": "integer"}),
        "red_flags": many(TEXT),
        "resolved_by": {**maybe(TEXT), "description": "Who said whose reply this is, where the number is shared."},
    }
)

_RESPONSE = record(
    {
        "id": ROW_ID,
        "patient": _NAMED,
        "session": _NAMED,
        "survey": {**TEXT, "description": "Which survey, such as s2."},
        "started_at": MOMENT,
        "changed_at": MOMENT,
        "completed_at": maybe(MOMENT),
        "answers": {
            "type": "object",
            "description": "By question id, as the patient gave them.",
            "additionalProperties": {"type": ["string", "number", "boolean", "array"], "items": TEXT},
        },
    },
    description="One survey as far as it is answered.",
)

_ALERT_EVENT = record(
    {
        "kind": one_of(EventKind),
        "at": MOMENT,
        "source": TEXT,
        "urgency": one_of(Urgency),
        "contact": {**TEXT, "description": "Who was told; 0 is the clinic's own phone and e-mail."},
        "channel": one_of(Channel),
        "round": {"type": "integer"},
        "by": TEXT,
        "details": {**TEXT, "description": "What the patient said, or the note it was closed with."},
    },
    optional=("source", "urgency", "contact", "channel", "round", "by", "details"),
)

_ALERT = record(
    {
        "id": ROW_ID,
        "state": one_of(("open", "acknowledged", "closed")),
        "urgency": one_of(Urgency),
        "cause": {**TEXT, "description": "The id of a warning sign or rule."},
        "patient": _NAMED,
        "opened_at": MOMENT,
        "acknowledged_at": maybe(MOMENT),
        "acknowledged_by": maybe(TEXT),
        "next_notice_at": maybe(MOMENT),
        "closed_at": maybe(MOMENT),
        "closed_by": maybe(TEXT),
        "seen": {
            **ROW_ID,
            "description": "What is said here: given back with a decision, that is refused where more was said since.",
        },
        "history": many(ref("AlertEvent")),
    }
)

_NAME: Schema = {"type": "string", "minLength": 1, "maxLength": 120, "pattern": r"^[^\x00]*[^\x00\s][^\x00]*$"}
_SEEN: Schema = {**ROW_ID, "description": "The alert's own `seen`, as it was read."}

_WEBHOOK_EVENT = record(
    {
        "id": {"type": "string", "pattern": "^evt_", "description": "The webhook-id of the post."},
        "body": record(
            {"type": one_of(Type), "timestamp": MOMENT, "data": {"type": "object"}},
            description="What was posted to the clinic's endpoints.",
        ),
    }
)

_POINTER = "JSON pointer into the body; with `invalid_event` into the event, which may be made of FHIR in the body."
_PROBLEM = record(
    {
        "type": {"type": "string", "pattern": "^urn:aftercare:problem:", "description": "Stable; for programs."},
        "title": TEXT,
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {**TEXT, "description": "For people. Never repeats what was sent."},
        "errors": many(
            record({"pointer": {**TEXT, "description": _POINTER}, "detail": TEXT}),
        ),
    },
    optional=("errors",),
    description="A problem as RFC 9457 puts them.",
)

_ANSWERS: dict[str, Schema] = {
    "Problem": _PROBLEM,
    "Message": _MESSAGE,
    "Session": _SESSION,
    "Timeline": record(
        {"session": ref("Session"), "messages": many(ref("Message"))},
        description="A session and every one of its messages, each with its state and why.",
    ),
    "PatientAnswer": record(
        {"patient": _NAMED, "messages": many(ref("Message"))},
        description="The answer to patient.updated and patient.erased: what still waits for this patient.",
    ),
    "BatchAnswer": record(
        {
            "line": {"type": "integer", "minimum": 1},
            "status": {"type": "integer"},
            "answer": {"anyOf": [ref("Timeline"), ref("PatientAnswer")]},
            "problem": ref("Problem"),
        },
        optional=("answer", "problem"),
        description="The answer to a line: `answer` or `problem`.",
    ),
    "Patient": _PATIENT,
    "ConsentLine": _CONSENT,
    "PatientRecord": record(
        {"patient": ref("Patient"), "consents": many(ref("ConsentLine")), "sessions": many(ref("Timeline"))}
    ),
    "Reply": _REPLY,
    "Replies": record({"replies": many(ref("Reply")), "next": NUMBER_CURSOR}),
    "Response": _RESPONSE,
    "Answers": record({"answers": many(ref("Response")), "next": PLACE_CURSOR}),
    "AlertEvent": _ALERT_EVENT,
    "Alert": _ALERT,
    "Alerts": record({"alerts": many(ref("Alert")), "next": NUMBER_CURSOR}),
    "OneAlert": record({"alert": ref("Alert")}),
    "Acknowledgement": {**record({"by": _NAME, "seen": _SEEN}, optional=("seen",)), "additionalProperties": False},
    "Closing": {
        **record({"by": _NAME, "note": {**_NAME, "maxLength": 4000}, "seen": _SEEN}, optional=("seen",)),
        "additionalProperties": False,
    },
    "WebhookEvent": _WEBHOOK_EVENT,
    "WebhookEvents": record({"events": many(ref("WebhookEvent")), "next": NUMBER_CURSOR}),
    "FhirResource": record({"resourceType": TEXT}, description="A FHIR R4 resource."),
    "FhirAnswer": record(
        {
            "events": many(
                {
                    "allOf": [
                        record({"type": TEXT}),
                        {"anyOf": [ref("Timeline"), ref("PatientAnswer")]},
                    ]
                }
            ),
            "ignored": {**many(TEXT), "description": "Resources that asked for nothing."},
        }
    ),
    "Health": record({"status": one_of(("ok",))}),
}
