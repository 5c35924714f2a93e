"""What providers post to us. Signature, then one transaction, then the answer: a 2xx means that it is committed (P1).

A forged or malformed post gets a 4xx and stores nothing. The signature covers the raw body, so that is read first,
within a bound, and only if there is a signature to check at all.
"""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Request, Response, request

from service.api import mail_in, sendgrid_events, twilio_forms
from service.api.forms import multipart, urlencoded
from service.context import Context, context
from service.identify import body_of
from service.problems import Problem
from service.records.sightings import Sighting

bp = APIBlueprint("webhooks", __name__, enable_openapi=False)

TWILIO_BYTES = 64 * 1024
EVENTS_BYTES = 8 * 1024 * 1024
MAIL_BYTES = 32 * 1024 * 1024
"""SendGrid passes on mails of up to 30 MB, attachments included."""

_TWILIO_SIGNATURE = "X-Twilio-Signature"
_SENDGRID_SIGNATURE = "X-Twilio-Email-Event-Webhook-Signature"
_REFUSED = {_TWILIO_SIGNATURE: 403, _SENDGRID_SIGNATURE: 401}
"""What a post without a good signature is answered, as in each provider's own examples."""
_FORM, _MULTIPART, _JSON = "application/x-www-form-urlencoded", "multipart/form-data", "application/json"


@bp.post("/twilio/status")
def twilio_status() -> Response:
    """A text's new status. `a` in the query is the token of the attempt."""
    here = context()
    form = _twilio_form(here)
    here.lookout.saw(Sighting.SMS_RECEIPT)
    here.keep_receipts([twilio_forms.receipt(form, request.args.get("a"))])
    return Response(status=204)


@bp.post("/twilio/inbound")
def twilio_inbound() -> Response:
    """A text from a patient. Answers with empty TwiML: what is to be said goes out as a message of its own."""
    here = context()
    form = _twilio_form(here)
    here.lookout.saw(Sighting.SMS_INBOUND)
    here.keep_reply(twilio_forms.incoming(form))
    return Response("<Response/>", 200, content_type="text/xml")


@bp.post("/sendgrid/events")
def sendgrid_events_posted() -> Response:
    """What became of e-mails, many at a time."""
    here = context()
    body = _signed_body(request, _SENDGRID_SIGNATURE, EVENTS_BYTES, _JSON)
    if not here.signatures.sendgrid_signed_event(request, body):
        raise _forged(_SENDGRID_SIGNATURE)
    here.lookout.saw(Sighting.EMAIL_EVENTS)
    if reported := sendgrid_events.receipts(body):
        here.keep_receipts(reported)
    return Response(status=204)


@bp.post("/sendgrid/inbound")
def sendgrid_inbound() -> Response:
    """An e-mail from a patient."""
    here = context()
    body = _signed_body(request, _SENDGRID_SIGNATURE, MAIL_BYTES, _MULTIPART)
    if not here.signatures.sendgrid_signed_inbound(request, body):
        raise _forged(_SENDGRID_SIGNATURE)
    here.lookout.saw(Sighting.EMAIL_INBOUND)
    fields, files = multipart(body, request.content_type or "")
    here.keep_reply(mail_in.incoming(fields, files, here.settings.email_reply_domain))
    return Response(status=204)


def _twilio_form(here: Context) -> twilio_forms.Form:
    form = urlencoded(_signed_body(request, _TWILIO_SIGNATURE, TWILIO_BYTES, _FORM))
    if not here.signatures.twilio_signed(request, form):
        raise _forged(_TWILIO_SIGNATURE)
    return form


def _signed_body(asked: Request, header: str, most: int, media_type: str) -> bytes:
    if not asked.headers.get(header):
        raise Problem(
            _REFUSED[header], "signature_missing", "Only the provider may post here, and it signs what it posts."
        )
    return body_of(asked, most, (media_type,))


def _forged(header: str) -> Problem:
    return Problem(_REFUSED[header], "signature_invalid", "The signature does not match this address and body.")
