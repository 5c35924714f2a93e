"""An event is announced exactly if what it tells of was committed, and costs nothing where nobody listens."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from service import time
from service.care.lifecycle import Channel, Reason, State
from service.records import consents, erasure, hook_deliveries, hook_endpoints, hook_log, hooks, messages
from service.records.consents import Consent
from service.records.hooks import Type
from service.records.ids import new_id
from service.records.messages import Extra, Move
from service.records.webhook_tables import webhook_deliveries, webhook_endpoints, webhook_events
from tests.hooks.conftest import Surgery
from tests.statements import statements

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def _message(surgery: Surgery, patient_id: int | None = None) -> int:
    row = new_id()
    extra = Extra(
        surgery.clinic_id, "answer", Channel.SMS, "+1", time.now(), time.now(), row, patient_id or surgery.ana
    )
    return surgery.run(lambda c: messages.insert_extra(c, extra, row))  # type: ignore[no-any-return]


def _told(surgery: Surgery) -> list[tuple[str, dict[str, object]]]:
    rows = surgery.read(lambda c: c.execute(select(webhook_events).order_by(webhook_events.c.id)).all())
    return [(row.type, row.facts) for row in rows]


def test_moves_of_messages_are_told(surgery: Surgery) -> None:
    one, other = _message(surgery), _message(surgery)
    surgery.run(lambda c: messages.move(c, [Move(one, State.QUEUED, Reason.NOT_YET_DUE)]))
    assert _told(surgery) == []
    surgery.run(lambda c: messages.move(c, [Move(one, State.SENDING, Reason.HANDED_OVER)]))
    assert surgery.run(lambda c: messages.move(c, [Move(one, State.ACCEPTED, Reason.HANDED_OVER)])) == 1
    # A move that is not allowed is not made, and not told.
    assert surgery.run(lambda c: messages.move(c, [Move(other, State.ACCEPTED, Reason.HANDED_OVER)])) == 0
    surgery.run(lambda c: messages.withdraw(c, Reason.OPTED_OUT, messages.messages.c.id == other))
    told = _told(surgery)
    assert [(kind, facts["message"]["state"], facts["message"]["reason"]) for kind, facts in told] == [  # type: ignore[index]
        ("message.state_changed", "accepted", "handed_over"),
        ("message.state_changed", "cancelled", "opted_out"),
    ]
    facts = told[0][1]
    assert facts["patient"] == {"id": "ana"}
    assert facts["session"] is None
    assert facts["message"]["why"] == "The provider has taken it."  # type: ignore[index]
    surgery.deliver()
    assert [one.body["data"]["message"]["state"] for one in surgery.receiver.got] == ["accepted", "cancelled"]


def test_nothing_is_told_of_what_was_rolled_back(surgery: Surgery) -> None:
    one = _message(surgery)

    def undone(connection: object) -> None:
        messages.withdraw(connection, Reason.OPTED_OUT, messages.messages.c.id == one)  # type: ignore[arg-type]
        raise RuntimeError

    with pytest.raises(RuntimeError):
        surgery.run(undone)
    assert _told(surgery) == []


def test_consent_is_told_once_a_line(surgery: Surgery) -> None:
    given = Consent(Channel.SMS, NOON, "I agree", "form")
    for _ in range(2):
        surgery.run(lambda c: consents.grant(c, surgery.clinic_id, surgery.ana, given, NOON))
        surgery.run(lambda c: consents.revoke(c, surgery.clinic_id, surgery.ana, Channel.SMS, "reply", NOON, NOON))
    assert [facts["consent"]["action"] for _, facts in _told(surgery)] == ["granted", "revoked"]  # type: ignore[index]


def test_consent_that_comes_with_a_new_patient_is_told(surgery: Surgery) -> None:
    given = Consent(Channel.SMS, NOON, "I agree", "form")
    surgery.run(lambda c: consents.grant_first(c, surgery.clinic_id, surgery.ben, [given], NOON))
    [(kind, facts)] = _told(surgery)
    assert (kind, facts["patient"]) == ("consent.changed", {"id": "ben"})


def test_without_endpoints_a_move_costs_no_statement(bare: Surgery) -> None:
    ids = [_message(bare) for _ in range(3)]
    bare.run(hooks.anyone_listens)
    with statements(bare.parts.engine) as asked:
        bare.run(
            lambda c: messages.move(c, [Move(one, State.SENDING, Reason.HANDED_OVER) for one in ids], (State.PLANNED,))
        )
        bare.run(lambda c: messages.move(c, [Move(one, State.ACCEPTED, Reason.HANDED_OVER) for one in ids]))
    assert [one for one in asked if "webhook" in one] == []
    assert len([one for one in asked if one.startswith("UPDATE")]) == 2
    assert not any("RETURNING" in one for one in asked)


def test_endpoints_get_the_types_they_want(surgery: Surgery) -> None:
    alerts, _ = surgery.add_endpoint(surgery.receiver.url, ["alert.opened"])
    surgery.announce(surgery.ana, 1, Type.REPLY)
    surgery.announce(surgery.ana, 2, Type.ALERT_OPENED)
    assert len(surgery.states()) == 2
    assert len(surgery.read(lambda c: hook_deliveries.states(c, alerts.id))) == 1


def test_unknown_types_are_refused(bare: Surgery) -> None:
    for types in (["alert.open"], [], ""):
        with pytest.raises(ValueError, match="types are"):
            bare.add_endpoint(bare.receiver.url, types)


def test_a_disabled_endpoint_gets_nothing_more(surgery: Surgery) -> None:
    surgery.announce(surgery.ana, 1)
    assert surgery.run(lambda c: hook_endpoints.disable(c, surgery.endpoint.id, time.now()))
    assert not surgery.run(lambda c: hook_endpoints.disable(c, surgery.endpoint.id, time.now()))
    surgery.announce(surgery.ana, 2)
    assert surgery.states() == ["abandoned"]
    assert surgery.deliver() == 0


def test_erasure_takes_what_was_told_with_it(surgery: Surgery) -> None:
    """P8"""
    _message(surgery)
    surgery.announce(surgery.ana, 1)
    surgery.announce(surgery.ben, 2)
    surgery.run(lambda c: erasure.erase(c, surgery.parts.sending.vault, surgery.clinic_id, "ana", time.now()))
    surgery.deliver()
    assert surgery.receiver.numbers == [2]
    assert surgery.read(lambda c: c.execute(select(func.count()).select_from(webhook_events)).scalar_one()) == 1


def test_old_events_are_forgotten(surgery: Surgery) -> None:
    with time.held(NOON):
        surgery.announce(surgery.ana, 1)
    with time.held(NOON + timedelta(days=20)):
        surgery.announce(surgery.ana, 2)
    assert surgery.run(lambda c: erasure.forget_old(c, NOON + timedelta(days=31), 2555)) == 1
    assert len(surgery.states()) == 1


def test_resending_what_was_given_up(surgery: Surgery) -> None:
    surgery.receiver.answer = lambda got: 500
    with time.held(NOON):
        for number in (1, 2):
            surgery.announce(None, number)
    with time.held(NOON + timedelta(days=4)):
        surgery.deliver()
        assert surgery.states() == ["abandoned"] * 2
        surgery.receiver.answer = lambda got: 204
        surgery.receiver.got.clear()
        assert surgery.run(lambda c: hook_log.resend(c, surgery.endpoint.id, time.now())) == 2
        surgery.deliver()
        assert sorted(surgery.receiver.numbers) == [1, 2]
        assert surgery.run(lambda c: hook_log.resend(c, surgery.endpoint.id, time.now())) == 0
        first = surgery.deliveries()[0]["event_id"]
        assert surgery.run(lambda c: hook_log.resend(c, surgery.endpoint.id, time.now(), only=first)) == 1
        surgery.deliver()
        assert surgery.receiver.got[-1].id == hooks.webhook_id(first)
        # An endpoint added later can be given the past.
        late, _ = surgery.add_endpoint(surgery.receiver.url)
        assert surgery.run(lambda c: hook_log.resend(c, late.id, time.now())) == 2


def test_secrets_are_sealed(surgery: Surgery) -> None:
    row = surgery.read(lambda c: c.execute(select(webhook_endpoints)).one())
    assert surgery.secret.encode() not in row.secret
    assert surgery.read(lambda c: c.execute(select(webhook_deliveries)).all()) == []
