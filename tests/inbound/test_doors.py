"""P1, P10: who may post to the webhooks, and what happens to everything else."""

from __future__ import annotations

import json
import random

import pytest

from tests.inbound.desk import NUMBER, PHONE, PUBLIC, Desk, form_data, sid

HOOKS = ("/twilio/status", "/twilio/inbound", "/sendgrid/events", "/sendgrid/inbound")


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?",
        "?a=%3Atoken",
        "?a=to%2Fken&b=%7Bc%7D",
        "?a={b}",
        "?a=[b]&c",
        "?a=b+c%20d",
        "?a=b&",
        "?%61=b",
        "?a=~b!c'd(e)",
    ],
)
def test_a_signature_survives_odd_query_strings(sqlite_desk: Desk, query: str) -> None:
    form = {"MessageSid": sid(), "MessageStatus": "sent", "To": PHONE, "Blank": "", "Space": " x "}
    answer = sqlite_desk.post_twilio("/twilio/status" + query, form)
    assert answer.status_code == 204
    assert sqlite_desk.stored() == 1


def test_a_signature_survives_a_proxy_that_changes_scheme_and_host(sqlite_desk: Desk) -> None:
    form = {"MessageSid": sid(), "From": PHONE, "To": NUMBER, "Body": "hola señor ✓"}
    answer = sqlite_desk.post_twilio("/twilio/inbound", form, base_url="http://10.0.0.7:8000", environ_overrides={
        "HTTP_X_FORWARDED_PROTO": "https", "HTTP_X_FORWARDED_HOST": "elsewhere.example"})  # fmt: skip
    assert (answer.status_code, answer.data, answer.mimetype) == (200, b"<Response/>", "text/xml")


@pytest.mark.parametrize("changes", [{"token": "another token"}, {"signed_url": PUBLIC + "/twilio/status?a=other"}])
def test_a_forged_text_stores_nothing(sqlite_desk: Desk, changes: dict[str, str]) -> None:
    for target in ("/twilio/status?a=x", "/twilio/inbound"):
        form = {"MessageSid": sid(), "MessageStatus": "delivered", "From": PHONE, "To": NUMBER, "Body": "STOP"}
        answer = sqlite_desk.post_twilio(target, form, **changes)
        assert answer.status_code == 403
        assert answer.content_type == "application/problem+json"
    assert sqlite_desk.stored() == 0


def test_a_changed_field_breaks_the_signature(sqlite_desk: Desk) -> None:
    from twilio.request_validator import RequestValidator

    from tests.inbound.desk import TOKEN

    signed = {"MessageSid": sid(), "From": PHONE, "To": NUMBER, "Body": "hello"}
    signature = RequestValidator(TOKEN).compute_signature(PUBLIC + "/twilio/inbound", signed)
    answer = sqlite_desk.client.post(
        "/twilio/inbound", data={**signed, "Body": "STOP"}, headers={"X-Twilio-Signature": signature}
    )
    assert answer.status_code == 403
    assert sqlite_desk.stored() == 0


def test_a_forged_or_old_mail_event_stores_nothing(sqlite_desk: Desk) -> None:
    from tests.inbound.desk import KEY

    body = json.dumps([{"event": "delivered", "aftercare_attempt": "x", "sg_event_id": "1"}]).encode()
    for timestamp, signed in (("1700000000", body), ("99999999999", body), ("x", body), (None, b"[]")):
        import time

        stamp = timestamp or str(int(time.time()))
        answer = sqlite_desk.client.post(
            "/sendgrid/events", data=body, content_type="application/json", headers=KEY.headers(stamp, signed)
        )
        assert answer.status_code == 401
    assert sqlite_desk.stored() == 0


@pytest.mark.parametrize("hook", HOOKS)
def test_random_bytes_get_a_4xx(sqlite_desk: Desk, hook: str) -> None:
    """P10: whatever is posted, with whatever headers, it is never our mistake."""
    chance = random.Random(7)
    types = ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json", "", "\x7f;=")
    for turn in range(60):
        body = chance.randbytes(chance.randrange(400))
        junk = "".join(chr(chance.randrange(33, 127)) for _ in range(chance.randrange(1, 90)))
        headers = {
            "X-Twilio-Signature": junk,
            "X-Twilio-Email-Event-Webhook-Signature": junk,
            "X-Twilio-Email-Event-Webhook-Timestamp": chance.choice(("1", junk, "²", str(2**70))),
        }
        answer = sqlite_desk.client.post(
            hook, data=body, content_type=types[turn % len(types)], headers=headers if turn % 3 else {}
        )
        assert 400 <= answer.status_code < 500
    assert sqlite_desk.stored() == 0


