"""The error codes of Twilio that the sandbox can play, with their HTTP status and words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ApiError(Exception):
    """A refused request, as Twilio answers it."""

    code: int
    status: int
    message: str

    def as_json(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "message": self.message,
            "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
            "status": self.status,
        }


AT_CREATE: dict[int, tuple[int, str]] = {
    20003: (401, "Authenticate"),
    20429: (429, "Too Many Requests"),
    21211: (400, "Invalid 'To' Phone Number: {to}"),
    21408: (403, "Permission to send an SMS has not been enabled for the region indicated by the 'To' number: {to}"),
    21606: (
        400,
        "The 'From' phone number provided is not a valid message-capable Twilio phone number for this "
        "destination/account.",
    ),
    21608: (400, "The number {to} is unverified. Trial accounts cannot send messages to unverified numbers."),
    21610: (400, "Attempt to send to unsubscribed recipient"),
    21611: (429, "This 'From' number has exceeded the maximum number of queued messages"),
    21614: (400, "'To' number is not a valid mobile number: {to}"),
    21617: (400, "The concatenated message body exceeds the 1600 character limit"),
    30001: (429, "Queue overflow"),
    30002: (403, "Account suspended"),
    30022: (429, "US A2P 10DLC - Rate Limits Exceeded"),
    30023: (429, "US A2P 10DLC - Daily Message Cap Reached"),
    30034: (400, "Message from an Unregistered Number"),
    63038: (429, "Account exceeded the daily messages limit"),
}
"""code -> HTTP status and words of a refusal of the create request; `{to}` is the number."""

BY_CALLBACK: dict[int, str] = {
    21610: "failed",
    30001: "failed",
    30002: "failed",
    30003: "undelivered",
    30004: "undelivered",
    30005: "undelivered",
    30006: "undelivered",
    30007: "undelivered",
    30008: "undelivered",
    30022: "failed",
    30023: "failed",
    30034: "undelivered",
    63038: "failed",
}
"""code -> final status of a message that was accepted first."""


def refusal(code: int, to: str) -> ApiError:
    """The answer to a create request that Twilio refuses with `code`. Raises KeyError for a code it cannot play."""
    status, words = AT_CREATE[code]
    return ApiError(code, status, words.format(to=to))
