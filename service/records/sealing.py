"""Sealing of contact data and free text, and the keyed hashes they are looked up by.

A sealed value is AES-256-GCM with the row's id as associated data: a value copied into another row does not open. The
blob begins with the id of its key, so that keys can be rotated: the first key in `AFTERCARE_KEYS` seals, all of them
open. Look-ups go by HMAC: equal addresses give equal hashes, and without the key nobody can try a phone book against
them. A hash begins with a tag of its key, so that a rotation can tell which ones are still to be made anew. Some cannot
be: an opt-out outlives the address it was made of. For those an old key stays in `AFTERCARE_KEYS` as
`id:index:base64`, which finds and opens nothing.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE = 12
_TAG = 2
_HASH = 14


class CannotOpen(Exception):
    """The value was sealed with a key we do not hold, belongs to another row, or was tampered with."""


@dataclass(frozen=True, slots=True)
class _Key:
    id: bytes
    cipher: AESGCM | None
    """None: an index-only key."""
    index: bytes
    hasher: hmac.HMAC
    """Begun with `index`: copying it is quicker than beginning anew, and lets no other thread run in between, which
    two threads that are both busy pay for with a switch each time."""
    tag: bytes
    cookies: bytes | None
    """Signs the desk's cookies; None: an index-only key."""


class Vault:
    """Seals, opens, and hashes for look-up. Safe to share between threads."""

    def __init__(self, keys: str) -> None:
        """`keys`: base64 of 32 bytes each, with or without `id:` before it, comma-separated, the current one first.

        With `id:index:` before it a key looks up and opens nothing.

        Raises ValueError, without repeating any key material, when that is not what it was given.
        """
        self._keys = [_parse(part.strip(), place) for place, part in enumerate(keys.split(","), 1) if part.strip()]
        if not self._keys:
            raise ValueError("AFTERCARE_KEYS is empty; make one with `aftercare keys new`")
        if len({key.id for key in self._keys}) != len(self._keys):
            raise ValueError("AFTERCARE_KEYS names the same key id twice")
        if len({key.tag for key in self._keys}) != len(self._keys):
            raise ValueError("two key ids in AFTERCARE_KEYS cannot be told apart in hashes; make another key")
        if self._keys[0].cipher is None:
            raise ValueError("the first key in AFTERCARE_KEYS must be a whole one, not `id:index:…`")
        self._by_id = {key.id: key for key in self._keys}
        self._cipher = self._keys[0].cipher
        self._prefix = bytes([len(self._keys[0].id)]) + self._keys[0].id

    def seal(self, text: str, row: int) -> bytes:
        """Seal `text` into row `row`."""
        return self.seal_bytes(text.encode(), row)

    def seal_bytes(self, content: bytes, row: int) -> bytes:
        nonce = os.urandom(_NONCE)
        return self._prefix + nonce + self._cipher.encrypt(nonce, content, b"%d" % row)

    def seal_optional(self, text: str | None, row: int) -> bytes | None:
        return None if text is None else self.seal(text, row)

    def open(self, blob: bytes, row: int) -> str:
        """The text sealed into row `row`. Raises CannotOpen."""
        return self.open_bytes(blob, row).decode()

    def open_bytes(self, blob: bytes, row: int) -> bytes:
        if not blob:
            raise CannotOpen("nothing is sealed here: it was erased")
        start = 1 + blob[0]
        key = self._by_id.get(bytes(blob[1:start]))
        if key is None or key.cipher is None:
            raise CannotOpen("sealed with a key that is not in AFTERCARE_KEYS")
        try:
            return key.cipher.decrypt(bytes(blob[start : start + _NONCE]), bytes(blob[start + _NONCE :]), b"%d" % row)
        except InvalidTag:
            raise CannotOpen("the sealed value does not belong to this row or was changed") from None

    def open_optional(self, blob: bytes | None, row: int) -> str | None:
        """The text, or None where there never was one or where it was erased."""
        return self.open(blob, row) if blob else None

    def is_current(self, blob: bytes) -> bool:
        """Whether `blob` is sealed with the current key."""
        return blob.startswith(self._prefix)

    def is_current_index(self, hashed: bytes) -> bool:
        """Whether a keyed hash was made with the current key."""
        return hashed.startswith(self._keys[0].tag)

    def key_of_index(self, hashed: bytes) -> str | None:
        """The id of the key that a keyed hash was made with; None when we do not hold that key."""
        return next((key.id.decode() for key in self._keys if hashed.startswith(key.tag)), None)

    @property
    def key_ids(self) -> list[str]:
        """The ids of the keys, the current one first."""
        return [key.id.decode() for key in self._keys]

    def opens_with(self, key_id: str) -> bool:
        """Whether that key is a whole one, not index-only."""
        return self._by_id[key_id.encode()].cipher is not None

    def index_only(self, key_id: str) -> str:
        """That key in its index-only form, as AFTERCARE_KEYS takes it."""
        return f"{key_id}:{_INDEX_ONLY}:{base64.b64encode(self._by_id[key_id.encode()].index).decode()}"

    def cookie_keys(self) -> list[bytes]:
        """What the desk's cookies are signed with: by the first, and checked against all."""
        return [key.cookies for key in self._keys if key.cookies is not None]

    def index(self, text: str) -> bytes:
        """The keyed hash that rows with this text are found by (16 bytes), under the current key."""
        return _index(self._keys[0], text)

    def index_by(self, key_id: str, text: str) -> bytes:
        """The same under one key that we hold."""
        return _index(self._by_id[key_id.encode()], text)

    def indexes(self, text: str) -> list[bytes]:
        """The same under every key: what to search for while a rotation is under way."""
        return [_index(key, text) for key in self._keys]


