"""Who is told of alerts: in which order, how soon after one another, and whether messages really reach them."""

from __future__ import annotations

from typing import Any

from flask import request
from sqlalchemy import Connection
from werkzeug.wrappers import Response as AnyResponse
from wtforms import BooleanField, Form, HiddenField, IntegerField
from wtforms.validators import InputRequired

from service import time
from service.care import own_ladders
from service.care.contact import international_phone
from service.care.escalation import Ladder
from service.care.lifecycle import SENTENCES, Channel
from service.care.own_ladders import BOUNDS, ladders_of
from service.care.roles import Permission
from service.context import context
from service.pages.desk import forms, look
from service.pages.desk.door import Room, go, note
from service.pages.desk.who import Who
from service.records import alert_notices, clinics, contact_tests, contacts
from service.records.contacts import Contact, LastContact
from service.records.database import reading, run

HERE = "/desk/settings/contacts"
room = Room("settings_contacts")

MOST_CONTACTS = 30
"""All of them are told of an alert that nobody takes on."""
_MEANWHILE = "Somebody changed this after you opened it. Here it is as it stands now; nothing was saved."
_WAYS = {Channel.SMS: "Phone", Channel.EMAIL: "E-mail"}


class _Contact(Form):
    name = forms.line("Name", autocomplete="off")
    phone = forms.line("Mobile phone", 24, optional=True, type="tel", autocomplete="off")
    email = forms.line("E-mail", 254, optional=True, type="email", autocomplete="off")
    on_call = BooleanField("On call: told at once of every emergency, and of what is urgent while you are closed")


class _Known(_Contact):
    """One who is on record already."""

    seen = HiddenField()


class _Code(Form):
    code = forms.line("Code from the test message", 12, inputmode="numeric", autocomplete="off")


class _Times(Form):
    emergency_joins = forms.line("The next one after (minutes)", 60)
    emergency_repeat = IntegerField("Then everybody again every (minutes)", [InputRequired("Fill this in.")])
    urgent_joins = forms.line("The next one after (minutes)", 60)
    urgent_repeat = IntegerField("Then everybody again every (minutes)", [InputRequired("Fill this in.")])
    seen = HiddenField()


@room.get("/settings/contacts", may=Permission.MANAGE)
def show(who: Who) -> AnyResponse:
    return _list(who)


@room.post("/settings/contacts", may=Permission.MANAGE)
def add(who: Who) -> AnyResponse:
    form = forms.posted(_Contact)
    if not form.validate():
        return _list(who, form)

    def work(connection: Connection) -> Contact:
        vault = context().sending.vault
        clinics.lock(connection, who.clinic_id)
        if len(contacts.of_clinic(connection, vault, who.clinic_id)) >= MOST_CONTACTS:
            raise ValueError(f"{MOST_CONTACTS} people are told already: remove one first")
        made = contacts.add(
            connection, vault, who.clinic_id, *_addresses(who, form), time.now(), on_call=form.on_call.data
        )
        note(connection, who, "contact.add", f"contact {made.id}")
        return made

    try:
        made = run(context().engine, work)
    except ValueError as error:
        return _list(who, form, forms.sentence(error))
    look.said("Added, as the last to be told. Now send a test, so that you know it arrives.")
    return go(f"{HERE}/{made.id}")


@room.post("/settings/contacts/times", may=Permission.MANAGE)
def set_times(who: Who) -> AnyResponse:
    """The clinic's ladders; what rings already follows them where that is sooner."""
    form = forms.posted(_Times)
    ladders = _read_times(form) if form.validate() else None
    if ladders is None:
        return _list(who, times=form)
    here = context()

    def work(connection: Connection) -> bool:
        clinics.lock(connection, who.clinic_id)
        if form.seen.data != forms.mark(clinics.get(connection, who.clinic_id).escalation):
            return False
        clinic = clinics.change(connection, who.clinic_id, {"escalation": ladders})
        alert_notices.follow_ladders(connection, clinic, time.now())
        note(connection, who, "contact.times", f"clinic {who.clinic_id}")
        return True

    if not run(here.engine, work):
        return _list(who, wrong="Somebody changed these times after you opened them. Nothing was saved.", status=422)
    here.nudges.wake_clock()
    look.said("Saved. Alerts that ring now follow it from their next round.")
    return go(HERE)


@room.get("/settings/contacts/<id:contact_id>", may=Permission.MANAGE)
def show_one(who: Who, contact_id: int) -> AnyResponse:
    return _one(who, contact_id)


@room.post("/settings/contacts/<id:contact_id>", may=Permission.MANAGE)
def change(who: Who, contact_id: int) -> AnyResponse:
    form = forms.posted(_Known)
    if not form.validate():
        return _one(who, contact_id, form)

    def work(connection: Connection) -> bool:
        vault = context().sending.vault
        known = _mark(contacts.get(connection, vault, who.clinic_id, contact_id, lock=True))
        wanted = (*_addresses(who, form), form.on_call.data)
        if known not in (form.seen.data, forms.mark(*wanted)):
            return False
        contacts.change(connection, vault, who.clinic_id, contact_id, *wanted)
        note(connection, who, "contact.change", f"contact {contact_id}")
        return True

    try:
        done = run(context().engine, work)
    except ValueError as error:
        return _one(who, contact_id, form, wrong=forms.sentence(error))
    if not done:
        return _one(who, contact_id, wrong=_MEANWHILE)
    look.said("Saved. A new address wants a new test.")
    return go(f"{HERE}/{contact_id}")


@room.post("/settings/contacts/<id:contact_id>/move", may=Permission.MANAGE)
def move(who: Who, contact_id: int) -> AnyResponse:
    def work(connection: Connection) -> None:
        up = request.form.get("to") == "up"
        if contacts.move(connection, context().sending.vault, who.clinic_id, contact_id, up):
            note(connection, who, "contact.move", f"contact {contact_id}")

    run(context().engine, work)
    return go(HERE)


