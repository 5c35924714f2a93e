"""What an event tells, in the words of the records."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from service.api.bodies import BaselineBody, ConsentBody, ConsentGiven, PatientBody
from service.care import sites
from service.care.lifecycle import Channel
from service.records.consents import Consent
from service.records.patients import Facts


def facts(who: PatientBody) -> Facts:
    return Facts(who.id, who.given_name, who.phone, who.email, who.timezone, who.locale)


def given(consent: ConsentBody | None, now: datetime) -> list[Consent]:
    """The consents that an event gives."""
    words = () if consent is None else ((Channel.SMS, consent.sms), (Channel.EMAIL, consent.email))
    return [
        Consent(channel, said(word.at, now), word.wording, word.source, word.warned_at, word.accepted_at)
        for channel, word in words
        if isinstance(word, ConsentGiven)
    ]


def said(at: datetime, now: datetime) -> datetime:
    """When it was said: no later than we heard it. By a clinic's clock that is ahead it would outrank a STOP."""
    return min(at, now)


def only_gives(consent: ConsentBody | None) -> bool:
    """Whether an event withdraws no consent."""
    words = () if consent is None else (consent.sms, consent.email)
    return all(word is None or isinstance(word, ConsentGiven) for word in words)


def course_key(site: str) -> str:
    key = sites.course_key(site)
    if key is None:
        raise AssertionError("the body was validated with the same rule")
    return key


def baseline(body: BaselineBody | None) -> dict[str, Any] | None:
    return None if body is None else body.model_dump(exclude_none=True) or None
