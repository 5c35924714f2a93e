"""P6: two clocks that look at the same silence, and two workers that read the same reply, make one alert."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

from service import time
from tests.talk.conftest import Talk
from workers import listen, silence


def test_two_clocks_note_a_silence_once(talk: Talk) -> None:
    talk.invite()
    with time.held(talk.now):
        talk.desk.hand_over("day1.reminder")
    talk.later(days=2)
    parts: Any = SimpleNamespace(engine=talk.desk.engine, sending=talk.desk.sending)
    with time.held(talk.now), ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(lambda _: silence.look(parts).noted, range(2))) == 1
    assert len(talk.open_alerts()) == 1


def test_two_workers_raise_one_alert(talk: Talk) -> None:
    desk = talk.desk
    with time.held(talk.now):
        desk.text_in("I can't breathe")
        ids = [row.id for row in desk.replies()]
        with ThreadPoolExecutor(2) as pool:
            read = pool.map(lambda _: listen.handle(desk.engine, desk.sending, desk.nudged, ids), range(2))  # type: ignore[arg-type]
            assert sum(read) == 1
    assert desk.sql("SELECT count(*) AS n FROM alert_events WHERE kind IN ('opened', 'seen_again')")[0].n == 1
