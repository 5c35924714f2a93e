"""What is on record about one patient: corrected, consented to, handed over, erased.

Corrections and consent go in by the same door as the clinic's own events, so that the same follows from them.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from flask import Response
from sqlalchemy import Connection
from werkzeug.wrappers import Response as AnyResponse
from wtforms import DateTimeLocalField, Form, HiddenField, RadioField
from wtforms.validators import InputRequired, Optional

from service import time
from service.care.contact import international_phone
from service.care.lifecycle import Channel
from service.care.roles import Permission
from service.context import context
from service.pages.desk import forms, look, patient_head
from service.pages.desk.door import Room, go, note, reads
from service.pages.desk.patient_head import CHANNELS, HOW, PATIENTS, WORDING, ZONES
from service.pages.desk.who import Who
from service.records import consents, erasure, patients
from service.records.database import run
from service.records.ids import new_id
from service.records.patients import Patient

room = Room("patient_record")

_YES, _NO = "yes", "no"
_GIVEN, _WITHDRAWN = "given", "withdrawn"
_COULD_NOT = "That could not be taken. Nothing was changed."
_MEANWHILE = "What is on record changed after you opened this. Here it is as it stands now; nothing was saved."


class _Facts(Form):
    given_name = forms.line("Given name", 80, autocomplete="off")
    phone = forms.line("Phone", 40, optional=True, type="tel", autocomplete="off")
    email = forms.line("E-mail", 254, optional=True, type="email", autocomplete="off")
    locale = forms.choice("Language", look.LANGUAGE_NAMES.items())
    timezone = forms.line("Time zone", 64, optional=True, list="zones", autocomplete="off")
    agreed = RadioField(
        "If the phone number or e-mail address is another: did they agree to hear from you there?",
        [Optional()], choices=forms.options([(_YES, "Yes, they told me so"), (_NO, "No, or not yet")]),
    )  # fmt: skip
    seen = HiddenField()


class _Consent(Form):
    channel = forms.choice("For", [(one.value, words) for one, words in CHANNELS.items()])
    word = RadioField("What they said", [InputRequired("Choose one.")], default=_GIVEN, choices=forms.options(
        [(_GIVEN, "They agreed"), (_WITHDRAWN, "They want no more")]))  # fmt: skip
    how = forms.choice("How", HOW)
    at = DateTimeLocalField("When, by your clock", [Optional()])
    wording = forms.lines("The words they agreed to", 2000, optional=True, rows="2")
    once = forms.once()


class _Erase(Form):
    external_id = forms.line("Your number for this patient", 255, autocomplete="off")


@room.get("/patients/<id:patient_id>/record", may=Permission.READ)
def show(who: Who, patient_id: int) -> AnyResponse:
    return _page(who, patient_id)


@room.post("/patients/<id:patient_id>/record", may=Permission.PLAN)
def correct(who: Who, patient_id: int) -> AnyResponse:
    """What is different now; what a correction brings with it is decided where the clinic's own events are."""
    form = forms.posted(_Facts)
    patient = run(context().engine, lambda connection: reads(connection, who, patient_id))
    if not form.validate():
        return _page(who, patient_id, facts=form)
    changed = _changed(who, patient, form)
    if not changed:
        look.said("Nothing was different.")
        return go(f"{PATIENTS}/{patient_id}/record")
    if form.seen.data != _mark(patient):
        # A field that nobody touched would be put back to what it was.
        return _page(who, patient_id, facts=_facts_of(who, patient), wrong=_MEANWHILE)
    moved = [channel for channel, name in ((Channel.SMS, "phone"), (Channel.EMAIL, "email")) if name in changed]
    if moved and not form.agreed.data:
        form.agreed.errors = ["Say whether they agreed: consent does not move to another number by itself."]
        return _page(who, patient_id, facts=form)
    if words := {one.value: _at_new_address(who, form) for one in moved if _needs_word(patient, one, form)}:
        changed["consent"] = words
    problems = _post(who, patient, changed, "patient.correct", new_id())
    if problems is not None:
        for name, detail in problems.items():
            if name in form:
                form[name].errors = [detail[:1].upper() + detail[1:] + "."]
        return _page(who, patient_id, facts=form, wrong=_COULD_NOT)
    look.said("Corrected. What is still to come is planned anew.")
    return go(f"{PATIENTS}/{patient_id}/record")


@room.post("/patients/<id:patient_id>/consent", may=Permission.PLAN)
def consent(who: Who, patient_id: int) -> AnyResponse:
    form = forms.posted(_Consent)
    patient = run(context().engine, lambda connection: reads(connection, who, patient_id))
    if form.validate() and form.word.data == _GIVEN and not form.wording.data:
        form.wording.errors = ["Write down what they agreed to."]
    if form.errors:
        return _page(who, patient_id, consent=form)
    at = time.now() if form.at.data is None else form.at.data.replace(tzinfo=who.clinic.zone)
    source = f"{form.how.data}, noted by {who.name}"
    if at > time.now():
        form.at.errors = ["That lies ahead."]
        return _page(who, patient_id, consent=form)
    gave = form.word.data == _GIVEN
    word = _given(at, form.wording.data or "", source) if gave else _withdrawn(at, source)
    action = "consent.record" if gave else "consent.withdraw"
    once = forms.number(form.once)
    if _post(who, patient, {"consent": {form.channel.data: word}}, action, once) is not None:
        return _page(who, patient_id, consent=form, wrong=_COULD_NOT)
    look.said("It is in the ledger. Above you see what counts now.")
    return go(f"{PATIENTS}/{patient_id}/record")


