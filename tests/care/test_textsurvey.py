"""Conversations by text, replayed from tables (tests/care/conversations), and what no conversation may ever do."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.care.segments import count
from service.care.surveys import WARNING_SIGNS
from service.care.textsurvey import (
    TIMEOUT,
    Effect,
    End,
    Keep,
    Outgoing,
    Phase,
    Record,
    Say,
    State,
    What,
    completed_on_page,
    expire,
    start,
    step,
)
from tests.care.surveys_shipped import SURVEY_IDS, survey

CASES = sorted((Path(__file__).parent / "conversations").glob("*.json"))
NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)


def told(effect: Effect, state: State) -> dict[str, Any]:
    """An effect as the tables write it."""
    match effect:
        case Record(answer, words):
            recorded: dict[str, Any] = {"record": answer.question, "answer": answer.stored}
            return recorded | ({"words": words} if words else {})
        case Keep(words):
            return {"keep": words}
        case End(phase):
            return {"end": phase.value}
        case Say(outgoing):
            said: dict[str, Any] = {"say": outgoing.what.value}
            return said | ({"asks": state.question} if outgoing.what in (What.QUESTION, What.AGAIN) else {})


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_conversation(path: Path) -> None:
    case = json.loads(path.read_text("utf-8"))
    asked = survey(case["survey"])
    now = NOON
    state, first = start(
        asked, case["language"], case["day"], case.get("has_activity", False), now, frozenset(case.get("answered", []))
    )
    texts = [first.text]
    assert state.question == case["first"]
    for turn in case["turns"]:
        now += timedelta(minutes=turn.get("after_minutes", 2))
        # Through JSON each time, as it is kept between two texts.
        state = State.from_json(json.loads(json.dumps(state.to_json())))
        state, effects = step(asked, state, turn["patient"], now, frozenset(turn.get("on_page", [])))
        assert [told(effect, state) for effect in effects] == turn["then"], turn["patient"]
        texts += [effect.outgoing.text for effect in effects if isinstance(effect, Say)]
    assert state.phase.value == case["ends"]
    assert sorted(state.answered) == sorted(case["answered_by_text"])
    for part in case.get("texts_contain", []):
        assert any(part in text for text in texts), (part, texts)


def test_there_are_conversations_in_both_languages() -> None:
    languages = [json.loads(path.read_text("utf-8"))["language"] for path in CASES]
    assert len(languages) >= 12
    assert languages.count("es") >= 4


def test_a_finished_page_ends_the_conversation_without_a_text() -> None:
    """P3: nothing more goes out about an answered survey."""
    state, _ = start(survey("S1"), "en", 1, False, NOON)
    over = completed_on_page(state)
    assert over.phase is Phase.DONE
    assert step(survey("S1"), over, "7", NOON) == (over, (Keep("7"),))
    assert completed_on_page(over) == over


def test_the_clock_closes_an_old_question_and_only_that() -> None:
    state, _ = start(survey("S1"), "en", 1, False, NOON)
    assert expire(state, NOON + TIMEOUT) == state
    late = expire(state, NOON + TIMEOUT + timedelta(seconds=1))
    assert late.phase is Phase.TIMED_OUT
    assert step(survey("S1"), late, "7", NOON + TIMEOUT + timedelta(hours=1))[1] == (Keep("7"),)


def test_nothing_left_to_ask() -> None:
    everything = frozenset(question.id for question in survey("S1").questions)
    state, outgoing = start(survey("S1"), "en", 1, False, NOON, everything)
    assert (state.phase, outgoing.what) == (Phase.DONE, What.THANKS)


def test_an_unknown_language_falls_back_to_the_first() -> None:
    _, outgoing = start(survey("S1"), "fr", 1, False, NOON)
    assert outgoing == Outgoing(What.QUESTION, "Pain now, 0 to 10? 0 is none, 10 is the worst")


def test_a_survey_changed_under_way_goes_on_on_the_page() -> None:
    state, _ = start(survey("S1"), "en", 1, False, NOON)
    _, effects = step(survey("S6"), state, "7", NOON)
    assert effects[-1] == End(Phase.ON_PAGE)


# What tends to be typed, more often than random letters would hit it.
replies = st.one_of(
    st.sampled_from(
        ["7", "0", "10", "yes", "no", "1 3", "none", "sí", "maybe", "skip", "climb stairs", "1", "2", "4", "?"]
    ),
    st.text(max_size=20),
)


@given(
    st.sampled_from(SURVEY_IDS),
    st.sampled_from(["en", "es"]),
    st.booleans(),
    st.lists(st.tuples(replies, st.integers(0, 300)), max_size=25),
)
def test_whatever_is_typed(survey_id: str, language: str, has_activity: bool, typed: list[tuple[str, int]]) -> None:
    """One segment a text; at most one text a reply; never a question twice over; and it always ends."""
    asked = survey(survey_id)
    now = NOON
    state, first = start(asked, language, 3, has_activity, now)
    assert count(first.text).segments == 1
    recorded: list[str] = []
    for text, minutes in typed:
        now += timedelta(minutes=minutes)
        before = state
        state, effects = step(asked, state, text, now)
        said = [effect.outgoing for effect in effects if isinstance(effect, Say)]
        assert len(said) <= 1
        for outgoing in said:
            filled = outgoing.text.replace("{link}", "x" * 30).replace("{phone}", "x" * 12).replace("{emerg}", "911")
            assert count(filled).segments == 1
        assert State.from_json(json.loads(json.dumps(state.to_json()))) == state
        for effect in effects:
            if isinstance(effect, Record):
                assert effect.answer.question == before.question, "an answer belongs to the question that was asked"
                if effect.answer.question in state.answered:
                    recorded.append(effect.answer.question)
                if effect.answer.chosen & WARNING_SIGNS:
                    assert state.phase is Phase.WARNED, "P9: a sign ends the questions"
            if isinstance(effect, End):
                assert state.phase is effect.phase
        if before.phase is not Phase.ASKING:
            assert (state, effects) == (before, (Keep(text),)), "nothing revives a conversation that is over"
    assert len(recorded) == len(set(recorded))


def test_the_state_holds_no_answers() -> None:
    """P8: it may lie about unsealed."""
    state, _ = start(survey("S1"), "en", 1, False, NOON)
    for text in ("9", "4", "4"):
        state, _ = step(survey("S1"), state, text, NOON)
    stored = json.dumps(state.to_json())
    assert state.answered == {"pain", "compared", "swelling"}
    assert "9" not in stored.replace(NOON.isoformat(), "")
    assert "much_worse" not in stored
    assert "severe" not in stored


def test_a_list_by_text_is_the_same_for_every_site() -> None:
    """P8: a list of signs cut to the site would tell where the patient was treated."""
    state, _ = start(survey("S4"), "en", 14, False, NOON, frozenset({"peg_pain", "peg_enjoyment", "peg_activity"}))
    _, effects = step(survey("S4"), state, "0", NOON)
    said = next(effect.outgoing.text for effect in effects if isinstance(effect, Say))
    assert "red or hot skin" in said
    assert "headache" not in said, "not asked after day 5"
