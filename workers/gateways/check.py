"""Whether the providers know us: one question to each, sending nothing. Blocking; for `aftercare doctor`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from python_http_client.exceptions import HTTPError
from sendgrid import SendGridAPIClient
from sendgrid.helpers.eventwebhook import EventWebhook
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from workers.gateways.email import SENDGRID
from workers.gateways.quiet import silence
from workers.gateways.sms import TWILIO

silence()

SENDING = "mail.send"
"""The one scope that the service needs of its SendGrid key."""


class Standing(StrEnum):
    """What a provider thinks of us."""

    GOOD = "good"
    LIMITED = "limited"
    """It knows us, but not for what we need."""
    REFUSED = "refused"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class Answer:
    """`said` is a word of the provider's or a status, never a key."""

    standing: Standing
    said: str = ""


def twilio_account(account_sid: str, auth_token: str, base_url: str = "", timeout: float = 10.0) -> Answer:
    """The account's status. GOOD is "active", of an account that is paid for; `timeout` in seconds."""
    http = TwilioHttpClient(timeout=timeout, max_retries=0)
    if http.session is not None:
        http.session.trust_env = False  # as the gateway: no proxy, no .netrc
    try:
        client = Client(account_sid, auth_token, http_client=http, environment={"TWILIO_REGION": ""})
        client.api.base_url = (base_url or TWILIO).rstrip("/")
        account = client.api.v2010.accounts(account_sid).fetch()
    except TwilioRestException as refusal:
        return _judged(refusal.status)
    except TwilioException:
        return Answer(Standing.REFUSED, "incomplete")
    except Exception as error:
        # Only the type: the text of a connection's error names the URL, and with it the account.
        return Answer(Standing.UNREACHABLE, type(error).__name__)
    if str(account.status) != "active":
        return Answer(Standing.LIMITED, str(account.status))
    return Answer(Standing.LIMITED, "Trial") if account.type == "Trial" else Answer(Standing.GOOD, "active")


def sendgrid_key(api_key: str, base_url: str = "", timeout: float = 10.0) -> Answer:
    """Whether the key lives and may send; `timeout` in seconds."""
    sdk = SendGridAPIClient(api_key, host=(base_url or SENDGRID).rstrip("/"))
    sdk.client.timeout = timeout
    try:
        answer: dict[str, Any] = sdk.client.scopes.get().to_dict
        scopes = answer["scopes"]
    except HTTPError as refusal:
        return _judged(refusal.status_code)
    except Exception as error:
        return Answer(Standing.UNREACHABLE, type(error).__name__)
    return Answer(Standing.GOOD) if SENDING in scopes else Answer(Standing.LIMITED, f"without {SENDING}")


def is_event_key(public_key: str) -> bool:
    """Whether this is a public key as SendGrid shows it: base64 of the DER of an ECDSA key."""
    try:
        EventWebhook().convert_public_key_to_ecdsa(public_key)
    except Exception:
        # Of base64, of text, and the elliptic curves' own: whatever it says, it is no key.
        return False
    return True


def _judged(status: int) -> Answer:
    refused = status in (401, 403, 404)
    return Answer(Standing.REFUSED if refused else Standing.UNREACHABLE, str(status))
