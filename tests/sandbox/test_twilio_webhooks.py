"""Status callbacks, inbound texts and opt-outs: signed, and as unreliable as the real ones when asked."""

from __future__ import annotations

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from sandbox import magic
from sandbox.errors import BY_CALLBACK
from sandbox.server import Handle
from tests.sandbox.listener import Heard, Listener, eventually

TO = "+12125550123"
FROM = "+12025550100"


def _send(twilio: Client, service: Listener, to: str = TO, path: str = "/twilio/status?token=abc%2Fd") -> str:
    return str(twilio.messages.create(to=to, from_=FROM, body="hello", status_callback=service.url + path).sid)


def _statuses(service: Listener) -> list[str]:
    return [heard.form["MessageStatus"] for heard in service.heard]


def _signed(sandbox: Handle, service: Listener, heard: Heard) -> bool:
    validator = RequestValidator(sandbox.config.auth_token)
    # The raw target, not a decoded one: percent signs are part of what was signed.
    return bool(validator.validate(service.url + heard.target, heard.form, heard.headers["X-Twilio-Signature"]))


def test_callbacks_come_signed_and_in_order_without_the_first_status(
    sandbox: Handle, service: Listener, twilio: Client
) -> None:
    sid = _send(twilio, service)
    assert sandbox.settle()
    assert _statuses(service) == ["sent", "delivered"]
    assert all(_signed(sandbox, service, heard) for heard in service.heard)
    assert {heard.target for heard in service.heard} == {"/twilio/status?token=abc%2Fd"}
    last = service.heard[-1].form
    assert last["MessageSid"] == last["SmsSid"] == sid
    assert (last["AccountSid"], last["To"], last["From"]) == (sandbox.config.account_sid, TO, FROM)
    assert len(last["RawDlrDoneDate"]) == 10
    assert "ErrorCode" not in last


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("doubled", ["sent", "sent", "delivered", "delivered"]),
        ("reversed", ["delivered", "sent"]),
        ("never", []),
        ("stuck", ["sent"]),
    ],
)
def test_callbacks_can_be_odd(
    sandbox: Handle, service: Listener, twilio: Client, kind: str, expected: list[str]
) -> None:
    sandbox.fault(kind)
    sid = _send(twilio, service)
    eventually(lambda: twilio.messages(sid).fetch().status == ("sent" if kind == "stuck" else "delivered"))
    assert sandbox.settle()
    assert _statuses(service) == expected


def test_a_callback_can_overtake_the_answer(sandbox: Handle, service: Listener, twilio: Client) -> None:
    sandbox.fault("early")
    sid = _send(twilio, service)
    assert _statuses(service) == ["sent", "delivered"]
    assert service.heard[0].form["MessageSid"] == sid


def test_late_callbacks_are_pending_meanwhile(sandbox: Handle, service: Listener, twilio: Client) -> None:
    sandbox.fault("late", seconds=1.0)
    sid = _send(twilio, service)
    eventually(lambda: twilio.messages(sid).fetch().status == "delivered")
    assert service.heard == []
    assert sandbox.pending == 2
    assert sandbox.settle()
    assert sorted(_statuses(service)) == ["delivered", "sent"]


@pytest.mark.parametrize("code", sorted(BY_CALLBACK))
def test_every_carrier_code_has_a_number(sandbox: Handle, service: Listener, twilio: Client, code: int) -> None:
    sid = _send(twilio, service, magic.failing_number(code))
    assert sandbox.settle()
    final = service.heard[-1].form
    assert (final["MessageStatus"], final["ErrorCode"]) == (BY_CALLBACK[code], str(code))
    assert twilio.messages(sid).fetch().error_code == code


def test_a_reply_comes_in_signed(sandbox: Handle, service: Listener, twilio: Client) -> None:
    twilio.messages.create(to=TO, messaging_service_sid=sandbox.config.messaging_service_sid, body="how are you?")
    eventually(lambda: twilio.messages.list(to=TO)[0].status == "delivered")
    sid = sandbox.reply(TO, "much better & café 😀", media=["https://example.com/knee.jpg"])
    assert sandbox.settle()
    (heard,) = service.heard
    assert heard.target == "/twilio/inbound"
    assert _signed(sandbox, service, heard)
    form = heard.form
    assert form["MessageSid"] == form["SmsMessageSid"] == form["SmsSid"] == sid
    assert (form["From"], form["To"], form["Body"]) == (TO, sandbox.config.sender, "much better & café 😀")
    assert (form["NumMedia"], form["MediaUrl0"]) == ("1", "https://example.com/knee.jpg")
    assert form["MessagingServiceSid"] == sandbox.config.messaging_service_sid
    assert twilio.messages(sid).fetch().direction == "inbound"


@pytest.mark.parametrize(("answer", "tries"), [(None, 2), (500, 1), (200, 1)])
def test_an_inbound_text_is_tried_again_only_when_the_connection_failed(
    sandbox: Handle, service: Listener, answer: int | None, tries: int
) -> None:
    service.answers = [answer, answer]
    sandbox.reply(TO, "hello")
    assert sandbox.settle()
    assert len(service.heard) == tries
    assert len({heard.form["MessageSid"] for heard in service.heard}) == 1


@pytest.mark.parametrize("word", ["STOP", "stop", " Unsubscribe ", "OPTOUT"])
def test_a_stop_word_blocks_this_sender_only_and_start_lifts_it(
    sandbox: Handle, service: Listener, twilio: Client, word: str
) -> None:
    service_sid = sandbox.config.messaging_service_sid
    twilio.messages.create(to=TO, messaging_service_sid=service_sid, body="hello")
    sandbox.reply(TO, word)
    with pytest.raises(TwilioRestException) as refused:
        twilio.messages.create(to=TO, messaging_service_sid=service_sid, body="again")
    assert refused.value.code == 21610
    twilio.messages.create(to=TO, from_=FROM, body="from another number")
    twilio.messages.create(to="+13125550100", messaging_service_sid=service_sid, body="to another patient")
    assert sandbox.settle(), "two webhooks on their way may overtake each other"
    sandbox.reply(TO, "start", to=sandbox.config.sender)
    twilio.messages.create(to=TO, messaging_service_sid=service_sid, body="welcome back")
    assert sandbox.settle()
    # The keywords reach the service as well, and what Twilio says by itself never does.
    assert [heard.form["Body"] for heard in service.heard if "Body" in heard.form] == [word, "start"]
    assert "again" not in [entry.body for entry in sandbox.entries()]


@pytest.mark.parametrize("words", ["stop please", "OPT OUT", "no more texts", "STOP."])
def test_other_ways_to_say_stop_are_not_twilios_business(sandbox: Handle, twilio: Client, words: str) -> None:
    sandbox.reply(TO, words, to=FROM)
    assert twilio.messages.create(to=TO, from_=FROM, body="hello").status == "queued"
