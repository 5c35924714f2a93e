"""A draft being written: the file, what is wrong with it while it is typed, and what patients would get of it."""

from __future__ import annotations

from itertools import islice

from flask import request
from sqlalchemy import Connection
from werkzeug.wrappers import Response as AnyResponse
from wtforms import Form, HiddenField, SelectField, TextAreaField
from wtforms.validators import DataRequired, Length, ValidationError

from service import time
from service.care import dry_run, line_diff
from service.care.roles import Permission
from service.context import context
from service.pages.desk import forms, look, protocol_calendar, protocol_shown
from service.pages.desk.door import Room, go, note
from service.pages.desk.look import Part
from service.pages.desk.protocol_shown import DRAFTS, PROTOCOLS, Shown
from service.pages.desk.who import Who
from service.records import drafts
from service.records.database import reading, run
from service.records.drafts import Draft, Overtaken

room = Room("protocol_draft")

MOST_CHARACTERS = 40_000
"""Of a draft on the desk; a longer file comes in by the command."""
MOST_BYTES = 256 * 1024
"""Of the form: in it a character may take many."""
MOST_PROBLEMS = 30
MOST_WORDS = 14_000
"""Characters of texts and e-mails beside the file."""
MOST_ROWS = 200
"""Of the calendar beside the file."""
MOST_LINES = 200
"""Of the difference to what somebody else has saved."""


class _Text(Form):
    body = TextAreaField(
        "The file",
        [
            DataRequired("Fill this in."),
            Length(max=MOST_CHARACTERS, message=f"Use at most {MOST_CHARACTERS} characters."),
        ],
        filters=[lambda text: None if text is None else text.replace("\r\n", "\n").replace("\r", "\n")],
        render_kw={"rows": "28", "wrap": "off", "spellcheck": "false", "autocapitalize": "none", "autocomplete": "off"},
    )
    seen = HiddenField()
    lang = SelectField("Language of the preview", validate_choice=False)

    def validate_body(self, field: TextAreaField) -> None:
        if "\x00" in (field.data or ""):
            raise ValidationError("There are characters in it that nobody can read.")


@room.get("/protocols/drafts/<id:draft_id>", may=Permission.APPROVE)
def show(who: Who, draft_id: int) -> AnyResponse:
    draft = _get(who, draft_id)
    return _page(who, draft, _Text(body=draft.body, seen=draft.mark, lang=request.args.get("lang", who.clinic.locale)))


@room.post("/protocols/drafts/<id:draft_id>", may=Permission.APPROVE, most_bytes=MOST_BYTES)
def save(who: Who, draft_id: int) -> AnyResponse:
    """Save, or without scripts only check. Whoever saves over somebody else's words is shown them first."""
    form = forms.posted(_Text)
    if not form.validate() or "check" in request.form:
        return _page(who, _get(who, draft_id), form)
    body = form.body.data or ""

    def work(connection: Connection) -> Draft:
        saved = drafts.save(connection, who.clinic_id, draft_id, form.seen.data or "", body, who.name, time.now())
        note(connection, who, "protocol.edit", f"draft {draft_id}")
        return saved

    try:
        run(context().engine, work)
    except Overtaken as overtaken:
        # The next time they save it is over words that they have been shown.
        form.seen.process_data(overtaken.draft.mark)
        return _page(who, overtaken.draft, form, overtaken.draft)
    except LookupError:
        # Approved or thrown away meanwhile, or never theirs: either way they get their own words back.
        return look.page(who, "protocol_gone.html", 404, text=body)
    look.said("Saved. It counts for patients once it is approved.")
    return go(f"{DRAFTS}/{draft_id}")


@room.post("/protocols/drafts/<id:draft_id>/check", may=Permission.APPROVE, most_bytes=MOST_BYTES)
def check(who: Who, draft_id: int) -> AnyResponse:
    """What is wrong with the text as it stands in the box, while it is typed."""
    draft = _get(who, draft_id)
    form = forms.posted(_Text)
    form.validate()
    shown = protocol_shown.with_text(draft, (form.body.data or "")[:MOST_CHARACTERS])
    return look.fresh(_checked(who, shown, form, alone=True))


@room.post("/protocols/drafts/<id:draft_id>/discard", may=Permission.APPROVE)
def discard(who: Who, draft_id: int) -> AnyResponse:
    """What somebody saved since the page was opened stays: whoever throws it away has seen it."""

    def work(connection: Connection) -> Draft:
        note(connection, who, "protocol.discard", f"draft {draft_id}")
        return drafts.discard(connection, who.clinic_id, draft_id, request.form.get("seen", ""))

    try:
        gone = run(context().engine, work)
    except Overtaken as overtaken:
        look.said(f"{overtaken.draft.by} saved since you opened it, so it was not thrown away. This is how it stands.")
        return go(f"{DRAFTS}/{draft_id}")
    look.said(f"The draft of {gone.name} is thrown away.")
    return go(PROTOCOLS)


def _get(who: Who, draft_id: int) -> Draft:
    with reading(context().engine) as connection:
        return drafts.get(connection, who.clinic_id, draft_id)


def _page(who: Who, draft: Draft, form: _Text, theirs: Draft | None = None) -> AnyResponse:
    """The editor; `theirs` is what somebody saved since this text was opened."""
    text = form.body.data or ""
    shown = protocol_shown.with_text(draft, text[:MOST_CHARACTERS])
    return look.page(
        who,
        "protocol_edit.html",
        409 if theirs is not None else 422 if form.errors else 200,
        shown=shown,
        draft=draft,
        form=form,
        checked=_checked(who, shown, form),
        theirs=theirs,
        lines=[] if theirs is None else list(islice(line_diff.compare(theirs.body, text), MOST_LINES)),
        most=MOST_CHARACTERS,
    )


def _checked(who: Who, shown: Shown, form: _Text, alone: bool = False) -> Part:
    """The problems, the calendar and the preview; `alone`, it brings the line above them along."""
    protocol = shown.checked.protocol
    languages = (who.clinic.locale,) if protocol is None else protocol.languages
    language = languages[0] if protocol is None else dry_run.language_in(protocol, form.lang.data or "")
    form.lang.choices = forms.options((one, look.LANGUAGE_NAMES.get(one, one)) for one in languages)
    rows = [] if protocol is None else protocol_calendar.at_noon(who, protocol, language)
    bubbles, left = protocol_shown.bubbles(who, shown, language, MOST_WORDS)
    return look.part(
        who,
        "protocol_check.html",
        shown=shown,
        problems=shown.checked.problems[:MOST_PROBLEMS],
        more=len(shown.checked.problems) - MOST_PROBLEMS,
        source=shown.text.splitlines(),
        rows=rows[:MOST_ROWS],
        later=len(rows) - MOST_ROWS,
        remarks=dry_run.remarks,
        bubbles=bubbles,
        left=left,
        language=language,
        alone=alone,
    )
