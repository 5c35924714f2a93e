"""Who is asking: the clinic behind a signed event or an API key."""

from __future__ import annotations

import binascii
import hashlib
import logging
import threading
from dataclasses import dataclass

from flask import Request, request
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from standardwebhooks import Webhook, WebhookVerificationError

from service import time
from service.problems import Problem
from service.records import clinics
from service.records.clinics import Key
from service.records.database import reading, run
from service.records.sealing import Vault

log = logging.getLogger(__name__)

_KEEP_SECONDS = 5.0
"""How long living keys are remembered between look-ups: a revoked key dies within this."""
_NOTE_USE_SECONDS = 60.0
"""How often a key's use is put on record, at most."""
_KEY = "Idempotency-Key"
_LONGEST_KEY = 255


@dataclass(frozen=True, slots=True)
class Caller:
    """The clinic, and the key under which this request's effect is kept."""

    clinic_id: int
    key: str

    def key_of(self, number: int) -> str:
        """The key of one event among several in a request: as long as a key may be, however long the caller's is."""
        whole = f"{self.key}:{number}"
        return whole if len(whole) <= _LONGEST_KEY else f"{hashlib.sha256(self.key.encode()).hexdigest()}:{number}"


class Doorkeeper:
    """Knows living keys and secrets; asks the database again every few seconds."""

    def __init__(self, engine: Engine, vault: Vault) -> None:
        self._engine = engine
        self._vault = vault
        self._lock = threading.Lock()
        self._secrets: list[tuple[Key, Webhook]] = []
        self._secrets_until = 0.0
        self._keys: dict[str, tuple[Key, float]] = {}
        self._noted: dict[int, float] = {}

    def sender_of_event(self, asked: Request, body: bytes) -> Caller:
        """The clinic that posted an event, signed or with a key. Raises Problem 401, or 400 for a missing key."""
        if "webhook-signature" in asked.headers:
            return Caller(self._signer(asked, body), _bounded(asked.headers["webhook-id"], "webhook-id"))
        clinic_id = self.owner_of_key(asked)
        key = asked.headers.get(_KEY, "")
        if not key:
            raise Problem(400, "idempotency_key_missing", f"Send {_KEY} with a value of your own for each event.")
        return Caller(clinic_id, _bounded(key, _KEY))

    def owner_of_key(self, asked: Request) -> int:
        """The clinic of `Authorization: Bearer …`. Raises Problem 401."""
        scheme, _, key = asked.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            raise Problem(401, "not_signed_in", "Sign the event, or send Authorization: Bearer with an API key.")
        known = self._living_key(key.strip())
        if known is None:
            raise Problem(401, "key_unknown", "This API key is unknown or was revoked.")
        return self._owner(known)

    def _living_key(self, key: str) -> Key | None:
        kept = self._keys.get(key)
        if kept is not None and kept[1] > time.monotonic():
            return kept[0]
        with reading(self._engine) as connection:
            known = clinics.api_key(connection, key, time.now())
        if known is not None:
            if len(self._keys) > 10_000:
                self._keys.clear()
            self._keys[key] = (known, time.monotonic() + _KEEP_SECONDS)
        return known

    def _signer(self, asked: Request, body: bytes) -> int:
        headers = {name.lower(): value for name, value in asked.headers.items()}
        for key, secret in self._living_secrets():
            if _verifies(secret, body, headers):
                return self._owner(key)
        raise Problem(401, "signature_invalid", "The signature does not verify with any living secret, or is too old.")

    def _owner(self, key: Key) -> int:
        """Whose key it is; puts on record that it is in use, which the clinic sees when it connects its systems."""
        if self._noted.get(key.id, 0.0) <= time.monotonic():
            self._noted[key.id] = time.monotonic() + _NOTE_USE_SECONDS
            try:
                run(self._engine, lambda connection: clinics.key_was_used(connection, key.id, time.now()))
            except SQLAlchemyError as error:
                # Nothing that was asked for depends on it.
                log.warning("the use of a key could not be noted: %s", type(error).__name__)
        return key.clinic_id

    def _living_secrets(self) -> list[tuple[Key, Webhook]]:
        with self._lock:
            if time.monotonic() >= self._secrets_until:
                with reading(self._engine) as connection:
                    found = clinics.webhook_secrets(connection, self._vault, time.now())
                self._secrets = [(key, Webhook(secret)) for key, secret in found]
                self._secrets_until = time.monotonic() + _KEEP_SECONDS
            return self._secrets


def _verifies(secret: Webhook, body: bytes, headers: dict[str, str]) -> bool:
    try:
        secret.verify(body, headers, json_parse=False)
    except (WebhookVerificationError, ValueError, binascii.Error, KeyError, TypeError):
        return False
    return True


def _bounded(key: str, header: str) -> str:
    if not 1 <= len(key) <= _LONGEST_KEY or not key.isprintable():
        raise Problem(400, "idempotency_key_invalid", f"{header} must be 1 to 255 printable characters.")
    return key


def body_of(asked: Request, most: int, media_types: tuple[str, ...]) -> bytes:
    """The raw body. Raises Problem 415 for another media type, 413 for more than `most` bytes."""
    if asked.mimetype not in media_types:
        raise Problem(415, "media_type", "Send the body as " + " or ".join(media_types) + ".")
    if asked.content_length is not None and asked.content_length > most:
        raise Problem(413, "too_large", f"The body may have at most {most} bytes.")
    body = asked.stream.read(most + 1)
    if len(body) > most:
        raise Problem(413, "too_large", f"The body may have at most {most} bytes.")
    return body


def cursor() -> tuple[int, int]:
    """`after` and `limit` of this request. Raises Problem 400."""
    after = request.args.get("after", "0")
    if not after.isascii() or not after.isdigit() or len(after) > 19 or int(after) >= 2**63:
        raise Problem(400, "cursor_invalid", "after must be a cursor from an earlier answer.")
    return int(after), page_size()


def page_size(name: str = "limit") -> int:
    """How many rows this request wants. Raises Problem 400."""
    limit = request.args.get(name, "100")
    if not limit.isascii() or not limit.isdigit() or len(limit) > 4 or not 1 <= int(limit) <= 1000:
        raise Problem(400, "limit_invalid", f"{name} must be a number from 1 to 1000.")
    return int(limit)
