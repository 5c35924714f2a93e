"""P4: never before due, never in quiet hours, never past the step's window; and never a text too many a day."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from sandbox.faults import Kind
from service import time
from service.records.sending_tables import messages
from tests.house import House
from tests.promises.population import counted, phone, state_of, treat
from workers.gateways.sms import TwilioGateway

ZONES = (
    "America/New_York",  # clocks go back in the nights below
    "America/Phoenix",  # never changes them
    "Asia/Kathmandu",  # UTC+5:45
    "Pacific/Kiritimati",  # UTC+14
    "Pacific/Pago_Pago",  # UTC-11
    "Australia/Lord_Howe",  # changes by half an hour, in the south
    "Europe/Lisbon",
    "America/Sao_Paulo",
)
START = datetime(2026, 10, 29, 16, tzinfo=UTC)
SITES = ("knee_left", "knee_right", "hip_left", "shoulder_left", "ankle_left", "foot_left")


def test_p4_every_hour_of_a_week_in_eight_zones(h: House) -> None:
    """Half an hour at a time over a change of clocks: each goes inside its patient's day, not early, not late."""
    with time.held(START):
        for number, zone in enumerate(ZONES):
            treat(h, number, email=True, timezone=zone, ended_at=START - timedelta(hours=number))
    deliverer = h.deliverer()
    for half_hours in range(5 * 48):
        with time.held(START + timedelta(minutes=30 * half_hours)):
            h.deliver_due(deliverer)
    zone_of = {phone(n): ZoneInfo(zone) for n, zone in enumerate(ZONES)}
    zone_of |= {f"patient{n}@example.net": ZoneInfo(zone) for n, zone in enumerate(ZONES)}

    entries = h.handed_over()
    assert counted(entries).keys() == zone_of.keys()
    for entry in entries:
        local = entry.at.astimezone(zone_of[entry.to])
        assert 8 <= local.hour < 21, (entry.to, local)
    texts = Counter((entry.to, entry.at.astimezone(zone_of[entry.to]).date()) for entry in entries)
    assert max(texts.values()) <= 4  # three texts, and the welcome by e-mail as well
    for due, until, handed in handed_times(h):
        assert due <= handed < until


def handed_times(h: House) -> list[tuple[datetime, datetime, datetime]]:
    with h.parts.engine.connect() as connection:
        columns = (messages.c.due_at, messages.c.window_until, messages.c.handed_at)
        return [tuple(row) for row in connection.execute(select(*columns).where(messages.c.handed_at.is_not(None)))]


def test_p4_a_missed_week_sends_nothing_stale(h: House) -> None:
    """Everything was down for nine days. What is still useful goes, the rest expires, nothing piles up."""
    with time.held(START):
        session = treat(h, email=True, timezone="America/New_York", ended_at=START)
    with time.held(START + timedelta(days=9, hours=1)):
        deliverer = h.deliverer()
        for _ in range(3):
            h.deliver_due(deliverer)
        states = h.states(session)
    for step in ("welcome", "evening", "day1", "comfort", "day3"):
        if (step, "sms") in states:
            assert states[step, "sms"][0] in {"expired", "skipped"}, step
    assert sum(entry.provider == "twilio" for entry in h.handed_over()) <= 3


def test_p4_the_text_dies_at_the_carrier_when_its_moment_is_over(h: House) -> None:
    """The validity it is given never reaches into the night: a text at 20:59 has a minute."""
    asked: list[int] = []
    send = TwilioGateway.send

    async def listen(self, parcel, **more):  # type: ignore[no-untyped-def]
        asked.append(parcel.validity_seconds)
        return await send(self, parcel, **more)

    evening = datetime(2026, 11, 10, 1, 59, tzinfo=UTC)  # 20:59 in New York
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TwilioGateway, "send", listen)
        with time.held(evening):
            treat(h, timezone="America/New_York")
            h.deliver_due()
    assert asked == [60]


@pytest.mark.parametrize("email", [False, True])
def test_p4_three_texts_a_day_with_two_workers_at_once(h: House, email: bool) -> None:
    """Six sessions of one patient ask for six texts in the same minute; two workers each see their own half."""
    for number, site in enumerate(SITES):
        treat(h, session=f"s{number}", email=email, site=site)
    ids = h.queue_due()
    workers = [h.deliverer(batch_size=2), h.deliverer(batch_size=2)]
    gate = threading.Barrier(2)

    def work(place: int) -> None:
        gate.wait(5)
        workers[place].deliver(ids[place::2])

    threads = [threading.Thread(target=work, args=(place,)) for place in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert counted(h.handed_over())[phone(0)] == 3
    held = [state_of(h, f"s{number}") for number in range(6)]
    assert sum(reason in {"daily_cap", "window_closed"} for _, reason in held) == 3


def test_p4_the_cap_counts_days_of_the_patients_calendar(h: House) -> None:
    """Three late in one evening and three the next morning: six texts in twelve hours, and no day with four."""
    evening = datetime(2026, 11, 10, 0, 30, tzinfo=UTC)  # 19:30 in New York
    with time.held(evening):
        for number, site in enumerate(SITES):
            treat(h, session=f"s{number}", timezone="America/New_York", site=site)
    deliverer = h.deliverer()
    for half_hours in range(30):
        with time.held(evening + timedelta(minutes=30 * half_hours)):
            h.deliver_due(deliverer)
    days = Counter(entry.at.astimezone(ZoneInfo("America/New_York")).date() for entry in h.handed_over())
    assert list(days.values()) == [3, 3]


def test_p4_a_text_proven_lost_is_not_counted_against_the_day(h: House) -> None:
    h.sandbox.fault(Kind.RATE_LIMITED, count=2, retry_after=1)
    for number, site in enumerate(SITES[:3]):
        treat(h, session=f"s{number}", site=site)
    deliverer = h.deliverer()
    for _ in range(4):
        h.deliver_due(deliverer)
        h.open_gates()
    assert counted(h.handed_over()) == {phone(0): 3}
