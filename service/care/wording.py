"""Lint a whole protocol: every text on its own, and what only shows when they are seen together."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from service.care.lifecycle import Channel
from service.care.problems import Place, Problem, Severity, placed
from service.care.protocol import Protocol, Send, Step, Wording
from service.care.text_rules import Kind, Text, check

HELP_WORDS = {"en": "HELP", "es": "AYUDA"}
"""The word that a patient replies with for help, by language; HELP where there is no other."""

_PROMISE = {"en": re.compile(r"up to ([0-9]+)", re.IGNORECASE), "es": re.compile(r"hasta ([0-9]+)", re.IGNORECASE)}


def lint(protocol: Protocol, places: Mapping[str, Place] | None = None) -> list[Problem]:
    """Every rule that the protocol's words break, errors and warnings.

    `places` (from `protocol_file.read`) puts line numbers to them; without it they carry 0.
    """
    problems = [*_missing(protocol), *_unused(protocol), *_promise(protocol)]
    for text in _texts(protocol):
        problems.extend(check(text))
    return placed(dict.fromkeys(problems), places or {})


def most_texts(protocol: Protocol) -> int:
    """The most SMS that one session can give rise to: every step due, every reminder needed."""
    return sum(send.channel is Channel.SMS for step in protocol.steps for send in step.sends)


def _texts(protocol: Protocol) -> Iterator[Text]:
    first = _first_text(protocol)
    reminders_seen: set[tuple[str, Wording]] = set()
    for step in protocol.steps:
        for language, wording in step.words.items():
            needs = ["{link}", "STOP"] if step.survey else []
            if step is first:
                needs += ["STOP", HELP_WORDS.get(language.split("-", 1)[0], "HELP")]
            yield from _of(f"steps.{step.id}.words.{language}", language, wording, tuple(dict.fromkeys(needs)))
        for language, wording in step.reminder_words.items():
            # Most steps share the protocol's reminder words: say once what is wrong with them.
            if (language, wording) not in reminders_seen:
                reminders_seen.add((language, wording))
                where = _reminder_where(protocol, step, language)
                yield from _of(where, language, wording, ("{link}", "STOP"))


def _of(where: str, language: str, wording: Wording, sms_needs: tuple[str, ...]) -> Iterator[Text]:
    if wording.sms is not None:
        yield Text(f"{where}.sms", language, Kind.SMS, wording.sms, sms_needs)
    if wording.subject is not None:
        yield Text(f"{where}.subject", language, Kind.SUBJECT, wording.subject)
    if wording.email is not None:
        needs = tuple(need for need in sms_needs if need == "{link}")
        yield Text(f"{where}.email", language, Kind.EMAIL, wording.email, needs)


def _missing(protocol: Protocol) -> Iterator[Problem]:
    for step in protocol.steps:
        for language in protocol.languages:
            first_sends = [send for send in step.sends if not send.suffix]
            needed = _parts(first_sends) | (_parts([Send(Channel.EMAIL)]) if step.fallback_to_email else set())
            yield from _lacks(f"steps.{step.id}.words", step.words, language, needed)
            reminders = [send for send in step.sends if send.suffix]
            if reminders and step.reminder_words:
                where = f"steps.{step.id}.reminder_words"
                yield from _lacks(where, step.reminder_words, language, _parts(reminders))
            elif reminders:
                yield from _lacks(f"steps.{step.id}.words", step.words, language, _parts(reminders))


def _lacks(where: str, words: Mapping[str, Wording], language: str, needed: set[str]) -> Iterator[Problem]:
    wording = words.get(language, Wording())
    for part in sorted(part for part in needed if getattr(wording, part) is None):
        yield Problem(0, 0, f"{where}.{language}", f"{part} is missing in {language!r}", "write it in every language")


def _parts(sends: list[Send]) -> set[str]:
    channels = {send.channel for send in sends}
    return ({"sms"} if Channel.SMS in channels else set()) | (
        {"subject", "email"} if Channel.EMAIL in channels else set()
    )


def _unused(protocol: Protocol) -> Iterator[Problem]:
    for step in protocol.steps:
        sends = [send for send in step.sends if not send.suffix or not step.reminder_words]
        used = _parts(sends) | (_parts([Send(Channel.EMAIL)]) if step.fallback_to_email else set())
        for language, wording in step.words.items():
            for part in ("sms", "subject", "email"):
                if getattr(wording, part) is not None and part not in used:
                    where = f"steps.{step.id}.words.{language}.{part}"
                    hint = "name the channel in 'send', or take the words out"
                    yield Problem(0, 0, where, "is never sent", hint, Severity.WARNING)


def _promise(protocol: Protocol) -> Iterator[Problem]:
    first = _first_text(protocol)
    if first is None:
        return
    most = most_texts(protocol)
    for language, wording in first.words.items():
        promise = _PROMISE.get(language.split("-", 1)[0])
        if promise is None or wording.sms is None:
            continue
        where = f"steps.{first.id}.words.{language}.sms"
        promised = promise.search(wording.sms)
        if promised is None:
            yield Problem(0, 0, where, "does not say how many texts to expect", f"such as: up to {most} (es: hasta)")
        elif int(promised.group(1)[:6]) < most:
            message = f"promises {promised.group(1)[:6]} texts at most; the protocol may send {most}"
            yield Problem(0, 0, where, message, "raise the number, or send fewer texts")


def _first_text(protocol: Protocol) -> Step | None:
    texting = [step for step in protocol.steps if any(send.channel is Channel.SMS for send in step.sends)]
    return min(texting, key=lambda step: step.roughly_after, default=None)


def _reminder_where(protocol: Protocol, step: Step, language: str) -> str:
    sharing = [other for other in protocol.steps if other.reminder_words.get(language) is step.reminder_words[language]]
    return f"reminder_words.{language}" if len(sharing) > 1 else f"steps.{step.id}.reminder_words.{language}"
