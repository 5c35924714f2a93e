"""P10 and P9 for answers: bad input is named and changes nothing; a tapped sign is never lost."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.care.surveys import (
    UNSPECIFIED,
    WARNING_SIGNS,
    Answer,
    Fault,
    Kind,
    NotAnAnswer,
    completeness,
    questions_for,
    validate,
    validate_all,
    wording,
)
from tests.care.surveys_shipped import SURVEY_IDS, common, question, survey

EVERYWHERE = {
    "breathing", "face_or_throat_swelling", "fainting", "fever", "spreading_redness_or_heat", "pus", "hives",
    "severe_or_growing_pain",
}  # fmt: skip


def signs_shown(groups: set[str], day: int = 3, survey_id: str = "S2") -> set[str]:
    questions = questions_for(survey(survey_id), frozenset(groups), has_activity=True, day=day)
    return {option.id for asked in questions if asked.kind is Kind.SIGNS for option in asked.options}


@pytest.mark.parametrize(
    ("groups", "more"),
    [
        ({"rib_thoracic"}, {"chest_pain", "fever_with_stiff_neck"}),
        (
            {"spine"},
            {"new_weakness", "bladder_or_bowel", "fever_with_stiff_neck", "headache_worse_upright", "numbness"},
        ),
        ({"joint"}, {"cannot_move_or_bear_weight"}),
        ({"leg"}, {"calf_pain_or_swelling", "chest_pain", "cannot_move_or_bear_weight"}),
        ({"joint", "leg"}, {"calf_pain_or_swelling", "chest_pain", "cannot_move_or_bear_weight"}),
    ],
)
def test_each_site_sees_the_signs_of_its_groups(groups: set[str], more: set[str]) -> None:
    assert signs_shown(groups) == EVERYWHERE | more


@pytest.mark.parametrize("groups", [set(), {"rib"}, {"joint", "unheard_of"}])
def test_an_unknown_site_sees_every_sign(groups: set[str]) -> None:
    assert signs_shown(groups) == WARNING_SIGNS - {"self_harm"}


def test_a_headache_upright_is_asked_about_for_five_days() -> None:
    assert "headache_worse_upright" in signs_shown({"spine"}, day=5)
    assert "headache_worse_upright" not in signs_shown({"spine"}, day=6)


def test_a_sign_of_a_page_opened_yesterday_still_counts() -> None:
    """P9: the page showed it on day 5 and sends it on day 6."""
    asked = next(q for q in questions_for(survey("S2"), frozenset({"joint"}), True, 6) if q.id == "signs")
    read = validate(asked, ["headache_worse_upright"])
    assert isinstance(read, Answer)
    assert read.chosen == {"headache_worse_upright"}


def test_the_activity_is_asked_about_only_once_it_has_a_name() -> None:
    def asked(survey_id: str, has_activity: bool) -> list[str]:
        return [q.id for q in questions_for(survey(survey_id), frozenset(), has_activity, 14)]

    assert "activity" not in asked("S4", False)
    assert "activity" in asked("S4", True)
    assert "activity" in asked("S0", False), "the baseline asks for the name itself"
    assert wording(question("activity"), "en", "climb stairs").startswith("The thing you named: climb stairs.")


@pytest.mark.parametrize("raw", [7, "7", ["7"], " 7 ", ["", "7"], "07", ["7", ""]])
def test_a_seven_is_a_seven(raw: object) -> None:
    assert validate(question("pain"), raw) == Answer("pain", Kind.SCALE, 7, question("pain").measure, 7)


@pytest.mark.parametrize(
    ("question_id", "raw", "fault"),
    [
        ("pain", "", Fault.BLANK),
        ("pain", None, Fault.BLANK),
        ("pain", [], Fault.BLANK),
        ("pain", "11", Fault.OUT_OF_RANGE),
        ("pain", -1, Fault.OUT_OF_RANGE),
        ("pain", "-1", Fault.NOT_A_NUMBER),
        ("pain", "7.5", Fault.NOT_A_NUMBER),
        ("pain", 7.0, Fault.NOT_A_NUMBER),
        ("pain", True, Fault.NOT_A_NUMBER),
        ("pain", "²", Fault.NOT_A_NUMBER),
        ("pain", "٧", Fault.NOT_A_NUMBER),
        ("pain", "9" * 5000, Fault.NOT_A_NUMBER),
        ("pain", ["3", "4"], Fault.MORE_THAN_ONE),
        ("pain", {"value": 3}, Fault.NOT_A_NUMBER),
        ("swelling", "enormous", Fault.NOT_AN_OPTION),
        ("swelling", 2, Fault.NOT_AN_OPTION),
        ("swelling", ["mild", "severe"], Fault.MORE_THAN_ONE),
        ("swelling", [["mild"]], Fault.NOT_AN_OPTION),
        ("call", "4", Fault.NOT_AN_OPTION),
        ("call", 1, Fault.NOT_AN_OPTION),
        ("signs", [], Fault.BLANK),
        ("signs", [""], Fault.BLANK),
        ("signs", ["fever", "dandruff"], Fault.NOT_AN_OPTION),
        ("signs", [["fever"]], Fault.NOT_AN_OPTION),
        ("signs", 3, Fault.NOT_AN_OPTION),
        ("medicine", [UNSPECIFIED], Fault.NOT_AN_OPTION),
        ("activity_name", "x" * 121, Fault.TOO_LONG),
        ("activity_name", 5, Fault.NOT_TEXT),
        ("activity_name", "\x00 \u202e", Fault.BLANK),
    ],
)
def test_what_is_not_an_answer_is_named(question_id: str, raw: object, fault: Fault) -> None:
    assert validate(question(question_id), raw) == NotAnAnswer(question_id, fault)


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (["none"], ()),
        ("none", ()),
        (["fever", "none"], ("fever",)),
        (["pus", "fever", "pus"], ("fever", "pus")),
        ("hives", ("hives",)),
        ([UNSPECIFIED], (UNSPECIFIED,)),
    ],
)
def test_signs_win_over_none_of_these(raw: object, value: tuple[str, ...]) -> None:
    read = validate(question("signs"), raw)
    assert isinstance(read, Answer)
    assert read.value == value


def test_words_are_kept_without_what_breaks_databases_and_desks() -> None:
    read = validate(question("activity_name"), "  climb\x00 the\n stairs \u202e ")
    assert isinstance(read, Answer)
    assert read.value == "climb the stairs"


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["none", "fever", "mild", "7"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(sorted(common().questions)), anything)
def test_any_input_is_an_answer_or_a_problem_and_answers_survive_storage(question_id: str, raw: object) -> None:
    """P10: never an exception; P1: what was stored reads back as what was answered."""
    read = validate(question(question_id), raw)
    if isinstance(read, Answer):
        assert validate(question(question_id), json.loads(json.dumps(read.stored))) == read


def test_half_a_survey_counts_and_knows_what_is_missing() -> None:
    questions = questions_for(survey("S1"), frozenset({"joint"}), False, 1)
    raw = {"pain": ["6"], "swelling": [""], "signs": ["fever"], "call": ["maybe"], "stranger": "1"}
    answers, problems = validate_all(questions, raw)
    assert set(answers) == {"pain", "signs"}
    assert problems == (NotAnAnswer("call", Fault.NOT_AN_OPTION),)
    state = completeness(questions, answers)
    assert (state.answered, state.asked, state.complete) == (2, 6, False)
    assert state.missing == ("compared", "swelling", "medicine", "call")


def test_optional_questions_do_not_hold_a_survey_open() -> None:
    questions = questions_for(survey("S0"), frozenset(), False, 0)
    assert completeness(questions, {"pain", "peg_pain", "peg_enjoyment", "peg_activity"}).complete


@pytest.mark.parametrize("survey_id", SURVEY_IDS)
def test_a_bare_number_answers_only_where_pain_now_comes_first(survey_id: str) -> None:
    assert survey(survey_id).takes_bare_number == (survey_id in {"S0", "S1", "S2", "S3"})
