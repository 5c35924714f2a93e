"""A row of a clinic's file, read: the session that it tells of, or what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from service.care import sites
from service.care.columns import Columns, Field
from service.care.contact import international_phone
from service.care.entering import LIES_AHEAD, NOBODY, SENTENCES, Entry, Person, Trouble, session_name
from service.care.written_times import moment, read_date, read_time

_YES = frozenset(("yes", "y", "true", "t", "1", "x", "ok", "agreed", "granted", "given", "si", "sí", "verdadero"))
_NO = frozenset(("no", "n", "false", "f", "0", "declined", "refused", "withdrawn", "revoked", "opted out", "falso"))
_UNSAID = frozenset(("", "-", "none"))
_LANGUAGES = {"en": "en", "english": "en", "inglés": "en", "ingles": "en", "es": "es", "spanish": "es",
              "español": "es", "espanol": "es"}  # fmt: skip
NO_TIME = "There is no time of day: choose a column for it, or one time for all."


@dataclass(frozen=True, slots=True)
class House:
    """What a row is read by: the clinic's clock, and the country its phones are dialled in."""

    zone: ZoneInfo
    emergency_number: str
    now: datetime


def read(cells: Sequence[str], columns: Columns, house: House) -> Entry | list[Trouble]:
    """The session, as far as it can be told here whether there is one."""
    found: list[Trouble] = []

    def said(what: Field) -> str:
        return columns.said(cells, what)

    def wrong(what: Field, sentence: str = "") -> None:
        found.append(Trouble(what, sentence or SENTENCES[what]))

    def whole(what: Field, least: int, most: int) -> int | None:
        text = said(what).removesuffix(".0")
        if not text:
            return None
        if text.isascii() and text.isdigit() and least <= int(text[:4]) <= most:
            return int(text)
        wrong(what)
        return None

    def agreed(what: Field) -> bool | None:
        """None where the row says nothing of it: what is on record stays."""
        word = said(what).lower()
        if word not in _YES | _NO | _UNSAID:
            wrong(what)
        return None if word in _UNSAID else word in _YES

    def at(what: Field, otherwise: str) -> datetime | None:
        """A date and a time; `otherwise` is the time where none is written beside the date."""
        dated = read_date(said(what), columns.order)
        if dated is None:
            wrong(what)
            return None
        day, rest = dated
        timed = read_time(rest or otherwise)
        if timed is None:
            wrong(Field.TIME if otherwise and not rest else what, "" if rest or otherwise else NO_TIME)
            return None
        return moment(day, *timed, house.zone).astimezone(UTC)

    patient, given_name = said(Field.PATIENT), " ".join(said(Field.GIVEN_NAME).split())
    for what, text in ((Field.PATIENT, patient), (Field.GIVEN_NAME, given_name)):
        if not text:
            wrong(what)
    ended_at = at(Field.ENDED_AT, said(Field.TIME))
    if ended_at is not None and ended_at > house.now:
        wrong(Field.ENDED_AT, LIES_AHEAD)
    site = " ".join(part for part in (said(Field.SIDE), said(Field.SITE)) if part)
    if sites.course_key(site) is None:
        wrong(Field.SITE)
    if not said(Field.PROTOCOL):
        wrong(Field.PROTOCOL)
    language = said(Field.LANGUAGE)
    locale = _LANGUAGES.get(language.lower().partition("-")[0].partition("_")[0], "")
    if language and not locale:
        wrong(Field.LANGUAGE)
    phone = said(Field.PHONE)
    # Of the next visit a day is enough to know: noon stands for it.
    following = at(Field.NEXT, "12:00") if said(Field.NEXT) else None
    number, pain = whole(Field.NUMBER, 1, 100), whole(Field.PAIN, 0, 10)
    answers = {"sms": agreed(Field.SMS), "email": agreed(Field.MAIL)}
    words = {channel: word for channel, word in answers.items() if word is not None}
    if not words:
        wrong(Field.SMS, NOBODY)
    wording, source = (" ".join(said(what).split()) for what in (Field.WORDING, Field.SOURCE))
    if not source:
        wrong(Field.SOURCE)
    if not wording and any(words.values()):
        wrong(Field.WORDING)
    # Of a no the day need not be written: it was so when the session ended.
    dated = any(words.values()) or said(Field.AGREED_AT)
    said_on = at(Field.AGREED_AT, "00:00") if dated and not columns.agreed_at_session else ended_at
    if said_on is not None and said_on > house.now:
        wrong(Field.AGREED_AT)
    if found or ended_at is None or said_on is None:
        return found
    yes = {"at": said_on.isoformat(), "wording": wording, "source": source}
    no = {"withdrawn_at": max(said_on, ended_at).isoformat(), "source": source}
    return Entry(
        session=said(Field.SESSION) or session_name(patient, ended_at, site),
        person=Person(
            patient,
            given_name,
            international_phone(phone, house.emergency_number) or phone,
            said(Field.EMAIL),
            said(Field.ZONE),
            locale,
        ),
        ended_at=ended_at,
        site=site,
        number=number,
        pain=pain,
        protocol=said(Field.PROTOCOL),
        next_session_at=following,
        consent={channel: yes if word else no for channel, word in words.items()},
        # As old as the session: what is on record from a later day stays.
        said_at=ended_at,
    )
