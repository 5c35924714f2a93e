"""Triage: which answers, words and silences a person must look at, and how soon.

A rule fires when all of its conditions hold. Every condition is upward: more signs, more pain or more silence can only
make it true, never false, so nothing a patient adds can quieten an alert.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from service.care.scores import Scores, scores
from service.care.surveys import Answer, Kind
from service.care.urgency import Urgency


class Silence(StrEnum):
    """How long a survey has stayed unanswered."""

    NONE = "none"
    """Answered, or there is still time."""
    SOME = "some"
    """Open for as long as it takes until the reminder."""
    AFTER_REMINDER = "after_reminder"

    @property
    def rank(self) -> int:
        return list(Silence).index(self)


@dataclass(frozen=True, slots=True)
class TriageFacts:
    """What is known when a tap, a submission, a reply or the clock asks for triage."""

    day: int
    """The patient's local day after the latest session; 0 is its own."""
    answers: Mapping[str, Answer] = field(default_factory=dict)
    """Of the current survey, by question id, as far as it has come."""
    word_signs: frozenset[str] = frozenset()
    """Warning signs read from free text."""
    survey: str | None = None
    """Id of the survey that was answered or left unanswered; None for a reply outside of any."""
    site_groups: frozenset[str] = frozenset()
    baseline: Scores | None = None
    """Of the survey before treatment."""
    previous: Scores | None = None
    """Of the last survey that was answered since the session. Never the baseline: a flare on day 1 is common."""
    silence: Silence = Silence.NONE
    prohibited_medicines: frozenset[str] = frozenset()
    """Option ids of the medicine question that this clinic asked its patients not to take."""

    @property
    def signs(self) -> frozenset[str]:
        """Every warning sign, tapped or written."""
        tapped = (answer.chosen for answer in self.answers.values() if answer.kind is Kind.SIGNS)
        return self.word_signs.union(*tapped)

    @property
    def scores(self) -> Scores:
        return scores(self.answers.values())

    @property
    def pain(self) -> int | None:
        """The worst pain that the current answers tell of."""
        return self.scores.worst_pain

    @property
    def pain_rise(self) -> int | None:
        """How much worse than at the previous survey: like with like where possible, and worst with worst."""
        now, before = self.scores, self.previous or Scores()
        pairs = ((now.nrs, before.nrs), (now.peg_pain, before.peg_pain), (now.worst_pain, before.worst_pain))
        return max((late - early for late, early in pairs if late is not None and early is not None), default=None)

    @property
    def pain_gain(self) -> int | None:
        """How much pain now has dropped since the baseline; below zero when it rose."""
        now, before = self.scores, self.baseline or Scores()
        pairs = ((now.nrs, before.nrs), (now.peg_pain, before.peg_pain))
        return min((early - late for late, early in pairs if late is not None and early is not None), default=None)

    @property
    def peg_gain(self) -> float | None:
        """How much the PEG mean has dropped since the baseline."""
        now, before = self.scores.peg, (self.baseline or Scores()).peg
        return None if now is None or before is None else round(before - now, 2)


@dataclass(frozen=True, slots=True)
class Conditions:
    """When a rule fires: all that are set must hold. Days are local days after the session, pain is 0 to 10."""

    sign: str | None = None
    question: str | None = None
    chosen: frozenset[str] = frozenset()
    """With `question`: any of these options ("yes", "no" for a yes/no question)."""
    prohibited_medicine: bool = False
    pain_at_least: int | None = None
    pain_up_at_least: int | None = None
    """Since the previous survey."""
    previous_pain_at_least: int | None = None
    pain_gain_below: int | None = None
    """Against the baseline; does not hold without one."""
    peg_gain_below: float | None = None
    silence: Silence = Silence.NONE
    day_from: int | None = None
    day_until: int | None = None
    surveys: frozenset[str] = frozenset()
    """Any without."""
    site_groups: frozenset[str] = frozenset()
    """Any without; a patient whose site is not known belongs to all."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of a triage plan."""

    id: str
    urgency: Urgency
    cause: str
    """Findings of one cause make one alert, however many rules fire and however often."""
    says: str
    """One English sentence for the desk: {pain} {previous} {baseline} {day} are filled in. Health information."""
    when: Conditions


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a person must look at."""

    urgency: Urgency
    cause: str
    rule_id: str
    sentence: str
    """For the clinic's desk only: health information."""


