"""P6 and P3 of patients who go over to another version: clocks take each of them over once, and nobody unasked."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Connection

from service import time
from service.records import approval, protocols, switching, waiting
from service.records.approval import Signature
from service.records.protocols import Version
from service.records.switching import Followers
from tests.house import PROTOCOL, House
from workers.clock import Clock

LATER = PROTOCOL.replace("    day: 14\n", "    day: 15\n")


def signed(h: House, followers: Followers) -> Version:
    def work(connection: Connection) -> Version:
        stored = protocols.add(connection, h.clinic.id, LATER, time.now())
        signature = Signature("Dr New", "staff 1 Dr New", followers, time.now())
        return approval.sign_version(connection, h.clinic.id, stored.id, signature)

    version: Version = h.run(work)
    return version


def under(h: House, version: Version) -> int:
    return int(h.sql("SELECT count(*) AS n FROM sessions WHERE protocol_id = :id", id=version.id)[0].n)


def complete(h: House, patients: int) -> None:
    for number in range(patients):
        h.complete(session=f"s{number}", patient=f"p{number}", phone=f"+1202555{1000 + number}")


def any_switch(connection: Connection) -> bool:
    return waiting.at(connection, time.now(), time.now()).switches


def test_p6_the_clock_takes_them_over_part_by_part(h: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(switching, "PART", 2)
    complete(h, 5)
    version = signed(h, Followers.EVERYBODY)
    clock = Clock(h.parts, "clock")
    taken = [clock.look().switched for _ in range(4)]
    assert taken == [2, 2, 1, 0]
    assert under(h, version) == 5
    assert not h.run(any_switch)


def test_p6_several_clocks_take_each_once(h: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(switching, "PART", 1)
    complete(h, 6)
    version = signed(h, Followers.EVERYBODY)

    def until_done(_: int) -> int:
        taken = 0
        while h.run(any_switch):
            taken += h.run(lambda c: switching.next_part(c, h.parts.sending, time.now()))
        return taken

    with ThreadPoolExecutor(3) as pool:
        assert sum(pool.map(until_done, range(3))) == 6
    assert under(h, version) == 6


def test_p3_nothing_planned_is_touched_unless_asked(h: House) -> None:
    complete(h, 2)
    before = h.sql("SELECT * FROM messages ORDER BY id")
    version = signed(h, Followers.WAITING)
    clock = Clock(h.parts, "clock")
    clock.look()
    assert under(h, version) == 0
    waits = [row for row in h.sql("SELECT * FROM messages ORDER BY id") if row.state == "planned"]
    assert waits
    assert all(row in before for row in waits)
    h.complete(session="new", patient="new", phone="+12025552000")
    assert under(h, version) == 1


def test_a_session_that_was_cancelled_or_has_nothing_to_come_is_left(h: House) -> None:
    complete(h, 2)
    h.post("session.cancelled", {"session": {"id": "s0"}})
    version = signed(h, Followers.EVERYBODY)
    h.run(lambda c: switching.next_part(c, h.parts.sending, time.now()))
    assert under(h, version) == 1
