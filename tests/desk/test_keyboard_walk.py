"""From an empty clinic to all green, then a patient, a survey and an alert: with a keyboard, and nothing else.

Everything is real but the providers: every process of an installation, the sandbox over HTTP, a browser. The test puts
no row into the database: the clinic and its first owner come from the commands that an operator types.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.desk.browser import LAPTOP
from tests.desk.installation import Running, running
from tests.desk.keyboard import Hands

NURSE, NURSE_MAIL, PATIENT = "+12025550201", "kim@hill.example", "+12025550123"
SECONDS = 30.0
"""For anything to come through several processes of a busy machine."""


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.timeout(400)
def test_a_clinic_comes_to_life_by_keyboard_alone(
    browser: Browser, database_url: str, redis_url: str, tmp_path: Path
) -> None:
    with running(tmp_path, database_url, redis_url) as house, _a_system() as (address, heard):
        clinic = json.loads(house.aftercare("clinic", "add", "--name", "Hill Joint Care", "--json"))["id"]
        said = house.aftercare("staff", "add", "--clinic", clinic, "--name", "Ada Ruiz", "--email", "ada@hill.example")
        with browser.new_context(viewport=LAPTOP, reduced_motion="reduce") as context:
            context.set_default_timeout(SECONDS * 1000)
            hands = Hands(context.new_page())
            _come_in(hands, _link_in(said, "/desk/join/"))
            assert _open_steps(hands) == 8, "nothing is green that has not happened"
            _say_who_we_are(hands)
            _write_the_care_plan(hands)
            _approve_our_own_protocol(hands)
            _verify_a_contact(hands, house)
            _connect_a_system(hands, address, heard)
            _enter_a_session(hands)
            _all_green(hands)
            _answer_with_a_fever(Hands(context.new_page()), house)
            _take_the_alert_on(hands, house)


def _come_in(hands: Hands, link: str) -> None:
    hands.page.goto(link)
    hands.type(hands.page.get_by_label("New password"), "teapot velvet orbit 39")
    hands.push("Set it and sign in")
    hands.follow("Not now")
    expect(hands.page.get_by_role("heading", name="Today")).to_be_visible()


def _say_who_we_are(hands: Hands) -> None:
    hands.follow("Clinic", _main(hands))
    hands.skip_the_menu()
    hands.type(_field(hands, "Name in texts"), "Hill Clinic")
    hands.type(_field(hands, "Phone that patients call"), "seven")
    hands.push("Save")
    expect(hands.page.locator("#errors")).to_be_focused()
    hands.follow("Phone that patients call", hands.page.locator("#errors"))
    expect(_field(hands, "Phone that patients call")).to_be_focused()
    hands.type(_field(hands, "Phone that patients call"), "202-555-0100")
    hands.choose(_field(hands, "Time zone"), "America/Chicago")
    hands.push("Save")
    _told(hands, "Saved.")
    hands.follow("Settings", _main(hands))


def _write_the_care_plan(hands: Hands) -> None:
    hands.follow("Care plan", _main(hands))
    heat = hands.page.get_by_role("group", name="Heat").get_by_label("English")
    hands.type(heat, "A warm pack for 15 minutes.")
    hands.push("Save")
    _told(hands, "Saved: patients see it from now on.")


def _approve_our_own_protocol(hands: Hands) -> None:
    _menu(hands, "Protocols")
    hands.follow("Version 1", _main(hands))
    hands.push("Copy into a draft")
    hands.append(_field(hands, "The file"), "\n# As we do it at Hill Joint Care.\n")
    hands.push("Save")
    hands.follow("Approve", _main(hands))
    hands.tick(_field(hands, "I have read it, and it is right for our patients"))
    hands.push("Approve")
    _told(hands, "Version 2 is in force.")


def _verify_a_contact(hands: Hands, house: Running) -> None:
    _settings(hands)
    hands.follow("Contacts and alerts", _main(hands))
    hands.type(_field(hands, "Name"), "Nurse Kim")
    hands.type(_field(hands, "Mobile phone"), "202-555-0201")
    hands.type(_field(hands, "E-mail"), NURSE_MAIL)
    hands.tick(_field(hands, "On call: told at once of every emergency, and of what is urgent while you are closed"))
    hands.push("Add")
    for way, come in (("phone", lambda: house.words(NURSE)), ("e-mail", lambda: house.letters(NURSE_MAIL))):
        hands.push(f"Send a test to the {way}")
        _told(hands, "On its way.")
        code = _eventually(lambda: re.search(r"code: (\d{6})\.", come()))[1]  # noqa: B023 - asked at once
        hands.type(_field(hands, "Code from the test message"), code)
        hands.push("Enter the code")
        _told(hands, "Verified")
    house.texts_back(NURSE, "OK")
    _settings(hands)
    hands.follow("Senders", _main(hands).get_by_role("list").last)
    _reloaded_until(hands, lambda: _line(hands, "/twilio/inbound").get_by_text("Seen", exact=True).count() == 1)
    assert _line(hands, "/twilio/status").get_by_text("Seen", exact=True).count() == 1


def _connect_a_system(hands: Hands, address: str, heard: list[dict[str, Any]]) -> None:
    _settings(hands)
    hands.follow("Keys", _main(hands).get_by_role("list").last)
    hands.choose(_field(hands, "Kind"), "API key")
    hands.push("Make it")
    assert _field(hands, "API key").input_value().startswith("ak_")
    hands.follow("I have it")
    _settings(hands)
    hands.follow("Webhooks", _main(hands))
    hands.type(_field(hands, "Address"), address)
    hands.push("Add")
    hands.follow("I have it")
    hands.push("Send a test")
    _reloaded_until(hands, lambda: _main(hands).get_by_text("Delivered").count() == 1)
    assert len(heard) == 1


def _enter_a_session(hands: Hands) -> None:
    _menu(hands, "New session")
    hands.type(_field(hands, "Given name"), "Bo")
    hands.type(_field(hands, "Phone"), "202-555-0123")
    hands.choose(_field(hands, "Where on the body"), "Knee")
    hands.tick(_field(hands, "They agreed to texts"))
    hands.push("Enter the session")
    expect(hands.page.get_by_role("heading", name=re.compile("^Bo"), level=1)).to_be_visible()


def _all_green(hands: Hands) -> None:
    assert _open_steps(hands) == 0
    assert _main(hands).locator(".steps").get_by_text("Seen", exact=True).count() == 8
    hands.unfold("Go live …")
    hands.push("Go live")
    _told(hands, "You are live.")


def _answer_with_a_fever(hands: Hands, house: Running) -> None:
    """As the patient, on the page that the first survey about warning signs leads to."""
    seen = set[str]()
    for _ in range(60):
        for link in set(re.findall(r"http://\S+/s/\S+", house.words(PATIENT))) - seen:
            seen.add(link)
            hands.page.goto(link)
            if hands.page.locator('input[value="fever"]').count():
                _answer(hands)
                return
        house.let_pass(hours=2)
        time.sleep(1.0)
    raise AssertionError(f"no survey asked for a fever: {house.words(PATIENT)}")


def _answer(hands: Hands) -> None:
    for question in hands.page.get_by_role("group").all():
        boxes = question.get_by_role("checkbox")
        fever = question.locator('input[value="fever"]')
        if fever.count():
            hands.tick(fever)
        elif boxes.count():
            hands.tick(boxes.last)  # "none of these"
        else:
            # Tab comes to a row of circles once; arrows move along it.
            hands.reach(question.get_by_role("radio").first)
            hands.press("ArrowRight")
            expect(question.get_by_role("radio").nth(1)).to_be_checked()
    send = hands.page.get_by_role("button", name="Send my answers")
    hands.push("Send my answers")
    expect(send).to_be_hidden()


def _take_the_alert_on(hands: Hands, house: Running) -> None:
    _eventually(lambda: "/a/" in house.words(NURSE))
    _menu(hands, "Today")
    hands.push("I take it on", _main(hands))
    _told(hands, "It is yours: nobody else is told any more.")
    hands.unfold("Done, or a note …", _main(hands))
    hands.type(_field(hands, "What came of it, or a note").first, "Called: they come in today.")
    hands.push("Done: close it", _main(hands))
    expect(_main(hands).get_by_role("button", name="I take it on")).to_have_count(0)


def _menu(hands: Hands, room: str) -> None:
    hands.follow(room, hands.page.get_by_role("navigation", name="Desk", exact=True))
    expect(hands.page.get_by_role("heading", level=1)).to_contain_text(room)


def _settings(hands: Hands) -> None:
    _menu(hands, "Settings")
    hands.skip_the_menu()


def _open_steps(hands: Hands) -> int:
    _settings(hands)
    return _main(hands).locator(".steps").get_by_text("Open", exact=True).count()


def _main(hands: Hands) -> Locator:
    return hands.page.get_by_role("main")


def _field(hands: Hands, label: str) -> Locator:
    return _main(hands).get_by_label(label, exact=True)


def _line(hands: Hands, path: str) -> Locator:
    return _main(hands).get_by_role("listitem").filter(has_text=path)


def _told(hands: Hands, words: str) -> None:
    expect(hands.page.get_by_role("status").first).to_contain_text(words)


def _reloaded_until(hands: Hands, true: Callable[[], bool]) -> None:
    def seen() -> bool:
        hands.page.reload()
        return true()

    _eventually(seen)


def _eventually(look: Callable[[], Any]) -> Any:
    until = time.monotonic() + SECONDS
    while not (found := look()):
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.3)
    return found


def _link_in(said: str, path: str) -> str:
    found = re.search(rf"http://\S+{path}\S+", said)
    assert found is not None, said
    return found[0]


@contextmanager
def _a_system() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The clinic's own system: where it listens, and what it was told."""
    heard: list[dict[str, Any]] = []

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Listener)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/aftercare", heard
    finally:
        server.shutdown()
