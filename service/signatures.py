"""Whether a provider signed what it posted.

The one place in the service that touches the SDKs: their own validators, which do no network. The URL that Twilio
signed is rebuilt from the configured public address and the raw path and query, because Flask decodes parts of them and
a proxy changes scheme and host.
"""

from __future__ import annotations

import binascii
import hmac

from flask import Request
from sendgrid.helpers.eventwebhook import EventWebhook
from twilio.request_validator import RequestValidator
from werkzeug.datastructures import MultiDict

from service import time

_TOLERANCE_SECONDS = 25 * 3600
"""SendGrid repeats a post for 24 hours under its first timestamp."""
_INBOUND_TOLERANCE_SECONDS = 73 * 3600
"""An inbound mail for three days."""


class Signatures:
    """Checks with the keys of this installation; a missing key verifies nothing."""

    def __init__(self, public_url: str, twilio_token: str, events_key: str, inbound_key: str) -> None:
        self._public_url = public_url.rstrip("/")
        self._twilio = RequestValidator(twilio_token) if twilio_token else None
        self._events_key = events_key
        self._inbound_key = inbound_key or events_key

    def twilio_signed(self, asked: Request, form: MultiDict[str, str]) -> bool:
        """Whether Twilio signed this form post."""
        signature = asked.headers.get("X-Twilio-Signature", "")
        if self._twilio is None or not signature:
            return False
        url = self._public_url + raw_target(asked)
        try:
            # The validator parses the URL and puts it together again, which loses a bare `?` that Twilio did sign.
            exact = self._twilio.compute_signature(url, form)
            if hmac.compare_digest(exact.encode(), signature.encode()):
                return True
            return bool(self._twilio.validate(url, form, signature))
        except (ValueError, TypeError, UnicodeError):
            return False

    def sendgrid_signed_event(self, asked: Request, body: bytes) -> bool:
        return _sendgrid_signed(asked, body, self._events_key, _TOLERANCE_SECONDS)

    def sendgrid_signed_inbound(self, asked: Request, body: bytes) -> bool:
        return _sendgrid_signed(asked, body, self._inbound_key, _INBOUND_TOLERANCE_SECONDS)


def _sendgrid_signed(asked: Request, body: bytes, key: str, tolerance: int) -> bool:
    signature = asked.headers.get("X-Twilio-Email-Event-Webhook-Signature", "")
    timestamp = asked.headers.get("X-Twilio-Email-Event-Webhook-Timestamp", "")
    if not key or not signature or not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
        return False
    if abs(time.real_now().timestamp() - int(timestamp)) > tolerance:
        return False
    try:
        return _verify(body, signature, timestamp, key)
    except (ValueError, TypeError, binascii.Error, UnicodeError, IndexError):
        return False


def _verify(body: bytes, signature: str, timestamp: str, key: str) -> bool:
    hook = EventWebhook()
    return bool(hook.verify_signature(_Bytes(body), signature, timestamp, hook.convert_public_key_to_ecdsa(key)))


class _Bytes:
    """The raw body where the helper expects text: it calls `timestamp + payload` and encodes the result."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def __radd__(self, before: str) -> _Bytes:
        return _Bytes(before.encode() + self._body)

    def encode(self, _encoding: str = "utf-8") -> bytes:
        return self._body


def raw_target(asked: Request) -> str:
    """Path and query exactly as they were sent."""
    raw = str(asked.environ.get("RAW_URI") or asked.environ.get("REQUEST_URI") or "")
    if raw:
        return raw if raw.startswith("/") else "/" + raw.split("/", 3)[-1]
    query = str(asked.environ.get("QUERY_STRING", ""))
    return asked.path + ("?" + query if query else "")
