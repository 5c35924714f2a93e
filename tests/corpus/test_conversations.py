"""The recorded conversations are well formed and agree with their own outcome, so that a harness can trust them."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

Conversation = dict[str, Any]

FILES = sorted((Path(__file__).parent / "conversations").glob("*.json"))
KINDS = {"question", "reask", "thanks", "stop", "timeout", "red_flag", "resume_link", "nothing"}
DELAY = re.compile(r"\+\d+[mhd]")


def _load(path: Path) -> Conversation:
    conversation: Conversation = json.loads(path.read_text(encoding="utf-8"))
    return conversation


def _expectations(conversation: Conversation) -> list[dict[str, Any]]:
    return [turn["expect"] for turn in conversation["turns"] if "expect" in turn]


def _plain(recorded: Any) -> Any:
    return recorded["answer"] if isinstance(recorded, dict) else recorded


def _replayed_answers(conversation: Conversation) -> dict[str, Any]:
    answers: dict[str, Any] = {}
    for turn in conversation["turns"]:
        answers |= turn.get("page", {})
        answers |= {key: _plain(value) for key, value in turn.get("expect", {}).get("recorded", {}).items()}
    return answers


def _allowed(question: dict[str, Any], answer: Any) -> bool:
    if question["kind"] == "scale":
        return type(answer) is int and 0 <= answer <= 10
    if question["kind"] == "signs":
        return isinstance(answer, list) and set(answer) <= set(question["choices"])
    return answer in question["choices"]


def test_there_are_enough_in_both_languages_and_every_kind_is_expected_somewhere() -> None:
    conversations = [_load(path) for path in FILES]
    assert len(conversations) >= 12
    assert sum(conversation["language"] == "es" for conversation in conversations) >= 5
    assert {expected["kind"] for conv in conversations for expected in _expectations(conv)} == KINDS


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_turns_are_well_formed(path: Path) -> None:
    conversation = _load(path)
    assert list(conversation) == ["language", "promise", "survey", "questions", "turns", "outcome"]
    assert path.stem.endswith(f"_{conversation['language']}")
    ids = [question["id"] for question in conversation["questions"]]
    for turn in conversation["turns"]:
        # A delay goes with what the patient does, and with the silence before a time-out.
        needs_delay = "expect" not in turn or turn["expect"]["kind"] == "timeout"
        assert set(turn) - {"at"} in ({"patient"}, {"page"}, {"expect"}), turn
        assert ("at" in turn) == needs_delay, turn
        assert "at" not in turn or DELAY.fullmatch(turn["at"]), turn
    for expected in _expectations(conversation):
        assert set(expected) <= {"kind", "question", "recorded", "flags"}, expected
        assert expected["kind"] in KINDS, expected
        assert (expected.get("question") in ids) == (expected["kind"] in {"question", "reask"}), expected


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_act_of_the_patient_is_followed_by_what_to_expect(path: Path) -> None:
    turns = _load(path)["turns"]
    assert turns[0] == {"expect": {"kind": "question", "question": "pain"}}
    assert "expect" in turns[-1]
    for before, after in pairwise(turns):
        assert "expect" in before or "expect" in after, (before, after)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_outcome_agrees_with_the_turns(path: Path) -> None:
    conversation = _load(path)
    outcome, expected = conversation["outcome"], _expectations(conversation)
    questions = {question["id"]: question for question in conversation["questions"]}
    kinds = [one["kind"] for one in expected]
    assert outcome["answers"] == _replayed_answers(conversation)
    assert all(_allowed(questions[key], answer) for key, answer in outcome["answers"].items())
    assert outcome["red_flags"] == [flag for one in expected for flag in one.get("flags", [])]
    assert outcome["opted_out"] == ("stop" in kinds)
    complete = set(outcome["answers"]) == set(questions)
    assert outcome["survey"] == ("complete" if complete else "partial" if outcome["answers"] else "untouched")
    assert complete == ("thanks" in kinds)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_nothing_is_expected_after_an_opt_out(path: Path) -> None:
    """P3."""
    kinds = [one["kind"] for one in _expectations(_load(path))]
    if "stop" in kinds:
        assert set(kinds[kinds.index("stop") + 1 :]) <= {"nothing"}
