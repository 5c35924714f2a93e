"""The clinic's own words on its patients' care plan: what it says of ice, heat, medicines, moving and the next visit.

None of it has a default: clinics contradict each other on all of these, and a medical statement is theirs to make.
"""

from __future__ import annotations

from typing import Any

from flask import request
from sqlalchemy import Connection
from werkzeug.wrappers import Response as AnyResponse
from wtforms import Form, HiddenField

from service.care.care_plan import Topic, advice, own_words, plan_of, prohibited_medicines
from service.care.readability import too_hard
from service.care.roles import Permission
from service.context import context
from service.pages import look as patients_look
from service.pages.desk import forms, look
from service.pages.desk.door import Room, go, note
from service.pages.desk.who import Who
from service.pages.look import LANGUAGES
from service.records import clinics
from service.records.clinics import Clinic
from service.records.database import reading, run
from service.records.library import library

HERE = "/desk/settings/care"
room = Room("settings_care")

_MOST = 2000
_NAMES = {"en": "English", "es": "Spanish"}
_MEANWHILE = "Somebody changed this after you opened it. Nothing was saved: copy your words and load the page again"


class _Care(Form):
    """A field for each topic and language, added below."""

    seen = HiddenField()


for _topic in Topic:
    for _language in LANGUAGES:
        _field = forms.lines(_NAMES.get(_language, _language), _MOST, optional=True, lang=_language, rows="3")
        setattr(_Care, f"{_topic.value}_{_language}", _field)


@room.get("/settings/care", may=Permission.MANAGE)
def show(who: Who) -> AnyResponse:
    return _page(who, _form_of(who.clinic), prohibited_medicines(who.clinic.care_plan))


@room.post("/settings/care", may=Permission.MANAGE)
def save(who: Who) -> AnyResponse:
    form = forms.posted(_Care)
    if not form.validate():
        return _page(who, form, _ticked(), status=422)

    def work(connection: Connection) -> bool:
        clinics.lock(connection, who.clinic_id)
        if form.seen.data != _mark(clinics.get(connection, who.clinic_id)):
            return False
        clinics.change(connection, who.clinic_id, {"care_plan": _plan(form)})
        note(connection, who, "clinic.care_plan", f"clinic {who.clinic_id}")
        return True

    if not run(context().engine, work):
        return _page(who, form, _ticked(), _MEANWHILE, 422)
    look.said("Saved: patients see it from now on.")
    return go(HERE)


@room.get("/settings/care/preview", may=Permission.MANAGE)
def preview(who: Who) -> AnyResponse:
    """The page as patients see it, with the words on record."""
    with reading(context().engine) as connection:
        clinic = clinics.get(connection, who.clinic_id)
    return _as_patients_see_it(clinic, clinic.care_plan)


@room.post("/settings/care/preview", may=Permission.MANAGE)
def preview_typed(who: Who) -> AnyResponse:
    """The same with the words as they are typed, before they are saved."""
    form = forms.posted(_Care)
    if not form.validate():
        return _page(who, form, _ticked(), status=422)
    return _as_patients_see_it(who.clinic, _plan(form))


def _as_patients_see_it(clinic: Clinic, plan: dict[str, Any]) -> AnyResponse:
    language = patients_look.language_for(clinic.locale)
    said = [(topic.value, advice(plan, topic, language, clinic.locale[:2])) for topic in Topic]
    return patients_look.page(
        "plan.html", 200, language, clinic, stretch="stretch0", advice=said, lines=[], points=[], picture={},
        survey=None,
    )  # fmt: skip


def _plan(form: _Care) -> dict[str, Any]:
    words = {
        topic: {language: form[f"{topic.value}_{language}"].data or "" for language in LANGUAGES} for topic in Topic
    }
    return plan_of(words, _ticked())


def _ticked() -> frozenset[str]:
    return frozenset(request.form.getlist("prohibited")) & set(_medicines())


def _medicines() -> dict[str, str]:
    """What patients are asked whether they took, by id."""
    question = next(one for one in library().surveys["S1"].questions if one.id == "medicine")
    return {option.id: option.words["en"] for option in question.options}


def _form_of(clinic: Clinic) -> _Care:
    kept = {topic: own_words(clinic.care_plan, topic, clinic.locale[:2]) for topic in Topic}
    data = {f"{topic.value}_{one}": text for topic, said in kept.items() for one, text in said.items()}
    return _Care(data={**data, "seen": _mark(clinic)})


def _mark(clinic: Clinic) -> str:
    return forms.mark(clinic.care_plan)


def _page(
    who: Who, form: _Care, prohibited: frozenset[str], wrong: str | None = None, status: int = 200
) -> AnyResponse:
    texts = {(topic, one): form[f"{topic.value}_{one}"] for topic in Topic for one in LANGUAGES}
    hard = {field.id: too_hard(field.data or "", one) for (_, one), field in texts.items()}
    topics = [
        (patients_look.words("en")["topics"][topic.value], [texts[topic, one] for one in LANGUAGES]) for topic in Topic
    ]
    return look.page(
        who, "settings_care.html", status, form=form, topics=topics, hard=hard, medicines=_medicines(),
        prohibited=prohibited, wrong=wrong,
    )  # fmt: skip
