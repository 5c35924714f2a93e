"""FHIR R4 in: what a clinic's record system says of treatments, as the bodies of our own events.

A thin translation. It decides nothing about consent or identity: what is missing here is missing in the event, and is
refused there like in any event. Codes of body sites are not guessed: a wrong site would ask for the wrong warning
signs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from math import inf
from typing import Any

from service.care.fhir import PATIENT_SYSTEM, SESSION_SYSTEM, Resource
from service.care.fhir_consent import Consents, channels, consents
from service.care.fhir_post import (
    Held,
    NotUsable,
    Post,
    dicts,
    id_of,
    id_or_none,
    in_use,
    moment,
    patient_meant,
    text,
    value,
)

SITE_SYSTEM = "urn:aftercare:site"
SESSION_EXTENSION = "urn:aftercare:session"
SITE_EXTENSION = "urn:aftercare:site"
TIMEZONE_EXTENSION = "http://hl7.org/fhir/StructureDefinition/timezone"
_DONE = {"Procedure": {"completed"}, "Encounter": {"finished"}}
_UNDONE = {"Procedure": {"not-done", "entered-in-error"}, "Encounter": {"cancelled", "entered-in-error"}}
_BOOKED = "booked"
_OFF = {"cancelled", "noshow", "entered-in-error"}
"""The other states of an appointment: not agreed on yet, or the visit itself has begun and is no next one any more."""


@dataclass(frozen=True, slots=True)
class NextVisit:
    """An appointment. Which session it follows is named by `session`, or is for the records to say."""

    patient: str
    session: str | None
    at: datetime
    booked: bool
    """False: the patient will not be seen then, and may well be at another time."""


@dataclass(frozen=True)
class Translation:
    """What a resource or Bundle asks for."""

    events: list[dict[str, Any]] = field(default_factory=list)
    visits: list[NextVisit] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    """Resources that ask for nothing: not finished yet, or of no use here."""


def translate(body: Any, now: datetime) -> Translation:
    """Read a resource, or a Bundle of them, as it is to be understood now. Raises NotUsable."""
    post = Post(body)
    agreed = consents(post)
    made = Translation()
    used = {
        *_take_sessions(post, agreed, made, now),
        *_take_appointments(post, made),
        *_take_consents(post, agreed, made, now),
    }
    made.ignored.extend(one.kind for one in post.tops if one not in used)
    return made


def _take_sessions(post: Post, agreed: Consents, made: Translation, now: datetime) -> list[Held]:
    """The events of treatments; returns the resources that they are made of."""
    used = []
    inside = {post.find(one.body.get("encounter"), one) for one in post.of("Procedure")}
    for one in (*post.of("Procedure"), *post.of("Encounter")):
        status = text(one.body, "status")
        if one.kind == "Encounter" and one in inside:
            continue  # the procedure in it is the session
        if status in _DONE[one.kind]:
            made.events.append({"type": "session.completed", "data": _completed(post, one, agreed, now)})
        elif status in _UNDONE[one.kind]:
            session = {"id": id_of(one, SESSION_SYSTEM)}
            made.events.append({"type": "session.cancelled", "data": {"session": session}})
        else:
            continue
        used.append(one)
    return used


def _completed(post: Post, one: Held, agreed: Consents, now: datetime) -> dict[str, Any]:
    patient = post.find(one.body.get("subject"), one)
    if patient is None or patient.kind != "Patient":
        raise NotUsable(f"{one.place}/subject", "must refer to a Patient that is contained, or in the same Bundle")
    session = {"id": id_of(one, SESSION_SYSTEM), "ended_at": _ended_at(one), "site": _site(one.body)}
    return {"session": _without_none(session), "patient": _patient(patient, agreed, now)}


def _take_appointments(post: Post, made: Translation) -> list[Held]:
    """What appointments say of next visits; returns those that say something."""
    visits = {one: visit for one in post.of("Appointment") if (visit := _visit(post, one)) is not None}
    kept = {(visit.patient, visit.at) for visit in visits.values() if visit.booked}
    # From the last on: of several that are booked the soonest is the next.
    for visit in sorted(visits.values(), key=lambda visit: visit.at, reverse=True):
        if visit.booked and not _follows_one_of(made, visit):
            made.visits.append(visit)
        if not visit.booked and (visit.patient, visit.at) not in kept:
            made.visits.append(visit)
    return list(visits)


def _visit(post: Post, one: Held) -> NextVisit | None:
    status, start = text(one.body, "status"), text(one.body, "start")
    if status != _BOOKED and (status not in _OFF or start is None):
        return None  # R4 lets one that is cancelled be without its time: then it cannot be told which visit is off
    at = moment(start)
    if at is None:
        raise NotUsable(f"{one.place}/start", "is required once it is booked, as a time with its offset")
    actors = (patient_meant(post, part.get("actor"), one) for part in dicts(one.body, "participant"))
    patient = next((who for who in actors if who is not None), None)
    if patient is None:
        raise NotUsable(f"{one.place}/participant", "must hold the patient as an actor")
    return NextVisit(patient, _extension(one.body, SESSION_EXTENSION), at, status == _BOOKED)


def _follows_one_of(made: Translation, visit: NextVisit) -> bool:
    """Whether a visit follows a treatment of the same post. Then that one's event tells of it."""
    before: dict[datetime, dict[str, Any]] = {}
    for event in made.events:
        if event["type"] == "session.completed" and event["data"]["patient"]["id"] == visit.patient:
            session = event["data"]["session"]
            ended_at = moment(session.get("ended_at"))
            if ended_at is not None and ended_at < visit.at and visit.session in (None, session["id"]):
                before.setdefault(ended_at, session)
    if before:
        before[max(before)]["next_session_at"] = visit.at.isoformat()
    return bool(before)


