"""A clinic's first day, as the demonstration opens it: by the page alone, without a word of the documentation."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect

ROOT = Path(__file__).parents[2]
ANA, BO = "+12025550123", "+12025550177"
PASSWORD = "teapot velvet orbit 39"


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.timeout(400)
def test_a_first_day(browser: Browser) -> None:
    """Come in, enter a session, answer as the patient, take the alert on, change the protocol."""
    with _demonstration() as address:
        page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
        page.goto(address)
        desk = page.frame_locator("iframe.beside")
        _come_in(desk)
        _enter_a_session(desk)
        assert _link(address, BO, set())
        _change_the_protocol(desk)
        read = set[str]()
        while not _answers_with_a_fever(page, _link(address, ANA, read), read):
            pass
        _take_the_alert_on(desk)
        page.reload()
        expect(desk.get_by_role("heading", name="Today")).to_be_visible()
        page.context.close()


def _come_in(desk: FrameLocator) -> None:
    desk.get_by_label("New password").fill(PASSWORD)
    desk.get_by_role("button", name="Set it and sign in").click()
    desk.get_by_role("link", name="Not now").click()
    expect(desk.get_by_role("heading", name="Today")).to_be_visible()


def _enter_a_session(desk: FrameLocator) -> None:
    _go(desk, "New session")
    desk.get_by_label("Given name").fill("Bo")
    desk.get_by_label("Phone", exact=True).fill("202-555-0177")
    desk.get_by_label("Where on the body").select_option(label="Knee")
    desk.get_by_role("button", name="Enter the session").click()
    expect(desk.get_by_text("They agreed to neither texts nor e-mail").first).to_be_visible()
    desk.get_by_label("They agreed to texts").check()
    desk.get_by_role("button", name="Enter the session").click()
    expect(desk.get_by_role("heading", name=re.compile("^Bo"), level=1)).to_be_visible()


def _change_the_protocol(desk: FrameLocator) -> None:
    _go(desk, "Protocols")
    desk.get_by_role("link", name="Version 1").click()
    desk.get_by_role("button", name="Copy into a draft").click()
    file = desk.get_by_label("The file")
    words = file.input_value()
    file.fill(words.replace("Hard to breathe,", "Hard to breathe or"))
    assert "Hard to breathe," in words
    desk.get_by_role("button", name="Save").click()
    desk.get_by_role("link", name="Approve").first.click()
    desk.get_by_label("I have read it, and it is right for our patients").check()
    desk.get_by_role("button", name="Approve", exact=True).click()
    expect(desk.get_by_text("Version 2 is in force.")).to_be_visible()


def _answers_with_a_fever(page: Page, link: str, read: set[str]) -> bool:
    """Answer a survey as the patient; False where nothing asks about a fever."""
    read.add(link)
    phone = page.context.new_page()
    phone.goto(link)
    fever = phone.locator('input[value="fever"]')
    there = fever.count() > 0
    send = phone.get_by_role("button", name="Send my answers")
    if not send.count():
        phone.close()  # the care plan
        return False
    for name in dict.fromkeys(one.get_attribute("name") for one in phone.locator('input[type="radio"]').all()):
        phone.locator(f'label:has(input[name="{name}"])').first.click()
    for name in dict.fromkeys(one.get_attribute("name") for one in phone.locator('input[type="checkbox"]').all()):
        phone.locator(f'label:has(input[name="{name}"])').last.click()  # "none of these"
    if there:
        phone.locator("label").filter(has=fever).click()
    send.click()
    expect(send).to_be_hidden()
    phone.close()
    return there


def _take_the_alert_on(desk: FrameLocator) -> None:
    _go(desk, "Today")
    desk.get_by_role("button", name="I take it on").first.click()
    expect(desk.get_by_text("It is yours: nobody else is told any more.")).to_be_visible()


def _go(desk: FrameLocator, room: str) -> None:
    desk.get_by_text("Menu").click()
    desk.get_by_role("navigation", name="Desk, small").get_by_role("link", name=room, exact=True).click()
    expect(desk.get_by_role("heading", level=1)).to_contain_text(room)


def _link(address: str, number: str, read: set[str]) -> str:
    """The next link on a phone; a day takes a minute."""
    until = time.monotonic() + 180
    while time.monotonic() < until:
        with urllib.request.urlopen(f"{address}__sandbox/thread?number={quote(number)}") as answer:
            words = " ".join(bubble["words"] for bubble in json.load(answer)["bubbles"])
        fresh = [found for found in re.findall(r"http://\S+/s/\S+", words) if found not in read]
        if fresh:
            return str(fresh[0])
        time.sleep(0.5)
    raise AssertionError(f"no link came to {number}")


@contextmanager
def _demonstration() -> Iterator[str]:
    """The address that `aftercare demo` tells whoever starts it."""
    command = [sys.executable, "-m", "commands.main", "demo"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    demo = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert demo.stdout is not None
    told = []
    try:
        for line in demo.stdout:
            told.append(line)
            if found := re.search(r"Open this page:\s+(\S+)", line):
                yield found[1]
                break
        else:
            raise AssertionError("".join(told))
    finally:
        demo.send_signal(signal.SIGINT)
        demo.communicate(timeout=60)
