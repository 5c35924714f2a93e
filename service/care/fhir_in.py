"""FHIR R4 in: what a clinic's record system says of treatments, as the bodies of our own events.

A thin translation. It decides nothing about consent or identity: what is missing here is missing in the event, and is
refused there like in any event. Codes of body sites are not guessed: a wrong site would ask for the wrong warning
signs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from service.care.fhir import PATIENT_SYSTEM, SESSION_SYSTEM, Resource

CHANNEL_SYSTEM = "urn:aftercare:channel"
SITE_SYSTEM = "urn:aftercare:site"
CONSENT_EXTENSION = "urn:aftercare:consent"
SESSION_EXTENSION = "urn:aftercare:session"
SITE_EXTENSION = "urn:aftercare:site"
TIMEZONE_EXTENSION = "http://hl7.org/fhir/StructureDefinition/timezone"
MOST_RESOURCES = 200
_DONE = {"Procedure": {"completed"}, "Encounter": {"finished"}}
_UNDONE = {"Procedure": {"not-done", "entered-in-error"}, "Encounter": {"cancelled", "entered-in-error"}}
_NEXT = {"booked", "fulfilled"}
_NO_NEXT = {"cancelled", "noshow", "entered-in-error"}


class NotUsable(Exception):
    """The resource cannot be read. `where` is a FHIRPath, `detail` what to mend; neither repeats a value."""

    def __init__(self, where: str, detail: str) -> None:
        super().__init__(detail)
        self.where, self.detail = where, detail


@dataclass(frozen=True, slots=True)
class NextVisit:
    """An appointment. Which session it follows is named by `session`, or is the patient's latest."""

    patient: str
    session: str | None
    at: str | None
    """None: there is none any more."""


@dataclass(frozen=True)
class Translation:
    """What a resource or Bundle asks for."""

    events: list[dict[str, Any]] = field(default_factory=list)
    visits: list[NextVisit] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    """Resources that ask for nothing: not finished yet, or of no use here."""


def translate(body: Resource) -> Translation:
    """Read a resource, or a Bundle of them. Raises NotUsable."""
    found = _Reader(list(_resources(body)))
    made = Translation()
    of_procedures = {found.reference(one.get("encounter")) for one in found.of("Procedure")}
    for one in (*found.of("Procedure"), *found.of("Encounter")):
        kind = str(one["resourceType"])
        if kind == "Encounter" and _name_of(one) in of_procedures:
            continue  # the procedure in it is the session
        status = _text(one, "status")
        if status in _DONE[kind]:
            made.events.append(_completed(found, one, kind))
        elif status in _UNDONE[kind]:
            made.events.append({"type": "session.cancelled", "data": {"session": {"id": _session_id(one)}}})
        else:
            made.ignored.append(kind)
    for one in found.of("Appointment"):
        _take_appointment(found, one, made)
    return made


def _completed(found: _Reader, one: Resource, kind: str) -> dict[str, Any]:
    reference = one.get("subject")
    patient = found.patient(reference, f"{kind}.subject")
    session = {"id": _session_id(one), "ended_at": _ended_at(one, kind), "site": _site(one)}
    return {
        "type": "session.completed",
        "data": {"session": _without_none(session), "patient": _patient(found, patient)},
    }


def _take_appointment(found: _Reader, one: Resource, made: Translation) -> None:
    status = _text(one, "status")
    if status not in _NEXT | _NO_NEXT:
        made.ignored.append("Appointment")
        return
    at = _text(one, "start") if status in _NEXT else None
    if status in _NEXT and at is None:
        raise NotUsable("Appointment.start", "is required once it is booked")
    actors = [part.get("actor") for part in _dicts(one, "participant")]
    actor = next((a for a in actors if _is_patient(found, a)), None)
    if actor is None:
        raise NotUsable("Appointment.participant", "must hold the patient as an actor")
    patient = _patient_id(found.patient(actor, "Appointment.participant"))
    session = _extension(one, SESSION_EXTENSION)
    for event in made.events:
        data = event["data"]
        same = data.get("patient", {}).get("id") == patient and session in (None, data["session"]["id"])
        if event["type"] == "session.completed" and same and "next_session_at" not in data["session"]:
            if at is not None:
                data["session"]["next_session_at"] = at
            return
    made.visits.append(NextVisit(patient, session, at))


