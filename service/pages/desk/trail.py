"""The audit: who read and changed what at this clinic. Looking into it is itself in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from datetime import time as wall_time
from urllib.parse import urlencode

from flask import Response, request, stream_with_context
from sqlalchemy import Connection
from werkzeug.wrappers import Response as AnyResponse
from wtforms import DateField, Form, SelectField
from wtforms.validators import Optional

from service.care.roles import Permission
from service.care.spreadsheet import row
from service.context import context
from service.pages.desk import forms, look
from service.pages.desk.door import Room, note
from service.pages.desk.look import Nav
from service.pages.desk.who import Who
from service.records import audit, patients, staff
from service.records.audit import Line, Search
from service.records.database import reading, run
from service.records.ids import row_id

room = Room("trail", Nav("Audit", "/desk/audit", Permission.AUDIT))

PAGE = 100
_PART = 1000
"""Lines of a download that are read at a time."""
_COMMAND_LINE = "command line"


class _Wanted(Form):
    person = SelectField("Person", validate_choice=False)
    action = forms.line("Action", 32, optional=True, placeholder="patient.read")
    patient = forms.line("Patient number", 255, optional=True)
    since = DateField("From", [Optional(), forms.in_our_time])
    until = DateField("To, and including", [Optional(), forms.in_our_time])


@dataclass(frozen=True, slots=True)
class _Found:
    form: _Wanted
    lines: list[Line]
    older: str | None
    """The query of the next page."""


@room.get("/audit", may=Permission.AUDIT)
def show(who: Who) -> AnyResponse:
    def work(connection: Connection) -> _Found:
        form, search = _asked(connection, who)
        lines = [] if search is None else audit.search(connection, who.clinic_id, search, _before(), PAGE + 1)
        note(connection, who, "audit.read", (search.subject if search else "") or "audit")
        older = _query(before=f"{lines[PAGE - 1].at.isoformat()} {lines[PAGE - 1].id}") if len(lines) > PAGE else None
        return _Found(form, lines[:PAGE], older)

    found = run(context().engine, work)
    return look.page(
        who,
        "audit.html",
        422 if found.form.errors else 200,
        form=found.form,
        lines=[(line, audit.name_of(line.actor)) for line in found.lines],
        older=found.older,
        csv=f"/desk/audit.csv?{_query()}",
    )


@room.get("/audit.csv", may=Permission.AUDIT)
def download(who: Who) -> AnyResponse:
    def work(connection: Connection) -> Search | None:
        note(connection, who, "audit.download", "audit")
        return _asked(connection, who)[1]

    search = run(context().engine, work)
    if search is None:
        return show(who)
    answer = Response(stream_with_context(_rows(who, search)), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = 'attachment; filename="audit.csv"'
    return answer


def _asked(connection: Connection, who: Who) -> tuple[_Wanted, Search | None]:
    """The form as it was filled in, and what it asks for; None where that cannot be read or leads nowhere."""
    form = _Wanted(request.args)
    people = [one.actor for one in staff.of_clinic(connection, context().sending.vault, who.clinic_id)]
    chosen = form.person.data or ""
    known = dict.fromkeys([*people, _COMMAND_LINE, *([chosen] if chosen else [])])
    form.person.choices = forms.options([("", "Anybody"), *((one, audit.name_of(one)) for one in known)])
    if not form.validate():
        return form, None
    subject = ""
    if form.patient.data:
        patient = patients.find(connection, context().sending.vault, who.clinic_id, form.patient.data)
        if patient is None:
            form.patient.errors = ["This clinic has no such patient."]
            return form, None
        subject = f"patient {patient.id}"
    until = form.until.data and form.until.data + timedelta(days=1)
    return form, Search(
        chosen.replace("\x00", ""), form.action.data or "", subject, _begins(who, form.since.data), _begins(who, until)
    )


def _begins(who: Who, day: date | None) -> datetime | None:
    """When a day begins at the clinic."""
    return None if day is None else datetime.combine(day, wall_time(), who.clinic.zone)


def _before() -> tuple[datetime, int] | None:
    """The cursor of this page; one that cannot be read begins at the newest."""
    at, _, number = request.args.get("before", "").rpartition(" ")
    moment, line = forms.moment(at), row_id(number)
    return None if moment is None or line is None else (moment, line)


def _query(**more: str) -> str:
    kept = {name: value for name, value in request.args.items() if name in _Wanted()._fields and value}
    return urlencode(kept | more)


def _rows(who: Who, search: Search) -> Iterator[str]:
    yield row(["at", "who", "action", "what"])
    before = None
    while True:
        with reading(context().engine) as connection:
            lines = audit.search(connection, who.clinic_id, search, before, _PART)
        for line in lines:
            yield row([line.at.isoformat(), line.actor, line.action, line.subject])
        if len(lines) < _PART:
            return
        before = (lines[-1].at, lines[-1].id)
