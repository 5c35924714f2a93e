"""Where messages come from, how it stands with that, and which keys the installation was given: never the keys."""

from __future__ import annotations

from werkzeug.wrappers import Response as AnyResponse

from service import time
from service.care.lifecycle import Channel
from service.care.roles import Permission
from service.context import context
from service.pages.desk import look
from service.pages.desk.door import Room
from service.pages.desk.who import Who
from service.records import senders, sightings
from service.records.database import reading

room = Room("settings_senders")


@room.get("/settings/senders", may=Permission.MANAGE)
def show(who: Who) -> AnyResponse:
    here = context()
    names = here.sending.of(who.clinic)
    with reading(here.engine) as connection:
        lanes = {channel: senders.get(connection, channel, names[channel]) for channel in Channel}
        seen = sightings.first(connection)
    return look.page(
        who, "settings_senders.html", names=names, lanes=lanes, seen=seen, now=time.now(), told=_told(),
        public_url=here.settings.public_url,
    )  # fmt: skip


def _told() -> dict[str, bool]:
    """Which of the settings that a provider needs are there."""
    settings = context().settings
    return {
        "Twilio account (TWILIO_ACCOUNT_SID)": bool(settings.twilio_account_sid),
        "Twilio token (TWILIO_AUTH_TOKEN)": bool(settings.twilio_auth_token.get_secret_value()),
        "SendGrid key (SENDGRID_API_KEY)": bool(settings.sendgrid_api_key.get_secret_value()),
        "Key that SendGrid signs with (SENDGRID_EVENT_PUBLIC_KEY)": bool(settings.sendgrid_event_public_key),
        "Domain for answers by e-mail (AFTERCARE_REPLY_DOMAIN)": bool(settings.email_reply_domain),
    }
