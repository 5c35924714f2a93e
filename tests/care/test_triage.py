"""P9: every worrying answer raises its alert, at its urgency, relative to day and baseline."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.care.scores import Scores
from service.care.surveys import UNSPECIFIED, WARNING_SIGNS, Answer, Kind, Measure
from service.care.triage import (
    Conditions,
    Rule,
    Silence,
    TriageFacts,
    Urgency,
    emergency_signs,
    evaluate,
    most_urgent,
)
from tests.care.surveys_shipped import answered, common, plan

E, U, N, W = Urgency.EMERGENCY, Urgency.URGENT, Urgency.NEXT_BUSINESS_DAY, Urgency.WATCH
EMERGENCIES = {
    "breathing", "chest_pain", "face_or_throat_swelling", "fainting", "new_weakness", "bladder_or_bowel",
    "fever_with_stiff_neck", "self_harm",
}  # fmt: skip
RULES = plan().rules


def found(facts: TriageFacts) -> dict[str, Urgency]:
    return {finding.cause: finding.urgency for finding in evaluate(RULES, facts)}


def peg(pain: int, rest: int = 5) -> dict[str, Any]:
    return {"peg_pain": pain, "peg_enjoyment": rest, "peg_activity": rest}


@pytest.mark.parametrize("day", [0, 1, 2, 7, 60])
@pytest.mark.parametrize("sign", sorted(WARNING_SIGNS | {UNSPECIFIED}))
def test_every_sign_fires_on_every_day_tapped_or_written(sign: str, day: int) -> None:
    """Row "emergency" and the signs of row "urgent", by a single tap or in free text, on any day."""
    written = TriageFacts(day=day, word_signs=frozenset({sign}))
    tapped = TriageFacts(day=day, answers={"signs": Answer("signs", Kind.SIGNS, (sign,))})
    expected = E if sign in EMERGENCIES else N if (sign, day) == ("numbness", 0) else U
    cause = {"severe_or_growing_pain": "pain", UNSPECIFIED: "unspecified_sign"}.get(sign, sign)
    assert found(written) == found(tapped) == {cause: expected}


@pytest.mark.parametrize(
    ("why", "facts", "expected"),
    [
        # Pain, relative to the day
        ("8 on day 2 is a common flare", TriageFacts(2, answered(pain=8)), {}),
        ("10 on day 1 too", TriageFacts(1, answered(pain=10)), {}),
        ("8 on day 3 is not", TriageFacts(3, answered(pain=8)), {"pain": U}),
        ("8 on day 12 is not", TriageFacts(12, answered(pain=8)), {"pain": U}),
        ("8 over the past week, on day 14", TriageFacts(14, answered(peg_pain=8)), {"pain": U}),
        ("7 on day 2", TriageFacts(2, answered(pain=7)), {}),
        ("7 on day 3", TriageFacts(3, answered(pain=7)), {"pain": N}),
        ("7 on day 7", TriageFacts(7, answered(pain=7)), {"pain": N}),
        ("6 on day 7", TriageFacts(7, answered(pain=6)), {}),
        # Trend
        ("up 3 between surveys", TriageFacts(3, answered(pain=5), previous=Scores(nrs=2)), {"pain": U}),
        ("up 3, from day 7 to the week before day 14", TriageFacts(14, answered(peg_pain=5), previous=Scores(nrs=2)),
         {"pain": U}),
        ("up 2", TriageFacts(3, answered(pain=4), previous=Scores(nrs=2)), {}),
        ("up 3 on the baseline only: a flare", TriageFacts(1, answered(pain=6), baseline=Scores(nrs=3)), {}),
        # Baseline
        ("no improvement by day 7", TriageFacts(7, answered(pain=5), survey="S3", baseline=Scores(nrs=5)),
         {"no_improvement_by_day_7": N}),
        ("a little on day 7", TriageFacts(7, answered(pain=4), survey="S3", baseline=Scores(nrs=5)), {}),
        ("worse than before, on day 3", TriageFacts(3, answered(pain=6), survey="S2", baseline=Scores(nrs=5)), {}),
        ("pain-free before and after", TriageFacts(7, answered(pain=0), survey="S3", baseline=Scores(nrs=0)), {}),
        ("no baseline to improve on", TriageFacts(7, answered(pain=5), survey="S3"), {}),
        # Single answers
        ("cannot bear weight", TriageFacts(3, answered(moves="no")), {"cannot_move_or_bear_weight": U}),
        ("can", TriageFacts(3, answered(moves="yes")), {}),
        ("severe swelling", TriageFacts(1, answered(swelling="severe")), {"severe_swelling": N}),
        ("moderate swelling", TriageFacts(1, answered(swelling="moderate")), {}),
        ("a prohibited medicine",
         TriageFacts(1, answered(medicine=["anti_inflammatory", "other"]),
                     prohibited_medicines=frozenset({"anti_inflammatory"})), {"prohibited_medicine": N}),
        ("a medicine that this clinic allows", TriageFacts(1, answered(medicine=["anti_inflammatory"])), {}),
        ("wants a call", TriageFacts(1, answered(call=True)), {"call_requested": N}),
        ("wants none", TriageFacts(1, answered(call=False)), {}),
        ("a little worse overall", TriageFacts(42, answered(pgic="a_little_worse")), {"overall_worse": N}),
        ("much worse overall", TriageFacts(42, answered(pgic="much_worse")), {"overall_worse": N}),
        ("no change at week 6", TriageFacts(42, answered(pgic="no_change"), survey="S5"), {}),
        ("no change at week 12", TriageFacts(84, answered(pgic="no_change"), survey="S6"), {"no_gain": W}),
        ("no gain at week 12", TriageFacts(84, answered(**peg(5)), survey="S6", baseline=Scores(peg=5.33)),
         {"no_gain": W}),
        ("gain at week 12", TriageFacts(84, answered(**peg(3)), survey="S6", baseline=Scores(peg=5.33)), {}),
        ("low satisfaction", TriageFacts(42, answered(satisfaction="unhappy")), {"low_satisfaction": W}),
        ("in between", TriageFacts(42, answered(satisfaction="in_between")), {}),
        # Silence
        ("still time", TriageFacts(1, survey="S1"), {}),
        ("unanswered until the reminder", TriageFacts(1, survey="S1", silence=Silence.SOME), {}),
        ("unanswered after it", TriageFacts(1, survey="S1", silence=Silence.AFTER_REMINDER), {"silence": W}),
        ("S3 too", TriageFacts(7, survey="S3", silence=Silence.AFTER_REMINDER), {"silence": W}),
        ("week 6 is another matter", TriageFacts(42, survey="S5", silence=Silence.AFTER_REMINDER), {}),
        ("sooner after a bad score", TriageFacts(3, survey="S2", silence=Silence.SOME, previous=Scores(nrs=7)),
         {"silence": W}),
        ("not after a fair one", TriageFacts(3, survey="S2", silence=Silence.SOME, previous=Scores(nrs=6)), {}),
        # Together
        ("nothing at all", TriageFacts(3), {}),
        ("a clean survey", TriageFacts(3, answered(pain=2, swelling="mild", signs="none", moves="yes", call="no")), {}),
        ("one alert a cause", TriageFacts(5, answered(pain=9, signs=["fever", "severe_or_growing_pain"]),
                                         word_signs=frozenset({"fever"}), previous=Scores(nrs=2)),
         {"pain": U, "fever": U}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_the_table_of_alerts(why: str, facts: TriageFacts, expected: dict[str, Urgency]) -> None:
    assert found(facts) == expected, why


def test_a_half_finished_survey_is_triaged_tap_by_tap() -> None:
    assert found(TriageFacts(1, answered(signs=["breathing"]))) == {"breathing": E}


def test_the_most_urgent_comes_first_with_a_sentence_for_the_desk() -> None:
    facts = TriageFacts(12, answered(pain=8, signs=["breathing"], call="yes"), previous=Scores(nrs=4))
    findings = evaluate(RULES, facts)
    assert [finding.urgency for finding in findings] == [E, U, N]
    assert findings[1].sentence == "Pain 8 of 10 on day 12."
    assert most_urgent(findings) is E
    assert most_urgent(()) is None


def test_the_page_knows_which_taps_put_up_the_call_screen() -> None:
    assert emergency_signs(RULES) == EMERGENCIES


def test_a_rule_for_some_sites_fires_for_a_patient_whose_site_is_unknown() -> None:
    rule = Rule("r", U, "r", "Fever.", Conditions(sign="fever", site_groups=frozenset({"spine"})))
    for groups, fires in ((set(), True), ({"spine", "joint"}, True), ({"joint"}, False)):
        facts = TriageFacts(1, word_signs=frozenset({"fever"}), site_groups=frozenset(groups))
        assert bool(evaluate([rule], facts)) is fires


scale = st.integers(0, 10)
maybe_scale = st.none() | scale
score_sets = st.none() | st.builds(Scores, nrs=maybe_scale, peg=st.none() | st.floats(0, 10), peg_pain=maybe_scale)
signs = st.sets(st.sampled_from(sorted(WARNING_SIGNS)), max_size=4).map(frozenset)


@st.composite
def any_facts(draw: st.DrawFn) -> TriageFacts:
    raw: dict[str, object] = {}
    for name, question in common().questions.items():
        if question.kind is Kind.SCALE and draw(st.booleans()):
            raw[name] = draw(scale)
        elif question.kind is Kind.CHOICE and draw(st.booleans()):
            raw[name] = draw(st.sampled_from(sorted(question.accepts)))
    if draw(st.booleans()):
        raw["signs"] = sorted(draw(signs) - {"self_harm"}) or ["none"]
    return TriageFacts(
        day=draw(st.integers(0, 90)),
        answers=answered(**raw),
        word_signs=draw(signs),
        survey=draw(st.sampled_from([None, "S1", "S2", "S3", "S4", "S5", "S6"])),
        baseline=draw(score_sets),
        previous=draw(score_sets),
        silence=draw(st.sampled_from(list(Silence))),
    )


def no_cause_is_lower(before: TriageFacts, after: TriageFacts) -> None:
    later = found(after)
    for cause, urgency in found(before).items():
        assert cause in later
        assert later[cause].rank >= urgency.rank


@given(any_facts(), signs)
def test_another_red_flag_never_lowers_any_urgency(facts: TriageFacts, more: frozenset[str]) -> None:
    no_cause_is_lower(facts, replace(facts, word_signs=facts.word_signs | more))


@given(any_facts(), st.sampled_from(["pain", "peg_pain"]), scale)
def test_worse_pain_never_lowers_any_urgency(facts: TriageFacts, which: str, more: int) -> None:
    current = facts.answers.get(which)
    if current is None:
        return
    worse = answered(**{which: max(more, current.score or 0)})
    no_cause_is_lower(facts, replace(facts, answers={**facts.answers, **worse}))


@given(any_facts())
def test_longer_silence_never_lowers_any_urgency(facts: TriageFacts) -> None:
    no_cause_is_lower(facts, replace(facts, silence=Silence.AFTER_REMINDER))


def test_pain_is_heard_whatever_a_clinic_calls_its_question() -> None:
    answer = Answer("how_it_hurts", Kind.SCALE, 9, Measure.NRS, 9)
    assert found(TriageFacts(5, {"how_it_hurts": answer})) == {"pain": U}
