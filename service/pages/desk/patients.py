"""Finding a patient."""

from __future__ import annotations

from flask import request
from sqlalchemy import Connection
from werkzeug.wrappers import Response as AnyResponse
from wtforms import Form

from service import time
from service.care.contact import international_phone
from service.care.roles import Permission
from service.context import context
from service.pages.desk import forms, look
from service.pages.desk.door import Room, go, note
from service.pages.desk.look import Nav
from service.pages.desk.patient_head import PATIENTS, cursor
from service.pages.desk.who import Who
from service.records import audit, patient_search
from service.records.database import run
from service.records.patient_search import Wanted
from service.records.patients import Patient
from service.records.results import Place

room = Room("patients", Nav("Patients", PATIENTS, Permission.READ))

PAGE = 50


class _Search(Form):
    wanted = forms.line("Your number for them, their phone number, or their e-mail address", 254, autocomplete="off")


@room.get("/patients", may=Permission.READ)
def show(who: Who) -> AnyResponse:
    return _list(who, _Search())


@room.post("/patients/find", may=Permission.READ)
def find(who: Who) -> AnyResponse:
    """Straight to the one that was found. A POST: what is looked for must stand in no address."""
    form = forms.posted(_Search)
    if not form.validate():
        return _list(who, form)
    text = form.wanted.data or ""
    wanted = Wanted(text, international_phone(text, who.clinic.emergency_number))

    def work(connection: Connection) -> list[Patient]:
        found = patient_search.find(connection, context().sending.vault, who.clinic_id, wanted)
        _noted(connection, who, "patient.find", found)
        return found

    found = run(context().engine, work)
    if len(found) == 1:
        return go(f"{PATIENTS}/{found[0].id}")
    return look.page(who, "patients_found.html", form=form, found=found)


def _list(who: Who, form: _Search) -> AnyResponse:
    before = cursor(request.args.get("before"))

    def work(connection: Connection) -> list[Patient]:
        found = patient_search.recent(connection, context().sending.vault, who.clinic_id, before, PAGE + 1)
        _noted(connection, who, "patient.list", found[:PAGE])
        return found

    found = run(context().engine, work)
    last = found[PAGE - 1] if len(found) > PAGE else None
    older = None if last is None else f"{PATIENTS}?before={Place(last.facts_at, last.id)}"
    return look.page(
        who,
        "patients.html",
        422 if form.errors else 200,
        form=form,
        found=found[:PAGE],
        older=older,
        begins=before is None,
    )


def _noted(connection: Connection, who: Who, action: str, shown: list[Patient]) -> None:
    note(connection, who, action, "patients")
    audit.note_all(
        connection, who.clinic_id, who.actor, "patient.listed", [f"patient {one.id}" for one in shown], time.now()
    )