class _Reader:
    """The resources of one post, and what refers to what."""

    def __init__(self, resources: list[tuple[str | None, Resource]]) -> None:
        self._all = resources
        self._by_name: dict[str, Resource] = {}
        for full_url, one in resources:
            for name in (full_url, _name_of(one)):
                if name:
                    self._by_name.setdefault(name, one)

    def of(self, kind: str) -> list[Resource]:
        return [one for _, one in self._all if one.get("resourceType") == kind]

    def reference(self, value: Any) -> str | None:
        """What a reference names: "Encounter/5" also where it was an absolute URL."""
        text = value.get("reference") if isinstance(value, dict) else None
        if not isinstance(text, str):
            return None
        if text in self._by_name:
            return _name_of(self._by_name[text])
        return "/".join(text.split("/")[-2:]) if "://" in text else text

    def patient(self, value: Any, where: str) -> Resource:
        """The Patient that a reference means, which must have come along."""
        text = value.get("reference") if isinstance(value, dict) else None
        one = self._by_name.get(text) if isinstance(text, str) else None
        one = one or self._by_name.get(self.reference(value) or "")
        if one is None or one.get("resourceType") != "Patient":
            raise NotUsable(where, "must refer to a Patient that is contained, or in the same Bundle")
        return one

    def names(self, one: Resource) -> set[str]:
        """Every name under which a resource may be referred to."""
        return {name for name, other in self._by_name.items() if other is one}


def _resources(body: Resource) -> Iterator[tuple[str | None, Resource]]:
    """Every resource with its fullUrl: the body's own or its entries', and whatever they contain."""
    if not isinstance(body, dict) or not isinstance(body.get("resourceType"), str):
        raise NotUsable("resourceType", "is required")
    if body["resourceType"] == "Bundle":
        entries = _dicts(body, "entry")
        if len(entries) > MOST_RESOURCES:
            raise NotUsable("Bundle.entry", f"may hold at most {MOST_RESOURCES} resources")
        tops = [
            (entry.get("fullUrl"), entry["resource"]) for entry in entries if isinstance(entry.get("resource"), dict)
        ]
    else:
        tops = [(None, body)]
    for url, one in tops:
        yield (url if isinstance(url, str) else None), one
        for inner in _dicts(one, "contained"):
            if isinstance(inner.get("id"), str):
                yield "#" + inner["id"], {**inner, "_contained": True}


def _name_of(one: Resource) -> str | None:
    if one.get("_contained") or not isinstance(one.get("id"), str):
        return None
    return f"{one.get('resourceType')}/{one['id']}"


def _session_id(one: Resource) -> str:
    return _own_id(one, SESSION_SYSTEM)


def _patient_id(one: Resource) -> str:
    return _own_id(one, PATIENT_SYSTEM)


def _own_id(one: Resource, system: str) -> str:
    """The clinic's id: an identifier under our system, else the resource's own id; of a contained one, its first
    identifier."""
    identifiers = _dicts(one, "identifier")
    ours = [_text(each, "value") for each in identifiers if each.get("system") == system]
    theirs = [_text(each, "value") for each in identifiers]
    own = [] if one.get("_contained") else [_text(one, "id")]
    for value in (*ours, *own, *theirs):
        if value:
            return value
    raise NotUsable(f"{one.get('resourceType')}.identifier", "is required where the resource has no id of its own")


def _ended_at(one: Resource, kind: str) -> str | None:
    period = one.get("performedPeriod" if kind == "Procedure" else "period")
    if isinstance(period, dict):
        return _text(period, "end")
    return _text(one, "performedDateTime")


def _site(one: Resource) -> str | None:
    """As a code of ours, else as words ("left knee"): the event's own rule reads them."""
    if (named := _extension(one, SITE_EXTENSION)) is not None:
        return named
    words: list[str | None] = []
    for concept in _dicts(one, "bodySite"):
        codings = _dicts(concept, "coding")
        words += [_text(each, "code") for each in codings if each.get("system") == SITE_SYSTEM]
        words += [_text(concept, "text"), *(_text(each, "display") for each in codings)]
    return next((word for word in words if word), None)


