"""What each event does to the records: one transaction, at the end of which everything it asks for is planned.

Events may come doubled and in any order. Doubles stop at the unique key of `events`. Order does not matter because a
later fact never gives way to an earlier one (`timestamp`), a cancellation is final, and who supersedes whom follows
from the sessions' own times.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from service import crashpoints
from service.api import newcomers, told
from service.api.bodies import (
    AnyEvent,
    CancelledData,
    ConsentBody,
    ConsentWithdrawn,
    PatientBody,
    PatientErased,
    PatientUpdated,
    SessionBody,
    SessionCancelled,
    SessionChange,
    SessionCompleted,
    SessionUpdated,
    invalid_event,
)
from service.api.lines import Applied, Line
from service.api.timelines import first_timeline, shown, timeline
from service.care.lifecycle import Channel, Reason
from service.crashpoints import Point
from service.problems import FieldProblem, Problem
from service.records import clinics, consents, erasure, events, messages, patients, plans, sessions
from service.records.clinics import Clinic
from service.records.patients import Patient
from service.records.plans import Sending
from service.records.sessions import Session


def take_in(
    connection: Connection, sending: Sending, clinic_id: int, key: str, raw: bytes, event: AnyEvent, now: datetime
) -> Applied:
    """Apply an event once. A repeat gets the first answer; the same key with other content raises Problem 409."""
    [outcome] = take_in_all(connection, sending, clinic_id, [Line(key, raw, event)], now)
    if isinstance(outcome, Problem):
        raise outcome
    return outcome


def answered_before(connection: Connection, sending: Sending, clinic_id: int, key: str, raw: bytes) -> Applied | None:
    """The answer to an event that is a repeat. Raises Problem 409 where the key was used for other content."""
    earlier = events.earlier_answer(connection, sending.vault, clinic_id, key, raw)
    if earlier is None:
        return None
    if not earlier.same_content:
        raise Problem(409, "key_reused", "This id was used before for an event with other content.")
    return Applied(earlier.status, earlier.answer)


def take_in_all(
    connection: Connection, sending: Sending, clinic_id: int, lines: Sequence[Line], now: datetime
) -> list[Applied | Problem]:
    """Apply events, each once; what became of each, in order. One that is refused changes nothing.

    New patients come first, all together. The others follow in the order of their lines, so that what is said of one
    patient or session is applied in the order in which it was said.
    """
    if any(isinstance(line.event, PatientErased) for line in lines):
        # At once, and not when it is their turn: two who already hold the clinic would wait for each other.
        clinics.lock(connection, clinic_id)
    clinic = clinics.held(connection, clinic_id)
    outcomes = newcomers.take_in(
        connection, sending, clinic, newcomers.among(connection, sending, clinic, lines, now), now
    )
    for place, line in enumerate(lines):
        if place not in outcomes:
            outcomes[place] = _take_in_alone(connection, sending, clinic, line, now)
    return [outcomes[place] for place in range(len(lines))]


def _take_in_alone(
    connection: Connection, sending: Sending, clinic: Clinic, line: Line, now: datetime
) -> Applied | Problem:
    try:
        with connection.begin_nested():
            earlier = answered_before(connection, sending, clinic.id, line.key, line.raw)
            return earlier or _take_in_known(connection, sending, clinic, line, now)
    except Problem as problem:
        return problem


def _take_in_known(connection: Connection, sending: Sending, clinic: Clinic, line: Line, now: datetime) -> Applied:
    """Apply an event about what may be on record."""
    applied = _apply(connection, sending, clinic, line.event, now)
    crashpoints.reached(Point.EVENTS_APPLIED)
    events.add(connection, newcomers.answered(sending, clinic, line, applied, now))
    return applied


def _apply(connection: Connection, sending: Sending, clinic: Clinic, event: AnyEvent, now: datetime) -> Applied:
    said_at = event.timestamp or now
    match event:
        case SessionCompleted():
            return _completed(connection, sending, clinic, event.data.session, event.data.patient, said_at, now)
        case SessionUpdated():
            return _updated(connection, sending, clinic, event.data.session, event.data.patient, said_at, now)
        case SessionCancelled():
            return _cancelled(connection, sending, clinic, event.data, said_at, now)
        case PatientUpdated():
            return _patient_updated(connection, sending, clinic, event.data.patient, said_at, now)
        case PatientErased():
            return _erased(connection, sending, clinic, event.data.patient.id, now)


def _completed(
    connection: Connection,
    sending: Sending,
    clinic: Clinic,
    body: SessionBody,
    who: PatientBody,
    said_at: datetime,
    now: datetime,
) -> Applied:
    version = newcomers.protocol_in_force(connection, clinic, body.protocol)
    patient, is_new = _upsert_patient(connection, sending, clinic, who, said_at, now)
    known = sessions.find(connection, clinic.id, body.id)
    if known is not None:
        return _change_known(connection, sending, clinic, known, body, patient, said_at, now)
    session = sessions.add(
        connection,
        sending.vault,
        told.baseline(body.baseline),
        clinic_id=clinic.id,
        external_id=body.id,
        patient_id=patient.id,
        course_id=_course(connection, clinic, patient, body.site, is_new),
        protocol_id=version.id,
        ended_at=body.ended_at,
        number=body.number,
        next_session_at=body.next_session_at,
        facts_at=said_at,
        created_at=now,
    )
    if not is_new:
        _settle_course(connection, sending, clinic, patient, session, now)
        session = sessions.get(connection, session.id)
    made = plans.make(connection, sending, clinic, patient, session, now)
    return Applied(202, first_timeline(session, told.course_key(body.site), made), session.id)


def _updated(
    connection: Connection,
    sending: Sending,
    clinic: Clinic,
    body: SessionChange,
    who: PatientBody | None,
    said_at: datetime,
    now: datetime,
) -> Applied:
    known = sessions.find(connection, clinic.id, body.id)
    if known is None:
        # Asking the sender to try again keeps the order right without keeping half a session.
        raise Problem(
            409, "session_unknown", "This session has not been reported yet; post session.completed, then this again."
        )
    if body.protocol is not None:
        newcomers.protocol_in_force(connection, clinic, body.protocol)
    if who is not None:
        patient, _ = _upsert_patient(connection, sending, clinic, who, said_at, now)
        if known.patient_id is not None and patient.id != known.patient_id:
            raise Problem(409, "other_patient", "The session belongs to another patient; cancel it and report it anew.")
    elif known.patient_id is not None:
        patient = patients.get(connection, sending.vault, known.patient_id, lock=True)
        if patient.erased_at is not None:
            raise erased_before()
    else:
        return _answer(connection, known)
    return _change_known(connection, sending, clinic, known, body, patient, said_at, now)


def _change_known(
    connection: Connection,
    sending: Sending,
    clinic: Clinic,
    known: Session,
    body: SessionBody | SessionChange,
    patient: Patient,
    said_at: datetime,
    now: datetime,
) -> Applied:
    """Apply newer facts to a session on record; a cancelled one stays cancelled, older facts change nothing."""
    if known.patient_id is not None and known.patient_id != patient.id:
        raise Problem(409, "other_patient", "The session belongs to another patient; cancel it and report it anew.")
    if known.cancelled_at is not None or said_at < known.facts_at:
        return _answer(connection, known)
    values: dict[str, Any] = {"patient_id": patient.id}
    if body.model_fields_set > {"id"}:
        values["facts_at"] = said_at
    for name in ("ended_at", "number", "next_session_at"):
        if name in body.model_fields_set and (getattr(body, name) is not None or name == "next_session_at"):
            values[name] = getattr(body, name)
    _check_next_visit(known, values)
    if body.protocol is not None:
        values["protocol_id"] = newcomers.protocol_in_force(connection, clinic, body.protocol).id
    if body.site is not None:
        values["course_id"] = _course(connection, clinic, patient, body.site)
    sessions.change(connection, known.id, **values)
    if baseline := told.baseline(body.baseline):
        sessions.add_to_baseline(connection, sending.vault, known.id, baseline)
    if known.course_id is not None and values.get("course_id", known.course_id) != known.course_id:
        _replan(connection, sending, clinic, sessions.supersede(connection, known.course_id), now)
    session = sessions.get(connection, known.id)
    _settle_course(connection, sending, clinic, patient, session, now)
    plans.remake(connection, sending, clinic, patient, sessions.get(connection, known.id), now)
    return _answer(connection, sessions.get(connection, known.id))


def _check_next_visit(known: Session, values: Mapping[str, Any]) -> None:
    """The rule of a session's two times where an event tells only one of them. Raises Problem 422."""
    where = next((name for name in ("next_session_at", "ended_at") if name in values), None)
    ended, following = (values.get(name, getattr(known, name)) for name in ("ended_at", "next_session_at"))
    if where is not None and ended is not None and following is not None and following <= ended:
        detail = "must be after ended_at" if where == "next_session_at" else "must be before next_session_at"
        problem = FieldProblem(f"/data/session/{where}", detail)
        raise invalid_event([problem])


