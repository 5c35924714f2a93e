"""Typing a text to one patient, from wherever on the desk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import request
from sqlalchemy import Connection
from werkzeug.wrappers import Response as AnyResponse

from service import time
from service.care.roles import Permission
from service.care.segments import count
from service.care.typed import STEP_NOW, Cannot, Finding, Goes, body_of
from service.context import context
from service.pages.desk import forms, look, patient_head, texting
from service.pages.desk.door import Room, go, local, note, reads
from service.pages.desk.patient_head import PATIENTS
from service.pages.desk.texting import Box
from service.pages.desk.who import Who
from service.records import patients, typed
from service.records.database import reading, run
from service.records.typed import Typed

room = Room("patient_texts")


@dataclass(frozen=True, slots=True)
class _Refused:
    """The box again, with what is in the way."""

    values: dict[str, Any]


@room.get("/patients/<id:patient_id>/compose", may=Permission.WORK)
def compose(who: Who, patient_id: int) -> AnyResponse:
    """The box alone, to be put into another page; without scripts, on a page of its own."""
    form = texting.fresh_box(local(request.args.get("back")))

    def work(connection: Connection) -> dict[str, Any]:
        return _box(connection, who, reads(connection, who, patient_id), form)

    values = run(context().engine, work)
    return look.page(who, "text_box.html" if "HX-Request" in request.headers else "patient_write.html", **values)


@room.post("/patients/<id:patient_id>/texts", may=Permission.WORK)
def send(who: Who, patient_id: int) -> AnyResponse:
    form = forms.posted(Box)

    def work(connection: Connection) -> Goes | _Refused:
        patient = reads(connection, who, patient_id)
        found = texting.findings(who, patient, form) if form.validate() else ()
        if form.errors or found:
            return _Refused(_box(connection, who, patient, form, found))
        what = Typed(form.words.data or "", bool(form.sooner.data), form.number, who.name)
        planned = typed.send(connection, context().sending, who.clinic_id, patient_id, what, time.now())
        if isinstance(planned, Cannot):
            return _Refused(_box(connection, who, patient, form))
        note(connection, who, "text.send_now" if planned.step == STEP_NOW else "text.send", f"patient {patient_id}")
        return planned

    planned = run(context().engine, work)
    if isinstance(planned, _Refused):
        return look.page(who, "patient_write.html", 422, **planned.values)
    context().nudges.wake_clock()
    waits = planned.at > time.now()
    look.said("The text waits for the morning there." if waits else "The text goes out now.")
    return go(local(form.back.data))


@room.live("/patients/<id:patient_id>/exchange", may=Permission.READ)
def refresh(who: Who, patient_id: int) -> AnyResponse:
    """What has become of the texts since. Whoever is shown nothing new has read nothing new."""
    with reading(context().engine) as connection:
        patient = patients.of_clinic(connection, context().sending.vault, who.clinic_id, patient_id)
        newest = look.fresh(texting.part(connection, who, patient))
    if newest.status_code == 200:
        run(context().engine, lambda connection: note(connection, who, "patient.read", f"patient {patient_id}"))
    return newest


@room.post("/patients/count", may=Permission.WORK)
def measure(who: Who) -> AnyResponse:
    """How many texts what is being typed will cost, the clinic's name in front of it included."""
    words = request.form.get("words", "").replace("\r\n", "\n")
    return look.page(who, "count.html", cost=count(body_of(who.clinic.display_name, words) if words.strip() else ""))


def _box(
    connection: Connection, who: Who, patient: patients.Patient, form: Box, found: tuple[Finding, ...] = ()
) -> dict[str, Any]:
    return {
        **patient_head.values(connection, who, patient),
        **texting.box(connection, who, patient, form, found),
        "patients": PATIENTS,
    }
