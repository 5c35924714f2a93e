"""What a password must be: long, and not what anybody would try first. Kinds of characters are not counted: that makes
passwords harder to keep and no harder to guess (NIST SP 800-63B, 5.1.1)."""

from __future__ import annotations

import re
from collections.abc import Iterable

SHORTEST, LONGEST = 12, 128
_DIFFERENT = 5
"""Characters that must differ: fewer is one key held down, or a pattern of two."""
_TRIED_FIRST = ("password", "aftercare", "prolotherapy", "123456", "qwerty", "letmein", "welcome", "abcdef", "iloveyou")


def fault(password: str, known: Iterable[str] = ()) -> str | None:
    """What is wrong with it, as a sentence for whoever chose it; None when it will do.

    `known` are words that anybody would try for this person: name, e-mail, clinic.
    """
    if len(password) < SHORTEST:
        return f"Use at least {SHORTEST} characters."
    if len(password) > LONGEST:
        return f"Use at most {LONGEST} characters."
    plain = password.casefold()
    if len(set(plain)) < _DIFFERENT:
        return f"Use at least {_DIFFERENT} different characters."
    for word in (*_TRIED_FIRST, *_words(known)):
        plain = plain.replace(word, "")
    if len(plain) < SHORTEST // 2:
        return "This is among the first that somebody would try. Choose words that have nothing to do with you."
    return None


def _words(known: Iterable[str]) -> list[str]:
    return [word for text in known for word in re.split(r"[\W_]+", text.casefold()) if len(word) > 2]
