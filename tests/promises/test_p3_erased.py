"""P3 where a patient is erased whom nobody has heard of yet: nobody brings them in before, after or at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait

import pytest

from service import time
from service.api import intake
from service.api.bodies import EVENT
from service.problems import Problem
from service.records import erasure
from tests.house import House, dumps
from tests.promises.population import Latecomer

ERASED = {"patient": {"id": "late"}}


def living(h: House) -> int:
    """Patients on record who are not erased."""
    return int(h.sql("SELECT count(*) AS n FROM patients WHERE erased_at IS NULL")[0].n)


def test_p3_a_late_event_brings_nobody_back(h: House) -> None:
    h.post("patient.erased", ERASED)
    with pytest.raises(Problem, match="patient_erased"):
        h.complete(session="s1", patient="late")
    h.deliver_due(h.deliverer())
    assert h.handed_over() == []


def test_p3_who_is_on_the_way_in_is_erased_once_they_are_in(h: House) -> None:
    """Their transaction was first, and commits as late as it can."""
    late = Latecomer(h)
    with ThreadPoolExecutor(2) as pool:
        coming = pool.submit(late.come_in)
        assert late.taken_in.wait(30)
        erasing = pool.submit(h.post, "patient.erased", ERASED)
        wait([erasing], timeout=0.5)
        late.commit.set()
        coming.result(30)
        erasing.result(30)
    assert living(h) == 0
    h.deliver_due(h.deliverer())
    assert h.handed_over() == []


def test_p3_who_comes_in_while_they_are_erased_is_refused(h: House) -> None:
    """The erasure is not committed yet: whoever looked for them now would find neither them nor their tombstone."""
    late = Latecomer(h)
    late.commit.set()
    with ThreadPoolExecutor(1) as pool:
        with h.parts.engine.begin() as connection:
            raw = dumps({"type": "patient.erased", "data": ERASED})
            event = EVENT.validate_json(raw)
            intake.take_in(connection, h.parts.sending, h.clinic.id, "erased", raw, event, time.now())
            coming = pool.submit(late.come_in)
            wait([coming], timeout=0.5)
        with pytest.raises(Problem, match="patient_erased"):
            coming.result(30)
    assert living(h) == 0


def test_p3_erased_by_two_at_once_they_are_erased_once(h: House) -> None:
    with ThreadPoolExecutor(4) as pool:
        for one in [pool.submit(h.post, "patient.erased", ERASED, key=f"erased-{number}") for number in range(4)]:
            one.result(30)
    assert [(row.n, living(h)) for row in h.sql("SELECT count(*) AS n FROM patients")] == [(1, 0)]


def test_p3_an_update_that_waited_for_the_erasure_is_refused(h: House) -> None:
    """It had found the session by the id that the erasure takes away."""
    h.complete(session="s1", patient="late")
    update = {"session": {"id": "s1", "next_session_at": "2099-01-01T10:00:00Z"}}
    with ThreadPoolExecutor(1) as pool:
        with h.parts.engine.begin() as connection:
            erasure.erase(connection, h.parts.sending.vault, h.clinic.id, "late", time.now())
            updating = pool.submit(h.post, "session.updated", update)
            wait([updating], timeout=0.5)
        with pytest.raises(Problem, match="patient_erased" if h.parts.engine.name == "postgresql" else "unknown"):
            updating.result(30)
    assert h.sql("SELECT next_session_at AS at FROM sessions")[0].at is None


def test_p8_what_was_answered_of_a_patient_goes_with_them(h: House) -> None:
    """The stored answers name them, and the one to an event about the patient alone belongs to no session."""
    h.complete(session="s1", patient="late")
    h.post("patient.updated", {"patient": {"id": "late", "locale": "es"}})
    h.complete(session="s2", patient="other")
    h.post("patient.erased", ERASED)
    assert sorted(row.type for row in h.sql("SELECT type FROM events")) == ["patient.erased", "session.completed"]
