"""Surveys: what is asked, of whom, and which answers are answers."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

LOINC = "http://loinc.org"
OWN_CODES = "urn:aftercare:codes"
"""Code system of what LOINC has no code for (PGIC, PSFS, the product's own questions)."""
NONE = "none"
"""The exclusive "none of these" of every checklist."""
UNSPECIFIED = "unspecified"
"""A patient said "yes" to a list of warning signs without saying which: never offered, always heard."""
MAX_WORDS = 120
SITE_GROUPS = frozenset({"rib_thoracic", "spine", "joint", "leg"})
WARNING_SIGNS = frozenset(
    {
        "breathing", "chest_pain", "face_or_throat_swelling", "fainting", "new_weakness", "bladder_or_bowel",
        "fever_with_stiff_neck", "self_harm", "fever", "spreading_redness_or_heat", "pus", "cannot_move_or_bear_weight",
        "headache_worse_upright", "calf_pain_or_swelling", "numbness", "hives", "severe_or_growing_pain",
    }
)  # fmt: skip
"""Every sign there is: the ids of checklist options, of signs heard in free text, and of triage rules."""


class Kind(StrEnum):
    """How a question is answered."""

    SCALE = "scale"
    """A whole number from 0 to 10, with words at both ends."""
    CHOICE = "choice"
    """One of a few options."""
    SIGNS = "signs"
    """Any of the warning signs of the site, or none of them. Each sign acts as soon as it is tapped."""
    CHECKLIST = "checklist"
    """Any of several options, or none of them."""
    YES_NO = "yes_no"
    WORDS = "words"
    """A few words of the patient's own."""


class Measure(StrEnum):
    """What an answer measures, whatever the question is called: scores and triage go by this."""

    NRS = "nrs"
    """Pain now, 0 (none) to 10."""
    PEG_PAIN = "peg_pain"
    """Pain on average over the past week, 0 to 10."""
    PEG_ENJOYMENT = "peg_enjoyment"
    PEG_ACTIVITY = "peg_activity"
    PSFS_ACTIVITY = "psfs_activity"
    """The activity of the patient's own, in words."""
    PSFS = "psfs"
    """How well the patient can do it, 0 (not at all) to 10 (as before): higher is better."""
    PGIC = "pgic"
    """Global change, 1 (very much better) to 7 (very much worse)."""


@dataclass(frozen=True, slots=True)
class Coding:
    """A code of a public or of our own code system."""

    system: str
    code: str


@dataclass(frozen=True, slots=True)
class Option:
    """One thing to choose. Words are by language ("en", "es")."""

    id: str
    words: Mapping[str, str]
    sms: Mapping[str, str] = field(default_factory=dict)
    """A few letters for the list in a text; empty: never asked by text."""
    groups: frozenset[str] = frozenset()
    """Site groups that see it; empty for everybody."""
    until_day: int | None = None
    """Last day after the session on which it is asked."""
    score: int | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """One question. Words are by language ("en", "es")."""

    id: str
    kind: Kind
    words: Mapping[str, str]
    sms: Mapping[str, str]
    """The same question as a text: general words only, one GSM-7 segment."""
    options: tuple[Option, ...] = ()
    low: Mapping[str, str] = field(default_factory=dict)
    """What 0 means."""
    high: Mapping[str, str] = field(default_factory=dict)
    """What 10 means."""
    measure: Measure | None = None
    code: Coding | None = None
    unit: str | None = None
    """UCUM."""
    optional: bool = False
    """A survey is complete without it."""
    needs_activity: bool = False
    """Only makes sense once the patient has named an activity; its words may say {activity}."""
    accepts: frozenset[str] = frozenset()
    """Ids of all options, also of those not shown: a page opened yesterday may still send them."""


@dataclass(frozen=True, slots=True)
class Survey:
    """One survey, as loaded."""

    id: str
    languages: tuple[str, ...]
    title: Mapping[str, str]
    questions: tuple[Question, ...]
    text_thanks: Mapping[str, str]
    """Last text of a conversation. {phone} and {emerg} are filled in when it is sent."""
    text_page: Mapping[str, str]
    """Text that hands over to the page. {link} is filled in when it is sent."""
    text_again: Mapping[str, str]
    """Put before a question that is asked again."""

    @property
    def takes_bare_number(self) -> bool:
        """May a number, sent in reply to the invitation, be taken for the first answer?

        Only where pain now comes first: an unprompted "4" says nothing certain about the past week.
        """
        return bool(self.questions) and self.questions[0].measure is Measure.NRS


Value = int | bool | str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """A valid answer. `value`: int for a scale, option id for a choice, bool for yes/no, text for words, and for the
    two kinds of checklist the ids that were tapped (empty: "none of these")."""

    question: str
    kind: Kind
    value: Value
    measure: Measure | None = None
    score: int | None = None
    """The number to reckon with: the scale's, or the option's where options have scores."""

    @property
    def stored(self) -> int | bool | str | list[str]:
        """The answer as JSON; `validate` reads it back to an equal Answer."""
        if isinstance(self.value, tuple):
            return list(self.value) or [NONE]
        return self.value

    @property
    def chosen(self) -> frozenset[str]:
        """Ids chosen: the option, the signs, "yes" or "no". Empty for numbers and words."""
        match self.value:
            case bool():
                return frozenset({"yes" if self.value else "no"})
            case tuple():
                return frozenset(self.value)
            case str() if self.kind is Kind.CHOICE:
                return frozenset({self.value})
        return frozenset()


class Fault(StrEnum):
    """Why something is not an answer; pages have words for each."""

    BLANK = "blank"
    NOT_A_NUMBER = "not_a_number"
    OUT_OF_RANGE = "out_of_range"
    NOT_AN_OPTION = "not_an_option"
    TOO_LONG = "too_long"
    NOT_TEXT = "not_text"
    MORE_THAN_ONE = "more_than_one"


@dataclass(frozen=True, slots=True)
class NotAnAnswer:
    """Why something is not an answer. Never holds what was sent: that may be health information."""

    question: str
    fault: Fault


def questions_for(survey: Survey, site_groups: frozenset[str], has_activity: bool, day: int) -> tuple[Question, ...]:
    """The questions that this patient gets on this local day after the session (day 0 is the session's).

    Without a site group, or with one that nobody here knows, every sign is shown: too long a list is safer than too
    short a one.
    """
    groups = site_groups if site_groups <= SITE_GROUPS else frozenset()
    asks_activity = any(question.measure is Measure.PSFS_ACTIVITY for question in survey.questions)
    return tuple(
        replace(question, options=tuple(o for o in question.options if _shown(o, groups, day)))
        for question in survey.questions
        if not question.needs_activity or has_activity or asks_activity
    )


def _shown(option: Option, site_groups: frozenset[str], day: int) -> bool:
    if option.until_day is not None and day > option.until_day:
        return False
    return not option.groups or not site_groups or bool(option.groups & site_groups)


def validate(question: Question, raw: object) -> Answer | NotAnAnswer:
    """Read one answer from a form (a list of texts), from JSON, or from a text.

    Nothing chosen is NotAnAnswer(BLANK), which callers of a half-finished page leave alone.
    """
    match question.kind:
        case Kind.SIGNS | Kind.CHECKLIST:
            return _several(question, raw)
        case Kind.SCALE:
            return _scale(question, _single(raw))
        case Kind.CHOICE:
            return _choice(question, _single(raw))
        case Kind.YES_NO:
            return _yes_no(question, _single(raw))
        case Kind.WORDS:
            return _words(question, _single(raw))


def validate_all(
    questions: Iterable[Question], raw: Mapping[str, object]
) -> tuple[dict[str, Answer], tuple[NotAnAnswer, ...]]:
    """Every answer that is there, and what is wrong with the others. Blanks are neither: partial answers count."""
    answers: dict[str, Answer] = {}
    problems: list[NotAnAnswer] = []
    for question in questions:
        read = validate(question, raw.get(question.id))
        if isinstance(read, Answer):
            answers[question.id] = read
        elif read.fault is not Fault.BLANK:
            problems.append(read)
    return answers, tuple(problems)


@dataclass(frozen=True, slots=True)
class Completeness:
    """How far a survey has come; optional questions count only once they are answered."""

    answered: int
    asked: int
    missing: tuple[str, ...]

    @property
    def complete(self) -> bool:
        return not self.missing


def completeness(questions: Iterable[Question], answered: Iterable[str]) -> Completeness:
    """How far this patient is with these questions, given the ids of the answered ones."""
    done = frozenset(answered)
    asked = [question for question in questions if not question.optional or question.id in done]
    missing = tuple(question.id for question in asked if question.id not in done)
    return Completeness(len(asked) - len(missing), len(asked), missing)


def wording(question: Question, language: str, activity: str | None = None) -> str:
    """The question for a page, with the patient's own activity in it where it has a place."""
    return question.words[language].replace("{activity}", activity or "…")


_MANY = object()


def _single(raw: object) -> object:
    """The one value of a form's list; _MANY for several different ones."""
    if not isinstance(raw, list | tuple):
        return raw
    given = [value for value in raw if value != ""]
    if not given:
        return None
    return given[0] if len(given) == 1 else _MANY


def _common_fault(question: Question, value: object) -> NotAnAnswer | None:
    if value is None or (isinstance(value, str) and not value.strip()):
        return NotAnAnswer(question.id, Fault.BLANK)
    if value is _MANY:
        return NotAnAnswer(question.id, Fault.MORE_THAN_ONE)
    return None


def _scale(question: Question, value: object) -> Answer | NotAnAnswer:
    if fault := _common_fault(question, value):
        return fault
    if isinstance(value, str):
        text = value.strip()
        # isdigit() alone would let "²" through to int().
        if not (text.isascii() and text.isdigit() and len(text) < 5):
            return NotAnAnswer(question.id, Fault.NOT_A_NUMBER)
        value = int(text)
    if isinstance(value, bool) or not isinstance(value, int):
        return NotAnAnswer(question.id, Fault.NOT_A_NUMBER)
    if not 0 <= value <= 10:
        return NotAnAnswer(question.id, Fault.OUT_OF_RANGE)
    return Answer(question.id, question.kind, value, question.measure, value)


def _choice(question: Question, value: object) -> Answer | NotAnAnswer:
    if fault := _common_fault(question, value):
        return fault
    for option in question.options:
        if option.id == value:
            return Answer(question.id, question.kind, option.id, question.measure, option.score)
    return NotAnAnswer(question.id, Fault.NOT_AN_OPTION)


def _yes_no(question: Question, value: object) -> Answer | NotAnAnswer:
    if fault := _common_fault(question, value):
        return fault
    if isinstance(value, bool):
        return Answer(question.id, question.kind, value, question.measure)
    if value in ("yes", "no"):
        return Answer(question.id, question.kind, value == "yes", question.measure)
    return NotAnAnswer(question.id, Fault.NOT_AN_OPTION)


def _words(question: Question, value: object) -> Answer | NotAnAnswer:
    if fault := _common_fault(question, value):
        return fault
    if not isinstance(value, str):
        return NotAnAnswer(question.id, Fault.NOT_TEXT)
    # Control characters (category C*: NUL, lone surrogates, bidi overrides) break databases and desks.
    text = "".join(" " if unicodedata.category(c).startswith("C") else c for c in value)
    text = " ".join(text.split())
    if not text:
        return NotAnAnswer(question.id, Fault.BLANK)
    if len(text) > MAX_WORDS:
        return NotAnAnswer(question.id, Fault.TOO_LONG)
    return Answer(question.id, question.kind, text, question.measure)


def _several(question: Question, raw: object) -> Answer | NotAnAnswer:
    values = list(raw) if isinstance(raw, list | tuple | set | frozenset) else [raw]
    values = [value for value in values if value not in ("", None)]
    if not values:
        return NotAnAnswer(question.id, Fault.BLANK)
    accepted = question.accepts | {option.id for option in question.options} | {NONE}
    if question.kind is Kind.SIGNS:
        accepted |= {UNSPECIFIED}
    if any(not isinstance(value, str) or value not in accepted for value in values):
        return NotAnAnswer(question.id, Fault.NOT_AN_OPTION)
    # A sign beside "none of these" counts: without JavaScript both can be ticked, and the sign is the safe reading.
    chosen = {value for value in values if isinstance(value, str)} - {NONE}
    return Answer(question.id, question.kind, tuple(sorted(chosen)), question.measure)
