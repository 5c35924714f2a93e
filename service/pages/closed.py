"""The kind pages behind links that open nothing (any more)."""

from __future__ import annotations

from flask import Response, request
from sqlalchemy import Connection

from service.pages import look
from service.pages.guesses import Guesses
from service.pages.links import Invitation, Standing
from service.records import clinics

_guesses = Guesses()


def too_many_guesses() -> bool:
    """Note that somebody came with a token nobody knows; True when that address has tried too often."""
    return _guesses.too_many(request.remote_addr or "")


def unknown(connection: Connection, why: str = "unknown") -> Response:
    """For a token nobody knows. With one clinic in the house its number is the right one to show."""
    slow = too_many_guesses()
    known = clinics.all_of(connection)
    clinic = known[0] if len(known) == 1 else None
    language = look.language_for(None if clinic is None else clinic.locale)
    why, status = ("slow", 429) if slow else (why, 404)
    return look.page("closed.html", status, language, clinic, why=why, plan=None, urgent=False)


def closed(invitation: Invitation, token: str, urgent: bool = False) -> Response:
    """For a link that opened something once."""
    language = language_of(invitation)
    why = "done" if invitation.standing is Standing.OPEN else invitation.standing.value
    has_plan = invitation.standing in (Standing.OPEN, Standing.SUPERSEDED)
    way = f"/s/{token}/plan?lang={language}" if has_plan else None
    return look.page("closed.html", 410, language, invitation.where.clinic, why=why, plan=way, urgent=urgent)


def language_of(invitation: Invitation) -> str:
    """The language of a patient's page."""
    return look.language_for(invitation.where.patient.locale, invitation.where.clinic.locale)
