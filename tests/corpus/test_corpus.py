"""The labelled replies are well formed, so that a bad score means a bad reading and not a bad corpus."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
FILES = ("replies_open.jsonl", "replies_held.jsonl")
RED_FLAGS = {
    "breathing",
    "chest_pain",
    "face_or_throat_swelling",
    "fainting",
    "new_weakness",
    "bladder_or_bowel",
    "fever_with_stiff_neck",
    "self_harm",
    "fever",
    "spreading_redness_or_heat",
    "pus",
    "cannot_move_or_bear_weight",
    "headache_worse_upright",
    "calf_pain_or_swelling",
    "numbness",
    "hives",
    "severe_or_growing_pain",
}

Row = dict[str, Any]


def _rows(name: str) -> list[Row]:
    return [json.loads(line) for line in (HERE / name).read_text(encoding="utf-8").splitlines()]


def _everything() -> list[Row]:
    return [row for name in FILES for row in _rows(name)]


def _own_words(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.startswith(">"))


@pytest.mark.parametrize("name", FILES)
def test_every_line_has_the_same_fields_and_types(name: str) -> None:
    for row in _rows(name):
        assert list(row) == ["text", "language", "stop", "start", "help", "red_flags", "number", "note"], row
        assert isinstance(row["text"], str), row
        assert row["text"].strip(), row
        assert row["language"] in {"en", "es", "mixed"}, row
        assert all(type(row[field]) is bool for field in ("stop", "start", "help")), row
        assert isinstance(row["note"], str), row


@pytest.mark.parametrize("name", FILES)
def test_red_flags_come_from_the_closed_list_once_each(name: str) -> None:
    for row in _rows(name):
        assert set(row["red_flags"]) <= RED_FLAGS, row
        assert len(set(row["red_flags"])) == len(row["red_flags"]), row


@pytest.mark.parametrize("name", FILES)
def test_labels_do_not_contradict_each_other(name: str) -> None:
    for row in _rows(name):
        assert row["stop"] + row["start"] + row["help"] <= 1, row
        assert row["number"] is None or (type(row["number"]) is int and 0 <= row["number"] <= 10), row
        if "fever_with_stiff_neck" in row["red_flags"]:
            assert "fever" in row["red_flags"], row


def test_no_reply_appears_twice_in_or_across_the_files() -> None:
    counts = Counter(row["text"].strip() for row in _everything())
    assert [text for text, count in counts.items() if count > 1] == []


def test_there_are_enough_replies_and_a_third_is_held() -> None:
    open_count, held_count = (len(_rows(name)) for name in FILES)
    assert open_count + held_count >= 420
    assert 0.31 <= held_count / (open_count + held_count) <= 0.36


@pytest.mark.parametrize("flag", sorted(RED_FLAGS))
def test_every_red_flag_is_said_often_in_both_languages_and_on_both_sides(flag: str) -> None:
    said = [row for row in _everything() if flag in row["red_flags"]]
    assert len(said) >= 6
    assert {"en", "es"} <= {row["language"] for row in said}
    for name in FILES:
        assert any(flag in row["red_flags"] for row in _rows(name)), name


@pytest.mark.parametrize(
    ("label", "low", "high"),
    [
        (lambda row: bool(row["red_flags"]), 0.28, 0.42),
        (lambda row: row["stop"], 0.13, 0.22),
        (lambda row: row["number"] is not None, 0.06, 0.14),
        (lambda row: row["language"] != "en", 0.20, 0.45),
    ],
    ids=["red flags", "opt-outs", "numbers", "not English"],
)
@pytest.mark.parametrize("name", FILES)
def test_the_mix_is_alike_in_both_files(name: str, label: Callable[[Row], bool], low: float, high: float) -> None:
    rows = _rows(name)
    assert low <= sum(map(label, rows)) / len(rows) <= high


def test_some_replies_carry_our_own_stop_line_only_in_the_quote() -> None:
    quoted = [row for row in _everything() if "STOP" in row["text"] and "STOP" not in _own_words(row["text"])]
    assert len(quoted) >= 5
    assert not any(row["stop"] for row in quoted)
