"""Sessions by file: a CSV is uploaded, its columns are given a meaning, every row is tried, and the good ones go in.

Trying and taking in are a worker's (`workers/importing.py`); the pages say what is to be done and show how far it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date

from flask import Response, request
from sqlalchemy import Connection
from werkzeug.wrappers import Response as AnyResponse

from service import time
from service.care import columns, sheet, sites, spreadsheet
from service.care import rows as rows_of
from service.care.columns import FIXED, LABELS, Columns, Field
from service.care.entering import Entry
from service.care.findings import Finding
from service.care.findings import page as page_of
from service.care.roles import Permission
from service.care.rows import House
from service.care.sheet import Sheet, Unreadable
from service.care.written_times import DateOrder, likely_order, read_date
from service.context import context
from service.pages.desk import forms, look
from service.pages.desk.door import Room, go, note
from service.pages.desk.look import Nav, Part
from service.pages.desk.patient_head import HOW, WORDING, ZONES
from service.pages.desk.who import Who
from service.records import imports, protocols
from service.records.database import reading, run
from service.records.imports import Import, Phase, TooMany

IMPORTS = "/desk/imports"
room = Room("imports", Nav("Imports", IMPORTS, Permission.PLAN))

SHOWN = 3
"""Rows of the file that are shown, so that somebody sees what a column holds."""
ROWS_A_PAGE = 50
LISTED = 30
_FORM_BYTES = 16 * 1024
"""What a form with a file in it takes beside the file."""
_PROTOCOL = "prolotherapy"
_ORDERS = {
    DateOrder.YEAR_FIRST: "Year, month, day: 2026-03-09",
    DateOrder.MONTH_FIRST: "Month, day, year: 03/09/2026",
    DateOrder.DAY_FIRST: "Day, month, year: 09/03/2026",
}
_SAMPLE = (
    "Patient,First name,Mobile,Email,Session date,Time,Body site,Side,Session number,Pain,Next session,Texts,"
    "Email consent,Consent date\r\n"
    "4711,Ana,(202) 555-0123,ana@mail.example,2026-03-09,14:05,knee,left,2,6,2026-04-06 14:00,yes,no,2026-02-02\r\n"
    "4712,Ben,+1 202 555 0124,,2026-03-09,2:45 pm,lower back,,1,7,,yes,no,2026-03-09\r\n"
)


@room.get("/imports", may=Permission.PLAN)
def show_all(who: Who) -> AnyResponse:
    return _list(who)


@room.get("/imports/sample.csv", may=Permission.PLAN)
def sample(_who: Who) -> AnyResponse:
    return _file("sessions.csv", _SAMPLE)


@room.post("/imports", may=Permission.PLAN, most_bytes=sheet.MOST_BYTES + _FORM_BYTES)
def upload(who: Who) -> AnyResponse:
    """Keep a file that can be read from end to end, with what its columns seem to say."""
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        return _list(who, "Choose a file.")
    content = sent.stream.read()
    try:
        file = sheet.read(content)
    except Unreadable as error:
        return _list(who, str(error))
    name = "".join(one for one in sent.filename if one.isprintable())[-120:]

    def work(connection: Connection) -> int:
        vault, now = context().sending.vault, time.now()
        mapping = _guessed(who, file, _usual(_protocols(connection, who))).as_json()
        made = imports.add(connection, vault, who.clinic_id, who.id, name, content, file.count, mapping, now)
        note(connection, who, "import.upload", f"import {made}")
        return made

    try:
        made = run(context().engine, work)
    except TooMany:
        return _list(who, f"There are {imports.MOST_OPEN} unfinished files already. Finish or discard one first.")
    return go(f"{IMPORTS}/{made}")


@room.get("/imports/<id:import_id>", may=Permission.PLAN)
def show(who: Who, import_id: int) -> AnyResponse:
    at = _get(who, import_id)
    if at.phase is Phase.MAPPING:
        return _columns(who, at, columns.from_json(at.mapping), {})
    return _shown(who, at)


@room.get("/imports/<id:import_id>/columns", may=Permission.PLAN)
def show_columns(who: Who, import_id: int) -> AnyResponse:
    """What the columns mean, once more."""
    at = _get(who, import_id)
    if at.phase not in imports.WAITS:
        return go(f"{IMPORTS}/{import_id}")
    return _columns(who, at, columns.from_json(at.mapping), {})


@room.post("/imports/<id:import_id>/columns", may=Permission.PLAN)
def check(who: Who, import_id: int) -> AnyResponse:
    """Let every row be tried."""
    at = _get(who, import_id)
    file = _content(at)
    if at.phase not in imports.WAITS or file is None:
        return _too_late(import_id)
    meant = columns.chosen(request.form, len(file.header))
    amiss = columns.amiss(meant)
    if amiss:
        return _columns(who, at, meant, amiss)

    def begin(connection: Connection) -> bool:
        return imports.begin_check(connection, who.clinic_id, import_id, meant.as_json(), time.now())

    return _begun(who, import_id, "import.check", begin)


@room.post("/imports/<id:import_id>/take", may=Permission.PLAN)
def take(who: Who, import_id: int) -> AnyResponse:
    """Let the good rows be taken in, as they were read on the page that was seen: another order of dates is another
    file."""
    _get(who, import_id)

    def begin(connection: Connection) -> bool:
        at = imports.get(connection, context().sending.vault, who.clinic_id, import_id, lock=True)
        if request.form.get("seen") != forms.mark(at.mapping):
            return False
        return imports.begin_taking(connection, who.clinic_id, import_id, time.now())

    return _begun(who, import_id, "import.take", begin)


@room.post("/imports/<id:import_id>/cancel", may=Permission.PLAN)
def cancel(who: Who, import_id: int) -> AnyResponse:
    _get(who, import_id)

    def end(connection: Connection) -> bool:
        return imports.cancel(connection, who.clinic_id, import_id, time.now())

    return _begun(who, import_id, "import.cancel", end)


@room.live("/imports/<id:import_id>/progress", may=Permission.PLAN)
def progress(who: Who, import_id: int) -> AnyResponse:
    """How far it is; when it got there, the page that says what came of it."""
    at = _get(who, import_id)
    if not at.is_at_work:
        return Response(status=204, headers={"HX-Redirect": f"{IMPORTS}/{import_id}"})
    return look.fresh(_progress(who, at))


@room.get("/imports/<id:import_id>/problems.csv", may=Permission.PLAN)
def download(who: Who, import_id: int) -> AnyResponse:
    """Every problem, to be worked off beside the file."""
    at = _get(who, import_id)
    with reading(context().engine) as connection:
        found = list(imports.found(connection, context().sending.vault, import_id))
    meant = columns.from_json(at.mapping)
    lines = [spreadsheet.row([str(one.row), _where(meant, one.field), one.sentence]) for one in found]
    return _file(f"problems-{import_id}.csv", "".join([spreadsheet.row(["Row", "Column", "Problem"]), *lines]))


def _get(who: Who, import_id: int) -> Import:
    with reading(context().engine) as connection:
        return imports.get(connection, context().sending.vault, who.clinic_id, import_id)


def _content(at: Import) -> Sheet | None:
    """The file, as long as it is kept."""
    with reading(context().engine) as connection:
        content = imports.content(connection, context().sending.vault, at.id)
    return None if content is None else sheet.read(content)


def _begun(who: Who, import_id: int, action: str, begin: Callable[[Connection], bool]) -> AnyResponse:
    """Do it, with its line in the audit, unless somebody was quicker."""

    def work(connection: Connection) -> bool:
        done = begin(connection)
        if done:
            note(connection, who, action, f"import {import_id}")
        return done

    if not run(context().engine, work):
        return _too_late(import_id)
    context().nudges.wake_clock()
    return go(f"{IMPORTS}/{import_id}")


def _too_late(import_id: int) -> AnyResponse:
    look.said("Somebody had gone on with it before you. This is how it stands.")
    return go(f"{IMPORTS}/{import_id}")


def _list(who: Who, wrong: str | None = None) -> AnyResponse:
    with reading(context().engine) as connection:
        recent = imports.of_clinic(connection, context().sending.vault, who.clinic_id, LISTED)
    return look.page(
        who,
        "imports.html",
        422 if wrong else 200,
        wrong=wrong,
        recent=recent,
        megabytes=sheet.MOST_BYTES // 1024**2,
        most_rows=sheet.MOST_ROWS,
        days=imports.KEPT_DAYS,
        hours=imports.WAITS_HOURS,
    )


def _columns(who: Who, at: Import, meant: Columns, amiss: Mapping[Field, str]) -> AnyResponse:
    """What the columns mean, to be chosen beside the first rows."""
    file = _content(at)
    if file is None:
        return go(f"{IMPORTS}/{at.id}")
    first = [row for row, _ in zip(file.rows(), range(SHOWN), strict=False)]

    def work(connection: Connection) -> list[str]:
        note(connection, who, "import.read", f"import {at.id}")
        return _protocols(connection, who)

    names = run(context().engine, work)
    place = meant.places.get(Field.ENDED_AT)
    date_in_first = first[0].cells[place] if place is not None and place < len(first[0].cells) else ""
    return look.page(
        who,
        "import_columns.html",
        422 if amiss else 200,
        at=at,
        file=file,
        first=first,
        meant=meant,
        amiss=amiss,
        labels=LABELS,
        Field=Field,
        fixed=FIXED,
        letter=sheet.letter,
        choices=_choices(names),
        zones=ZONES,
        orders=[(order, f"{words}{_as_read(date_in_first, order)}") for order, words in _ORDERS.items()],
        at_session=columns.AT_SESSION,
    )


def _protocols(connection: Connection, who: Who) -> list[str]:
    return sorted({one.name for one in protocols.of_clinic(connection, who.clinic_id)})


def _usual(names: list[str]) -> str:
    """The protocol that a file most likely means."""
    return _PROTOCOL if _PROTOCOL in names else names[0] if len(names) == 1 else ""


def _choices(names: list[str]) -> dict[Field, list[tuple[str, str]]]:
    """Where what holds for all rows is one of a list."""
    return {
        Field.SITE: [(one.value, one.value.replace("_", " ").capitalize()) for one in sites.Site],
        Field.PROTOCOL: [(one, one.replace("_", " ").capitalize()) for one in names],
        Field.LANGUAGE: list(look.LANGUAGE_NAMES.items()),
        Field.SOURCE: HOW,
        Field.SMS: [("yes", "Yes, everybody in this file")],
        Field.MAIL: [("yes", "Yes, everybody in this file")],
    }


def _as_read(written: str, order: DateOrder) -> str:
    """What the first row's date would be."""
    read = read_date(written, order) if written else None
    return f" (the first row is {_day(read[0])})" if read else " (does not fit the first row)" if written else ""


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def _guessed(who: Who, file: Sheet, protocol: str) -> Columns:
    """What the columns seem to say, and what is usual where none does."""
    places = columns.guess(file.header)
    dates = [what for what in (Field.ENDED_AT, Field.AGREED_AT, Field.NEXT) if what in places]
    guess = Columns(places)
    samples = [guess.said(row.cells, what) for row, _ in zip(file.rows(), range(200), strict=False) for what in dates]
    usual = {Field.PROTOCOL: protocol, Field.WORDING: WORDING, Field.SOURCE: HOW[0][0]}
    fixed = {what: value for what, value in usual.items() if what not in places}
    return Columns(places, fixed, likely_order(samples, month_first=who.clinic.emergency_number == "911"))


