"""A survey by text: one question at a time, as a state machine without a clock, a database or a telephone.

The caller keeps the state (`State.to_json`), holds it while it steps, and carries out the effects. STOP, HELP and red
flags in the words are looked for before a text comes here: nothing in a conversation can undo a STOP.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from service.care import text_answers
from service.care.surveys import UNSPECIFIED, Answer, Kind, Measure, Option, Question, Survey, questions_for, validate
from service.care.text_prompts import parts, prompt, prompt_again

TIMEOUT = timedelta(hours=4)
"""How long a question stays open. Later a bare "4" may answer anything: the page asks again instead."""
_MOST_REPEATS = 1


class Phase(StrEnum):
    """Where a conversation is."""

    ASKING = "asking"
    DONE = "done"
    """Every question is answered, by text or on the page."""
    ON_PAGE = "on_page"
    """Handed over to the page after two replies that were no answers."""
    WARNED = "warned"
    """A warning sign was reported: no more questions, the caller's safety text goes out instead."""
    TIMED_OUT = "timed_out"


class What(StrEnum):
    """What kind of text goes out."""

    QUESTION = "question"
    AGAIN = "again"
    PAGE = "page"
    THANKS = "thanks"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A text to send. {link} (PAGE), {phone} (PAGE, THANKS) and {emerg} (THANKS) are still to be filled in."""

    what: What
    text: str


@dataclass(frozen=True, slots=True)
class Say:
    """Send this text: an answer to the patient, so the daily limit does not count it."""

    outgoing: Outgoing


@dataclass(frozen=True, slots=True)
class Record:
    """Store this answer and run triage on it. For signs it may hold only what is known so far."""

    answer: Answer
    words: str | None = None
    """The whole reply, where it says more than the answer: free text, to be sealed."""


@dataclass(frozen=True, slots=True)
class Keep:
    """This reply was no answer: keep its words as any reply's."""

    words: str
    question: str | None = None
    """What was asked when it came."""


@dataclass(frozen=True, slots=True)
class End:
    """The conversation is over."""

    phase: Phase


Effect = Say | Record | Keep | End


