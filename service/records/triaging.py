"""From answers on record to alerts: the rules' facts, and the transaction in which a tap is stored and heard (P9)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from service.care import baselines, sites, triage
from service.care.baselines import Baseline
from service.care.care_plan import prohibited_medicines
from service.care.localtime import local_day
from service.care.protocol import Anchor, Protocol
from service.care.redflags import RedFlag
from service.care.scores import Scores, scores
from service.care.surveys import Answer, Kind, Measure, Survey
from service.care.triage import Finding, Silence, TriageFacts
from service.care.urgency import Urgency
from service.records import clinics, patients, protocols, responses, sessions
from service.records.clinics import Clinic
from service.records.library import Library
from service.records.patients import Patient
from service.records.plans import zone
from service.records.responses import Change, Response
from service.records.sealing import Vault
from service.records.sessions import Session

_PAIN = "pain"
HIGH_PAIN = 8
"""Where no day can tell whether it is a common flare, a score from here on is looked at."""
_NO_VISIT = "No visit is on record."
_GROUPS = {
    sites.Region.RIB: "rib_thoracic",
    sites.Region.SPINE: "spine",
    sites.Region.JOINT: "joint",
    sites.Region.LEG: "leg",
}

Raise = Callable[[Connection, Clinic, int, int | None, Finding, str, datetime], object]
"""Opens an alert: clinic, patient, session, what was found, where it was said ("survey S1"), when."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A session with everything that questions and rules depend on."""

    clinic: Clinic
    patient: Patient
    session: Session
    protocol: Protocol | None
    site_groups: frozenset[str]
    course: tuple[Session, ...]
    """The sessions of its course that were not cancelled, oldest first; itself among them."""

    def day(self, moment: datetime) -> int:
        """The patient's local day after the session; 0 is its own."""
        if self.session.ended_at is None:
            return 0
        local = zone(self.patient.timezone or self.clinic.timezone)
        return max(0, (local_day(moment, local) - local_day(self.session.ended_at, local)).days)

    def is_of_course(self, survey: str) -> bool:
        """Whether the survey belongs to the course as a whole (weeks 6 and 12) and not to this one session."""
        steps = self.protocol.steps if self.protocol is not None else ()
        return any(step.survey == survey and step.anchor is Anchor.COURSE for step in steps)


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of a tap or a submission."""

    response: Response | None
    findings: tuple[Finding, ...]
    """Of all answers so far."""
    fresh: tuple[Finding, ...]
    """Those that this change brought: for each of them an alert was opened."""

    @property
    def is_emergency(self) -> bool:
        return triage.most_urgent(self.findings) is Urgency.EMERGENCY


@dataclass(frozen=True, slots=True)
class Said:
    """What a reply says that rules may hear."""

    signs: frozenset[str]
    """Values of `RedFlag`."""
    pain: int | None = None
    """0 to 10."""


def setting(connection: Connection, vault: Vault, session_id: int) -> Setting:
    """Read a session's setting. Raises LookupError when its patient is not known."""
    session = sessions.get(connection, session_id)
    if session.patient_id is None:
        raise LookupError(f"session {session_id} has no patient")
    protocol = None if session.protocol_id is None else protocols.parsed(connection, session.protocol_id)
    of_patient = sessions.of_patient(connection, session.patient_id)
    course = tuple(one for one in of_patient if one.course_id == session.course_id and one.cancelled_at is None)
    return Setting(
        clinic=clinics.get(connection, session.clinic_id),
        patient=patients.get(connection, vault, session.patient_id),
        session=session,
        protocol=protocol,
        site_groups=_site_groups(connection, session),
        course=course or (session,),
    )


def baseline(
    connection: Connection, vault: Vault, library: Library, where: Setting, of_course: bool = False
) -> Baseline | None:
    """The session's baseline, else the nearest earlier one of its course; for `of_course` the course's first.

    Comes with the event, and for what that left out from the survey at the start: half finished, too.
    """
    earlier = [one for one in where.course if _ended(one) <= _ended(where.session)] or [where.session]
    answered = {
        response.session_id: response
        for response in responses.of_sessions(connection, vault, [one.id for one in earlier])
        if response.survey == baselines.SURVEY
    }
    for session in earlier if of_course else reversed(earlier):
        stored = sessions.baseline(connection, vault, session.id) or {}
        survey = library.surveys.get(baselines.SURVEY)
        if survey is not None and session.id in answered:
            stored = baselines.joined(stored, baselines.of_answers(answered[session.id].read(survey)))
        if stored:
            return baselines.read(stored)
    return None


