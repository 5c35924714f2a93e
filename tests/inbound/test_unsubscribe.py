"""The one-click unsubscribe of RFC 8058, and the page for people. A GET changes nothing (P3, P10)."""

from __future__ import annotations

from datetime import UTC, datetime

from service import time
from service.care.lifecycle import Channel
from tests.inbound.desk import Desk, Tried

NOW = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


def mailed(desk: Desk, **changes: object) -> Tried:
    desk.complete(**changes)
    return desk.hand_over("comfort", Channel.EMAIL)


def test_one_click_stops_the_mails_and_only_them(desk: Desk) -> None:
    with time.held(NOW):
        tried = mailed(desk)
        answer = desk.client.post(f"/u/{tried.link_token}", data=ONE_CLICK)
        assert answer.status_code == 200
        assert "set-cookie" not in answer.headers
        assert (desk.waiting("email"), desk.suppressed("email")) == (0, ["opted_out"])
        assert desk.waiting() > 0
        line = desk.sql("SELECT channel, source FROM consents WHERE action = 'revoked'")[0]
        assert (line.channel, line.source) == ("email", "unsubscribe link")


def test_it_may_be_clicked_twice(desk: Desk) -> None:
    with time.held(NOW):
        tried = mailed(desk)
        answers = [desk.client.post(f"/u/{tried.link_token}", data=ONE_CLICK) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200] * 3
        assert desk.suppressed("email") == ["opted_out"]


def test_a_get_changes_nothing_however_often_scanners_follow_it(desk: Desk) -> None:
    with time.held(NOW):
        tried = mailed(desk)
        before = desk.waiting("email")
        for _ in range(3):
            answer = desk.client.get(f"/u/{tried.link_token}")
            assert answer.status_code == 200
            assert b'<form method="post">' in answer.data
            desk.client.head(f"/u/{tried.link_token}")
        assert (desk.waiting("email"), desk.suppressed("email")) == (before, [])
        assert desk.sql("SELECT 1 FROM consents WHERE action = 'revoked'") == []


def test_the_page_speaks_the_patients_language(desk: Desk) -> None:
    with time.held(NOW):
        tried = mailed(desk, locale="es")
        page = desk.client.get(f"/u/{tried.link_token}").get_data(as_text=True)
        assert '<html lang="es">' in page
        assert "correos" in page
        assert "Ana" not in page
        chosen = desk.client.get(f"/u/{tried.link_token}?lang=en").get_data(as_text=True)
        assert '<html lang="en">' in chosen


SAFETY = "Do not use this form."


def test_every_page_says_what_to_do_in_an_emergency(sqlite_desk: Desk) -> None:
    """As all patients' pages do; with one clinic in the house also behind a link that nobody knows."""
    with time.held(NOW):
        tried = mailed(sqlite_desk)
        client = sqlite_desk.client
        answers = [
            client.get(f"/u/{tried.link_token}"),
            client.post(f"/u/{tried.link_token}", data=ONE_CLICK),
            client.get("/u/nobodyknows"),
        ]
    for answer in answers:
        page = answer.get_data(as_text=True)
        assert SAFETY in page
        assert 'href="tel:911"' in page
        assert 'href="tel:2025550100"' in page
        assert "Texts are not private" in page
    assert [answer.status_code for answer in answers[:2]] == [200, 200]


def test_other_tokens_lead_nowhere(desk: Desk) -> None:
    with time.held(NOW):
        mailed(desk)
        text = desk.hand_over("day1", Channel.SMS)
        for token in ("unknown", "x" * 5000, "%00", "%F0%9F", "..%2f", text.link_token):
            assert desk.client.get(f"/u/{token}").status_code in (404, 429)  # nobody gets to try often
            assert desk.client.post(f"/u/{token}", data=ONE_CLICK).status_code in (404, 429)
        assert desk.suppressed("email") == []
