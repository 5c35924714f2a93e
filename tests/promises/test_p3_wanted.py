"""P3: what somebody withdrew does not go out, whenever between planning and claiming it was withdrawn."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from unittest.mock import ANY

import pytest
from sqlalchemy import Connection, insert

from sandbox.faults import Kind
from service import time
from service.care.lifecycle import Channel
from service.crashpoints import Point
from service.records import messages, optouts, replies
from service.records.database import reading
from service.records.ids import new_id
from service.records.replies import Incoming
from service.records.reply_tables import responses
from service.records.sessions import Session, find
from tests.house import House
from tests.moments import once_at
from tests.promises.population import counted, daytime, just_treated, once_each, phone, state_of, treat
from workers import listen

WHEN = ("before the clock saw it", "while it was queued")


def session_of(h: House, name: str) -> Session:
    with reading(h.parts.engine) as connection:
        found = find(connection, h.clinic.id, name)
    assert found is not None
    return found


def stop(h: House, name: str) -> None:
    patient = session_of(h, name).patient_id
    assert patient is not None
    h.run(lambda connection: optouts.opt_out(connection, h.parts.sending, patient, Channel.SMS, "reply", time.now()))


def cancel(h: House, name: str) -> None:
    h.post("session.cancelled", {"session": {"id": name}})


def erase(h: House, name: str) -> None:
    h.post("patient.erased", {"patient": {"id": "patient-0"}})


def withdraw_consent(h: House, name: str) -> None:
    withdrawn = {"withdrawn_at": time.now().isoformat(), "source": "desk"}
    h.post("patient.updated", {"patient": {"id": "patient-0", "consent": {"sms": withdrawn}}})


def answer(h: House, name: str) -> None:
    session = session_of(h, name)

    def work(connection: Connection) -> None:
        moment = time.now()
        connection.execute(
            insert(responses).values(
                id=new_id(), clinic_id=h.clinic.id, patient_id=session.patient_id, session_id=session.id, survey="S0",
                started_at=moment, changed_at=moment, completed_at=moment, answers=b"sealed",
            )
        )  # fmt: skip
        messages.withdraw_answered(connection, session.id, "S0")

    h.run(work)


def supersede(h: House, name: str) -> None:
    """A later session at the same site has ended in between; its own first text goes instead."""
    treat(h, session="later", ended_at=time.now() - timedelta(seconds=1))


WITHDRAWALS: list[tuple[Callable[[House, str], None], str, str]] = [
    (stop, "cancelled", "opted_out"),
    (cancel, "cancelled", "session_cancelled"),
    (erase, "cancelled", "patient_erased"),
    (withdraw_consent, "skipped", "no_consent"),
    (answer, "skipped", "answered"),
    (supersede, "cancelled", "superseded"),
]


def deliver_around(h: House, act: Callable[[], object], when: str) -> None:
    """Deliver what is due, with `act` before it is queued or between that and its claim."""
    if when == WHEN[0]:
        act()
        ids = h.queue_due()
    else:
        ids = h.queue_due()
        assert ids
        act()
    h.deliverer().deliver(ids)


@pytest.mark.parametrize(("withdraw", "state", "reason"), WITHDRAWALS, ids=lambda value: getattr(value, "__name__", ""))
@pytest.mark.parametrize("when", WHEN)
def test_p3_withdrawn_in_time(
    h: House, withdraw: Callable[[House, str], None], state: str, reason: str, when: str
) -> None:
    session = treat(h)
    deliver_around(h, lambda: withdraw(h, session), when)
    assert counted(h.handed_over()) == {}
    if withdraw is not erase:
        assert state_of(h, session) == (state, reason)


@pytest.mark.parametrize("withdraw", [stop, cancel, erase, withdraw_consent, answer])
def test_p3_withdrawn_while_on_the_wire_counts_as_sent_before(
    h: House, withdraw: Callable[[House, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the claim's commit and the provider's answer nothing can call a message back: it was sent before.

    What must hold is that it is on record as sent and that nothing else follows.
    """
    session = treat(h)
    once_at(monkeypatch, Point.DELIVER_ANSWERED, lambda: withdraw(h, session))
    h.deliver_due()
    assert counted(h.handed_over()) == once_each(1)
    states = dict(h.sql("SELECT step, state FROM messages WHERE channel = 'sms'"))
    assert states.pop("welcome") in {"accepted", "sent", "delivered"}
    if withdraw is not answer:
        assert set(states.values()) <= {"cancelled", "skipped", "expired"}


