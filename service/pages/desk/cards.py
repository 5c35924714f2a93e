"""What the cards of alerts and replies are made of (`cards.html`), on whichever page they lie."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from markupsafe import Markup
from sqlalchemy import Connection
from wtforms import Form

from service import time
from service.care import worklist
from service.care.lifecycle import SENTENCES, Channel
from service.pages.desk import forms
from service.pages.desk.who import Who
from service.records import audit
from service.records.inbox import Letter
from service.records.patients import Patient
from service.records.plans import zone
from service.records.worklist import Standing

PAGE = 20
"""Alerts on a page of their own."""


class Words(Form):
    """A note, or what came of something."""

    words = forms.lines("Note", 4000, rows="3")


def words(about: int | str, label: str, asked: Form | None = None) -> Form:
    """A form of one field, whose name is its own on a page of many cards; `asked` is shown again where it is given."""
    if asked is not None:
        return asked
    form = Words(prefix=f"{about}-")
    form.words.label.text = label
    return form


def asked_words(about: int | str) -> Words:
    """The same form as it was sent."""
    return forms.posted(Words, prefix=f"{about}-")


def values(who: Who) -> dict[str, Any]:
    """What `cards.html` asks for."""

    def there(patient: Patient | None) -> datetime | None:
        """The patient's time, where it is another than the clinic's."""
        if patient is None or patient.timezone is None:
            return None
        local, here = time.now().astimezone(zone(patient.timezone)), time.now().astimezone(who.clinic.zone)
        return None if local.utcoffset() == here.utcoffset() else local

    def at(moment: datetime) -> Markup:
        """The clinic's time, with the day where it is not today."""
        local, today = moment.astimezone(who.clinic.zone), time.now().astimezone(who.clinic.zone).date()
        year = f" {local.year}" if local.year != today.year else ""
        shown = f"{local:%H:%M}" if local.date() == today else f"{local:%a} {local.day} {local:%b}{year}, {local:%H:%M}"
        return Markup('<time datetime="{}">{}</time>').format(moment.isoformat(timespec="seconds"), shown)

    return {
        "at": at,
        "now": time.now(),
        "words": words,
        "there": there,
        "title_of": worklist.title_of,
        "read_as": worklist.read_as,
        "answer_named": worklist.answer_named,
        "said_by_rule": worklist.said_by_rule,
        "sentences": SENTENCES,
        "Channel": Channel,
        "source_of": source_of,
    }


def source_of(source: str | None) -> str:
    """Where something was said, for people: "reply 123" is a row of ours and tells them nothing."""
    if source is None:
        return ""
    kind, _, rest = source.partition(" ")
    return "by text or e-mail" if kind == "reply" else f"in {kind} {rest}" if kind == "survey" else source


def subjects(standings: Iterable[Standing], letters: Iterable[Letter], others: Iterable[Patient] = ()) -> list[str]:
    """The rows that a list shows something of, each once: for the audit."""
    found = [f"patient {one.patient.id}" for one in standings] + [f"patient {one.id}" for one in others]
    for letter in letters:
        theirs = [letter.patient] if letter.patient is not None else [*letter.candidates]
        found += [f"patient {one.id}" for one in theirs] or [f"reply {letter.id}"]
    return list(dict.fromkeys(found))


def listed(connection: Connection, who: Who, action: str, rows: list[str]) -> None:
    """A line in the audit for every patient and stranger on a list."""
    audit.note_all(connection, who.clinic_id, who.actor, action, rows, time.now())
