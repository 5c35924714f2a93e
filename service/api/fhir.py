"""FHIR R4: results out, treatments in. A thin layer over the same records and the same intake as the rest of the
API."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any

from apiflask import APIBlueprint
from flask import Response, request
from sqlalchemy import Connection

from service import time
from service.api import intake, visits
from service.api.answers import read_page
from service.api.bodies import AnyEvent, check_json, parse_event
from service.api.lines import Applied
from service.api.noting import note_read
from service.care import fhir
from service.care.fhir import Filled, Resource
from service.care.fhir_in import NextVisit, translate
from service.care.fhir_post import NotUsable
from service.care.surveys import Survey
from service.context import Context, context
from service.identify import Caller, body_of
from service.problems import FieldProblem, Problem
from service.records import results
from service.records.database import reading, run
from service.records.library import library
from service.records.plans import Sending
from service.records.results import Result

bp = APIBlueprint("fhir", __name__, tag="FHIR")

MEDIA_TYPE = "application/fhir+json"
FHIR_BYTES = 1024 * 1024


@bp.get("/v1/fhir/QuestionnaireResponse")
def get_questionnaire_responses() -> Response:
    """Answers as a searchset Bundle, in the order of their last change; `_count` responses a page, the next by its
    link."""
    return _searchset("QuestionnaireResponse", lambda one: [fhir.questionnaire_response(_filled(one), _survey(one))])


@bp.get("/v1/fhir/Observation")
def get_observations() -> Response:
    """Scores as a searchset Bundle: the observations of `_count` responses a page."""
    return _searchset("Observation", lambda one: fhir.observations(_filled(one), _survey(one)))


@bp.get("/v1/fhir/QuestionnaireResponse/<response_id>")
def get_questionnaire_response(response_id: str) -> Response:
    """One survey's answers."""
    found = _one(response_id)
    return _fhir(fhir.questionnaire_response(_filled(found), _survey(found)))


@bp.get("/v1/fhir/Observation/<observation_id>")
def get_observation(observation_id: str) -> Response:
    """One score."""
    found = _one(observation_id.partition("-")[0])
    for one in fhir.observations(_filled(found), _survey(found)):
        if one["id"] == observation_id:
            return _fhir(one)
    raise Problem(404, "unknown", "This clinic has no such resource.")


@bp.post("/v1/fhir")
def post_fhir() -> Response:
    """Take in a Procedure, Encounter, Appointment or Consent, alone or in a Bundle (a subscription's notification too),
    with its Patient."""
    here = context()
    body = body_of(request, FHIR_BYTES, (MEDIA_TYPE, "application/json"))
    caller = _caller(here, body)
    check_json(body)
    try:
        asked = translate(json.loads(body), time.now())
    except NotUsable as problem:
        raise _refused(problem) from None
    events = [parse_event(_dumps(one), time.now()) for one in asked.events]
    answers = run(here.engine, lambda connection: _take_in(connection, here, caller, body, events, asked.visits))
    here.nudges.wake_clock()
    content: dict[str, Any] = {"events": answers, "ignored": asked.ignored}
    return Response(json.dumps(content), 202, content_type="application/json")


def _caller(here: Context, body: bytes) -> Caller:
    """Record systems cannot set a header of their own for each notification: then the content is the key."""
    if "webhook-signature" in request.headers or "Idempotency-Key" in request.headers:
        return here.doorkeeper.sender_of_event(request, body)
    return Caller(here.doorkeeper.owner_of_key(request), "fhir:" + hashlib.sha256(body).hexdigest())


def _take_in(
    connection: Connection,
    here: Context,
    caller: Caller,
    body: bytes,
    events: Sequence[AnyEvent],
    next_visits: Sequence[NextVisit],
) -> list[dict[str, Any]]:
    """All of it or nothing: half a Bundle would be worse than none.

    A repeat is known by the body that was posted: what becomes of it depends on the records, which go on.
    """
    sending, clinic_id, now = here.sending, caller.clinic_id, time.now()
    answers = []
    for number, event in enumerate(events):
        applied = intake.take_in(connection, sending, clinic_id, caller.key_of(number), body, event, now)
        answers.append({"type": event.type, **applied.answer})
    for number, visit in enumerate(next_visits, len(events)):
        key = caller.key_of(number)
        earlier = intake.answered_before(connection, sending, clinic_id, key, body)
        applied = earlier or _take_in_visit(connection, sending, clinic_id, key, body, visit)
        answers.append({"type": "session.updated", **applied.answer})
    return answers


def _take_in_visit(
    connection: Connection, sending: Sending, clinic_id: int, key: str, body: bytes, visit: NextVisit
) -> Applied:
    change = visits.change(connection, sending, clinic_id, visit)
    now = time.now()  # by the clock once nobody else can speak of this patient: what is said last counts
    return intake.take_in(connection, sending, clinic_id, key, body, parse_event(_dumps(change), now), now)


def _refused(problem: NotUsable) -> Problem:
    return Problem(
        422, "invalid_resource", "The resource cannot be accepted.", [FieldProblem(problem.where, problem.detail)]
    )


def _searchset(kind: str, make: Callable[[Result], list[Resource]]) -> Response:
    found, after = read_page("_count")
    base = context().settings.public_url + "/v1/fhir"
    count = request.args.get("_count", "100")
    links = {"self": f"{base}/{kind}?after={after}&_count={count}"}
    if found:
        links["next"] = f"{base}/{kind}?after={found[-1].place}&_count={count}"
    return _fhir(fhir.bundle([resource for one in found for resource in make(one)], base, links))


def _one(response_id: str) -> Result:
    here = context()
    clinic_id = here.doorkeeper.owner_of_key(request)
    known = response_id.isascii() and response_id.isdigit() and len(response_id) <= 19 and int(response_id) < 2**63
    found = None
    if known:
        with reading(here.engine) as connection:
            found = results.get(connection, here.sending.vault, clinic_id, int(response_id))
    if found is None:
        raise Problem(404, "unknown", "This clinic has no such resource.")
    note_read(clinic_id, "answers.read", f"answers {found.id}")
    return found


def _filled(one: Result) -> Filled:
    return Filled(
        id=str(one.id),
        patient=one.patient,
        session=one.session,
        survey=one.survey,
        changed_at=one.changed_at,
        completed=one.completed_at is not None,
        answers=one.answers,
    )


def _survey(one: Result) -> Survey | None:
    return library().surveys.get(one.survey)


def _fhir(resource: Resource) -> Response:
    return Response(json.dumps(resource, ensure_ascii=False), 200, content_type=MEDIA_TYPE)


def _dumps(value: dict[str, Any]) -> bytes:
    return json.dumps(value).encode()
