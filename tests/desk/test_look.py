"""The foundation's own pages as people see them."""

from __future__ import annotations

import pytest

from service import time
from service.care.roles import Role
from service.pages.desk.codes import new_secret
from service.records import staff
from service.records.database import run
from tests.desk.browser import PHONE, DeskPage, check_page, check_shown

pytestmark = pytest.mark.browser


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/desk/you", "/desk/people", "/desk/audit"])
def test_pages_of_the_owner(desk_page: DeskPage, path: str) -> None:
    check_page(desk_page, path)


def test_laid_out_as_blocks_a_table_is_still_read_out_as_one(desk_page: DeskPage) -> None:
    desk_page.page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    page = desk_page.open("/desk/people")
    assert page.locator("table").evaluate("e => getComputedStyle(e).display") == "block"
    tree = desk_page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")
    found = [(one["role"]["value"], one.get("name", {}).get("value")) for one in tree["nodes"] if not one["ignored"]]
    assert [name for role, name in found if role == "columnheader"] == ["Name", "State", "Role", "Codes", "E-mail"]
    assert ("rowheader", "Owner Rosalind") in found
    # The label in front of it is for the eye alone.
    assert ("cell", "Owner") in found
    assert len([role for role, _ in found if role == "row"]) == 5


@pytest.mark.slow
def test_a_person(desk_page: DeskPage) -> None:
    check_page(desk_page, f"/desk/people/{desk_page.desk.own.staff[Role.CLINICIAN]}", "person")


@pytest.mark.slow
def test_a_link_to_hand_over_can_be_read_whole_on_a_phone(desk_page: DeskPage) -> None:
    desk_page.page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    page = desk_page.open("/desk/people")
    page.get_by_label("Name").fill("Kim Lee")
    page.get_by_label("E-mail").fill("kim@rosalind.example")
    with page.expect_navigation():
        page.get_by_role("button", name="Make a link").click()
    link = page.get_by_label("Link")
    assert "/desk/join/" in link.input_value()
    assert link.evaluate("e => e.scrollWidth <= e.clientWidth && e.scrollHeight <= e.clientHeight")
    check_shown(desk_page, "invited")


@pytest.mark.slow
def test_setting_up_codes(desk_page: DeskPage) -> None:
    desk = desk_page.desk
    me = desk.own.staff[Role.OWNER]
    run(desk.engine, lambda connection: staff.offer_codes(connection, desk.here.sending.vault, me, new_secret()))
    check_page(desk_page, "/desk/you/codes")


@pytest.mark.slow
def test_pages_before_the_door(desk_page: DeskPage) -> None:
    desk = desk_page.desk
    link = run(desk.engine, lambda c: staff.invite(c, desk.own.staff[Role.READER], time.real_now()))
    desk_page.context.clear_cookies()
    check_page(desk_page, "/desk/login")
    check_page(desk_page, f"/desk/join/{link}", "join")
