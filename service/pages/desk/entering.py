"""One session, entered by hand: of a patient on record, or of somebody new.

It goes in by the same door as the clinic's own events. The form carries a number that was drawn with it, and the
session is named after that: pressed twice, or sent again by a reload, it is one session.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import request
from sqlalchemy import Connection
from werkzeug.wrappers import Response as AnyResponse
from wtforms import BooleanField, DateTimeLocalField, Form, HiddenField, SelectField
from wtforms.validators import InputRequired, Optional

from service import time
from service.care import sites
from service.care.columns import LABELS, Field
from service.care.contact import international_phone
from service.care.entering import SENTENCES, Entry, Person, Trouble, event_of, troubles
from service.care.lifecycle import Channel
from service.care.localtime import to_utc
from service.care.roles import Permission
from service.context import context
from service.pages.desk import forms, look
from service.pages.desk.door import Room, go, note, reads
from service.pages.desk.look import Nav
from service.pages.desk.patient_head import CHANNELS, HOW, PATIENTS, WORDING, ZONES
from service.pages.desk.who import Who
from service.records import audit, consents, patient_search, patients, protocols, sessions
from service.records.database import run
from service.records.patient_search import Wanted
from service.records.patients import Patient

room = Room("entering", Nav("New session", "/desk/sessions/new", Permission.PLAN))

_SITES = [(one.value, one.value.replace("_", " ").capitalize()) for one in sites.Site]
_SIDES = [("", "Neither, or both"), ("left", "Left"), ("right", "Right")]
_BOXES = {Channel.SMS: Field.SMS, Channel.EMAIL: Field.MAIL}


class _Search(Form):
    wanted = forms.line("Your number for them, their phone number, or their e-mail address", 254, autocomplete="off")


class _Session(Form):
    """What is asked for of everybody; the names are those of `Field`."""

    ended_at = DateTimeLocalField("When it ended, by your clock", [InputRequired("Fill this in."), forms.in_our_time])
    site = forms.choice(LABELS[Field.SITE], [("", "Choose one"), *_SITES])
    side = forms.choice(LABELS[Field.SIDE], _SIDES)
    number = forms.line(LABELS[Field.NUMBER], 3, optional=True, inputmode="numeric", autocomplete="off")
    pain = forms.choice(LABELS[Field.PAIN], [("", "Not asked"), *((str(one), str(one)) for one in range(11))])
    protocol = SelectField(LABELS[Field.PROTOCOL], validate_choice=False)
    next = DateTimeLocalField("Next session, if there is one", [Optional(), forms.in_our_time])
    sms = BooleanField("They agreed to texts")
    mail = BooleanField("They agreed to e-mail")
    source = forms.choice(LABELS[Field.SOURCE], HOW)
    wording = forms.lines(LABELS[Field.WORDING], 2000, optional=True, rows="3")
    agreed_at = DateTimeLocalField(LABELS[Field.AGREED_AT], [Optional(), forms.in_our_time])
    once = forms.once()
    drawn_at = HiddenField()

    def said_at(self) -> datetime:
        """When the form was drawn: what is sent twice must say the same twice."""
        return min(forms.moment(self.drawn_at.data) or time.now(), time.now())

    def name(self) -> str:
        """What the session is called."""
        return f"desk-{forms.number(self.once)}"


class _Newcomer(_Session):
    patient = forms.line(LABELS[Field.PATIENT], 128, optional=True, autocomplete="off")
    given_name = forms.line(LABELS[Field.GIVEN_NAME], 80, autocomplete="off")
    phone = forms.line(LABELS[Field.PHONE], 40, optional=True, type="tel", autocomplete="off")
    email = forms.line(LABELS[Field.EMAIL], 254, optional=True, type="email", autocomplete="off")
    language = forms.choice(LABELS[Field.LANGUAGE], look.LANGUAGE_NAMES.items())
    zone = forms.line(LABELS[Field.ZONE], 64, optional=True, list="zones", autocomplete="off")
    another = BooleanField("This is somebody else, who shares the number or address")


@dataclass(frozen=True, slots=True)
class _Came:
    """What came of a form that makes sense."""

    patient_id: int | None
    """Whose page is to be shown; None: the form once more, with its errors."""
    again: bool = False


@room.get("/sessions/new", may=Permission.PLAN)
def show_new(who: Who) -> AnyResponse:
    fresh = {**_fresh(who), "language": who.clinic.locale[:2]}
    return _page(who, _Newcomer(data=fresh), None)


@room.post("/sessions/find", may=Permission.PLAN)
def find(who: Who) -> AnyResponse:
    """To the form of the one who was found. A POST: what is looked for must stand in no address."""
    search = forms.posted(_Search)
    form = _Newcomer(data={**_fresh(who), "language": who.clinic.locale[:2]})
    if not search.validate():
        return _page(who, form, None, search=search)
    wanted = search.wanted.data or ""

    def work(connection: Connection) -> list[Patient]:
        known = _known(connection, who, wanted, wanted)
        note(connection, who, "patient.find", "patients")
        listed = [f"patient {one.id}" for one in known]
        audit.note_all(connection, who.clinic_id, who.actor, "patient.listed", listed, time.now())
        return known

    known = run(context().engine, work)
    if len(known) == 1:
        return go(f"{PATIENTS}/{known[0].id}/session")
    return _page(who, form, None, search=search, known=known)


@room.post("/sessions/new", may=Permission.PLAN)
def enter_new(who: Who) -> AnyResponse:
    form = forms.posted(_Newcomer)
    if not _makes_sense(who, form):
        return _page(who, form, None)
    name = form.name()
    asked = form.patient.data or name

    came = run(context().engine, lambda connection: _looked_up(connection, who, form, name, asked))
    if came.patient_id is not None or form.errors:
        return _after(who, form, None, came)
    phone = form.phone.data or ""
    person = Person(
        asked,
        form.given_name.data or "",
        international_phone(phone, who.clinic.emergency_number) or phone,
        form.email.data or "",
        form.zone.data or "",
        form.language.data or "",
    )
    entry = _entry(who, form, name, person, _agreed(who, form))
    return _after(who, form, None, _post(who, form, entry))


@room.get("/patients/<id:patient_id>/session", may=Permission.PLAN)
def show_another(who: Who, patient_id: int) -> AnyResponse:
    return _page(who, _Session(data=_fresh(who)), patient_id)


@room.post("/patients/<id:patient_id>/session", may=Permission.PLAN)
def enter_another(who: Who, patient_id: int) -> AnyResponse:
    form = forms.posted(_Session)

    def read(connection: Connection) -> tuple[Patient, dict[str, dict[str, str]]]:
        patient = reads(connection, who, patient_id)
        return patient, _on_record(connection, patient)

    patient, consent = run(context().engine, read)
    if not _makes_sense(who, form):
        return _page(who, form, patient_id)
    person = Person(patient.external_id, patient.given_name or "", patient.phone or "", patient.email or "")
    entry = _entry(who, form, form.name(), person, {**consent, **_agreed(who, form)})
    return _after(who, form, patient_id, _post(who, form, entry))


def _looked_up(connection: Connection, who: Who, form: _Newcomer, name: str, asked: str) -> _Came:
    """Whether somebody new is new, and the form as well."""
    vault, in_the_way = context().sending.vault, {}
    namesake = patients.find(connection, vault, who.clinic_id, asked)
    if namesake is not None and namesake.erased_at is None:
        in_the_way["patient"] = "You have a patient of this number. Find them above, and enter it there."
    elif not form.another.data and _known(connection, who, form.phone.data or "", form.email.data or ""):
        in_the_way["another"] = "A patient of yours has this number or address. Find them above, or tick this."
    # Asked last: what is in the way may be what the first press of this very form has just brought.
    if there := sessions.find(connection, who.clinic_id, name):
        return _Came(there.patient_id, again=True)
    for field, sentence in in_the_way.items():
        form[field].errors = [sentence]
    return _Came(None)


def _makes_sense(who: Who, form: _Session) -> bool:
    form.validate()
    if not form.agreed_at.errors and form.agreed_at.data and _moment(who, form.agreed_at.data) > time.now():
        form.agreed_at.errors = [SENTENCES[Field.AGREED_AT]]
    if not form.site.data:
        form.site.errors = ["Choose one."]
    number = form.number.data or ""
    if number and not (number.isascii() and number.isdigit() and 1 <= int(number) <= 100):
        form.number.errors = [SENTENCES[Field.NUMBER]]
    if (form.sms.data or form.mail.data) and not form.wording.data:
        form.wording.errors = ["Write down what they agreed to."]
    return not form.errors


def _entry(who: Who, form: _Session, name: str, person: Person, consent: dict[str, dict[str, str]]) -> Entry:
    assert form.ended_at.data is not None
    return Entry(
        session=name,
        person=person,
        ended_at=_moment(who, form.ended_at.data),
        site=f"{form.side.data or ''} {form.site.data}".strip(),
        number=int(form.number.data) if form.number.data else None,
        pain=int(form.pain.data) if form.pain.data else None,
        protocol=form.protocol.data or "",
        next_session_at=None if form.next.data is None else _moment(who, form.next.data),
        consent=consent,
    )


def _moment(who: Who, wall: datetime) -> datetime:
    return to_utc(wall.date(), wall.time(), who.clinic.zone)


def _agreed(who: Who, form: _Session) -> dict[str, dict[str, str]]:
    """The consent that is ticked, as events have it."""
    at = form.said_at() if form.agreed_at.data is None else _moment(who, form.agreed_at.data)
    word = {
        "at": at.isoformat(),
        "wording": " ".join((form.wording.data or "").split()),
        "source": f"{form.source.data}, noted by {who.name}",
    }
    return {one.value: word for one, box in _BOXES.items() if form[box.value].data}


def _on_record(connection: Connection, patient: Patient) -> dict[str, dict[str, str]]:
    """What the patient said of each channel last: an event of a session repeats it, and the ledger keeps it once."""
    said = {}
    for line in consents.ledger(connection, patient.id):
        at, channel = line["at"].isoformat(), Channel(line["channel"])
        if line["action"] == "revoked":
            said[channel.value] = {"withdrawn_at": at, "source": line["source"]}
        elif patient.address(channel):
            said[channel.value] = {"at": at, "wording": line["wording"], "source": line["source"]}
    return said


def _known(connection: Connection, who: Who, phone: str, text: str) -> list[Patient]:
    """The clinic's patients who are reached there, or whose number that is."""
    international = international_phone(phone, who.clinic.emergency_number) if phone else None
    return patient_search.find(connection, context().sending.vault, who.clinic_id, Wanted(text, international))