def _cancelled(
    connection: Connection, sending: Sending, clinic: Clinic, data: CancelledData, said_at: datetime, now: datetime
) -> Applied:
    external_id = data.session.id
    known = sessions.find(connection, clinic.id, external_id)
    if known is None:
        # The cancellation overtook the session: remember it, so that the session finds it when it comes.
        tombstone = sessions.add(
            connection,
            sending.vault,
            None,
            clinic_id=clinic.id,
            external_id=external_id,
            cancelled_at=now,
            facts_at=said_at,
            created_at=now,
        )
        return _answer(connection, tombstone)
    if known.patient_id is not None:
        patient = patients.get(connection, sending.vault, known.patient_id, lock=True)
        if data.patient is not None and patient.erased_at is None and data.patient.id != patient.external_id:
            raise Problem(409, "other_patient", "The session belongs to another patient; nothing was cancelled.")
    if known.cancelled_at is None:
        sessions.change(connection, known.id, cancelled_at=now)
        messages.withdraw_of_session(connection, known.id, Reason.SESSION_CANCELLED)
        if known.course_id is not None:
            _replan(connection, sending, clinic, sessions.supersede(connection, known.course_id), now)
    return _answer(connection, sessions.get(connection, known.id))


def _patient_updated(
    connection: Connection, sending: Sending, clinic: Clinic, who: PatientBody, said_at: datetime, now: datetime
) -> Applied:
    patient, _ = _upsert_patient(connection, sending, clinic, who, said_at, now)
    plans.remake_all(connection, sending, clinic, patient, now)
    answer = {"patient": {"id": patient.external_id}, "messages": _waiting(connection, patient)}
    return Applied(202, answer, patient_id=patient.id)