@dataclass(frozen=True, slots=True)
class State:
    """One conversation. Holds no answers, so it may be stored unsealed."""

    survey: str
    language: str
    day: int
    """The patient's local day after the session when it began: the list of signs must not change under way."""
    has_activity: bool
    asked_at: datetime
    phase: Phase = Phase.ASKING
    question: str | None = None
    part: int = 0
    """Which list of a long checklist was sent."""
    repeats: int = 0
    ticked: tuple[str, ...] = ()
    """From the earlier parts of a checklist of medicines."""
    answered: frozenset[str] = frozenset()
    """Answered in this conversation; the page marks them."""
    skipped: frozenset[str] = frozenset()
    on_page: frozenset[str] = frozenset()
    """Answered on the page, as far as anybody told: not asked here."""

    def to_json(self) -> dict[str, Any]:
        return {
            "survey": self.survey,
            "language": self.language,
            "day": self.day,
            "has_activity": self.has_activity,
            "asked_at": self.asked_at.isoformat(),
            "phase": self.phase.value,
            "question": self.question,
            "part": self.part,
            "repeats": self.repeats,
            "ticked": list(self.ticked),
            "answered": sorted(self.answered),
            "skipped": sorted(self.skipped),
            "on_page": sorted(self.on_page),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> State:
        """Raises KeyError or ValueError for what `to_json` did not write."""
        return cls(
            survey=stored["survey"],
            language=stored["language"],
            day=stored["day"],
            has_activity=stored["has_activity"],
            asked_at=datetime.fromisoformat(stored["asked_at"]),
            phase=Phase(stored["phase"]),
            question=stored["question"],
            part=stored["part"],
            repeats=stored["repeats"],
            ticked=tuple(stored["ticked"]),
            answered=frozenset(stored["answered"]),
            skipped=frozenset(stored["skipped"]),
            on_page=frozenset(stored["on_page"]),
        )


def start(
    survey: Survey,
    language: str,
    day: int,
    has_activity: bool,
    now: datetime,
    answered: frozenset[str] = frozenset(),
) -> tuple[State, Outgoing]:
    """Begin with the first question that is not in `answered` (ids answered on the page), and the text that asks it.

    When a patient answers the invitation itself with a number, start, drop the text and `step` with the reply; only
    where `survey.takes_bare_number`.
    """
    spoken = language if language in survey.languages else survey.languages[0]
    fresh = State(survey.id, spoken, day, has_activity, now, on_page=answered)
    state, effects = _ask_next(survey, fresh, now)
    return state, next(effect.outgoing for effect in effects if isinstance(effect, Say))


def step(
    survey: Survey,
    state: State,
    text: str,
    now: datetime,
    answered_elsewhere: frozenset[str] = frozenset(),
) -> tuple[State, tuple[Effect, ...]]:
    """Take one reply. `answered_elsewhere`: ids answered on the page meanwhile, which are not asked any more."""
    if state.phase is not Phase.ASKING:
        return state, (Keep(text),)
    state = replace(state, on_page=state.on_page | answered_elsewhere)
    question = _question(survey, state)
    if question is None:  # the clinic changed the survey under way
        return _to_page(survey, state, text)
    if overdue(state, now):
        return _late(survey, state, text)
    options = _options(survey, state, question)
    reply = text_answers.read(question, options, state.language, text)
    if reply.skip and question.optional:
        return _ask_next(survey, _skipping(survey, state, question), now)
    answer = validate(question, reply.raw)
    if not isinstance(answer, Answer):
        return _not_understood(survey, state, question, options, reply, text, now)
    if question.kind is Kind.SIGNS and answer.value:
        return _warned(state, answer, reply.words)
    if question.kind in (Kind.SIGNS, Kind.CHECKLIST):
        return _listed(survey, state, question, answer, reply.words, now)
    moved, effects = _ask_next(survey, _answering(state, question), now)
    return moved, (Record(answer, reply.words), *effects)


def plainly_answered(effects: tuple[Effect, ...]) -> bool:
    """Whether the reply answered what was asked and said nothing beside it."""
    return not any(isinstance(one, Keep) or (isinstance(one, Record) and one.words) for one in effects)


def overdue(state: State, now: datetime) -> bool:
    """Is the open question too old to be answered by text?"""
    return state.phase is Phase.ASKING and now - state.asked_at > TIMEOUT


def expire(state: State, now: datetime) -> State:
    """The state after the clock has looked at it. Nothing is sent: the reminders of the protocol do that."""
    return replace(state, phase=Phase.TIMED_OUT) if overdue(state, now) else state


def completed_on_page(state: State) -> State:
    """The patient finished on the page: the conversation is over, without another text (P3)."""
    return replace(state, phase=Phase.DONE, question=None) if state.phase is Phase.ASKING else state


def _asked(survey: Survey, state: State) -> tuple[Question, ...]:
    # No site group on purpose: a list of signs that differs by site would say, on a locked screen, where the patient
    # was treated (P8). The full list is general safety wording.
    return questions_for(survey, frozenset(), state.has_activity, state.day)


def _question(survey: Survey, state: State) -> Question | None:
    return next((question for question in _asked(survey, state) if question.id == state.question), None)


def _options(survey: Survey, state: State, question: Question) -> tuple[Option, ...]:
    lists = parts(survey, question, state.language)
    return lists[min(state.part, len(lists) - 1)]


def _answering(state: State, question: Question) -> State:
    return replace(state, answered=state.answered | {question.id}, part=0, repeats=0, ticked=())


def _skipping(survey: Survey, state: State, question: Question) -> State:
    """Leave out the question, and with the activity also how hard it is."""
    gone = {question.id}
    if question.measure is Measure.PSFS_ACTIVITY:
        gone |= {other.id for other in survey.questions if other.needs_activity}
    return replace(state, skipped=state.skipped | gone, part=0, repeats=0, ticked=())


def _ask_next(survey: Survey, state: State, now: datetime) -> tuple[State, tuple[Effect, ...]]:
    done = state.answered | state.skipped | state.on_page
    for question in _asked(survey, state):
        if question.id not in done:
            asking = replace(state, question=question.id, part=0, repeats=0, ticked=(), asked_at=now)
            text = prompt(question, _options(survey, asking, question), state.language)
            return asking, (Say(Outgoing(What.QUESTION, text)),)
    over = replace(state, phase=Phase.DONE, question=None)
    return over, (Say(Outgoing(What.THANKS, survey.text_thanks[state.language])), End(Phase.DONE))


def _listed(
    survey: Survey,
    state: State,
    question: Question,
    answer: Answer,
    words: str | None,
    now: datetime,
) -> tuple[State, tuple[Effect, ...]]:
    """Go on to the next part of a long list; after the last, the answer is whole."""
    ticked = (*state.ticked, *sorted(answer.chosen))
    if state.part + 1 < len(parts(survey, question, state.language)):
        asking = replace(state, part=state.part + 1, repeats=0, ticked=ticked, asked_at=now)
        text = prompt(question, _options(survey, asking, question), state.language)
        kept = (Keep(words, question.id),) if words else ()
        return asking, (*kept, Say(Outgoing(What.QUESTION, text)))
    whole = replace(answer, value=tuple(sorted(set(ticked))))
    moved, effects = _ask_next(survey, _answering(state, question), now)
    return moved, (Record(whole, words), *effects)


def _warned(state: State, answer: Answer, words: str | None) -> tuple[State, tuple[Effect, ...]]:
    """A sign acts at once, also from the first part of the list. Nobody is asked about sleep after "chest pain"."""
    over = replace(state, phase=Phase.WARNED, answered=state.answered | {answer.question}, question=None)
    return over, (Record(answer, words), End(Phase.WARNED))


def _not_understood(
    survey: Survey,
    state: State,
    question: Question,
    options: tuple[Option, ...],
    reply: text_answers.Reply,
    text: str,
    now: datetime,
) -> tuple[State, tuple[Effect, ...]]:
    heard: tuple[Effect, ...] = (Keep(text, question.id),)
    if reply.maybe_sign:
        # "Yes" to a list of signs: a person must look, whether or not the patient ever says which.
        heard = (Record(Answer(question.id, question.kind, (UNSPECIFIED,), question.measure), text),)
    if state.repeats >= _MOST_REPEATS:
        over, effects = _to_page(survey, state, text)
        return over, (*heard, *effects[1:])
    again = replace(state, repeats=state.repeats + 1, asked_at=now)
    return again, (*heard, Say(Outgoing(What.AGAIN, prompt_again(survey, question, options, state.language))))


def _to_page(survey: Survey, state: State, text: str) -> tuple[State, tuple[Effect, ...]]:
    over = replace(state, phase=Phase.ON_PAGE)
    say = Say(Outgoing(What.PAGE, survey.text_page[state.language]))
    return over, (Keep(text, state.question), say, End(Phase.ON_PAGE))


def _late(survey: Survey, state: State, text: str) -> tuple[State, tuple[Effect, ...]]:
    over = replace(state, phase=Phase.TIMED_OUT)
    say = Say(Outgoing(What.PAGE, survey.text_page[state.language]))
    return over, (Keep(text, state.question), say, End(Phase.TIMED_OUT))
