"""E-mails: what goes to SendGrid, and what each answer means (P2, P8)."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from dataclasses import replace
from typing import Any

import pytest

from tests.gateways.scripted import DROP, HANG, Act, Bytes, Scripted, answer, scripted
from workers.gateways.email import SendGridGateway
from workers.gateways.handover import EmailParcel, Outcome, Verdict

PARCEL = EmailParcel(
    token="tok",
    to="pat@mail.example",
    sender="care@clinic.example",
    sender_name="Clínic, the",
    reply_to="r+tok@reply.example",
    subject="A short question",
    text="Plain words",
    html="<p>Words</p>",
    unsubscribe_url="https://a.example/u/tok",
)


def send(*acts: Act, parcel: EmailParcel = PARCEL, deadline: float | None = None) -> tuple[Verdict, Scripted]:
    async def play() -> tuple[Verdict, Scripted]:
        async with scripted(*acts) as provider:
            sendgrid = SendGridGateway("SG.secret", provider.url, connect_timeout=1.0, read_timeout=0.3)
            verdict = await sendgrid.send(parcel, deadline=deadline)
            await sendgrid.close()
            return verdict, provider

    return asyncio.run(play())


def test_what_goes_out() -> None:
    """P8: the only thing of ours that SendGrid keeps is the attempt's token; nothing is tracked or rewritten."""
    verdict, provider = send(answer(202, b"", {"X-Message-Id": "abc123"}))
    assert verdict == Verdict("tok", Outcome.ACCEPTED, provider_id="abc123")
    (request,) = provider.requests
    assert (request.method, request.target) == ("POST", "/v3/mail/send")
    assert request.headers["authorization"] == "Bearer SG.secret"
    assert request.headers["content-type"] == "application/json"
    assert json.loads(request.body) == {
        "from": {"email": "care@clinic.example", "name": "Clínic, the"},
        "reply_to": {"email": "r+tok@reply.example"},
        "subject": "A short question",
        "personalizations": [{"to": [{"email": "pat@mail.example"}], "custom_args": {"aftercare_attempt": "tok"}}],
        "content": [{"type": "text/plain", "value": "Plain words"}, {"type": "text/html", "value": "<p>Words</p>"}],
        "headers": {
            "List-Unsubscribe": "<https://a.example/u/tok>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
        "tracking_settings": {
            "click_tracking": {"enable": False, "enable_text": False},
            "open_tracking": {"enable": False},
        },
    }


def test_without_a_reply_address() -> None:
    _, provider = send(answer(202), parcel=replace(PARCEL, reply_to=None))
    assert "reply_to" not in json.loads(provider.requests[0].body)


def test_an_id_that_is_missing_is_no_matter() -> None:
    """Events are matched by the token, so an accepted mail without an id is accepted all the same."""
    assert send(answer(202))[0] == Verdict("tok", Outcome.ACCEPTED)


HTML = b"<html><h1>413 Request Entity Too Large</h1></html>"


@pytest.mark.parametrize(
    ("act", "outcome", "code"),
    [
        (answer(200), Outcome.ACCEPTED, None),
        (answer(400, {"errors": [{"message": "Bad to", "field": "to"}]}), Outcome.REJECTED, "400"),
        (answer(413, HTML, {"Content-Type": "text/html"}), Outcome.REJECTED, "413"),
        (answer(401, {"errors": []}), Outcome.MISCONFIGURED, "401"),
        (answer(403, {"errors": []}), Outcome.MISCONFIGURED, "403"),
        (answer(404, HTML), Outcome.MISCONFIGURED, "404"),
        (answer(429, {"errors": []}), Outcome.BUSY, "429"),
        (answer(500, HTML), Outcome.AMBIGUOUS, "500"),
        (answer(503), Outcome.AMBIGUOUS, "503"),
        (DROP, Outcome.AMBIGUOUS, "dropped"),
        (HANG, Outcome.AMBIGUOUS, "timeout"),
        (Bytes((b"rubbish\r\n\r\n",)), Outcome.AMBIGUOUS, "unreadable"),
    ],
)
def test_each_answer_has_its_outcome(act: Act, outcome: Outcome, code: str | None) -> None:
    """P2: one request, whatever the answer."""
    verdict, provider = send(act)
    assert (verdict.outcome, verdict.code) == (outcome, code)
    assert len(provider.requests) == 1


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "9"}, 9.0),
        ({"X-RateLimit-Reset": "1692853335", "Date": "Thu, 24 Aug 2023 05:01:45 GMT"}, 30.0),
        ({"X-RateLimit-Reset": "never"}, None),
        ({"X-RateLimit-Reset": "9" * 20}, None),
        ({}, None),
    ],
)
def test_how_long_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert send(answer(429, b"", headers))[0].retry_after == seconds


def test_no_connection_is_not_sent() -> None:
    verdict = asyncio.run(SendGridGateway("k", "http://127.0.0.1:1").send(PARCEL))
    assert (verdict.outcome, verdict.code) == (Outcome.NOT_SENT, "connect")


def test_nothing_is_written_after_the_deadline() -> None:
    verdict, provider = send(answer(202), deadline=time.monotonic())
    assert (verdict.outcome, verdict.code) == (Outcome.NOT_SENT, "deadline")
    assert provider.requests == []


@pytest.mark.parametrize("field", ["text", "subject", "html", "to"])
def test_a_mail_that_cannot_be_written_never_raises(field: str) -> None:
    odd: dict[str, Any] = {field: object()}
    assert send(answer(202), parcel=replace(PARCEL, **odd))[0].outcome is Outcome.REJECTED


def test_nothing_about_anybody_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """P8: at any level the logs hold no key, no address and no words."""
    caplog.set_level(logging.DEBUG)
    for act in (answer(202), answer(400, {"errors": []}), answer(401), DROP, answer(500, HTML)):
        send(act)
    assert not [record for record in caplog.records if record.name != "asyncio"]
    for private in ("SG.secret", "pat@mail", "Plain words"):
        assert private not in caplog.text


@pytest.mark.parametrize(
    "name", ["twilio.http_client", "twilio.async_http_client", "python_http_client.client", "urllib3.connectionpool"]
)
def test_the_sdks_own_loggers_are_shut(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """P8: also where some other code should come to use an SDK's own client."""
    caplog.set_level(logging.DEBUG)
    logging.getLogger(name).error("To: +15551234567, Authorization: Bearer SG.secret")
    assert caplog.text == ""
