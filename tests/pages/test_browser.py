"""The pages in a real browser: every survey, both languages, a small phone and a desk, with and without scripts, by
keyboard alone; WCAG 2.2 AA by axe; weight, and nothing from other hosts."""

from __future__ import annotations

import shutil
import threading
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect
from werkzeug.serving import make_server

from service import time
from tests.chromium import SCREENSHOTS, chromium, violations
from tests.pages.conftest import NO_REDIS
from tests.pages.patients_phone import Phone, at, phone

pytestmark = pytest.mark.browser

STEPS = {"S0": "welcome", "S1": "day1", "S2": "day3", "S3": "day7", "S4": "day14", "S5": "week6", "S6": "week12"}
SMALL, DESK = {"width": 320, "height": 640}, {"width": 1280, "height": 800}
MOST_BYTES = 50_000


@dataclass
class Site:
    """The app behind a port, its clock held at noon of day 1."""

    phone: Phone
    url: str

    def invite(self, step: str, session: str, locale: str = "en", **more: Any) -> str:
        """Another patient's link; no two tests share one."""
        number = f"+1202555{zlib.crc32(session.encode()) % 10_000:04}"
        row = self.phone.visit(session, patient=f"p-{session}", phone=number, locale=locale, **more)
        return f"{self.url}/s/{self.phone.link(row, step)}"

    def completed(self, session: str) -> bool:
        """Whether that session's one survey was sent off."""
        [row] = self.phone.sql(
            "SELECT completed_at FROM responses r JOIN sessions s ON s.id = r.session_id WHERE s.external_id = :name",
            name=session,
        )
        return row.completed_at is not None


