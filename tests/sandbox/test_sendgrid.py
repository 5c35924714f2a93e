"""Mail Send, the event webhook and Inbound Parse, driven and verified by SendGrid's own SDK."""

from __future__ import annotations

import json
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.client import RemoteDisconnected
from typing import Any
from urllib.error import URLError

import pytest
import requests
from python_http_client.exceptions import HTTPError
from sendgrid import SendGridAPIClient
from sendgrid.helpers.eventwebhook import EventWebhook
from sendgrid.helpers.mail import CustomArg, Header, Mail, To

from sandbox.mail_carrier import Attachment
from sandbox.server import Handle
from tests.sandbox.listener import Heard, Listener

ANA = "ana@example.com"
SIGNATURE = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP = "X-Twilio-Email-Event-Webhook-Timestamp"


def _mail(to: str = ANA, unsubscribe: str = "https://example.com/u/t") -> Mail:
    mail = Mail("care@clinic.example", to, "A short check-in", "Hello\nhttps://example.com/s/t", "<p>Hello</p>")
    mail.add_custom_arg(CustomArg("attempt", "token-1"))
    mail.add_header(Header("List-Unsubscribe", f"<{unsubscribe}>"))
    mail.add_header(Header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))
    return mail


def _payload(**changes: Any) -> dict[str, Any]:
    payload = {
        "personalizations": [{"to": [{"email": ANA}]}],
        "from": {"email": "care@clinic.example", "name": "Clinic"},
        "subject": "Hello",
        "content": [{"type": "text/plain", "value": "Hello"}, {"type": "text/html", "value": "<p>Hello</p>"}],
    }
    return {name: value for name, value in {**payload, **changes}.items() if value is not None}


def _post(sandbox: Handle, payload: object, key: str | None = None) -> requests.Response:
    headers = {"Authorization": f"Bearer {key or sandbox.config.sendgrid_key}"}
    return requests.post(f"{sandbox.url}/v3/mail/send", json=payload, headers=headers, timeout=5)


def _events(service: Listener) -> list[dict[str, Any]]:
    return [event for heard in service.heard if heard.target == "/sendgrid/events" for event in json.loads(heard.body)]


def _signed(sandbox: Handle, heard: Heard, body: bytes | None = None) -> bool:
    hook = EventWebhook(sandbox.public_key)
    payload = (heard.body if body is None else body).decode()
    return bool(hook.verify_signature(payload, heard.headers[SIGNATURE], heard.headers[TIMESTAMP]))


def test_a_mail_is_accepted_once_and_reported_signed(
    sandbox: Handle, service: Listener, sendgrid: SendGridAPIClient
) -> None:
    answer = sendgrid.send(_mail())
    assert (answer.status_code, answer.body) == (202, b"")
    assert answer.headers["X-RateLimit-Remaining"]
    (entry,) = sandbox.entries()
    assert (entry.to, entry.subject, entry.custom_args) == (ANA, "A short check-in", {"attempt": "token-1"})
    assert sandbox.settle()
    events = _events(service)
    assert [event["event"] for event in events] == ["processed", "delivered"]
    assert all(event["attempt"] == "token-1" and event["email"] == ANA for event in events)
    assert all(event["sg_message_id"].startswith(answer.headers["X-Message-Id"] + ".") for event in events)
    assert len({event["sg_event_id"] for event in events}) == 2
    for heard in service.heard:
        assert _signed(sandbox, heard)
        assert not _signed(sandbox, heard, heard.body + b" ")
    keys = requests.get(f"{sandbox.url}/__sandbox/keys", timeout=5).json()
    assert keys == {"public_key": sandbox.public_key}


