"""Where a link leads: from the token in a text to the message that carried it, its survey, and whether it still opens.

Only hashes of tokens are stored. Reading a link changes nothing: link scanners and previews open every one of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, select

from service.care.lifecycle import Channel
from service.records import responses, triaging
from service.records.responses import Response
from service.records.sealing import Vault, token_key
from service.records.sending_tables import attempts, messages
from service.records.triaging import Setting

LIFETIME = timedelta(days=30)
"""How long after it was sent a link opens anything: past every reminder, and short enough that an old text on a lost
phone shows nothing."""
EDITABLE = timedelta(days=7)
"""How long a patient may still change the answers of a completed survey."""


class Standing(StrEnum):
    """Whether a link still opens what it led to."""

    OPEN = "open"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    """A later visit has taken the place of the one this survey belongs to."""
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Invitation:
    """What a link leads to."""

    survey: str | None
    """None: the care plan."""
    channel: Channel
    standing: Standing
    where: Setting
    response: Response | None

    @property
    def completed_at(self) -> datetime | None:
        return None if self.response is None else self.response.completed_at

    def is_editable(self, now: datetime) -> bool:
        """Whether answers given now are stored."""
        done = self.completed_at
        return self.standing is Standing.OPEN and (done is None or now < done + EDITABLE)


def follow(connection: Connection, vault: Vault, token: str, now: datetime) -> Invitation | None:
    """What the link leads to; None for a token we never sent, or whose patient was erased."""
    row = connection.execute(
        select(
            messages.c.session_id,
            messages.c.survey,
            messages.c.channel,
            messages.c.due_at,
            messages.c.handed_at,
        )
        .join(attempts, attempts.c.message_id == messages.c.id)
        .where(attempts.c.link_key == token_key(token))
    ).one_or_none()
    if row is None or row.session_id is None:
        return None
    where = triaging.setting(connection, vault, row.session_id)
    if where.patient.erased_at is not None:
        return None
    # Not the attempt's time: that is the world's, and expiry goes by the service's clock.
    sent_at = row.handed_at or row.due_at
    return Invitation(
        survey=row.survey,
        channel=Channel(row.channel),
        standing=_standing(where, row.survey, sent_at, now),
        where=where,
        response=None if row.survey is None else responses.find(connection, vault, row.session_id, row.survey),
    )


def _standing(where: Setting, survey: str | None, sent_at: datetime, now: datetime) -> Standing:
    if where.session.cancelled_at is not None:
        return Standing.CANCELLED
    if now >= sent_at + LIFETIME:
        return Standing.EXPIRED
    ends = where.session.superseded_from
    # The care plan is the patient's, not one visit's; weeks 6 and 12 ask about the course.
    if survey is not None and ends is not None and now >= ends and not where.is_of_course(survey):
        return Standing.SUPERSEDED
    return Standing.OPEN
