"""Passwords as they are kept: Argon2id, with the parameters that OWASP names for a server that is busy otherwise."""

from __future__ import annotations

import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from service.care.passwords import LONGEST

_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


def hashed(password: str) -> str:
    return _hasher.hash(_normal(password))


def matches(kept: str | None, password: str) -> bool:
    """Whether this is the password. Takes as long where there is none, so that nobody learns whose e-mail is known."""
    try:
        right = _hasher.verify(kept or _nobodys(), _normal(password[: LONGEST + 1]))
    except (VerificationError, InvalidHashError):
        return False
    return right and kept is not None


@cache
def _nobodys() -> str:
    return hashed("nobody's password")


def _normal(password: str) -> str:
    # The same keys typed on a phone and on a laptop may arrive as other characters that look alike.
    return unicodedata.normalize("NFKC", password)