def _shown(who: Who, at: Import) -> AnyResponse:
    after = request.args.get("after", "")
    begins = int(after) if after.isascii() and after.isdigit() and len(after) < 10 else 0

    def work(connection: Connection) -> tuple[list[Finding], int | None]:
        note(connection, who, "import.read", f"import {at.id}")
        return page_of(imports.found(connection, context().sending.vault, at.id, begins), ROWS_A_PAGE)

    found, further = run(context().engine, work)
    meant = columns.from_json(at.mapping)
    return look.page(
        who,
        "import.html",
        at=at,
        progress=_progress(who, at) if at.is_at_work else None,
        read=_first_as_read(who, at, meant) if at.phase is Phase.CHECKED else [],
        found=[(one.row, _where(meant, one.field), one.sentence) for one in found],
        further=further,
        begins=begins,
        seen=forms.mark(at.mapping),
        days=imports.KEPT_DAYS,
        hours=imports.WAITS_HOURS,
    )


def _first_as_read(who: Who, at: Import, meant: Columns) -> list[tuple[int, Entry]]:
    """The first rows as they are understood: somebody sees whether the day is the day."""
    file = _content(at)
    if file is None:
        return []
    house = House(who.clinic.zone, who.clinic.emergency_number, time.now())
    read = ((row.number, _entry(row.cells, meant, house)) for row, _ in zip(file.rows(), range(200), strict=False))
    return [(number, entry) for number, entry in read if entry is not None][:SHOWN]


def _entry(cells: Sequence[str], meant: Columns, house: House) -> Entry | None:
    try:
        found = rows_of.read(cells, meant, house)
    except Exception:
        return None  # our mistake: the worker says so of this row, and the others are shown
    return found if isinstance(found, Entry) else None


def _progress(who: Who, at: Import) -> Part:
    return look.part(who, "import_progress.html", at=at)


def _where(meant: Columns, what: Field) -> str:
    """The column as somebody finds it in the spreadsheet."""
    place = meant.places.get(what)
    return LABELS[what] if place is None else f"{LABELS[what]} (column {sheet.letter(place)})"


def _file(name: str, text: str) -> Response:
    # With a mark in front: without it Excel would take the file for one of its old encodings.
    answer = Response("\ufeff" + text, content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