def _post(who: Who, form: _Session, entry: Entry) -> _Came:
    """Take it in as an event of the clinic's, with its line in the audit."""
    vault = context().sending.vault
    found: list[int] = []

    def also(connection: Connection) -> None:
        patient = patients.find(connection, vault, who.clinic_id, entry.person.id)
        assert patient is not None
        found[:] = [patient.id]
        note(connection, who, "session.enter", f"patient {patient.id}")

    status, answer = context().events(
        who.clinic_id, f"desk {entry.session}", json.dumps(event_of(entry)).encode(), also
    )
    if status < 400:
        return _Came(found[0])
    if answer.get("title") == "Key reused":
        there = run(context().engine, lambda c: sessions.find(c, who.clinic_id, entry.session))
        return _Came(None if there is None else there.patient_id, again=True)
    for trouble in troubles(answer):
        _put(form, trouble)
    return _Came(None)


def _put(form: _Session, trouble: Trouble) -> None:
    """The sentence at its field; at the first where this form has no such field."""
    name = trouble.field.value if trouble.field.value in form else "ended_at"
    form[name].errors = [trouble.sentence]


def _after(who: Who, form: _Session, patient_id: int | None, came: _Came) -> AnyResponse:
    if came.patient_id is None:
        return _page(who, form, patient_id)
    if came.again:
        look.said("This form was entered before. Nothing was changed now.")
    else:
        look.said("Entered. What is planned stands under Coming.")
    return go(f"{PATIENTS}/{came.patient_id}")


