"""The shipped surveys are fit to send, and P10 for those of clinics: every problem, by line, never a traceback."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.care import survey_file
from service.care.problems import Problem, ProtocolProblems
from service.care.survey_lint import lint, lint_common
from service.care.surveys import LOINC, OWN_CODES, WARNING_SIGNS, Measure
from tests.care.surveys_shipped import SURVEY_IDS, common, question, survey, survey_text

ASKED = {
    "S0": "pain peg_pain peg_enjoyment peg_activity activity_name activity",
    "S1": "pain compared swelling signs medicine call",
    "S2": "pain swelling signs moves sleep call",
    "S3": "pain swelling signs moves sleep stiffness call",
    "S4": "peg_pain peg_enjoyment peg_activity activity signs call",
    "S5": "peg_pain peg_enjoyment peg_activity activity pgic satisfaction call",
    "S6": "peg_pain peg_enjoyment peg_activity activity pgic recommend call",
}


@pytest.mark.parametrize("survey_id", SURVEY_IDS)
def test_each_survey_asks_what_the_plan_of_care_says(survey_id: str) -> None:
    assert [asked.id for asked in survey(survey_id).questions] == ASKED[survey_id].split()


@pytest.mark.parametrize("survey_id", SURVEY_IDS)
def test_the_shipped_surveys_pass_their_own_lint(survey_id: str) -> None:
    """Seven taps, sixth grade, both languages, P8 texts of one segment, no promises."""
    reading = survey_file.read(survey_text(survey_id), common())
    assert reading.survey is not None
    assert lint(reading.survey, reading.places) == ()


def test_the_shared_questions_pass_their_own_lint() -> None:
    reading = survey_file.read_common(survey_text("common"))
    assert reading.common is not None
    assert lint_common(reading.common, reading.places) == ()


@pytest.mark.parametrize(
    ("question_id", "code"),
    [("pain", "72514-3"), ("peg_pain", "75893-8"), ("peg_enjoyment", "91145-3"), ("peg_activity", "91146-1")],
)
def test_loinc_codes(question_id: str, code: str) -> None:
    coding = question(question_id).code
    assert coding is not None
    assert (coding.system, coding.code) == (LOINC, code)


def test_everything_else_has_a_code_of_our_own_and_no_two_share_one() -> None:
    codings = [asked.code for asked in common().questions.values()]
    assert len(set(codings)) == len(codings)
    assert {coding.system for coding in codings if coding} == {LOINC, OWN_CODES}
    assert all(codings)


def test_every_sign_but_self_harm_can_be_tapped() -> None:
    assert question("signs").accepts == WARNING_SIGNS - {"self_harm"}


def test_pgic_runs_from_very_much_better_to_very_much_worse() -> None:
    assert [option.score for option in question("pgic").options] == [1, 2, 3, 4, 5, 6, 7]
    assert question("pgic").measure is Measure.PGIC


OWN = """\
id: X1
title: {en: Mine, es: Mio}
questions:
  - pain
  - id: mood
    kind: scale
    words: {en: "How is your mood?", es: "¿Qué tal su ánimo?"}
    sms: {en: "Mood, 0 to 10?", es: "¿Animo, de 0 a 10?"}
    low: {en: Bad, es: Malo}
    high: {en: Good, es: Bueno}
