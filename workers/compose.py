"""From a claimed message to the exact words that leave the house."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import css_inline
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import escape
from sqlalchemy import Connection

from service.care import contact_test
from service.care.lifecycle import Channel
from service.care.rendering import Fields, language_of, render, render_email
from service.care.system_messages import SystemMessages, SystemText
from service.records import alert_notices, protocols
from service.records.clinics import Clinic
from service.records.library import TEMPLATES, system_texts
from service.records.outbox import Ready

_LINK, _NAME, _UNSUBSCRIBE = "@~link~@", "@~name~@", "@~unsubscribe~@"
"""Stand-ins for what differs from patient to patient, so that the rest is rendered once a clinic and step."""
_NAMELESS = {"en": "there", "es": "estimado paciente"}


@dataclass(frozen=True, slots=True)
class Email:
    """The parts of an e-mail."""

    subject: str
    text: str
    html: str


class CannotCompose(Exception):
    """There are no words for this message; the linter refuses such protocols, so this is an old or broken one."""


class Composer:
    """Renders texts and e-mails; keeps what is the same for all patients of a clinic."""

    def __init__(self, public_url: str, folder: Path = TEMPLATES) -> None:
        self._public_url = public_url
        self._system = system_texts(folder)
        loader = FileSystemLoader(folder / "messages")
        self._html = Environment(loader=loader, autoescape=True, undefined=StrictUndefined).get_template("email.html")
        self._text = Environment(loader=loader, autoescape=False, undefined=StrictUndefined).get_template(  # noqa: S701
            "email.txt"
        )
        self._inliner = css_inline.CSSInliner(load_remote_stylesheets=False)
        self._sms_of = lru_cache(maxsize=4096)(self._render_sms)
        self._email_of = lru_cache(maxsize=4096)(self._render_email)

    def link(self, token: str) -> str:
        return f"{self._public_url}/s/{token}"

    def alert_link(self, token: str) -> str:
        return f"{self._public_url}/a/{token}"

    def unsubscribe_link(self, token: str) -> str:
        return f"{self._public_url}/u/{token}"

    def sms(self, connection: Connection, ready: Ready, clinic: Clinic, link_token: str) -> str:
        """The text of a message. Raises CannotCompose."""
        if ready.body is not None and ready.base_step == contact_test.STEP:
            return self._sms_of(ready.body, _shared(clinic, "en"))
        if ready.body is not None:
            return ready.body.replace("{link}", self._link_of(ready, link_token))
        body, _, language = self._template(connection, ready, clinic, Channel.SMS)
        template = self._sms_of(body or "", _shared(clinic, language))
        text = template.replace(_LINK, self._link_of(ready, link_token))
        if _NAME not in text:
            return text
        name = render("{name}", Fields(name=ready.given_name)) if ready.given_name else _nameless(ready, clinic)
        return text.replace(_NAME, name)

    def email(self, connection: Connection, ready: Ready, clinic: Clinic, link_token: str) -> Email:
        """The e-mail of a message. Raises CannotCompose."""
        if ready.body is not None and ready.base_step == contact_test.STEP:
            whole = self._email_of(contact_test.SUBJECT, ready.body, "en", _shared(clinic, "en"), False)
            return Email(whole.subject, whole.text, whole.html)
        if ready.body is not None:
            raise CannotCompose("typed messages go by text only")
        body, subject, language = self._template(connection, ready, clinic, Channel.EMAIL)
        if body is None or subject is None:
            raise CannotCompose(f"no e-mail words for {ready.step}")
        whole = self._email_of(subject, body, language, _shared(clinic, language), ready.patient_id is not None)
        name = ready.given_name or _nameless(ready, clinic)
        link, unsubscribe = self._link_of(ready, link_token), self.unsubscribe_link(link_token)

        def personal(text: str, in_html: bool) -> str:
            said = str(escape(name)) if in_html else name
            return text.replace(_LINK, link).replace(_NAME, said).replace(_UNSUBSCRIBE, unsubscribe)

        return Email(whole.subject, personal(whole.text, False), personal(whole.html, True))

    def _template(
        self, connection: Connection, ready: Ready, clinic: Clinic, channel: Channel
    ) -> tuple[str | None, str | None, str]:
        """Body, subject and language of a message's words."""
        if ready.protocol_id is not None and ready.is_planned:
            protocol = protocols.parsed(connection, ready.protocol_id)
            language = language_of(protocol.languages, ready.locale, clinic.locale)
            try:
                words = protocol.wording(ready.step, language)
            except KeyError:
                raise CannotCompose(f"the protocol has no {ready.step}") from None
            body = words.sms if channel is Channel.SMS else words.email
            if body is None:
                raise CannotCompose(f"no words for {ready.step} by {channel}")
            return body, words.subject, language
        language = language_of(tuple(self._system), ready.locale, clinic.locale)
        system = self._system[language]
        if channel is Channel.EMAIL:
            return system.email.alert_body, system.email.alert_subject, language
        step = SystemText.HOUSE_NOTICE if alert_notices.is_to_house(ready.step) else ready.base_step
        return _system_text(system, step), None, language

    def _link_of(self, ready: Ready, token: str) -> str:
        return self.alert_link(token) if ready.base_step == SystemText.ALERT_NOTICE else self.link(token)

    def _render_sms(self, template: str, shared: _Shared) -> str:
        return render(template, shared.fields())

    def _render_email(self, subject: str, body: str, language: str, shared: _Shared, to_patient: bool) -> Email:
        fields = shared.fields()
        frame = self._system[language if language in self._system else "en"].email
        values = {
            "lang": language,
            "subject": render(subject, fields, Channel.EMAIL),
            "clinic": shared.clinic,
            "paragraphs": render_email(body, fields),
            "button": frame.button,
            "emergency": render(frame.emergency, fields, Channel.EMAIL),
            "not_watched": render(frame.not_watched, fields, Channel.EMAIL),
            "why": render(frame.why, fields, Channel.EMAIL) if to_patient else None,
            "unsubscribe": frame.unsubscribe,
            "unsubscribe_url": _UNSUBSCRIBE if to_patient else None,
        }
        html = self._inliner.inline(self._html.render(values))
        return Email(str(values["subject"]), self._text.render(values), html)


@dataclass(frozen=True, slots=True)
class _Shared:
    """What all messages of a clinic in one language have in common: the key under which rendered words are kept."""

    clinic: str
    phone: str
    emergency: str
    hours: str

    def fields(self) -> Fields:
        return Fields(
            clinic=self.clinic, link=_LINK, phone=self.phone, emerg=self.emergency, hours=self.hours, name=_NAME
        )


def _shared(clinic: Clinic, language: str) -> _Shared:
    return _Shared(clinic.display_name, clinic.phone, clinic.emergency_number, clinic.hours_in(language))


def _system_text(system: SystemMessages, step: str) -> str:
    try:
        return system.texts[SystemText(step)]
    except (KeyError, ValueError):
        raise CannotCompose(f"no system text called {step}") from None


def _nameless(ready: Ready, clinic: Clinic) -> str:
    return _NAMELESS.get((ready.locale or clinic.locale)[:2], _NAMELESS["en"])
