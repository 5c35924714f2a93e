"""How well replies are read, on the labelled set: P9 (red flags) and P3 (opt-outs).

`replies_open.jsonl` was looked at while the rules were written, `replies_held.jsonl` was not, but for one opt-out that
a failing test once printed. `replies_blind.jsonl` was written later, by somebody who had seen neither rules nor
replies, and was scored before anybody looked at it (red flags 59 of 60, opt-outs 100 of 100). The precision beside the
recall keeps "everything is a red flag" from passing.

`replies_clauses.jsonl` is hard on purpose: a sign in one clause, and in the other what could take it away. Its author
had read the rules; the rules as they stood missed 12 of its 96 signs and took 22 of its 92 calm replies for signs. The
last 48 lines were written after the change, and were misread in 2 of 24 and 6 of 24.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from service.care.replies import read

FOLDER = Path(__file__).parent
SEVERE = 8
HELD = [("red_flags", 0.98, 0.96), ("stop", 0.99, 0.99)]


@dataclass(frozen=True)
class Score:
    """Recall and precision, with what was missed."""

    recall: float
    precision: float
    missed: list[str]
    false: list[str]


def replies(name: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in (FOLDER / name).read_text("utf-8").splitlines()]


def score(lines: list[dict[str, object]], wanted: str) -> Score:
    """Of a reply as a whole: is it put before the rules that raise alarms, does it stop the texts.

    Pain said to be 8 or more of 10 is labelled as a red flag, and goes to those rules as a score.
    """
    hit, missed, false = 0, [], []
    for line in lines:
        text = str(line["text"])
        reading = read(text)
        heard = bool(reading.red_flags) or (reading.said_pain or 0) >= SEVERE
        found = heard if wanted == "red_flags" else reading.stop
        should = bool(line[wanted])
        hit += found and should
        if should and not found:
            missed.append(text)
        if found and not should:
            false.append(text)
    return Score(hit / (hit + len(missed)), hit / (hit + len(false)), missed, false)


@pytest.mark.parametrize("name", ["replies_open.jsonl", "replies_fresh.jsonl", "replies_blind.jsonl"])
@pytest.mark.parametrize(("wanted", "recall", "precision"), [("red_flags", 0.98, 0.9), ("stop", 0.99, 0.9)])
def test_replies_are_read_as_a_careful_nurse_would(name: str, wanted: str, recall: float, precision: float) -> None:
    got = score(replies(name), wanted)
    assert got.recall >= recall, f"recall {got.recall:.3f}; missed: {got.missed}"
    assert got.precision >= precision, f"precision {got.precision:.3f}; false: {got.false}"


def test_p9_a_sign_is_seen_beside_a_clause_that_could_take_it_away() -> None:
    got = score(replies("replies_clauses.jsonl"), "red_flags")
    assert got.recall >= 0.98, f"missed: {got.missed}"
    assert got.precision >= 0.88, f"false: {got.false}"


@pytest.mark.parametrize(("wanted", "recall", "precision"), HELD)
def test_replies_never_looked_at_are_read_no_worse_than_measured(wanted: str, recall: float, precision: float) -> None:
    """Numbers only: a text in the message would be a look at the held part."""
    got = score(replies("replies_held.jsonl"), wanted)
    numbers = (round(got.recall, 3), round(got.precision, 3))
    del got
    assert numbers[0] >= recall, f"recall {numbers[0]}"
    assert numbers[1] >= precision, f"precision {numbers[1]}"
