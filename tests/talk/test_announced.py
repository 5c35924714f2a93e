"""Clinics' own systems hear of replies and of surveys by text, in the transaction that reads them."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import insert

from service.records import hooks
from service.records.ids import new_id
from service.records.webhook_tables import webhook_endpoints
from tests.talk.conftest import NOW, Talk
from workers import listen


@pytest.fixture
def heard(talk: Talk) -> Talk:
    row_id = new_id()
    values = {
        "id": row_id,
        "clinic_id": talk.desk.clinic.id,
        "url": "https://hooks.example/",
        "secret": talk.desk.sending.vault.seal("x", row_id),
        "types": "*",
        "created_at": NOW,
        "failures": 0,
    }
    talk.desk.run(lambda c: c.execute(insert(webhook_endpoints).values(**values)))
    hooks.forget_known()
    return talk


def events(talk: Talk, kind: str) -> list[dict[str, object]]:
    rows = talk.desk.sql("SELECT id, body FROM webhook_events WHERE type = :kind ORDER BY id", kind=kind)
    return [json.loads(talk.desk.sending.vault.open(row.body, row.id)) for row in rows]


def test_a_matched_reply_is_announced_as_the_api_shows_it(heard: Talk) -> None:
    heard.says("How long will it hurt?")
    (event,) = events(heard, "reply.received")
    assert (event["patient"], event["session"]) == ({"id": "p1"}, {"id": "s1"})
    assert (event["text"], event["match"], event["red_flags"]) == ("How long will it hurt?", "matched", [])


def test_a_shared_one_only_when_its_writer_is_known(heard: Talk) -> None:
    heard.complete(session="s2", patient="p2")
    heard.says("How long will it hurt?")
    assert events(heard, "reply.received") == []


def test_nothing_is_announced_that_did_not_happen(heard: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(listen.answers, "give", dies)
    heard.says("How long will it hurt?")
    assert events(heard, "reply.received") == []


def test_a_survey_finished_by_text(heard: Talk) -> None:
    heard.invite()
    heard.on_page({"compared": "same", "swelling": "mild", "signs": ["none"], "medicine": ["none"], "call": "no"})
    heard.says("4")
    (event,) = events(heard, "survey.answered")
    assert event["survey"] == "S1"
    assert event["answers"]["pain"] == 4  # type: ignore[index]