def known_from_visit(
    connection: Connection, vault: Vault, where: Setting, survey: Survey, answered: Collection[str]
) -> frozenset[str]:
    """The questions that the survey at the start need not ask: the clinic measured it, and before the treatment.

    `answered`: the ids of those that the patient has answered. Their own word stays theirs to change.
    """
    if survey.id != baselines.SURVEY:
        return frozenset()
    kept = sessions.baseline(connection, vault, where.session.id) or {}
    return baselines.measured(survey, kept) - set(answered)


def take(
    connection: Connection,
    vault: Vault,
    library: Library,
    where: Setting,
    survey: Survey,
    change: Change,
    now: datetime,
    raise_alert: Raise,
) -> Heard:
    """Store answers and open the alerts they call for, in the caller's transaction: both or neither."""
    patients.get(connection, vault, where.patient.id, lock=True)
    before = responses.find(connection, vault, where.session.id, survey.id)
    after = responses.save(connection, vault, where.patient.id, where.session.id, survey.id, change, now)
    if survey.id == baselines.SURVEY and after.completed_at is not None:
        _settle_baseline(connection, vault, where, survey, before, after)
    earlier = () if before is None else judge(connection, vault, library, where, survey, before, before.changed_at)
    findings = judge(connection, vault, library, where, survey, after, now)
    fresh = _new(findings, earlier)
    _raise_all(connection, where, fresh, survey.id, now, raise_alert)
    return Heard(after, findings, fresh)


def _settle_baseline(
    connection: Connection, vault: Vault, where: Setting, survey: Survey, before: Response | None, after: Response
) -> None:
    """Write down the start of a patient who has sent the survey off, or changes what they had sent off."""
    known = sessions.baseline(connection, vault, where.session.id) or {}
    said = {} if before is None else baselines.of_answers(before.read(survey))
    at_visit = {name: value for name, value in known.items() if said.get(name) != value}
    whole = baselines.joined(at_visit, baselines.of_answers(after.read(survey)))
    sessions.set_baseline(connection, vault, where.session.id, whole, is_answered=True)


def hear(
    connection: Connection,
    vault: Vault,
    library: Library,
    where: Setting,
    survey: Survey,
    answers: Mapping[str, Answer],
    now: datetime,
    raise_alert: Raise,
) -> Heard:
    """Judge answers that come too late to be stored: a page left open for weeks may still tell of a warning sign."""
    patients.get(connection, vault, where.patient.id, lock=True)
    facts = facts_for(connection, vault, library, where, survey, answers, now, begun_at=now)
    findings = triage.evaluate(rules_of(library, where), facts)
    loud = tuple(finding for finding in findings if finding.urgency.rank >= Urgency.URGENT.rank)
    _raise_all(connection, where, loud, survey.id, now, raise_alert)
    return Heard(None, findings, loud)


def heard_words(
    connection: Connection, vault: Vault, library: Library, session_id: int | None, said: Said, now: datetime
) -> tuple[Finding, ...]:
    """What the rules find in a reply; without a session, and so without a day, by its own words alone.

    A sign that no rule hears, because a clinic's rules are older than our reading of words, has its own urgency:
    nothing that was read as a warning sign goes by.
    """
    if session_id is None:
        high = said.pain is not None and said.pain >= HIGH_PAIN
        score = Finding(Urgency.URGENT, _PAIN, "words_pain", f"Pain {said.pain} of 10. {_NO_VISIT}")
        return (*(_own_finding(sign, _NO_VISIT) for sign in sorted(said.signs)), *([score] if high else []))
    where = setting(connection, vault, session_id)
    pain = {} if said.pain is None else {_PAIN: Answer(_PAIN, Kind.SCALE, said.pain, Measure.NRS, said.pain)}
    start = baseline(connection, vault, library, where)
    facts = TriageFacts(
        day=where.day(now),
        answers=pain,
        word_signs=said.signs,
        site_groups=where.site_groups,
        baseline=None if start is None else start.scores,
        previous=_previous(connection, vault, library, where, "", now),
    )
    rules = rules_of(library, where)
    found = triage.evaluate(rules, facts)
    answered = {rule.when.sign for rule in rules if rule.when.sign and triage.fires(rule.when, facts)}
    unheard = [_own_finding(sign, f"Day {facts.day}.") for sign in sorted(said.signs - answered)]
    return tuple(sorted((*found, *unheard), key=lambda finding: -finding.urgency.rank))


