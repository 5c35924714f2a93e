"""Sessions of patients who are new to their clinic: most of what clinics post.

Nothing is on record that they could touch, and they do not touch one another. So all that an event or a batch brings
are planned in memory, in any order, and written in bulk.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from service import crashpoints
from service.api import told
from service.api.bodies import (
    AnyEvent,
    PatientErased,
    PatientUpdated,
    SessionBody,
    SessionCancelled,
    SessionCompleted,
    invalid_event,
)
from service.api.lines import Applied, Line
from service.api.timelines import first_timeline
from service.care.lifecycle import Channel, Reason
from service.care.planning import plan
from service.care.protocol import Protocol
from service.crashpoints import Point
from service.problems import FieldProblem, Problem
from service.records import bulk, consents, events, messages, names, patients, plans, protocols, sessions
from service.records.clinics import Clinic
from service.records.consents import Consent
from service.records.ids import new_id, new_ids
from service.records.patients import Patient
from service.records.plans import Sending
from service.records.sessions import First

DEFAULT_PROTOCOL = "prolotherapy"
_FEW = 2
"""Up to so many, single statements are quicker than a bulk load."""


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A new patient with a first session. `place` is the event's among those it came with."""

    place: int
    line: Line
    told_at: datetime
    body: SessionBody
    patient: Patient
    given: list[Consent]
    reachable: dict[Channel, Reason | None]


@dataclass(frozen=True, slots=True)
class _Arrival:
    """A newcomer whose protocol is known: all that planning needs."""

    new: Newcomer
    first: First
    protocol: Protocol


def among(
    connection: Connection, sending: Sending, clinic: Clinic, lines: Sequence[Line], now: datetime
) -> list[Newcomer]:
    """The events that bring a new patient and of which, or of whom, no earlier line has said anything."""
    vault = sending.vault
    asked = [_newcomer(clinic, place, line, now) for place, line in _first_mentions(lines)]
    if not asked:
        return []
    former = {one.place: patients.tombstones(vault, clinic.id, one.patient.external_id) for one in asked}
    addresses = {one.place: plans.address_keys(vault, one.patient) for one in asked}
    known = names.look_up(
        connection,
        clinic.id,
        [one.line.key for one in asked],
        [name for one in asked for name in (one.patient.external_id, *former[one.place])],
        [one.body.id for one in asked],
        [key for keys in addresses.values() for those in keys.values() for key in those],
    )
    found = []
    for one in asked:
        if (
            one.line.key in known.events
            or one.body.id in known.sessions
            or not known.patients.isdisjoint((one.patient.external_id, *former[one.place]))
        ):
            continue
        for channel, keys in addresses[one.place].items():
            for key in keys:
                one.reachable[channel] = known.suppressed.get((channel, key), one.reachable[channel])
        found.append(one)
    return found


def take_in(
    connection: Connection, sending: Sending, clinic: Clinic, newcomers: Sequence[Newcomer], now: datetime
) -> dict[int, Applied | Problem]:
    """Plan and write newcomers; what became of each, by place."""
    asked = {new.body.protocol for new in newcomers}
    followed = {name: _protocol(connection, clinic, name) for name in asked}
    outcomes: dict[int, Applied | Problem] = {}
    arrivals = []
    for new in newcomers:
        found = followed[new.body.protocol]
        if isinstance(found, Problem):
            outcomes[new.place] = found
        else:
            arrivals.append(_arrival(clinic, new, *found))
    if arrivals:
        outcomes |= _write(connection, sending, clinic, arrivals, now)
    return outcomes


def protocol_in_force(connection: Connection, clinic: Clinic, name: str | None) -> protocols.Version:
    """The version that a session follows from this transaction on. Raises Problem 422."""
    version = protocols.to_follow(connection, clinic.id, name or DEFAULT_PROTOCOL)
    if version is None:
        problem = FieldProblem("/data/session/protocol", "is not a protocol of this clinic")
        raise invalid_event([problem])
    return version


def _protocol(connection: Connection, clinic: Clinic, name: str | None) -> tuple[int, Protocol] | Problem:
    try:
        version = protocol_in_force(connection, clinic, name)
    except Problem as problem:
        return problem
    return version.id, protocols.parsed(connection, version.id)


