"""A bad morning on the first page: sixty alerts, sixty replies, three hundred messages that did not arrive."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from service import time
from service.care.roles import Role
from service.care.urgency import Urgency
from service.records.database import to_micros
from tests.desk.browser import MOST_BYTES, PHONE, DeskPage, check_page, check_shown
from tests.desk.crowd import gather
from tests.desk.desk import Desk, Visitor
from tests.desk.incoming import says
from tests.desk.practice import NOW
from tests.desk.test_today import TODAY, ring

pytestmark = pytest.mark.slow

OPEN = {Urgency.EMERGENCY: 16, Urgency.URGENT: 16, Urgency.NEXT_BUSINESS_DAY: 16, Urgency.WATCH: 12}
WORDS = "When I bend it on the stairs it clicks, and my neighbour says I should have waited. How long does this go on? "


def crowd_in(desk: Desk) -> list[int]:
    """Returns the alerts."""
    gather(desk.here, desk.own, size=150)
    desk.sql("UPDATE alerts SET closed_at = opened_at WHERE cause LIKE 'crowd-%'")
    lately = NOW - timedelta(hours=1)
    desk.sql(
        "UPDATE messages SET state = 'failed', reason = 'bad_address', due_at = :at WHERE id IN (SELECT messages.id"
        " FROM messages JOIN sessions ON sessions.id = messages.session_id WHERE sessions.external_id LIKE 'crowd-%'"
        " ORDER BY messages.id LIMIT 300)",
        at=to_micros(lately) if desk.engine.dialect.name == "sqlite" else lately,
    )
    made = []
    for urgency, number in OPEN.items():
        for place in range(number):
            with time.held(NOW - timedelta(minutes=90 - place)):
                made.append(ring(desk, place % 3, urgency, f"{urgency[:20]}_{place}", f"{place}: {2 * WORDS}"))
    for place in range(60):
        with time.held(NOW - timedelta(minutes=80 - place)):
            says(desk, desk.own.phones[place % 3], f"{place}: {WORDS}")
    return made


def seen(page: str) -> set[int]:
    return {int(one) for one in re.findall(r'id="alert-(\d+)"', page)}


def weight(visitor: Visitor, page: str) -> int:
    """The page and what it loads."""
    assets = set(re.findall(r'(?:src|href)="(/assets/[^"]+)"', page))
    assert len(assets) >= 3, assets
    return len(page.encode()) + sum(len(visitor.get(one).data) for one in assets)


def test_it_is_light_and_most_of_it_is_one_line_each(desk: Desk) -> None:
    crowd_in(desk)
    visitor = desk.client_as(Role.OWNER)
    page = visitor.get(TODAY).text
    assert weight(visitor, page) <= MOST_BYTES - 15_000, "headers and a longer morning need room, too"
    lines = re.findall(r"<article class=\"card (?:alert|letter)[^>]*\">", page)
    whole = [one for one in lines if "folded" not in one]
    assert len(whole) <= 6 + 6 + 6, "cards that are shown whole"
    assert len(lines) > 2 * len(whole)
    first = re.search(r'<article class="card alert ([^"]+)"', page)
    assert first is not None
    assert first[1] == "emergency", "the most urgent stands whole, and first"


def test_p9_paging_on_comes_to_every_alert(desk: Desk) -> None:
    """Whatever is not on the first page is on those behind it, and each is light."""
    made = set(crowd_in(desk))
    visitor = desk.client_as(Role.OWNER)
    first = visitor.get(TODAY).text
    found = seen(first)
    assert not made <= found
    links = [one.replace("&amp;", "&") for one in re.findall(r'href="(/desk/alerts\?[^"]+)"', first)]
    assert links
    while links:
        page = visitor.get(links.pop())
        assert weight(visitor, page.text) <= MOST_BYTES
        found |= seen(page.text)
        links += [one.replace("&amp;", "&") for one in re.findall(r'href="(/desk/alerts\?[^"]+after[^"]+)"', page.text)]
    assert made <= found


def test_a_line_opens_to_the_whole_card(light_desk: Desk) -> None:
    crowd_in(light_desk)
    visitor = light_desk.client_as(Role.DESK)
    page = visitor.get(TODAY).text
    inside = re.findall(r'hx-get="(/desk/(?:alerts|replies)/\d+/card[^"]+)"', page)
    assert len(inside) > 20
    for path in (inside[0], inside[-1]):
        card = visitor.get(path).text
        assert WORDS.strip() in card
        assert 'name="back" value="/desk/today"' in card
        assert f"tel:{light_desk.own.phones[0][:6]}" in card
    reader = light_desk.client_as(Role.READER).get(inside[0]).text
    assert "I take it on" not in reader


def test_p9_of_what_can_wait_the_first_few_are_in_sight_and_everything_urgent_is(light_desk: Desk) -> None:
    """On a phone, too, somebody comes to the end of it. Whatever is behind a line is counted there, and in the page."""
    crowd_in(light_desk)
    page = light_desk.client_as(Role.OWNER).get(TODAY).text
    rests = re.findall(
        r'<details class="rest">\s*<summary>(.*?)</summary>(.*?)\s*</details>\s*(?:<p>|</section>)', page, re.DOTALL
    )
    assert [words for words, _ in rests] == [
        "5 more that nobody has taken on", "9 more to read", "3 more that something did not reach",
    ]  # fmt: skip
    behind = "".join(inside for _, inside in rests)
    assert len(re.findall(r"<article", behind)) == 5 + 9 + 3
    assert not re.search(r'class="card alert[^"]* (?:emergency|urgent)', behind)
    in_sight = page
    for _, inside in rests:
        in_sight = in_sight.replace(inside, "")
    assert len(re.findall(r'class="card alert[^"]* emergency', in_sight)) == 12
    assert len(re.findall(r'class="card alert[^"]* urgent', in_sight)) == 12


@pytest.mark.browser
def test_a_bad_morning_on_a_phone(desk_page: DeskPage) -> None:
    crowd_in(desk_page.desk)
    check_page(desk_page, TODAY, "today-crowded")
    desk_page.page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    page = desk_page.open(TODAY)
    height = page.evaluate("document.documentElement.scrollHeight")
    assert height < 9_000


@pytest.mark.browser
def test_a_folded_alert_is_opened_and_taken_on_by_keyboard_alone(desk_page: DeskPage) -> None:
    crowd_in(desk_page.desk)
    page = desk_page.open(TODAY)
    line = page.locator(".alert.folded summary").first
    name = line.locator("xpath=ancestor::article").get_attribute("id")
    line.focus()
    page.keyboard.press("Enter")
    card = page.locator(f"#{name}")
    expect(card.get_by_role("button", name="I take it on")).to_be_visible()
    check_shown(desk_page, "today-unfolded")
    page.keyboard.press("Tab")
    card.get_by_role("button", name="I take it on").focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("It is yours")
    expect(page.locator(f"#{name}")).to_contain_text("Owner Rosalind has it since")
