"""Numbers and addresses that misbehave by themselves, so that a fault can be had without asking for it first.

Numbers (all valid US numbers; ``nn`` is free, so each row is a hundred numbers):

====================  ==================================================================================
``+1 202 CCC CCnn``   the create request is refused with Twilio's error CCCCC: ``+12022161001`` gives 21610.
                      Codes: the keys of `errors.AT_CREATE`.
``+1 305 CCC CCnn``   accepted, then reported failed or undelivered with CCCCC: ``+13053000301`` gives 30003.
                      Codes: the keys of `errors.BY_CALLBACK`.
``+1 202 599 KKnn``   KK is the trouble, by `TROUBLES`: 00 rate limited (429), 01 a 503 before accepting, 02 connection
                      dropped before accepting, 10 a 500 after accepting, 11 dropped after accepting, 12 truncated
                      answer, 13 torn answer, 14 hangs for 60 s, 20 callbacks before the answer, 21 callbacks 5 s late,
                      22 callbacks doubled, 23 in reverse, 24 never, 25 stuck at "sent", 30 one second of latency.
====================  ==================================================================================

Addresses, at any domain, ``.anything`` may follow the word to make more of them:

==============================  ========================================================================
``sandbox+bounce@…``            and ``blocked``, ``dropped``, ``deferred``, ``spamreport``: accepted, then that event.
``sandbox+401@…``               and ``400``, ``403``, ``413``: the send request is refused with that status.
``sandbox+drop-after@…``        any `faults.Kind` by its name, with hyphens for underscores.
==============================  ========================================================================
"""

from __future__ import annotations

import re
from functools import lru_cache

from sandbox.errors import AT_CREATE, BY_CALLBACK
from sandbox.faults import EVENTS, Fault, Kind

TROUBLES: dict[str, Kind] = {
    "00": Kind.RATE_LIMITED,
    "01": Kind.ERROR_BEFORE,
    "02": Kind.DROP_BEFORE,
    "10": Kind.ERROR_AFTER,
    "11": Kind.DROP_AFTER,
    "12": Kind.TRUNCATED,
    "13": Kind.TORN,
    "14": Kind.HANG,
    "20": Kind.EARLY,
    "21": Kind.LATE,
    "22": Kind.DOUBLED,
    "23": Kind.REVERSED,
    "24": Kind.NEVER,
    "25": Kind.STUCK,
    "30": Kind.LATENCY,
}
REFUSALS = frozenset({400, 401, 403, 413})
_ADDRESS = re.compile(r"sandbox\+([a-z0-9_-]+)(?:\.[^@]*)?@", re.IGNORECASE)


def refused_number(code: int, n: int = 1) -> str:
    """The `n`-th number (0 to 99) whose create requests are refused with `code`."""
    return f"+1202{code}{n:02d}"


def failing_number(code: int, n: int = 1) -> str:
    """The `n`-th number (0 to 99) whose texts are accepted and then fail with `code`."""
    return f"+1305{code}{n:02d}"


def troubled_number(kind: Kind, n: int = 1) -> str:
    """The `n`-th number (0 to 99) that plays `kind`. Raises KeyError for kinds that have no numbers."""
    return f"+1202599{ {value: key for key, value in TROUBLES.items()}[kind] }{n:02d}"


@lru_cache(maxsize=4096)
def of_number(number: str) -> tuple[Fault, ...]:
    """What this number does wrong by itself; most do nothing."""
    if len(number) != 12:
        return ()
    area, digits = number[:5], number[5:10]
    if area == "+1202" and digits.startswith("599"):
        kind = TROUBLES.get(digits[3:])
        return (Fault.of(kind),) if kind else ()
    if area == "+1202" and digits.isdecimal() and int(digits) in AT_CREATE:
        return (Fault.of(Kind.REFUSE, code=int(digits)),)
    if area == "+1305" and digits.isdecimal() and int(digits) in BY_CALLBACK:
        return (Fault.of(Kind.FAIL, code=int(digits)),)
    return ()


@lru_cache(maxsize=4096)
def of_address(address: str) -> tuple[Fault, ...]:
    """What this e-mail address does wrong by itself; most do nothing."""
    match = _ADDRESS.match(address)
    if match is None:
        return ()
    word = match[1].lower()
    if word in EVENTS:
        return (Fault.of(Kind.FAIL, event=word),)
    if word.isdecimal():
        return (Fault.of(Kind.REFUSE, code=int(word)),) if int(word) in REFUSALS else ()
    name = word.replace("-", "_")
    needs_more = {Kind.REFUSE, Kind.FAIL}
    return (Fault.of(Kind(name)),) if name in {*Kind} - needs_more else ()
