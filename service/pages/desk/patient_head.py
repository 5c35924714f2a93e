"""The top of every page about one patient: who they are, how to reach them, and how the plan stands."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from service import time
from service.care import worklist
from service.care.lifecycle import SENTENCES, Channel, Reason
from service.context import context
from service.pages.desk.look import LANGUAGE_NAMES
from service.pages.desk.who import Who
from service.records import standing
from service.records.patients import Patient
from service.records.plans import zone
from service.records.results import parse_place

PATIENTS = "/desk/patients"
CHANNELS = {Channel.SMS: "Texts", Channel.EMAIL: "E-mail"}
_ONE = {Channel.SMS: "Text", Channel.EMAIL: "E-mail"}

HOW = [("on paper", "On paper"), ("in person", "In person"), ("by phone", "By phone")]
WORDING = "I agree to get texts and e-mails about my care. I can stop them at any time."
"""How somebody agreed, and the words that are suggested."""
ZONES = ("America/New_York", "America/Chicago", "America/Denver", "America/Phoenix", "America/Los_Angeles",
         "America/Anchorage", "Pacific/Honolulu", "America/Puerto_Rico", "America/Toronto", "America/Vancouver",
         "America/Mexico_City", "Europe/London", "Europe/Madrid", "Australia/Sydney", "Pacific/Auckland")  # fmt: skip
"""Suggested; every other is taken as well."""


def values(connection: Connection, who: Who, patient: Patient) -> dict[str, Any]:
    """What `patient_head.html` and its macros ask for."""
    local = zone(patient.timezone or who.clinic.timezone)

    def there(moment: datetime) -> str | None:
        """The patient's own time, where it is another than the clinic's."""
        theirs, ours = moment.astimezone(local), moment.astimezone(who.clinic.zone)
        return None if theirs.utcoffset() == ours.utcoffset() else f"{theirs:%a %H:%M}"

    return {
        "patient": patient,
        "name": patient.given_name or "Patient",
        "at": f"{PATIENTS}/{patient.id}",
        "standing": standing.of_patient(connection, context().sending, patient),
        "clock": f"{time.now().astimezone(local):%H:%M}",
        "zone_name": local.key.replace("_", " "),
        "language": LANGUAGE_NAMES.get((patient.locale or who.clinic.locale)[:2], patient.locale),
        "there": there,
        "channels": CHANNELS,
        "one_of": _ONE,
        "sentences": SENTENCES,
        "Reason": Reason,
        "title_of": worklist.title_of,
        "answer_named": worklist.answer_named,
    }


def cursor(text: str | None) -> tuple[datetime, int] | None:
    """The place behind which a page begins; one that cannot be read begins at the newest."""
    try:
        place = parse_place(text or "")
    except ValueError:
        return None
    return place.changed_at, place.id
