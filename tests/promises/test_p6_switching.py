"""P6 and P3 of patients who go over to another version: clocks take each of them over once, and nobody unasked."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack

import pytest
from sqlalchemy import Connection

from service import time
from service.records import approval, protocols, switching, waiting
from service.records.approval import Signature
from service.records.protocols import Version
from service.records.switching import Followers
from tests.house import PROTOCOL, House
from tests.promises.population import Latecomer
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


def go_over(h: House, *, looks: int = 20) -> None:
    """What clocks do, until nobody is left or they have looked so often."""
    for _ in range(looks):
        if not h.run(any_switch):
            return
        h.run(lambda c: switching.next_part(c, h.parts.sending, time.now()))


@pytest.mark.parametrize("followers", Followers)
def test_p6_who_comes_in_while_a_version_is_signed_goes_over_too(h: House, followers: Followers) -> None:
    """Their transaction chose the version before the signature, and commits when everybody else has gone over."""
    if followers is Followers.WAITING:
        h.sql("UPDATE protocols SET approved_at = NULL, approved_by = NULL")
    complete(h, 2)
    late = Latecomer(h)

    def sign_and_look() -> tuple[Version, int]:
        version = signed(h, followers)
        go_over(h)
        return version, under(h, version)

    with ThreadPoolExecutor(2) as pool:
        coming, signing = pool.submit(late.come_in), pool.submit(lambda: late.taken_in.wait(30) and sign_and_look())
        assert late.taken_in.wait(30)
        if h.parts.engine.dialect.name == "postgresql":
            assert signing.result(30)[1] == 2, "nobody waits for an open transaction"
            assert h.run(any_switch), "the switch stays open for whoever is on the way"
        late.commit.set()
        coming.result(30)
        version, _ = signing.result(30)
    go_over(h)
    assert under(h, version) == 3
    assert not h.run(any_switch)


def test_p6_a_version_that_came_into_force_while_one_waited_for_the_other_is_the_one(h: House) -> None:
    """Between choosing a version and holding it, a whole switch may pass."""
    [old] = h.run(lambda c: protocols.of_clinic(c, h.clinic.id))

    def choose(connection: Connection) -> int:
        found = protocols.to_follow(connection, h.clinic.id, old.name)
        assert found is not None
        return found.version

    with ThreadPoolExecutor(1) as pool:
        with h.parts.engine.begin() as connection:
            stored = protocols.add(connection, h.clinic.id, LATER, time.now())
            approval.sign_version(
                connection, h.clinic.id, stored.id, Signature("Dr New", "Dr New", Followers.EVERYBODY, time.now())
            )
            assert protocols.nobody_holds(connection, [old.id])
            choosing = pool.submit(lambda: h.run(choose))
            wait([choosing], timeout=0.3)
            assert not choosing.done()
        assert choosing.result(30) == 2


def test_p6_a_switch_that_cannot_end_keeps_no_other_waiting(h: House) -> None:
    other = PROTOCOL.replace("name: prolotherapy", "name: other")
    h.run(lambda c: protocols.add(c, h.clinic.id, other, time.now()))
    h.complete(session="s", patient="p", protocol="other")
    with ExitStack() as open_for_long:
        if h.parts.engine.dialect.name == "postgresql":  # SQLite has one writer: nobody is on the way meanwhile
            on_the_way = open_for_long.enter_context(h.parts.engine.begin())
            assert protocols.to_follow(on_the_way, h.clinic.id, "prolotherapy")
        signed(h, Followers.EVERYBODY)

        def sign_other(connection: Connection) -> None:
            [version] = [one for one in protocols.of_clinic(connection, h.clinic.id) if one.name == "other"]
            signature = Signature("Dr New", "Dr New", Followers.WAITING, time.now())
            approval.sign_version(connection, h.clinic.id, version.id, signature)

        h.run(sign_other)
        assert h.run(lambda c: switching.next_part(c, h.parts.sending, time.now())) == 1
