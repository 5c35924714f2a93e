"""What Twilio insists on in a create request."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from urllib.parse import urlsplit

import phonenumbers

from sandbox.config import Config
from sandbox.errors import ApiError
from service import time

FIELDS = frozenset(
    [
        "To",
        "From",
        "MessagingServiceSid",
        "Body",
        "MediaUrl",
        "StatusCallback",
        "ApplicationSid",
        "MaxPrice",
        "ProvideFeedback",
        "Attempt",
        "ValidityPeriod",
        "ForceDelivery",
        "ContentRetention",
        "AddressRetention",
        "SmartEncoded",
        "PersistentAction",
        "TrafficType",
        "ShortenUrls",
        "ScheduleType",
        "SendAt",
        "SendAsMms",
        "ContentVariables",
        "RiskCheck",
        "ContentSid",
    ]
)
BODY_LIMIT = 1600
_SERVICE_SID = re.compile(r"MG[0-9a-f]{32}")
_SHORT_CODE = re.compile(r"\d{5,6}")


@dataclass(frozen=True, slots=True)
class CreateRequest:
    """A create request that Twilio would take."""

    to: str
    sender: str | None
    service_sid: str | None
    body: str
    status_callback: str | None
    media: tuple[str, ...]
    send_at: datetime | None


def check(form: Mapping[str, list[str]], config: Config) -> CreateRequest:
    """Read a create request. Raises ApiError with the code that Twilio answers."""
    if unknown := sorted(set(form) - FIELDS):
        raise ApiError(20001, 400, f"Unknown parameters: {', '.join(unknown)}")
    for name, values in form.items():
        if len(values) > 1 and name not in ("MediaUrl", "PersistentAction"):
            raise ApiError(20001, 400, f"Parameter '{name}' was given more than once")
    one = {name: values[0] for name, values in form.items()}
    to = _recipient(one.get("To", ""))
    sender, service_sid = _sender(one, to, config)
    media = tuple(form.get("MediaUrl", ()))
    body = _body(one.get("Body", ""), media)
    _validity(one.get("ValidityPeriod"))
    return CreateRequest(
        to, sender, service_sid, body, _callback(one.get("StatusCallback")), media, _send_at(one, service_sid)
    )


@lru_cache(maxsize=65536)
def e164(number: str) -> str | None:
    """`number` in E.164 (read as a US one without a plus), or None when no such number can exist."""
    try:
        parsed = phonenumbers.parse(number, "US")
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _recipient(value: str) -> str:
    if not value.strip():
        raise ApiError(21604, 400, "A 'To' phone number is required.")
    number = e164(value)
    if number is None:
        raise ApiError(21211, 400, f"Invalid 'To' Phone Number: {value}")
    return number


def _sender(one: Mapping[str, str], to: str, config: Config) -> tuple[str | None, str | None]:
    service_sid, sender = one.get("MessagingServiceSid", ""), one.get("From", "")
    if not service_sid and not sender:
        raise ApiError(21603, 400, "A 'From' phone number is required.")
    if service_sid and (not _SERVICE_SID.fullmatch(service_sid) or service_sid != config.messaging_service_sid):
        raise ApiError(21701, 400, f"The Messaging Service resource does not exist: {service_sid}")
    if not sender:
        return None, service_sid
    number = sender if _SHORT_CODE.fullmatch(sender) else e164(sender)
    if number is None:
        raise ApiError(21212, 400, f"Invalid 'From' Phone Number: {sender}")
    if number == to:
        raise ApiError(21266, 400, "'To' and 'From' number cannot be the same")
    if config.owned_numbers and number not in config.owned_numbers:
        raise ApiError(
            21606,
            400,
            f"The 'From' phone number provided ({sender}) is not a valid message-capable Twilio phone number",
        )
    return number, service_sid or None


def _body(body: str, media: tuple[str, ...]) -> str:
    if not body and not media:
        raise ApiError(21602, 400, "Message body is required.")
    # Twilio counts UTF-16 units: an emoji is two.
    if len(body) > BODY_LIMIT or len(body.encode("utf-16-le", "surrogatepass")) // 2 > BODY_LIMIT:
        raise ApiError(21617, 400, f"The concatenated message body exceeds the {BODY_LIMIT} character limit")
    return body


def _validity(value: str | None) -> None:
    if value is not None and not (value.isdecimal() and 1 <= int(value) <= 36_000):
        raise ApiError(21624, 400, "Validity period can only be set to integers between 1 and 36,000 seconds")


def _callback(url: str | None) -> str | None:
    if not url:
        return None
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if parts.scheme not in ("http", "https") or not host or "_" in host or re.search(r"\s", url):
        raise ApiError(21609, 400, f"The 'StatusCallback' URL {url} is not a valid URL.")
    return url


def _send_at(one: Mapping[str, str], service_sid: str | None) -> datetime | None:
    if not one.get("ScheduleType") and not one.get("SendAt"):
        return None
    if not service_sid:
        raise ApiError(35118, 400, "MessagingServiceSid is required to schedule a message")
    try:
        moment = datetime.fromisoformat(one.get("SendAt", ""))
    except ValueError:
        raise ApiError(35111, 400, "SendAt must be an ISO 8601 time") from None
    ahead = moment - time.now() if moment.tzinfo else timedelta(0)
    if not timedelta(minutes=15) <= ahead <= timedelta(days=35):
        raise ApiError(35114, 400, "SendAt must be between 15 minutes and 35 days in the future")
    return moment
