"""The end of the e-mails: a page that asks, and the one-click POST of mail programs (RFC 8058).

Scanners follow every link in a mail, so a GET only shows the question. The POST needs nothing but the token: mail
programs send no cookie.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from flask import Blueprint, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy import Connection

from service import time
from service.care.lifecycle import Channel
from service.context import Context, context
from service.records import clinics, links, optouts, patients
from service.records.clinics import Clinic
from service.records.database import reading, run
from service.records.links import Link
from service.records.sealing import token_key

bp = Blueprint("unsubscribe", __name__)

_PAGE = Environment(
    loader=FileSystemLoader(Path(__file__).parents[2] / "templates" / "pages"),
    autoescape=True,
    undefined=StrictUndefined,
).get_template("unsubscribe.html")


@dataclass(frozen=True, slots=True)
class _Words:
    title: str
    ask: str
    about: str
    button: str
    done: str
    no_more: str
    unknown: str
    unknown_help: str
    call: str


_WORDS = {
    "en": _Words(
        title="E-mail choices",
        ask="Stop our e-mails?",
        about="You will get no more e-mails from {clinic}. Texts are not changed: to stop them, reply STOP to one.",
        button="Stop e-mails",
        done="Done",
        no_more="You will get no more e-mails from {clinic}.",
        unknown="This link does not work any more",
        unknown_help="Please call your clinic to stop e-mails.",
        call="Questions? Call {phone}. Emergency? Call {emerg} now.",
    ),
    "es": _Words(
        title="Sus correos",
        ask="¿Dejar de recibir correos?",
        about="No recibirá más correos de {clinic}. Los mensajes de texto siguen: para pararlos, responda STOP a uno.",
        button="No más correos",
        done="Listo",
        no_more="No recibirá más correos de {clinic}.",
        unknown="Este enlace ya no funciona",
        unknown_help="Llame a su clínica para dejar de recibir correos.",
        call="¿Preguntas? Llame al {phone}. ¿Emergencia? Llame ya al {emerg}.",
    ),
}


@bp.get("/u/<token>")
def ask(token: str) -> Response:
    """Show the question. Changes nothing."""
    here = context()
    with reading(here.engine) as connection:
        found = _find(connection, token)
        if found is None:
            return _unknown()
        clinic, words = _speaker(here, connection, found)
    return _page(words, clinic, words.ask, words.about, words.button)


@bp.post("/u/<token>")
def stop(token: str) -> Response:
    """Stop the patient's e-mails. The same answer however often it is sent."""
    here = context()

    def work(connection: Connection) -> tuple[Clinic, _Words] | None:
        found = _find(connection, token)
        if found is None or found.patient_id is None:
            return None
        optouts.opt_out(connection, here.sending, found.patient_id, Channel.EMAIL, "unsubscribe link", time.now())
        return _speaker(here, connection, found)

    done = run(here.engine, work)
    if done is None:
        return _unknown()
    clinic, words = done
    return _page(words, clinic, words.done, words.no_more)


def _find(connection: Connection, token: str) -> Link | None:
    """The patient's e-mail that carried the token; links in texts do not lead here."""
    found = links.find(connection, token_key(token))
    return found if found is not None and found.patient_id is not None and found.channel is Channel.EMAIL else None


def _speaker(here: Context, connection: Connection, found: Link) -> tuple[Clinic, _Words]:
    clinic = clinics.get(connection, found.clinic_id)
    locale = None
    if found.patient_id is not None:
        locale = patients.get(connection, here.sending.vault, found.patient_id).locale
    language = (locale or clinic.locale)[:2]
    return clinic, _WORDS.get(language, _WORDS["en"])


def _page(words: _Words, clinic: Clinic, heading: str, text: str, button: str = "") -> Response:
    html = _PAGE.render(
        lang=_language(words),
        words=words,
        heading=heading,
        text=text.format(clinic=clinic.display_name),
        button=button,
        help=words.call.format(phone=clinic.phone, emerg=clinic.emergency_number),
    )
    return Response(html, 200, content_type="text/html; charset=utf-8")


def _unknown() -> Response:
    words = _WORDS["en"]
    html = _PAGE.render(lang="en", words=words, heading=words.unknown, text=words.unknown_help, button="", help="")
    return Response(html, 404, content_type="text/html; charset=utf-8")


def _language(words: _Words) -> str:
    return next(language for language, one in _WORDS.items() if one is words)
