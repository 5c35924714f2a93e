"""What deserves somebody's eye at the clinic, and in which order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from service.care.lifecycle import Channel, Reason, State
from service.care.optout import StopScope
from service.care.replies import Meaning, Reading
from service.care.system_messages import SystemText

BY_RULE = "rule "
"""Begins the name under which a rule settles a reply, where a person's would stand."""
LOOK_BACK = timedelta(days=7)
"""How long a message that did not arrive is shown."""
LOST = (State.UNDELIVERED, State.FAILED, State.EXPIRED, State.UNKNOWN)
"""Ends in which a message may not have reached the patient."""
WRONG_ADDRESS = frozenset({Reason.BAD_ADDRESS, Reason.BOUNCED, Reason.NO_ADDRESS})
"""What only a corrected number or address mends."""
_SETTLED = frozenset({Reason.OPTED_OUT, Reason.NO_CONSENT, Reason.PATIENT_ERASED, Reason.STOPPED_BY_CLINIC})
"""Not a failure: nobody wanted it any more."""
_FEW = 4
"""Words that an answer to a survey's question takes, or a request to stop: what is longer may say something else."""


class NoReader(StrEnum):
    """Why nobody needs to read a reply."""

    MACHINE = "machine"
    OPT_OUT = "opt_out"
    ANSWER = "answer"
    THANKS = "thanks"
    EMPTY = "empty"
    KEYWORD = "keyword"
    TAKEN_ON = "taken_on"


NO_READER: Mapping[NoReader, str] = {
    NoReader.MACHINE: "A machine wrote it.",
    NoReader.OPT_OUT: "A plain request to stop; it was done at once.",
    NoReader.ANSWER: "A plain answer to a survey's question; it is with the survey.",
    NoReader.THANKS: "Thanks, or a greeting.",
    NoReader.EMPTY: "No words of the patient's own in it.",
    NoReader.KEYWORD: "HELP or START; it was answered automatically.",
    NoReader.TAKEN_ON: "One of your people took an alert on.",
}
_BY_RULE = {f"{BY_RULE}{why}": sentence for why, sentence in NO_READER.items()}


def no_reader(
    reading: Reading, *, automatic: bool, media: int, answered: bool, of_patient: bool, of_colleague: bool
) -> NoReader | None:
    """Why nobody needs to read it; None: somebody should.

    `answered`: it answered a survey's question by text, and the survey read nothing beside the answer in it.
    `of_patient`: from a number that is a patient's, or several patients'; `of_colleague`: one of the clinic's own
    people's. What says anything beside its plain purpose, is ambiguous or brings a picture is read.
    """
    if automatic:
        return NoReader.MACHINE
    if of_colleague:
        return NoReader.TAKEN_ON if reading.ack else None
    if media or reading.red_flags or reading.asked_about:
        return None
    match reading.meaning:
        case Meaning.EMPTY:
            return NoReader.EMPTY
        case Meaning.STOP:
            certain = reading.stop_certain and reading.stop_scope is not StopScope.WRONG_PERSON
            return NoReader.OPT_OUT if is_short(reading) and certain else None
        case Meaning.START if of_patient:
            return NoReader.KEYWORD if is_short(reading) else None
        case Meaning.HELP if of_patient:
            return NoReader.KEYWORD
        case Meaning.COURTESY:
            return NoReader.THANKS
    # An answer in the patient's own words (what they would like to do again) may be no answer at all.
    return NoReader.ANSWER if answered and len(reading.words.split()) <= _FEW else None


def is_short(reading: Reading) -> bool:
    """Whether it is a keyword or hardly longer, so that nothing else can be in it."""
    return reading.provider_keyword or len(reading.words.split()) <= _FEW


def said_by_rule(seen_by: str | None) -> str | None:
    """The sentence for a reply that a rule settled; None where a person did, or nobody has."""
    return _BY_RULE.get(seen_by or "")


