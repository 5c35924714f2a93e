"""The texts that belong to the service rather than to a step: answers to replies, alerts, the frame of an e-mail."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum

import yaml

from service.care.problems import Place, Problem, ProtocolProblems, placed
from service.care.text_rules import Kind, Text, check
from service.care.yaml_reader import Notes, Section, compose, section


class SystemText(StrEnum):
    """Every text of this kind."""

    AUTO_REPLY = "auto_reply"
    """To a reply that nothing else answers."""
    RED_FLAG = "red_flag"
    """To a patient whose answers or words raised an alert."""
    STOP_CONFIRM = "stop_confirm"
    """The one confirmation after an opt-out that the provider did not answer itself."""
    START_CONFIRM = "start_confirm"
    HELP = "help"
    WHICH_PATIENT = "which_patient"
    """To a phone that several patients share."""
    ALERT_NOTICE = "alert_notice"
    """To a clinician on call."""
    HOUSE_NOTICE = "house_notice"
    """The same to the clinic's own phone, which may be anybody's: an ACK from it would name nobody."""


_NEEDS: dict[SystemText, tuple[str, ...]] = {
    SystemText.AUTO_REPLY: ("{phone}", "{emerg}", "{hours}"),
    SystemText.RED_FLAG: ("{phone}", "{emerg}"),
    SystemText.STOP_CONFIRM: ("{phone}", "{emerg}", "START"),
    SystemText.START_CONFIRM: ("STOP",),
    SystemText.HELP: ("{phone}", "{emerg}", "STOP"),
    SystemText.WHICH_PATIENT: ("{phone}",),
    SystemText.ALERT_NOTICE: ("{link}", "ACK"),
    SystemText.HOUSE_NOTICE: ("{link}",),
}


@dataclass(frozen=True, slots=True)
class EmailFrame:
    """The words around every e-mail, and the one e-mail to clinicians."""

    button: str
    """The label of the link."""
    emergency: str
    """Stands above everything."""
    not_watched: str
    """Replies are not read around the clock."""
    why: str
    """Why the patient gets it."""
    unsubscribe: str
    """The label of the unsubscribe link."""
    alert_subject: str
    alert_body: str


@dataclass(frozen=True, slots=True)
class SystemMessages:
    """One language's system texts. Placeholders as in a protocol's words; render them with `rendering.render`."""

    language: str
    texts: Mapping[SystemText, str]
    email: EmailFrame


_EMAIL_KEYS = tuple(field.name for field in fields(EmailFrame))
_LANGUAGE = re.compile(r"[a-z]{2}(-[A-Z]{2})?")


def load_system_messages(text: str, source: str) -> SystemMessages:
    """The system texts in `text`. Raises ProtocolProblems, holding every problem, when there is any."""
    messages, problems, _ = _read(text)
    if messages is None:
        raise ProtocolProblems(source, problems)
    return messages


def check_system_messages(text: str) -> list[Problem]:
    """Everything wrong with a file of system texts, with line numbers: what cannot be read, else what lint finds."""
    messages, problems, places = _read(text)
    return problems if messages is None else placed(lint_system_messages(messages), places)


def lint_system_messages(messages: SystemMessages) -> list[Problem]:
    """Every rule that the words break. The same rules as a protocol's, at the same worst case."""
    return [problem for text in _texts(messages) for problem in check(text)]


def _texts(messages: SystemMessages) -> Iterator[Text]:
    for name, words in messages.texts.items():
        yield Text(f"messages.{name}", messages.language, Kind.SMS, words, _NEEDS[name])
    for key in _EMAIL_KEYS:
        kind = Kind.EMAIL if key == "alert_body" else Kind.SUBJECT
        needs = {"alert_body": ("{link}",), "emergency": ("{emerg}",)}.get(key, ())
        yield Text(f"email.{key}", messages.language, kind, getattr(messages.email, key), needs)


def _read(text: str) -> tuple[SystemMessages | None, list[Problem], dict[str, Place]]:
    notes = Notes()
    root = compose(text, notes)
    messages = _messages(root, notes) if root is not None else None
    problems = sorted(notes.problems, key=lambda problem: (problem.line, problem.column))
    return (None if problems else messages), problems, notes.places


def _messages(root: yaml.Node, notes: Notes) -> SystemMessages | None:
    top = section(root, "", notes, ("language", "messages", "email"))
    if top is None:
        return None
    language = top.word("language", _LANGUAGE, "two small letters: en, es", required=True)
    texts = _all(top.section("messages", tuple(SystemText), required=True), tuple(SystemText))
    email = _all(top.section("email", _EMAIL_KEYS, required=True), _EMAIL_KEYS)
    if language is None or texts is None or email is None:
        return None
    return SystemMessages(language, {SystemText(key): words for key, words in texts.items()}, EmailFrame(**email))


def _all(part: Section | None, keys: tuple[str, ...]) -> dict[str, str] | None:
    if part is None:
        return None
    found = {str(key): part.text(key, required=True) for key in keys}
    texts = {key: words for key, words in found.items() if words is not None}
    return texts if len(texts) == len(keys) else None