def _take_consents(post: Post, agreed: Consents, made: Translation, now: datetime) -> list[Held]:
    """Consent that came with no treatment; returns every Consent and Patient of whom something is told by now."""
    told = {event["data"]["patient"]["id"] for event in made.events if "patient" in event["data"]}
    people = {id_or_none(one, PATIENT_SYSTEM): one for one in reversed(post.of("Patient"))}
    for who in agreed:
        if who not in told:
            body = _patient(people[who], agreed, now) if who in people else {"id": who, "consent": agreed[who]}
            made.events.append({"type": "patient.updated", "data": {"patient": body}})
    named = {*told, *agreed, *(visit.patient for visit in made.visits)}
    patients = [one for one in post.of("Patient") if id_or_none(one, PATIENT_SYSTEM) in named]
    return [*patients, *(one for one in post.of("Consent") if channels(one.body))]


def _ended_at(one: Held) -> str | None:
    period = one.body.get("performedPeriod" if one.kind == "Procedure" else "period")
    if isinstance(period, dict):
        return text(period, "end")
    return text(one.body, "performedDateTime")


def _site(one: Resource) -> str | None:
    """As a code of ours, else as words ("left knee"): the event's own rule reads them."""
    if (named := _extension(one, SITE_EXTENSION)) is not None:
        return named
    words: list[str | None] = []
    for concept in dicts(one, "bodySite"):
        codings = dicts(concept, "coding")
        words += [text(each, "code") for each in codings if each.get("system") == SITE_SYSTEM]
        words += [text(concept, "text"), *(text(each, "display") for each in codings)]
    return next((word for word in words if word), None)


def _patient(patient: Held, agreed: Consents, now: datetime) -> dict[str, Any]:
    one, who = patient.body, id_of(patient, PATIENT_SYSTEM)
    body = {
        "id": who,
        "given_name": _given_name(one, now),
        "phone": _address(one, ("phone", "sms"), now),
        "email": _address(one, ("email",), now),
        "timezone": _extension(one, TIMEZONE_EXTENSION),
        "locale": _locale(one),
        "consent": agreed.get(who),
    }
    return _without_none(body)


def _address(patient: Resource, systems: tuple[str, ...], now: datetime) -> str | None:
    def last_resort(one: Resource) -> tuple[bool, float]:
        rank = one.get("rank")
        return one.get("use") != "mobile", rank if isinstance(rank, int) else inf

    telecoms = [one for one in dicts(patient, "telecom") if one.get("system") in systems and in_use(one, now)]
    values = (text(one, "value") for one in sorted(telecoms, key=last_resort))
    return next((said for said in values if said), None)


def _given_name(one: Resource, now: datetime) -> str | None:
    preferred = {"usual": 0, "official": 1}
    names = [name for name in dicts(one, "name") if in_use(name, now)]
    for name in sorted(names, key=lambda name: preferred.get(text(name, "use") or "", 2)):
        given = name.get("given")
        if isinstance(given, list) and given and isinstance(given[0], str):
            return given[0]
    return None


def _locale(one: Resource) -> str | None:
    languages = sorted(dicts(one, "communication"), key=lambda each: each.get("preferred") is not True)
    for each in languages:
        concept = each.get("language")
        codes = [text(code, "code") for code in dicts(concept, "coding")] if isinstance(concept, dict) else []
        if codes and codes[0]:
            return codes[0]
    return None


def _extension(one: Resource, url: str) -> str | None:
    values = (value(each) for each in dicts(one, "extension") if each.get("url") == url)
    return next((said for said in values if said), None)


def _without_none(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
