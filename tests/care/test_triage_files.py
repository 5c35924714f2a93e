"""A clinic may tighten triage; what it loosens is found (P9), and what it mistypes is shown by line (P10)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.care import triage_file
from service.care.loosening import compare
from service.care.surveys import WARNING_SIGNS
from service.care.triage import Rule, Silence, TriageFacts, evaluate
from service.care.urgency import Urgency
from tests.care.surveys_shipped import SURVEY_IDS, plan, rules_text, survey
from tests.care.test_triage import any_facts

DEFAULT = plan().rules
SURVEYS = [survey(survey_id) for survey_id in SURVEY_IDS]


def test_the_shipped_rules_pass_their_own_lint() -> None:
    assert triage_file.lint(triage_file.read(rules_text()), SURVEYS) == ()


def test_the_defaults_loosen_nothing() -> None:
    assert compare(DEFAULT, DEFAULT) == ()


OWN = """\
protocol: own
rules:
  - id: pain_high
    urgency: urgent
    says: "Pain {pain} on day {day}."
    when: {pain_at_least: 6, day_from: 3}
  - id: swollen
    urgency: watch
    says: "Swollen."
    when: {answer: swelling, is: [severe]}
"""


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("urgency: urgent", "urgency: soon", 4, "is not known"),
        ("{pain_at_least: 6, day_from: 3}", "{pain_at_least: 11}", 6, "not a whole number from 0 to 10"),
        ("{pain_at_least: 6, day_from: 3}", "{day_from: 3}", 6, "says nothing that could happen"),
        ("day_from: 3", "day_from: 3, day_until: 2", 6, "before 'day_from'"),
        ("day_from: 3", "day_form: 3", 6, "unknown key"),
        ("pain_at_least: 6", "sign: fevr", 6, "not a warning sign"),
        ("{pain} on", "{name} on", 5, "cannot be filled in"),
        (", is: [severe]", "", 10, "belong together"),
        ("id: swollen", "id: pain_high", 7, "stands here twice"),
        ("    when: {answer: swelling, is: [severe]}\n", "", 7, "'when' is missing"),
        ("day_from: 3", "site_groups: [elbow]", 6, "will not do here"),
    ],
)
def test_a_mistake_is_shown_where_it_stands(old: str, new: str, line: int, says: str) -> None:
    assert old in OWN
    reading = triage_file.read(OWN.replace(old, new, 1))
    assert reading.plan is None
    assert any(says in p.message and p.line == line for p in reading.problems), [str(p) for p in reading.problems]


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("answer: swelling", "answer: sweling", 7, "no survey asks"),
        ("is: [severe]", "is: [huge]", 7, "is no answer to"),
        ("is: [severe]", "is: [severe], surveys: [S9]", 7, "there is no survey"),
        ("is: [severe]", "is: [severe], surveys: [S6]", 7, "no survey asks"),
    ],
)
def test_a_rule_that_can_never_fire_is_shown(old: str, new: str, line: int, says: str) -> None:
    found = triage_file.lint(triage_file.read(OWN.replace(old, new, 1)), SURVEYS)
    assert any(says in p.message and p.line == line for p in found), [str(p) for p in found]


def test_a_sign_that_no_rule_hears_is_shown() -> None:
    """P9: the own plan above hears no sign at all."""
    found = triage_file.lint(triage_file.read(OWN), SURVEYS)
    assert len([p for p in found if "nothing hears the sign" in p.message]) == len(WARNING_SIGNS) + 1


def test_signs_must_be_heard_on_every_day() -> None:
    text = rules_text().replace("{sign: numbness, day_until: 0}", "{sign: numbness, day_from: 2}")
    found = triage_file.lint(triage_file.read(text), SURVEYS)
    assert ["numbness" in p.message for p in found] == [True]


def swapped(rule_id: str, **when: Any) -> list[Rule]:
    return [replace(r, when=replace(r.when, **when)) if r.id == rule_id else r for r in DEFAULT]


@pytest.mark.parametrize(
    ("own", "loosened", "says"),
    [
        (swapped("pain_8_from_day_3", pain_at_least=9), "pain_8_from_day_3", "pain_at_least 9 instead of 8"),
        (swapped("pain_8_from_day_3", day_from=5), "pain_8_from_day_3", "day_from 5 instead of 3"),
        (swapped("pain_8_from_day_3", day_until=30), "pain_8_from_day_3", "day_until 30 instead of any"),
        (swapped("fever", day_from=1), "fever", "day_from 1 instead of any"),
        (swapped("fever", site_groups=frozenset({"leg"})), "fever", "only for site_groups leg"),
        (swapped("fever", surveys=frozenset({"S1"})), "fever", "only for surveys S1"),
        (swapped("silent_after_reminder", surveys=frozenset({"S1"})), "silent_after_reminder", "only for surveys S1"),
        (swapped("overall_worse", chosen=frozenset({"much_worse"})), "overall_worse", "a_little_worse"),
        (swapped("no_gain_at_week_12", peg_gain_below=0.5), "no_gain_at_week_12", "peg_gain_below 0.5 instead of 1"),
        (swapped("silent_after_bad_score", silence=Silence.AFTER_REMINDER), "silent_after_bad_score", "longer silence"),
        ([r for r in DEFAULT if r.id != "pus"], "pus", "removed"),
        (
            [replace(r, urgency=Urgency.WATCH) if r.id == "pus" else r for r in DEFAULT],
            "pus",
            "watch instead of urgent",
        ),
        ([replace(r, cause="pain") if r.id == "pus" else r for r in DEFAULT], "pus", "hide behind another alert"),
    ],
)
def test_loosening_is_found_and_named(own: list[Rule], loosened: str, says: str) -> None:
    found = compare(DEFAULT, own)
    assert [entry.rule_id for entry in found] == [loosened]
    assert says in found[0].reason


@pytest.mark.parametrize(
    "own",
    [
        swapped("pain_8_from_day_3", pain_at_least=6, day_from=1),
        swapped("silent_after_reminder", silence=Silence.SOME, surveys=frozenset()),
        [replace(r, urgency=Urgency.EMERGENCY) for r in DEFAULT],
        [replace(r, id=f"my_{r.id}", says="Mine.") for r in DEFAULT],
        [*DEFAULT, *triage_file.load(OWN, "own").rules],
    ],
)
def test_tightening_needs_no_signature(own: list[Rule]) -> None:
    assert compare(DEFAULT, own) == ()


@st.composite
def changed_rules(draw: st.DrawFn) -> list[Rule]:
    """The defaults with a few rules changed in any way, for the better or the worse."""
    rules = list(DEFAULT)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(rules) - 1))
        rule = rules[at]
        change = draw(st.sampled_from(["urgency", "cause", "pain", "from", "until", "surveys", "groups", "drop", "up"]))
        when = rule.when
        if change == "urgency":
            rule = replace(rule, urgency=draw(st.sampled_from(list(Urgency))))
        elif change == "cause":
            rule = replace(rule, cause=draw(st.sampled_from(["pain", "fever", rule.cause])))
        elif change == "drop":
            rules.pop(at)
            continue
        else:
            value = draw(st.none() | st.integers(0, 10))
            groups = draw(st.sampled_from([frozenset(), frozenset({"leg"}), frozenset({"leg", "spine"})]))
            surveys = draw(st.sampled_from([frozenset(), frozenset({"S3"}), frozenset({"S1", "S2", "S3", "S4", "S6"})]))
            when = {
                "pain": replace(when, pain_at_least=value),
                "up": replace(when, pain_up_at_least=value),
                "from": replace(when, day_from=value),
                "until": replace(when, day_until=value),
                "surveys": replace(when, surveys=surveys),
                "groups": replace(when, site_groups=groups),
            }[change]
            rule = replace(rule, when=when)
        rules[at] = rule
    return rules


@settings(max_examples=300)
@given(changed_rules(), st.lists(any_facts(), min_size=1, max_size=5))
def test_what_needs_no_signature_misses_nothing(own: list[Rule], cases: list[TriageFacts]) -> None:
    """P9: own rules that `compare` passes find every cause that the defaults find, at least as urgently."""
    if compare(DEFAULT, own):
        return
    for facts in cases:
        mine = {finding.cause: finding.urgency.rank for finding in evaluate(own, facts)}
        for finding in evaluate(DEFAULT, facts):
            assert mine.get(finding.cause, -1) >= finding.urgency.rank