def _first_mentions(lines: Sequence[Line]) -> Iterator[tuple[int, Line]]:
    """Lines that may be newcomers', with their places: no line before them has their key, patient or session."""
    keys, people, treatments = set[str](), set[str](), set[str]()
    for place, line in enumerate(lines):
        patient, session = _named(line.event)
        if (
            isinstance(line.event, SessionCompleted)
            and told.only_gives(line.event.data.patient.consent)
            and line.key not in keys
            and patient not in people
            and session not in treatments
        ):
            yield place, line
        keys.add(line.key)
        people.add(patient)
        treatments.add(session)


def _named(event: AnyEvent) -> tuple[str, str]:
    """The patient and the session that an event names; none has an empty id."""
    match event:
        case PatientUpdated() | PatientErased():
            return event.data.patient.id, ""
        case SessionCancelled():
            return "", event.data.session.id
        case _:
            who = event.data.patient
            return "" if who is None else who.id, event.data.session.id


def _newcomer(clinic: Clinic, place: int, line: Line, now: datetime) -> Newcomer:
    event = line.event
    assert isinstance(event, SessionCompleted)
    told_at = event.timestamp or now
    given = told.given(event.data.patient.consent, now)
    consenting = [consent.channel for consent in given]
    patient = patients.new(clinic.id, told.facts(event.data.patient), told_at, consenting)
    return Newcomer(place, line, told_at, event.data.session, patient, given, plans.ways(patient))


def _arrival(clinic: Clinic, new: Newcomer, version_id: int, protocol: Protocol) -> _Arrival:
    baseline = told.baseline(new.body.baseline)
    session = sessions.new(
        baseline,
        clinic_id=clinic.id,
        external_id=new.body.id,
        patient_id=new.patient.id,
        course_id=new_id(),
        protocol_id=version_id,
        ended_at=new.body.ended_at,
        number=new.body.number,
        next_session_at=new.body.next_session_at,
        facts_at=new.told_at,
    )
    return _Arrival(new, First(session, told.course_key(new.body.site), baseline), protocol)


def _write(
    connection: Connection, sending: Sending, clinic: Clinic, arrivals: Sequence[_Arrival], now: datetime
) -> dict[int, Applied]:
    vault = sending.vault
    outcomes: dict[int, Applied] = {}
    with bulk.writing(connection, many=len(arrivals) > _FEW) as write:
        patients.add_all(write, vault, (one.new.patient for one in arrivals))
        granted = ((one.new.patient.id, consent) for one in arrivals for consent in one.new.given)
        consents.add_all(write, clinic.id, granted, now)
        sessions.add_first(write, vault, [one.first for one in arrivals], now)
        messages.add_plans(write, _planned(sending, clinic, arrivals, now, outcomes))
        crashpoints.reached(Point.EVENTS_APPLIED)
        events.add_all(
            write, (answered(sending, clinic, one.new.line, outcomes[one.new.place], now) for one in arrivals)
        )
    for one in arrivals:
        consents.announce_first(connection, clinic.id, one.new.patient.id, one.new.given, now)
    return outcomes


def _planned(
    sending: Sending, clinic: Clinic, arrivals: Sequence[_Arrival], now: datetime, outcomes: dict[int, Applied]
) -> Iterator[dict[str, Any]]:
    """The rows of every plan. Each is made, and its answer noted in `outcomes`, when its rows are asked for."""
    senders = sending.of(clinic)
    for one in arrivals:
        new, session = one.new, one.first.session
        facts = plans.facts_of(clinic, new.patient, session, new.body.ended_at, new.reachable, now, told_at=now)
        planned = plan(one.protocol, facts)
        ids = new_ids(len(planned))
        answer = first_timeline(session, one.first.site, list(zip(ids, planned, strict=True)))
        outcomes[new.place] = Applied(202, answer, session.id)
        yield from messages.planned_rows(clinic.id, new.patient.id, session.id, senders, ids, planned)


def answered(sending: Sending, clinic: Clinic, line: Line, applied: Applied, now: datetime) -> dict[str, Any]:
    """The row of an event that was applied, with its answer."""
    return events.answered_row(
        sending.vault, clinic.id, line.key, line.raw, line.event.type, applied.session_id, applied.patient_id,
        applied.status, applied.text, now,
    )  # fmt: skip
