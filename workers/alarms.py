"""From a patient's own words to alerts, in the transaction that reads the reply (P9)."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import Connection

from service import time
from service.care.escalation import is_loud
from service.care.matching import Candidate
from service.care.replies import Reading
from service.care.triage import Finding
from service.records import alerts, clinics, sessions, triaging
from service.records.library import library
from service.records.plans import Sending
from service.records.replies import Reply
from service.records.triaging import Said

_MOST_WORDS = 600
"""Characters of a reply quoted in an alert; the reply itself is on the clinic's list."""
_SEVERE = 9
"""On a shared phone nobody guesses whose pain an 8 is; from here on all who may have written are asked."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A reply, read. On a shared phone `people` are all who may have written, and `session_id` is nobody's."""

    reply: Reply = field(repr=False)
    reading: Reading = field(repr=False)
    people: tuple[Candidate, ...]
    session_id: int | None
    number_counts: bool = False
    """The number in it tells of pain: nothing else was asked."""


def sound(connection: Connection, sending: Sending, heard: Heard) -> bool:
    """Open the alerts that a reply calls for, for everybody who may have written it. True when one is urgent.

    The caller texts the patient itself, and wakes the clock after the commit.
    """
    said = Said(frozenset(flag.value for flag in heard.reading.red_flags), _pain(heard))
    if not said.signs and said.pain is None:
        return False
    found: list[Finding] = []
    for person in heard.people:
        found += _of_person(connection, sending, heard, person, said)
    return any(is_loud(finding.urgency) for finding in found)


def _pain(heard: Heard) -> int | None:
    """What the score rules hear: a score said to be pain's, or a number that can be nothing else."""
    alone = len(heard.people) == 1
    said = heard.reading.said_pain
    if said is not None and (alone or said >= _SEVERE):
        return said
    told = heard.number_counts and alone and heard.session_id is not None
    return heard.reading.number_least if told else None


def _of_person(
    connection: Connection, sending: Sending, heard: Heard, person: Candidate, said: Said
) -> tuple[Finding, ...]:
    now = time.now()
    alone = len(heard.people) == 1
    session_id = heard.session_id if alone else sessions.latest_of(connection, person.patient_id, now)
    findings = triaging.heard_words(connection, sending.vault, library(), session_id, said, now)
    for finding in findings:
        alerts.open_alert(
            connection,
            sending,
            clinics.get(connection, person.clinic_id),
            person.patient_id,
            session_id,
            finding.urgency,
            finding.cause,
            f"reply {heard.reply.id}",
            _details(finding, heard, alone),
            now,
            tell_patient=False,
        )
    return findings


def _details(finding: Finding, heard: Heard, alone: bool) -> str:
    doubt = "" if alone else f" The phone is shared by {len(heard.people)} patients: any of them may have written."
    return f"{finding.sentence}{doubt} Wrote: {heard.reading.words[:_MOST_WORDS]!r}"


__all__ = ["Heard", "sound"]
