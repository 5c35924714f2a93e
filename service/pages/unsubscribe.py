"""The end of the e-mails: a page that asks, and the one-click POST of mail programs (RFC 8058).

Scanners follow every link in a mail, so a GET only shows the question. The POST needs nothing but the token: mail
programs send no cookie.
"""

from __future__ import annotations

from flask import Blueprint, Response
from sqlalchemy import Connection

from service import time
from service.care.lifecycle import Channel
from service.context import context
from service.pages import look
from service.pages.closed import unknown
from service.records import clinics, links, optouts, patients
from service.records.database import reading, run
from service.records.links import Link
from service.records.sealing import token_key

bp = Blueprint("unsubscribe", __name__)


@bp.get("/u/<token>")
def ask(token: str) -> Response:
    """Show the question. Changes nothing."""
    with reading(context().engine) as connection:
        found = _find(connection, token)
        return unknown(connection, "emails") if found is None else _page(connection, found, "ask")


@bp.post("/u/<token>")
def stop(token: str) -> Response:
    """Stop the patient's e-mails. The same answer however often it is sent."""
    here = context()

    def work(connection: Connection) -> Response:
        found = _find(connection, token)
        if found is None or found.patient_id is None:
            return unknown(connection, "emails")
        optouts.opt_out(connection, here.sending, found.patient_id, Channel.EMAIL, "unsubscribe link", time.now())
        return _page(connection, found, "done")

    return run(here.engine, work)


def _find(connection: Connection, token: str) -> Link | None:
    """The patient's e-mail that carried the token; links in texts do not lead here."""
    found = links.find(connection, token_key(token))
    return found if found is not None and found.patient_id is not None and found.channel is Channel.EMAIL else None


def _page(connection: Connection, found: Link, which: str) -> Response:
    clinic = clinics.get(connection, found.clinic_id)
    locale = None
    if found.patient_id is not None:
        locale = patients.get(connection, context().sending.vault, found.patient_id).locale
    return look.page("unsubscribe.html", 200, look.language_for(locale, clinic.locale), clinic, which=which)
