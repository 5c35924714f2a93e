"""Survey questions as texts: one GSM-7 segment each, also when they have to be asked again."""

from __future__ import annotations

from service.care.segments import count
from service.care.surveys import Kind, Option, Question, Survey

MOST_IN_A_PART = 9
"""So that every option of a list has a one-digit number, and "1 3" can only mean two of them."""
_LISTED = frozenset({Kind.SIGNS, Kind.CHECKLIST})


def parts(survey: Survey, question: Question, language: str) -> tuple[tuple[Option, ...], ...]:
    """The options of a question, cut into lists that each fit one text. One empty list where there are no options."""
    if question.kind not in _LISTED:
        return (question.options,)
    cut: list[tuple[Option, ...]] = []
    current: tuple[Option, ...] = ()
    for option in question.options:
        longer = (*current, option)
        if current and (len(longer) > MOST_IN_A_PART or not _fits(survey, question, longer, language)):
            cut.append(current)
            longer = (option,)
        current = longer
    return (*cut, current)


def prompt(question: Question, options: tuple[Option, ...], language: str) -> str:
    """The text that asks `question` with these options, numbered from 1."""
    if not options:
        return question.sms[language]
    listed = ", ".join(f"{number} {option.sms[language]}" for number, option in enumerate(options, 1))
    return f"{question.sms[language]} {listed}"


def prompt_again(survey: Survey, question: Question, options: tuple[Option, ...], language: str) -> str:
    """The same after an answer that could not be read."""
    return f"{survey.text_again[language]} {prompt(question, options, language)}"


def _fits(survey: Survey, question: Question, options: tuple[Option, ...], language: str) -> bool:
    return count(prompt_again(survey, question, options, language)).segments <= 1
