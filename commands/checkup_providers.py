"""What `aftercare doctor` asks the providers."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from commands.checkup import Finding, Level, is_live
from service.settings import Settings
from workers.gateways.check import NoAnswer, Refused, TwilioCheck, sendgrid_scopes

_SENDER = re.compile(r"\+[1-9]\d{6,14}|\d{5,6}|MG[0-9a-f]{32}")
_ADDRESS = re.compile(r"[^@\s<>]{1,64}@[^@\s<>]+\.[^@\s<>.]{2,}")


def look_at_providers(settings: Settings) -> Iterator[Finding]:
    """Twilio and SendGrid: what is set, and, by asking them, whether it is right. Sends nothing to anybody."""
    yield from _stand_ins(settings)
    yield from _twilio(settings)
    yield from _sendgrid(settings)
    yield from _receipts_of_mail(settings)


def _stand_ins(settings: Settings) -> Iterator[Finding]:
    for name, url in (("AFTERCARE_TWILIO_URL", settings.twilio_url), ("AFTERCARE_SENDGRID_URL", settings.sendgrid_url)):
        if url:
            level = Level.FAIL if is_live(settings) else Level.WARN
            yield Finding("stand-in", level, f"{name} is set: nothing reaches real patients", f"take {name} out")


def _twilio(settings: Settings) -> Iterator[Finding]:
    token = settings.twilio_auth_token.get_secret_value()
    if not settings.twilio_account_sid or not token:
        yield Finding(
            "twilio", Level.FAIL, "no account is set: no texts", "set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN"
        )
        return
    check = TwilioCheck(settings.twilio_account_sid, token, settings.twilio_url)
    try:
        if settings.twilio_url:
            check.can_read_messages()
            yield Finding("twilio", Level.OK, "the stand-in takes the credentials")
        else:
            yield from _twilio_account(check)
        yield from _twilio_sender(settings, check)
    except Refused as refusal:
        do = "copy both from Twilio's console again" if refusal.status in (401, 403) else "see Twilio's status page"
        yield Finding("twilio", Level.FAIL, f"it refuses the account ({refusal})", do)
    except NoAnswer as why:
        yield Finding("twilio", Level.FAIL, f"it cannot be reached ({why})", "see this machine's way to the network")


def _twilio_account(check: TwilioCheck) -> Iterator[Finding]:
    account = check.account()
    if account.status != "active":
        yield Finding("twilio", Level.FAIL, f"the account is {account.status}", "see Twilio's console")
    elif account.is_trial:
        said = "a trial account: texts go to verified numbers only"
        yield Finding("twilio", Level.WARN, said, "upgrade it in Twilio's console")
    else:
        yield Finding("twilio", Level.OK, "the account is active")


def _twilio_sender(settings: Settings, check: TwilioCheck) -> Iterator[Finding]:
    sender = settings.sms_sender
    if not sender:
        do = "set TWILIO_MESSAGING_SERVICE_SID or TWILIO_FROM"
        yield Finding("twilio sender", Level.FAIL, "there is none: no texts", do)
    elif not _SENDER.fullmatch(sender):
        do = "use a messaging service (MG…) or a number such as +12025550100"
        yield Finding("twilio sender", Level.FAIL, "it is neither a messaging service nor a number", do)
    elif settings.twilio_url:
        yield Finding("twilio sender", Level.OK, "set; a stand-in cannot tell whether it is yours")
    elif check.has_service(sender) if sender.startswith("MG") else check.has_number(sender):
        yield Finding("twilio sender", Level.OK, "the account has it")
    else:
        yield Finding(
            "twilio sender", Level.FAIL, "the account does not have it", "copy it from Twilio's console again"
        )


def _sendgrid(settings: Settings) -> Iterator[Finding]:
    key = settings.sendgrid_api_key.get_secret_value()
    if not key:
        yield Finding("sendgrid", Level.WARN, "no key is set: no e-mails", "set SENDGRID_API_KEY and SENDGRID_FROM")
        return
    if not _ADDRESS.fullmatch(settings.sendgrid_from):
        do = "use an address of a domain that SendGrid has authenticated"
        yield Finding("sendgrid sender", Level.FAIL, "SENDGRID_FROM is not an e-mail address", do)
    else:
        yield Finding("sendgrid sender", Level.OK, "set")
    if settings.sendgrid_url:
        yield Finding("sendgrid", Level.OK, "a key is set; a stand-in does not know its rights")
        return
    try:
        scopes = sendgrid_scopes(key)
    except Refused as refusal:
        yield Finding("sendgrid", Level.FAIL, f"it refuses the key ({refusal})", "make a new key that may send mail")
    except NoAnswer as why:
        yield Finding("sendgrid", Level.FAIL, f"it cannot be reached ({why})", "see this machine's way to the network")
    else:
        if "mail.send" not in scopes:
            yield Finding("sendgrid", Level.FAIL, "the key may not send mail", "give it the right Mail Send")
        else:
            more = len(scopes) > 10
            level, do = (Level.WARN, "make one that may only send mail") if more else (Level.OK, "")
            yield Finding("sendgrid", level, "the key may send mail" + (", and much more" if more else ""), do)


def _receipts_of_mail(settings: Settings) -> Iterator[Finding]:
    if not settings.sendgrid_api_key.get_secret_value():
        return
    for name, key in (
        ("SENDGRID_EVENT_PUBLIC_KEY", settings.sendgrid_event_public_key),
        ("SENDGRID_INBOUND_PUBLIC_KEY", settings.sendgrid_inbound_public_key or settings.sendgrid_event_public_key),
    ):
        if name == "SENDGRID_INBOUND_PUBLIC_KEY" and not settings.email_reply_domain:
            continue
        if not key:
            said = f"{name} is not set: everything SendGrid posts is refused"
            yield Finding("sendgrid signature", Level.FAIL, said, "turn the signed webhook on and copy its key")
        elif not _is_public_key(key):
            yield Finding("sendgrid signature", Level.FAIL, f"{name} is not such a key", "copy it again, whole")
        else:
            yield Finding("sendgrid signature", Level.OK, f"{name} can be read")


def _is_public_key(key: str) -> bool:
    try:
        return isinstance(load_der_public_key(base64.b64decode(key, validate=True)), EllipticCurvePublicKey)
    except (ValueError, binascii.Error):
        return False