def _erased(connection: Connection, sending: Sending, clinic: Clinic, external_id: str, now: datetime) -> Applied:
    erasure.erase(connection, sending.vault, clinic.id, external_id, now, unheard_of=True)
    return Applied(202, {"patient": {"id": external_id}, "messages": []})


def _upsert_patient(
    connection: Connection, sending: Sending, clinic: Clinic, who: PatientBody, said_at: datetime, now: datetime
) -> tuple[Patient, bool]:
    """The patient, up to date, and whether this event brought them."""
    known = patients.find(connection, sending.vault, clinic.id, who.id, lock=True)
    facts = told.facts(who)
    if known is None:
        given = told.given(who.consent, now)
        consenting = [consent.channel for consent in given]
        patient = patients.add(connection, sending.vault, clinic.id, facts, said_at, consenting)
        consents.grant_first(connection, clinic.id, patient.id, given, now)
        if told.only_gives(who.consent):
            return patient, True
    elif known.erased_at is not None:
        raise erased_before()
    else:
        patient = patients.bring_up_to_date(connection, sending.vault, known, facts, said_at)
    if who.consent is not None:
        _note_consent(connection, clinic.id, patient.id, who.consent, now)
        patient = patients.get(connection, sending.vault, patient.id)
    return patient, known is None


def erased_before() -> Problem:
    return Problem(409, "patient_erased", "This patient was erased; use another id if they have come back.")


def _note_consent(connection: Connection, clinic_id: int, patient_id: int, consent: ConsentBody, now: datetime) -> None:
    for given in told.given(consent, now):
        consents.grant(connection, clinic_id, patient_id, given, now)
    for channel, word in ((Channel.SMS, consent.sms), (Channel.EMAIL, consent.email)):
        if isinstance(word, ConsentWithdrawn):
            consents.revoke(
                connection, clinic_id, patient_id, channel, word.source, told.said(word.withdrawn_at, now), now
            )


def _course(connection: Connection, clinic: Clinic, patient: Patient, site: str, is_new: bool = False) -> int:
    if is_new:
        return sessions.begin_course(connection, clinic.id, patient.id, told.course_key(site))
    return sessions.course_for(connection, clinic.id, patient.id, told.course_key(site))


def _settle_course(
    connection: Connection, sending: Sending, clinic: Clinic, patient: Patient, session: Session, now: datetime
) -> None:
    """Let each session of the course give way to the next, and re-plan the others for which that changed."""
    if session.course_id is None:
        return
    for other in sessions.supersede(connection, session.course_id):
        if other.id != session.id:
            plans.remake(connection, sending, clinic, patient, other, now)


def _replan(connection: Connection, sending: Sending, clinic: Clinic, changed: list[Session], now: datetime) -> None:
    for session in changed:
        if session.patient_id is not None:
            patient = patients.get(connection, sending.vault, session.patient_id)
            plans.remake(connection, sending, clinic, patient, session, now)


def _answer(connection: Connection, session: Session) -> Applied:
    return Applied(202, timeline(connection, session), session.id)


def _waiting(connection: Connection, patient: Patient) -> list[Mapping[str, Any]]:
    from_all = messages.of_patient(connection, patient.id)
    return [shown(row) for row in from_all if row["state"] in ("planned", "queued")]