"""


def test_thanks_that_do_not_say_whom_to_call_are_refused() -> None:
    """P8 leaves room for it: general safety wording is meant for everyone."""
    without = replace(common(), thanks={"en": "Thank you. Call {phone}.", "es": "Gracias: {phone}, {emerg}"})
    assert [problem.message for problem in lint_common(without, {})] == ["{emerg} is missing"]


def problems(text: str) -> list[Problem]:
    reading = survey_file.read(text, common())
    return list(reading.problems) if reading.survey is None else list(lint(reading.survey, reading.places))


def test_a_clinic_may_add_a_question_of_its_own() -> None:
    assert problems(OWN) == []
    assert [asked.id for asked in survey_file.load(OWN, common(), "own").questions] == ["pain", "mood"]


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        (', es: "¿Animo, de 0 a 10?"', "", 8, "'es' is missing"),
        ("kind: scale", "kind: slider", 6, "is not known"),
        ("  - pain\n", "  - pein\n", 4, "not a shared question"),
        ("id: mood", "id: pain", 5, "asked twice"),
        ("kind: scale", "knd: scale", 6, "unknown key"),
        ("    high: {en: Good, es: Bueno}\n", "", 5, "'high' is missing"),
        ("kind: scale", "kind: choice", 5, "'options' is missing"),
        ("kind: scale", "kind: yes_no\n    measure: nrs", 7, "measured on a scale"),
        ("kind: scale", "kind: scale\n    loinc: pain", 7, "will not do"),
        ("How is your mood?", "Treatment will help your mood. How is it?", 7, "promises a result"),
        ("¿Qué tal su ánimo?", "Esto mejorará su ánimo. ¿Qué tal?", 7, "promises a result"),
        ("How is your mood?", "On the NPS, how is your mood?", 7, "licensed"),
        (
            "How is your mood?",
            "Considering everything, characterise your psychological disposition recently",
            7,
            "reads at grade",
        ),
        ("Mood, 0 to 10?", "Mood after your knee injection, 0 to 10?", 8, "tells a bystander of a body part"),
        ("¿Animo, de 0 a 10?", "¿Ánimo, de 0 a 10?", 8, "not GSM-7"),
        ("Mood, 0 to 10?", "Mood, 0 to 10? " + "Tell us. " * 18, 8, "160 at most"),
        ("  - pain\n", "  - pain\n" + "".join(f"  - {i}\n" for i in ASKED["S3"].split()[1:]), 3, "8 taps; 7 at most"),
        ("id: X1\n", "id: X1\nid: X2\n", 2, "twice"),
        ("questions:\n", "questions: [\n", 4, "not valid YAML"),
    ],
)
def test_a_mistake_is_shown_where_it_stands(old: str, new: str, line: int, says: str) -> None:
    assert old in OWN
    found = problems(OWN.replace(old, new, 1))
    assert any(says in problem.message and problem.line == line for problem in found), [str(p) for p in found]


SIGNS = """\
id: X2
title: {en: Mine, es: Mio}
questions:
  - id: own_signs
    kind: signs
    words: {en: "Any of these?", es: "¿Algo de esto?"}
    sms: {en: "Any?", es: "¿Algo?"}
    options:
      - id: fever
        groups: [joint]
        words: {en: Fever, es: Fiebre}
        sms: {en: fever, es: fiebre}
"""


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("- id: fever", "- id: dizzy", 8, "no rule would hear it"),
        ("- id: fever", "- id: none", 9, "is taken"),
        ("groups: [joint]", "groups: [elbow]", 10, "not a group of sites"),
        ("words: {en: Fever, es: Fiebre}", "words: {en: Fever}", 11, "'es' is missing"),
    ],
)
def test_a_sign_must_be_one_that_rules_hear(old: str, new: str, line: int, says: str) -> None:
    """P9: a checkbox without a rule behind it would be a red flag that nobody hears."""
    assert problems(SIGNS) == []
    found = problems(SIGNS.replace(old, new, 1))
    assert any(says in problem.message and problem.line == line for problem in found), [str(p) for p in found]


def test_load_raises_with_all_problems() -> None:
    with pytest.raises(ProtocolProblems) as caught:
        survey_file.load("id: 1\nquestions: [pein, pane]\n", common(), "mine.yaml")
    assert len(caught.value.problems) == 4
    assert "mine.yaml: line 2" in str(caught.value)


@given(st.integers(0, len(OWN)), st.text(alphabet="[]{}:-&*!|>'\"\n\t ax0\x00", max_size=6))
def test_no_text_makes_the_reader_stumble(at: int, inserted: str) -> None:
    reading = survey_file.read(OWN[:at] + inserted + OWN[at:], common())
    assert (reading.survey is None) == bool(reading.problems)
    assert all(problem.line >= 1 for problem in reading.problems)


def test_thresholds_can_be_swapped_in_yaml() -> None:
    text = survey_text("common").replace("peg_least: 1.0", "peg_least: 1.5")
    assert survey_file.load_common(text, "common").thresholds.peg_least == 1.5
