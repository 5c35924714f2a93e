"""P2: a message reaches the provider at most once, unless the provider itself proves that it never arrived."""

from __future__ import annotations

import threading
import time as world
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from sandbox.faults import Kind
from service import time
from service.records import attempts
from service.records.attempts import Open
from service.records.database import run
from tests.house import House
from tests.promises.population import counted, once_each, phone, state_of, treat, treat_many
from workers.gateways.handover import Found, Outcome, Unsent, Verdict
from workers.reconcile import Reconciler


def at_once(*works: Callable[[], object]) -> None:
    """Run all at the same moment, and pass on what any of them raises."""
    gate, raised = threading.Barrier(len(works)), []

    def begin(work: Callable[[], object]) -> None:
        gate.wait(5)
        try:
            work()
        except Exception as error:
            raised.append(error)

    threads = [threading.Thread(target=begin, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    if raised:
        raise raised[0]


def test_p2_the_same_job_run_by_two_workers_at_once(h: House) -> None:
    """Both get the same ids in the same instant; neither may hand over what the other holds."""
    treat_many(h, 60)
    ids = h.queue_due()
    first, second = h.deliverer(batch_size=7), h.deliverer(batch_size=11)
    at_once(lambda: first.deliver(ids), lambda: second.deliver(list(reversed(ids))), lambda: first.deliver(ids))
    assert counted(h.handed_over()) == once_each(60)


def test_p2_a_job_run_again_later_finds_nothing(h: House) -> None:
    treat_many(h, 5)
    deliverer = h.deliverer()
    ids = h.deliver_due(deliverer)
    assert deliverer.deliver(ids) == 0
    assert deliverer.deliver(ids + ids) == 0
    assert counted(h.handed_over()) == once_each(5)


def test_p2_two_clocks_claim_each_due_message_once(h: House) -> None:
    treat_many(h, 40)
    found: list[list[int]] = []
    at_once(*[lambda: found.append(h.queue_due())] * 3)
    ids = [one for part in found for one in part]
    assert len(ids) == len(set(ids)) == 40


ACCEPTED_BUT = (Kind.ERROR_AFTER, Kind.DROP_AFTER, Kind.TRUNCATED, Kind.TORN, Kind.HANG)
NOT_ACCEPTED = (Kind.ERROR_BEFORE, Kind.DROP_BEFORE)


@pytest.mark.parametrize("kind", ACCEPTED_BUT)
def test_p2_what_was_taken_without_a_word_is_found_and_not_sent_again(h: House, kind: Kind) -> None:
    h.sandbox.fault(kind, seconds=30.0, count=4)
    sessions = treat_many(h, 4)
    deliverer = h.deliverer(provider_timeout_seconds=0.5 if kind is Kind.HANG else 5.0)
    h.deliver_due(deliverer)
    assert {state_of(h, one) for one in sessions} == {("sending", "checking_with_provider")}
    assert h.deliver_due(deliverer) == []  # nothing of it may look due while it is in doubt

    assert h.reconcile() == 4
    assert h.deliver_due(deliverer) == []
    assert counted(h.handed_over()) == once_each(4)
    assert {state_of(h, one)[0] for one in sessions} <= {"accepted", "sent", "delivered"}


def test_p2_what_the_provider_put_in_other_words_is_not_sent_again(h: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A trial account's heading, Smart Encoding: the list holds a text that nobody else brought there. It is no proof
    that ours is not there."""
    h.sandbox.fault(Kind.DROP_AFTER, count=1)
    session = treat(h)
    deliverer = h.deliverer()
    h.deliver_due(deliverer)
    ours = attempts.last_of
    monkeypatch.setattr(
        attempts, "last_of", lambda *args: [replace(one, body_key=b"other words") for one in ours(*args)]
    )
    for _ in range(8):
        h.hurry()
        h.reconcile()
        h.deliver_due(deliverer)
    assert state_of(h, session) == ("unknown", "never_proven")
    assert counted(h.handed_over()) == once_each(1)


def test_p2_two_in_doubt_on_one_phone_do_not_hide_each_other_for_good(h: House) -> None:
    """One arrived and one did not: once the first is known for what it is, the other is proven absent."""
    treat(h)
    treat(h, 1, phone=phone(0))
    h.sandbox.fault(Kind.DROP_AFTER, on="twilio.create", count=1)
    h.sandbox.fault(Kind.DROP_BEFORE, on="twilio.create", count=1)
    deliverer = h.deliverer()
    h.deliver_due(deliverer)
    for _ in range(4):
        h.hurry()
        h.reconcile()
        h.deliver_due(deliverer)
    assert counted(h.handed_over()) == {phone(0): 2}


@pytest.mark.parametrize("kind", NOT_ACCEPTED)
def test_p2_what_was_lost_on_the_way_is_proven_absent_and_sent_once_more(h: House, kind: Kind) -> None:
    h.sandbox.fault(kind, count=4)
    treat_many(h, 4)
    deliverer = h.deliverer()
    h.deliver_due(deliverer)
    assert h.handed_over() == []

    h.reconcile()
    h.deliver_due(deliverer)
    h.reconcile()
    h.deliver_due(deliverer)
    assert counted(h.handed_over()) == once_each(4)


@pytest.mark.parametrize("kind", [Kind.ERROR_BEFORE, Kind.ERROR_AFTER, Kind.DROP_AFTER])
def test_p2_mixed_luck_over_many_tries(h: House, kind: Kind) -> None:
    """Half of all hand-overs go wrong, again and again: still once each, and none is given up."""
    h.sandbox.fault(kind, probability=0.5)
    treat_many(h, 30)
    deliverer = h.deliverer()
    for _ in range(12):
        h.open_gates()
        h.deliver_due(deliverer)
        h.reconcile()
    assert counted(h.handed_over()) == once_each(30)


def test_p2_when_the_provider_cannot_be_asked_nothing_is_repeated(h: House) -> None:
    """Listing fails for ever: the message ends as unknown, for people to look at, and is never sent again."""
    h.sandbox.fault(Kind.DROP_AFTER, on="twilio.create")
    h.sandbox.fault(Kind.ERROR_BEFORE, on="twilio.list")
    session = treat(h)
    deliverer = h.deliverer()
    h.deliver_due(deliverer)
    for _ in range(8):
        h.hurry()
        h.reconcile()
        h.deliver_due(deliverer)
    assert state_of(h, session) == ("unknown", "never_proven")
    assert counted(h.handed_over()) == {phone(0): 1}


def test_p2_an_email_in_doubt_is_never_sent_again(h: House) -> None:
    """SendGrid keeps nothing that could be searched: without an event there is no proof either way."""
    h.sandbox.fault(Kind.DROP_AFTER, on="sendgrid.send")
    session = treat(h, email=True)
    deliverer = h.deliverer()
    h.deliver_due(deliverer)
    for _ in range(9):
        h.hurry()
        h.reconcile()
        h.deliver_due(deliverer)
    assert state_of(h, session, channel="email") == ("unknown", "never_proven")
    assert counted(h.handed_over()) == {phone(0): 1, "patient0@example.net": 1}


def test_p2_two_reconcilers_at_once_send_again_once(h: House) -> None:
    h.sandbox.fault(Kind.DROP_BEFORE, count=6)
    treat_many(h, 6)
    deliverer = h.deliverer()
    h.deliver_due(deliverer)
    ids = h.in_doubt()
    at_once(lambda: h.reconcile(ids), lambda: h.reconcile(ids))
    ids = h.queue_due()
    at_once(lambda: deliverer.deliver(ids), lambda: h.reconcile(ids))
    assert counted(h.handed_over()) == once_each(6)


def test_p2_a_worker_that_recorded_nothing_leaves_a_trace(h: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The provider answered and the worker died before it wrote that down: the provider's record settles it."""
    from workers.verdicts import Recorder

    session = treat(h)
    deliverer = h.deliverer()
    with monkeypatch.context() as patch:
        patch.setattr(Recorder, "record", lambda *_: None)
        h.deliver_due(deliverer)
    assert state_of(h, session)[0] == "sending"
    h.hurry()
    h.reconcile()
    h.deliver_due(deliverer)
    assert counted(h.handed_over()) == {phone(0): 1}
    assert state_of(h, session)[0] in {"accepted", "sent", "delivered"}


def test_p2_a_worker_that_died_before_the_post_delays_and_loses_nothing(
    h: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    from workers.deliver import Deliverer

    treat_many(h, 3)
    with monkeypatch.context() as patch:
        patch.setattr(Deliverer, "_submit", lambda *_: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            h.deliver_due()
    assert h.handed_over() == []
    h.hurry()
    h.reconcile()
    h.deliver_due()
    assert counted(h.handed_over()) == once_each(3)


class _StandsStill:
    """This machine, on which more and more time passes that no process got."""

    def __init__(self) -> None:
        self.lost = 0.0

    def wall(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return world.monotonic() + self.lost

    def sleep(self, seconds: float) -> None:
        world.sleep(seconds)


def test_p2_a_worker_that_stood_still_in_its_claim_writes_nothing(h: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its lease may be over and its messages with another: the time it may write in was drawn before the claim."""
    session = treat(h)
    machine, deliverer = _StandsStill(), h.deliverer()
    claim = deliverer._claim

    def long_claim(*given: object, **named: object) -> object:
        claimed = claim(*given, **named)  # type: ignore[arg-type]
        machine.lost += h.parts.settings.sending_lease_seconds
        return claimed

    monkeypatch.setattr(deliverer, "_claim", long_claim)
    with time.driven_by(machine):
        h.deliver_due(deliverer)
        assert h.handed_over() == []
        assert state_of(h, session)[0] == "planned"
        monkeypatch.undo()
        h.open_gates()
        h.deliver_due(deliverer)
    assert counted(h.handed_over()) == once_each(1)


def test_p2_a_stray_nudge_proves_nothing_about_what_a_worker_still_holds(h: House) -> None:
    """The provider lists nothing yet, and the worker may write in the next moment."""
    session = treat(h)
    deliverer = h.deliverer()
    ids = h.queue_due()
    begun = time.monotonic()
    claimed = run(h.parts.engine, lambda connection: deliverer._claim(connection, ids))
    assert h.reconcile(ids) == 0
    assert state_of(h, session)[0] == "sending"
    deliverer._record(claimed, deliverer._submit(claimed, begun))
    h.open_gates()
    h.deliver_due(deliverer)
    assert counted(h.handed_over()) == once_each(1)


def test_p2_a_worker_that_stood_still_takes_back_nothing_that_another_has_begun(h: House) -> None:
    """What it knows is true of its own attempt, which was proven absent and followed by another's meanwhile."""
    session = treat(h)
    slow, quick = h.deliverer(), h.deliverer()
    ids = h.queue_due()
    stale = run(h.parts.engine, lambda connection: slow._claim(connection, ids))
    h.hurry()
    assert h.reconcile(ids) == 1
    assert state_of(h, session)[0] == "planned"
    again = h.queue_due()
    begun = time.monotonic()
    fresh = run(h.parts.engine, lambda connection: quick._claim(connection, again))
    assert len(fresh) == 1
    for code, outcome in ((Unsent.DEADLINE, Outcome.NOT_SENT), ("30006", Outcome.REJECTED)):
        slow._recorder.record(
            [(one.ready, one.attempt_id, Verdict(one.parcel.token, outcome, code=code)) for one in stale]
        )
        assert state_of(h, session) == ("sending", "handed_over")
    quick._record(fresh, quick._submit(fresh, begun))
    h.open_gates()
    h.deliver_due(quick)
    assert counted(h.handed_over()) == once_each(1)


def test_p2_what_was_looked_for_takes_back_no_attempt_begun_since(h: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """While reconcile asks, the worker puts the message back itself, and another claims it."""
    session = treat(h)
    slow, quick = h.deliverer(), h.deliverer()
    ids = h.queue_due()
    [one] = run(h.parts.engine, lambda connection: slow._claim(connection, ids))
    h.hurry()
    look_for = Reconciler._look_for

    def meanwhile(self: Reconciler, attempt: Open) -> Found:
        found = look_for(self, attempt)
        late = Verdict(one.parcel.token, Outcome.NOT_SENT, code=Unsent.DEADLINE)
        slow._recorder.record([(one.ready, one.attempt_id, late)])
        h.open_gates()
        again = h.queue_due()
        assert len(run(h.parts.engine, lambda connection: quick._claim(connection, again))) == 1
        return found

    monkeypatch.setattr(Reconciler, "_look_for", meanwhile)
    assert h.reconcile(ids) == 0
    assert state_of(h, session) == ("sending", "handed_over")
