"""Settings as owners see and use them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from service.care.lifecycle import Channel
from service.records import attempts, clinics, contact_tests, contacts, hook_log, receipts, sightings
from service.records.database import reading, run
from service.records.receipts import Receipt
from service.records.sightings import Sighting
from tests.desk.browser import DeskPage, check_page, check_shown
from tests.desk.practice import NOW
from tests.desk.test_settings_contacts import code_of

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def furnish(at: DeskPage) -> int:
    """A clinic half ready: two contacts, one of them tried, and a log with something in it. The contact tried."""
    desk = at.desk
    vault, own = desk.here.sending.vault, desk.own

    def work(connection) -> int:  # type: ignore[no-untyped-def]
        made = contacts.add(
            connection, vault, own.clinic_id, "Dr Maximiliana Featherstonehaugh-Cholmondeley", "+12025550201",
            "maximiliana.featherstonehaugh@a-rather-long-clinic-name.example", NOW, on_call=True,
        )  # fmt: skip
        contacts.verified(connection, made.id, Channel.SMS, NOW)
        sightings.note(connection, Sighting.SMS_RECEIPT, NOW - timedelta(days=1))
        for _ in range(3):
            hook_log.send_test(connection, own.clinic_id, own.endpoint, NOW)
        return made.id

    made = run(desk.engine, work)
    desk.sql("UPDATE webhook_deliveries SET state = 'abandoned', tries = 12, last_error = 'timeout'"
             " WHERE event_id = (SELECT max(event_id) FROM webhook_deliveries)")  # fmt: skip
    desk.sql("UPDATE webhook_deliveries SET state = 'delivered', tries = 1, status = 204"
             " WHERE event_id = (SELECT min(event_id) FROM webhook_deliveries)")  # fmt: skip
    return made


@pytest.mark.slow
@pytest.mark.parametrize("section", ["", "/clinic", "/contacts", "/senders", "/keys", "/webhooks", "/care"])
def test_sections(desk_page: DeskPage, section: str) -> None:
    furnish(desk_page)
    check_page(desk_page, f"/desk/settings{section}")


@pytest.mark.slow
def test_a_contact(desk_page: DeskPage) -> None:
    made = furnish(desk_page)
    desk = desk_page.desk
    run(desk.engine, lambda c: contact_tests.send(
        c, desk.here.sending, _clinic(desk_page), made, Channel.SMS, "Ada", NOW))  # fmt: skip
    check_page(desk_page, f"/desk/settings/contacts/{made}", "settings-contact")


@pytest.mark.slow
def test_a_webhook(desk_page: DeskPage) -> None:
    furnish(desk_page)
    check_page(desk_page, f"/desk/settings/webhooks/{desk_page.desk.own.endpoint}", "settings-webhook")


def test_the_care_plan_as_patients_see_it(desk_page: DeskPage) -> None:
    page = desk_page.open("/desk/settings/care")
    page.get_by_label("English").first.fill("Cold packs are fine.\nTen minutes at a time.")
    with desk_page.context.expect_page() as opened:
        page.get_by_role("button", name="Look at it first").press("Enter")
    opened.value.set_viewport_size({"width": 390, "height": 844})
    expect(opened.value.get_by_text("Ten minutes at a time.")).to_be_visible()
    shown = DeskPage(desk_page.desk, opened.value, desk_page.context, desk_page.url)
    check_shown(shown, "settings-care-preview")
    with page.expect_navigation():
        page.get_by_role("button", name="Save").press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Saved")


def test_what_is_wrong(desk_page: DeskPage) -> None:
    page = desk_page.open("/desk/settings/clinic")
    page.get_by_label("Name in texts").fill("Knee Clinic")
    page.get_by_label("Monday").fill("all day")
    with page.expect_navigation():
        page.get_by_role("button", name="Save").click()
    check_shown(desk_page, "settings-clinic-wrong")
    expect(page.locator("#errors")).to_be_focused()
    expect(page.locator("#errors li")).to_have_count(2)


def test_a_contact_is_added_and_verified_by_keyboard_alone(desk_page: DeskPage) -> None:
    page = desk_page.open("/desk/settings")
    follow(page, "Contacts and alerts")
    page.locator("#name").focus()
    page.keyboard.type("Dr Ann")
    page.keyboard.press("Tab")
    page.keyboard.type("202-555-0201")
    press(page, "Enter")
    expect(page.get_by_role("status")).to_contain_text("send a test")
    page.get_by_role("button", name="Send a test to the phone").focus()
    press(page, "Enter")
    expect(page.get_by_role("status")).to_contain_text("On its way")
    with reading(desk_page.desk.engine) as connection:
        made = contacts.of_clinic(connection, desk_page.desk.here.sending.vault, desk_page.desk.own.clinic_id)[-1]
    page.get_by_label("Code from the test message").focus()
    page.keyboard.type(code_of(desk_page.desk, made.id))
    press(page, "Enter")
    expect(page.get_by_role("status")).to_contain_text("Verified")


def test_going_live_by_keyboard_alone(desk_page: DeskPage) -> None:
    desk = desk_page.desk
    sending, own = desk.here.sending, desk.own

    def all_but_the_button(connection) -> None:  # type: ignore[no-untyped-def]
        for channel in Channel:
            contacts.verified(connection, own.contact, channel, NOW)
        sightings.note(connection, Sighting.SMS_RECEIPT, NOW)
        clinic = clinics.get(connection, own.clinic_id)
        contact_tests.send(connection, sending, clinic, own.contact, Channel.SMS, "Ada", NOW)
        table = contact_tests.message_rows
        message = connection.execute(table.select().where(table.c.cause_id == own.contact)).one()
        draft = attempts.Draft(message.id, 1, "a-token", "a-link", "+12025551200", b"key", "body")
        attempts.write(connection, sending.vault, [draft], NOW)
        reported = Receipt("SM1 delivered", Channel.SMS, "delivered", "SM1", "a-token")
        receipts.take_in(connection, sending, desk.here.settings, [reported], NOW)

    run(desk.engine, all_but_the_button)
    page = desk_page.open("/desk/settings")
    expect(page.get_by_text("Not live yet").first).to_be_visible()
    page.get_by_text("Go live …").focus()
    page.keyboard.press("Enter")
    check_shown(desk_page, "settings-ready")
    page.get_by_role("button", name="Go live").focus()
    press(page, "Enter")
    expect(page.get_by_role("status")).to_contain_text("You are live.")
    expect(page.locator(".trial")).to_have_count(0)
    check_shown(desk_page, "settings-live")


def test_a_key_is_made_changed_and_revoked_by_keyboard_alone(desk_page: DeskPage) -> None:
    page = desk_page.open("/desk/settings/keys")
    page.get_by_role("button", name="Make it").focus()
    press(page, "Enter")
    check_shown(desk_page, "settings-secret")
    expect(page.get_by_label("API key")).to_have_value(key := page.get_by_label("API key").input_value())
    assert key.startswith("ak_")
    follow(page, "I have it")
    newest = page.locator("ul.keys > li").last
    newest.locator("summary").first.focus()
    page.keyboard.press("Enter")
    newest.get_by_role("button", name="Make a new one").focus()
    press(page, "Enter")
    expect(page.get_by_text("The old one works until")).to_be_visible()
    follow(page, "I have it")
    last = page.locator("ul.keys > li").last
    last.locator("summary").last.focus()
    page.keyboard.press("Enter")
    check_shown(desk_page, "settings-keys-revoking")
    last.get_by_role("button", name="Revoke").focus()
    press(page, "Enter")
    expect(page.get_by_role("status")).to_contain_text("within five seconds")


def press(page: Page, key: str) -> None:
    with page.expect_navigation():
        page.keyboard.press(key)


def follow(page: Page, name: str) -> None:
    page.get_by_role("link", name=name).first.focus()
    press(page, "Enter")


def _clinic(at: DeskPage):  # type: ignore[no-untyped-def]
    with reading(at.desk.engine) as connection:
        return clinics.get(connection, at.desk.own.clinic_id)
