"""Read triage rules from YAML. `templates/triage/prolotherapy.yaml` explains every key."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import yaml

from service.care.problems import Place, Problem, ProtocolProblems, Severity
from service.care.surveys import SITE_GROUPS, UNSPECIFIED, WARNING_SIGNS, Kind, Question, Survey
from service.care.triage import Conditions, Rule, Silence
from service.care.urgency import Urgency
from service.care.yaml_reader import Notes, Section, compose, place_of, scalar, section, shown

_TOP_KEYS = ("protocol", "rules")
_RULE_KEYS = ("id", "urgency", "cause", "says", "when")
_WHEN_KEYS = (
    "sign", "answer", "is", "prohibited_medicine", "pain_at_least", "pain_up_at_least", "previous_pain_at_least",
    "pain_gain_below", "peg_gain_below", "silence", "day_from", "day_until", "surveys", "site_groups",
)  # fmt: skip
# Conditions that say what happened; the others only narrow it down.
_GROUNDS = frozenset(_WHEN_KEYS) - {"is", "previous_pain_at_least", "day_from", "day_until", "surveys", "site_groups"}

_ID = re.compile(r"[a-z][a-z0-9_]{0,40}")
_ID_HINT = "small letters, digits and _, beginning with a letter"
_DECIMAL = re.compile(r"[0-9]{1,2}(\.[0-9]{1,2})?")
_PLACEHOLDER = re.compile(r"\{([^}]*)\}")
_PLACEHOLDERS = frozenset({"pain", "previous", "baseline", "day"})


@dataclass(frozen=True, slots=True)
class TriagePlan:
    """The triage rules of one protocol."""

    protocol: str
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """What came out of a file: the plan, unless `problems` says why there is none."""

    plan: TriagePlan | None
    problems: tuple[Problem, ...]
    places: Mapping[str, Place]


def load(text: str, source: str) -> TriagePlan:
    """The rules in `text`. Raises ProtocolProblems, holding every problem, when there is any."""
    reading = read(text)
    if reading.plan is None:
        raise ProtocolProblems(source, reading.problems)
    return reading.plan


def read(text: str) -> Reading:
    """Like `load`, but hands the problems back, with the places that a linter needs to point at lines."""
    notes = Notes()
    root = compose(text, notes)
    plan = _plan(root, notes) if root is not None else None
    problems = tuple(sorted(notes.problems, key=lambda problem: (problem.line, problem.column)))
    return Reading(None if problems else plan, problems, notes.places)


def lint(reading: Reading, surveys: Iterable[Survey]) -> tuple[Problem, ...]:
    """What a readable plan still gets wrong with these surveys: rules that can never fire, signs that nobody hears."""
    if reading.plan is None:
        return reading.problems
    asked = tuple(surveys)
    rules = reading.plan.rules
    found = [problem for rule in rules for problem in _dead(rule, asked)]
    heard = {rule.when.sign for rule in rules if rule.when == Conditions(sign=rule.when.sign)}
    heard |= _heard_every_day(rules)
    found += [
        _wrong("rules", f"nothing hears the sign {sign!r} on every day", "add a rule with this sign alone")
        for sign in sorted((WARNING_SIGNS | {UNSPECIFIED}) - heard)
    ]
    placed = []
    for problem in found:
        place = reading.places.get(problem.where, Place(1, 1))
        placed.append(Problem(place.line, place.column, problem.where, problem.message, problem.hint, problem.severity))
    return tuple(sorted(placed, key=lambda problem: (problem.line, problem.column)))


def _heard_every_day(rules: Iterable[Rule]) -> set[str]:
    """Signs whose rules differ by day only, and leave no day out."""
    spans: dict[str, list[tuple[int, int]]] = {}
    for rule in rules:
        when = rule.when
        if when.sign and when == Conditions(sign=when.sign, day_from=when.day_from, day_until=when.day_until):
            until = 10_000 if when.day_until is None else when.day_until
            spans.setdefault(when.sign, []).append((when.day_from or 0, until))
    heard = set()
    for sign, days in spans.items():
        reached = -1
        for first, last in sorted(days):
            if first > reached + 1:
                break
            reached = max(reached, last)
        if reached == 10_000:
            heard.add(sign)
    return heard


def _dead(rule: Rule, surveys: Iterable[Survey]) -> Iterable[Problem]:
    where = f"rules.{rule.id}"
    surveys = tuple(surveys)
    known = {survey.id for survey in surveys}
    for unknown in sorted(rule.when.surveys - known):
        yield _wrong(where, f"there is no survey {unknown!r}")
    if rule.when.question is None:
        return
    scope = [survey for survey in surveys if not rule.when.surveys or survey.id in rule.when.surveys]
    asked = [question for survey in scope for question in survey.questions if question.id == rule.when.question]
    if not asked:
        yield _wrong(where, f"no survey asks {rule.when.question!r}", "the rule can never fire")
        return
    possible = frozenset().union(*(_possible(question) for question in asked))
    for unknown in sorted(rule.when.chosen - possible):
        yield _wrong(where, f"{unknown!r} is no answer to {rule.when.question!r}")


def _possible(question: Question) -> frozenset[str]:
    return frozenset({"yes", "no"}) if question.kind is Kind.YES_NO else question.accepts


def _wrong(where: str, message: str, hint: str = "") -> Problem:
    return Problem(0, 0, where, message, hint, Severity.ERROR)


def _plan(root: yaml.Node, notes: Notes) -> TriagePlan | None:
    top = section(root, "", notes, _TOP_KEYS)
    if top is None:
        return None
    protocol = top.word("protocol", _ID, _ID_HINT, required=True)
    rules: dict[str, Rule] = {}
    for index, node in enumerate(top.items("rules", required=True)):
        rule = _rule(node, index, notes)
        if rule is None:
            continue
        if rule.id in rules:
            notes.problem(node, f"rules.{rule.id}", f"{rule.id!r} stands here twice")
        rules[rule.id] = rule
        notes.places[f"rules.{rule.id}"] = place_of(node)
    return TriagePlan(protocol, tuple(rules.values())) if protocol is not None else None


def _rule(node: yaml.Node, index: int, notes: Notes) -> Rule | None:
    before = len(notes.problems)
    part = section(node, f"rules.{_label(node, index)}", notes, _RULE_KEYS)
    if part is None:
        return None
    rule_id = part.word("id", _ID, _ID_HINT, required=True)
    urgency = part.choice("urgency", list(Urgency))
    cause = part.word("cause", _ID, _ID_HINT) or rule_id
    says = part.text("says", required=True)
    for name in _PLACEHOLDER.findall(says or ""):
        if name not in _PLACEHOLDERS:
            part.problem("says", f"{shown(name)} cannot be filled in", f"one of: {', '.join(sorted(_PLACEHOLDERS))}")
    when = part.section("when", _WHEN_KEYS, required=True)
    conditions = _conditions(when) if when is not None else None
    if len(notes.problems) > before or conditions is None or not (rule_id and urgency and cause and says):
        return None
    return Rule(rule_id, Urgency(urgency), cause, says, conditions)


def _conditions(part: Section) -> Conditions:
    if not any(part.has(key) for key in _GROUNDS):
        hint = f"one of: {', '.join(sorted(_GROUNDS))}"
        part.notes.problem(part.node, part.where, "says nothing that could happen", hint)
    if part.has("answer") != part.has("is"):
        part.problem("answer", "'answer' and 'is' belong together", "answer: swelling, is: [severe]")
    day_from, day_until = _number(part, "day_from", 366), _number(part, "day_until", 366)
    if day_from is not None and day_until is not None and day_from > day_until:
        part.problem("day_until", "before 'day_from', so the rule can never fire")
    sign = part.text("sign")
    if sign is not None and sign not in WARNING_SIGNS | {UNSPECIFIED}:
        part.problem("sign", f"{shown(sign)} is not a warning sign", f"one of: {', '.join(sorted(WARNING_SIGNS))}")
    peg = part.word("peg_gain_below", _DECIMAL, "points, such as 1.0")
    return Conditions(
        sign=sign,
        question=part.word("answer", _ID, "a question's id"),
        chosen=_names(part, "is", None),
        prohibited_medicine=part.flag("prohibited_medicine"),
        pain_at_least=_number(part, "pain_at_least", 10),
        pain_up_at_least=_number(part, "pain_up_at_least", 10),
        previous_pain_at_least=_number(part, "previous_pain_at_least", 10),
        pain_gain_below=_number(part, "pain_gain_below", 10),
        peg_gain_below=None if peg is None else float(peg),
        silence=Silence(part.choice("silence", list(Silence), Silence.NONE) or Silence.NONE),
        day_from=day_from,
        day_until=day_until,
        surveys=_names(part, "surveys", None),
        site_groups=_names(part, "site_groups", SITE_GROUPS),
    )


def _number(part: Section, key: str, most: int) -> int | None:
    return part.number(key, most) if part.has(key) else None


def _names(part: Section, key: str, allowed: frozenset[str] | None) -> frozenset[str]:
    found = set()
    for node in part.items(key):
        name = scalar(node)
        if name is None or (allowed is not None and name not in allowed):
            hint = "" if allowed is None else f"one of: {', '.join(sorted(allowed))}"
            part.notes.problem(node, part.path(key), "will not do here", hint)
        else:
            found.add(name)
    return frozenset(found)


def _label(node: yaml.Node, index: int) -> str:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if scalar(key) == "id" and (name := scalar(value)) and _ID.fullmatch(name):
                return name
    return str(index + 1)
