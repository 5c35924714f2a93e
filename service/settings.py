"""Every environment variable, once, with its meaning. The defaults suit a small clinic on one machine."""

from __future__ import annotations

from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from service import own_redis

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Settings(BaseSettings):
    """What an installation is told from outside."""

    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore", populate_by_name=True)

    var: Path = Field(Path("var"), alias="AFTERCARE_VAR")
    """Folder for what must survive a restart: SQLite, the embedded Redis, generated keys."""
    database_url: str = Field("", alias="AFTERCARE_DATABASE_URL")
    """SQLAlchemy URL; empty means SQLite in `var/aftercare.db`."""
    redis_url: str = Field("", alias="AFTERCARE_REDIS_URL")
    """Redis ≥ 5 or Valkey ≥ 7.2; empty means the embedded server that `aftercare up` starts."""
    host: str = Field("127.0.0.1", alias="AFTERCARE_HOST")
    port: int = Field(8000, alias="AFTERCARE_PORT", ge=0, le=65535)
    """Where the web server listens."""
    web_workers: int = Field(2, alias="AFTERCARE_WEB_WORKERS", ge=1)
    web_threads: int = Field(8, alias="AFTERCARE_WEB_THREADS", ge=1)
    public_url: str = Field("http://127.0.0.1:8000", alias="AFTERCARE_PUBLIC_URL")
    """Where patients and providers reach us: the base of every link and what webhook signatures are checked against."""
    keys: SecretStr = Field(SecretStr(""), alias="AFTERCARE_KEYS")
    """Sealing keys, `id:base64` separated by commas, the first is current. Empty: made once and kept in `var/keys`."""

    twilio_account_sid: str = Field("", alias="TWILIO_ACCOUNT_SID")
    twilio_auth_token: SecretStr = Field(SecretStr(""), alias="TWILIO_AUTH_TOKEN")
    twilio_messaging_service_sid: str = Field("", alias="TWILIO_MESSAGING_SERVICE_SID")
    twilio_from: str = Field("", alias="TWILIO_FROM")
    twilio_url: str = Field("", alias="AFTERCARE_TWILIO_URL")
    """Another address for Twilio's API: the sandbox."""
    sms_segments_per_second: float = Field(10.0, alias="AFTERCARE_SMS_SEGMENTS_PER_SECOND", ge=0)
    """Pace of the default sender. A US long code carries 1, toll-free 3, a messaging service or short code more.
    0 means unlimited."""

    sendgrid_api_key: SecretStr = Field(SecretStr(""), alias="SENDGRID_API_KEY")
    sendgrid_from: str = Field("", alias="SENDGRID_FROM")
    sendgrid_event_public_key: str = Field("", alias="SENDGRID_EVENT_PUBLIC_KEY")
    sendgrid_inbound_public_key: str = Field("", alias="SENDGRID_INBOUND_PUBLIC_KEY")
    """Signs Inbound Parse posts; empty means the same key as the event webhook."""
    sendgrid_url: str = Field("", alias="AFTERCARE_SENDGRID_URL")
    email_reply_domain: str = Field("", alias="AFTERCARE_REPLY_DOMAIN")
    """Domain whose MX is SendGrid's Inbound Parse; answers go to `r+<token>@` it. Empty: mails carry no reply address
    of ours and the clinic's own address is used."""

    clock_speed: float = Field(1.0, alias="AFTERCARE_CLOCK_SPEED", gt=0)
    """Service seconds a real second, for demonstrations. Refused unless both provider URLs are loopback."""
    clock_file: Path | None = Field(None, alias="AFTERCARE_CLOCK_FILE")
    """The file all processes share when the clock runs fast; default `var/clock`."""

    desk_framed_by: str = Field("", alias="AFTERCARE_DESK_FRAMED_BY")
    """The page of the demonstration, on this machine, that may show the desk in a frame. Empty: none may."""

    log_level: str = Field("INFO", alias="AFTERCARE_LOG_LEVEL")
    webhooks_allow_private: bool = Field(False, alias="AFTERCARE_WEBHOOKS_ALLOW_PRIVATE")
    """Whether clinics' webhooks may lead to private addresses and, on this machine, go without TLS. For tests, the
    demo, and a clinic's own network; never where clinics that do not know each other share an installation."""

    queued_lease_seconds: int = Field(30, alias="AFTERCARE_QUEUED_LEASE_SECONDS", ge=1)
    """How long a nudge may stay unanswered before the clock sends another."""
    sending_lease_seconds: int = Field(120, alias="AFTERCARE_SENDING_LEASE_SECONDS", ge=10)
    """How long a worker may hold a message. Hand-overs begin in the first half of it only, so that a process that was
    paused does not send what another has meanwhile taken over."""
    batch_size: int = Field(500, alias="AFTERCARE_BATCH_SIZE", ge=1, le=5000)
    """Messages a transaction of the send job."""
    sms_concurrency: int = Field(256, alias="AFTERCARE_SMS_CONCURRENCY", ge=1)
    email_concurrency: int = Field(32, alias="AFTERCARE_EMAIL_CONCURRENCY", ge=1)
    provider_timeout_seconds: float = Field(15.0, alias="AFTERCARE_PROVIDER_TIMEOUT_SECONDS", gt=0)
    settle_seconds: int = Field(60, alias="AFTERCARE_SETTLE_SECONDS", ge=0)
    """How long after a lost answer the provider's record is trusted to be complete."""
    receipt_stale_seconds: int = Field(3600, alias="AFTERCARE_RECEIPT_STALE_SECONDS", ge=1)
    """How long a message may wait for its final receipt before the provider is asked."""
    retention_days: int = Field(2555, alias="AFTERCARE_RETENTION_DAYS", ge=30)
    """Days that replies, typed texts, notes, answers, the addresses that messages went to, and events are kept (seven
    years: usual for US medical records); first measurements as long as anything waits for the patient, too. Patients,
    their sessions and the record of what was sent when stay until the patient is erased. Consent and opt-out evidence
    stays whatever this says."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if not self.database_url:
            self.database_url = f"sqlite:///{self.var / 'aftercare.db'}"
        if self.database_url.startswith(("postgres://", "postgresql://")):
            self.database_url = "postgresql+psycopg://" + self.database_url.split("://", 1)[1]
        if not self.redis_url:
            self.redis_url = own_redis.url_for(self.var)
        self.public_url = self.public_url.rstrip("/")
        if self.clock_file is None and self.clock_speed != 1.0:
            self.clock_file = self.var / "clock"
        if self.clock_file is not None and not (is_loopback(self.twilio_url) and is_loopback(self.sendgrid_url)):
            raise ValueError(
                "AFTERCARE_CLOCK_SPEED is for demonstrations: set AFTERCARE_TWILIO_URL and AFTERCARE_SENDGRID_URL to a "
                "sandbox on this machine (http://127.0.0.1:…), or remove AFTERCARE_CLOCK_SPEED"
            )
        if self.desk_framed_by and not is_loopback(self.desk_framed_by):
            raise ValueError(
                "AFTERCARE_DESK_FRAMED_BY is for demonstrations: a page in whose frame the desk is can make people "
                "press what they do not see. Remove it, or give an address on this machine (http://127.0.0.1:…)"
            )
        return self

    @property
    def sms_sender(self) -> str:
        """The default sender: a messaging service where there is one, else a number."""
        return self.twilio_messaging_service_sid or self.twilio_from


def is_loopback(url: str) -> bool:
    """Whether `url` leads to this machine only."""
    return urlsplit(url).hostname in LOOPBACK