def evaluate(rules: Iterable[Rule], facts: TriageFacts) -> tuple[Finding, ...]:
    """What the rules find, most urgent first, one finding a cause (its most urgent; of equals the first rule's)."""
    worst: dict[str, Rule] = {}
    for rule in rules:
        if fires(rule.when, facts):
            standing = worst.get(rule.cause)
            if standing is None or rule.urgency.rank > standing.urgency.rank:
                worst[rule.cause] = rule
    found = [Finding(rule.urgency, rule.cause, rule.id, _sentence(rule, facts)) for rule in worst.values()]
    return tuple(sorted(found, key=lambda finding: -finding.urgency.rank))


def most_urgent(findings: Iterable[Finding]) -> Urgency | None:
    """The highest urgency among them; None for none."""
    return max((finding.urgency for finding in findings), key=lambda urgency: urgency.rank, default=None)


def emergency_signs(rules: Iterable[Rule]) -> frozenset[str]:
    """Signs that put the call screen up when tapped, on any day: the page can do so before the network answers."""
    return frozenset(
        rule.when.sign
        for rule in rules
        if rule.urgency is Urgency.EMERGENCY and rule.when.sign and rule.when == Conditions(sign=rule.when.sign)
    )


def fires(when: Conditions, facts: TriageFacts) -> bool:
    """Do all conditions hold?"""
    return _in_scope(when, facts) and _answers_hold(when, facts) and _numbers_hold(when, facts)


def _in_scope(when: Conditions, facts: TriageFacts) -> bool:
    return (
        (when.day_from is None or facts.day >= when.day_from)
        and (when.day_until is None or facts.day <= when.day_until)
        and (not when.surveys or facts.survey in when.surveys)
        and (not when.site_groups or not facts.site_groups or bool(when.site_groups & facts.site_groups))
        and facts.silence.rank >= when.silence.rank
    )


def _answers_hold(when: Conditions, facts: TriageFacts) -> bool:
    if when.sign is not None and when.sign not in facts.signs:
        return False
    if when.question is not None:
        answer = facts.answers.get(when.question)
        if answer is None or not answer.chosen & when.chosen:
            return False
    if when.prohibited_medicine:
        taken = (answer.chosen for answer in facts.answers.values() if answer.kind is Kind.CHECKLIST)
        return bool(frozenset().union(*taken) & facts.prohibited_medicines)
    return True


def _numbers_hold(when: Conditions, facts: TriageFacts) -> bool:
    previous = facts.previous.worst_pain if facts.previous else None
    return (
        _at_least(facts.pain, when.pain_at_least)
        and _at_least(facts.pain_rise, when.pain_up_at_least)
        and _at_least(previous, when.previous_pain_at_least)
        and _below(facts.pain_gain, when.pain_gain_below)
        and _below(facts.peg_gain, when.peg_gain_below)
    )


def _at_least(value: float | None, limit: float | None) -> bool:
    return limit is None or (value is not None and value >= limit)


def _below(value: float | None, limit: float | None) -> bool:
    return limit is None or (value is not None and value < limit)


def _sentence(rule: Rule, facts: TriageFacts) -> str:
    previous = facts.previous.worst_pain if facts.previous else None
    baseline = facts.baseline.worst_pain if facts.baseline else None
    known = {"pain": facts.pain, "previous": previous, "baseline": baseline, "day": facts.day}
    sentence = rule.says
    for name, value in known.items():
        sentence = sentence.replace(f"{{{name}}}", "?" if value is None else str(value))
    return sentence
