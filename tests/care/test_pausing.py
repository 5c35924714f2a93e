"""For which sessions a stop holds, and how a plan stands."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from service.care.pausing import PlanFacts, PlanState, is_stopped, plan_state

AT = datetime(2026, 3, 10, 16, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
RUNNING = PlanFacts(paused_at=None, stopped_at=None, last_ended_at=AT, opted_out=False, something_waits=True)


@pytest.mark.parametrize(
    ("stopped_at", "ended_at", "stopped"),
    [(None, AT, False), (None, None, False), (AT, AT - HOUR, True), (AT, AT, True), (AT, AT + HOUR, False),
     (AT, None, True)],
)  # fmt: skip
def test_p3_a_stop_holds_for_what_had_ended_by_then(
    stopped_at: datetime | None, ended_at: datetime | None, stopped: bool
) -> None:
    assert is_stopped(stopped_at, ended_at) is stopped


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, PlanState.RUNNING),
        ({"something_waits": False}, PlanState.EMPTY),
        ({"paused_at": AT}, PlanState.PAUSED),
        ({"paused_at": AT, "something_waits": False}, PlanState.PAUSED),
        ({"stopped_at": AT + HOUR, "something_waits": False}, PlanState.STOPPED),
        ({"stopped_at": AT + HOUR, "paused_at": AT}, PlanState.STOPPED),
        ({"stopped_at": AT - HOUR}, PlanState.RUNNING),
        ({"opted_out": True, "something_waits": False}, PlanState.OPTED_OUT),
        ({"opted_out": True}, PlanState.RUNNING),  # e-mails still go
        ({"opted_out": True, "stopped_at": AT}, PlanState.STOPPED),
    ],
)
def test_in_one_word(changes: dict[str, object], state: PlanState) -> None:
    assert plan_state(replace(RUNNING, **changes)) is state  # type: ignore[arg-type]