def test_signed_nonsense_gets_a_4xx(sqlite_desk: Desk) -> None:
    """P10: a signature does not make a body well formed."""
    chance = random.Random(11)
    bodies = [b"", b"null", b"{}", b"[1]", b"[" * 100_000, b'[{"event": ', b"\xff\xfe", chance.randbytes(200)]
    for body in bodies:
        assert sqlite_desk.post_sendgrid("/sendgrid/events", body, "application/json").status_code == 400
        for boundary in ("", "; boundary=xYzZY", "; boundary=é") if body else ():
            content_type = "multipart/form-data" + boundary
            assert sqlite_desk.post_sendgrid("/sendgrid/inbound", body, content_type).status_code == 400
    for fields in ({}, {"envelope": b"[]"}, {"envelope": b'{"to": [3]}'}, {"envelope": b"{" * 50_000}):
        whole = form_data(fields)
        answer = sqlite_desk.post_sendgrid("/sendgrid/inbound", whole, "multipart/form-data; boundary=xYzZY")
        assert answer.status_code == 400
    for form in ({}, {"MessageSid": "SM1"}, {"MessageSid": sid()}, {"MessageSid": sid(), "MessageStatus": "\0"}):
        assert sqlite_desk.post_twilio("/twilio/status", form).status_code == 400
        assert sqlite_desk.post_twilio("/twilio/inbound", form).status_code == 400
    assert sqlite_desk.stored() == 0


def test_odd_but_signed_events_are_passed_over(sqlite_desk: Desk) -> None:
    """One event that is new to us must not make SendGrid repeat the whole array for a day."""
    odd = [
        {},
        {"event": 3},
        {"event": "open", "aftercare_attempt": "x"},
        {"event": "delivered"},
        {"event": "delivered", "aftercare_attempt": ["x"], "sg_message_id": "\ud800", "sg_event_id": {}},
        {"event": "bounce", "aftercare_attempt": "gone", "sg_event_id": "\0" * 5, "timestamp": -(10**400)},
        {"event": "dropped", "aftercare_attempt": "gone", "sg_event_id": "y" * 500, "timestamp": 1e300, "reason": None},
    ]
    assert sqlite_desk.events(*odd).status_code == 204
    assert sqlite_desk.stored() == 2


@pytest.mark.parametrize("hook", HOOKS)
def test_an_oversized_body_is_refused(sqlite_desk: Desk, hook: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from service.api import webhooks

    for name in ("TWILIO_BYTES", "EVENTS_BYTES", "MAIL_BYTES"):
        monkeypatch.setattr(webhooks, name, 1000)
    media = {"/sendgrid/events": "application/json", "/sendgrid/inbound": "multipart/form-data; boundary=x"}
    answer = sqlite_desk.client.post(
        hook,
        data=b"x" * 1001,
        content_type=media.get(hook, "application/x-www-form-urlencoded"),
        headers={"X-Twilio-Signature": "x", "X-Twilio-Email-Event-Webhook-Signature": "x"},
    )
    assert answer.status_code == 413


def test_a_mail_in_an_odd_charset_never_fails(sqlite_desk: Desk) -> None:
    for charset in ("iso-8859-1", "unicode_escape", "rot13", "zlib", "idna", "no such thing", "utf-7"):
        fields = {
            "envelope": b'{"to": ["r+abcdefghijk@in.care.example"], "from": "a@b.example"}',
            "charsets": json.dumps({"text": charset, "subject": charset}).encode(),
            "text": rb"caf\ud800 +2AA- \xe9",
            "subject": b"\xff",
            "headers": f"Message-ID: <{charset}@x>\n".encode(),
        }
        answer = sqlite_desk.post_sendgrid(
            "/sendgrid/inbound", form_data(fields), "multipart/form-data; boundary=xYzZY"
        )
        assert answer.status_code == 204
    assert len(sqlite_desk.replies()) == 7