@room.get("/patients/<id:patient_id>/export", may=Permission.PLAN)
def export(who: Who, patient_id: int) -> AnyResponse:
    """Everything held of the patient, as a file to hand over."""

    def work(connection: Connection) -> dict[str, Any] | None:
        patient = reads(connection, who, patient_id)
        note(connection, who, "patient.export", f"patient {patient_id}")
        return erasure.export(connection, context().sending.vault, who.clinic_id, patient.external_id)

    held = run(context().engine, work)
    answer = Response(json.dumps(held, indent=2, ensure_ascii=False), content_type="application/json; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="patient-{patient_id}.json"'
    return answer


@room.post("/patients/<id:patient_id>/erase", may=Permission.MANAGE)
def erase(who: Who, patient_id: int) -> AnyResponse:
    form = forms.posted(_Erase)

    def work(connection: Connection) -> bool:
        vault = context().sending.vault
        patient = patients.of_clinic(connection, vault, who.clinic_id, patient_id, lock=True)
        if form.external_id.data != patient.external_id:
            return False
        note(connection, who, "patient.erase", f"patient {patient_id}")
        return erasure.erase(connection, vault, who.clinic_id, patient.external_id, time.now())

    if not run(context().engine, work):
        form.external_id.errors = ["That is not the number of this patient. Nothing was erased."]
        return _page(who, patient_id, erase=form)
    look.said("Erased. The ledger of consent stays, and that messages went out; nothing of it names anybody.")
    return go(PATIENTS)


def _changed(who: Who, patient: Patient, form: _Facts) -> dict[str, Any]:
    """What was filled in and differs. A blank changes nothing: whoever wants no texts withdraws consent."""
    phone = form.phone.data or ""
    said = {
        "given_name": form.given_name.data,
        "phone": international_phone(phone, who.clinic.emergency_number) or phone,
        "email": form.email.data,
        "timezone": form.timezone.data,
        "locale": form.locale.data,
    }
    return {name: value for name, value in said.items() if value and value != _shown(patient, name)}


def _shown(patient: Patient, name: str) -> str | None:
    """A fact as the form shows it: of a locale the language alone."""
    known: str | None = getattr(patient, name)
    return known[:2] if name == "locale" and known else known


def _needs_word(patient: Patient, channel: Channel, form: _Facts) -> bool:
    """A yes is written down, and so is a no that ends a consent."""
    return form.agreed.data == _YES or patient.consents_to(channel)


def _at_new_address(who: Who, form: _Facts) -> dict[str, str]:
    source = f"at another number or address, noted by {who.name}"
    if form.agreed.data == _YES:
        return _given(time.now(), "Agreed to hear from the clinic at the new number or address.", source)
    return _withdrawn(time.now(), source)


def _given(at: datetime, wording: str, source: str) -> dict[str, str]:
    return {"at": at.isoformat(), "wording": " ".join(wording.split()), "source": source}


def _withdrawn(at: datetime, source: str) -> dict[str, str]:
    return {"withdrawn_at": at.isoformat(), "source": source}


def _post(who: Who, patient: Patient, changed: dict[str, Any], action: str, once: int) -> dict[str, str] | None:
    """Take it in as an event of the clinic's, with its line in the audit; what is wrong by field, or None."""
    body = {
        "type": "patient.updated",
        "timestamp": time.now().isoformat(),
        "data": {"patient": {"id": patient.external_id, **changed}},
    }
    status, answer = context().events(
        who.clinic_id,
        f"desk {action} {once}",
        json.dumps(body).encode(),
        lambda connection: note(connection, who, action, f"patient {patient.id}"),
    )
    if status < 400 or answer.get("title") == "Key reused":
        return None  # the same form twice: it was taken the first time
    errors = answer.get("errors", [])
    return {one["pointer"].rpartition("/")[2]: one["detail"] for one in errors}


def _page(
    who: Who,
    patient_id: int,
    *,
    facts: _Facts | None = None,
    consent: _Consent | None = None,
    erase: _Erase | None = None,
    wrong: str | None = None,
) -> AnyResponse:
    def work(connection: Connection) -> dict[str, Any]:
        patient = reads(connection, who, patient_id)
        return {
            **patient_head.values(connection, who, patient),
            "facts": facts or _facts_of(who, patient),
            "consent": consent or _Consent(wording=WORDING),
            "erase": erase or _Erase(),
            "ledger": consents.ledger(connection, patient_id)[::-1],
        }

    asked = [one for one in (facts, consent, erase) if one is not None]
    return look.page(
        who, "patient_record.html", 422 if asked else 200, asked=asked, wrong=wrong, zones=ZONES,
        **run(context().engine, work),
    )  # fmt: skip


def _facts_of(who: Who, patient: Patient) -> _Facts:
    return _Facts(
        given_name=patient.given_name,
        phone=patient.phone,
        email=patient.email,
        locale=(patient.locale or who.clinic.locale)[:2],
        timezone=patient.timezone,
        seen=_mark(patient),
    )


def _mark(patient: Patient) -> str:
    """Of what the form shows."""
    return forms.mark(patient.given_name, patient.phone, patient.email, patient.locale, patient.timezone)
