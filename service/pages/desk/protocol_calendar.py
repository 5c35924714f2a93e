"""The calendar that an example patient would get: a form that asks about the session, and the rows."""

from __future__ import annotations

from datetime import datetime
from datetime import time as datetime_time
from zoneinfo import ZoneInfo

from flask import request
from wtforms import BooleanField, DateTimeLocalField, Field, Form
from wtforms.validators import InputRequired, Optional, ValidationError

from service import time
from service.care import dry_run
from service.care.calendar import CalendarRow
from service.care.localtime import to_utc
from service.care.protocol import Protocol
from service.pages.desk import forms, look, protocol_shown
from service.pages.desk.who import Who

_NOON = datetime_time(12)
_AS_TYPED = "%Y-%m-%dT%H:%M"


class Trial(Form):
    """The example patient's session. All times are on their clock."""

    ZONES = (
        "America/New_York", "America/Chicago", "America/Denver", "America/Phoenix", "America/Los_Angeles",
        "America/Anchorage", "Pacific/Honolulu", "America/Puerto_Rico", "Europe/London", "Europe/Madrid",
    )  # fmt: skip

    ended = DateTimeLocalField(
        "The session ended", [InputRequired("Say when the session ended."), forms.in_our_time], format=_AS_TYPED
    )
    zone = forms.line("The patient's time zone", 64, list="zones", autocapitalize="none", spellcheck="false")
    following = DateTimeLocalField(
        "The next visit, if one is planned", [Optional(), forms.in_our_time], format=_AS_TYPED
    )
    lang = forms.choice("Language", ())
    baseline = BooleanField("All first measurements were taken at the visit")

    def validate_zone(self, field: Field) -> None:
        try:
            ZoneInfo(field.data)
        except (KeyError, ValueError, OSError):
            raise ValidationError("Use a name such as America/Denver.") from None

    def validate_following(self, field: Field) -> None:
        if field.data is not None and self.ended.data is not None and field.data <= self.ended.data:
            raise ValidationError("The next visit must come after this one.")


def trial(who: Who, protocol: Protocol) -> tuple[Trial, list[CalendarRow] | None]:
    """The form as the address has it, or with a session that ends now; and its calendar, where it can be drawn."""
    given = request.args if "ended" in request.args else None
    form = Trial(given, ended=time.now().astimezone(who.clinic.zone).replace(tzinfo=None), zone=who.clinic.timezone,
                 lang=dry_run.language_in(protocol, who.clinic.locale))  # fmt: skip
    form.lang.choices = forms.options((one, look.LANGUAGE_NAMES.get(one, one)) for one in protocol.languages)
    if given is not None and not form.validate():
        return form, None
    zone = ZoneInfo(form.zone.data or "")
    ended, following = _moment(form.ended.data, zone), _moment(form.following.data, zone)
    assert ended is not None
    about = dry_run.facts(ended, following, zone, bool(form.baseline.data), who.clinic.quiet)
    language = form.lang.data
    return form, dry_run.rows(protocol, about, language, protocol_shown.fields(who, language), who.clinic.daily_cap)


def at_noon(who: Who, protocol: Protocol, language: str) -> list[CalendarRow]:
    """The calendar of a session that ends today at noon by the clinic's clock: the same all day, whatever is typed."""
    zone = who.clinic.zone
    noon = to_utc(time.now().astimezone(zone).date(), _NOON, zone)
    about = dry_run.facts(noon, None, zone, False, who.clinic.quiet)
    return dry_run.rows(protocol, about, language, protocol_shown.fields(who, language), who.clinic.daily_cap)


def _moment(typed: datetime | None, zone: ZoneInfo) -> datetime | None:
    return None if typed is None else to_utc(typed.date(), typed.time(), zone)
