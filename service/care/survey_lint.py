"""Is a survey fit to be sent? Length, reading grade, privacy of the texts, promises."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from service.care.health_words import hinting, telling
from service.care.problems import Place, Problem, Severity
from service.care.readability import english_grade, spanish_ease, too_hard
from service.care.segments import count, foreign_characters
from service.care.survey_file import Common
from service.care.surveys import Question, Survey
from service.care.text_prompts import parts, prompt_again

MOST_TAPS = 7
"""One answer a question; longer surveys lose their readers."""
_HARDEST_QUESTION = 8.0
_LEAST_EASE = 60.0
# One short question swings these measures by grades, so single questions get some slack and the whole survey none.

_PROMISES = re.compile(
    r"\b(cures?|heals?|healed|guarantee\w*|will (?:help|improve|get better|feel better|work)|proven|risk.?free|"
    r"you are (?:fine|ok|okay|healthy)|all clear|nothing to worry|"
    r"curar\w*|cura|sanar\w*|garanti\w*|mejorar[aá]|va a mejorar|se pondr[aá] bien|usted est[aá] bien|"
    r"todo est[aá] bien|sin riesgo|no se preocupe)\b",
    re.IGNORECASE,
)
_CALL = ("{phone}", "{emerg}")
"""Whoever has answered is told whom to call if they feel worse."""
_NAMES = re.compile(r"\b(nps|net promoter|eq-?5d|promis|brief pain inventory|bpi)\b", re.IGNORECASE)
"""Licensed or protected: neither their wording nor their names are ours to use."""


def lint(survey: Survey, places: Mapping[str, Place]) -> tuple[Problem, ...]:
    """What to mend in a survey before anybody may approve it."""
    found = [*_taps(survey)]
    for question in survey.questions:
        found += [*_question(question, survey)]
    for language in survey.languages:
        texts = [text for question in survey.questions for text in _page_words(question, language)]
        whole = ". ".join(text.rstrip(".?!") for text in texts)
        if verdict := too_hard(whole, language):
            found.append(_wrong("questions", f"{language}: {verdict}"))
    return _placed(found, places)


def lint_common(common: Common, places: Mapping[str, Place]) -> tuple[Problem, ...]:
    """The same for the shared questions and phrases."""
    survey = Survey(
        "common", common.languages, {}, tuple(common.questions.values()), common.thanks, common.page, common.again
    )
    found = [problem for question in survey.questions for problem in _question(question, survey)]
    for key, phrase in (("thanks", common.thanks), ("page", common.page), ("again", common.again)):
        for language, text in phrase.items():
            where = f"by_text.{key}.{language}"
            # At the worst case of the protocol's own rules: 30 characters of link, 12 of telephone number, 3 of the
            # emergency number.
            filled = text.replace("{link}", "x" * 30).replace("{phone}", "x" * 12).replace("{emerg}", "x" * 3)
            found += [*_private(where, filled), *_one_segment(where, filled), *_honest(where, text)]
            if key == "thanks":
                found += [_wrong(where, f"{name} is missing", "say whom to call") for name in _CALL if name not in text]
    return _placed(found, places)


def _taps(survey: Survey) -> Iterator[Problem]:
    if len(survey.questions) > MOST_TAPS:
        yield _wrong("questions", f"{len(survey.questions)} taps; {MOST_TAPS} at most")


def _question(question: Question, survey: Survey) -> Iterator[Problem]:
    where = f"questions.{question.id}"
    for language in survey.languages:
        for text in _page_words(question, language):
            yield from _honest(f"{where}.words.{language}", text)
        yield from _readable(f"{where}.words.{language}", question.words[language], language)
        for options in parts(survey, question, language):
            text = prompt_again(survey, question, options, language)
            yield from _honest(f"{where}.sms.{language}", text)
            yield from _private(f"{where}.sms.{language}", text)
            yield from _one_segment(f"{where}.sms.{language}", text)


def _page_words(question: Question, language: str) -> list[str]:
    texts = (question.words, question.low, question.high, *(option.words for option in question.options))
    return [words[language].replace("{activity}", "climb") for words in texts if language in words]


def _readable(where: str, text: str, language: str) -> Iterator[Problem]:
    if language == "en" and (grade := english_grade(text)) > _HARDEST_QUESTION:
        yield _wrong(where, f"reads at grade {grade:.1f}", "shorter words, shorter sentences")
    if language == "es" and (ease := spanish_ease(text)) < _LEAST_EASE:
        yield _wrong(where, f"reading ease is {ease:.0f} (Fernández-Huerta)", "shorter words, shorter sentences")


def _honest(where: str, text: str) -> Iterator[Problem]:
    for promise in _PROMISES.findall(text):
        yield _wrong(where, f"{promise!r} promises a result", "results differ; ask, do not promise")
    for name in _NAMES.findall(text):
        yield _wrong(where, f"{name!r} is licensed or protected", "use words of your own")


def _private(where: str, text: str) -> Iterator[Problem]:
    for kind, word in telling(text):
        yield _wrong(where, f"{word!r} tells a bystander of {kind}", "general words only in a text")
    for word in hinting(text):
        yield Problem(0, 0, where, f"{word!r} says that care was given", "", Severity.WARNING)


def _one_segment(where: str, text: str) -> Iterator[Problem]:
    size = count(text)
    if foreign := foreign_characters(text):
        yield _wrong(where, f"not GSM-7: {', '.join(foreign)}", "another word, or no accent")
    elif size.segments > 1:
        yield _wrong(where, f"{size.units} characters; 160 at most", "shorter, or fewer options")


def _wrong(where: str, message: str, hint: str = "") -> Problem:
    return Problem(0, 0, where, message, hint)


def _placed(found: list[Problem], places: Mapping[str, Place]) -> tuple[Problem, ...]:
    """With the line of the nearest thing around it that has one: a shared question stands in another file."""
    placed = []
    for problem in dict.fromkeys(found):
        where = problem.where
        while where not in places and "." in where:
            where = where.rsplit(".", 1)[0]
        place = places.get(where, Place(1, 1))
        placed.append(Problem(place.line, place.column, problem.where, problem.message, problem.hint, problem.severity))
    return tuple(sorted(placed, key=lambda problem: (problem.line, problem.column)))
