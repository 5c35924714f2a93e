"""Do the providers know us? Questions for `aftercare doctor`: they read, and send nothing to anybody."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from sendgrid import SendGridAPIClient
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from workers.gateways.quiet import silence

silence()

_SECONDS = 10.0
T = TypeVar("T")


class NoAnswer(Exception):
    """The provider could not be reached, or did not say anything that can be read."""


class Refused(Exception):
    """The provider answered with an error: `status`, and Twilio's own `code` where there is one."""

    def __init__(self, status: int, code: int | None = None) -> None:
        super().__init__(f"{status}" if not code else f"{status}, code {code}")
        self.status, self.code = status, code


@dataclass(frozen=True, slots=True)
class Account:
    """A Twilio account."""

    status: str
    """active, suspended or closed."""
    is_trial: bool
    """Texts go to verified numbers only, with words of Twilio's before ours."""


class TwilioCheck:
    """Asks Twilio; each method raises NoAnswer or Refused."""

    def __init__(self, account_sid: str, auth_token: str, base_url: str = "") -> None:
        """`base_url` stands in for Twilio's own addresses."""
        self._client = Client(
            account_sid, auth_token, http_client=TwilioHttpClient(timeout=_SECONDS), environment={"TWILIO_REGION": ""}
        )
        if base_url:
            self._client.api.base_url = self._client.messaging.base_url = base_url.rstrip("/")
        self._sid = account_sid

    def account(self) -> Account:
        """The account itself."""
        found = _asked(lambda: self._client.api.v2010.accounts(self._sid).fetch())
        return Account(str(found.status), str(found.type).lower() == "trial")

    def can_read_messages(self) -> bool:
        """Whether the credentials open the message log: what a stand-in can be asked as well."""
        _asked(lambda: self._client.messages.list(limit=1))
        return True

    def has_service(self, sid: str) -> bool:
        """Whether the account has this messaging service."""
        return _is_there(lambda: self._client.messaging.v1.services(sid).fetch())

    def has_number(self, number: str) -> bool:
        """Whether the account owns this number."""
        return bool(_asked(lambda: self._client.incoming_phone_numbers.list(phone_number=number, limit=1)))


def sendgrid_scopes(api_key: str, base_url: str = "") -> frozenset[str]:
    """What the key may do, such as "mail.send". Raises NoAnswer or Refused."""
    client = SendGridAPIClient(api_key, host=base_url.rstrip("/") or "https://api.sendgrid.com").client
    client.timeout = _SECONDS
    try:
        answer = client.scopes.get()
        return frozenset(json.loads(answer.body)["scopes"])
    except Exception as error:
        status = getattr(error, "status_code", None)
        if isinstance(status, int):
            raise Refused(status) from None
        raise NoAnswer(type(error).__name__) from None


def _is_there(ask: Callable[[], Any]) -> bool:
    try:
        _asked(ask)
    except Refused as refusal:
        if refusal.status == 404:
            return False
        raise
    return True


def _asked(ask: Callable[[], T]) -> T:
    try:
        return ask()
    except TwilioRestException as refusal:
        raise Refused(refusal.status, refusal.code) from None
    except TwilioException as error:
        raise NoAnswer(type(error).__name__) from None
    except Exception as error:
        # Whatever the transport or a strange body raises; it may quote the address that was asked, key and all.
        raise NoAnswer(type(error).__name__) from None
