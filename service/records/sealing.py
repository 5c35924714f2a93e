"""Sealing of contact data and free text, and the keyed hashes they are looked up by.

A sealed value is AES-256-GCM with the row's id as associated data: a value copied into another row does not open. The
blob begins with the id of its key, so that keys can be rotated: the first key in `AFTERCARE_KEYS` seals, all of them
open. Look-ups go by HMAC: equal addresses give equal hashes, and without the key nobody can try a phone book against
them.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE = 12


class CannotOpen(Exception):
    """The value was sealed with a key we do not hold, belongs to another row, or was tampered with."""


@dataclass(frozen=True, slots=True)
class _Key:
    id: bytes
    cipher: AESGCM
    index: bytes


class Vault:
    """Seals, opens, and hashes for look-up. Safe to share between threads."""

    def __init__(self, keys: str) -> None:
        """`keys`: base64 of 32 bytes each, with or without `id:` before it, comma-separated, the current one first.

        Raises ValueError, without repeating any key material, when that is not what it was given.
        """
        self._keys = [_parse(part.strip(), place) for place, part in enumerate(keys.split(","), 1) if part.strip()]
        if not self._keys:
            raise ValueError("AFTERCARE_KEYS is empty; make one with `aftercare keys new`")
        if len({key.id for key in self._keys}) != len(self._keys):
            raise ValueError("AFTERCARE_KEYS names the same key id twice")
        self._by_id = {key.id: key for key in self._keys}

    def seal(self, text: str, row: int) -> bytes:
        """Seal `text` into row `row`."""
        return self.seal_bytes(text.encode(), row)

    def seal_bytes(self, content: bytes, row: int) -> bytes:
        key = self._keys[0]
        nonce = os.urandom(_NONCE)
        return bytes([len(key.id)]) + key.id + nonce + key.cipher.encrypt(nonce, content, b"%d" % row)

    def seal_optional(self, text: str | None, row: int) -> bytes | None:
        return None if text is None else self.seal(text, row)

    def open(self, blob: bytes, row: int) -> str:
        """The text sealed into row `row`. Raises CannotOpen."""
        return self.open_bytes(blob, row).decode()

    def open_bytes(self, blob: bytes, row: int) -> bytes:
        start = 1 + blob[0]
        key = self._by_id.get(bytes(blob[1:start]))
        if key is None:
            raise CannotOpen("sealed with a key that is not in AFTERCARE_KEYS")
        try:
            return key.cipher.decrypt(bytes(blob[start : start + _NONCE]), bytes(blob[start + _NONCE :]), b"%d" % row)
        except InvalidTag:
            raise CannotOpen("the sealed value does not belong to this row or was changed") from None

    def open_optional(self, blob: bytes | None, row: int) -> str | None:
        return None if blob is None else self.open(blob, row)

    def is_current(self, blob: bytes) -> bool:
        """Whether `blob` is sealed with the current key."""
        return bytes(blob[1 : 1 + blob[0]]) == self._keys[0].id

    def index(self, text: str) -> bytes:
        """The keyed hash that rows with this text are found by (16 bytes), under the current key."""
        return _index(self._keys[0], text)

    def indexes(self, text: str) -> list[bytes]:
        """The same under every key: what to search for while a rotation is under way."""
        return [_index(key, text) for key in self._keys]


def new_key() -> str:
    """A fresh key in the form that AFTERCARE_KEYS takes; its id is random."""
    return f"{secrets.token_hex(2)}:{base64.b64encode(secrets.token_bytes(32)).decode()}"


def load_or_make_keys(configured: str, path: Path) -> str:
    """`configured`, else what `path` holds, else a new key kept there (readable by its owner only)."""
    if configured:
        return configured
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
            handle.write(new_key() + "\n")
            handle.flush()
            os.fsync(handle.fileno())
    except FileExistsError:
        pass
    return path.read_text().strip()


def token_key(token: str) -> int:
    """The hash under which a link's token is kept: 63 bits of SHA-256. The token itself is stored nowhere."""
    return int.from_bytes(hashlib.sha256(token.encode()).digest()[:8], "big") >> 1


_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def new_token() -> str:
    """A link's token: 11 characters without look-alikes, 64 random bits."""
    number = secrets.randbits(64)
    letters = []
    for _ in range(11):
        number, place = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[place])
    return "".join(letters)


def _parse(part: str, place: int) -> _Key:
    key_id, colon, encoded = part.rpartition(":")
    try:
        material = base64.urlsafe_b64decode(encoded.replace("+", "-").replace("/", "_"))
    except (binascii.Error, ValueError):
        material = b""
    if len(material) != 32 or (colon and not 1 <= len(key_id.encode()) <= 16):
        raise ValueError(
            f"key {place} in AFTERCARE_KEYS is not base64 of 32 bytes, with or without `id:` before it; make one with "
            "`aftercare keys new`"
        )
    # A key without a name is named after itself, so that it can stand anywhere in the list.
    name = key_id or hashlib.sha256(material).hexdigest()[:8]
    return _Key(name.encode(), AESGCM(_derive(material, b"seal")), _derive(material, b"index"))


def _derive(material: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"aftercare " + purpose).derive(material)


def _index(key: _Key, text: str) -> bytes:
    return hmac.new(key.index, text.encode(), hashlib.sha256).digest()[:16]
