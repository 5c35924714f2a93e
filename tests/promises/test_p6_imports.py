"""P6, and with it P2 and P5: a file is taken in by real processes that die, over a queue that is emptied."""

from __future__ import annotations

import random
import time as real_time

import pytest
import redis
from sqlalchemy import Connection

from service import time
from service.care.columns import Columns, Field
from service.care.roles import Role
from service.care.written_times import DateOrder
from service.crashpoints import VARIABLE, Point
from service.records import imports, staff
from service.records.imports import Phase
from tests.processes import wait_until
from tests.promises.installation import Installation
from workers.importing import TAKEN_AT_ONCE

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
ROWS = TAKEN_AT_ONCE * 6 + 1
MEANT = Columns(
    {Field.PATIENT: 0, Field.GIVEN_NAME: 1, Field.PHONE: 2, Field.ENDED_AT: 3, Field.SESSION: 0},
    {
        Field.SITE: "hip",
        Field.PROTOCOL: "prolotherapy",
        Field.SMS: "yes",
        Field.WORDING: "I agree.",
        Field.SOURCE: "on paper",
    },
    DateOrder.YEAR_FIRST,
    agreed_at_session=True,
)


@pytest.fixture
def import_id(place: Installation) -> int:
    """A file that is being tried. Its sessions ended so long ago that nothing of them is due."""
    lines = [f"file-{number},Ana,+1303555{number:04},2026-01-05 14:00" for number in range(ROWS)]
    content = "\n".join(["Patient,Name,Phone,Date", *lines]).encode()
    clinic, vault, now = place.h.clinic.id, place.h.parts.sending.vault, time.now()

    def work(connection: Connection) -> int:
        ada = staff.add(connection, vault, clinic, "Ada", "ada@clinic.example", Role.OWNER, now)
        made = imports.add(connection, vault, clinic, ada.id, "a.csv", content, ROWS, MEANT.as_json(), now)
        assert imports.begin_check(connection, clinic, made, MEANT.as_json(), now)
        return made

    made: int = place.h.run(work)
    return made


def of(place: Installation, import_id: int) -> imports.Import:
    vault = place.h.parts.sending.vault
    found: imports.Import = place.h.run(lambda c: imports.get(c, vault, place.h.clinic.id, import_id))
    return found


def press(place: Installation, import_id: int) -> None:
    """Wait until every row was tried, and take in."""
    wait_until(lambda: of(place, import_id).phase is Phase.CHECKED, 30)
    assert of(place, import_id).taken == ROWS
    assert place.h.run(lambda c: imports.begin_taking(c, place.h.clinic.id, import_id, time.now()))


def all_of_it_is_there_once(place: Installation, import_id: int) -> None:
    wait_until(lambda: of(place, import_id).phase is Phase.FINISHED, 60)
    assert (of(place, import_id).taken, of(place, import_id).already, of(place, import_id).wrong) == (ROWS, 0, 0)
    [sessions] = place.h.sql("SELECT count(*), count(DISTINCT external_id), count(DISTINCT patient_id) FROM sessions")
    assert tuple(sessions) == (ROWS, ROWS, ROWS)
    doubled = "SELECT session_id FROM messages GROUP BY session_id, step, channel HAVING count(*) > 1"
    assert place.h.sql(doubled) == []


def test_p6_a_worker_dies_over_rows_that_are_applied_and_not_committed(place: Installation, import_id: int) -> None:
    place.clock()
    place.worker("imports", **{VARIABLE: f"{Point.EVENTS_APPLIED}:3"})
    press(place, import_id)
    place.died(place.running[-1], 30)
    assert of(place, import_id).position == TAKEN_AT_ONCE * 2
    place.worker("imports")
    all_of_it_is_there_once(place, import_id)


def test_p5_p6_workers_die_at_any_moment_and_the_queue_is_emptied(place: Installation, import_id: int) -> None:
    place.clock()
    place.worker("imports")
    press(place, import_id)
    dice, last = random.Random(7), -1
    for _ in range(4):
        wait_until(lambda seen=last: of(place, import_id).position > seen, 30)  # type: ignore[misc]
        last = of(place, import_id).position
        real_time.sleep(dice.random() * 0.2)
        place.kill(place.running[-1])
        with redis.Redis.from_url(place.h.parts.settings.redis_url) as client:
            client.flushall()
        if of(place, import_id).phase is Phase.FINISHED:
            break
        place.worker("imports")
    all_of_it_is_there_once(place, import_id)
