"""Today and Replies as people see and use them: on a phone, by keyboard, while things happen elsewhere."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from service.care.urgency import Urgency
from tests.desk.browser import DeskPage, check_page, check_shown
from tests.desk.incoming import says
from tests.desk.practice import NOW
from tests.desk.test_replies import OWN_SENDER, STRANGER, give_a_number_of_its_own, share_a_phone
from tests.desk.test_today import clear, fail, ring
from workers import alerting

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def busy(at: DeskPage) -> dict[str, int]:
    """A morning with a little of everything."""
    desk = at.desk
    give_a_number_of_its_own(desk)
    ring(desk, 1, Urgency.EMERGENCY, "chest_pain", "Chest pain, day 21.", "survey S4")
    ring(desk, 1, Urgency.WATCH, "silence S4", "Survey S4 is open since two days.", "survey S4 unanswered")
    with desk.engine.begin() as connection:
        alerting.next_round(connection, desk.here.sending, desk.own.alert, NOW)
    fail(desk, 2, "sms", "failed", "bad_address")
    doubt = says(desk, desk.own.phones[1], "cancel it", OWN_SENDER)
    shared = says(desk, share_a_phone(desk), "I have a fever of 102, should I come in?", OWN_SENDER)
    stranger = says(desk, STRANGER, "Rosa has a new phone, this is her son. Stop calling the old one", OWN_SENDER)
    return {"doubt": doubt, "shared": shared, "stranger": stranger}


@pytest.mark.slow
def test_today(desk_page: DeskPage) -> None:
    busy(desk_page)
    check_page(desk_page, "/desk/today")


@pytest.mark.slow
def test_today_when_nothing_waits(desk_page: DeskPage) -> None:
    clear(desk_page.desk, desk_page.desk.own)
    check_page(desk_page, "/desk/today", "today-empty")


@pytest.mark.slow
@pytest.mark.parametrize("which", ["shared", "stranger"])
def test_a_reply_that_is_nobodys_yet(desk_page: DeskPage, which: str) -> None:
    kept = busy(desk_page)
    check_page(desk_page, f"/desk/replies/{kept[which]}", f"reply-{which}")


def test_lists(desk_page: DeskPage) -> None:
    busy(desk_page)
    desk_page.open("/desk/replies?show=all")
    check_shown(desk_page, "replies")
    desk_page.open("/desk/alerts?urgency=urgent")
    check_shown(desk_page, "alerts")
    desk_page.open(f"/desk/alerts/{desk_page.desk.own.alert}")
    check_shown(desk_page, "alert")


def test_an_alert_is_taken_on_and_closed_by_keyboard_alone(desk_page: DeskPage) -> None:
    alert = desk_page.desk.own.alert
    page = desk_page.open("/desk/today")
    card = page.locator(f"#alert-{alert}")
    card.get_by_role("button", name="I take it on").focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("It is yours")
    card.get_by_text("Done, or a note …").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("Called: no fever any more.")
    check_shown(desk_page, "today-closing")
    page.keyboard.press("Tab")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(card).to_have_count(0)


def test_a_shared_reply_is_resolved_by_keyboard_alone(desk_page: DeskPage) -> None:
    desk = desk_page.desk
    kept = says(desk, share_a_phone(desk), "When can I run again?")
    page = desk_page.open("/desk/replies?show=shared")
    page.locator(f"#reply-{kept}").get_by_role("link", name="Say who wrote it").focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    page.get_by_role("button", name=re.compile(f"This patient wrote it.*{desk.own.marker}2")).focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("It is with the patient now.")


def test_p9_a_new_emergency_is_read_out_and_appears_by_itself(desk_page: DeskPage) -> None:
    page = desk_page.open("/desk/today")
    alert = ring(desk_page.desk, 2, Urgency.EMERGENCY, "chest_pain")
    expect(page.get_by_role("status")).to_contain_text("1 emergency", timeout=12_000)
    expect(page.locator(f"#alert-{alert}")).to_be_visible(timeout=12_000)


def test_p9_it_is_read_out_also_to_somebody_who_is_writing(desk_page: DeskPage) -> None:
    """What they typed stays; that an emergency came they are told all the same."""
    page = desk_page.open("/desk/today")
    card = page.locator(f"#alert-{desk_page.desk.own.alert}")
    card.get_by_text("Done, or a note …").click()
    card.get_by_label("What came of it, or a note").fill("Half a sentence")
    ring(desk_page.desk, 2, Urgency.EMERGENCY, "chest_pain")
    expect(page.get_by_role("status")).to_contain_text("1 emergency", timeout=12_000)
    expect(card.get_by_label("What came of it, or a note")).to_have_value("Half a sentence")
