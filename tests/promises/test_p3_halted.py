"""P3 for what the clinic itself halts: a paused plan holds, a stopped one ends, whatever is claimed at that moment."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from service import time
from service.records import pausing
from tests.house import House
from tests.promises.population import counted, once_each, phone, state_of, treat
from tests.promises.test_p3_wanted import WHEN, deliver_around, session_of

STOPPED, PAUSED = ("cancelled", "stopped_by_clinic"), ("planned", "plan_paused")


def patient_of(h: House, session: str) -> int:
    found = session_of(h, session).patient_id
    assert found is not None
    return found


def stop(h: House, session: str, by: str = "Sam") -> bool:
    vault, patient = h.parts.sending.vault, patient_of(h, session)
    done: bool = h.run(lambda c: pausing.stop(c, vault, h.clinic.id, patient, by, time.now()))
    return done


def pause(h: House, session: str) -> bool:
    vault, patient = h.parts.sending.vault, patient_of(h, session)
    done: bool = h.run(lambda c: pausing.pause(c, vault, h.clinic.id, patient, "Sam", time.now()))
    return done


def resume(h: House, session: str) -> bool:
    vault, patient = h.parts.sending.vault, patient_of(h, session)
    done: bool = h.run(lambda c: pausing.resume(c, vault, h.clinic.id, patient, time.now()))
    return done


def start_again(h: House, session: str) -> bool:
    patient = patient_of(h, session)
    done: bool = h.run(lambda c: pausing.start_again(c, h.parts.sending, h.clinic.id, patient, time.now()))
    return done


def waiting(h: House) -> int:
    return int(h.sql("SELECT count(*) FROM messages WHERE state IN ('planned', 'queued')")[0][0])


@pytest.mark.parametrize(("halt", "expected"), [(stop, STOPPED), (pause, PAUSED)], ids=["stop", "pause"])
@pytest.mark.parametrize("when", WHEN)
def test_p3_halted_in_time(h: House, halt, expected: tuple[str, str], when: str) -> None:  # type: ignore[no-untyped-def]
    session = treat(h)
    deliver_around(h, lambda: halt(h, session), when)
    assert h.handed_over() == []
    assert state_of(h, session) == expected


@pytest.mark.parametrize("halt", [stop, pause], ids=["stop", "pause"])
def test_p3_halt_and_claim_at_the_same_instant(h: House, halt) -> None:  # type: ignore[no-untyped-def]
    """Whoever comes first wins; nothing goes once the halt is committed."""
    for number in range(8):
        session = treat(h, number)
        ids = h.queue_due()
        deliverer = h.deliverer()
        racing = threading.Thread(target=lambda deliverer=deliverer, ids=ids: deliverer.deliver(ids))
        racing.start()
        halt(h, session)
        claimed_by_then = state_of(h, session)[0] not in ("planned", "queued", "cancelled")
        racing.join(10)
        went = [entry for entry in h.handed_over() if entry.to == phone(number)]
        assert len(went) == int(claimed_by_then)


def test_p3_a_stopped_plan_stays_stopped_whatever_is_told_of_it(h: House) -> None:
    """New facts plan again, and find the stop among the facts."""
    session = treat(h, email=True)
    stop(h, session)
    assert waiting(h) == 0
    h.post("patient.updated", {"patient": {"id": "patient-0", "phone": phone(7)}})
    h.post("session.updated", {"session": {"id": session, "number": 2}})
    treat(h, session="reported-late", site="hip", ended_at=time.now() - timedelta(hours=2))
    assert waiting(h) == 0
    h.deliver_due()
    assert h.handed_over() == []


def test_p3_a_session_after_the_stop_begins_a_plan_of_its_own(h: House) -> None:
    session = treat(h, ended_at=time.now() - timedelta(minutes=20))
    with time.held(time.now() - timedelta(minutes=18)):
        stop(h, session)
    later = treat(h, session="later", site="hip")
    h.deliver_due()
    assert counted(h.handed_over()) == once_each(1)
    assert state_of(h, later)[0] != "cancelled"
    assert state_of(h, session) == STOPPED


def test_starting_again_plans_what_is_still_to_come(h: House) -> None:
    session = treat(h)
    stop(h, session)
    with time.held(time.now() + timedelta(days=2)):
        assert start_again(h, session)
        assert not start_again(h, session)
        states = h.states(session)
    assert states["welcome", "sms"] == STOPPED  # it would have been useful for twelve hours, and then once more
    assert states["day14", "sms"] == ("planned", "not_yet_due")


def test_resuming_sends_what_is_still_useful_and_ends_what_is_not(h: House) -> None:
    session = treat(h)
    pause(h, session)
    h.deliver_due()
    assert state_of(h, session) == PAUSED
    assert resume(h, session)
    assert not resume(h, session)
    h.deliver_due()
    assert counted(h.handed_over()) == once_each(1)
    pause(h, session)
    with time.held(time.now() + timedelta(days=4)):
        h.deliver_due()
        resume(h, session)
        h.deliver_due()
    assert counted(h.handed_over())[phone(0)] <= 4  # the welcome, and no more than one day's texts
    assert state_of(h, session, "day1") == ("expired", "window_closed")


def test_the_first_name_stays(h: House) -> None:
    session = treat(h)
    assert stop(h, session, "Sam")
    assert not stop(h, session, "Kim")
    assert h.sql("SELECT stopped_by FROM patients")[0][0] == "Sam"


def test_another_clinics_patient_is_none(h: House) -> None:
    session = treat(h)
    patient, vault = patient_of(h, session), h.parts.sending.vault
    with pytest.raises(LookupError):
        h.run(lambda c: pausing.stop(c, vault, h.clinic.id + 1, patient, "Sam", time.now()))
