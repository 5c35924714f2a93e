"""P2, as receipts see it: a word that comes late, early, twice or backwards only moves things forward."""

from __future__ import annotations

import itertools

import pytest

from sandbox.faults import Kind
from service import time
from service.care.lifecycle import Channel
from service.records import receipts
from service.records.receipts import Receipt
from tests.house import House
from tests.promises.population import counted, once_each, state_of, treat

SID = "SM" + "7" * 32


def token_of(h: House) -> str:
    return str(h.sql("SELECT token FROM attempts ORDER BY number DESC LIMIT 1")[0][0])


def report(h: House, status: str, token: str, sid: str = SID, code: str | None = None) -> None:
    """The provider posts a status callback; the service keeps and applies it."""
    receipt = Receipt(f"{sid}:{status}", Channel.SMS, status, provider_id=sid, token=token, code=code)
    h.run(lambda c: receipts.take_in(c, h.parts.sending, h.parts.settings, [receipt], time.now()))


def in_doubt(h: House) -> str:
    h.sandbox.fault(Kind.DROP_AFTER, on="twilio.create", count=1)
    session = treat(h)
    h.deliver_due()
    assert state_of(h, session)[0] == "sending"
    return session


@pytest.mark.parametrize("status", ["sent", "delivered"])
def test_p2_a_receipt_settles_what_no_answer_did(h: House, status: str) -> None:
    """The token in the callback's address says which attempt it is, before anybody has asked the provider."""
    session = in_doubt(h)
    report(h, status, token_of(h))
    assert state_of(h, session)[0] == status
    h.hurry()
    h.reconcile()
    h.deliver_due()
    assert counted(h.handed_over()) == once_each(1)


@pytest.mark.parametrize("queued_again", [False, True])
def test_p2_a_receipt_stops_the_second_try_of_what_was_taken_for_lost(h: House, queued_again: bool) -> None:
    """The provider's listing lagged and "proved" it absent; then its callback comes, while the second try waits."""
    h.sandbox.fault(Kind.DROP_BEFORE, on="twilio.create", count=1)
    session = treat(h)
    h.deliver_due()
    h.reconcile()
    assert state_of(h, session) == ("planned", "retry_later")
    ids = h.queue_due() if queued_again else []
    report(h, "sent", token_of(h))
    h.deliverer().deliver(ids)
    h.deliver_due()
    assert counted(h.handed_over()) == {}
    assert state_of(h, session)[0] == "sent"


def test_p2_late_proof_beats_unknown_and_sends_nothing(h: House) -> None:
    h.sandbox.fault(Kind.ERROR_BEFORE, on="twilio.list")
    session = in_doubt(h)
    for _ in range(8):
        h.hurry()
        h.reconcile()
    assert state_of(h, session) == ("unknown", "never_proven")
    report(h, "delivered", token_of(h))
    assert state_of(h, session) == ("delivered", "confirmed")
    h.deliver_due()
    assert counted(h.handed_over()) == once_each(1)


@pytest.mark.parametrize("order", list(itertools.permutations(["queued", "sent", "delivered"])))
def test_p2_receipts_in_any_order_and_twice(h: House, order: tuple[str, ...]) -> None:
    session = in_doubt(h)
    token = token_of(h)
    for status in (*order, *reversed(order)):
        report(h, status, token)
    assert state_of(h, session) == ("delivered", "confirmed")
    h.hurry()
    h.reconcile()
    h.deliver_due()
    assert counted(h.handed_over()) == once_each(1)


def test_p2_a_receipt_of_nobodys_message_changes_nothing(h: House) -> None:
    session = in_doubt(h)
    report(h, "failed", "no-such-token", sid="SM" + "9" * 32, code="21610")
    assert state_of(h, session)[0] == "sending"


@pytest.mark.parametrize("code", ["30003", "30008"])
def test_p2_an_unreachable_phone_is_tried_once_more_as_a_new_attempt(h: House, code: str) -> None:
    """The provider itself says that it did not arrive: a second attempt, half an hour later, and no third."""
    session = treat(h)
    deliverer = h.deliverer()
    h.deliver_due(deliverer)
    for number in (1, 2, 3):
        sid = h.handed_over()[-1].id
        report(h, "undelivered", token_of(h), sid=sid, code=code)
        if number == 1:
            assert state_of(h, session) == ("planned", "retry_later")
        h.make_due()
        h.deliver_due(deliverer)
    assert sum(counted(h.handed_over()).values()) == 2
    assert state_of(h, session) == ("undelivered", "unreachable")


def test_p2_a_callback_after_the_retry_is_under_way_ends_the_first_attempt_only(h: House) -> None:
    session = treat(h)
    deliverer = h.deliverer()
    h.deliver_due(deliverer)
    first = token_of(h)
    report(h, "undelivered", first, sid=h.handed_over()[0].id, code="30003")
    h.make_due()
    h.deliver_due(deliverer)
    report(h, "failed", first, sid=h.handed_over()[0].id, code="30004")
    assert state_of(h, session)[0] in {"accepted", "sent", "delivered"}