@pytest.fixture(scope="module")
def site(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    shutil.copyfile(sqlite_template, folder / "aftercare.db")
    with phone(f"sqlite:///{folder / 'aftercare.db'}", NO_REDIS, folder) as made, time.held(at(1)):
        server = make_server("127.0.0.1", 0, made.app, threaded=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield Site(made, f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    yield from chromium()


def opened(browser: Browser, size: dict[str, int], scripts: bool) -> BrowserContext:
    context = browser.new_context(viewport=size, java_script_enabled=scripts, reduced_motion="reduce")
    context.set_default_timeout(10_000)
    return context


def keep(page: Page, name: str) -> None:
    if SCREENSHOTS:
        page.screenshot(path=f"{SCREENSHOTS}/{name}.png", full_page=True)


def fill(page: Page) -> None:
    """Answer everything, as a patient with a fair day would."""
    for group in page.locator("fieldset").all():
        name = (group.get_attribute("id") or "").removeprefix("q-")
        if group.locator('input[value="none"]').count():
            group.locator('input[value="none"]').check()
        elif group.locator('input[value="no"]').count():
            group.locator(f'input[value="{"yes" if name == "moves" else "no"}"]').check()
        elif group.locator(".scale").count():
            group.locator('input[value="4"]').check(force=True)
        else:
            group.locator("input").first.check()
    for words in page.locator('input[type="text"]').all():
        words.fill("climb stairs")


LOOKS = [
    # The commonest in every run, the others once.
    pytest.param(
        locale,
        size,
        scripts,
        id=f"{locale}-{size['width']}-{'js' if scripts else 'plain'}",
        marks=[] if (locale, size, scripts) == ("en", SMALL, True) else pytest.mark.slow,
    )
    for locale in ("en", "es")
    for size in (SMALL, DESK)
    for scripts in (True, False)
]


@pytest.mark.parametrize(("locale", "size", "scripts"), LOOKS)
@pytest.mark.parametrize("survey", STEPS)
def test_every_survey_can_be_answered(
    site: Site, browser: Browser, survey: str, locale: str, size: dict[str, int], scripts: bool
) -> None:
    name = f"{survey}-{locale}-{size['width']}-{'js' if scripts else 'plain'}"
    start = {"pain": 6, "peg": [6, 6, 6], "activity": "climb stairs", "activity_score": 3}
    link = site.invite(STEPS[survey], name, locale, **({} if survey == "S0" else {"baseline": start}))
    with opened(browser, size, scripts) as context:
        page = context.new_page()
        page.goto(link)
        assert page.locator("html").get_attribute("lang") == locale
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], "scrolls sideways"
        if scripts:
            assert violations(page) == []
            keep(page, name)
        fill(page)
        with page.expect_navigation():
            page.locator("button[type=submit]").click()
        expected = {"en": "We got your answers", "es": "Tenemos sus respuestas"}[locale]
        expect(page.locator("h1")).to_have_text(expected)
        if scripts:
            assert violations(page) == []
            keep(page, f"{name}-done")
    assert site.completed(name)


@pytest.mark.parametrize("size", [SMALL, DESK], ids=["320", "desk"])
def test_targets_are_44_pixels(site: Site, browser: Browser, size: dict[str, int]) -> None:
    with opened(browser, size, True) as context:
        page = context.new_page()
        for survey, step in STEPS.items():
            page.goto(site.invite(step, f"big-{survey}-{size['width']}"))
            targets = page.locator(".scale label, .tick, form button, .plain, input[type=text], nav a")
            sizes = targets.evaluate_all("all => all.map(e => e.getBoundingClientRect()).map(r => [r.width, r.height])")
            assert len(sizes) > 10
            assert [size for size in sizes if min(size) < 44] == []


@pytest.mark.parametrize("survey", STEPS)
def test_by_keyboard_alone(site: Site, browser: Browser, survey: str) -> None:
    link = site.invite(STEPS[survey], f"keys-{survey}")
    with opened(browser, SMALL, True) as context:
        page = context.new_page()
        page.goto(link)
        done: set[str] = set()
        for _ in range(120):
            page.keyboard.press("Tab")
            kind, name, value = page.evaluate("['type', 'name', 'value'].map(key => document.activeElement[key] || '')")
            if kind == "radio" and name not in done:
                page.keyboard.press("Space")
                done.add(name)
            elif kind == "checkbox" and value == "none":
                page.keyboard.press("Space")
            elif kind == "text":
                page.keyboard.type("climb stairs")
            elif kind == "submit":
                with page.expect_navigation():
                    page.keyboard.press("Enter")
                break
        expect(page.locator("h1, h2").first).to_be_visible()
    assert site.completed(f"keys-{survey}")


def test_a_tapped_sign_puts_the_call_screen_up_before_the_network_answers(site: Site, browser: Browser) -> None:
    """P9."""
    with opened(browser, SMALL, True) as context:
        page = context.new_page()
        page.goto(site.invite("day1", "offline"))
        page.route("**/tap", lambda route: route.abort())
        page.locator('input[value="breathing"]').check()
        expect(page.locator("#callscreen")).to_be_visible()
        expect(page.locator("#callscreen h1")).to_have_text("Call 911 now")
        assert page.locator("#callscreen .bigcall a").get_attribute("href") == "tel:911"
        assert page.evaluate("document.activeElement.closest('#callscreen') !== null")
        assert violations(page) == []
        keep(page, "call")
        page.keyboard.press("Escape")
        expect(page.locator("#callscreen")).to_be_hidden()
        expect(page.locator("#status")).to_contain_text("Not saved yet")
        page.unroute("**/tap")
        with page.expect_response("**/tap") as answer:
            page.locator('#q-signs input[value="none"]').check()
        assert answer.value.json()["saved"]
        assert not page.locator('input[value="breathing"]').is_checked()
        expect(page.locator("#status")).to_have_text("Saved.")


def test_half_a_survey_is_there_when_the_patient_comes_back(site: Site, browser: Browser) -> None:
    link = site.invite("day3", "half")
    with opened(browser, SMALL, True) as context:
        page = context.new_page()
        page.goto(link)
        with page.expect_response("**/tap"):
            page.locator('#q-pain input[value="7"]').check(force=True)
    with opened(browser, DESK, False) as context:
        page = context.new_page()
        page.goto(link)
        assert page.locator('#q-pain input[value="7"]').is_checked()
        assert page.locator("input:checked").count() == 1


@pytest.mark.parametrize("scripts", [True, False], ids=["js", "plain"])
@pytest.mark.parametrize("locale", ["en", "es"])
def test_errors_stand_beside_the_fields(site: Site, browser: Browser, locale: str, scripts: bool) -> None:
    with opened(browser, SMALL, scripts) as context:
        page = context.new_page()
        page.goto(site.invite("day1", f"errors-{locale}-{scripts}", locale))
        page.locator('#q-pain input[value="4"]').check(force=True)
        with page.expect_navigation():
            page.locator("button[type=submit]").click()
        assert page.locator(".error").count() == 5
        assert page.locator('#q-pain input[value="4"]').is_checked()
        if scripts:
            assert page.evaluate("document.activeElement.id") == "summary"
            assert violations(page) == []
            keep(page, f"errors-{locale}")
        page.locator("#summary a").first.click()
        assert urlsplit(page.url).fragment == "q-compared"


@pytest.mark.parametrize("locale", ["en", "es"])
def test_the_care_plan(site: Site, browser: Browser, locale: str) -> None:
    start = {"pain": 6, "peg": [6, 6, 6], "activity": "climb stairs", "activity_score": 3}
    link = site.invite("day1", f"plan-{locale}", locale, baseline=start)
    with opened(browser, SMALL, True) as context:
        page = context.new_page()
        page.goto(link)
        fill(page)
        with page.expect_navigation():
            page.locator("button[type=submit]").click()
        page.goto(link + "/plan")
        assert violations(page) == []
        assert page.locator("svg[role=img]").count() == 1
        assert page.locator("tbody tr").count() == 2
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        keep(page, f"plan-{locale}")


@pytest.mark.parametrize("path", ["/s/nobodyknows", "/s/nobodyknows/plan"])
def test_pages_that_open_nothing(site: Site, browser: Browser, path: str) -> None:
    with opened(browser, SMALL, True) as context:
        page = context.new_page()
        answer = page.goto(site.url + path)
        assert answer is not None
        assert answer.status in (404, 429)
        assert violations(page) == []
        keep(page, f"closed{path.count('/')}")


@pytest.mark.parametrize("locale", ["en", pytest.param("es", marks=pytest.mark.slow)])
def test_the_end_of_the_emails(site: Site, browser: Browser, locale: str) -> None:
    name = f"mails-{locale}"
    row = site.phone.visit(name, patient=name, phone=None, email=f"{locale}@mail.example", locale=locale)
    link = f"{site.url}/u/{site.phone.link(row, 'comfort', 'email')}"
    with opened(browser, SMALL, False) as context, opened(browser, SMALL, True) as looking:
        page, seen = context.new_page(), looking.new_page()
        for path in (link, f"{site.url}/u/nobodyknows"):
            seen.goto(path)
            assert violations(seen) == []
        page.goto(link)
        assert page.locator("html").get_attribute("lang") == locale
        for _ in range(2):  # the question, and what came of it
            assert page.evaluate("document.documentElement.scrollWidth") <= 320
            assert page.locator(".safety a[href='tel:911']").is_visible()
            assert page.locator("footer a[href='tel:2025550100']").count() == 2
            targets = page.locator("form button, nav a")
            sizes = targets.evaluate_all("all => all.map(e => e.getBoundingClientRect()).map(r => [r.width, r.height])")
            assert sizes
            assert [size for size in sizes if min(size) < 44] == []
            if page.locator("form button").count():
                with page.expect_navigation():
                    page.locator("form button").click()
        keep(page, f"emails-{locale}")
        assert page.locator("form").count() == 0
    assert site.phone.sql("SELECT 1 FROM suppressions WHERE channel = 'email' AND lifted_at IS NULL")


def test_a_page_weighs_little_and_asks_no_other_host(site: Site, browser: Browser) -> None:
    for number, (survey, step) in enumerate(STEPS.items()):
        with opened(browser, SMALL, True) as context:
            page = context.new_page()
            asked: list[Request] = []
            page.on("requestfinished", lambda request, asked=asked: asked.append(request))
            page.goto(site.invite(step, f"weight-{number}", "es"))
            sizes = [request.sizes() for request in asked]
            hosts = {urlsplit(request.url).netloc for request in asked}
            weights = [size["responseBodySize"] + size["responseHeadersSize"] for size in sizes]
            assert hosts == {urlsplit(site.url).netloc}
            assert len(weights) == 3, "page, style, script"
            assert sum(weights) <= MOST_BYTES, (survey, weights)
