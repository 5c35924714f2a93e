"""P1, P2: requests that share a transaction get each its own answer, once what it asked for is committed."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import urllib3
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError

from service import together
from service.app import context_on
from service.care.lifecycle import Channel
from service.problems import Problem
from service.records.database import open_database, reading, run
from service.records.receipts import Receipt
from service.records.replies import Incoming
from service.together import MOST, Together
from tests.house import House, completed, dumps
from tests.processes import wait_until
from tests.promises.installation import Installation
from tests.promises.population import just_treated

WAITS = 20


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine, who waits here is in the transaction that the test is about."""
    monkeypatch.setattr(together, "_WAITS_SECONDS", 3 * WAITS)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """A database with an empty table."""
    opened = open_database(database_url, pool_size=40)
    run(opened, lambda connection: connection.execute(text("CREATE TABLE taken (n integer)")))
    yield opened
    opened.dispose()


@dataclass
class Desk:
    """Takes numbers in, and holds the first transaction open until it is told to go on."""

    engine: Engine
    breaks_over: Callable[[Connection, Sequence[int]], object] = lambda _connection, _numbers: None
    sizes: list[int] = field(default_factory=list)
    told: list[int] = field(default_factory=list)
    entered: threading.Event = field(default_factory=threading.Event)
    goes_on: threading.Event = field(default_factory=threading.Event)
    at_once: Together[int, str] = field(init=False)

    def __post_init__(self) -> None:
        self.at_once = Together(self.engine, self.work, self.committed)

    def work(self, connection: Connection, numbers: Sequence[int]) -> list[str]:
        self.sizes.append(len(numbers))
        for number in numbers:
            connection.execute(text("INSERT INTO taken VALUES (:n)"), {"n": number})
        if not self.entered.is_set():
            self.entered.set()
            assert self.goes_on.wait(WAITS)
        self.breaks_over(connection, numbers)
        return [f"{number} is taken" for number in numbers]

    def committed(self, outcomes: Sequence[str]) -> None:
        self.told += [int(one.partition(" ")[0]) for one in outcomes]

    def taken(self) -> list[int]:
        with reading(self.engine) as connection:
            return sorted(connection.execute(text("SELECT n FROM taken")).scalars())


@contextmanager
def meeting(desk: Desk, numbers: Sequence[int]) -> Iterator[list[Future[tuple[str, bool]]]]:
    """The first number's transaction is held open until all others wait. Each gets its answer, and whether its row was
    there for everybody by then."""

    def ask(number: int) -> tuple[str, bool]:
        answer = desk.at_once(number)
        return answer, number in desk.taken()

    with ThreadPoolExecutor(len(numbers)) as pool:
        asked = [pool.submit(ask, numbers[0])]
        assert desk.entered.wait(WAITS)
        for place, number in enumerate(numbers[1:], 1):
            asked.append(pool.submit(ask, number))
            wait_until(lambda place=place: len(desk.at_once._waiting) == place, WAITS)
        desk.goes_on.set()
        yield asked


def test_p1_who_comes_meanwhile_goes_into_the_next_one_together(engine: Engine) -> None:
    desk = Desk(engine)
    with meeting(desk, range(11)) as asked:
        answers = [one.result(WAITS) for one in asked]
    assert answers == [(f"{number} is taken", True) for number in range(11)]
    assert desk.sizes == [1, 10]
    assert desk.taken() == desk.told == list(range(11))


def test_p1_more_than_one_transaction_takes_wait_for_the_one_after(engine: Engine) -> None:
    desk = Desk(engine)
    many = range(MOST + 4)
    with meeting(desk, many) as asked:
        assert all(one.result(WAITS)[1] for one in asked)
    assert desk.sizes == [1, MOST, 3]
    assert desk.told == list(many)


