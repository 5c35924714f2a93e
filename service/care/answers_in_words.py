"""A survey's stored answers as somebody at the clinic reads them: the question, and what was answered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from service.care.surveys import UNSPECIFIED, Answer, Kind, Measure, Question, Survey, validate, wording

_LANGUAGE = "en"
_NONE, _WHICH = "None of these", "Yes, without saying which"


@dataclass(frozen=True, slots=True)
class Line:
    """One question with its answer."""

    question: str
    answer: str
    is_sign: bool = False
    """A warning sign was among it."""


def in_words(survey: Survey | None, stored: Mapping[str, object]) -> tuple[Line, ...]:
    """Every stored answer, in the order of the questions; what an older edition asked comes last, as it is kept."""
    questions = () if survey is None else survey.questions
    activity = _activity(questions, stored)
    known = [question for question in questions if question.id in stored]
    lines = [_line(question, stored[question.id], activity) for question in known]
    return (*lines, *_unknown(stored, {question.id for question in known}))


def _line(question: Question, raw: object, activity: str | None) -> Line:
    asked = wording(question, _LANGUAGE, activity)
    answer = validate(question, raw)
    if not isinstance(answer, Answer):
        return Line(asked, _as_kept(raw))
    is_sign = question.kind is Kind.SIGNS and bool(answer.chosen)
    return Line(asked, _answered(question, answer), is_sign)


def _answered(question: Question, answer: Answer) -> str:
    match answer.value:
        case bool():
            return "Yes" if answer.value else "No"
        case int():
            return f"{answer.value} of 10"
        case tuple():
            return ", ".join(_named(question, one) for one in answer.value) or _NONE
    return _named(question, answer.value)


def _named(question: Question, chosen: str) -> str:
    if chosen == UNSPECIFIED:
        return _WHICH
    return next((one.words[_LANGUAGE] for one in question.options if one.id == chosen), chosen)


def _activity(questions: tuple[Question, ...], stored: Mapping[str, object]) -> str | None:
    for question in questions:
        if question.measure is Measure.PSFS_ACTIVITY and isinstance(found := stored.get(question.id), str):
            return found
    return None


def _unknown(stored: Mapping[str, object], known: set[str]) -> Iterator[Line]:
    for name, raw in stored.items():
        if name not in known:
            yield Line(name.replace("_", " "), _as_kept(raw))


def _as_kept(raw: object) -> str:
    return ", ".join(str(one) for one in raw) if isinstance(raw, list) else str(raw)
