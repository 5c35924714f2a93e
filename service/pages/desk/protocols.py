"""Protocols: what is sent to this clinic's patients, and when. To read, and to begin a draft from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import abort, request
from sqlalchemy import Connection
from werkzeug.wrappers import Response as AnyResponse
from wtforms import Field, Form
from wtforms.validators import ValidationError

from service import time
from service.care import dry_run, protocol_words
from service.care.protocol_file import NAME, NAME_HINT, renamed
from service.care.roles import Permission
from service.care.surveys import Kind, questions_for
from service.context import context
from service.pages import look as patients_look
from service.pages import questions
from service.pages.desk import forms, look, protocol_shown
from service.pages.desk.door import Room, go, note
from service.pages.desk.look import Nav
from service.pages.desk.protocol_calendar import Trial, trial
from service.pages.desk.protocol_shown import DRAFTS, MOST_LINES, PROTOCOLS, Base, Shown
from service.pages.desk.who import Who
from service.records import drafts, protocols
from service.records.database import reading, run
from service.records.drafts import Draft, NameTaken
from service.records.library import library, shipped
from service.records.protocols import Version

room = Room("protocols", Nav("Protocols", PROTOCOLS, Permission.READ))

MOST_EARLIER = 30
"""Earlier versions of a protocol that are listed."""
MOST_STEPS = 60
MOST_WORDS = 36_000
"""Characters of texts and e-mails on one page."""

Find = Callable[[Connection, Who, int], Shown]


class Copy(Form):
    """The name of a draft."""

    name = forms.line("Name of the draft", 31, autocapitalize="none", spellcheck="false")

    def validate_name(self, field: Field) -> None:
        if not NAME.fullmatch(field.data or ""):
            raise ValidationError(f"Use {NAME_HINT}.")


@dataclass(frozen=True, slots=True)
class _Family:
    """The versions of one name, newest first."""

    name: str
    in_force: Version | None
    waiting: tuple[Version, ...]
    """Stored, newer than the one in force, and approved by nobody."""
    earlier: tuple[Version, ...]


@room.get("/protocols", may=Permission.READ)
def show(who: Who) -> AnyResponse:
    return _list(who)


@room.post("/protocols/shipped/<shipped_name>/copy", may=Permission.APPROVE)
def copy_shipped(who: Who, shipped_name: str) -> AnyResponse:
    text = shipped().get(shipped_name)
    if text is None:
        abort(404)
    return _copied(who, text, lambda form: _list(who, form))


@room.get("/protocols/surveys/<survey_name>", may=Permission.READ)
def survey(who: Who, survey_name: str) -> AnyResponse:
    """A survey as the phone shows it, with every question and sign it can have. Nothing can be sent."""
    found = library().surveys.get(survey_name)
    if found is None:
        abort(404)
    language = patients_look.language_for(who.clinic.locale)
    asked = questions_for(found, frozenset(), True, 0)
    return patients_look.page(
        "survey_look.html",
        200,
        language,
        who.clinic,
        title=found.title[language],
        kinds=Kind,
        questions=[questions.shown(one, asked, {}, None, language) for one in asked],
        back=PROTOCOLS,
    )


@room.get("/protocols/<id:protocol_id>", may=Permission.READ)
def show_version(who: Who, protocol_id: int) -> AnyResponse:
    return _in_words(who, protocol_shown.of_version, protocol_id)


@room.post("/protocols/<id:protocol_id>/copy", may=Permission.APPROVE)
def copy_version(who: Who, protocol_id: int) -> AnyResponse:
    shown = _found(who, protocol_shown.of_version, protocol_id)
    return _copied(who, shown.text, lambda form: _in_words(who, protocol_shown.of_version, protocol_id, form))


@room.get("/protocols/<id:protocol_id>/phone", may=Permission.READ)
def version_on_the_phone(who: Who, protocol_id: int) -> AnyResponse:
    return _on_the_phone(who, protocol_shown.of_version, protocol_id)


@room.get("/protocols/<id:protocol_id>/calendar", may=Permission.READ)
def version_calendar(who: Who, protocol_id: int) -> AnyResponse:
    return _calendar(who, protocol_shown.of_version, protocol_id)


@room.get("/protocols/<id:protocol_id>/file", may=Permission.READ)
def version_file(who: Who, protocol_id: int) -> AnyResponse:
    shown = _found(who, protocol_shown.of_version, protocol_id)
    lines = shown.text.splitlines()
    return look.page(who, "protocol_file.html", shown=shown, lines=lines[:MOST_LINES], left=len(lines) - MOST_LINES)


@room.get("/protocols/<id:protocol_id>/changes", may=Permission.READ)
def version_changes(who: Who, protocol_id: int) -> AnyResponse:
    return _changes(who, protocol_shown.of_version, protocol_id)


@room.get("/protocols/drafts/<id:draft_id>/words", may=Permission.READ)
def draft_in_words(who: Who, draft_id: int) -> AnyResponse:
    return _in_words(who, protocol_shown.of_draft, draft_id)


@room.get("/protocols/drafts/<id:draft_id>/phone", may=Permission.READ)
def draft_on_the_phone(who: Who, draft_id: int) -> AnyResponse:
    return _on_the_phone(who, protocol_shown.of_draft, draft_id)


@room.get("/protocols/drafts/<id:draft_id>/calendar", may=Permission.READ)
def draft_calendar(who: Who, draft_id: int) -> AnyResponse:
    return _calendar(who, protocol_shown.of_draft, draft_id)


@room.get("/protocols/drafts/<id:draft_id>/changes", may=Permission.READ)
def draft_changes(who: Who, draft_id: int) -> AnyResponse:
    return _changes(who, protocol_shown.of_draft, draft_id)


def _found(who: Who, find: Find, row: int) -> Shown:
    with reading(context().engine) as connection:
        return find(connection, who, row)


def _list(who: Who, form: Copy | None = None) -> AnyResponse:
    with reading(context().engine) as connection:
        families = _families(protocols.of_clinic(connection, who.clinic_id))
        begun = drafts.of_clinic(connection, who.clinic_id)
    return look.page(
        who,
        "protocols.html",
        200 if form is None else 422,
        families=families,
        drafts=begun,
        shipped=shipped(),
        form=form,
        copy=Copy,
        most=MOST_EARLIER,
        surveys=library().surveys,
    )


def _families(versions: list[Version]) -> list[_Family]:
    found = []
    for name in sorted({one.name for one in versions}):
        mine = [one for one in reversed(versions) if one.name == name]
        in_force = next((one for one in mine if one.approved_at is not None), None)
        after = 0 if in_force is None else in_force.version
        waiting = tuple(one for one in mine if one.approved_at is None and one.version > after)
        earlier = tuple(one for one in mine if one.version < after)
        found.append(_Family(name, in_force, waiting, earlier))
    return found


def _copied(who: Who, text: str, again: Callable[[Copy], AnyResponse]) -> AnyResponse:
    form = forms.posted(Copy)
    if not form.validate():
        return again(form)
    name = form.name.data or ""

    def work(connection: Connection) -> Draft:
        made = drafts.add(connection, who.clinic_id, name, renamed(text, name), who.name, time.now())
        note(connection, who, "protocol.draft", f"draft {made.id}")
        return made

    try:
        made = run(context().engine, work)
    except NameTaken as taken:
        form.name.errors = [
            f"{taken.draft.by} has a draft of that name under way. Open that one, or take another name."
        ]
        return again(form)
    look.said("The draft is yours to change. Patients get nothing of it until it is approved.")
    return go(f"{DRAFTS}/{made.id}")


def _in_words(who: Who, find: Find, row: int, form: Copy | None = None) -> AnyResponse:
    shown = _found(who, find, row)
    protocol = shown.checked.protocol
    titles = {one.id: one.title["en"] for one in library().surveys.values()}
    steps = [] if protocol is None else protocol_words.steps(protocol, titles)
    asked = library().common.questions
    return look.page(
        who,
        "protocol_words.html",
        200 if form is None else 422,
        shown=shown,
        steps=steps[:MOST_STEPS],
        left=len(steps) - MOST_STEPS,
        surveys=library().surveys,
        rules=[(one, protocol_words.rule(one, asked)) for one in library().rules_for(shown.name)],
        form=form or Copy(name=shown.name),
    )


def _on_the_phone(who: Who, find: Find, row: int) -> AnyResponse:
    shown = _found(who, find, row)
    protocol = shown.checked.protocol
    language = "" if protocol is None else dry_run.language_in(protocol, request.args.get("lang", who.clinic.locale))
    bubbles, left = protocol_shown.bubbles(who, shown, language, MOST_WORDS)
    return look.page(
        who,
        "protocol_phone.html",
        shown=shown,
        language=language,
        bubbles=bubbles,
        left=left,
        surveys=library().surveys,
    )


def _calendar(who: Who, find: Find, row: int) -> AnyResponse:
    shown = _found(who, find, row)
    form, rows = (None, None) if shown.checked.protocol is None else trial(who, shown.checked.protocol)
    return look.page(
        who,
        "protocol_calendar.html",
        422 if form is not None and form.errors else 200,
        shown=shown,
        form=form,
        rows=rows,
        remarks=dry_run.remarks,
        zones=Trial.ZONES,
    )


def _changes(who: Who, find: Find, row: int) -> AnyResponse:
    with reading(context().engine) as connection:
        shown = find(connection, who, row)
        others = [
            one
            for one in protocols.of_clinic(connection, who.clinic_id)
            if one.name == shown.name and (shown.version is None or one.id != shown.version.id)
        ]
        base = _chosen(connection, who, shown, others)
    lines, is_cut = protocol_shown.difference(base, shown)
    return look.page(
        who,
        "protocol_changes.html",
        shown=shown,
        others=others[: -MOST_EARLIER - 1 : -1],
        base=base,
        has_shipped=shown.name in shipped(),
        lines=lines,
        is_cut=is_cut,
        weaker=protocol_shown.weaker(shown, base),
    )


def _chosen(connection: Connection, who: Who, shown: Shown, others: list[Version]) -> Base | None:
    """What the address asks for; else the version before this one, or what a draft would take the place of."""
    against = request.args.get("against", "")
    if against == "shipped":
        return protocol_shown.shipped_base(shown.name)
    named = next((one for one in others if str(one.id) == against), None)
    if named is None and shown.version is not None:
        named = next((one for one in reversed(others) if one.version < shown.version.version), None)
    if named is not None:
        return protocol_shown.base_on(connection, named)
    return protocol_shown.base_of(connection, who, shown)
