"""What clinics may send: the event bodies, strict, with messages that say what to mend and never repeat a value."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

import phonenumbers
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from service.care import sites
from service.problems import FieldProblem, Problem

_ZONES = available_timezones() - {"localtime", "posixrules", "Factory"}
_LOCALE = re.compile(r"[a-z]{2}(-[A-Z]{2})?")
_EMAIL = re.compile(r"[^@\s<>\"(),:;\\]{1,64}@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}")
_NORTH_AMERICAN = re.compile(r"\+1[2-9][0-9]{9}")
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def _fail(code: str, message: str) -> PydanticCustomError:
    return PydanticCustomError(code, message)


def _phone(value: str) -> str:
    if _NORTH_AMERICAN.fullmatch(value):
        return value
    try:
        number = phonenumbers.parse(value, None)
    except phonenumbers.NumberParseException:
        raise _fail("phone", "must be a phone number in international form, such as +1 202 555 0123") from None
    if not phonenumbers.is_possible_number(number):
        raise _fail("phone", "is not a possible phone number")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _email(value: str) -> str:
    if len(value) > 254 or not _EMAIL.fullmatch(value) or not value.isprintable():
        raise _fail("email", "must be an e-mail address")
    return value


def _zone(value: str) -> str:
    if value not in _ZONES:
        raise _fail("timezone", "must be an IANA time zone, such as America/Denver")
    return value


def _site(value: str) -> str:
    if sites.course_key(value) is None:
        known = ", ".join(site.value for site in sites.Site)
        raise _fail("site", f"is not a known site; use one of {known}, with _left or _right where it matters")
    return value


def _locale(value: str) -> str:
    if not _LOCALE.fullmatch(value):
        raise _fail("locale", "must be a language such as en or es, or es-MX")
    return value


def _plain(value: str) -> str:
    if _CONTROL.search(value):
        raise _fail("text", "must not hold control characters")
    return value


def _time_text(value: object) -> object:
    if not isinstance(value, str) or not _ISO.match(value):
        raise _fail("time", "must be a time in ISO 8601 with its offset, such as 2026-03-02T15:04:00-05:00")
    return value


def _in_our_time(value: datetime) -> datetime:
    if not 2000 <= value.year < 2100:
        # Also keeps every sum of calendar and time zone inside what a date can hold.
        raise _fail("time", "must lie between the years 2000 and 2100")
    return value


def _said(**words: Any) -> Any:
    """What the API's description says of a field that code checks."""
    return Field(json_schema_extra=words)


Moment = Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_time_text), AfterValidator(_in_our_time)]
Text = Annotated[str, AfterValidator(_plain), _said(pattern=r"^[^\x00-\x1f\x7f]*$")]
Phone = Annotated[str, Field(max_length=40), AfterValidator(_phone), _said(format="phone", examples=["+12025550123"])]
Email = Annotated[str, AfterValidator(_email), _said(format="email", maxLength=254)]
Zone = Annotated[
    str, Field(max_length=64), AfterValidator(_zone), _said(format="iana-timezone", examples=["America/Denver"])
]
Locale = Annotated[str, AfterValidator(_locale), _said(pattern=f"^{_LOCALE.pattern}$", examples=["en", "es-MX"])]
SiteName = Annotated[
    str,
    Field(max_length=64),
    AfterValidator(_site),
    _said(format="site", examples=["knee_left", "lower_back"], description="One of " + ", ".join(sites.Site)),
]
ExternalId = Annotated[Text, Field(min_length=1, max_length=128)]
Score = Annotated[int, Field(ge=0, le=10)]


