"""Batches: in order, bounded, stopped when the provider says so, never after the deadline (P2)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.care.provider_codes import CodeAction, action_for
from tests.gateways.scripted import SID, created, refusal, scripted
from workers.gateways.breaker import FAILURES, Breaker
from workers.gateways.courier import HALTS, Courier, Window, hand_over
from workers.gateways.handover import Outcome, SmsParcel, Unsent, Verdict
from workers.gateways.sms import TwilioGateway


def parcels(count: int) -> list[SmsParcel]:
    return [SmsParcel(f"t{n}", "+15551234567", "Hi", "MG1", "https://a.example/cb", 60) for n in range(count)]


@dataclass
class Fake:
    """A gateway that takes `seconds` and answers as told; a place past the end is answered ACCEPTED."""

    outcomes: Sequence[Outcome | Exception] = ()
    seconds: float = 0.0
    sent: list[str] = field(default_factory=list)
    in_flight: int = 0
    most: int = 0
    closed: bool = False

    async def send(self, parcel: SmsParcel, *, deadline: float | None = None) -> Verdict:
        self.sent.append(parcel.token)
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        await asyncio.sleep(self.seconds)
        self.in_flight -= 1
        place = int(parcel.token[1:])
        outcome = self.outcomes[place] if place < len(self.outcomes) else Outcome.ACCEPTED
        if isinstance(outcome, Exception):
            raise outcome
        return Verdict(parcel.token, outcome)

    async def close(self) -> None:
        self.closed = True


def outcomes(verdicts: list[Verdict]) -> list[Outcome]:
    return [verdict.outcome for verdict in verdicts]


@given(st.lists(st.sampled_from(sorted(set(Outcome))), max_size=30), st.integers(1, 8))
def test_every_parcel_has_one_verdict_in_order(scripted_outcomes: list[Outcome], most: int) -> None:
    """P2: each is handed over at most once; what was not handed over is NOT_SENT and says why."""
    fake, batch = Fake(scripted_outcomes), parcels(len(scripted_outcomes))
    verdicts = asyncio.run(hand_over(fake, batch, window=Window(most, start=2)))
    assert [verdict.token for verdict in verdicts] == [parcel.token for parcel in batch]
    assert len(set(fake.sent)) == len(fake.sent)
    for place, verdict in enumerate(verdicts):
        if verdict.token in fake.sent:
            assert verdict.outcome is scripted_outcomes[place]
        else:
            assert (verdict.outcome, verdict.code) == (Outcome.NOT_SENT, Unsent.HALTED)
            assert any(earlier in HALTS for earlier in scripted_outcomes[:place])
    assert fake.most <= most


@pytest.mark.parametrize("outcome", sorted(HALTS))
def test_the_rest_of_a_batch_is_not_tried(outcome: Outcome) -> None:
    """A provider that says "slow down" or "wrong key" sees the first few of a batch, not all 500."""
    fake = Fake([outcome] * 500, seconds=0.005)
    verdicts = asyncio.run(hand_over(fake, parcels(500)))
    assert len(fake.sent) == 16
    assert outcomes(verdicts) == [outcome] * 16 + [Outcome.NOT_SENT] * 484


def test_the_window_grows_with_success_and_starts_over() -> None:
    async def play() -> list[int]:
        window, seen = Window(64, start=4), []
        for outcome in (None, Outcome.ACCEPTED, Outcome.BUSY, Outcome.AMBIGUOUS):
            fake = Fake([outcome or Outcome.ACCEPTED] * 500, seconds=0.001)
            await hand_over(fake, parcels(4 if outcome is None else 300), window=window)
            seen.append(fake.most)
        return seen

    first, grown, busy, after = asyncio.run(play())
    assert (first, grown) == (4, 64)
    assert busy == 64  # it was wide open: those were on the wire before the first refusal came
    assert after == 4


def test_nothing_is_begun_after_the_deadline() -> None:
    """P2: a process that was paused finds its lease gone, and sends nothing."""
    fake = Fake(seconds=0.2)
    verdicts = asyncio.run(hand_over(fake, parcels(9), deadline=time.monotonic() + 0.3, window=Window(3, start=3)))
    assert outcomes(verdicts) == [Outcome.ACCEPTED] * 6 + [Outcome.NOT_SENT] * 3
    assert {verdict.code for verdict in verdicts[6:]} == {Unsent.DEADLINE}
    assert len(fake.sent) == 6


def test_a_mistake_in_a_gateway_costs_one_parcel(caplog: pytest.LogCaptureFixture) -> None:
    fake = Fake([Outcome.ACCEPTED, ValueError("+15551234567")])
    verdicts = asyncio.run(hand_over(fake, parcels(3)))
    assert outcomes(verdicts) == [Outcome.ACCEPTED, Outcome.AMBIGUOUS, Outcome.ACCEPTED]
    assert "ValueError" in caplog.text
    assert "1555" not in caplog.text


def test_an_open_circuit_protects_the_rest_of_a_batch() -> None:
    fake = Fake([Outcome.AMBIGUOUS] * 100)
    verdicts = asyncio.run(hand_over(fake, parcels(100), window=Window(2, start=2), breaker=Breaker(failures=5)))
    assert len(fake.sent) <= 7
    assert verdicts[-1] == Verdict("t99", Outcome.NOT_SENT, code=Unsent.CIRCUIT_OPEN)


def test_a_courier_works_while_its_caller_does_something_else() -> None:
    fake = Fake(seconds=0.05)
    courier: Courier[SmsParcel] = Courier(fake)
    futures = [courier.submit(parcels(10)) for _ in range(3)]
    assert not any(future.done() for future in futures)
    for future in futures:
        assert outcomes(future.result(5)) == [Outcome.ACCEPTED] * 10
    courier.close()
    courier.close()
    assert fake.closed


def test_closing_waits_for_what_is_in_flight() -> None:
    """P2: what is on the wire when a worker is told to stop still gets its verdict."""
    courier: Courier[SmsParcel] = Courier(Fake(seconds=0.1))
    future = courier.submit(parcels(3))
    courier.close()
    assert outcomes(future.result(0)) == [Outcome.ACCEPTED] * 3


def test_closing_does_not_wait_for_ever() -> None:
    courier: Courier[SmsParcel] = Courier(Fake(seconds=30))
    future = courier.submit(parcels(3))
    start = time.monotonic()
    courier.close(seconds=0.1)
    assert time.monotonic() - start < 2
    assert future.cancelled()


def test_the_whole_way_over_a_socket() -> None:
    async def play() -> tuple[list[Verdict], int, int]:
        async with scripted(*[created()] * 4, refusal(400, 21610), created(), delay=0.002) as provider:
            courier = Courier(TwilioGateway("AC", "t", provider.url), in_flight=20)
            verdicts = await asyncio.wrap_future(courier.submit(parcels(200)))
            await asyncio.to_thread(courier.close)
            return verdicts, len(provider.requests), provider.most_in_flight

    verdicts, requests, most = asyncio.run(play())
    assert requests == 200
    assert sorted(outcomes(verdicts)) == [Outcome.ACCEPTED] * 199 + [Outcome.OPTED_OUT]
    assert {verdict.provider_id for verdict in verdicts} == {SID, None}
    assert most <= 20


class TestBreaker:
    """Pure: the clock is handed in."""

    def make(self, failures: int = 3) -> tuple[Breaker, Callable[[float], None]]:
        clock = [100.0]

        def forward(seconds: float) -> None:
            clock[0] += seconds

        return Breaker(failures=failures, seconds=10, monotonic=lambda: clock[0]), forward

    def opened(self) -> tuple[Breaker, Callable[[float], None]]:
        breaker, forward = self.make()
        for _ in range(3):
            assert breaker.allow()
            breaker.record(Outcome.AMBIGUOUS)
        return breaker, forward

    def test_opens_after_failures_running(self) -> None:
        breaker, _ = self.opened()
        assert not breaker.allow()
        assert breaker.seconds_left() == 10.0

    @pytest.mark.parametrize("outcome", sorted(set(Outcome) - FAILURES))
    def test_any_answer_breaks_the_run(self, outcome: Outcome) -> None:
        breaker, _ = self.make()
        for failed in (Outcome.AMBIGUOUS, Outcome.NOT_SENT, outcome, Outcome.AMBIGUOUS, Outcome.NOT_SENT):
            breaker.record(failed)
        assert breaker.allow()

    def test_lets_one_through_and_closes_when_it_works(self) -> None:
        breaker, forward = self.opened()
        forward(10)
        assert breaker.room() == 1
        assert [breaker.allow() for _ in range(3)] == [True, False, False]
        assert breaker.room() == 0
        breaker.record(Outcome.ACCEPTED)
        assert breaker.room() is None
        assert [breaker.allow() for _ in range(3)] == [True, True, True]

    def test_opens_again_when_the_probe_fails(self) -> None:
        breaker, forward = self.opened()
        forward(10)
        assert breaker.allow()
        breaker.record(Outcome.NOT_SENT)
        assert not breaker.allow()
        forward(9.9)
        assert not breaker.allow()
        forward(0.2)
        assert breaker.allow()

    def test_a_probe_that_never_took_place_says_nothing(self) -> None:
        breaker, forward = self.opened()
        forward(10)
        assert breaker.allow()
        breaker.forget()
        assert breaker.allow()

    def test_a_probe_that_is_lost_does_not_keep_it_open_for_ever(self) -> None:
        breaker, forward = self.opened()
        forward(10)
        assert breaker.allow()
        forward(61)
        assert breaker.allow()


@pytest.mark.parametrize(
    ("code", "action"),
    [
        ("30003", CodeAction.RETRY_ONCE),
        (30008, CodeAction.RETRY_ONCE),
        ("30004", CodeAction.BLOCKED),
        ("30007", CodeAction.BLOCKED),
        ("30005", CodeAction.MARK_BAD_ADDRESS),
        ("21610", CodeAction.RECORD_OPT_OUT),
        ("30034", CodeAction.FIX_SETTINGS),
        ("30032", CodeAction.FIX_SETTINGS),
        ("21408", CodeAction.ALLOW_RECIPIENT),
        ("30001", CodeAction.BACK_OFF),
        ("63038", CodeAction.HOLD_TO_TOMORROW),
        ("21617", CodeAction.FIX_TEMPLATE),
        ("99999", CodeAction.GIVE_UP),
        ("", CodeAction.GIVE_UP),
        ("None", CodeAction.GIVE_UP),
        (None, CodeAction.GIVE_UP),
    ],
)
def test_codes_in_callbacks(code: str | int | None, action: CodeAction) -> None:
    assert action_for(code) is action
