"""Where a patient starts from: what came with the event and what the survey at the start adds to it.

A baseline is kept as events have it: `pain`, `peg` (all three or none), `activity`, `activity_score`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.care.scores import Scores
from service.care.surveys import Answer, Measure, Survey

SURVEY = "S0"
"""The survey whose answers are a baseline."""
_KEPT_AS: Mapping[Measure, frozenset[str]] = {
    Measure.NRS: frozenset({"pain"}),
    Measure.PEG_PAIN: frozenset({"peg"}),
    Measure.PEG_ENJOYMENT: frozenset({"peg"}),
    Measure.PEG_ACTIVITY: frozenset({"peg"}),
    Measure.PSFS_ACTIVITY: frozenset({"activity"}),
    Measure.PSFS: frozenset({"activity", "activity_score"}),  # a score of what nobody named says nothing
}


@dataclass(frozen=True, slots=True)
class Baseline:
    """Where a patient started from."""

    scores: Scores
    activity: str | None
    """The patient's own words."""


def read(kept: Mapping[str, Any]) -> Baseline:
    peg = kept.get("peg")
    return Baseline(
        Scores(
            nrs=kept.get("pain"),
            peg=round(sum(peg) / 3, 2) if peg else None,
            peg_pain=peg[0] if peg else None,
            psfs=kept.get("activity_score"),
        ),
        kept.get("activity"),
    )


def of_answers(answers: Mapping[str, Answer]) -> dict[str, Any]:
    """What answers come to as a baseline."""
    by_measure = {answer.measure: answer for answer in answers.values() if answer.measure is not None}
    peg = [by_measure.get(one) for one in (Measure.PEG_PAIN, Measure.PEG_ENJOYMENT, Measure.PEG_ACTIVITY)]
    found: dict[str, Any] = {}
    if pain := by_measure.get(Measure.NRS):
        found["pain"] = pain.score
    if all(peg):
        found["peg"] = [item.score for item in peg if item is not None]
    if name := by_measure.get(Measure.PSFS_ACTIVITY):
        found["activity"] = name.value
    if score := by_measure.get(Measure.PSFS):
        found["activity_score"] = score.score
    return found


def measured(survey: Survey, kept: Mapping[str, Any]) -> frozenset[str]:
    """The survey's questions that this baseline answers already."""
    return frozenset(name for name, needed in _needed(survey).items() if needed <= kept.keys())


def is_complete(survey: Survey | None, kept: Mapping[str, Any] | None) -> bool:
    """Whether nothing is left for the survey to ask: one number alone would leave the others without a start."""
    if survey is None or not kept:
        return bool(kept)
    return measured(survey, kept) == _needed(survey).keys()


def _needed(survey: Survey) -> dict[str, frozenset[str]]:
    """Of every question that a baseline may answer: under which names it has the answer."""
    asked = ((question.id, question.measure) for question in survey.questions)
    return {name: _KEPT_AS[measure] for name, measure in asked if measure is not None and measure in _KEPT_AS}


def joined(first: Mapping[str, Any], further: Mapping[str, Any]) -> dict[str, Any]:
    """`first`, and what only `further` says. A score of an activity never comes to stand beside another activity."""
    if "activity" not in first and "activity" in further:
        first = _without_score(first)
    elif further.get("activity", first.get("activity")) != first.get("activity"):
        further = _without_score(further)
    return {**further, **first}


def _without_score(kept: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in kept.items() if name != "activity_score"}
