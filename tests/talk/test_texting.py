"""A survey by text, from the invitation to the thanks: stored, triaged, and nothing asked that is answered (P3)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import Connection

from service.care.segments import count
from service.records import outbox
from service.records.library import library
from tests.talk.conftest import Talk
from workers.compose import Composer

CASES = sorted((Path(__file__).parents[1] / "care" / "conversations").glob("*.json"))


def prompt(question: str, language: str = "en") -> str:
    common = library().common.questions
    return common[question].sms[language]


def test_from_the_first_number_to_the_thanks(talk: Talk) -> None:
    talk.invite()
    (asked,) = talk.says("4")
    assert asked.startswith(prompt("compared"))
    talk.says("3 mostly at night")
    talk.says("1")
    said = talk.says("0")
    for body in ("none", "0", "no"):
        said = said if said[0].startswith("Thank") else talk.says(body)
    assert said[0].startswith("Thank you")
    assert "This is not medical advice" in said[0]
    assert "call 202-555-0100, or 911 in an emergency" in said[0]
    assert count(said[0]).segments == 1
    assert talk.response().completed_at is not None
    assert talk.answers()["pain"] == 4
    assert talk.desk.sql("SELECT ended_at FROM conversations")[0].ended_at is not None
    # P3: the reminder is not wanted any more
    (reminder,) = talk.desk.sql("SELECT state, reason FROM messages WHERE step = 'day1.reminder'")
    assert (reminder.state, reminder.reason) == ("skipped", "answered")


def test_what_was_measured_at_the_visit_is_not_asked_by_text(talk: Talk) -> None:
    talk.complete(baseline={"peg": [5, 4, 6]})
    talk.invite("welcome", minutes=20)
    (asked,) = talk.says("4")
    assert asked == prompt("activity_name")
    (asked,) = talk.says("climb stairs")
    assert asked == prompt("activity")
    assert talk.says("3")[0].startswith("Thank you")
    assert talk.answers("S0") == {"pain": 4, "activity_name": "climb stairs", "activity": 3}


def test_a_number_is_no_answer_to_what_was_measured_at_the_visit(talk: Talk) -> None:
    talk.complete(baseline={"pain": 5})
    talk.invite("welcome", minutes=20)
    assert talk.says("4") == ["auto_reply"]
    assert talk.answers("S0") == {}


def test_a_reminder_that_is_queued_already_is_withdrawn(talk: Talk) -> None:
    """P3."""
    talk.invite()
    talk.desk.sql("UPDATE messages SET state = 'queued' WHERE step = 'day1.reminder'")
    talk.on_page({"compared": "same", "swelling": "mild", "signs": ["none"], "medicine": ["none"]})
    talk.says("4")
    (row,) = talk.desk.sql("SELECT state FROM messages WHERE step = 'day1.reminder'")
    assert row.state == "queued"
    talk.says("no")
    assert talk.response().completed_at is not None
    (row,) = talk.desk.sql("SELECT state, reason FROM messages WHERE step = 'day1.reminder'")
    assert (row.state, row.reason) == ("skipped", "answered")


def test_bodies_are_one_segment_sealed_and_name_nothing(talk: Talk) -> None:
    """P8."""
    talk.invite()
    (asked,) = talk.says("4")
    assert count(asked).segments == 1
    assert "knee" not in asked
    assert "Ana" not in asked
    (row,) = talk.desk.sql("SELECT * FROM messages WHERE step LIKE 'survey_text.%'")
    assert b"before" not in bytes(row.body)
    assert (row.priority, row.survey) == (0, "S1")
    (kept,) = talk.desk.sql("SELECT state FROM conversations")
    assert b"S1" not in bytes(kept.state)


def test_a_number_without_an_open_survey_is_a_reply_like_any(talk: Talk) -> None:
    talk.invite()
    talk.later(hours=30)
    assert talk.says("4") == ["auto_reply"]
    assert talk.answers() == {}


def test_a_sign_by_number_alarms_at_once_and_asks_no_more(talk: Talk) -> None:
    """P9."""
    talk.invite()
    for body in ("6", "3", "3"):
        talk.says(body)
    assert talk.says("1") == ["red_flag"]
    (alert,) = talk.desk.alerts()
    assert alert[1] in talk.answers()["signs"]


def test_a_sign_in_words_leaves_the_question_open(talk: Talk) -> None:
    talk.invite()
    talk.says("5")
    assert talk.says("I can't catch my breath") == ["red_flag"]
    assert talk.answers() == {"pain": 5}
    (asked,) = talk.says("2")
    assert asked.startswith(prompt("swelling"))


def test_a_number_beside_a_sign_counts_and_nothing_is_asked(talk: Talk) -> None:
    talk.invite()
    assert talk.says("6 and I have a fever") == ["red_flag"]
    assert talk.answers() == {"pain": 6}
    assert talk.says("2") == ["auto_reply"]


def test_stop_in_the_middle_stops_all_and_yes_never_un_stops(talk: Talk) -> None:
    """P3."""
    talk.invite()
    talk.says("5")
    talk.says("stop please")
    assert talk.desk.suppressed() == ["opted_out"]
    waiting = "SELECT step FROM messages WHERE state IN ('planned', 'queued') AND step LIKE 'survey_text%'"
    before = len(talk.desk.sql(waiting))
    for body in ("1", "yes", "Yes please"):
        talk.says(body)
    assert len(talk.desk.sql(waiting)) == before
    assert talk.desk.suppressed() == ["opted_out"]
    assert talk.answers() == {"pain": 5}


@pytest.mark.parametrize(
    "body", ["Don't call", "no dont call me", "no me llamen", "no just text me", "No, text me instead"]
)
def test_no_call_answers_the_question_and_stops_nothing(talk: Talk, body: str) -> None:
    """P3: asked anything else it may be a stop, and a person looks."""
    talk.invite()
    for answer in ("4", "3", "1", "0", "0", "0", "0"):
        if talk.texts()[-1:] and "call you?" in talk.texts()[-1]:
            break
        talk.says(answer)
    assert "call you?" in talk.texts()[-1]
    (thanks,) = talk.says(body)
    assert thanks.startswith("Thank")
    assert talk.answers()["call"] is False
    assert talk.desk.suppressed() == []
    assert talk.desk.waiting() > 0


def test_no_call_out_of_the_blue_is_a_person_s_to_judge(talk: Talk) -> None:
    talk.invite()
    talk.says("4")
    assert talk.says("Don't call me") == ["stop_confirm"]
    assert [bool(row.certain) for row in talk.desk.sql("SELECT certain FROM suppressions")] == [False]
    assert talk.desk.replies()[-1].seen_by is None


def test_nonsense_is_asked_once_more_and_then_the_page_takes_over(talk: Talk) -> None:
    talk.invite()
    talk.says("5")
    (again,) = talk.says("purple")
    assert again.startswith("Once more: " + prompt("compared"))
    (page,) = talk.says("idk lol")
    assert "{link}" in page  # the send job fills it in with the message's own token
    assert talk.says("hm") == ["auto_reply"]


def seen_by(talk: Talk) -> str | None:
    """Who has dealt with the reply that came last."""
    found: str | None = talk.desk.replies()[-1].seen_by
    return found


@pytest.mark.parametrize("body", ["please call me", "call me asap", "SOB and dizzy", "my neck so stiff"])
def test_what_is_no_answer_is_read_by_a_person(talk: Talk, body: str) -> None:
    """P9: however short, asked again or handed to the page."""
    talk.invite()
    talk.says("7")
    for _ in range(3):
        talk.says(body)
        assert seen_by(talk) is None


def test_words_beside_an_answer_are_read_by_a_person(talk: Talk) -> None:
    """P9: the answer counts, and the request is not lost with it."""
    talk.invite()
    talk.says("7 please call me")
    assert talk.answers() == {"pain": 7}
    assert seen_by(talk) is None


def test_a_plain_answer_is_with_the_survey(talk: Talk) -> None:
    """Every kind of question, also the parts of a list."""
    talk.invite()
    for body in ("7", "a bit worse", "1", "0", "none", "0", "No I'm fine"):
        talk.says(body)
        assert seen_by(talk) == "rule answer"
    assert talk.response().completed_at is not None


def test_the_page_is_the_message_s_own_link(talk: Talk) -> None:
    talk.invite()
    for body in ("5", "purple", "idk lol"):
        talk.says(body)
    row_id = talk.desk.sql("SELECT max(id) AS id FROM messages WHERE step LIKE 'survey_text.%'")[0].id
    talk.desk.sql("UPDATE messages SET state = 'queued' WHERE id = :id", id=row_id)
    composer = Composer("https://care.example")

    def words(connection: Connection) -> str:
        (ready,) = outbox.read(connection, talk.desk.sending.vault, [row_id])
        return composer.sms(connection, ready, talk.desk.clinic, "t0ken")

    said = talk.desk.run(words)
    assert "https://care.example/s/t0ken" in said
    assert "202-555-0100" in said
    assert "{" not in said


@pytest.mark.parametrize(("locale", "hours"), [("en", "Mon-Fri 9am-5pm"), ("es", "lun-vie 9am-5pm")])
def test_p10_when_somebody_reads_is_said_in_the_patients_language(talk: Talk, locale: str, hours: str) -> None:
    talk.invite()
    talk.later(hours=30)
    talk.says("4")
    talk.desk.sql("UPDATE patients SET locale = :locale", locale=locale)
    [row] = talk.desk.sql("UPDATE messages SET state = 'queued' WHERE step = 'auto_reply' RETURNING id")

    def words(connection: Connection) -> str:
        (ready,) = outbox.read(connection, talk.desk.sending.vault, [row.id])
        return Composer("https://care.example").sms(connection, ready, talk.desk.clinic, "")

    said = talk.desk.run(words)
    assert f" {hours}, " in said
    assert count(said).segments == 1


def test_a_late_answer_gets_the_page_and_is_not_recorded(talk: Talk) -> None:
    talk.invite()
    talk.says("3")
    (page,) = talk.says("1", minutes=60 * 13)
    assert "{link}" in page
    assert talk.answers() == {"pain": 3}


def test_the_page_wins_over_the_open_question(talk: Talk) -> None:
    """P3: what was asked and has not left is withdrawn, and nothing more is asked."""
    talk.invite()
    talk.says("4")
    talk.on_page({"compared": "same"})
    (asked,) = talk.says("1")
    assert not asked.startswith(prompt("compared"))
    talk.on_page({"swelling": "mild", "signs": ["none"], "medicine": ["none"], "call": "no"}, finish=True)
    states = {row.state for row in talk.desk.sql("SELECT state FROM messages WHERE step LIKE 'survey_text%'")}
    assert states == {"skipped"}
    assert talk.says("2") == ["auto_reply"]


def test_help_is_answered_and_the_question_stays_open(talk: Talk) -> None:
    talk.invite()
    talk.says("4")
    talk.says("HELP")
    (asked,) = talk.says("2")
    assert asked.startswith(prompt("swelling"))


def test_two_visits_with_open_surveys_are_not_guessed_between(talk: Talk) -> None:
    talk.complete(session="s2", site="shoulder")
    talk.later(days=1)
    for row in talk.desk.sql("SELECT id FROM messages WHERE step = 'day1'"):
        talk.desk.sql("UPDATE messages SET state = 'accepted', handed_at = due_at WHERE id = :id", id=row.id)
    assert talk.says("4") == ["auto_reply"]


def _begins_with_a_number(path: Path) -> bool:
    case = json.loads(path.read_text("utf-8"))
    first = case["turns"][0]["then"][0].get("record")
    return case["survey"] == "S1" and not case.get("answered") and first == "pain"


@pytest.mark.parametrize("path", [path for path in CASES if _begins_with_a_number(path)], ids=lambda path: path.stem)
def test_replayed(talk: Talk, path: Path) -> None:
    """The conversations of the state machine, through the whole house: what they record is on record."""
    case = json.loads(path.read_text("utf-8"))
    talk.desk.sql("UPDATE patients SET locale = :locale", locale=case["language"])
    talk.invite()
    expected: dict[str, object] = {}
    for turn in case["turns"]:
        if "on_page" in turn:
            talk.on_page({name: _page(name) for name in turn["on_page"]})
        talk.says(turn["patient"], minutes=turn.get("after_minutes", 2))
        expected |= {one["record"]: one["answer"] for one in turn["then"] if "record" in one}
        assert {name: talk.answers().get(name) for name in expected} == expected, turn["patient"]
    done = talk.response().completed_at is not None
    assert done == (case["ends"] == "done")


def _page(name: str) -> object:
    return {"compared": "same", "swelling": "mild", "signs": ["none"], "medicine": ["none"], "call": "no"}[name]
