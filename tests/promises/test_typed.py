"""Typed texts through the real deliverer: wanted (P3), once (P2), on time (P4), private at rest (P8)."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from sandbox.faults import Kind
from service import time
from service.care.lifecycle import Channel, Reason
from service.care.typed import Cannot, Goes
from service.records import optouts, pausing, typed
from service.records.ids import new_id
from service.records.typed import Typed
from tests.house import House, completed
from tests.promises.population import counted, phone
from tests.promises.test_p3_halted import patient_of, pause

NOON = datetime(2026, 3, 10, 16, 0, tzinfo=UTC)
NIGHT = datetime(2026, 3, 11, 2, 30, tzinfo=UTC)
"""Half past ten in the evening in New York."""
MORNING = datetime(2026, 3, 11, 12, 0, tzinfo=UTC)


def treated(h: House) -> int:
    """A patient in New York whose plan has nothing due now."""
    h.post("session.completed", completed(session="s", patient="p", phone=phone(0), ended_at=NOON - timedelta(days=40)),
           now=NOON)  # fmt: skip
    return patient_of(h, "s")


def say(h: House, patient: int, words: str = "Hello there", sooner: bool = False, once: int | None = None):  # type: ignore[no-untyped-def]
    what = Typed(words, sooner, once or new_id(), "Sam")
    return h.run(lambda c: typed.send(c, h.parts.sending, h.clinic.id, patient, what, time.now()))


def opt_out(h: House, patient: int) -> None:
    h.run(lambda c: optouts.opt_out(c, h.parts.sending, patient, Channel.SMS, "reply", time.now()))


def heard(h: House, patient: int, at: datetime) -> None:
    h.sql(
        "INSERT INTO replies (id, provider_key, channel, sender, sender_key, recipient, body, media, automatic,"
        " received_at, patient_id, match) VALUES (:id, 'k', 'sms', :x, :x, '', :x, 0, :no, :at, :patient, 'matched')",
        id=new_id(), x=b"", no=False, patient=patient,
        at=at if h.parts.engine.dialect.name == "postgresql" else int(at.timestamp() * 1_000_000),
    )  # fmt: skip


def typed_state(h: House) -> tuple[str, str]:
    (row,) = h.sql("SELECT state, reason FROM messages WHERE step LIKE 'typed%'")
    return row.state, row.reason


def test_typed_words_arrive_in_the_clinics_name(h: House) -> None:
    with time.held(NOON):
        assert say(h, treated(h), "We’ll call at 3") == Goes(NOON, "typed", False)
        h.deliver_due()
    (entry,) = h.handed_over()
    assert (entry.to, entry.body) == (phone(0), "Riverside: We'll call at 3")
    (row,) = h.sql("SELECT body, \"by\" FROM messages WHERE step = 'typed'")
    assert b"call at" not in bytes(row.body)
    assert row.by == "Sam"


def test_p2_the_same_form_twice_at_once_is_one_text(h: House) -> None:
    with time.held(NOON):
        patient, once = treated(h), new_id()
        both = [threading.Thread(target=lambda: say(h, patient, once=once)) for _ in range(4)]
        for one in both:
            one.start()
        for one in both:
            one.join(20)
        assert say(h, patient, sooner=True, once=once) == Goes(NOON, "typed", False)
        h.deliver_due()
    assert counted(h.handed_over()) == {phone(0): 1}


@pytest.mark.parametrize("arrived", [False, True])
def test_p2_the_same_words_sent_before_prove_nothing_about_a_text_in_doubt(h: House, arrived: bool) -> None:
    """The provider lists the first of two alike; the second is there only if it is there a second time."""
    with time.held(NOON):
        patient = treated(h)
        say(h, patient, "Please call us.")
        h.deliver_due()
        h.sandbox.fault(Kind.DROP_AFTER if arrived else Kind.DROP_BEFORE, on="twilio.create", count=1)
        say(h, patient, "Please call us.")
        h.deliver_due()
        h.hurry()
        h.reconcile()
        states = [row.state for row in h.sql("SELECT state FROM messages WHERE step = 'typed' ORDER BY id")]
        assert "sending" not in states
        assert ("planned" in states) is not arrived
        h.open_gates()
        h.deliver_due()
    assert counted(h.handed_over()) == {phone(0): 2}
    assert len(h.sql("SELECT DISTINCT provider_id FROM attempts WHERE outcome = 'accepted'")) == 2


def test_one_patients_box_sends_nothing_to_another(h: House) -> None:
    with time.held(NOON):
        patient, once = treated(h), new_id()
        say(h, patient, once=once)
        h.post("session.completed", completed(session="t", patient="q", phone=phone(1)), now=NOON)
        with pytest.raises(LookupError):
            say(h, patient_of(h, "t"), once=once)


@pytest.mark.parametrize("when", ["before it is typed", "while it waits", "while it is queued"])
def test_p3_a_stop_holds_for_typed_texts(h: House, when: str) -> None:
    with time.held(NOON):
        patient = treated(h)
        if when == "before it is typed":
            opt_out(h, patient)
            assert say(h, patient) == Cannot(Reason.OPTED_OUT)
        else:
            say(h, patient)
        ids = h.queue_due() if when == "while it is queued" else []
        if when != "before it is typed":
            opt_out(h, patient)
        h.deliverer().deliver(ids or h.queue_due())
        assert h.handed_over() == []
    if when != "before it is typed":
        assert typed_state(h) == ("cancelled", "opted_out")


def test_p3_withdrawn_consent_and_erasure_hold_for_typed_texts(h: House) -> None:
    with time.held(NOON):
        patient = treated(h)
        say(h, patient)
        withdrawn = {"withdrawn_at": NOON.isoformat(), "source": "desk"}
        h.post("patient.updated", {"patient": {"id": "p", "consent": {"sms": withdrawn}}}, now=NOON)
        h.deliver_due()
        assert typed_state(h) == ("skipped", "no_consent")
        assert say(h, patient) == Cannot(Reason.NO_CONSENT)
        h.post("patient.erased", {"patient": {"id": "p"}}, now=NOON)
        with pytest.raises(LookupError):
            say(h, patient)
        assert h.handed_over() == []
    assert h.sql("SELECT body FROM messages WHERE step = 'typed'")[0][0] is None


def test_a_halted_plan_does_not_hold_typed_texts(h: House) -> None:
    with time.held(NOON):
        patient = treated(h)
        pause(h, "s")
        say(h, patient, "one")
        h.deliver_due()
        h.run(lambda c: pausing.stop(c, h.parts.sending.vault, h.clinic.id, patient, "Sam", time.now()))
        say(h, patient, "two")
        h.deliver_due()
    assert [entry.body for entry in h.handed_over()] == ["Riverside: one", "Riverside: two"]


def test_p4_typed_at_night_goes_in_the_morning(h: House) -> None:
    with time.held(NIGHT):
        patient = treated(h)
        assert say(h, patient, sooner=True) == Goes(MORNING, "typed", False)
        assert h.deliver_due() == []
    with time.held(MORNING):
        h.deliver_due()
    assert counted(h.handed_over()) == {phone(0): 1}


def test_p4_the_gate_is_asked_again(h: House) -> None:
    """Typed at noon, kept back until night by a fault: it waits for the morning."""
    with time.held(NOON):
        say(h, treated(h))
    with time.held(NIGHT):
        h.deliver_due()
        assert h.handed_over() == []
        assert typed_state(h) == ("planned", "quiet_hours")
    with time.held(NOON + timedelta(days=2)):
        h.deliver_due()
    assert typed_state(h) == ("expired", "window_closed")
    assert all("Hello there" not in entry.body for entry in h.handed_over())


def test_p4_whoever_wrote_at_night_may_be_answered_at_night(h: House) -> None:
    with time.held(NIGHT):
        patient = treated(h)
        heard(h, patient, NIGHT - timedelta(hours=1))
        assert say(h, patient) == Goes(MORNING, "typed", True)
        assert say(h, patient, sooner=True) == Goes(NIGHT, "typed.now", True)
        h.deliver_due()
    assert counted(h.handed_over()) == {phone(0): 1}


def test_typed_texts_do_not_use_up_the_day(h: House) -> None:
    """At most three texts of the plan a day; answers to the patient do not count."""
    with time.held(NOON):
        patient = treated(h)
        for number in range(4):
            say(h, patient, f"number {number}")
            h.deliver_due()
    assert counted(h.handed_over()) == {phone(0): 4}