@pytest.mark.parametrize("withdraw", [stop, cancel, erase, withdraw_consent, answer])
@pytest.mark.parametrize("code", [21211, 21610, 21617])
def test_p3_withdrawn_while_on_the_wire_and_then_refused(
    h: House, withdraw: Callable[[House, str], None], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a refusal sets in motion (an e-mail instead, a new plan) must not undo the withdrawal."""
    h.sandbox.fault(Kind.REFUSE, on="twilio.create", code=code)
    session = treat(h)
    once_at(monkeypatch, Point.DELIVER_ANSWERED, lambda: withdraw(h, session))
    h.deliver_due()
    states = dict(h.sql("SELECT step, state FROM messages WHERE channel = 'sms'"))
    assert states.pop("welcome") == "failed"
    if withdraw is not answer:
        assert set(states.values()) <= {"cancelled", "skipped", "expired"}


@pytest.mark.parametrize("withdraw", [stop, cancel, erase, withdraw_consent, answer])
def test_p3_withdrawn_while_in_doubt_is_not_sent_again(h: House, withdraw: Callable[[House, str], None]) -> None:
    """The first hand-over is proven lost, so the message may go again; but by then nobody wants it."""
    h.sandbox.fault(Kind.DROP_BEFORE, count=1)
    session = treat(h)
    deliverer = h.deliverer()
    h.deliver_due(deliverer)
    withdraw(h, session)
    h.hurry()
    h.reconcile()
    h.deliver_due(deliverer)
    assert counted(h.handed_over()) == {}


def test_p3_moved_while_queued_goes_at_its_new_time_only(h: House) -> None:
    """The nudge for the old due time finds nothing."""
    session = treat(h)
    ids = h.queue_due()
    later = (time.now() + timedelta(minutes=4)).isoformat()
    h.post("session.updated", {"session": {"id": session, "ended_at": later}})
    h.deliverer().deliver(ids)
    assert h.handed_over() == []
    assert state_of(h, session) == ("planned", "not_yet_due")
    with time.held(time.now() + timedelta(minutes=20)):
        h.deliver_due()
    assert counted(h.handed_over()) == once_each(1)


def test_p3_re_planned_while_queued_and_still_due_goes_once(h: House) -> None:
    session = treat(h)
    ids = h.queue_due()
    earlier = (time.now() - timedelta(minutes=17)).isoformat()
    h.post("session.updated", {"session": {"id": session, "ended_at": earlier}})
    deliverer = h.deliverer()
    deliverer.deliver(ids)
    h.deliver_due(deliverer)
    deliverer.deliver(ids)
    assert counted(h.handed_over()) == once_each(1)


def test_p3_a_new_number_while_queued_is_the_one_that_is_written_to(h: House) -> None:
    session = treat(h)
    ids = h.queue_due()
    h.post("patient.updated", {"patient": {"id": "patient-0", "phone": phone(7)}})
    h.deliverer().deliver(ids)
    h.deliver_due()
    assert counted(h.handed_over()) == {phone(7): 1}
    assert state_of(h, session)[0] != "planned"


def test_p3_a_stop_at_one_phone_holds_for_everybody_behind_it(h: House) -> None:
    """Two patients share a phone. The one whose STOP it was is not known for sure, so both go quiet."""
    first = treat(h, 0)
    second = treat(h, 1, phone=phone(0))
    ids = h.queue_due()
    stop(h, first)
    h.deliverer().deliver(ids)
    assert h.handed_over() == []
    assert state_of(h, second)[1] == "opted_out"


def test_p3_stop_and_claim_at_the_same_instant(h: House) -> None:
    """Whoever comes first wins; there is no third outcome, and never a text after a committed STOP."""
    for number in range(8):
        session = treat(h, number)
        ids = h.queue_due()
        deliverer = h.deliverer()
        racing = threading.Thread(target=lambda deliverer=deliverer, ids=ids: deliverer.deliver(ids))
        racing.start()
        patient = session_of(h, session).patient_id
        assert patient is not None
        h.run(lambda c, one=patient: optouts.opt_out(c, h.parts.sending, one, Channel.SMS, "reply", time.now()))
        stopped_at_end = len([entry for entry in h.handed_over() if entry.to == phone(number)])
        racing.join(10)
        went = [entry for entry in h.handed_over() if entry.to == phone(number)]
        state, reason = state_of(h, session)
        if went:
            assert state in {"accepted", "sent", "delivered"}
        else:
            assert (reason, stopped_at_end) == ("opted_out", 0)


def test_p3_an_event_that_cancels_before_the_session_is_known(h: House) -> None:
    cancel(h, "session-0")
    h.post("session.completed", just_treated(0, timezone=daytime()))
    h.deliver_due()
    assert h.handed_over() == []


def test_p3_after_a_stop_the_same_words_do_not_come_by_email(h: House) -> None:
    """Steps that go by e-mail where texts cannot must tell an opt-out from a consent that was never given."""
    session = treat(h, email=True)
    stop(h, session)
    before = h.sql("SELECT step FROM messages WHERE channel = 'email' ORDER BY step")
    h.post("session.updated", {"session": {"id": session, "number": 2}})
    assert h.sql("SELECT step FROM messages WHERE channel = 'email' ORDER BY step") == before


@pytest.mark.parametrize(("body", "then"), [("STOP", ("cancelled", "opted_out")), ("Thank you", ("planned", None))])
def test_p3_nothing_goes_to_a_phone_whose_reply_nobody_has_read(
    h: House, body: str, then: tuple[str, str | None]
) -> None:
    """The listener was down when the patient wrote; what is due meanwhile waits for what it says."""
    with time.held(time.now()):
        session, other = treat(h, 0), treat(h, 1)
        texted = Incoming("SM" + "3" * 32, Channel.SMS, phone(0), h.parts.sending.sms_sender, body)
        h.run(lambda c: replies.keep(c, h.parts.sending.vault, texted, time.now()))
        h.deliver_due()
        assert state_of(h, session) == ("planned", "reply_unread")
        assert state_of(h, other)[0] != "planned"
        assert counted(h.handed_over()) == once_each(1, first=1)
        unread = [row.id for row in h.sql("SELECT id FROM replies WHERE handled_at IS NULL")]
        listen.handle(h.parts.engine, h.parts.sending, h.parts.nudges, unread)
        assert state_of(h, session)[0] == then[0]
        assert then[1] in (None, state_of(h, session)[1])
    with time.held(time.now() + timedelta(minutes=6)):
        h.deliver_due()
    assert [e.body for e in h.handed_over() if e.to == phone(0) and "/s/" in e.body] == ([] if then[1] else [ANY])


def address_is_bad(h: House, name: str) -> None:
    patient = session_of(h, name).patient_id
    assert patient is not None
    h.run(lambda connection: optouts.address_is_bad(connection, h.parts.sending, patient, Channel.SMS, time.now()))


@pytest.mark.parametrize("bad_first", [True, False])
def test_p3_a_bad_number_gets_not_even_the_answer_to_a_stop(h: House, bad_first: bool) -> None:
    session = treat(h)
    if bad_first:
        address_is_bad(h, session)
    incoming = Incoming("SM-stop", Channel.SMS, phone(0), "+15005550006", "please stop texting me")
    kept = h.run(lambda connection: replies.keep(connection, h.parts.sending.vault, incoming, time.now()))
    assert listen.handle(h.parts.engine, h.parts.sending, h.parts.nudges, [kept]) == 1
    if not bad_first:
        address_is_bad(h, session)
    h.deliver_due()
    assert counted(h.handed_over()) == {}
    [ended] = h.sql("SELECT state, reason FROM messages WHERE step = 'stop_confirm'")
    assert tuple(ended) == ("skipped", "bad_address")
