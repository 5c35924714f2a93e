"""P9: a red flag stays in front of people until a named one takes it on. The clinician's phone is the witness."""

from __future__ import annotations

import pytest
import redis
from sqlalchemy import Connection

from sandbox.faults import Kind
from service import time
from service.crashpoints import Point
from service.records import contacts
from tests.processes import wait_until
from tests.promises.installation import Installation
from tests.promises.population import phone, treat

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
CLINICIAN = "+13125559901"
MAIL = "oncall@clinic.example"


def on_call(place: Installation) -> None:
    def work(connection: Connection) -> None:
        vault = place.h.parts.sending.vault
        contacts.add(connection, vault, place.h.clinic.id, "Dr. Rivera", CLINICIAN, MAIL, time.now(), on_call=True)

    place.h.run(work)


def notices(place: Installation, address: str = CLINICIAN) -> int:
    return sum(entry.to == address for entry in place.h.handed_over())


def alerts(place: Installation) -> list[tuple[str, str | None]]:
    return [tuple(row) for row in place.h.sql("SELECT urgency, acknowledged_by FROM alerts")]


@pytest.mark.parametrize("moment", [Point.LISTEN_CLAIMED, Point.LISTEN_SOUNDED])
def test_p9_a_red_flag_outlives_kill_9_and_a_flushed_redis(place: Installation, moment: Point) -> None:
    on_call(place)
    treat(place.h)
    place.serve()
    listener = place.worker("listen", AFTERCARE_CRASH_AT=moment)
    place.h.sandbox.reply(phone(0), "I can't breathe and my chest hurts")
    place.died(listener)
    assert alerts(place) == []
    with redis.Redis.from_url(place.h.parts.settings.redis_url) as client:
        client.flushall()
    place.clock()
    place.worker("listen")
    place.worker("urgent")
    wait_until(lambda: notices(place) >= 1, 40)
    # Two causes, one alert each; the dead listener left none behind.
    assert sorted(alerts(place)) == [("emergency", None), ("emergency", None)]
    place.h.sandbox.reply(CLINICIAN, "ACK")
    wait_until(lambda: all(by == "Dr. Rivera" for _, by in alerts(place)), 20)


def test_p9_a_dead_channel_is_gone_round(place: Installation) -> None:
    """Texts fail, so the page goes by e-mail."""
    on_call(place)
    treat(place.h)
    place.h.sandbox.fault(Kind.ERROR_BEFORE, on="twilio.create", count=1000)
    place.serve()
    place.clock()
    place.worker("listen")
    place.worker("urgent")
    place.h.sandbox.reply(phone(0), "my throat is swelling up")
    wait_until(lambda: notices(place, MAIL) >= 1, 40)
    assert notices(place) == 0
