"""Texts that somebody at the clinic types to one patient: may one go, when, and what may stand in it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from service.care import health_words
from service.care.lifecycle import Reason
from service.care.localtime import QuietHours, next_opening
from service.care.rendering import to_gsm7
from service.care.segments import count
from service.care.text_rules import own_link

STEP = "typed"
STEP_NOW = "typed.now"
"""Somebody ticked that it must not wait for the morning; the gate goes by this."""
STEPS = (STEP, STEP_NOW)
USEFUL_FOR = timedelta(hours=24)
"""Later an answer would only puzzle."""
SAME_TALK = timedelta(hours=24)
"""Whoever wrote to us this lately may be answered at night: they are waiting for it."""
MOST_SEGMENTS = 4


@dataclass(frozen=True, slots=True)
class Cannot:
    """No text may go, whatever it says."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class Goes:
    """When it goes."""

    at: datetime
    step: str
    may_hurry: bool
    """It is night there, and the patient wrote lately: somebody may decide that it goes at once."""


def when(
    unreachable: Reason | None,
    zone: ZoneInfo,
    quiet: QuietHours,
    last_heard_at: datetime | None,
    sooner: bool,
    now: datetime,
) -> Cannot | Goes:
    """When a text typed now goes. `sooner` is heeded only where the patient wrote within the last day."""
    if unreachable is not None:
        return Cannot(unreachable)
    opening = next_opening(now, zone, quiet)
    may_hurry = opening > now and last_heard_at is not None and now - last_heard_at <= SAME_TALK
    if sooner and may_hurry:
        return Goes(now, STEP_NOW, may_hurry)
    return Goes(opening, STEP, may_hurry)


class Fault(StrEnum):
    """What is wrong with typed words; pages have a sentence for each."""

    TELLS = "tells"
    """It names a treatment, a body part, a diagnosis or a score."""
    HINTS = "hints"
    """It says that care was given."""
    NAME = "name"
    """It looks like a full name."""
    RECORD = "record"
    """It holds the clinic's own id of the patient."""
    LINK = "link"
    BRACES = "braces"
    LONG = "long"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found in the words."""

    fault: Fault
    words: str
    blocks: bool = True


def body_of(display_name: str, words: str) -> str:
    """What the phone shows: people must see at once who writes. Typography is made plain, which keeps it one text."""
    return to_gsm7(f"{display_name}: {words.strip()}")


def check(display_name: str, words: str, given_name: str | None, external_id: str) -> tuple[Finding, ...]:
    """What a bystander could learn from the words, and what would keep them from arriving.

    A text can be read on a locked phone (P8), so what tells something about this patient blocks. What only hints that
    care was given is for the writer to decide.
    """
    found = [Finding(Fault.TELLS, word) for _, word in health_words.telling(words)]
    if name := _full_name(words, given_name):
        found.append(Finding(Fault.NAME, name))
    if re.search(rf"(?<!\w){re.escape(external_id)}(?!\w)", words, re.IGNORECASE):
        found.append(Finding(Fault.RECORD, external_id))
    if link := own_link(words):
        found.append(Finding(Fault.LINK, link))
    if set(words) & set("{}"):
        found.append(Finding(Fault.BRACES, "{ }"))
    if count(body_of(display_name, words)).segments > MOST_SEGMENTS:
        found.append(Finding(Fault.LONG, str(MOST_SEGMENTS)))
    found += [Finding(Fault.HINTS, word, blocks=False) for word in health_words.hinting(words)]
    return tuple(found)


def _full_name(words: str, given_name: str | None) -> str | None:
    """The given name with another capitalised word behind it. No other part of a name is known to us."""
    if not given_name:
        return None
    after = rf"(?<!\w){re.escape(given_name.strip())}\s+(?!I\b)[^\W\d_a-zß-ÿ]\w+"
    match = re.search(after, words)
    return None if match is None else " ".join(match[0].split())
