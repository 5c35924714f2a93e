"""The dry run a clinic reads before its protocol goes live."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from service.care.calendar import preview
from service.care.lifecycle import Channel, State
from service.care.localtime import QuietHours
from service.care.planning import PlanFacts
from service.care.protocol import Anchor, OnMiss, Protocol, Send, Step, WallClock, Wording

ENDED = datetime(2026, 1, 14, 4, 0, tzinfo=UTC)  # 09:30 in Kolkata
FACTS = PlanFacts(
    ended_at=ENDED,
    next_session_at=None,
    has_baseline=False,
    timezone=ZoneInfo("Asia/Kolkata"),
    quiet=QuietHours(),
    reachable={Channel.SMS: None},
    superseded_from=None,
    now=ENDED,
)


def _step(name: str, at: str) -> Step:
    return Step(
        id=name,
        anchor=Anchor.SESSION,
        when=WallClock(1, time.fromisoformat(at)),
        sends=(
            Send(Channel.SMS),
            Send(Channel.SMS, "reminder", timedelta(hours=5), only_unanswered=True),
            Send(Channel.EMAIL),
        ),
        window=timedelta(hours=24),
        on_miss=OnMiss.SKIP,
        words={"en": Wording(sms=name * 2)},
        reminder_words={},
        survey="S1",
    )


def test_rows_show_local_time_moves_cap_and_text() -> None:
    protocol = Protocol("p", ("en",), (_step("early", "06:00"), _step("noon", "12:00")))
    rows = preview(
        protocol,
        FACTS,
        text_of=lambda step, message: step.words["en"].sms,
        count_segments=lambda text: len(text),
    )
    texts = [row for row in rows if row.channel is Channel.SMS]
    shown = [(row.step, row.day, row.local_time, row.moved_by, row.only_unanswered, row.over_cap) for row in texts]
    none = timedelta(0)
    assert shown == [
        ("early", 1, time(8), timedelta(hours=2), False, False),
        ("noon", 1, time(12), none, False, False),
        ("early.reminder", 1, time(13), none, True, False),
        ("noon.reminder", 1, time(17), none, True, True),
    ]
    assert {row.local_day for row in rows} == {date(2026, 1, 15)}
    assert [(row.text, row.segments) for row in texts[:2]] == [("earlyearly", 10), ("noonnoon", 8)]
    emails = [row for row in rows if row.channel is Channel.EMAIL]
    assert [(row.state, row.segments, row.over_cap) for row in emails] == [(State.SKIPPED, None, False)] * 2
