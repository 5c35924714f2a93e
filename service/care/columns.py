"""Which column of a clinic's file says what: guessed from its name, chosen by a person, checked before it is read."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from service.care.written_times import DateOrder, read_date, read_time


class Field(StrEnum):
    """What a row can say."""

    PATIENT = "patient"
    GIVEN_NAME = "given_name"
    PHONE = "phone"
    EMAIL = "email"
    ENDED_AT = "ended_at"
    TIME = "time"
    SITE = "site"
    SIDE = "side"
    SESSION = "session"
    NUMBER = "number"
    PAIN = "pain"
    NEXT = "next"
    PROTOCOL = "protocol"
    LANGUAGE = "language"
    ZONE = "zone"
    SMS = "sms"
    MAIL = "mail"
    WORDING = "wording"
    SOURCE = "source"
    AGREED_AT = "agreed_at"


LABELS: Mapping[Field, str] = {
    Field.PATIENT: "Your number for the patient",
    Field.GIVEN_NAME: "Given name",
    Field.PHONE: "Phone",
    Field.EMAIL: "E-mail",
    Field.ENDED_AT: "When the session ended",
    Field.TIME: "Time of day it ended",
    Field.SITE: "Where on the body",
    Field.SIDE: "Side",
    Field.SESSION: "Your number for the session",
    Field.NUMBER: "Which session of the course",
    Field.PAIN: "Pain before it, 0 to 10",
    Field.NEXT: "Next session",
    Field.PROTOCOL: "Protocol",
    Field.LANGUAGE: "Language",
    Field.ZONE: "Time zone",
    Field.SMS: "Agreed to texts",
    Field.MAIL: "Agreed to e-mail",
    Field.WORDING: "The words they agreed to",
    Field.SOURCE: "How they agreed",
    Field.AGREED_AT: "When they agreed",
}
NEEDED = (Field.PATIENT, Field.GIVEN_NAME, Field.ENDED_AT)
"""Only a column can say these."""
FIXED = frozenset(
    {Field.TIME, Field.SITE, Field.PROTOCOL, Field.LANGUAGE, Field.ZONE, Field.SMS, Field.MAIL, Field.WORDING,
     Field.SOURCE, Field.AGREED_AT}
)  # fmt: skip
"""What may be the same for every row: nothing that names anybody."""
CONSENT = (Field.SMS, Field.MAIL)
"""What is said once for all counts only where there is no column: an empty cell is no yes."""


_NAMES: Mapping[Field, str] = {
    Field.PATIENT: "patient, patient id, patient number, patient no, mrn, chart, chart number, client id, id, paciente",
    # Not "name": that is often the whole one, of which messages must hold no more than the given name.
    Field.GIVEN_NAME: "given name, first name, firstname, forename, given, primer nombre, nombre de pila",
    Field.PHONE: "phone, mobile, cell, cell phone, mobile phone, phone number, telephone, tel, telefono, movil",
    Field.EMAIL: "email, e mail, mail, email address, e mail address, correo, correo electronico",
    Field.ENDED_AT: "ended at, ended, session ended, session date, date, visit date, date of service, dos, "
    "appointment date, treatment date, datetime, fecha",
    Field.TIME: "time, ended time, end time, session time, visit time, hora",
    Field.SITE: "site, body site, region, body part, area, location, joint, zona, articulacion",
    Field.SIDE: "side, laterality, lado",
    Field.SESSION: "session, session id, session no, visit id, encounter, encounter id, appointment id, sesion id",
    Field.NUMBER: "number, session number, visit number, treatment number, numero",
    Field.PAIN: "pain, baseline pain, pain score, nrs, vas, pain before, dolor",
    Field.NEXT: "next session, next visit, next appointment, next, proxima sesion, proxima cita",
    Field.PROTOCOL: "protocol, plan, protocolo",
    Field.LANGUAGE: "language, locale, lang, idioma",
    Field.ZONE: "time zone, timezone, tz, zona horaria",
    Field.SMS: "sms, sms consent, text consent, texts, agreed to texts, consent sms, consent to texts",
    Field.MAIL: "email consent, e mail consent, agreed to e mail, agreed to email, consent email",
    Field.WORDING: "consent wording, wording, consent text",
    Field.SOURCE: "consent source, source, consent form, how they agreed",
    Field.AGREED_AT: "consent date, consented at, consent at, agreed at, agreed on, date of consent",
}
_BY_NAME = {name: what for what, names in _NAMES.items() for name in names.split(", ")}


@dataclass(frozen=True, slots=True)
class Columns:
    """What a person chose."""

    places: Mapping[Field, int] = field(default_factory=dict)
    fixed: Mapping[Field, str] = field(default_factory=dict)
    """For every row, or where the column's cell is empty."""
    order: DateOrder = DateOrder.YEAR_FIRST
    agreed_at_session: bool = False
    """They agreed on the day of the session."""

    def said(self, cells: Sequence[str], what: Field) -> str:
        """What a row says of it, or ""."""
        place = self.places.get(what)
        if place is None:
            return self.fixed.get(what, "")
        cell = cells[place].strip() if place < len(cells) else ""
        return cell or ("" if what in CONSENT else self.fixed.get(what, ""))

    def as_json(self) -> dict[str, Any]:
        return {
            "places": dict(self.places),
            "fixed": dict(self.fixed),
            "order": self.order.value,
            "agreed_at_session": self.agreed_at_session,
        }