def test_each_personalization_has_its_own_args_and_words(
    sandbox: Handle, service: Listener, sendgrid: SendGridAPIClient
) -> None:
    people = [To(f"p{n}@example.com", substitutions={"-link-": f"/s/{n}"}) for n in range(3)]
    mail = Mail("care@clinic.example", people, "Hello", "See -link-", is_multiple=True)
    for block in mail.personalizations:
        block.add_custom_arg(CustomArg("attempt", block.tos[0]["email"]))
    sendgrid.send(mail)
    assert sorted((e.to, e.body, e.custom_args["attempt"]) for e in sandbox.entries()) == [
        (f"p{n}@example.com", f"See /s/{n}", f"p{n}@example.com") for n in range(3)
    ]
    assert sandbox.settle()
    assert len({(event["email"], event["event"]) for event in _events(service)}) == 6


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"personalizations": None}, "personalizations"),
        ({"personalizations": []}, "personalizations"),
        ({"personalizations": [{"to": []}]}, "personalizations.0.to"),
        ({"personalizations": [{"to": [{"email": "nobody"}]}]}, "personalizations.0.to.0.email"),
        ({"personalizations": [{"to": [{"email": ANA}], "cc": [{"email": ANA.upper()}]}]}, "personalizations.0"),
        ({"personalizations": [{"to": [{"email": ANA}], "custom_args": {"n": 1}}]}, "personalizations.0.custom_args.n"),
        ({"personalizations": [{"to": [{"email": ANA}]}] * 1001}, "personalizations"),
        ({"from": None}, "from.email"),
        ({"from": {"name": "Clinic"}}, "from.email"),
        ({"subject": None}, "subject"),
        ({"subject": ""}, "subject"),
        ({"content": None}, "content"),
        ({"content": [{"type": "text/plain", "value": ""}]}, "content.0.value"),
        ({"content": [{"type": t, "value": "x"} for t in ("text/html", "text/plain")]}, "content"),
        ({"custom_args": {"n": 1}}, "custom_args.n"),
        ({"custom_args": {"n": "x" * 10_001}}, "custom_args"),
        ({"headers": {"Subject": "x"}}, "headers.Subject"),
        ({"headers": {"X-N": 1}}, "headers.X-N"),
        ({"to": "x"}, "to"),
    ],
)
def test_a_wrong_request_names_its_field_and_is_not_accepted(
    sandbox: Handle, changes: dict[str, Any], field: str
) -> None:
    answer = _post(sandbox, _payload(**changes))
    errors = answer.json()["errors"]
    assert answer.status_code == 400
    assert field in [error["field"] for error in errors]
    assert all(set(error) == {"message", "field", "help"} for error in errors)
    assert sandbox.entries() == []


@pytest.mark.parametrize("payload", [[], "x", 7, {}, {"personalizations": [None]}, {"personalizations": {"to": 1}}])
def test_nonsense_is_a_400(sandbox: Handle, payload: object) -> None:
    assert _post(sandbox, payload).status_code == 400


def test_a_wrong_key_is_refused(sandbox: Handle) -> None:
    answer = _post(sandbox, _payload(), key="SG.wrong")
    assert answer.status_code == 401
    assert answer.json()["errors"][0]["field"] is None


def test_sandbox_mode_checks_but_accepts_nothing(sandbox: Handle) -> None:
    assert _post(sandbox, _payload(mail_settings={"sandbox_mode": {"enable": True}})).status_code == 200
    assert sandbox.entries() == []


def test_too_large_is_said_in_html(sandbox: Handle) -> None:
    answer = _post(sandbox, _payload(personalizations=[{"to": [{"email": "sandbox+413@example.com"}]}]))
    assert (answer.status_code, answer.headers["Content-Type"].partition(";")[0]) == (413, "text/html")


@pytest.mark.parametrize(
    ("word", "events"),
    [
        ("bounce", ["processed", "bounce"]),
        ("blocked", ["processed", "bounce"]),
        ("dropped", ["dropped"]),
        ("deferred", ["processed", "deferred", "delivered"]),
        ("spamreport", ["processed", "delivered", "spamreport"]),
        ("doubled", ["processed", "processed", "delivered", "delivered"]),
        ("reversed", ["delivered", "processed"]),
        ("early", ["processed", "delivered"]),
        ("stuck", ["processed"]),
        ("never", []),
    ],
)
def test_addresses_that_misbehave(sandbox: Handle, service: Listener, word: str, events: list[str]) -> None:
    answer = _post(sandbox, _payload(personalizations=[{"to": [{"email": f"sandbox+{word}.1@example.com"}]}]))
    assert answer.status_code == 202
    if word == "early":
        assert len(_events(service)) == 2
    assert sandbox.settle()
    heard = _events(service)
    assert [event["event"] for event in heard] == events
    # A repeated event is the same event: that is how the service can tell.
    assert len({event["sg_event_id"] for event in heard}) == len(set(events))
    if word in ("bounce", "blocked"):
        assert heard[-1]["type"] == word
        assert heard[-1]["reason"]


