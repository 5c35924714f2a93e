"""Read surveys from YAML. `templates/surveys/common.yaml` explains every key.

Questions that several surveys ask stand once, in the common file, so that an answer means the same at day 1 and at week
12; a survey names them, and may add questions of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import yaml

from service.care.problems import Place, Problem, ProtocolProblems
from service.care.scores import Thresholds
from service.care.surveys import (
    LOINC,
    NONE,
    OWN_CODES,
    SITE_GROUPS,
    UNSPECIFIED,
    WARNING_SIGNS,
    Coding,
    Kind,
    Measure,
    Option,
    Question,
    Survey,
)
from service.care.yaml_reader import Notes, Section, compose, place_of, scalar, section, shown

_QUESTION_KEYS = (
    "id", "kind", "words", "sms", "options", "low", "high", "measure", "loinc", "own_code", "unit", "optional",
    "needs_activity",
)  # fmt: skip
_OPTION_KEYS = ("id", "words", "sms", "groups", "until_day", "score")
_SURVEY_KEYS = ("id", "title", "questions")
_COMMON_KEYS = ("languages", "by_text", "thresholds", "questions")
_BY_TEXT_KEYS = ("thanks", "page", "again")
_THRESHOLD_KEYS = ("nrs_points", "nrs_percent", "peg_least", "peg_clear", "psfs_small", "psfs_medium", "psfs_large")

_ID = re.compile(r"[a-z][a-z0-9_]{0,30}")
_ID_HINT = "small letters, digits and _, beginning with a letter"
_SURVEY = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,15}")
_LANGUAGE = re.compile(r"[a-z]{2}(-[A-Z]{2})?")
_LOINC = re.compile(r"[0-9]{1,7}-[0-9]")
_DECIMAL = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3})?")
_WITH_OPTIONS = frozenset({Kind.CHOICE, Kind.SIGNS, Kind.CHECKLIST})
_SCALES = frozenset({Measure.NRS, Measure.PEG_PAIN, Measure.PEG_ENJOYMENT, Measure.PEG_ACTIVITY, Measure.PSFS})


@dataclass(frozen=True, slots=True)
class Common:
    """What the surveys of one installation or clinic share."""

    languages: tuple[str, ...]
    questions: Mapping[str, Question]
    thanks: Mapping[str, str]
    page: Mapping[str, str]
    again: Mapping[str, str]
    thresholds: Thresholds


@dataclass(frozen=True, slots=True)
class Reading:
    """What came out of a survey file: the survey, unless `problems` says why there is none."""

    survey: Survey | None
    problems: tuple[Problem, ...]
    places: Mapping[str, Place]


@dataclass(frozen=True, slots=True)
class CommonReading:
    """What came out of the common file."""

    common: Common | None
    problems: tuple[Problem, ...]
    places: Mapping[str, Place]


def load(text: str, common: Common, source: str) -> Survey:
    """The survey in `text`. Raises ProtocolProblems, holding every problem, when there is any."""
    reading = read(text, common)
    if reading.survey is None:
        raise ProtocolProblems(source, reading.problems)
    return reading.survey


def load_common(text: str, source: str) -> Common:
    """The shared questions and phrases in `text`. Raises ProtocolProblems, holding every problem, when there is any."""
    reading = read_common(text)
    if reading.common is None:
        raise ProtocolProblems(source, reading.problems)
    return reading.common


def read(text: str, common: Common) -> Reading:
    """Like `load`, but hands the problems back, with the places that a linter needs to point at lines."""
    notes = Notes()
    root = compose(text, notes)
    survey = _survey(root, common, notes) if root is not None else None
    problems = _sorted(notes)
    return Reading(None if problems else survey, problems, notes.places)


def read_common(text: str) -> CommonReading:
    """Like `load_common`, but hands the problems back."""
    notes = Notes()
    root = compose(text, notes)
    common = _common(root, notes) if root is not None else None
    problems = _sorted(notes)
    return CommonReading(None if problems else common, problems, notes.places)


def _sorted(notes: Notes) -> tuple[Problem, ...]:
    return tuple(sorted(notes.problems, key=lambda problem: (problem.line, problem.column)))


def _common(root: yaml.Node, notes: Notes) -> Common | None:
    top = section(root, "", notes, _COMMON_KEYS)
    if top is None:
        return None
    languages = tuple(code for node in top.items("languages", required=True) if (code := _language(node, notes)))
    by_text = top.section("by_text", _BY_TEXT_KEYS, required=True)
    phrases = {key: _words(by_text, key, languages) for key in _BY_TEXT_KEYS} if by_text is not None else {}
    questions = _questions(top, languages, {}, notes)
    return Common(
        languages,
        {question.id: question for question in questions},
        phrases.get("thanks", {}),
        phrases.get("page", {}),
        phrases.get("again", {}),
        _thresholds(top),
    )


def _survey(root: yaml.Node, common: Common, notes: Notes) -> Survey | None:
    top = section(root, "", notes, _SURVEY_KEYS)
    if top is None:
        return None
    survey_id = top.word("id", _SURVEY, "a survey's id, such as S1", required=True)
    title = _words(top, "title", common.languages)
    questions = _questions(top, common.languages, common.questions, notes)
    if survey_id is None:
        return None
    return Survey(survey_id, common.languages, title, questions, common.thanks, common.page, common.again)


def _language(node: yaml.Node, notes: Notes) -> str | None:
    code = scalar(node)
    if code is None or not _LANGUAGE.fullmatch(code):
        notes.problem(node, "languages", "not a language code", "two small letters: en, es")
        return None
    return code


def _questions(
    top: Section, languages: tuple[str, ...], shared: Mapping[str, Question], notes: Notes
) -> tuple[Question, ...]:
    found: dict[str, Question] = {}
    if key := top.key_nodes.get("questions"):
        notes.places["questions"] = place_of(key)
    for index, node in enumerate(top.items("questions", required=True)):
        question = _named(node, shared, notes) if scalar(node) is not None else _question(node, index, languages, notes)
        if question is None:
            continue
        where = f"questions.{question.id}"
        if question.id in found:
            notes.problem(node, where, f"{question.id!r} is asked twice", "every question needs an id of its own")
        found[question.id] = question
        notes.places[where] = place_of(node)
    return tuple(found.values())


def _named(node: yaml.Node, shared: Mapping[str, Question], notes: Notes) -> Question | None:
    name = scalar(node) or ""
    if name not in shared:
        known = ", ".join(sorted(shared)) or "none"
        notes.problem(node, "questions", f"{shown(name)} is not a shared question", f"known: {known}")
        return None
    return shared[name]


def _question(node: yaml.Node, index: int, languages: tuple[str, ...], notes: Notes) -> Question | None:
    before = len(notes.problems)
    part = section(node, f"questions.{_label(node, index)}", notes, _QUESTION_KEYS)
    if part is None:
        return None
    question_id = part.word("id", _ID, _ID_HINT, required=True)
    kind_name = part.choice("kind", list(Kind))
    if question_id is None or kind_name is None:
        return None
    kind = Kind(kind_name)
    measure = Measure(part.choice("measure", list(Measure)) or "nrs") if part.has("measure") else None
    options = tuple(
        option
        for place, child in enumerate(part.items("options", required=kind in _WITH_OPTIONS))
        if (option := _option(child, place, part.where, languages, notes)) is not None
    )
    question = Question(
        id=question_id,
        kind=kind,
        words=_words(part, "words", languages),
        sms=_words(part, "sms", languages),
        options=options,
        low=_words(part, "low", languages) if kind is Kind.SCALE else {},
        high=_words(part, "high", languages) if kind is Kind.SCALE else {},
        measure=measure,
        code=_code(part),
        unit=part.text("unit"),
        optional=part.flag("optional"),
        needs_activity=part.flag("needs_activity"),
        accepts=frozenset(option.id for option in options),
    )
    _note_misfits(part, question)
    return question if len(notes.problems) == before else None


def _note_misfits(part: Section, question: Question) -> None:
    """What each key allows, but not together."""
    ids = [option.id for option in question.options]
    for repeated in sorted({i for i in ids if ids.count(i) > 1}):
        part.problem("options", f"option {repeated!r} stands here twice")
    if question.options and question.kind not in _WITH_OPTIONS:
        part.problem("options", f"a {question.kind} question has no options")
    if question.kind is Kind.SIGNS:
        for unknown in sorted(set(ids) - WARNING_SIGNS):
            part.problem("options", f"{unknown!r} is not a warning sign, so no rule would hear it")
    if question.measure in _SCALES and question.kind is not Kind.SCALE:
        part.problem("measure", f"{question.measure} is measured on a scale")
    if question.measure is Measure.PGIC and [option.score for option in question.options] != list(range(1, 8)):
        part.problem("options", "PGIC has seven options, scored 1 (very much better) to 7 (very much worse)")
    if part.has("loinc") and part.has("own_code"):
        part.problem("own_code", "one code is enough", "own_code is for what LOINC has no code for")


def _option(node: yaml.Node, index: int, where: str, languages: tuple[str, ...], notes: Notes) -> Option | None:
    part = section(node, f"{where}.options.{_label(node, index)}", notes, _OPTION_KEYS)
    if part is None:
        return None
    option_id = part.word("id", _ID, _ID_HINT, required=True)
    if option_id in (NONE, UNSPECIFIED):
        part.problem("id", f"{option_id!r} is taken", '"none of these" is there without being listed')
    groups = frozenset(name for child in part.items("groups") if (name := _group(child, part, notes)) is not None)
    if option_id is None:
        return None
    return Option(
        id=option_id,
        words=_words(part, "words", languages),
        sms=_words(part, "sms", languages),
        groups=groups,
        until_day=part.number("until_day", 366) if part.has("until_day") else None,
        score=part.number("score", 100) if part.has("score") else None,
    )


def _group(node: yaml.Node, part: Section, notes: Notes) -> str | None:
    name = scalar(node)
    if name not in SITE_GROUPS:
        notes.problem(node, part.path("groups"), "not a group of sites", f"one of: {', '.join(sorted(SITE_GROUPS))}")
    return name


def _code(part: Section) -> Coding | None:
    loinc = part.word("loinc", _LOINC, "a LOINC code, such as 72514-3")
    own = part.word("own_code", re.compile(r"[a-z][a-z0-9-]{0,40}"), "small letters, digits and -")
    if loinc is not None:
        return Coding(LOINC, loinc)
    return Coding(OWN_CODES, own) if own is not None else None


def _words(part: Section, key: str, languages: Iterable[str]) -> dict[str, str]:
    """The text in every language; a language without one is a problem, not a gap to fall into later."""
    inner = part.section(key, tuple(languages), required=True)
    if inner is None:
        return {}
    found = {language: inner.text(language, required=True) for language in languages}
    return {language: text for language, text in found.items() if text is not None}


def _thresholds(top: Section) -> Thresholds:
    part = top.section("thresholds", _THRESHOLD_KEYS)
    if part is None:
        return Thresholds()
    given = {key: text for key in _THRESHOLD_KEYS if (text := part.word(key, _DECIMAL, "a number, such as 1.3"))}
    return Thresholds(**{key: float(text) for key, text in given.items()})


def _label(node: yaml.Node, index: int) -> str:
    """The id that the entry gives itself, so that a problem can name it, else its number."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if scalar(key) == "id" and (name := scalar(value)) and _ID.fullmatch(name):
                return name
    return str(index + 1)
