"""Forms that make a secret, sent twice: one is made, and whoever missed it is told what to do."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from typing import Any

import pytest
from playwright.sync_api import expect
from werkzeug.test import TestResponse

from service import time
from service.care.roles import Role
from service.records import clinics
from service.records.database import reading
from service.records.hooks import Type
from tests.desk.browser import DeskPage
from tests.desk.desk import Desk, Visitor
from tests.desk.test_settings import HOOKS, KEYS

Make = tuple[str, str, dict[str, Any], str]
"""The page with the form, where it goes, what is filled in, and the table that grows by one."""


def new_key(_desk: Desk) -> Make:
    return KEYS, KEYS, {"kind": "api"}, "clinic_keys"


def new_webhook_secret(_desk: Desk) -> Make:
    return KEYS, KEYS, {"kind": "webhook"}, "clinic_keys"


def changed_key(desk: Desk) -> Make:
    return KEYS, f"{KEYS}/{desk.own.key}/change", {"hours": "1"}, "clinic_keys"


def new_endpoint(_desk: Desk) -> Make:
    return HOOKS, HOOKS, {"url": "https://hill.example/hook", "types": [Type.REPLY.value]}, "webhook_endpoints"


def rows_of(desk: Desk, table: str) -> int:
    return int(desk.sql(f"SELECT count(*) AS n FROM {table}")[0].n)


def number_in(page: str, action: str) -> str:
    """What was drawn for the form that goes there."""
    found = re.search(rf'action="{action}"[^>]*>.*?name="once"[^>]* value="(\d+)"', page, re.S)
    assert found is not None, page
    return found[1]


def sent_twice(desk: Desk, page: str, action: str, filled: dict[str, Any]) -> list[TestResponse]:
    """The answers to a form, shown once and sent by two browsers at the same moment."""
    number = number_in(desk.client_as(Role.OWNER).get(page).text, action)
    owners = [desk.client_as(Role.OWNER) for _ in range(2)]
    tokens, ready = [owner.token() for owner in owners], threading.Barrier(2)

    def send(owner: Visitor, token: str) -> TestResponse:
        ready.wait()
        return owner.client.post(action, data={**filled, "once": number, "csrf_token": token})

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(send, owners, tokens))


@pytest.mark.parametrize("make", [new_key, new_webhook_secret, changed_key, new_endpoint])
def test_sent_twice_at_once_makes_one(desk: Desk, make: Callable[[Desk], Make]) -> None:
    page, action, filled, table = make(desk)
    before = rows_of(desk, table)
    answers = sent_twice(desk, page, action, filled)
    assert sorted(answer.status_code for answer in answers) == [200, 422]
    [shown] = [answer.text for answer in answers if answer.status_code == 200]
    [told] = [answer.text for answer in answers if answer.status_code == 422]
    assert 'id="secret"' in shown
    assert "This was sent twice" in told
    assert rows_of(desk, table) == before + 1
    made = desk.sql("SELECT id FROM audit WHERE action IN ('key.new', 'key.change', 'webhook.added')")
    assert len(made) == 1


@pytest.mark.parametrize("make", [new_key, new_webhook_secret, changed_key])
def test_a_key_that_was_lost_from_sight_is_replaced(desk: Desk, make: Callable[[Desk], Make]) -> None:
    """P8: no key is shown twice; what a double click hid makes room for one that is shown."""
    page, action, filled, table = make(desk)
    before, owner = rows_of(desk, table), desk.client_as(Role.OWNER)
    number = number_in(owner.get(page).text, action)
    owner.post(action, {**filled, "once": number})
    [made] = desk.sql("SELECT id FROM clinic_keys WHERE form = :form", form=int(number))
    told = owner.post(action, {**filled, "once": number}).text
    assert "Did you see it?" in told
    again = f"{KEYS}/{made.id}/change"
    answer = owner.post(again, {"hours": "0", "once": number_in(told, again)})
    assert 'id="secret"' in answer.text
    assert rows_of(desk, table) == before + 2
    [ended] = desk.sql("SELECT revoked_at FROM clinic_keys WHERE id = :id", id=made.id)
    assert ended.revoked_at is not None
    assert "Did you see it?" not in owner.post(action, {**filled, "once": number}).text


def test_another_form_makes_another(desk: Desk) -> None:
    owner, before = desk.client_as(Role.OWNER), rows_of(desk, "clinic_keys")
    for _ in range(2):
        shown = number_in(owner.get(KEYS).text, KEYS)
        assert owner.post(KEYS, {"kind": "api", "once": shown}).status_code == 200
    assert rows_of(desk, "clinic_keys") == before + 2


def test_a_secret_that_is_changed_twice_at_once_is_the_one_that_was_shown(desk: Desk) -> None:
    one = f"{HOOKS}/{desk.own.endpoint}"
    answers = sent_twice(desk, one, f"{one}/secret", {})
    assert sorted(answer.status_code for answer in answers) == [200, 422]
    [shown] = [answer.text for answer in answers if answer.status_code == 200]
    secret = re.search(r">(whsec_[^<]+)<", shown)
    assert secret is not None
    [kept] = desk.sql("SELECT secret FROM webhook_endpoints WHERE id = :id", id=desk.own.endpoint)
    assert desk.here.sending.vault.open(bytes(kept.secret), desk.own.endpoint) == unescape(secret[1])


@pytest.mark.browser
def test_without_scripts_a_double_click_shows_a_key_in_the_end(desk_page: DeskPage) -> None:
    with desk_page.without_scripts() as page:
        page.goto(desk_page.url + KEYS)
        page.get_by_role("button", name="Make it").dblclick()
        again = page.get_by_role("button", name="Make another in its place")
        # Mostly the first answer is lost; where the second request was quicker, it made the key.
        expect(again.or_(page.get_by_label("API key"))).to_be_visible()
        if again.is_visible():
            again.click()
        shown = page.get_by_label("API key").input_value()
    with reading(desk_page.desk.engine) as connection:
        assert clinics.api_key(connection, shown, time.now()) is not None


@pytest.mark.browser
def test_a_double_click_shows_the_key(desk_page: DeskPage) -> None:
    page, desk = desk_page.open(KEYS), desk_page.desk
    before = rows_of(desk, "clinic_keys")
    page.get_by_role("button", name="Make it").dblclick()
    expect(page.get_by_label("API key")).to_be_visible()
    assert rows_of(desk, "clinic_keys") == before + 1
