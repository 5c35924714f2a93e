"""P6 and P4 where a clinic's time zone or hours change: whoever is on the way in meanwhile is planned by them too."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait

import pytest
from sqlalchemy import Connection

from service import time
from service.records import clinic_changes, clinics, patients, plans, sessions, switching
from tests.house import House
from tests.promises.population import Latecomer


def change_and_bring_in_line(h: House) -> None:
    """What the owner does at the desk, and the clock after it."""
    assert h.run(lambda c: clinic_changes.change(c, h.clinic.id, {"timezone": "Asia/Tokyo"}))
    while h.run(lambda c: clinics.get(c, h.clinic.id)).planned_anew_after is not None:
        h.run(lambda c: switching.next_part(c, h.parts.sending, time.now()))


def out_of_line(h: House, external_id: str) -> int:
    """Messages of a session that are planned otherwise than the clinic's own facts ask for."""

    def work(connection: Connection) -> int:
        session = sessions.find(connection, h.clinic.id, external_id)
        assert session is not None
        assert session.patient_id is not None
        patient = patients.get(connection, h.parts.sending.vault, session.patient_id)
        clinic = clinics.get(connection, h.clinic.id)
        return plans.remake(connection, h.parts.sending, clinic, patient, session, time.now())

    return int(h.run(work))


def test_p6_who_comes_in_while_the_clinic_changes_is_planned_by_it(h: House) -> None:
    """Their transaction has read the clinic before the change, and commits as late as it can."""
    h.complete(session="s0", patient="p0", phone="+12025551000")
    late = Latecomer(h)
    with ThreadPoolExecutor(2) as pool:
        coming = pool.submit(late.come_in)
        assert late.taken_in.wait(30)
        changing = pool.submit(change_and_bring_in_line, h)
        wait([changing], timeout=1)
        late.commit.set()
        coming.result(30)
        changing.result(30)
    assert out_of_line(h, "late") == 0
    assert out_of_line(h, "s0") == 0


def test_p6_who_comes_in_after_the_change_waits_for_it(h: House) -> None:
    """Not yet committed, it cannot be seen: planned by what was there before, nobody would look at them again."""
    read: Callable[[Connection], str] = lambda c: clinics.held(c, h.clinic.id).timezone  # noqa: E731
    with ThreadPoolExecutor(1) as pool:
        with h.parts.engine.begin() as connection:
            clinic_changes.change(connection, h.clinic.id, {"timezone": "Asia/Tokyo"})
            reading = pool.submit(lambda: h.run(read))
            wait([reading], timeout=0.3)
            assert not reading.done()
        assert reading.result(30) == "Asia/Tokyo"


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # SQLite has one writer
def test_sessions_that_come_in_at_once_do_not_wait_for_one_another(h: House) -> None:
    with h.parts.engine.begin() as one, h.parts.engine.begin() as other:
        assert clinics.held(one, h.clinic.id) == clinics.held(other, h.clinic.id)
