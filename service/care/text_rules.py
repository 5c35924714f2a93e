"""The rules that every single text to a patient must keep, whichever file it comes from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from service.care import health_words, readability
from service.care.lifecycle import Channel
from service.care.problems import Problem, Severity
from service.care.rendering import PLACEHOLDERS, Fields, placeholders_in, render, to_gsm7
from service.care.segments import count, foreign_characters

WORST_CASE = Fields(
    clinic="M" * 18,
    link="https://care.example/s/" + "x" * 7,
    phone="800-555-0100",
    emerg="911",
    hours="Mon-Fri 10:30am-12:30pm",
    name="M" * 12,
)
"""The longest values that a text must leave room for in one segment: 18, 30, 12, 3, 23 and 12 characters."""


class Kind(StrEnum):
    """What a text is part of."""

    SMS = "sms"
    SUBJECT = "subject"
    EMAIL = "email"


@dataclass(frozen=True, slots=True)
class Text:
    """One text to check."""

    where: str
    language: str
    kind: Kind
    words: str
    needs: tuple[str, ...] = ()
    """What must stand in it: placeholders such as "{link}", or words such as "STOP"."""


_OWN_LINK = re.compile(r"https?:|www\.|[a-z0-9-]+\.[a-z]{2,}", re.IGNORECASE)
_BRACED = re.compile(r"\{[^{}]*\}")
_LOOSE_LINK = re.compile(r"\S\{link\}|\{link\}\S")
_LINK_ON_ITS_LINE = re.compile(r"^[^\S\n]*\{link\}[^\S\n]*$", re.MULTILINE)


def check(text: Text) -> Iterator[Problem]:
    """Every rule that `text` breaks; `line` and `column` are 0."""
    unknown = [name for name in placeholders_in(text.words) if name not in PLACEHOLDERS]
    for name in dict.fromkeys(unknown):
        hint = f"known: {', '.join(f'{{{known}}}' for known in PLACEHOLDERS)}"
        yield _error(text, f"unknown placeholder {{{name[:40]}}}", hint)
    if any(brace in _BRACED.sub("", text.words) for brace in "{}"):
        yield _error(text, "a brace without its partner")
    yield from _needs(text)
    yield from _health(text)
    yield from _links(text)
    yield from _reading(text)
    if text.kind is Kind.SMS:
        yield from _sms(text, measurable=not unknown)
    if text.kind is Kind.SUBJECT and "\n" in text.words:
        yield _error(text, "a subject is one line")


def check_clinic_name(name: str) -> list[Problem]:
    """What is wrong with a clinic's SMS display name: too long, not GSM-7, or telling what the patient came for."""
    plain = to_gsm7(name)
    problems = []
    if not name.strip():
        problems.append(Problem(0, 0, "clinic name", "is empty"))
    if len(plain) > len(WORST_CASE.clinic) or count(plain).units > len(WORST_CASE.clinic):
        message = f"takes {count(plain).units} characters; {len(WORST_CASE.clinic)} fit into one segment"
        problems.append(Problem(0, 0, "clinic name", message, "a shorter name that patients know"))
    for char in foreign_characters(plain):
        problems.append(Problem(0, 0, "clinic name", f"{char} makes every text cost twice or more"))
    for kind, word in health_words.telling(name):
        problems.append(Problem(0, 0, "clinic name", f"{word!r} names {kind}", "a name that any clinic could have"))
    for word in health_words.hinting(name):
        hint = "a name that any clinic could have"
        problems.append(Problem(0, 0, "clinic name", f"{word!r} says that care was given", hint, Severity.WARNING))
    return problems


def own_link(words: str) -> str | None:
    """What phones would take for a link, if anything."""
    match = _OWN_LINK.search(words)
    return None if match is None else match.group()[:40]


def _needs(text: Text) -> Iterator[Problem]:
    words = text.words
    for needed in text.needs:
        there = needed in words if needed.startswith("{") else re.search(rf"(?<!\w){needed}(?!\w)", words)
        if not there:
            yield _error(text, f"{needed} is missing")


def _health(text: Text) -> Iterator[Problem]:
    for kind, word in health_words.telling(text.words):
        yield _error(text, f"{word!r} names {kind}", "it can be read on a locked phone: put it behind the link")
    for word in health_words.hinting(text.words):
        hint = "'visit' says less; details belong behind the link"
        yield _warning(text, f"{word!r} tells that care was given", hint)


def _links(text: Text) -> Iterator[Problem]:
    links = text.words.count("{link}")
    if links > (0 if text.kind is Kind.SUBJECT else 1):
        message = "a subject has no link" if text.kind is Kind.SUBJECT else "more than one {link}"
        yield _error(text, message, "one link at most: carriers distrust more")
    if link := own_link(_BRACED.sub(" ", text.words)):
        yield _error(text, f"{link!r} is, or would be read as, a link of its own", "use {link}, or add a space")
    if text.kind is Kind.SMS and _LOOSE_LINK.search(text.words):
        yield _error(text, "{link} needs a space on both sides", "phones take what touches it as part of the link")
    if text.kind is Kind.EMAIL and links == 1 and not _LINK_ON_ITS_LINE.search(text.words):
        yield _error(text, "{link} must stand alone on its line", "it becomes the button")


def _reading(text: Text) -> Iterator[Problem]:
    if text.kind is Kind.SUBJECT:
        return
    # The sender's name is no sentence; a link ends one; a number or a name is read as one short word.
    spoken = text.words.removeprefix("{clinic}:").replace("{link}", "\n")
    if measure := readability.too_hard(_BRACED.sub("us", spoken), text.language):
        yield _warning(text, measure, "shorter words and sentences")


def _sms(text: Text, measurable: bool) -> Iterator[Problem]:
    if not text.words.startswith("{clinic}: "):
        yield _error(text, "must begin with '{clinic}: '", "people must see at once who writes")
    foreign = foreign_characters(text.words)
    for char in foreign:
        yield _error(text, f"{char} is not in GSM-7", _instead(char[1:2]))
    if foreign or not measurable:
        return
    cost = count(render(text.words, WORST_CASE, Channel.SMS))
    if cost.segments > 1:
        yield _error(
            text, f"takes {cost.units} characters at worst, {cost.units - 160} too many for one segment", "shorten it"
        )


def _instead(char: str) -> str:
    plain = to_gsm7(char)
    return f"{plain!r} is" if plain != char else "one such character cuts a text from 160 characters to 70"


def _error(text: Text, message: str, hint: str = "") -> Problem:
    return Problem(0, 0, text.where, message, hint)


def _warning(text: Text, message: str, hint: str = "") -> Problem:
    return Problem(0, 0, text.where, message, hint, Severity.WARNING)
