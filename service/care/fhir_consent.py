"""Consent as FHIR R4 tells it, by patient and channel: the latest counts, and of two at once the withdrawal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from service.care.fhir import PATIENT_SYSTEM, Resource
from service.care.fhir_post import Held, NotUsable, Post, dicts, id_of, moment, patient_meant, text, value

CHANNEL_SYSTEM = "urn:aftercare:channel"
CONSENT_EXTENSION = "urn:aftercare:consent"
_CHANNELS = ("sms", "email")
_OPT_OUT = {"OPTOUT", "OPTOUTE"}
"""Codes of HL7's ActCode for a rule by which nothing is agreed to but what is said."""
_AT_LAST = datetime.max.replace(tzinfo=UTC)

Word = dict[str, Any]
"""Consent to one channel, given or withdrawn, as events have it."""
Consents = dict[str, dict[str, Word]]
"""By the clinic's id of the patient, and by channel."""


def consents(post: Post) -> Consents:
    """What counts of all that is said. Raises NotUsable."""
    said: dict[str, dict[str, list[Word]]] = defaultdict(lambda: defaultdict(list))
    for patient in post.of("Patient"):
        for channel, word in _extensions(patient.body):
            said[id_of(patient, PATIENT_SYSTEM)][channel].append(word)
    for consent in post.of("Consent"):
        for channel in channels(consent.body):
            said[_whose(post, consent)][channel].append(_word(consent, channel))
    return {
        who: {channel: max(words, key=_counts) for channel, words in by_channel.items()}
        for who, by_channel in said.items()
    }


def channels(consent: Resource) -> list[str]:
    """The channels that a Consent is about; most are about none of ours."""
    named = _named(consent, "category").union(*(_named(one, "code") for one in _provisions(consent)))
    return [channel for channel in _CHANNELS if channel in named]


def _named(one: Resource, concepts: str) -> set[str | None]:
    codings = [coding for concept in dicts(one, concepts) for coding in dicts(concept, "coding")]
    return {text(coding, "code") for coding in codings if coding.get("system") == CHANNEL_SYSTEM}


def _provisions(consent: Resource) -> Iterator[Resource]:
    """The provision and those in it, however deep."""
    waiting = [consent.get("provision")]
    while waiting:
        provision = waiting.pop()
        if isinstance(provision, dict):
            yield provision
            waiting += dicts(provision, "provision")


def _counts(word: Word) -> tuple[datetime, bool]:
    """As in the ledger. A moment that cannot be read comes last, so that it is refused instead of passed over."""
    withdrawn = word.get("withdrawn_at")
    return moment(withdrawn or word.get("at")) or _AT_LAST, withdrawn is not None


def _extensions(patient: Resource) -> Iterator[tuple[str, Word]]:
    for extension in dicts(patient, "extension"):
        if extension.get("url") == CONSENT_EXTENSION:
            parts = {text(part, "url") or "": value(part) for part in dicts(extension, "extension")}
            channel = parts.pop("channel", None)
            if channel in _CHANNELS:
                yield channel, parts


def _whose(post: Post, consent: Held) -> str:
    who = patient_meant(post, consent.body.get("patient"), consent)
    if who is None:
        # By its bare reference it could be somebody else: ids of Patients need not be the clinic's ids.
        raise NotUsable(
            f"{consent.place}/patient",
            "must refer to a Patient that is contained, or in the same Bundle, "
            f"or name the patient by an identifier of {PATIENT_SYSTEM}",
        )
    return who


def _word(consent: Held, channel: str) -> Word:
    """Only an active permission is a grant; whatever else there is on record counts as a withdrawal."""
    one = consent.body
    at = text(one, "dateTime")
    if at is None:
        raise NotUsable(f"{consent.place}/dateTime", "is required")
    attachment = one.get("sourceAttachment")
    title = text(attachment, "title") if isinstance(attachment, dict) else None
    source = title or "FHIR Consent"
    if one.get("status") != "active" or _denies(one, channel):
        return {"withdrawn_at": at, "source": source}
    rule = one.get("policyRule")
    wording = text(rule, "text") if isinstance(rule, dict) else None
    return {"at": at, "source": source} | ({} if wording is None else {"wording": wording})


def _denies(consent: Resource, channel: str) -> bool:
    """R4 has denials in nested provisions, and a rule for what these do not say; many write them into the outermost."""
    rule = consent.get("policyRule")
    rules = [text(coding, "code") for coding in dicts(rule, "coding")] if isinstance(rule, dict) else []
    denied = (_named(one, "code") for one in _provisions(consent) if one.get("type") == "deny")
    return not _OPT_OUT.isdisjoint(rules) or any(channel in named or not named for named in denied)