def read_as(meaning: str | None, reading: Mapping[str, Any]) -> tuple[str, ...]:
    """What was understood of a reply, from its reading on record, the most urgent first."""
    found = [f"red flag: {_spoken(flag)}" for flag in reading.get("red_flags", ())]
    if reading.get("stop"):
        found.append("opt-out" if reading.get("stop_certain", True) else "perhaps an opt-out")
        if reading.get("stop_scope") == StopScope.WRONG_PERSON:
            found.append("wrong number")
    found += [f"asks about: {_spoken(flag)}" for flag in reading.get("asked_about", ())]
    if reading.get("start"):
        found.append("asks for messages again")
    if reading.get("number") is not None:
        found.append(f"{'perhaps ' if reading.get('number_unsure') else ''}the score {reading['number']}")
    if reading.get("yes_no") is not None:
        found.append("yes" if reading["yes_no"] else "no")
    others = {
        Meaning.HELP: "asks for help with the texts",
        Meaning.ACK: "takes an alert on",
        Meaning.COURTESY: "thanks",
        Meaning.EMPTY: "no words of their own",
    }
    if meaning in others:
        found.append(others[Meaning(meaning)])
    return tuple(found) or ("words",)


_ANSWERS: Mapping[str, str] = {
    SystemText.AUTO_REPLY: "the standard answer",
    SystemText.RED_FLAG: "asked to call",
    SystemText.STOP_CONFIRM: "the end of the texts confirmed",
    SystemText.START_CONFIRM: "the texts confirmed",
    SystemText.HELP: "how to reach you and how to stop",
    SystemText.WHICH_PATIENT: "asked who is writing",
}


def answer_named(step: str) -> str:
    """What a text that answered a reply says, by its step."""
    return _ANSWERS.get(step.partition(".")[0], "the next question of the survey")


def title_of(cause: str) -> str:
    """An alert's cause in words: "silence S2" is a survey without an answer."""
    if cause.startswith("silence "):
        return f"Survey {cause.removeprefix('silence ')} not answered"
    if cause.startswith("erased "):
        return "The patient was erased"
    words = _spoken(cause)
    return words[:1].upper() + words[1:]


@dataclass(frozen=True, slots=True)
class Lost:
    """A message to a patient that may not have arrived."""

    patient_id: int
    session_id: int | None
    step: str
    channel: Channel
    state: State
    reason: Reason
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Arrived:
    """A message of the same patient that left the house."""

    patient_id: int
    session_id: int | None
    step: str
    channel: Channel
    handed_at: datetime
    confirmed: bool


@dataclass(frozen=True, slots=True)
class Trouble:
    """What did not reach one patient, for one reason."""

    patient_id: int
    channel: Channel
    reason: Reason
    count: int
    latest: datetime

    @property
    def wants_correction(self) -> bool:
        return self.reason in WRONG_ADDRESS


def troubles(lost: Sequence[Lost], arrived: Iterable[Arrived]) -> list[Trouble]:
    """What still matters, by patient and reason: first what only a person can mend, then the newest.

    Left out is what nobody wanted any more, an automatic answer whose moment passed, a step that went out another way,
    and whatever lies before a later message that arrived.
    """
    reached: dict[tuple[int, Channel], datetime] = {}
    went: set[tuple[int | None, str]] = set()
    for one in arrived:
        if one.session_id is not None:
            went.add((one.session_id, one.step))
        if one.confirmed:
            key = (one.patient_id, one.channel)
            reached[key] = max(one.handed_at, reached.get(key, one.handed_at))
    grouped: dict[tuple[int, Channel, Reason], list[Lost]] = {}
    for each in lost:
        later = reached.get((each.patient_id, each.channel))
        if _matters(each) and (each.session_id, each.step) not in went and (later is None or later < each.due_at):
            grouped.setdefault((each.patient_id, each.channel, each.reason), []).append(each)
    found = [
        Trouble(patient_id, channel, reason, len(those), max(one.due_at for one in those))
        for (patient_id, channel, reason), those in grouped.items()
    ]
    return sorted(found, key=lambda one: (not one.wants_correction, -one.latest.timestamp()))


def _matters(one: Lost) -> bool:
    answers = one.step in _ANSWERS and one.step != SystemText.RED_FLAG
    return one.reason not in _SETTLED and not (answers and one.state is State.EXPIRED)


def _spoken(name: str) -> str:
    return name.replace("_", " ")