def _patient(found: _Reader, one: Resource) -> dict[str, Any]:
    telecoms = sorted(_dicts(one, "telecom"), key=lambda each: each.get("use") != "mobile")
    body = {
        "id": _patient_id(one),
        "given_name": _given_name(one),
        "phone": next((_text(each, "value") for each in telecoms if each.get("system") in ("phone", "sms")), None),
        "email": next((_text(each, "value") for each in telecoms if each.get("system") == "email"), None),
        "timezone": _extension(one, TIMEZONE_EXTENSION),
        "locale": _locale(one),
        "consent": _consent(found, one) or None,
    }
    return _without_none(body)


def _given_name(one: Resource) -> str | None:
    names = sorted(_dicts(one, "name"), key=lambda each: ["usual", "official"].index(each["use"])
                   if each.get("use") in ("usual", "official") else 2)  # fmt: skip
    for name in names:
        given = name.get("given")
        if isinstance(given, list) and given and isinstance(given[0], str):
            return given[0]
    return None


def _locale(one: Resource) -> str | None:
    languages = sorted(_dicts(one, "communication"), key=lambda each: each.get("preferred") is not True)
    for each in languages:
        concept = each.get("language")
        codes = [_text(code, "code") for code in _dicts(concept, "coding")] if isinstance(concept, dict) else []
        if codes and codes[0]:
            return codes[0]
    return None


def _consent(found: _Reader, patient: Resource) -> dict[str, Any]:
    """Consent by channel: from extensions of the Patient, or from Consent resources about them."""
    consent: dict[str, Any] = {}
    for extension in _dicts(patient, "extension"):
        if extension.get("url") == CONSENT_EXTENSION:
            parts = {_text(part, "url") or "": _value(part) for part in _dicts(extension, "extension")}
            channel = parts.pop("channel", None)
            if channel in ("sms", "email"):
                consent[channel] = parts
    for one in found.of("Consent"):
        if _same_patient(found, one.get("patient"), patient):
            for channel in _channels(one):
                consent.setdefault(channel, _consent_word(one))
    return consent


def _same_patient(found: _Reader, reference: Any, patient: Resource) -> bool:
    text = _text(reference, "reference") if isinstance(reference, dict) else None
    return text in found.names(patient) or found.reference(reference) in found.names(patient)


def _channels(one: Resource) -> list[str]:
    provision = one.get("provision")
    concepts = [*_dicts(one, "category"), *(_dicts(provision, "code") if isinstance(provision, dict) else [])]
    codes = [
        _text(coding, "code")
        for concept in concepts
        for coding in _dicts(concept, "coding")
        if coding.get("system") == CHANNEL_SYSTEM
    ]
    return [code for code in codes if code in ("sms", "email")]


def _consent_word(one: Resource) -> dict[str, Any]:
    """Only an active permission is a grant; whatever else there is on record counts as a withdrawal."""
    provision = one.get("provision")
    denies = isinstance(provision, dict) and provision.get("type") == "deny"
    attachment = one.get("sourceAttachment")
    title = _text(attachment, "title") if isinstance(attachment, dict) else None
    source = title or "FHIR Consent"
    if one.get("status") != "active" or denies:
        return _without_none({"withdrawn_at": _text(one, "dateTime"), "source": source})
    rule = one.get("policyRule")
    wording = _text(rule, "text") if isinstance(rule, dict) else None
    return _without_none({"at": _text(one, "dateTime"), "wording": wording, "source": source})


def _is_patient(found: _Reader, actor: Any) -> bool:
    try:
        found.patient(actor, "")
    except NotUsable:
        return False
    return True


def _extension(one: Resource, url: str) -> str | None:
    values = (_value(each) for each in _dicts(one, "extension") if each.get("url") == url)
    return next((value for value in values if value), None)


def _value(extension: Resource) -> str | None:
    return next((v for name, v in extension.items() if name.startswith("value") and isinstance(v, str)), None)


def _dicts(one: Any, name: str) -> list[Resource]:
    values = one.get(name)
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []


def _text(one: Resource, name: str) -> str | None:
    value = one.get(name)
    return value if isinstance(value, str) else None


def _without_none(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