def silent(
    connection: Connection,
    vault: Vault,
    library: Library,
    where: Setting,
    survey: Survey,
    silence: Silence,
    now: datetime,
) -> tuple[Finding, ...]:
    """What the rules make of a survey that nobody has answered."""
    facts = facts_for(connection, vault, library, where, survey, {}, now, begun_at=now)
    return triage.evaluate(rules_of(library, where), replace(facts, silence=silence))


def _own_finding(sign: str, context: str) -> Finding:
    urgency = RedFlag(sign).urgency
    return Finding(urgency, sign, f"words_{sign}", f"Reported {sign.replace('_', ' ')}. {context}")


def facts_for(
    connection: Connection,
    vault: Vault,
    library: Library,
    where: Setting,
    survey: Survey,
    answers: Mapping[str, Answer],
    at: datetime,
    begun_at: datetime,
) -> TriageFacts:
    """What the rules go by, for these answers given at `at` to a survey that was begun at `begun_at`."""
    asks_start = survey.id == baselines.SURVEY
    start = None if asks_start else baseline(connection, vault, library, where, where.is_of_course(survey.id))
    return TriageFacts(
        day=where.day(at),
        answers=answers,
        survey=survey.id,
        site_groups=where.site_groups,
        baseline=None if start is None else start.scores,
        previous=None if asks_start else _previous(connection, vault, library, where, survey.id, begun_at),
        prohibited_medicines=prohibited_medicines(where.clinic.care_plan),
    )


def judge(
    connection: Connection,
    vault: Vault,
    library: Library,
    where: Setting,
    survey: Survey,
    response: Response,
    at: datetime,
) -> tuple[Finding, ...]:
    """What the rules find in a response as it stands, as of `at`."""
    answers = response.read(survey)
    facts = facts_for(connection, vault, library, where, survey, answers, at, response.started_at)
    return triage.evaluate(rules_of(library, where), facts)


def _new(findings: Sequence[Finding], earlier: Sequence[Finding]) -> tuple[Finding, ...]:
    """What was not found before, or not as urgent: ten taps after a warning sign are no ten warnings."""
    known = {finding.cause: finding.urgency.rank for finding in earlier}
    return tuple(finding for finding in findings if finding.urgency.rank > known.get(finding.cause, -1))


def _raise_all(
    connection: Connection,
    where: Setting,
    findings: Sequence[Finding],
    survey: str,
    now: datetime,
    raise_alert: Raise,
) -> None:
    for finding in findings:
        raise_alert(connection, where.clinic, where.patient.id, where.session.id, finding, f"survey {survey}", now)


def rules_of(library: Library, where: Setting) -> tuple[triage.Rule, ...]:
    """The triage rules of a session's protocol."""
    return library.rules_for(None if where.protocol is None else where.protocol.name)


def _previous(
    connection: Connection, vault: Vault, library: Library, where: Setting, survey: str, begun_at: datetime
) -> Scores | None:
    """Scores of the last survey since the session that told of pain and was begun before this one."""
    for response in reversed(responses.of_sessions(connection, vault, [where.session.id])):
        asked = library.surveys.get(response.survey)
        if asked is None or response.survey in (baselines.SURVEY, survey) or response.started_at >= begun_at:
            continue
        found = scores(response.read(asked).values())
        if found.worst_pain is not None:
            return found
    return None


def _site_groups(connection: Connection, session: Session) -> frozenset[str]:
    if session.course_id is None:
        return frozenset()
    site = sites.parse(sessions.site_of(connection, session.course_id))
    return frozenset() if site is None else frozenset(_GROUPS[region] for region in sites.REGIONS[site])


def _ended(session: Session) -> datetime:
    return session.ended_at or session.facts_at
