"""Notices end: what lasts when its cause is gone, what happens when it has not happened again for days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from service import time
from service.records import notices
from service.records.database import reading
from tests.house import House
from workers.clock import Clock

NOW = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)
A_DAY = timedelta(days=1)


@pytest.mark.parametrize("kind", ["daily_cap", "blocked", "not_allowed", "webhook_gone", notices.NOBODY_REACHED])
def test_what_happened_is_closed_when_it_is_quiet_and_is_news_again(h: House, kind: str) -> None:
    def said(at: datetime) -> bool:
        return bool(h.run(lambda connection: notices.raise_notice(connection, kind, "sms x", "code 1", at)))

    assert said(NOW)
    assert not said(NOW + 2 * A_DAY)
    for days, is_open in ((4, True), (6, False)):
        with time.held(NOW + days * A_DAY):
            Clock(h.parts, "a").look()
        with reading(h.parts.engine) as connection:
            assert [one["kind"] for one in notices.open_ones(connection)] == [kind] * is_open
    assert said(NOW + 7 * A_DAY)


def test_what_lasts_stays(h: House) -> None:
    h.run(lambda connection: notices.raise_notice(connection, "channel_paused", "sms x", "code 20003", NOW))
    with time.held(NOW + 30 * A_DAY):
        Clock(h.parts, "a").look()
    with reading(h.parts.engine) as connection:
        assert [one["kind"] for one in notices.open_ones(connection)] == ["channel_paused"]