def from_json(kept: Mapping[str, Any]) -> Columns:
    """What `as_json` made."""
    return Columns(
        {Field(name): int(place) for name, place in kept["places"].items()},
        {Field(name): value for name, value in kept["fixed"].items()},
        DateOrder(kept["order"]),
        kept["agreed_at_session"],
    )


def guess(header: Sequence[str]) -> dict[Field, int]:
    """Which columns say what, by their names; of two with one meaning the first."""
    found: dict[Field, int] = {}
    for place, name in enumerate(header):
        what = _BY_NAME.get(" ".join(re.findall(r"[a-z]+", _plain(name))))
        if what is not None:
            found.setdefault(what, place)
    return found


AT_SESSION = "session"
"""Chosen in place of a column: they agreed on the day of the session."""


def chosen(form: Mapping[str, str], width: int) -> Columns:
    """What a form says: `column-…` a place, `fixed-…` what holds for all rows. What makes no sense is left out."""
    places, fixed = {}, {}
    for what in Field:
        place = form.get(f"column-{what}", "")
        if place.isascii() and place.isdigit() and len(place) <= 3 and int(place) < width:
            places[what] = int(place)
        value = " ".join("".join(one if one.isprintable() else " " for one in form.get(f"fixed-{what}", "")).split())
        if what in FIXED and value:
            fixed[what] = value[:2000]
    at_session = form.get(f"column-{Field.AGREED_AT}") == AT_SESSION
    order = form.get("order")
    return Columns(places, fixed, DateOrder(order) if order in set(DateOrder) else DateOrder.YEAR_FIRST, at_session)


def amiss(columns: Columns) -> dict[Field, str]:
    """What must still be said, or said otherwise, before a row can be read: a sentence each."""
    said = {*columns.places, *columns.fixed}
    found = {what: "Choose the column that says it." for what in NEEDED if what not in columns.places}
    if said.isdisjoint(CONSENT):
        found[Field.SMS] = "Say who agreed to texts or to e-mail: nobody gets anything without."
    for what, address in ((Field.SMS, Field.PHONE), (Field.MAIL, Field.EMAIL)):
        if what in said and address not in columns.places:
            found[address] = "Choose the column: they agreed to be reached there."
    for what, one in ((Field.SITE, "place"), (Field.PROTOCOL, "protocol")):
        if what not in said:
            found[what] = f"Choose a column, or one {one} for all."
    for what in (Field.WORDING, Field.SOURCE):
        if what not in said:
            found[what] = "Choose a column, or write it down for all: it goes into the ledger of consent."
    if Field.AGREED_AT not in said and not columns.agreed_at_session:
        found[Field.AGREED_AT] = "Choose a column, the day of the session, or one day for all."
    if (text := columns.fixed.get(Field.TIME)) and read_time(text) is None:
        found[Field.TIME] = "That is no time of day, such as 14:05."
    if (text := columns.fixed.get(Field.AGREED_AT)) and read_date(text, columns.order) is None:
        found[Field.AGREED_AT] = "That is no date."
    return found


def _plain(name: str) -> str:
    """Without accents, so that "Teléfono" and "telefono" are one name."""
    return "".join(one for one in unicodedata.normalize("NFKD", name.lower()) if not unicodedata.combining(one))
