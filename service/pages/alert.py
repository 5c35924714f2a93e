"""The page behind a notice's link: what a patient said, whom to call, and the button that takes the alert on.

Only whoever holds the link reads it, for seven days. Opening it changes nothing: link scanners do that too.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, redirect, request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy import Connection
from werkzeug.wrappers import Response as AnyResponse

from service import time
from service.care.urgency import Urgency
from service.context import context
from service.pages.guesses import Guesses
from service.records import alert_history, alert_notices, alerts, audit, clinics, contacts, patients
from service.records.alert_history import SAID
from service.records.alert_notices import Link
from service.records.alerts import Overtaken
from service.records.clinics import Clinic
from service.records.database import run
from service.records.ids import row_id

bp = Blueprint("alert_page", __name__)

_FOLDER = Path(__file__).parent.parent.parent / "templates" / "pages"
_pages = Environment(loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined)
_guesses = Guesses()
_LONGEST_NAME = 120

_WORDS: Mapping[str, Mapping[str, Any]] = {
    "en": {
        "title": "Somebody needs a call back",
        "urgency": {
            Urgency.EMERGENCY: "Emergency: call now",
            Urgency.URGENT: "Urgent: call back within the hour",
            Urgency.NEXT_BUSINESS_DAY: "Call back on the next business day",
            Urgency.WATCH: "To keep an eye on",
        },
        "patient": "Patient",
        "reason": "Reason",
        "since": "Since",
        "call": "Call",
        "said": "What was said",
        "erased": "No longer on record.",
        "taken": "Taken on by",
        "take_on": "Take it on",
        "explain": "Until somebody takes it on, we go on telling more people.",
        "name": "Your name",
        "button": "I take it on",
        "no_name": "Enter your name: the others must know who has taken it on.",
        "more_said": "Something came in since you opened this. Read it, then take it on.",
        "unknown": "This link leads nowhere",
        "unknown_more": "It may have been cut off. Open it from the message again.",
        "expired": "This link has expired",
        "expired_more": "Links work for seven days. Ask your team who has taken it on.",
        "slow": "Too many tries",
        "slow_more": "Wait a minute, then open the link from the message again.",
    },
    "es": {
        "title": "Alguien necesita una llamada",
        "urgency": {
            Urgency.EMERGENCY: "Emergencia: llame ahora",
            Urgency.URGENT: "Urgente: llame dentro de una hora",
            Urgency.NEXT_BUSINESS_DAY: "Llame el próximo día laborable",
            Urgency.WATCH: "Para vigilar",
        },
        "patient": "Paciente",
        "reason": "Motivo",
        "since": "Desde",
        "call": "Llamar al",
        "said": "Lo que dijo",
        "erased": "Ya no consta.",
        "taken": "A cargo de",
        "take_on": "Hágase cargo",
        "explain": "Hasta que alguien se haga cargo, seguimos avisando a más personas.",
        "name": "Su nombre",
        "button": "Me hago cargo",
        "no_name": "Escriba su nombre: los demás deben saber quién se hizo cargo.",
        "more_said": "Llegó algo nuevo desde que abrió esta página. Léalo y después hágase cargo.",
        "unknown": "Este enlace no lleva a nada",
        "unknown_more": "Puede estar cortado. Ábralo otra vez desde el mensaje.",
        "expired": "Este enlace ha caducado",
        "expired_more": "Los enlaces sirven siete días. Pregunte a su equipo quién se hizo cargo.",
        "slow": "Demasiados intentos",
        "slow_more": "Espere un minuto y abra otra vez el enlace desde el mensaje.",
    },
}


@bp.get("/a/<token>")
def show(token: str) -> Response:
    """The alert, and a form that asks for a name."""

    def work(connection: Connection) -> Response:
        found = _behind(connection, token)
        return found if isinstance(found, Response) else _alert_page(connection, *found)

    return run(context().engine, work)


@bp.post("/a/<token>")
def take_on(token: str) -> AnyResponse:
    """Acknowledge by name, then show the page again; the first name stays.

    Where more was said since the page was opened, it is shown first: taking the alert on silences it.
    """
    name = request.form.get("name", "").replace("\x00", "").strip()[:_LONGEST_NAME]

    def work(connection: Connection) -> AnyResponse:
        found = _behind(connection, token)
        if isinstance(found, Response):
            return found
        link, clinic = found
        if not name:
            return _alert_page(connection, link, clinic, 422, wrong="no_name")
        shown = request.form.get("seen")
        # A name alone, as a program may post it, says nothing of what was seen.
        seen = None if shown is None else row_id(shown) or 0
        try:
            done = alerts.acknowledge(connection, clinic.id, link.alert.id, name, "link", time.now(), seen=seen)
        except Overtaken:
            return _alert_page(connection, link, clinic, 409, wrong="more_said", name=name)
        if done:
            _note(connection, link, clinic, "alert.acknowledge")
        return redirect(request.path, 303)

    return run(context().engine, work)


def _behind(connection: Connection, token: str) -> tuple[Link, Clinic] | Response:
    """What the link leads to, or the page that says why it leads nowhere."""
    link = alert_notices.behind_link(connection, token, time.now())
    if link is None:
        slow = _guesses.too_many(request.remote_addr or "")
        return _nowhere("slow" if slow else "unknown", 429 if slow else 404, None)
    clinic = clinics.get(connection, link.alert.clinic_id)
    return _nowhere("expired", 410, clinic) if link.expired else (link, clinic)


def _alert_page(
    connection: Connection,
    link: Link,
    clinic: Clinic,
    status: int = 200,
    *,
    wrong: str | None = None,
    name: str | None = None,
) -> Response:
    """`wrong` is the word for why the form was not taken, `name` what was typed into it."""
    vault, alert = context().sending.vault, link.alert
    patient = patients.get(connection, vault, alert.patient_id)
    _note(connection, link, clinic, "alert.read")
    history = alert_history.history(connection, vault, [alert.id])[alert.id]
    told = [event for event in history if event.kind in SAID]
    # A storm says the same many times.
    said = {event.details: event.at for event in reversed(told) if event.details is not None}
    words = _words(clinic)
    return _page(
        clinic,
        status,
        alert=alert,
        given_name=patient.given_name,
        external_id=patient.external_id,
        patient_phone=patient.phone,
        cause=alert.cause.replace("_", " "),
        opened=_local(alert.opened_at, clinic),
        acknowledged=None if alert.acknowledged_at is None else _local(alert.acknowledged_at, clinic),
        said=[{"at": _local(at, clinic), "details": details} for details, at in said.items()],
        seen=alert_history.newest_in(history),
        name=contacts.name_of(connection, clinic.id, link.contact_id) or "" if name is None else name,
        error=None if wrong is None else words[wrong],
    )


def _note(connection: Connection, link: Link, clinic: Clinic, action: str) -> None:
    """A line in the audit: whoever has the link is the contact that it was sent to."""
    actor, subject = f"contact {link.contact_id}", f"alert {link.alert.id}"
    audit.note(connection, clinic.id, actor, action, subject, time.now())


def _nowhere(why: str, status: int, clinic: Clinic | None) -> Response:
    words = _words(clinic)
    return _page(
        clinic,
        status,
        alert=None,
        heading=words[why],
        explanation=words[f"{why}_more"],
        phone=None if clinic is None else clinic.phone,
    )


def _page(clinic: Clinic | None, status: int, **values: Any) -> Response:
    nonce = secrets.token_urlsafe(12)
    words = _words(clinic)
    lang = next(name for name, those in _WORDS.items() if those is words)
    html = _pages.get_template("alert.html").render(
        lang=lang, nonce=nonce, words=words, clinic="" if clinic is None else clinic.display_name, **values
    )
    answer = Response(html, status, content_type="text/html; charset=utf-8")
    answer.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    return answer


def _words(clinic: Clinic | None) -> Mapping[str, Any]:
    return _WORDS.get("en" if clinic is None else clinic.locale[:2], _WORDS["en"])


def _local(moment: datetime, clinic: Clinic) -> str:
    return moment.astimezone(clinic.zone).strftime("%Y-%m-%d %H:%M %Z")