def test_p10_one_over_which_it_breaks_does_not_take_others_along(engine: Engine) -> None:
    def breaks_over(_: Connection, numbers: Sequence[int]) -> None:
        if 2 in numbers:
            raise ValueError("2")

    desk = Desk(engine, breaks_over)
    with meeting(desk, range(5)) as asked:
        wait(asked, WAITS)
    assert isinstance(asked[2].exception(), ValueError)
    assert [asked[place].result() for place in (0, 1, 3, 4)] == [(f"{n} is taken", True) for n in (0, 1, 3, 4)]
    assert desk.sizes == [1, 4, 1, 1, 1, 1]
    assert desk.taken() == sorted(desk.told) == [0, 1, 3, 4]


def test_p1_a_database_in_trouble_is_everybodys_trouble_and_then_nobodys(engine: Engine) -> None:
    """Nobody is told yes, and whoever asks again is served."""
    away = [True]

    def breaks_over(_: Connection, numbers: Sequence[int]) -> None:
        if len(numbers) > 1 and away:
            raise OperationalError("", None, Exception("away"))

    desk = Desk(engine, breaks_over)
    with meeting(desk, range(4)) as asked:
        wait(asked, WAITS)
        assert all(isinstance(one.exception(), OperationalError) for one in asked[1:])
    assert desk.taken() == desk.told == [0]
    away.clear()
    assert [desk.at_once(number) for number in (1, 2)] == ["1 is taken", "2 is taken"]
    assert desk.taken() == desk.told == [0, 1, 2]
    assert not desk.at_once._at_work


def test_p1_a_leader_that_is_ended_leaves_nobody_waiting(engine: Engine) -> None:
    ends = [SystemExit]

    def breaks_over(_: Connection, numbers: Sequence[int]) -> None:
        if len(numbers) > 1 and ends:
            raise ends.pop()

    desk = Desk(engine, breaks_over)
    with meeting(desk, range(4)) as asked:
        wait(asked, WAITS)
    assert isinstance(asked[1].exception(), SystemExit)
    assert [asked[place].result() for place in (0, 2, 3)] == [(f"{n} is taken", True) for n in (0, 2, 3)]
    assert desk.taken() == sorted(desk.told) == [0, 2, 3]


def test_p10_a_lock_that_one_of_them_needs_keeps_nobody_else_waiting(postgresql_url: str) -> None:
    """Somebody stands still with a patient's row in his hands: only what concerns that patient waits for him."""
    engine = open_database(postgresql_url, pool_size=8)
    run(engine, lambda connection: connection.execute(text("CREATE TABLE taken (n integer)")))
    run(engine, lambda connection: connection.execute(text("CREATE TABLE locked AS SELECT 2 AS n")))

    def needs(connection: Connection, numbers: Sequence[int]) -> None:
        connection.execute(text("SELECT n FROM locked WHERE n = ANY(:those) FOR UPDATE"), {"those": list(numbers)})

    desk = Desk(engine, needs)
    with engine.connect() as holder:
        holder.execute(text("SELECT n FROM locked FOR UPDATE"))
        with meeting(desk, range(5)) as asked:
            others = [asked[place] for place in (0, 1, 3, 4)]
            assert wait(others, WAITS / 2).not_done == set()
            assert not asked[2].done()
            holder.rollback()
            assert asked[2].result(WAITS) == ("2 is taken", True)
    assert desk.taken() == sorted(desk.told) == list(range(5))
    engine.dispose()


