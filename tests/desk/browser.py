"""The desk in a real browser, and `check_page`, which every page of it must pass."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page
from werkzeug.serving import make_server

from service.care.roles import Role
from tests.chromium import SCREENSHOTS, violations
from tests.desk.desk import Desk
from tests.desk.practice import PASSWORD

PHONE, LAPTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 800}
MOST_BYTES = 150_000
_FOCUSABLE = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']"
_WIDE_TABLES = """[...document.querySelectorAll(".scroll")].filter(
  e => (e.querySelector(".stack") || e.matches(".diff")) && e.scrollWidth > e.clientWidth).map(e => e.ariaLabel)"""
"""Regions of tables that are to fit a phone."""

_REACHED = "e => window.reached.has(e) || (e.type === 'radio' && [...window.reached].some(r => r.name === e.name))"


@dataclass
class DeskPage:
    """A page, signed in, and the desk behind it."""

    desk: Desk
    page: Page
    context: BrowserContext
    url: str

    def open(self, path: str) -> Page:
        answer = self.page.goto(self.url + path)
        assert answer is not None
        assert answer.status == 200, f"{path}: {answer.status}"
        return self.page

    @contextmanager
    def without_scripts(self) -> Iterator[Page]:
        """Another window of the same visitor, in which no script runs."""
        state = self.context.storage_state()
        with self.context.browser.new_context(java_script_enabled=False, storage_state=state) as plain:  # type: ignore[union-attr]
            yield plain.new_page()

    def sign_in_as(self, role: Role) -> None:
        """Become somebody else of the same clinic."""
        self.context.clear_cookies()
        self.page.goto(self.url + "/desk/login")
        self.page.get_by_label("E-mail").fill(self.desk.own.emails[role])
        self.page.get_by_label("Password").fill(PASSWORD)
        with self.page.expect_navigation():
            self.page.get_by_role("button", name="Sign in").click()


def serve(desk: Desk, browser: Browser) -> Iterator[DeskPage]:
    server = make_server("127.0.0.1", 0, desk.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        with browser.new_context(viewport=LAPTOP, reduced_motion="reduce") as context:
            context.set_default_timeout(10_000)
            made = DeskPage(desk, context.new_page(), context, f"http://127.0.0.1:{server.server_port}")
            made.sign_in_as(Role.OWNER)
            yield made
    finally:
        server.shutdown()
        thread.join()


def check_page(at: DeskPage, path: str, name: str = "") -> None:
    """Hold one page against everything: a phone and a laptop, light and dark, axe, width, weight, the keyboard.

    That takes seconds a page: tests that do it are marked slow.

    With AFTERCARE_SCREENSHOTS=folder it leaves a picture of each look there, under `name` or the path.
    """
    label = name or re.sub(r"\W+", "-", path).strip("-")
    _weighs_little(at, path)
    for size in (PHONE, LAPTOP):
        at.page.set_viewport_size(size)  # type: ignore[arg-type]
        for scheme in ("light", "dark"):
            at.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            at.open(path)
            check_shown(at, f"{label}-{size['width']}-{scheme}")
        _keyboard_reaches_everything(at.page)
    at.page.emulate_media(color_scheme="light")


def check_shown(at: DeskPage, label: str) -> None:
    """What must hold of the page as it stands: for states that are not an address, such as a form's errors."""
    if SCREENSHOTS:
        at.page.screenshot(path=f"{SCREENSHOTS}/{label}.png", full_page=True)
    wide = at.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide[0] <= wide[1], f"{label} scrolls sideways: {wide}"
    if at.page.viewport_size == PHONE:
        assert at.page.evaluate(_WIDE_TABLES) == [], f"{label} has a table that scrolls sideways"
    assert violations(at.page) == [], label


def _weighs_little(at: DeskPage, path: str) -> None:
    asked: list[Any] = []
    with at.context.browser.new_context(storage_state=at.context.storage_state()) as fresh:  # type: ignore[union-attr]
        page = fresh.new_page()
        page.on("requestfinished", lambda request: asked.append(request))
        page.goto(at.url + path)
        sizes = [request.sizes() for request in asked]
        hosts = {request.url.split("/")[2] for request in asked if not request.url.startswith("data:")}
    weight = sum(size["responseBodySize"] + size["responseHeadersSize"] for size in sizes)
    assert hosts == {at.url.split("/")[2]}, "asks another host"
    assert weight <= MOST_BYTES, f"{path} weighs {weight} bytes"


def _keyboard_reaches_everything(page: Page) -> None:
    """Tab comes to everything that can be used, and it can be seen where it is."""
    page.evaluate(
        """selector => { window.wanted = [...document.querySelectorAll(selector)].filter(
             e => e.checkVisibility({visibilityProperty: true}) && !e.matches(':disabled') && e.tabIndex >= 0);
           window.reached = new Set(); document.activeElement.blur(); }""",
        _FOCUSABLE,
    )
    count = page.evaluate("window.wanted.length")
    for _ in range(2 * count + 20):  # a date alone takes four
        page.keyboard.press("Tab")
        seen = page.evaluate(
            """() => { const e = document.activeElement; if (e === document.body) return null; window.reached.add(e);
                 if (!e.matches(':focus')) return null;  // on a date's own button, which the browser marks itself
                 const s = getComputedStyle(e); return [e.outerHTML.slice(0, 120), s.outlineStyle, s.outlineWidth]; }"""
        )
        assert seen is None or (seen[1] != "none" and seen[2] != "0px"), f"no sign of the focus at {seen[0]}"
        if page.evaluate(f"window.wanted.every({_REACHED})"):
            return
    left = page.evaluate(f"window.wanted.filter(e => !({_REACHED})(e)).map(e => e.outerHTML.slice(0, 120))")
    assert left == [], "Tab does not come to"
