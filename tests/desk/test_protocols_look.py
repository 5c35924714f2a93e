"""Protocols as people see and use them: on a phone, by keyboard alone, while somebody types."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from service import time
from service.records import drafts
from service.records.database import run
from tests.desk.browser import DeskPage, check_page, check_shown
from tests.house import PROTOCOL

pytestmark = [pytest.mark.browser, pytest.mark.slow]

FAULTY = PROTOCOL.replace("{clinic}: It is common", "{clinik}: It is common").replace("survey: S3", "survey: S9")
SHORTER = PROTOCOL.replace("    survey: S2\n    reminders:\n      - {name: reminder, send: sms, after: 5h}\n", "")


def draft(at: DeskPage, body: str, name: str = "prolotherapy") -> str:
    made = run(
        at.desk.engine, lambda c: drafts.add(c, at.desk.own.clinic_id, name, body, "Clinician Rosalind", time.now())
    )
    return f"/desk/protocols/drafts/{made.id}"


@pytest.mark.slow
@pytest.mark.parametrize("view", ["", "/phone", "/calendar", "/changes", "/file", "/approve"])
def test_a_version(desk_page: DeskPage, view: str) -> None:
    check_page(desk_page, f"/desk/protocols/{desk_page.desk.own.protocol}{view}", f"version{view.replace('/', '-')}")


@pytest.mark.slow
@pytest.mark.parametrize("view", ["", "/changes", "/approve"])
def test_a_draft(desk_page: DeskPage, view: str) -> None:
    check_page(desk_page, draft(desk_page, SHORTER) + view, f"draft{view.replace('/', '-')}")


@pytest.mark.slow
@pytest.mark.parametrize("view", ["", "/words", "/approve"])
def test_a_draft_with_mistakes(desk_page: DeskPage, view: str) -> None:
    body = FAULTY if view != "/words" else "name: [\n"
    check_page(desk_page, draft(desk_page, body) + view, f"faulty{view.replace('/', '-')}")


@pytest.mark.slow
def test_the_list(desk_page: DeskPage) -> None:
    draft(desk_page, PROTOCOL)
    draft(desk_page, PROTOCOL, "a_protocol_with_quite_a_long_nam")
    check_page(desk_page, "/desk/protocols")


@pytest.mark.slow
def test_a_survey(desk_page: DeskPage) -> None:
    check_page(desk_page, "/desk/protocols/surveys/S2?lang=es", "survey")


def press(page: Page, key: str = "Enter") -> None:
    with page.expect_navigation():
        page.keyboard.press(key)


def tab_to(page: Page, label: str) -> None:
    """Press Tab until the focus is on what is called `label`."""
    for _ in range(80):
        page.keyboard.press("Tab")
        named = page.evaluate(
            "(e => e.labels && e.labels[0] ? e.labels[0].textContent : e.textContent)(document.activeElement)"
        )
        if label in " ".join(named.split()):
            return
    raise AssertionError(f"Tab does not come to {label!r}")


def test_from_a_copy_to_an_approval_by_keyboard_alone(desk_page: DeskPage) -> None:
    page = desk_page.open(f"/desk/protocols/{desk_page.desk.own.protocol}")
    tab_to(page, "Copy into a draft")
    press(page)
    expect(page.get_by_role("status").first).to_contain_text("The draft is yours to change")

    # A mistake, and what is said about it while it is typed.
    tab_to(page, "The file")
    page.keyboard.press("Control+End")
    page.keyboard.type("\n  - id: extra\n    day: 3\n    when: now\n")
    expect(page.locator("#verdict")).to_contain_text("to mend")
    mistake = page.locator(".problems li", has_text="unknown key").first
    expect(mistake).to_contain_text("steps.extra.when")
    check_shown(desk_page, "edit-mistake")
    tab_to(page, "Line ")
    page.keyboard.press("Enter")
    chosen = page.evaluate("(e => e.value.slice(e.selectionStart, e.selectionEnd))(document.getElementById('body'))")
    assert chosen.strip() in ("- id: extra", "when: now")

    # Mended, and seen beside the file.
    page.keyboard.press("Control+End")
    for _ in range(4):
        page.keyboard.press("Shift+ArrowUp")
    page.keyboard.press("Delete")
    expect(page.locator("#verdict")).to_contain_text("Nothing to mend")
    text = page.locator("#body").input_value()
    assert "extra" not in text
    page.locator("#body").evaluate(
        "e => { const at = e.value.indexOf('It is common to be sore tonight'); e.setSelectionRange(at, at + 31); }"
    )
    page.keyboard.type("To be sore tonight is common")
    expect(page.locator(".bubble", has_text="To be sore tonight is common")).to_be_visible()
    check_shown(desk_page, "edit-mended")
    tab_to(page, "Save")
    press(page)
    expect(page.get_by_role("status").first).to_contain_text("Saved.")

    tab_to(page, "On the phone")
    press(page)
    expect(page.get_by_text("To be sore tonight is common")).to_be_visible()
    tab_to(page, "Approve")
    press(page)
    expect(page.locator("tr.new", has_text="To be sore tonight is common")).to_be_visible()
    tab_to(page, "I have read it")
    page.keyboard.press("Space")
    press(page)  # Enter in a form is its button
    expect(page.get_by_role("status").first).to_contain_text("Version 2 is in force.")
    expect(page.get_by_text("Approved by Owner Rosalind")).to_be_visible()


def test_the_calendar_stands_beside_the_file_and_follows_it(desk_page: DeskPage) -> None:
    page = desk_page.open(draft(desk_page, PROTOCOL))
    calendar, box = page.locator(".agenda"), page.get_by_label("The file")
    expect(calendar.get_by_text("Day 14")).to_be_visible()
    for width, beside in ((1280, True), (1920, True), (390, False)):
        page.set_viewport_size({"width": width, "height": 900})
        file, days = box.bounding_box(), calendar.bounding_box()
        assert file is not None
        assert days is not None
        assert (days["x"] >= file["x"] + file["width"]) is beside
        assert (days["y"] >= file["y"] + file["height"]) is not beside
        check_shown(desk_page, f"edit-{width}")
    page.set_viewport_size({"width": 1280, "height": 900})
    box.fill(PROTOCOL.replace("    day: 14\n", "    day: 15\n"))
    expect(calendar.get_by_text("Day 15")).to_be_visible()
    expect(calendar.get_by_text("Day 14")).to_have_count(0)


def test_lines_that_are_long_are_read_whole(desk_page: DeskPage) -> None:
    """As a file, and where they differ, on a laptop as on a phone; and from any look at a version it can be changed."""
    longer = PROTOCOL.replace(
        "It is common to be sore tonight.", f"It is common to be sore tonight. {'Go easy. ' * 20}"
    )
    version = f"/desk/protocols/{desk_page.desk.own.protocol}"
    changes, file = draft(desk_page, longer) + "/changes", f"{version}/file"
    for width in (390, 1280):
        desk_page.page.set_viewport_size({"width": width, "height": 844})
        for path, region in ((changes, "Differences"), (file, "The file")):
            page = desk_page.open(path)
            assert page.get_by_role("region", name=region).evaluate("e => e.scrollWidth <= e.clientWidth"), path
    with page.expect_navigation():
        page.get_by_role("link", name="Change it").click()
    expect(page.get_by_role("button", name="Copy into a draft")).to_be_in_viewport()


def test_without_scripts_check_says_the_same(desk_page: DeskPage) -> None:
    path = draft(desk_page, PROTOCOL)
    with desk_page.without_scripts() as page:
        page.goto(desk_page.url + path)
        page.get_by_label("The file").fill(FAULTY)
        page.get_by_role("button", name="Check").click()
        expect(page.locator("#verdict")).to_contain_text("3 to mend")
        expect(page.get_by_label("The file")).to_have_value(FAULTY)


def test_typed_words_are_not_lost_by_a_wrong_click(desk_page: DeskPage) -> None:
    page = desk_page.open(draft(desk_page, PROTOCOL))
    page.get_by_label("The file").press("Control+End")
    page.keyboard.type("# more")
    asked: list[str] = []
    page.once("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    page.get_by_role("link", name="Calendar").click()
    page.wait_for_timeout(300)
    assert asked == ["beforeunload"]
    assert page.get_by_label("The file").input_value().endswith("# more")


def test_p8_a_script_in_the_words_does_not_run(desk_page: DeskPage) -> None:
    nasty = "<img src=x onerror=document.title='ran'><script>document.title='ran'</script>"
    path = draft(desk_page, PROTOCOL.replace("It is common to be sore tonight", nasty))
    for view in ("", "/phone", "/calendar", "/changes", "/approve"):
        page = desk_page.open(path + view)
        assert "<script>document.title" in page.locator("main").inner_text() or view == "/words"
        assert page.title() != "ran"


def test_somebody_saved_meanwhile(desk_page: DeskPage) -> None:
    path = draft(desk_page, PROTOCOL)
    page = desk_page.open(path)
    row = int(path.rsplit("/", 1)[1])
    clinic, engine = desk_page.desk.own.clinic_id, desk_page.desk.engine
    seen = run(engine, lambda c: drafts.get(c, clinic, row)).mark
    run(engine, lambda c: drafts.save(c, clinic, row, seen, SHORTER, "Clinician Rosalind", time.now()))
    page.get_by_label("The file").press("Control+End")
    page.keyboard.type("# more")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("Clinician Rosalind saved this meanwhile")
    check_shown(desk_page, "edit-meanwhile")
