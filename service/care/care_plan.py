"""The clinic's own care plan: what it says of ice, heat, medicines, activity and follow-up, by language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Topic(StrEnum):
    """What a clinic may have its say on. Clinics contradict each other on all of these, so none has a default."""

    ICE = "ice"
    HEAT = "heat"
    MEDICINES = "medicines"
    ACTIVITY = "activity"
    FOLLOW_UP = "follow_up"


@dataclass(frozen=True, slots=True)
class Advice:
    """The clinic's words on one topic, and the language they are in."""

    text: str
    language: str


def advice(plan: Mapping[str, object], topic: Topic, language: str, clinic_language: str) -> Advice | None:
    """What the clinic says on `topic`; None where it left the field blank.

    A topic is one text (in the clinic's language) or a text by language. Words in another language than the patient's
    are better than none: the page marks them.
    """
    comfort = plan.get("comfort")
    said = (comfort if isinstance(comfort, Mapping) else plan).get(topic.value)
    by_language = said if isinstance(said, Mapping) else {clinic_language: said}
    for wanted in (language, clinic_language, *by_language):
        text = by_language.get(wanted)
        if isinstance(text, str) and text.strip():
            return Advice(text.strip(), wanted)
    return None


def own_words(plan: Mapping[str, object], topic: Topic, clinic_language: str) -> dict[str, str]:
    """The clinic's words on `topic` by language, as they are to be edited."""
    comfort = plan.get("comfort")
    said = (comfort if isinstance(comfort, Mapping) else plan).get(topic.value)
    by_language = said if isinstance(said, Mapping) else {clinic_language: said}
    return {language: text for language, text in by_language.items() if isinstance(text, str) and text.strip()}


def plan_of(words: Mapping[Topic, Mapping[str, str]], prohibited: Iterable[str]) -> dict[str, Any]:
    """A plan as it is kept: what was left blank is left out."""
    said = {topic.value: {one: text.strip() for one, text in words[topic].items() if text.strip()} for topic in words}
    plan: dict[str, Any] = {topic: by_language for topic, by_language in said.items() if by_language}
    listed = sorted(set(prohibited))
    return plan | ({"prohibited_medicines": listed} if listed else {})


def prohibited_medicines(plan: Mapping[str, object]) -> frozenset[str]:
    """Option ids of the medicine question that the clinic asks its patients not to take."""
    comfort = plan.get("comfort")
    for place in (plan, comfort):
        listed = place.get("prohibited_medicines") if isinstance(place, Mapping) else None
        if isinstance(listed, list):
            return frozenset(name for name in listed if isinstance(name, str))
    return frozenset()