@room.post("/settings/contacts/<id:contact_id>/remove", may=Permission.MANAGE)
def remove(who: Who, contact_id: int) -> AnyResponse:
    def work(connection: Connection) -> None:
        if not contacts.remove(connection, who.clinic_id, contact_id, time.now()):
            raise LookupError(f"no contact {contact_id}")
        note(connection, who, "contact.remove", f"contact {contact_id}")

    try:
        run(context().engine, work)
    except LastContact as error:
        return _one(who, contact_id, wrong=forms.sentence(error))
    look.said("Removed: they are told of nothing more.")
    return go(HERE)


@room.post("/settings/contacts/<id:contact_id>/test", may=Permission.MANAGE)
def test(who: Who, contact_id: int) -> AnyResponse:
    """A message like an alert's, by the same way, with a code in it."""
    channel = next((one for one in Channel if one == request.form.get("channel")), Channel.SMS)
    here = context()

    def work(connection: Connection) -> bool:
        done = contact_tests.send(connection, here.sending, who.clinic, contact_id, channel, who.name, time.now())
        if done:
            note(connection, who, "contact.test", f"contact {contact_id}")
        return done

    done = run(here.engine, work)
    here.nudges.wake_clock()
    look.said("On its way. Ask for the code in it, and enter it here." if done else "One went less than a minute ago.")
    return go(f"{HERE}/{contact_id}")


@room.post("/settings/contacts/<id:contact_id>/code", may=Permission.MANAGE)
def enter_code(who: Who, contact_id: int) -> AnyResponse:
    form = forms.posted(_Code)
    if not form.validate():
        return _one(who, contact_id, code=form)

    def work(connection: Connection) -> bool:
        vault, entered = context().sending.vault, form.code.data or ""
        done = contact_tests.enter(connection, vault, who.clinic_id, contact_id, entered, time.now())
        if done:
            note(connection, who, "contact.verified", f"contact {contact_id}")
        return done

    if not run(context().engine, work):
        form.code.errors = ["It is not the code of the latest test, or that is older than a day. Send another test."]
        return _one(who, contact_id, code=form)
    look.said("Verified: what we send there is read.")
    return go(f"{HERE}/{contact_id}")


def _addresses(who: Who, form: _Contact) -> tuple[str, str | None, str | None]:
    """Name, phone and e-mail as contacts keep them; a phone that cannot be read goes on as it is, to be refused."""
    phone = form.phone.data or None
    if phone is not None:
        phone = international_phone(phone, who.clinic.emergency_number) or phone
    return form.name.data or "", phone, form.email.data or None


def _mark(contact: Contact) -> str:
    """Of what the form shows."""
    return forms.mark(contact.name, contact.phone, contact.email, contact.on_call)


def _read_times(form: _Times) -> dict[str, Any] | None:
    found = {}
    for urgency in BOUNDS:
        joins, repeat = form[f"{urgency}_joins"], form[f"{urgency}_repeat"]
        try:
            minutes = [int(one) for one in joins.data.replace(",", " ").split()]
            found[urgency] = own_ladders.minutes_of(own_ladders.ladder(urgency, minutes, repeat.data))
        except ValueError as error:
            about_repeat = str(error).startswith("Everybody")
            plain = str(error) if str(error).endswith(".") else "Write minutes that grow, such as 5, 10."
            (repeat if about_repeat else joins).errors = [plain]
    return None if form.errors or len(found) < len(BOUNDS) else found


def _times_of(escalation: dict[str, Any] | None) -> _Times:
    ladders = ladders_of(escalation)

    def words(ladder: Ladder) -> tuple[str, int]:
        kept = own_ladders.minutes_of(ladder)
        return ", ".join(str(join) for join in kept["joins"]), kept["repeat"]

    (emergency_joins, emergency_repeat), (urgent_joins, urgent_repeat) = map(words, (ladders.emergency, ladders.urgent))
    return _Times(
        emergency_joins=emergency_joins, emergency_repeat=emergency_repeat, urgent_joins=urgent_joins,
        urgent_repeat=urgent_repeat, seen=forms.mark(escalation),
    )  # fmt: skip


def _list(
    who: Who,
    form: _Contact | None = None,
    wrong: str | None = None,
    times: _Times | None = None,
    status: int | None = None,
) -> AnyResponse:
    with reading(context().engine) as connection:
        everybody = contacts.of_clinic(connection, context().sending.vault, who.clinic_id)
        clinic = clinics.get(connection, who.clinic_id)
    return look.page(
        who, "settings_contacts.html", status or (200 if form is None and times is None else 422),
        everybody=everybody, house=contacts.house_of(clinic), form=form or _Contact(),
        times=times or _times_of(clinic.escalation), bounds=BOUNDS, wrong=wrong,
    )  # fmt: skip


def _one(
    who: Who, contact_id: int, form: _Known | None = None, wrong: str | None = None, code: _Code | None = None
) -> AnyResponse:
    with reading(context().engine) as connection:
        contact = contacts.get(connection, context().sending.vault, who.clinic_id, contact_id)
        tests = {one.channel: one for one in contact_tests.of_contact(connection, contact_id)}
    shown = {name: getattr(contact, name) for name in ("name", "phone", "email", "on_call")} | {"seen": _mark(contact)}
    return look.page(
        who, "settings_contact.html", 200 if form is None and wrong is None and code is None else 422,
        contact=contact, form=form or _Known(data=shown), code=code or _Code(), tests=tests, ways=_WAYS,
        sentences=SENTENCES, wrong=wrong,
    )  # fmt: skip