def new_key() -> str:
    """A fresh key in the form that AFTERCARE_KEYS takes; its id is random."""
    return f"{secrets.token_hex(2)}:{base64.b64encode(secrets.token_bytes(32)).decode()}"


def key_file(path: Path) -> str:
    """The keys kept in `path`; where there is no such file yet, a new key, readable by its owner only."""
    if not path.exists():
        _make_key_file(path)
    return path.read_text().strip()


def _make_key_file(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    written = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
            handle.write(new_key() + "\n")
            handle.flush()
            os.fsync(handle.fileno())
        with suppress(FileExistsError):
            os.link(written, path)  # whole, or not at all: whoever starts beside us reads no half of it
    finally:
        written.unlink(missing_ok=True)


def token_key(token: str) -> int:
    """The hash under which a link's token is kept: 63 bits of SHA-256. The token itself is stored nowhere."""
    return int.from_bytes(hashlib.sha256(token.encode()).digest()[:8], "big") >> 1


_ALPHABET = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_TOKEN = 11
_EVEN = len(_ALPHABET) * (256 // len(_ALPHABET))
"""Random bytes from here on are thrown away: with them some letters would come up more often than others."""
_LETTER = bytes(_ALPHABET[byte % len(_ALPHABET)] for byte in range(256))
_UNEVEN = bytes(range(_EVEN, 256))


def new_token() -> str:
    """A link's token: 11 characters without look-alikes, 64 random bits."""
    return new_tokens(1)[0]


def new_tokens(count: int) -> list[str]:
    """As many tokens at once: a batch of messages asks the system for randomness once, not once a message."""
    letters = b""
    while len(letters) < count * _TOKEN:
        letters += os.urandom(count * _TOKEN * 5 // 4).translate(_LETTER, _UNEVEN)
    text = letters.decode("ascii")
    return [text[start : start + _TOKEN] for start in range(0, count * _TOKEN, _TOKEN)]


_INDEX_ONLY = "index"


def _parse(part: str, place: int) -> _Key:
    *before, encoded = part.split(":")
    key_id, kind = (before[0] if before else ""), before[1:]
    try:
        material = base64.urlsafe_b64decode(encoded.replace("+", "-").replace("/", "_"))
    except (binascii.Error, ValueError):
        material = b""
    named = 1 <= len(key_id.encode()) <= 16
    if len(material) != 32 or (before and not named) or kind not in ([], [_INDEX_ONLY]):
        raise ValueError(
            f"key {place} in AFTERCARE_KEYS is not base64 of 32 bytes, with or without `id:` before it; make one with "
            "`aftercare keys new`"
        )
    # A key without a name is named after itself, so that it can stand anywhere in the list.
    name = (key_id or hashlib.sha256(material).hexdigest()[:8]).encode()
    tag = hashlib.sha256(name).digest()[:_TAG]
    if kind:
        return _Key(name, None, material, _hasher(material), tag, None)
    seal, index, cookies = (_derive(material, purpose) for purpose in (b"seal", b"index", b"cookies"))
    return _Key(name, AESGCM(seal), index, _hasher(index), tag, cookies)


def _derive(material: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"aftercare " + purpose).derive(material)


def _hasher(key: bytes) -> hmac.HMAC:
    return hmac.new(key, digestmod="sha256")


def _index(key: _Key, text: str) -> bytes:
    hasher = key.hasher.copy()
    hasher.update(text.encode())
    return key.tag + hasher.digest()[:_HASH]