class _Body(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", hide_input_in_errors=True)


class ConsentGiven(_Body):
    """Consent as the clinic holds it: when, to which words, how."""

    at: Moment
    wording: Annotated[Text, Field(min_length=1, max_length=2000)]
    source: Annotated[Text, Field(min_length=1, max_length=200)]
    warned_at: Moment | None = None
    accepted_at: Moment | None = None


class ConsentWithdrawn(_Body):
    """The patient told the clinic to stop."""

    withdrawn_at: Moment
    source: Annotated[Text, Field(min_length=1, max_length=200)]


def _which_consent(value: object) -> str:
    if isinstance(value, ConsentWithdrawn) or (isinstance(value, dict) and "withdrawn_at" in value):
        return "withdrawn"
    return "given"


ConsentWord = Annotated[
    Annotated[ConsentGiven, Tag("given")] | Annotated[ConsentWithdrawn, Tag("withdrawn")],
    Discriminator(_which_consent),
]


class ConsentBody(_Body):
    """Consent a channel. A channel that is left out stays as it is."""

    sms: ConsentWord | None = None
    email: ConsentWord | None = None


class BaselineBody(_Body):
    """Scores taken at the visit. PEG is its three items, each 0 to 10. What is missing the patient is asked for."""

    pain: Score | None = None
    peg: Annotated[list[Score], Field(min_length=3, max_length=3)] | None = None
    activity: Annotated[Text, Field(min_length=1, max_length=120)] | None = None
    activity_score: Score | None = None


class PatientBody(_Body):
    """The patient, as far as messages need to know."""

    id: ExternalId
    given_name: Annotated[Text, Field(min_length=1, max_length=80)] | None = None
    phone: Phone | None = None
    email: Email | None = None
    timezone: Zone | None = None
    locale: Locale | None = None
    consent: ConsentBody | None = None


class TreatedPatient(PatientBody):
    """The patient of a new session: named, with consent for at least one channel and an address on it."""

    given_name: Annotated[Text, Field(min_length=1, max_length=80)]
    consent: ConsentBody

    @model_validator(mode="after")
    def _reachable(self) -> TreatedPatient:
        if self.consent.sms is None and self.consent.email is None:
            raise _fail("consent", "needs consent for sms, email or both")
        if isinstance(self.consent.sms, ConsentGiven) and self.phone is None:
            raise _fail("consent", "has consent for sms but no phone")
        if isinstance(self.consent.email, ConsentGiven) and self.email is None:
            raise _fail("consent", "has consent for email but no email")
        return self


class SessionBody(_Body):
    """One treatment that has ended."""

    id: ExternalId
    ended_at: Moment
    site: SiteName
    protocol: Annotated[Text, Field(min_length=1, max_length=64)] | None = None
    number: Annotated[int, Field(ge=1, le=100)] | None = None
    next_session_at: Moment | None = None
    baseline: BaselineBody | None = None


class SessionChange(_Body):
    """What changed about a session. What is left out stays; `next_session_at: null` means that none is planned."""

    id: ExternalId
    ended_at: Moment | None = None
    site: SiteName | None = None
    protocol: Annotated[Text, Field(min_length=1, max_length=64)] | None = None
    number: Annotated[int, Field(ge=1, le=100)] | None = None
    next_session_at: Moment | None = None
    baseline: BaselineBody | None = None


class SessionName(_Body):
    """A session by its id."""

    id: ExternalId


class PatientName(_Body):
    """A patient by id."""

    id: ExternalId


class CompletedData(_Body):
    session: SessionBody
    patient: TreatedPatient


class UpdatedData(_Body):
    session: SessionChange
    patient: PatientBody | None = None


class CancelledData(_Body):
    session: SessionName
    patient: PatientName | None = None


class PatientData(_Body):
    patient: PatientBody


class ErasedData(_Body):
    patient: PatientName


class _Event(_Body):
    timestamp: Moment | None = None
    """When this became true at the clinic; decides between events that arrive out of order."""


class SessionCompleted(_Event):
    type: Literal["session.completed"]
    data: CompletedData


class SessionUpdated(_Event):
    type: Literal["session.updated"]
    data: UpdatedData


class SessionCancelled(_Event):
    type: Literal["session.cancelled"]
    data: CancelledData


class PatientUpdated(_Event):
    type: Literal["patient.updated"]
    data: PatientData


class PatientErased(_Event):
    type: Literal["patient.erased"]
    data: ErasedData


AnyEvent = SessionCompleted | SessionUpdated | SessionCancelled | PatientUpdated | PatientErased
Event = Annotated[AnyEvent, Field(discriminator="type")]
EVENT: TypeAdapter[AnyEvent] = TypeAdapter(Event)
TYPES = ("session.completed", "session.updated", "session.cancelled", "patient.updated", "patient.erased")


def parse_event(raw: bytes, now: datetime) -> AnyEvent:
    """One event. Raises Problem: 400 when it is not JSON, 422 with every bad field when it is not an event."""
    check_json(raw)
    try:
        event = EVENT.validate_json(raw)
    except ValidationError as error:
        raise _as_problem(error) from None
    _check_times(event, now)
    return event


def check_json(raw: bytes) -> None:
    """Refuse what is not one JSON value in UTF-8, and objects that name a key twice: readers would disagree on it."""
    try:
        json.loads(raw.decode("utf-8"), object_pairs_hook=_without_doubles, parse_constant=_no_constant)
    except UnicodeDecodeError:
        raise Problem(400, "not_utf8", "The body must be JSON in UTF-8.") from None
    except _DoubleKey:
        raise Problem(400, "duplicate_key", "An object in the body names the same key twice.") from None
    except (ValueError, RecursionError):
        raise Problem(400, "not_json", "The body must be one JSON value.") from None


def invalid_event(problems: Sequence[FieldProblem]) -> Problem:
    """What is answered to an event that reads well and asks for what cannot be."""
    return Problem(422, "invalid_event", "The event has fields that cannot be accepted.", problems)


class _DoubleKey(Exception):
    pass


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _DoubleKey
    return found


def _no_constant(_name: str) -> None:
    raise ValueError("NaN and Infinity are not JSON")


_SOON = 300  # seconds a clinic's clock may be ahead of ours


def _check_times(event: AnyEvent, now: datetime) -> None:
    problems = []
    if isinstance(event, SessionCompleted | SessionUpdated):
        session = event.data.session
        if _is_ahead(session.ended_at, now):
            problems.append(
                FieldProblem("/data/session/ended_at", "lies in the future; post the event when it has ended")
            )
        ended, following = session.ended_at, session.next_session_at
        if ended is not None and following is not None and following <= ended:
            problems.append(FieldProblem("/data/session/next_session_at", "must be after ended_at"))
    if _is_ahead(event.timestamp, now):
        problems.append(FieldProblem("/timestamp", _FUTURE))
    problems += [FieldProblem(f"/data/patient/consent{pointer}", _FUTURE) for pointer in _consent_ahead(event, now)]
    if problems:
        raise invalid_event(problems)


_FUTURE = "lies in the future"


def _is_ahead(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and (moment - now).total_seconds() > _SOON


def _consent_ahead(event: AnyEvent, now: datetime) -> Iterator[str]:
    """What is said of consent that lies in the future: it would outrank every STOP until then."""
    who = getattr(event.data, "patient", None)
    consent = who.consent if isinstance(who, PatientBody) else None
    for channel in ("sms", "email"):
        word = getattr(consent, channel, None)
        for name in ("at", "withdrawn_at", "warned_at", "accepted_at"):
            if _is_ahead(getattr(word, name, None), now):
                yield f"/{channel}/{name}"


_TAGS = {*TYPES, "given", "withdrawn"}
_SAFE_KEY = re.compile(r"[a-z][a-z_0-9]{0,39}")


def _as_problem(error: ValidationError) -> Problem:
    found: dict[tuple[str, str], FieldProblem] = {}
    for one in error.errors(include_url=False, include_context=False, include_input=False):
        if one["type"] in ("union_tag_invalid", "union_tag_not_found"):
            problem = FieldProblem("/type", "must be one of " + ", ".join(TYPES))
        else:
            steps = [str(step) for step in one["loc"] if str(step) not in _TAGS]
            # A key that is not ours is somebody's input: named only when it looks like a field's name.
            shown = [step if _SAFE_KEY.fullmatch(step) or step.isdigit() else "(a key)" for step in steps]
            problem = FieldProblem("/" + "/".join(shown), _words(one["type"], one["msg"]))
        found[problem.pointer, problem.detail] = problem
    return invalid_event(list(found.values()))


def _words(kind: str, message: str) -> str:
    match kind:
        case "missing":
            return "is required"
        case "extra_forbidden":
            return "is not a field of this event"
        case "timezone_aware":
            return "must carry its offset from UTC, such as -05:00 or Z"
        case "datetime_from_date_parsing" | "datetime_parsing" | "datetime_type":
            return "must be a time in ISO 8601 with its offset, such as 2026-03-02T15:04:00-05:00"
        case _:
            return message[:1].lower() + message[1:]
