"""The clinic itself: its names, how it is reached, when it is there, and when its messages may go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from zoneinfo import available_timezones

from sqlalchemy import Connection
from werkzeug.wrappers import Response as AnyResponse
from wtforms import Form, HiddenField, IntegerField
from wtforms.validators import InputRequired, ValidationError

from service.care import clinic_rules
from service.care.clinic_rules import DAYS
from service.care.contact import LONGEST_HOURS, check_hours, check_promise, dialled_phone, hours_in
from service.care.roles import Permission
from service.context import context
from service.pages.desk import forms, look
from service.pages.desk.door import Room, go, note
from service.pages.desk.who import Who
from service.records import clinic_changes, clinics
from service.records.clinics import Clinic
from service.records.database import reading, run

HERE = "/desk/settings/clinic"
room = Room("settings_clinic")

_DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_LANGUAGES = (("en", "English"), ("es", "Spanish"))
_MEANWHILE = (
    "Somebody changed these settings after you opened them. Here they are as they stand now; nothing was saved."
)


class _Clinic(Form):
    name = forms.line("Name", autocomplete="organization")
    display_name = forms.line("Name in texts", 18, rule=clinic_rules.check_display_name)
    phone = forms.line("Phone that patients call", 24, type="tel")
    email = forms.line("E-mail for alerts and answers", 254, optional=True, rule=clinic_rules.check_email, type="email")
    emergency_number = forms.line("Emergency number", 3, rule=clinic_rules.check_emergency_number, inputmode="numeric")
    locale = forms.choice("Language of your texts", _LANGUAGES)
    timezone = forms.choice("Time zone", [(name, name) for name in sorted(available_timezones())])
    hours = forms.line("The week in short", LONGEST_HOURS, rule=check_hours)
    quiet_from = forms.line("Messages go from", 5, type="time")
    quiet_until = forms.line("Messages go until", 5, type="time")
    daily_cap = IntegerField(
        "Planned texts a patient may get in one day",
        [InputRequired("Fill this in.")],
        render_kw={"min": "1", "max": str(clinic_rules.MOST_TEXTS)},
    )
    seen = HiddenField()

    def validate_phone(self, field: Any) -> None:
        try:
            dialled_phone(field.data or "", self.emergency_number.data or "")
        except ValueError as error:
            raise ValidationError(forms.sentence(error)) from None

    def validate_quiet_until(self, field: Any) -> None:
        try:
            clinic_rules.check_sending_hours(self.quiet_from.data or "", field.data or "")
        except ValueError as error:
            raise ValidationError(f"The two {error}.") from None

    def validate_daily_cap(self, field: Any) -> None:
        try:
            clinic_rules.check_daily_cap(field.data or 0)
        except ValueError as error:
            raise ValidationError(forms.sentence(error)) from None


class _Week(Form):
    """When somebody reads, a field a day."""

    mon, tue, wed, thu, fri, sat, sun = (
        forms.line(name, 40, optional=True, rule=clinic_rules.spans, placeholder="closed") for name in _DAY_NAMES
    )


@dataclass(frozen=True)
class _Both:
    """The fields of two forms that are sent as one, for the summary of what is wrong."""

    fields: tuple[Any, ...]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.fields)

    @property
    def errors(self) -> dict[str, Any]:
        return {field.name: field.errors for field in self.fields if field.errors}


class Meanwhile(Exception):
    """Somebody else was here."""


@room.get("/settings/clinic", may=Permission.MANAGE)
def show(who: Who) -> AnyResponse:
    return _page(who, *_forms_of(who.clinic))


@room.post("/settings/clinic", may=Permission.MANAGE)
def save(who: Who) -> AnyResponse:
    form, week = forms.posted(_Clinic), forms.posted(_Week)
    # Both are asked, so that everything that is wrong is said at once.
    if not all([form.validate(), week.validate()]):
        return _page(who, form, week, 422)
    here, fields = context(), _fields(form, week)
    try:
        if hours_in(fields["locale"], fields["opening"], "") == "":  # it is the typed ones that patients read
            check_promise(fields["hours"], fields["opening"])
    except ValueError as error:
        form.hours.errors = [forms.sentence(error)]
        return _page(who, form, week, 422)

    def work(connection: Connection) -> bool:
        clinics.lock(connection, who.clinic_id)
        if form.seen.data != _mark(clinics.get(connection, who.clinic_id)):
            raise Meanwhile
        note(connection, who, "clinic.change", f"clinic {who.clinic_id}")
        return clinic_changes.change(connection, who.clinic_id, fields)

    try:
        moves = run(here.engine, work)
    except Meanwhile:
        return _as_it_stands(who)
    here.nudges.wake_clock()
    look.said("Saved. What is planned is brought in line now, a few patients at a time." if moves else "Saved.")
    return go(HERE)


def _fields(form: _Clinic, week: _Week) -> dict[str, Any]:
    plain = (
        "name", "display_name", "emergency_number", "locale", "timezone", "hours", "quiet_from", "quiet_until",
        "daily_cap",
    )  # fmt: skip
    return {
        **{name: form[name].data for name in plain},
        "phone": dialled_phone(form.phone.data or "", form.emergency_number.data or ""),
        "email": form.email.data or None,
        "opening": clinic_rules.week({day: week[day].data or "" for day in DAYS}),
    }


def _forms_of(clinic: Clinic) -> tuple[_Clinic, _Week]:
    week = {day: clinic_rules.in_words(clinic.opening.get(day, [])) for day in DAYS}
    return _Clinic(data=_shown(clinic) | {"seen": _mark(clinic)}), _Week(data=week)


def _shown(clinic: Clinic) -> dict[str, Any]:
    return {name: getattr(clinic, name) for name in _Clinic()._fields if name != "seen"}


def _mark(clinic: Clinic) -> str:
    return forms.mark(_shown(clinic), clinic.opening)


def _as_it_stands(who: Who) -> AnyResponse:
    with reading(context().engine) as connection:
        clinic = clinics.get(connection, who.clinic_id)
    return _page(who, *_forms_of(clinic), 422, wrong=_MEANWHILE)


def _page(who: Who, form: _Clinic, week: _Week, status: int = 200, wrong: str | None = None) -> AnyResponse:
    bounds = (clinic_rules.EARLIEST, clinic_rules.LATEST)
    both = _Both((*form, *week))
    return look.page(
        who, "settings_clinic.html", status, form=form, week=week, both=both, wrong=wrong, bounds=bounds
    )  # fmt: skip
