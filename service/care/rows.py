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
from service.care.refusing import CONSENTS, Refusal
from service.care.written_times import moment, read_date, read_time

_YES = frozenset(("yes", "y", "true", "t", "1", "x", "ok", "agreed", "granted", "given", "si", "sí", "verdadero"))
_NO = frozenset(("no", "n", "false", "f", "0", "declined", "refused", "withdrawn", "revoked", "opted out", "falso"))
_UNSAID = frozenset(("", "-", "none"))
_LANGUAGES = {"en": "en", "english": "en", "inglés": "en", "ingles": "en", "es": "es", "spanish": "es",
              "español": "es", "espanol": "es"}  # fmt: skip
GIVEN_ALONE = "Give the given name alone: messages hold no more of a name."
NO_TIME = "There is no time of day: choose a column for it, or one time for all."


@dataclass(frozen=True, slots=True)
class House:
    """What a row is read by: the clinic's clock, and the country its phones are dialled in."""

    zone: ZoneInfo
    emergency_number: str
    now: datetime


class _Reader:
    """One row's cells, and what is wrong with those that were asked for."""

    def __init__(self, cells: Sequence[str], columns: Columns, house: House) -> None:
        self._cells, self._columns, self._zone = cells, columns, house.zone
        self.found: list[Trouble] = []

    def said(self, what: Field) -> str:
        return self._columns.said(self._cells, what)

    def line(self, what: Field) -> str:
        return " ".join(self.said(what).split())

    def wrong(self, what: Field, sentence: str = "") -> None:
        self.found.append(Trouble(what, sentence or SENTENCES[what]))

    def whole(self, what: Field, least: int, most: int) -> int | None:
        text = self.said(what).removesuffix(".0")
        if not text:
            return None
        if text.isascii() and text.isdigit() and least <= int(text[:4]) <= most:
            return int(text)
        self.wrong(what)
        return None

    def agreed(self, what: Field) -> bool | None:
        """None where the row says nothing of it: what is on record stays."""
        word = self.said(what).lower()
        if word not in _YES | _NO | _UNSAID:
            self.wrong(what)
        return None if word in _UNSAID else word in _YES

    def at(self, what: Field, otherwise: str) -> datetime | None:
        """A date and a time; `otherwise` is the time where none is written beside the date."""
        dated = read_date(self.said(what), self._columns.order)
        if dated is None:
            self.wrong(what)
            return None
        day, rest = dated
        timed = read_time(rest or otherwise)
        if timed is None:
            self.wrong(Field.TIME if otherwise and not rest else what, "" if rest or otherwise else NO_TIME)
            return None
        return moment(day, *timed, self._zone).astimezone(UTC)


def read(cells: Sequence[str], columns: Columns, house: House) -> Entry | list[Trouble]:
    """The session, as far as it can be told here whether there is one."""
    row = _Reader(cells, columns, house)
    patient, given_name = row.said(Field.PATIENT), row.line(Field.GIVEN_NAME)
    for what, text in ((Field.PATIENT, patient), (Field.GIVEN_NAME, given_name)):
        if not text:
            row.wrong(what)
    if "," in given_name:
        row.wrong(Field.GIVEN_NAME, GIVEN_ALONE)
    ended_at = row.at(Field.ENDED_AT, row.said(Field.TIME))
    if ended_at is not None and ended_at > house.now:
        row.wrong(Field.ENDED_AT, LIES_AHEAD)
    site = " ".join(part for part in (row.said(Field.SIDE), row.said(Field.SITE)) if part)
    if sites.course_key(site) is None:
        row.wrong(Field.SITE)
    if not row.said(Field.PROTOCOL):
        row.wrong(Field.PROTOCOL)
    language = row.said(Field.LANGUAGE)
    locale = _LANGUAGES.get(language.lower().partition("-")[0].partition("_")[0], "")
    if language and not locale:
        row.wrong(Field.LANGUAGE)
    phone = row.said(Field.PHONE)
    # Of the next visit a day is enough to know: noon stands for it.
    following = row.at(Field.NEXT, "12:00") if row.said(Field.NEXT) else None
    number, pain = row.whole(Field.NUMBER, 1, 100), row.whole(Field.PAIN, 0, 10)
    answers = {channel: row.agreed(what) for channel, what in CONSENTS.items()}
    words = {channel: word for channel, word in answers.items() if word is not None}
    if not words:
        row.wrong(Field.SMS, NOBODY)
    wording, source = (row.line(what) for what in (Field.WORDING, Field.SOURCE))
    if not source:
        row.wrong(Field.SOURCE)
    if not wording and any(words.values()):
        row.wrong(Field.WORDING)
    # Of a no the day need not be written: it was so when the session ended.
    dated = any(words.values()) or row.said(Field.AGREED_AT)
    said_on = row.at(Field.AGREED_AT, "00:00") if dated and not columns.agreed_at_session else ended_at
    if said_on is not None and said_on > house.now:
        row.wrong(Field.AGREED_AT)
    if row.found or ended_at is None or said_on is None:
        return row.found
    yes = {"at": said_on.isoformat(), "wording": wording, "source": source}
    no = {"withdrawn_at": max(said_on, ended_at).isoformat(), "source": source}
    return Entry(
        session=row.said(Field.SESSION) or session_name(patient, ended_at, site),
        person=Person(
            patient,
            given_name,
            international_phone(phone, house.emergency_number) or phone,
            row.said(Field.EMAIL),
            row.said(Field.ZONE),
            locale,
        ),
        ended_at=ended_at,
        site=site,
        number=number,
        pain=pain,
        protocol=row.said(Field.PROTOCOL),
        next_session_at=following,
        consent={channel: yes if word else no for channel, word in words.items()},
        # As old as the session: what is on record from a later day stays.
        said_at=ended_at,
    )


def refusal(cells: Sequence[str], columns: Columns, house: House) -> Refusal | None:
    """What the patient said no to, whatever else of the row can be read; None where they did not."""
    row = _Reader(cells, columns, house)
    channels = tuple(channel for channel, what in CONSENTS.items() if row.said(what).lower() in _NO)
    if not channels:
        return None
    ended_at = row.at(Field.ENDED_AT, row.said(Field.TIME))
    dated = row.said(Field.AGREED_AT) and not columns.agreed_at_session
    days = (ended_at, row.at(Field.AGREED_AT, "00:00") if dated else ended_at)
    known = [day for day in days if day is not None and day <= house.now]
    phone = row.said(Field.PHONE)
    return Refusal(
        patient=row.said(Field.PATIENT),
        given_name=row.line(Field.GIVEN_NAME),
        phone=international_phone(phone, house.emergency_number),
        email=row.said(Field.EMAIL),
        channels=channels,
        since=max(known) if len(known) == len(days) else None,
        source=row.line(Field.SOURCE),
    )
