"""Texts: each way a hand-over can go comes back as the one outcome that is safe (P2: at most once)."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest

from service.care.lifecycle import State
from tests.gateways.scripted import DROP, HANG, SID, Act, Bytes, Scripted, answer, created, message, refusal, scripted
from workers.gateways.handover import Found, Outcome, Sighting, SmsParcel, Verdict
from workers.gateways.sms import TwilioGateway

T = TypeVar("T")
PARCEL = SmsParcel("tok", "+15551234567", "Héllo & bye https://a.example/s/x", "MG1", "https://a.example/cb?a=tok", 600)
CREATED = datetime(2023, 8, 24, 5, 1, 45, tzinfo=UTC)


def gateway(url: str, **changes: Any) -> TwilioGateway:
    return TwilioGateway("ACsid", "secret", url, **{"connect_timeout": 1.0, "read_timeout": 0.3, **changes})


def with_provider(*acts: Act, do: Callable[[TwilioGateway, Scripted], Awaitable[T]]) -> tuple[T, Scripted]:
    """What `do` returns, against a provider that plays `acts`."""

    async def play() -> tuple[T, Scripted]:
        async with scripted(*acts) as provider:
            twilio = gateway(provider.url)
            try:
                return await do(twilio, provider), provider
            finally:
                await twilio.close()

    return asyncio.run(play())


def send(*acts: Act) -> tuple[Verdict, Scripted]:
    return with_provider(*acts, do=lambda twilio, _: twilio.send(PARCEL))


def test_an_accepted_text_carries_everything_once() -> None:
    verdict, provider = send(created())
    assert verdict == Verdict("tok", Outcome.ACCEPTED, provider_id=SID)
    (request,) = provider.requests
    assert (request.method, request.target) == ("POST", "/2010-04-01/Accounts/ACsid/Messages.json")
    assert request.headers["authorization"] == "Basic QUNzaWQ6c2VjcmV0"
    assert request.form == {
        "To": PARCEL.to,
        "Body": PARCEL.body,
        "MessagingServiceSid": "MG1",
        "StatusCallback": PARCEL.status_callback,
        "ValidityPeriod": "600",
    }


def test_a_bare_number_goes_as_from() -> None:
    parcel = SmsParcel("t", "+15551234567", "Hi", "+15550001111", "https://a.example/cb", 60)
    _, provider = with_provider(created(), do=lambda twilio, _: twilio.send(parcel))
    assert provider.requests[0].form["From"] == "+15550001111"
    assert "MessagingServiceSid" not in provider.requests[0].form


REFUSALS: list[tuple[int, int | None, Outcome, str]] = [
    *((400, code, Outcome.BAD_ADDRESS, str(code)) for code in (21211, 21614, 21635, 30005, 30006)),
    (400, 21610, Outcome.OPTED_OUT, "21610"),
    (403, 21610, Outcome.OPTED_OUT, "21610"),
    *((400, code, Outcome.MISCONFIGURED, str(code)) for code in (20003, 20005, 90010, 30002, 30032, 30034)),
    *((400, code, Outcome.MISCONFIGURED, str(code)) for code in (21212, 21603, 21606, 21659, 21660, 21661)),
    *((400, code, Outcome.MISCONFIGURED, str(code)) for code in (21701, 21704, 21705)),
    (403, 21408, Outcome.NOT_ALLOWED, "21408"),
    (400, 21608, Outcome.NOT_ALLOWED, "21608"),
    (401, 20003, Outcome.MISCONFIGURED, "20003"),
    (401, None, Outcome.MISCONFIGURED, "401"),
    (403, 12345, Outcome.MISCONFIGURED, "12345"),
    (404, 20404, Outcome.MISCONFIGURED, "20404"),
    *((400, code, Outcome.BUSY, str(code)) for code in (21611, 30001, 20429, 30022)),
    (429, 20429, Outcome.BUSY, "20429"),
    (429, None, Outcome.BUSY, "429"),
    (429, 63038, Outcome.CAPPED, "63038"),
    (400, 30023, Outcome.CAPPED, "30023"),
    (400, 21617, Outcome.TOO_LONG, "21617"),
    (400, 21999, Outcome.REJECTED, "21999"),
    (422, None, Outcome.REJECTED, "422"),
    (400, 30008, Outcome.REJECTED, "30008"),
    (408, None, Outcome.AMBIGUOUS, "408"),
    *((status, 20500, Outcome.AMBIGUOUS, "20500") for status in (500, 502, 503, 504)),
    (503, 21610, Outcome.AMBIGUOUS, "21610"),
]


@pytest.mark.parametrize(("status", "code", "outcome", "reported"), REFUSALS)
def test_each_refusal_has_its_outcome(status: int, code: int | None, outcome: Outcome, reported: str) -> None:
    """The whole table of errors; and P2: one request, whatever the answer."""
    verdict, provider = send(refusal(status, code))
    assert (verdict.outcome, verdict.code, verdict.provider_id) == (outcome, reported, None)
    assert len(provider.requests) == 1


PROBLEM = {"type": "https://x", "title": "No", "status": 400, "code": 21610}


@pytest.mark.parametrize(
    ("act", "outcome"),
    [
        (DROP, Outcome.AMBIGUOUS),
        (HANG, Outcome.AMBIGUOUS),
        (Bytes((b"HTTP/1.1 201 Created\r\nContent-Le",), close=True), Outcome.AMBIGUOUS),
        (Bytes((b"HTTP/1.1 201 Created\r\nContent-Length: 500\r\n\r\n{",), close=True), Outcome.AMBIGUOUS),
        (Bytes((b"HTTP/1.1 201 Created\r\nContent-Length: 500\r\n\r\n{",)), Outcome.AMBIGUOUS),
        (Bytes((b"HTTP/1.1 400 No\r\nContent-Length: 500\r\n\r\n{",), close=True), Outcome.AMBIGUOUS),
        (Bytes((b"SSH-2.0-OpenSSH_9.2\r\n\r\n",)), Outcome.AMBIGUOUS),
        (answer(201, b'{"sid": "SM'), Outcome.AMBIGUOUS),
        (answer(201, b""), Outcome.AMBIGUOUS),
        (answer(201, b"\xff\xfe"), Outcome.AMBIGUOUS),
        (answer(201, []), Outcome.AMBIGUOUS),
        (answer(201, "text"), Outcome.AMBIGUOUS),
        (answer(201, {"status": "queued"}), Outcome.AMBIGUOUS),
        (created(sid=7), Outcome.AMBIGUOUS),
        (created(sid="SM/../x"), Outcome.AMBIGUOUS),
        (answer(200, b"<html>Welcome to our wireless network</html>"), Outcome.AMBIGUOUS),
        (answer(502, b"<html>Bad gateway</html>"), Outcome.AMBIGUOUS),
        (answer(500, {**PROBLEM, "status": 400}), Outcome.AMBIGUOUS),  # the body says 400, the answer itself does not
        (answer(400, PROBLEM), Outcome.OPTED_OUT),
        (answer(400, b"<html>Bad request</html>"), Outcome.REJECTED),
        (answer(400, []), Outcome.REJECTED),
        (answer(400, {"code": {"odd": 1}}), Outcome.REJECTED),
        (answer(301, b"", {"Location": "https://elsewhere.example/"}), Outcome.MISCONFIGURED),
        (answer(303, b"", {"Location": "/done"}), Outcome.AMBIGUOUS),
    ],
)
def test_only_proof_says_not_sent(act: Act, outcome: Outcome) -> None:
    """P2: an answer that is lost or makes no sense is ambiguous, and nothing is tried a second time."""
    verdict, provider = send(act)
    assert verdict.outcome is outcome
    assert verdict.token == "tok"
    assert len(provider.requests) == 1


def test_a_text_refused_only_later_is_accepted_with_its_code() -> None:
    verdict, _ = send(created(status="failed", error_code=21610))
    assert verdict == Verdict("tok", Outcome.ACCEPTED, provider_id=SID, code="21610")


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:1", "http://no-such-host.invalid", "http://" + "a" * 70 + ".example"],
)
def test_no_connection_is_not_sent(url: str) -> None:
    verdict = asyncio.run(gateway(url).send(PARCEL))
    assert (verdict.outcome, verdict.code) == (Outcome.NOT_SENT, "connect")


def test_a_connect_that_takes_too_long_is_not_sent() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        fillers = [socket.socket() for _ in range(3)]
        try:
            for filler in fillers:  # a full backlog answers nobody
                filler.setblocking(False)
                filler.connect_ex(full.getsockname())
            url = f"http://127.0.0.1:{full.getsockname()[1]}"
            verdict = asyncio.run(gateway(url, connect_timeout=0.2).send(PARCEL))
        finally:
            for filler in fillers:
                filler.close()
    assert (verdict.outcome, verdict.code) == (Outcome.NOT_SENT, "connect")


def test_a_text_that_cannot_be_written_is_rejected_alone() -> None:
    broken = SmsParcel("t", "+15551234567", "half a pair: \ud83d", "MG1", "https://a.example/cb", 60)
    verdict, provider = with_provider(created(), do=lambda twilio, _: twilio.send(broken))
    assert verdict.outcome is Outcome.REJECTED
    assert provider.requests == []


@pytest.mark.parametrize(("late", "outcome", "requests"), [(-0.001, Outcome.NOT_SENT, 0), (5.0, Outcome.ACCEPTED, 1)])
def test_nothing_is_written_after_the_deadline(late: float, outcome: Outcome, requests: int) -> None:
    """P2: past its lease a process must not send, since another may be sending the same."""
    verdict, provider = with_provider(
        created(), do=lambda twilio, _: twilio.send(PARCEL, deadline=time.monotonic() + late)
    )
    assert verdict.outcome is outcome
    assert len(provider.requests) == requests


def test_the_deadline_also_counts_the_wait_for_a_connection() -> None:
    async def play() -> tuple[list[Verdict], int]:
        async with scripted(created(), delay=0.4) as provider:
            twilio = gateway(provider.url, concurrency=1, read_timeout=5.0)
            deadline = time.monotonic() + 0.3
            verdicts = await asyncio.gather(*(twilio.send(PARCEL, deadline=deadline) for _ in range(2)))
            await twilio.close()
            return verdicts, len(provider.requests)

    verdicts, requests = asyncio.run(play())
    assert [verdict.outcome for verdict in verdicts] == [Outcome.ACCEPTED, Outcome.NOT_SENT]
    assert requests == 1


def test_a_connection_closed_under_our_hands_is_ambiguous() -> None:
    """P2: the server may have read the request before it closed, so it is never repeated on a new connection."""
    verdicts, provider = with_provider(created(), DROP, created(), do=_two_sends)
    assert [verdict.outcome for verdict in verdicts] == [Outcome.ACCEPTED, Outcome.AMBIGUOUS]
    assert (len(provider.requests), provider.connections) == (2, 1)


def test_a_connection_closed_while_idle_is_replaced() -> None:
    verdicts, provider = with_provider(answer(201, message(), close=True), created(), do=_two_sends_apart)
    assert [verdict.outcome for verdict in verdicts] == [Outcome.ACCEPTED, Outcome.ACCEPTED]
    assert provider.connections == 2


async def _two_sends(twilio: TwilioGateway, _: Scripted) -> list[Verdict]:
    return [await twilio.send(PARCEL), await twilio.send(PARCEL)]


async def _two_sends_apart(twilio: TwilioGateway, _: Scripted) -> list[Verdict]:
    first = await twilio.send(PARCEL)
    await asyncio.sleep(0.05)
    return [first, await twilio.send(PARCEL)]


def test_a_cancelled_send_leaves_no_connection_to_confuse_the_next() -> None:
    async def play(twilio: TwilioGateway, provider: Scripted) -> Verdict:
        provider.delay = 0.1
        first = asyncio.create_task(twilio.send(PARCEL))
        await asyncio.sleep(0.05)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        return await twilio.send(PARCEL)

    other = "SM" + "f" * 32
    verdict, provider = with_provider(created(), created(sid=other), do=play)
    assert verdict.provider_id == other
    assert provider.connections == 2


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"Retry-After": "Thu, 24 Aug 2023 05:02:15 GMT", "Date": "Thu, 24 Aug 2023 05:01:45 GMT"}, 30.0),
        ({"Retry-After": "Thu, 24 Aug 2023 05:01:15 GMT", "Date": "Thu, 24 Aug 2023 05:01:45 GMT"}, 0.0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "99999999"}, 86400.0),
        ({}, None),
    ],
)
def test_how_long_to_wait_is_passed_on(headers: dict[str, str], seconds: float | None) -> None:
    verdict, _ = send(refusal(429, 20429, headers))
    assert (verdict.outcome, verdict.retry_after) == (Outcome.BUSY, seconds)


def page(*messages: dict[str, Any], following: str | None = None) -> Bytes:
    return answer(200, {"messages": list(messages), "next_page_uri": following, "page": 0})


def at(minutes: float, **changes: Any) -> dict[str, Any]:
    moment = CREATED + timedelta(minutes=minutes)
    return message(date_created=moment.strftime("%a, %d %b %Y %H:%M:%S +0000"), **changes)


NEXT = "/2010-04-01/Accounts/ACsid/Messages.json?To=%2B15551234567&PageToken=x"
OURS: dict[str, Any] = {"body": "ours", "status": "delivered", "sid": "SM" + "a" * 32}
PRESENT = Found(Sighting.PRESENT, "SM" + "a" * 32, State.DELIVERED)
ABSENT, UNPROVABLE = Found(Sighting.ABSENT), Found(Sighting.UNPROVABLE)
SEEN = {"ours": Sighting.PRESENT, "nobody's": Sighting.UNPROVABLE, "": Sighting.UNPROVABLE}


@pytest.mark.parametrize(
    ("pages", "found", "requests"),
    [
        ([page(at(0, **OURS))], PRESENT, 1),
        ([page(at(1.5), at(0.5, **OURS))], PRESENT, 1),
        ([page(at(1, **{**OURS, "error_code": 30007, "status": "undelivered"}))],
         Found(Sighting.PRESENT, "SM" + "a" * 32, State.UNDELIVERED, "30007"), 1),
        ([page(at(5), following=NEXT), page(at(0, **OURS))], PRESENT, 2),
        ([page()], ABSENT, 1),
        ([page(at(1))], ABSENT, 1),
        ([page(at(1), at(-60), following=NEXT)], ABSENT, 1),
        ([page(at(1), following=NEXT), page(at(-60))], ABSENT, 2),
        # a clock two minutes off must not make a text absent
        ([page(at(-1.5, **OURS))], PRESENT, 1),
        ([page(at(-30, **OURS))], ABSENT, 1),
        ([page(at(60, **OURS))], ABSENT, 1),
        ([page({**at(1, **OURS), "date_created": None})], PRESENT, 1),
        # not newest first: one old message does not prove that we have seen all the new ones
        ([page(at(-60), at(1), at(-60), following=NEXT), page(at(1, **OURS))], PRESENT, 2),
        # what nobody brought there could be ours in other words, but for a better one
        ([page(at(1, body="nobody's"))], UNPROVABLE, 1),
        ([page(at(1, body="nobody's"), at(0.5, **OURS))], PRESENT, 1),
        ([page(at(-60, body="nobody's"))], ABSENT, 1),
        # a blanked body could be ours
        ([page(at(1, body=""))], UNPROVABLE, 1),
        ([page(at(-60, body=""))], ABSENT, 1),
        ([page(at(1, body="", direction="inbound"))], ABSENT, 1),
        ([page(at(1, direction="inbound", body="ours"))], ABSENT, 1),
        ([page(at(1), following=NEXT), refusal(500, 20500)], UNPROVABLE, 2),
        ([page(at(1), following=NEXT), DROP], UNPROVABLE, 2),
        ([answer(200, b"not json")], UNPROVABLE, 1),
        ([answer(200, {"what": 1, "is": 2, "this": 3})], UNPROVABLE, 1),
        ([page(at(1), following=NEXT)], UNPROVABLE, 20),
        ([refusal(429, 20429)], UNPROVABLE, 1),
        ([HANG], UNPROVABLE, 1),
    ],
)  # fmt: skip
def test_absent_needs_a_complete_record(pages: list[Act], found: Found, requests: int) -> None:
    """P2: "absent" allows a second sending, so every doubt makes it unprovable."""
    since, until = CREATED, CREATED + timedelta(minutes=10)
    got, provider = with_provider(
        *pages,
        do=lambda twilio, _: twilio.find(PARCEL.to, lambda _, body: SEEN.get(body, Sighting.ABSENT), since, until),
    )
    assert got == found
    assert len(provider.requests) == requests
    assert provider.requests[0].query["To"] == PARCEL.to
    assert "DateSent" not in provider.requests[0].target


@pytest.mark.parametrize(
    ("act", "found"),
    [
        (answer(200, message(status="delivered")), Found(Sighting.PRESENT, SID, State.DELIVERED)),
        (answer(200, message(status="undelivered", error_code=30003)),
         Found(Sighting.PRESENT, SID, State.UNDELIVERED, "30003")),
        (answer(200, message(status="brand-new")), Found(Sighting.PRESENT, SID, None)),
        (refusal(404, 20404), Found(Sighting.ABSENT, SID)),
        (refusal(500, 20500), UNPROVABLE),
        (answer(200, b"<html>"), UNPROVABLE),
        (answer(200, {}), UNPROVABLE),
        (DROP, UNPROVABLE),
    ],
)  # fmt: skip
def test_status_says_what_twilio_says(act: Act, found: Found) -> None:
    got, provider = with_provider(act, do=lambda twilio, _: twilio.status(SID))
    assert got == found
    assert provider.requests[0].target == f"/2010-04-01/Accounts/ACsid/Messages/{SID}.json"


def test_nothing_about_anybody_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """P8: at any level, through every outcome, the logs hold no number, no text and no key."""
    caplog.set_level(logging.DEBUG)
    for act in (created(), refusal(400, 21211), answer(201, b"{"), DROP, refusal(500, 20500)):
        send(act)
    assert not [record for record in caplog.records if record.name != "asyncio"]
    assert "15551234567" not in caplog.text
    assert "secret" not in caplog.text


def test_a_parcel_shows_nothing_when_printed() -> None:
    """P8: a traceback or a debugger that prints a parcel gives nobody away."""
    assert PARCEL.to not in repr(PARCEL)
    assert "bye" not in repr(PARCEL)


def test_the_environment_does_not_move_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWILIO_REGION", "ie1")
    monkeypatch.setenv("TWILIO_EDGE", "dublin")
    verdict, _ = send(created())
    assert verdict.outcome is Outcome.ACCEPTED
