"""The surveys and rules that ship, loaded once for the tests of this folder."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from service.care import survey_file, triage_file
from service.care.surveys import Answer, Question, Survey, validate

TEMPLATES = Path(__file__).parents[2] / "templates"
SURVEY_IDS = ("S0", "S1", "S2", "S3", "S4", "S5", "S6")


def survey_text(name: str) -> str:
    return (TEMPLATES / "surveys" / f"{name.lower()}.yaml").read_text("utf-8")


def rules_text() -> str:
    return (TEMPLATES / "triage" / "prolotherapy.yaml").read_text("utf-8")


@cache
def common() -> survey_file.Common:
    return survey_file.load_common(survey_text("common"), "common.yaml")


@cache
def survey(survey_id: str) -> Survey:
    return survey_file.load(survey_text(survey_id), common(), f"{survey_id}.yaml")


@cache
def plan() -> triage_file.TriagePlan:
    return triage_file.load(rules_text(), "prolotherapy.yaml")


def question(question_id: str) -> Question:
    return common().questions[question_id]


def answered(**raw: object) -> dict[str, Answer]:
    """Valid answers to shared questions, by question id."""
    found = {}
    for question_id, value in raw.items():
        answer = validate(question(question_id), value)
        assert isinstance(answer, Answer), (question_id, value)
        found[question_id] = answer
    return found
