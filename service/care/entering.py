"""A session that people enter, by hand or by file: what they wrote, as the event a clinic's own system would post.

What comes of it is decided where those events are taken in; here are only the words in which its objections are put to
whoever is entering.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from service.care import sites
from service.care.columns import Field


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something to mend: where, and a sentence that repeats nothing of what was written."""

    field: Field
    sentence: str


@dataclass(frozen=True, slots=True)
class Person:
    """Whose session it was. "" means that nothing was written."""

    id: str
    """The clinic's own number."""
    given_name: str
    phone: str
    email: str
    timezone: str = ""
    locale: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One session, as it was written down. None and "" mean that nothing was."""

    session: str
    person: Person
    ended_at: datetime
    site: str
    number: int | None
    pain: int | None
    protocol: str
    next_session_at: datetime | None
    consent: Mapping[str, Mapping[str, str]]
    """By channel, as events have it."""
    said_at: datetime | None = None
    """When what is said of the patient was true; None: now."""

    @property
    def agreed(self) -> dict[str, bool]:
        """What they said to each channel that they said anything to."""
        return {channel: "withdrawn_at" not in word for channel, word in self.consent.items()}

    @property
    def taken_back(self) -> dict[str, datetime]:
        """The channels that they said no to, and from when on that counts."""
        return {
            channel: datetime.fromisoformat(word["withdrawn_at"])
            for channel, word in self.consent.items()
            if "withdrawn_at" in word
        }


def event_of(entry: Entry) -> dict[str, Any]:
    """The event that says it."""
    session = {
        "id": entry.session,
        "ended_at": entry.ended_at.isoformat(),
        "site": entry.site,
        "protocol": entry.protocol,
        "number": entry.number,
        "next_session_at": entry.next_session_at and entry.next_session_at.isoformat(),
        "baseline": None if entry.pain is None else {"pain": entry.pain},
    }
    patient = {
        "id": entry.person.id,
        "given_name": entry.person.given_name,
        "phone": entry.person.phone,
        "email": entry.person.email,
        "timezone": entry.person.timezone,
        "locale": entry.person.locale,
    }
    event = {
        "type": "session.completed",
        "timestamp": entry.said_at and entry.said_at.isoformat(),
        "data": {"session": _said(session), "patient": {**_said(patient), "consent": dict(entry.consent)}},
    }
    return _said(event)


def no_of(entry: Entry, since: Mapping[str, datetime]) -> dict[str, Any]:
    """The event that says since when the patient wants nothing more on these channels, and nothing else."""
    words = {
        channel: {"withdrawn_at": at.isoformat(), "source": entry.consent[channel]["source"]}
        for channel, at in since.items()
    }
    return consent_of(entry.person.id, entry.said_at, words)


def consent_of(patient: str, said_at: datetime | None, words: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """The event that says what a patient agrees to by channel, and nothing else."""
    event = {
        "type": "patient.updated",
        "timestamp": said_at and said_at.isoformat(),
        "data": {"patient": {"id": patient, "consent": dict(words)}},
    }
    return _said(event)


def session_name(patient: str, ended_at: datetime, site: str) -> str:
    """A name for a session that has none: the same session gets the same one, whoever enters it and how often."""
    what = "\x00".join((patient, ended_at.isoformat(timespec="minutes"), sites.course_key(site) or site))
    return "entered-" + hashlib.sha256(what.encode()).hexdigest()[:24]


_FIELDS = {
    "/data/patient/id": Field.PATIENT,
    "/data/patient/given_name": Field.GIVEN_NAME,
    "/data/patient/phone": Field.PHONE,
    "/data/patient/email": Field.EMAIL,
    "/data/patient/timezone": Field.ZONE,
    "/data/patient/locale": Field.LANGUAGE,
    "/data/session/id": Field.SESSION,
    "/data/session/ended_at": Field.ENDED_AT,
    "/data/session/site": Field.SITE,
    "/data/session/protocol": Field.PROTOCOL,
    "/data/session/number": Field.NUMBER,
    "/data/session/next_session_at": Field.NEXT,
    "/data/session/baseline/pain": Field.PAIN,
    "/data/patient/consent/sms/wording": Field.WORDING,
    "/data/patient/consent/email/wording": Field.WORDING,
    "/data/patient/consent/sms/source": Field.SOURCE,
    "/data/patient/consent/email/source": Field.SOURCE,
    "/data/patient/consent/sms/at": Field.AGREED_AT,
    "/data/patient/consent/email/at": Field.AGREED_AT,
    "/timestamp": Field.ENDED_AT,
}
SENTENCES: Mapping[Field, str] = {
    Field.PATIENT: "Write your number for the patient, 1 to 128 characters.",
    Field.GIVEN_NAME: "Write the given name, at most 80 characters.",
    Field.PHONE: "That is no phone number. Write it as you dial it, or with its country code, such as +1 202 555 0123.",
    Field.EMAIL: "That is no e-mail address.",
    Field.ENDED_AT: "That is no date between 2000 and 2100, or not in the order that was chosen.",
    Field.TIME: "That is no time of day, such as 14:05 or 2:05 pm.",
    Field.SITE: "That is no place on the body that we know, such as knee, left knee or lower back.",
    Field.SIDE: "Write left or right, or nothing.",
    Field.SESSION: "Write your number for the session, at most 128 characters.",
    Field.NUMBER: "Write a whole number from 1 to 100, or nothing.",
    Field.PAIN: "Write a whole number from 0 to 10, or nothing.",
    Field.NEXT: "That is no date and time after the session.",
    Field.PROTOCOL: "Your clinic has no protocol of this name.",
    Field.LANGUAGE: "That is no language that we know: write en or es, English or Spanish.",
    Field.ZONE: "That is no time zone. Write one such as America/Denver, or nothing for the clinic's.",
    Field.SMS: "Write yes or no.",
    Field.MAIL: "Write yes or no.",
    Field.WORDING: "Write the words they agreed to, at most 2000 characters.",
    Field.SOURCE: "Write how they agreed, at most 200 characters.",
    Field.AGREED_AT: "That is no day on which they can have agreed.",
}
NOBODY = "They agreed to neither texts nor e-mail, so nothing may be sent."
LIES_AHEAD = "That lies ahead. Enter a session when it has ended."
_ADDRESSLESS = {
    "has consent for sms but no phone": Trouble(Field.PHONE, "They agreed to texts, and there is no phone number."),
    "has consent for email but no email": Trouble(Field.EMAIL, "They agreed to e-mail, and there is no address."),
    "needs consent for sms, email or both": Trouble(Field.SMS, NOBODY),
}
ERASED = Trouble(Field.PATIENT, "This patient was erased. If they have come back, use another number.")
OTHER_PATIENT = Trouble(Field.SESSION, "Another patient has a session of this number.")
_WHOLE = {
    "Patient erased": ERASED,
    "Other patient": OTHER_PATIENT,
    "Key reused": Trouble(Field.SESSION, "This session is on record with something else in it. Nothing was changed."),
}
UNTOLD = Trouble(Field.PATIENT, "This could not be taken in. Tell whoever runs this installation.")


def troubles(answer: Mapping[str, Any]) -> list[Trouble]:
    """What is in the way, out of the body of a refusal."""
    objections = answer.get("errors") or ()
    found = [_trouble(one["pointer"], one["detail"]) for one in objections]
    return found or [_WHOLE.get(answer.get("title", ""), UNTOLD)]


def _trouble(pointer: str, detail: str) -> Trouble:
    if detail in _ADDRESSLESS:
        return _ADDRESSLESS[detail]
    field = _FIELDS.get(pointer, Field.PATIENT)
    if field is Field.ENDED_AT and detail.startswith("lies in the future"):
        return Trouble(field, LIES_AHEAD)
    return Trouble(field, SENTENCES[field])


def _said(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in (None, "")}
