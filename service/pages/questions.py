"""A survey's questions as its page shows them: to a patient who answers, and to a clinic that looks at it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from service.care import surveys
from service.care.surveys import Answer, Measure, Question
from service.pages import look


def shown(
    question: Question, asked: Sequence[Question], answers: Mapping[str, Answer], activity: str | None, language: str
) -> dict[str, Any]:
    """What `questions.html` needs of one of the questions that are `asked`; `activity` is the patient's own."""
    answer = answers.get(question.id)
    if any(one.measure is Measure.PSFS_ACTIVITY for one in asked):
        named = next((a.value for a in answers.values() if a.measure is Measure.PSFS_ACTIVITY), None)
        activity = named if isinstance(named, str) else look.words(language)["see_above"]
    return {
        "id": question.id,
        "kind": question.kind,
        "words": surveys.wording(question, language, activity),
        "low": question.low.get(language),
        "high": question.high.get(language),
        "optional": question.optional,
        "options": [(option.id, option.words[language]) for option in question.options],
        "answered": answer is not None,
        "value": None if answer is None else answer.value,
        "chosen": frozenset() if answer is None else answer.chosen,
        "none": answer is not None and answer.value == (),
    }
