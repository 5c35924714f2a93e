"""P8: what is kept of a patient can be shown, goes in time, and goes at once when the patient is erased."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from service.records import erasure, sessions
from service.records.alerts import close
from tests.talk.conftest import Talk

ATTIC = "climb to my attic"


def forget(talk: Talk, days: int, now: datetime) -> None:
    while talk.desk.run(lambda c: erasure.forget_old(c, now, days)):
        pass


def kept(talk: Talk) -> tuple[dict[str, Any] | None, int]:
    """The baseline, and how many texts are on record in words."""
    where = talk.session()
    start = talk.desk.run(lambda c: sessions.baseline(c, talk.desk.sending.vault, where))
    return start, talk.desk.sql("SELECT count(body) AS n FROM messages")[0].n


def test_p8_words_and_first_measurements_go_when_their_time_is_over(talk: Talk) -> None:
    talk.complete(baseline={"pain": 5, "activity": ATTIC})
    talk.invite()
    talk.says("4")
    start, texts = kept(talk)
    assert texts == 1
    forget(talk, 30, talk.now + timedelta(days=29))
    assert kept(talk) == (start, 1)
    forget(talk, 30, talk.now + timedelta(days=31))
    assert kept(talk) == (start, 0), "surveys of later weeks are still to be held against it"
    forget(talk, 30, talk.now + timedelta(days=100))
    assert kept(talk) == (None, 0)


def test_p8_the_export_shows_where_what_is_under_way_and_what_is_shut(talk: Talk) -> None:
    talk.invite()
    talk.says("4")
    talk.says("stop")
    vault = talk.desk.sending.vault
    held = talk.desk.run(lambda c: erasure.export(c, vault, talk.desk.clinic.id, "p1"))
    assert [course["site"] for course in held["courses"]] == ["knee"]
    assert [(one["channel"], one["reason"], one["lifted_at"]) for one in held["suppressions"]] == [
        ("sms", "opted_out", None)
    ]
    (conversation,) = held["conversations"]
    assert (conversation["survey"], "compared" in conversation["state"]) == ("S1", True)
    talk.says("start")
    held = talk.desk.run(lambda c: erasure.export(c, vault, talk.desk.clinic.id, "p1"))
    assert [one["lifted_at"] is None for one in held["suppressions"]] == [False]


def test_p8_erasure_leaves_no_complaint_behind_and_p9_no_alert_vanishes(talk: Talk) -> None:
    talk.invite()
    talk.says("I have chest pain")
    talk.says("and a high fever")
    before = talk.desk.sql("SELECT id, urgency FROM alerts ORDER BY id")
    assert len(before) > 1
    desk, now = talk.desk, talk.now
    desk.run(lambda c: close(c, desk.sending.vault, desk.clinic.id, before[0].id, "Called.", "Ann", now))
    assert desk.run(lambda c: erasure.erase(c, desk.sending.vault, desk.clinic.id, "p1", now))
    assert desk.sql("SELECT * FROM courses") == []
    assert desk.sql("SELECT course_id FROM sessions WHERE course_id IS NOT NULL") == []
    after = desk.sql("SELECT id, urgency, cause, closed_at FROM alerts ORDER BY id")
    assert [(row.id, row.urgency) for row in after] == [tuple(row) for row in before]
    assert all(row.cause.startswith("erased") for row in after)
    assert [row.closed_at is None for row in after] == [False] + [True] * (len(after) - 1)
    last = after[-1].id
    assert desk.run(lambda c: close(c, desk.sending.vault, desk.clinic.id, last, "Erased.", "Ann", now))
