"""The patients' pages as people see and use them."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from service import time
from service.care.lifecycle import Channel
from service.care.roles import Role
from service.records import optouts
from service.records.database import run
from tests.desk.browser import DeskPage, check_page, check_shown
from tests.desk.practice import NOW

pytestmark = pytest.mark.browser

NIGHT = NOW.replace(day=11, hour=4)
"""Midnight in New York, twelve hours after the patient wrote."""


@pytest.mark.slow
def test_finding_somebody(desk_page: DeskPage) -> None:
    check_page(desk_page, "/desk/patients")


@pytest.mark.slow
@pytest.mark.parametrize("page", ["", "/progress", "/record", "/history", "/compose"])
def test_pages_of_a_patient(desk_page: DeskPage, page: str) -> None:
    patient = desk_page.desk.own.patients[0]
    check_page(desk_page, f"/desk/patients/{patient}{page}", f"patient{page.replace('/', '-')}")


def test_the_main_task_by_keyboard_alone(desk_page: DeskPage) -> None:
    """Find somebody, read, write a text, see it in the exchange."""
    page = desk_page.open("/desk/patients")
    page.get_by_label("Your number for them").focus()
    page.keyboard.type("Rosalind-p0")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Rosalind0").wait_for()
    page.get_by_label("Your text").focus()
    page.keyboard.type("We will call you at three.")
    page.locator(".box").get_by_text("46 characters: one text").wait_for()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_text("The text goes out now.").wait_for()
    assert "We will call you at three." in page.locator("#conversation .ours").inner_text()


@pytest.mark.parametrize("width", [390, 1280])
def test_from_the_plan_to_everything_that_is_coming(desk_page: DeskPage, width: int) -> None:
    desk_page.page.set_viewport_size({"width": width, "height": 844})
    page = desk_page.open(f"/desk/patients/{desk_page.desk.own.patients[0]}")
    coming = page.get_by_role("heading", name="Coming")
    expect(coming).not_to_be_in_viewport()
    page.get_by_role("link", name="Everything that is coming").press("Enter")
    expect(coming).to_be_in_viewport()


def test_what_is_refused_can_be_mended(desk_page: DeskPage) -> None:
    page = desk_page.open(f"/desk/patients/{desk_page.desk.own.patients[0]}")
    page.get_by_label("Your text").fill("Is the knee still swollen?")
    page.get_by_role("button", name="Send the text").click()
    page.get_by_text("locked phone").first.wait_for()
    check_shown(desk_page, "patient-refused")
    page.get_by_label("Your text").fill("Please call us about your treatment.")
    page.get_by_role("button", name="Send the text").click()
    page.get_by_label("Send it as it is").check()
    check_shown(desk_page, "patient-hint")
    page.get_by_role("button", name="Send the text").click()
    page.get_by_text("The text goes out now.").wait_for()


@pytest.mark.parametrize("width", [390, 1280])
def test_a_halted_plan_and_a_night(desk_page: DeskPage, width: int) -> None:
    page = desk_page.page
    page.set_viewport_size({"width": width, "height": 844})
    where = f"/desk/patients/{desk_page.desk.own.patients[0]}"
    with time.held(NIGHT):
        desk_page.open(where)
        page.get_by_role("button", name="Pause the plan").click()
        page.get_by_text("Paused by Owner Rosalind").wait_for()
        check_shown(desk_page, f"patient-paused-{width}")
        page.get_by_text("Stop the plan").first.click()
        page.get_by_role("button", name="Stop the plan").click()
        page.get_by_text("Stopped by Owner Rosalind").wait_for()
        check_shown(desk_page, f"patient-stopped-{width}")


def test_after_a_stop(desk_page: DeskPage) -> None:
    desk = desk_page.desk
    patient = desk.own.patients[0]
    run(desk.engine, lambda c: optouts.opt_out(c, desk.here.sending, patient, Channel.SMS, "reply", time.now()))
    desk_page.page.set_viewport_size({"width": 390, "height": 844})
    desk_page.open(f"/desk/patients/{patient}")
    check_shown(desk_page, "patient-opted-out")
    desk_page.sign_in_as(Role.READER)
    desk_page.open(f"/desk/patients/{patient}")
    assert desk_page.page.get_by_role("button", name="Pause the plan").count() == 0