def test_an_address_that_bounced_is_dropped_next_time(sandbox: Handle, service: Listener) -> None:
    sandbox.fault("fail", event="bounce", count=1)
    for _ in range(2):
        _post(sandbox, _payload())
        assert sandbox.settle()
    assert [event["event"] for event in _events(service)] == ["processed", "bounce", "dropped"]


@pytest.mark.parametrize(
    ("kind", "error", "accepted"),
    [
        ("rate_limited", HTTPError, 0),
        ("error_before", HTTPError, 0),
        ("drop_before", (RemoteDisconnected, ConnectionError, URLError), 0),
        ("error_after", HTTPError, 1),
        ("drop_after", (RemoteDisconnected, ConnectionError, URLError), 1),
        ("hang", TimeoutError, 1),
    ],
)
def test_a_spoilt_answer_and_what_was_accepted(
    sandbox: Handle, sendgrid: SendGridAPIClient, kind: str, error: type[Exception], accepted: int
) -> None:
    """P2, for mail."""
    sandbox.fault(kind, count=1)
    with pytest.raises(error):
        sendgrid.send(_mail())
    assert len(sandbox.entries()) == accepted


def test_events_are_posted_until_taken(sandbox: Handle, service: Listener, sendgrid: SendGridAPIClient) -> None:
    service.answers = [500, None, 401]
    sendgrid.send(_mail())
    assert sandbox.settle()
    ids = [event["sg_event_id"] for event in _events(service)]
    assert len(service.heard) >= 4
    assert len(set(ids)) == 2


def test_a_reply_by_mail_comes_through_inbound_parse(sandbox: Handle, service: Listener) -> None:
    file = Attachment("knee.jpg", "image/jpeg", b"\xff\xd8\x00picture")
    sandbox.reply_by_mail(ANA, "r+token@reply.example", "Besser — danke", "Re: Hello", attachments=[file])
    assert sandbox.settle()
    (heard,) = service.heard
    assert heard.target == "/sendgrid/inbound"
    parts = _parts(heard)
    fields = {name: _bytes(part).decode() for name, part in parts.items() if name != "attachment1"}
    assert (fields["from"], fields["text"], fields["subject"]) == (ANA, "Besser — danke", "Re: Hello")
    assert json.loads(fields["envelope"]) == {"to": ["r+token@reply.example"], "from": ANA}
    assert json.loads(fields["charsets"])["text"] == "UTF-8"
    assert (fields["SPF"], fields["attachments"]) == ("pass", "1")
    assert "Message-ID: <" in fields["headers"]
    assert _bytes(parts["attachment1"]) == file.content


def test_inbound_mail_is_signed_over_its_raw_body_and_not_repeated_after_a_refusal(
    sandbox: Handle, service: Listener
) -> None:
    service.answers = [503, 406]
    sandbox.reply_by_mail(ANA, "r+token@reply.example", "hello")
    assert sandbox.settle()
    assert len(service.heard) == 2
    assert all(_signed(sandbox, heard) for heard in service.heard)


def test_one_click_unsubscribe_posts_what_rfc_8058_says(
    sandbox: Handle, service: Listener, sendgrid: SendGridAPIClient
) -> None:
    sendgrid.send(_mail(unsubscribe=f"{service.url}/u/token"))
    assert sandbox.settle()
    (mail,) = requests.get(f"{sandbox.url}/__sandbox/mailbox", params={"address": ANA}, timeout=5).json()["mails"]
    pressed = requests.post(f"{sandbox.url}/__sandbox/unsubscribe", json={"id": mail["id"]}, timeout=5)
    assert pressed.json() == {"status": 200}
    assert (service.heard[-1].target, service.heard[-1].body) == ("/u/token", b"List-Unsubscribe=One-Click")


def _parts(heard: Heard) -> dict[str, EmailMessage]:
    head = b"Content-Type: " + heard.headers["Content-Type"].encode() + b"\r\n\r\n"
    whole = message_from_bytes(head + heard.body, EmailMessage, policy=default)
    return {part["content-disposition"].params["name"]: part for part in whole.iter_parts()}  # type: ignore[misc]


def _bytes(part: EmailMessage) -> bytes:
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    return content
