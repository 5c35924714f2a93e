"""What one sandbox is told when it starts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Delays:
    """Real seconds between the life's events of one message; 0 means as soon as the answer has been written."""

    sent: float = 0.05
    """From acceptance to "sent" (texts) or "processed" (e-mails)."""
    delivered: float = 0.15
    """From acceptance to the final status."""
    event_batch: float = 0.02
    """How long SendGrid's events are gathered before one POST."""
    retry: float = 0.25
    """Before a webhook that failed is tried again; doubles with each further try of SendGrid's."""


@dataclass(frozen=True, slots=True)
class Phone:
    """A named phone on the phone page."""

    name: str
    number: str
    """E.164."""
    email: str | None = None

    @property
    def rings(self) -> bool:
        """The clinician's phone rings on a new text."""
        return self.name.lower().startswith("clinic")


@dataclass(frozen=True, slots=True)
class Config:
    """Credentials, addresses and habits of one sandbox."""

    account_sid: str = "AC" + "5a" * 16
    auth_token: str = "sandbox-token"  # noqa: S105 - a stand-in's token guards nothing
    sendgrid_key: str = "SG.sandbox.key"
    callback_base: str = "http://127.0.0.1:8000"
    """Where inbound texts, inbound mail and mail events are POSTed; no trailing slash."""
    host: str = "127.0.0.1"
    port: int = 0
    """0 picks a free one."""
    sender: str = "+15005550006"
    """The number that a messaging service sends from, and that replies go to until a thread exists."""
    messaging_service_sid: str = "MG" + "5b" * 16
    """The account's one messaging service; its only sender is `sender`."""
    owned_numbers: tuple[str, ...] = ()
    """Numbers the account may use as From; empty: any number, as long as it is possible."""
    verified_senders: tuple[str, ...] = ()
    """E-mail addresses that may stand in From; empty: any."""
    phones: tuple[Phone, ...] = ()
    beside: str = ""
    """An address that the phone page shows in a frame beside the phones."""
    ledger_path: Path | None = None
    """Append one JSON line per accepted message here."""
    key_path: Path | None = None
    """Keep the webhook signing key here (PEM), so that a restart signs with the same one; None: a fresh key."""
    seed: int = 0
    """For the faults' dice."""
    magic: bool = True
    """Whether magic numbers and addresses play their faults."""
    delays: Delays = Delays()
    event_retry_seconds: float = 30.0
    """How long SendGrid's events and inbound mail are tried again. The real ones keep on for 24 and 72 h."""
    webhook_timeout: float = 15.0
    """Twilio hangs up on a webhook after 15 s."""
    verbose_callbacks: bool = False
    """Report "queued" and "sending" as well, as Twilio does for some accounts."""

    def told(self, url: str) -> dict[str, str]:
        """What the service's processes are told to have the sandbox at `url` for both of their providers."""
        return {
            "AFTERCARE_TWILIO_URL": url,
            "AFTERCARE_SENDGRID_URL": url,
            "TWILIO_ACCOUNT_SID": self.account_sid,
            "TWILIO_AUTH_TOKEN": self.auth_token,
            "SENDGRID_API_KEY": self.sendgrid_key,
        }


def parse_phones(text: str) -> tuple[Phone, ...]:
    """Read ``"Patient=+12025550101/ana@example.com,Clinician=+12025550102"``. Raises ValueError."""
    phones = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, equals, address = part.partition("=")
        number, _, email = address.partition("/")
        if not equals or not name.strip() or not number.strip().startswith("+"):
            raise ValueError(f"a phone is written Name=+1… or Name=+1…/address: {part!r}")
        phones.append(Phone(name.strip(), number.strip(), email.strip() or None))
    return tuple(phones)
