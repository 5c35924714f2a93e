"""Protocols as people see and use them: on a phone, by keyboard alone, while somebody types."""

from __future__ import annotations

import pytest

from service import time
from service.records import drafts
from service.records.database import run
from tests.desk.browser import DeskPage, check_page
from tests.house import PROTOCOL

pytestmark = pytest.mark.browser

FAULTY = PROTOCOL.replace("{clinic}: It is common", "{clinik}: It is common").replace("survey: S3", "survey: S9")
SHORTER = PROTOCOL.replace("    survey: S2\n    reminders:\n      - {name: reminder, send: sms, after: 5h}\n", "")


def draft(at: DeskPage, body: str, name: str = "prolotherapy") -> str:
    made = run(
        at.desk.engine, lambda c: drafts.add(c, at.desk.own.clinic_id, name, body, "Clinician Rosalind", time.now())
    )
    return f"/desk/protocols/drafts/{made.id}"


@pytest.mark.parametrize("view", ["", "/phone", "/calendar", "/changes", "/file", "/approve"])
def test_a_version(desk_page: DeskPage, view: str) -> None:
    check_page(desk_page, f"/desk/protocols/{desk_page.desk.own.protocol}{view}", f"version{view.replace('/', '-')}")


@pytest.mark.parametrize("view", ["", "/changes", "/approve"])
def test_a_draft(desk_page: DeskPage, view: str) -> None:
    check_page(desk_page, draft(desk_page, SHORTER) + view, f"draft{view.replace('/', '-')}")


@pytest.mark.parametrize("view", ["", "/words", "/approve"])
def test_a_draft_with_mistakes(desk_page: DeskPage, view: str) -> None:
    body = FAULTY if view != "/words" else "name: [\n"
    check_page(desk_page, draft(desk_page, body) + view, f"faulty{view.replace('/', '-')}")


def test_the_list(desk_page: DeskPage) -> None:
    draft(desk_page, PROTOCOL)
    draft(desk_page, PROTOCOL, "a_protocol_with_quite_a_long_nam")
    check_page(desk_page, "/desk/protocols")


def test_a_survey(desk_page: DeskPage) -> None:
    check_page(desk_page, "/desk/protocols/surveys/S2?lang=es", "survey")
