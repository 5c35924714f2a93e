"""Where a patient starts from: what is there, what is left to ask, and which word stands."""

from __future__ import annotations

from typing import Any

import pytest

from service.care import baselines
from tests.care.surveys_shipped import survey

WHOLE = {"pain": 5, "peg": [5, 4, 6], "activity": "climb stairs", "activity_score": 3}
START = survey("S0")


def test_the_shipped_survey_asks_for_all_of_a_baseline_and_nothing_else() -> None:
    assert baselines.measured(START, WHOLE) == {question.id for question in START.questions}
    assert baselines.is_complete(START, WHOLE)


@pytest.mark.parametrize("missing", sorted(WHOLE))
def test_a_baseline_that_lacks_anything_leaves_something_to_ask(missing: str) -> None:
    kept = {name: value for name, value in WHOLE.items() if name != missing}
    assert not baselines.is_complete(START, kept)
    assert baselines.measured(START, kept) != baselines.measured(START, WHOLE)


@pytest.mark.parametrize("kept", [None, {}, {"pain": 5}])
def test_without_a_survey_at_the_start_what_there_is_must_do(kept: dict[str, Any] | None) -> None:
    assert baselines.is_complete(None, kept) is bool(kept)


@pytest.mark.parametrize(
    ("first", "further", "expected"),
    [
        ({"pain": 5}, {"pain": 7, "peg": [1, 2, 3]}, {"pain": 5, "peg": [1, 2, 3]}),
        ({"activity": "walk"}, {"activity_score": 4}, {"activity": "walk", "activity_score": 4}),
        ({"activity": "walk"}, {"activity": "climb", "activity_score": 4}, {"activity": "walk"}),
        ({"activity": "walk"}, {"activity": "walk", "activity_score": 4}, {"activity": "walk", "activity_score": 4}),
        ({"activity_score": 6}, {"activity": "walk", "activity_score": 4}, {"activity": "walk", "activity_score": 4}),
        ({"activity_score": 6}, {"activity": "walk"}, {"activity": "walk"}),
        ({"pain": 5}, {"activity_score": 6}, {"pain": 5, "activity_score": 6}),
    ],
)  # fmt: skip
def test_the_first_word_stands_and_a_score_goes_with_its_activity(
    first: dict[str, Any], further: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert baselines.joined(first, further) == expected
