"""What stays live on a page: fetched again by itself, without eval or inline scripts, and only when it is news."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2 import BaseLoader, ChoiceLoader, DictLoader
from playwright.sync_api import Browser, expect
from werkzeug.wrappers import Response as AnyResponse
from wtforms import Form

import service.app
from service import time
from service.care.roles import Permission
from service.pages.desk import forms, look
from service.pages.desk.door import Room
from service.pages.desk.look import Nav
from service.pages.desk.rooms import ROOMS
from service.pages.desk.who import Who
from tests.desk.browser import DeskPage, check_page, serve
from tests.desk.conftest import Furnished, opened
from tests.desk.practice import NOW

TEMPLATES = {
    "bell.html": """{% extends "base.html" %}{% import "parts.html" as parts with context %}
{% block title %}Bell{% endblock %}{% block main %}<h1>Bell</h1>{{ parts.live("/desk/bell/rung", rung, "Rings") }}
<form method="post" action="/desk/logout">{{ parts.token() }}{{ parts.counted(form.words) }}<button>Send</button></form>
{% endblock %}""",
    "rung.html": """{% import "parts.html" as parts with context %}<p id="rung" data-say="Rung {{ times }} times">
{{ times }}</p>{{ parts.act("/desk/logout", "Stop") }}""",
}


class _Words(Form):
    words = forms.lines("Words")


class Bell:
    """A room of its own, with something that changes."""

    def __init__(self) -> None:
        self.times = 1
        self.asked: list[int] = []
        self.room = Room("bell", Nav("Bell", "/desk/bell", Permission.READ))

        @self.room.get("/bell", may=Permission.READ)
        def show(who: Who) -> AnyResponse:
            return look.page(who, "bell.html", rung=self.rung(who), form=_Words())

        @self.room.live("/bell/rung", may=Permission.READ)
        def rung(who: Who) -> AnyResponse:
            answer = look.fresh(self.rung(who))
            self.asked.append(answer.status_code)
            return answer

    def rung(self, who: Who) -> look.Part:
        return look.part(who, "rung.html", times=self.times)


@pytest.fixture
def bell(monkeypatch: pytest.MonkeyPatch) -> Bell:
    made, loader = Bell(), look._templates.loader
    assert isinstance(loader, BaseLoader)
    monkeypatch.setattr(look._templates, "loader", ChoiceLoader([DictLoader(TEMPLATES), loader]))
    monkeypatch.setattr(service.app, "ROOMS", (made.room, *ROOMS))
    return made


@pytest.fixture
def bell_page(bell: Bell, furnished_sqlite: Furnished, tmp_path: Path, browser: Browser) -> Iterator[DeskPage]:
    shutil.copyfile(furnished_sqlite.database, tmp_path / "aftercare.db")
    with time.held(NOW):
        desk = opened(furnished_sqlite, f"sqlite:///{tmp_path / 'aftercare.db'}", tmp_path, public="http://127.0.0.1")
        yield from serve(desk, browser)
        desk.engine.dispose()


@pytest.mark.browser
def test_a_part_stays_live(bell: Bell, bell_page: DeskPage) -> None:
    page = bell_page.page
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.add_init_script("const real = setInterval; window.setInterval = (work, pause) => real(work, pause / 20)")
    bell_page.open("/desk/bell")
    page.wait_for_timeout(800)
    assert bell.asked, "nobody asked"
    assert set(bell.asked) == {204}, "what the page shows already is not sent again"
    expect(page.locator("#status")).to_be_empty()
    bell.times = 2
    expect(page.locator("#rung")).to_have_text("2")
    expect(page.locator("#status")).to_have_text("Rung 2 times")
    page.wait_for_timeout(600)
    assert bell.asked.count(200) == 1
    assert complaints == []


@pytest.mark.browser
def test_whoever_is_signed_out_meanwhile_comes_to_the_door(bell: Bell, bell_page: DeskPage) -> None:
    page = bell_page.page
    page.add_init_script("const real = setInterval; window.setInterval = (work, pause) => real(work, pause / 20)")
    bell_page.open("/desk/bell")
    bell_page.desk.sql("UPDATE staff_sessions SET ended_at = created_at")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


@pytest.mark.browser
def test_p9_a_page_that_no_longer_follows_says_so(bell: Bell, bell_page: DeskPage) -> None:
    page = bell_page.page
    page.add_init_script("const real = setInterval; window.setInterval = (work, pause) => real(work, pause / 20)")
    bell_page.open("/desk/bell")
    page.route("**/rung", lambda route: route.abort())
    expect(page.locator("#status")).to_contain_text("No connection")
    page.unroute("**/rung")
    expect(page.locator("#status")).to_be_empty()
    page.route("**/rung", lambda route: route.fulfill(status=503, body="{}"))
    expect(page.locator("#status")).to_contain_text("may not be up to date")


@pytest.mark.browser
def test_texts_are_counted_while_they_are_typed(bell: Bell, bell_page: DeskPage) -> None:
    page = bell_page.page
    bell_page.open("/desk/bell")
    page.get_by_label("Words").press_sequentially("Please call us.")
    expect(page.locator("#words-count")).to_have_text("15 characters: one text")
    page.get_by_label("Words").fill("Ya llegó ✓" * 9)
    expect(page.locator("#words-count")).to_contain_text("90 characters: 2 texts")


@pytest.mark.slow
@pytest.mark.browser
def test_a_live_page_is_as_good_as_any(bell: Bell, bell_page: DeskPage) -> None:
    check_page(bell_page, "/desk/bell")
