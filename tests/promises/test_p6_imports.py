"""P6, and with it P2 and P5: a file is taken in by real processes that die, over a queue that is emptied."""

from __future__ import annotations

import random
import time as real_time

import pytest
import redis

from service.records.imports import Phase
from tests.processes import wait_until
from tests.promises.files import of, press, upload
from tests.promises.installation import Installation
from workers.importing import TAKEN_AT_ONCE

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
ROWS = TAKEN_AT_ONCE * 6 + 1


@pytest.fixture
def import_id(place: Installation) -> int:
    """A file that is being tried. Its sessions ended so long ago that nothing of them is due."""
    return upload(place, [f"file-{number},+1303555{number:04},2026-01-05 14:00" for number in range(ROWS)])


def all_of_it_is_there_once(place: Installation, import_id: int) -> None:
    wait_until(lambda: of(place, import_id).phase is Phase.FINISHED, 60)
    assert (of(place, import_id).taken, of(place, import_id).already, of(place, import_id).wrong) == (ROWS, 0, 0)
    [sessions] = place.h.sql("SELECT count(*), count(DISTINCT external_id), count(DISTINCT patient_id) FROM sessions")
    assert tuple(sessions) == (ROWS, ROWS, ROWS)
    doubled = "SELECT session_id FROM messages GROUP BY session_id, step, channel HAVING count(*) > 1"
    assert place.h.sql(doubled) == []


def test_p5_p6_workers_die_at_any_moment_and_the_queue_is_emptied(place: Installation, import_id: int) -> None:
    place.clock()
    place.worker("imports")
    wait_until(lambda: of(place, import_id).phase is Phase.CHECKED, 30)
    assert of(place, import_id).taken == ROWS
    press(place, import_id)
    dice, last = random.Random(7), -1
    for _ in range(4):
        # So that each has begun before it dies.
        wait_until(lambda seen=last: of(place, import_id).position > seen, 30)  # type: ignore[misc]
        real_time.sleep(dice.random() * 0.2)
        place.kill(place.running[-1])
        last = of(place, import_id).position
        with redis.Redis.from_url(place.h.parts.settings.redis_url) as client:
            client.flushall()
        if of(place, import_id).phase is Phase.FINISHED:
            break
        place.worker("imports")
    all_of_it_is_there_once(place, import_id)