def _fresh(who: Who) -> dict[str, Any]:
    """What a form begins with: the session has just ended."""
    now = time.now()
    return {
        "ended_at": now.astimezone(who.clinic.zone).replace(second=0, microsecond=0, tzinfo=None),
        "protocol": "prolotherapy",
        "wording": WORDING,
        "drawn_at": now.isoformat(),
    }


def _page(
    who: Who,
    form: _Session,
    patient_id: int | None,
    *,
    search: _Search | None = None,
    known: list[Patient] | None = None,
) -> AnyResponse:
    def work(connection: Connection) -> dict[str, Any]:
        names = sorted({one.name for one in protocols.of_clinic(connection, who.clinic_id)})
        patient = None if patient_id is None else reads(connection, who, patient_id)
        said = {} if patient is None else _on_record(connection, patient)
        return {
            "names": names,
            "patient": patient,
            "agreed": [CHANNELS[one] for one in Channel if "at" in said.get(one.value, {})],
        }

    values = run(context().engine, work)
    form.protocol.choices = forms.options((one, one.replace("_", " ").capitalize()) for one in values["names"])
    wrong = bool(form.errors or (search is not None and search.errors))
    return look.page(
        who, "session_new.html", 422 if wrong and request.method == "POST" else 200,
        form=form, search=search or _Search(), searched=known is not None, known=known or [], zones=ZONES, **values,
    )  # fmt: skip
