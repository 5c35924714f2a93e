"""Twilio's form posts, read."""

from __future__ import annotations

import re

from werkzeug.datastructures import MultiDict

from service.care.lifecycle import Channel
from service.problems import FieldProblem, Problem
from service.records.receipts import Receipt
from service.records.replies import Incoming

Form = MultiDict[str, str]

_SID = re.compile(r"(SM|MM)[0-9a-fA-F]{32}")
_STATUS = re.compile(r"[a-z_-]{1,24}")
_CODE = re.compile(r"[0-9]{1,10}")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,24}")
_ADDRESS = re.compile(r"[\x21-\x7e]{1,64}")
_OPT_OUT_TYPES = frozenset({"STOP", "START", "HELP"})


def receipt(form: Form, token: str | None) -> Receipt:
    """A status callback. Raises Problem 400."""
    sid = _field(form, "MessageSid", _SID)
    status = _field(form, "MessageStatus", _STATUS)
    code = form.get("ErrorCode", "")
    return Receipt(
        event_key=f"{sid} {status}",
        channel=Channel.SMS,
        status=status,
        provider_id=sid,
        token=token if token is not None and _TOKEN.fullmatch(token) else None,
        code=code if _CODE.fullmatch(code) and int(code) else None,
    )


def incoming(form: Form) -> Incoming:
    """A text from a phone. Raises Problem 400."""
    sid = _field(form, "MessageSid", _SID)
    to = _field(form, "To", _ADDRESS)
    service = form.get("MessagingServiceSid", "")
    media = form.get("NumMedia", "0")
    wish = form.get("OptOutType", "").upper()
    return Incoming(
        provider_key=sid,
        channel=Channel.SMS,
        sender=_field(form, "From", _ADDRESS),
        recipient=f"{to} {service}" if _ADDRESS.fullmatch(service) else to,
        body=form.get("Body", ""),
        media=int(media) if _CODE.fullmatch(media) and len(media) <= 3 else 0,
        opt_out_type=wish if wish in _OPT_OUT_TYPES else None,
    )


def _field(form: Form, name: str, shape: re.Pattern[str]) -> str:
    value = form.get(name, "")
    if not shape.fullmatch(value):
        problem = FieldProblem(f"/{name}", "is missing or not as Twilio writes it")
        raise Problem(400, "form_invalid", "The form is not one of Twilio's.", [problem])
    return value
