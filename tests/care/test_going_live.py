"""The checklist rests on evidence and nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service.care.going_live import Evidence, Step, checklist, missing

THEN = datetime(2026, 3, 10, tzinfo=UTC)
LATER = THEN + timedelta(hours=1)
ALL = Evidence(
    approved_at=THEN, approved_by="Dr Ann", contacts=[THEN, LATER], text_read_at=THEN, email_read_at=THEN,
    receipt_at=THEN, signature_at=THEN, inbound_at=THEN, event_at=THEN,
)  # fmt: skip


def test_nothing_seen_nothing_green() -> None:
    checks = checklist(Evidence())
    assert [check.step for check in checks] == list(Step)
    assert missing(checks) == tuple(Step)


def test_all_seen() -> None:
    assert missing(checklist(ALL)) == ()
    moments = {check.step: check.at for check in checklist(ALL)}
    assert moments[Step.CONTACTS] == LATER


@pytest.mark.parametrize(
    ("changes", "step"),
    [
        ({"approved_at": None}, Step.PROTOCOL),
        ({"approved_by": " "}, Step.PROTOCOL),
        ({"contacts": []}, Step.CONTACTS),
        ({"contacts": [THEN, None]}, Step.CONTACTS),
        ({"text_read_at": None}, Step.TEXT),
        ({"receipt_at": None}, Step.RECEIPT),
        ({"signature_at": None}, Step.SIGNATURE),
        ({"inbound_at": None}, Step.INBOUND),
        ({"email_read_at": None}, Step.EMAIL),
        ({"event_at": None}, Step.EVENT),
    ],
)
def test_each_step_stands_in_the_way_alone(changes: dict[str, Any], step: Step) -> None:
    assert missing(checklist(replace(ALL, **changes))) == (step,)


def test_mail_is_not_asked_of_an_installation_that_sends_none() -> None:
    assert missing(checklist(replace(ALL, email_read_at=None, sends_email=False))) == ()
