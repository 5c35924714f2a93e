"""The exchange of texts with one patient, and the box in which one is typed: on the patient's page and on others'."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection
from wtforms import BooleanField, Form, HiddenField

from service import time
from service.care.typed import Cannot, Fault, Finding, check
from service.context import context
from service.pages.desk import forms, look, patient_head
from service.pages.desk.look import Part
from service.pages.desk.who import Who
from service.records import exchange, typed
from service.records.patients import Patient

SHOWN = 12
"""Texts of an exchange."""
ADVICE = {
    Fault.TELLS: "tells something about the patient, and a text can be read on a locked phone. Say it without: "
    "“Please call us about your visit.”",
    Fault.NAME: "looks like a full name. Use the given name alone.",
    Fault.RECORD: "is your number for the patient. Leave it out.",
    Fault.LINK: "looks like a link. Carriers and patients distrust those in a typed text; ask them to call.",
    Fault.BRACES: "cannot stand in a text.",
    Fault.LONG: "texts are the most that one message may take. Say less, or call.",
    Fault.HINTS: "tells that care was given. “Your visit” says less.",
}


class Box(Form):
    """A text to be typed. `once` makes one text of it, however often it is sent."""

    words = forms.lines("Your text", 700, rows="3")
    sooner = BooleanField("Send it now all the same: it is night there, and they wrote within the last day")
    sure = BooleanField("Send it as it is")
    once = forms.once()
    back = HiddenField()

    @property
    def number(self) -> int:
        """`once` as a row's id; one that cannot be read is a box of its own."""
        return forms.number(self.once)


def fresh_box(back: str) -> Box:
    return Box(back=back)


def findings(who: Who, patient: Patient, form: Box) -> tuple[Finding, ...]:
    """What stands in the way of these words: of a hint only until its writer is sure."""
    found = check(who.clinic.display_name, form.words.data or "", patient.given_name, patient.external_id)
    return tuple(one for one in found if one.blocks or not form.sure.data)


def box(
    connection: Connection, who: Who, patient: Patient, form: Box, found: tuple[Finding, ...] = ()
) -> dict[str, Any]:
    """What `text_box.html` asks for."""
    outlook = typed.outlook(connection, context().sending, who.clinic, patient, time.now())
    closed = isinstance(outlook, Cannot)
    return {
        "box": form,
        "outlook": None if closed else outlook,
        "closed": outlook.reason if isinstance(outlook, Cannot) else None,
        "findings": found,
        "advice": ADVICE,
        "now": time.now(),
    }


def part(connection: Connection, who: Who, patient: Patient) -> Part:
    """The exchange as it stands, for whoever looks on."""
    said = exchange.of_patient(connection, context().sending.vault, who.clinic, patient, SHOWN)
    values = patient_head.values(connection, who, patient)
    return look.part(who, "exchange.html", exchange=said, **values)
