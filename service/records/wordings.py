"""What a message says: typed words as they were kept, others written anew from the words of their protocol.

What exactly went out is kept nowhere but as a keyed hash. The links are left out: a link opens a patient's page.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, select

from service.care.lifecycle import Channel
from service.care.protocol import Wording
from service.care.rendering import Fields, RenderError, language_of, render
from service.care.system_messages import SystemText
from service.records import clinics, patients, protocols
from service.records.clinics import Clinic
from service.records.library import system_texts
from service.records.patients import Patient
from service.records.sealing import Vault
from service.records.sending_tables import attempts, messages
from service.records.tables import sessions

_LINK = "(link)"


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one message."""

    text: str = field(repr=False)
    subject: str | None = None
    as_kept: bool = False
    """To the letter; else as the protocol words it now."""


def of_message(
    connection: Connection,
    vault: Vault,
    clinic: Clinic,
    patient: Patient,
    message: Mapping[str, Any],
    protocol_id: int | None,
) -> Words | None:
    """The words of a message's row; None where nobody can tell them any more."""
    kept = vault.open_optional(message["body"], message["id"])
    if kept is not None:
        return Words(kept.replace("{link}", _LINK), as_kept=True)
    found = _in_plan(connection, clinic, patient, message["step"], protocol_id) or _of_house(
        clinic, patient, message["step"]
    )
    if found is None:
        return None
    wording, language = found
    fields = Fields(
        clinic=clinic.display_name,
        link=_LINK,
        phone=clinic.phone,
        emerg=clinic.emergency_number,
        hours=clinic.hours_in(language),
        name=patient.given_name or "(name)",
    )
    channel = Channel(message["channel"])
    body = wording.sms if channel is Channel.SMS else wording.email
    try:
        subject = render(wording.subject, fields, channel) if channel is Channel.EMAIL and wording.subject else None
        return None if body is None else Words(render(body, fields, channel), subject)
    except RenderError:
        return None


def subject_behind(connection: Connection, vault: Vault, link_key: int) -> str | None:
    """The subject of the e-mail that carried the token of this hash; None where there is none, or nobody can tell."""
    row = connection.execute(
        select(messages, sessions.c.protocol_id)
        .join(attempts, attempts.c.message_id == messages.c.id)
        .outerjoin(sessions, sessions.c.id == messages.c.session_id)
        .where(attempts.c.link_key == link_key, messages.c.patient_id.is_not(None))
    ).one_or_none()
    if row is None:
        return None
    clinic, patient = clinics.get(connection, row.clinic_id), patients.get(connection, vault, row.patient_id)
    words = of_message(connection, vault, clinic, patient, dict(row._mapping), row.protocol_id)
    return None if words is None else words.subject


def _in_plan(
    connection: Connection, clinic: Clinic, patient: Patient, step: str, protocol_id: int | None
) -> tuple[Wording, str] | None:
    """A step's words, and their language."""
    if protocol_id is None:
        return None
    protocol = protocols.parsed(connection, protocol_id)
    language = language_of(protocol.languages, patient.locale, clinic.locale)
    try:
        return protocol.wording(step, language), language
    except KeyError:
        return None  # the session follows a later version by now, which no longer has the step


def _of_house(clinic: Clinic, patient: Patient, step: str) -> tuple[Wording, str] | None:
    texts = system_texts()
    name = step.partition(".")[0]
    if name not in set(SystemText):
        return None
    language = language_of(tuple(texts), patient.locale, clinic.locale)
    return Wording(sms=texts[language].texts[SystemText(name)]), language