def test_p10_a_transaction_that_stands_still_holds_up_nobody_for_long(
    postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection hangs: whoever comes goes alone after a while. Once it goes on, all is as it was."""
    monkeypatch.setattr(together, "_WAITS_SECONDS", 0.2)
    engine = open_database(postgresql_url, pool_size=8)
    run(engine, lambda connection: connection.execute(text("CREATE TABLE taken (n integer)")))
    desk = Desk(engine)
    with ThreadPoolExecutor(6) as pool:
        hanging = pool.submit(desk.at_once, 0)
        assert desk.entered.wait(WAITS)
        others = [pool.submit(desk.at_once, number) for number in range(1, 5)]
        assert [one.result(WAITS) for one in others] == [f"{number} is taken" for number in range(1, 5)]
        assert not hanging.done()
        assert desk.taken() == [1, 2, 3, 4]
        desk.goes_on.set()
        assert hanging.result(WAITS) == "0 is taken"
    assert desk.sizes == [1] * 5
    assert desk.at_once(5) == "5 is taken"
    assert desk.taken() == sorted(desk.told) == list(range(6))
    assert not desk.at_once._waiting
    engine.dispose()


def test_p1_every_event_posted_three_times_at_once(h: House) -> None:
    """All of it through the one way in: repeats get the first answer, refusals their own, and all is there once."""
    take = context_on(h.parts).take_posted
    posts = {f"new-{n}": completed(session=f"s{n}", patient=f"p{n}", phone=f"+1202555{n:04d}") for n in range(8)}
    posts |= {f"back-{n}": completed(session=f"again-{n}", patient=f"p{n}", site="hip") for n in range(4)}
    refused = {"late": {"session": {"id": "unheard-of", "number": 2}}}

    def ask(key: str) -> tuple[int, str]:
        kind = "session.completed" if key in posts else "session.updated"
        try:
            return take(h.clinic.id, key, dumps({"type": kind, "data": (posts | refused)[key]}))
        except Problem as problem:
            return problem.status, problem.detail

    keys = [key for key in (*posts, *refused) for _ in range(3)]
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(ask, keys))
    by_key = {key: {answer for other, answer in zip(keys, answers, strict=True) if other == key} for key in keys}
    assert all(len(those) == 1 for those in by_key.values())
    assert {key: next(iter(those))[0] for key, those in by_key.items()} == dict.fromkeys(posts, 202) | {"late": 409}
    assert {json.loads(next(iter(by_key[key]))[1])["session"]["id"] for key in posts} == {
        one["session"]["id"] for one in posts.values()
    }
    assert h.sql("SELECT count(*) FROM patients")[0][0] == 8
    assert h.sql("SELECT count(*) FROM sessions")[0][0] == h.sql("SELECT count(*) FROM events")[0][0] == 12
    assert (
        h.sql("SELECT count(*) FROM (SELECT DISTINCT session_id, step, channel FROM messages) AS d")[0][0]
        == (h.sql("SELECT count(*) FROM messages")[0][0])
    )


def test_p1_what_providers_post_at_once_is_kept_once(h: House) -> None:
    context = context_on(h.parts)

    def text_of(number: int) -> Incoming:
        return Incoming(f"SM{number % 6}", Channel.SMS, "+12025550123", "+12025550199", "4")

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(context.keep_reply, map(text_of, range(18))))
        list(pool.map(lambda n: context.keep_receipts([Receipt(f"r{n % 6}", Channel.SMS, "sent")]), range(18)))
    assert sorted(h.sql("SELECT provider_key FROM replies")) == [(f"SM{n}",) for n in range(6)]
    assert sorted(h.sql("SELECT event_key FROM receipts")) == [(f"r{n}",) for n in range(6)]


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.parametrize("moment", ["events.applied:6", "events.committed:6", "events.woken:6"])
def test_p1_p6_the_plug_is_pulled_while_many_post_at_once(place: Installation, moment: str) -> None:
    """Whoever had a 202 is on record; all post again, and everything is there once."""
    numbers = range(48)
    treated = {number: just_treated(number) for number in numbers}
    web = place.serve(AFTERCARE_CRASH_AT=moment)

    def post(number: int) -> int:
        try:
            return place.post(number).status
        except urllib3.exceptions.HTTPError:
            return 0

    place._posted.update(treated)
    with ThreadPoolExecutor(16) as pool:
        statuses: dict[int, Any] = dict(zip(numbers, pool.map(post, numbers), strict=True))
    place.kill(web)  # only the process that served had died
    there = {row[0] for row in place.h.sql("SELECT key FROM events")}
    assert {f"posted-{number}" for number, status in statuses.items() if status == 202} <= there
    assert set(statuses.values()) == {202, 0}
    place.serve()
    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(post, numbers)) == {202}
    assert place.h.sql("SELECT count(*) FROM sessions")[0][0] == len(numbers)
    each = place.h.sql("SELECT session_id, step, channel, count(*) FROM messages GROUP BY 1, 2, 3 HAVING count(*) > 1")
    assert each == []
