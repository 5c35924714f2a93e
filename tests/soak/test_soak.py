"""The soak itself, a minute and a half of it; and that its judge can say no."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from service import time
from tests.soak import verdict
from tests.soak.crew import Life
from tests.soak.run import Options, soak
from tests.soak.verdict import Trend


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_p6_a_short_soak(
    database: str, tmp_path: Path, postgres_server: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "_file", None)  # the fast clock ends with the test
    said: list[str] = []
    outcome = soak(Options(1.1, database, tmp_path / "soak"), said.append)
    assert outcome.wrong == [], "\n".join(said)
    told = json.loads((tmp_path / "soak" / "soak.json").read_text())
    assert told["handed_over"] > 0
    assert sum(told["happened"].values()) > 10
    assert "<svg" in (tmp_path / "soak" / "memory.svg").read_text()


def life(name: str, mb_a_minute: float, minutes: int = 40) -> Life:
    return Life(name, 0.0, [(minute * 60.0, 100 + mb_a_minute * minute) for minute in range(minutes)])


def test_a_leak_is_seen_and_steady_memory_is_not_one() -> None:
    found = verdict.trends([life("web", 1.0), life("clock", 0.01), life("listen", 9.0, minutes=15)], 0)
    assert [(one.name, one.is_flat) for one in found] == [("web", False), ("clock", True)], "a quarter of an hour is too little"


def test_an_error_nobody_expects_is_a_finding(tmp_path: Path) -> None:
    lines = [
        {"level": "error", "event": "a nudge was lost, the clock will repeat it: ConnectionError"},
        {"level": "error", "event": "unexpected KeyError at workers.listen:61"},
        {"level": "info", "event": "all is well"},
    ]
    (tmp_path / "listen.log").write_text("\n".join([*map(json.dumps, lines), "Segmentation fault"]))
    expected, other = verdict.errors_in(tmp_path)
    assert sum(expected.values()) == 1
    assert other == {"listen: unexpected KeyError at workers.listen:N": 1, "listen: Segmentation fault": 1}


def test_the_judge_lists_everything_that_is_wrong() -> None:
    grown = [Trend("web", 20, 20.0, 60.0), Trend("clock", 20, 1.0, 3.0)]
    wrong = verdict.judge(["doubled"], ["stuck"], ["late"], grown, Counter({"listen: oops": 2}), ["broken"])
    assert len(wrong) == 6
    assert verdict.judge([], [], [], grown[1:], Counter(), []) == []
