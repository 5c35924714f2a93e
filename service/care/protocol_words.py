"""A protocol in plain language, for whoever signs it and does not read YAML."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from service.care.lifecycle import Channel
from service.care.protocol import BeforeNextVisit, Elapsed, Protocol, Send, Step, WallClock, When
from service.care.surveys import UNSPECIFIED, Kind, Question
from service.care.triage import Rule, Silence

_NAMES = {Channel.SMS: "text", Channel.EMAIL: "e-mail"}
_ONLY_WITHOUT = ", only where first measurements of the visit are missing"
_UNITS = ((timedelta(days=1), "day"), (timedelta(hours=1), "hour"), (timedelta(minutes=1), "minute"))


@dataclass(frozen=True, slots=True)
class Said:
    """One step in words."""

    id: str
    when: str
    how: str
    survey: str | None
    asks: str
    more: tuple[str, ...]


def steps(protocol: Protocol, titles: Mapping[str, str]) -> list[Said]:
    """Every step; `titles` are the surveys', by id."""
    return [
        Said(one.id, when(one.when), _how(one), one.survey, _asks(one, titles), tuple(_more(one)))
        for one in protocol.steps
    ]


def when(moment: When) -> str:
    """When a step goes out."""
    match moment:
        case Elapsed(after):
            return f"{spoken(after)} after the session ended"
        case WallClock(day, at):
            return f"{'The day of the session' if day == 0 else f'Day {day}'} at {at:%H:%M}"
        case BeforeNextVisit(days_before, else_day, at):
            before = f"{spoken(timedelta(days=days_before))} before the next planned visit"
            return f"{before} at {at:%H:%M}; where none is planned, day {else_day}"


def spoken(span: timedelta) -> str:
    """A duration in its largest whole unit: "15 minutes", "5 hours", "2 days"."""
    for unit, name in _UNITS:
        if span % unit == timedelta(0) and span >= unit:
            number = span // unit
            return f"{number} {name}{'' if number == 1 else 's'}"
    return "0 minutes"


def rule(one: Rule, questions: Mapping[str, Question]) -> str:
    """When a triage rule fires. `questions` are those of all surveys, by id."""
    sentence = "; ".join(_conditions(one, questions))
    return sentence[:1].upper() + sentence[1:]


def _how(step: Step) -> str:
    first = " and ".join(_NAMES[send.channel] for send in step.sends if not send.suffix)
    return f"By {first}" + ("; by e-mail if the text cannot be delivered" if step.fallback_to_email else "")


def _asks(step: Step, titles: Mapping[str, str]) -> str:
    if step.survey is None:
        return "The link opens the care plan"
    title = f"Asks {step.survey}, “{titles[step.survey]}”" if step.survey in titles else f"Asks {step.survey}"
    return title + (_ONLY_WITHOUT if step.survey_only_without_baseline else "")


def _more(step: Step) -> Iterator[str]:
    for send in step.sends:
        if send.suffix:
            yield _reminds(send)
    if step.skip_if_ended_after is not None:
        yield f"Left out where the session ended after {step.skip_if_ended_after:%H:%M}"
    yield f"Left out if something holds it up for more than {spoken(step.useful_for)}"


def _reminds(send: Send) -> str:
    return f"Reminds by {_NAMES[send.channel]} {spoken(send.delay)} later, while it is unanswered"


def _conditions(one: Rule, questions: Mapping[str, Question]) -> Iterator[str]:
    when = one.when
    if when.sign is not None:
        yield _heard(when.sign, questions)
    if when.question is not None:
        yield _answered(when.question, when.chosen, questions)
    if when.prohibited_medicine:
        yield "a medicine was taken that the clinic asked not to take"
    yield from _numbers(one)
    if when.silence is Silence.SOME:
        yield "a survey is still unanswered when its reminder is due"
    if when.silence is Silence.AFTER_REMINDER:
        yield "a survey stays unanswered after its reminder"
    if when.day_from is not None:
        yield f"from day {when.day_from} on"
    if when.day_until is not None:
        yield f"until day {when.day_until}" if when.day_until else "on the day of the session"
    if when.surveys:
        yield f"only in {_listed(when.surveys)}"
    if when.site_groups:
        yield f"only for {_listed(when.site_groups)}"


def _numbers(one: Rule) -> Iterator[str]:
    when = one.when
    if when.pain_at_least is not None:
        yield f"pain is {when.pain_at_least} or more"
    if when.pain_up_at_least is not None:
        yield f"pain is up by {when.pain_up_at_least} or more since the last survey"
    if when.previous_pain_at_least is not None:
        yield f"pain was {when.previous_pain_at_least} or more at the last survey"
    if when.pain_gain_below is not None:
        yield f"pain is down by less than {when.pain_gain_below} since before the session"
    if when.peg_gain_below is not None:
        yield f"the PEG score is down by less than {when.peg_gain_below:g} since before the session"


def _heard(sign: str, questions: Mapping[str, Question]) -> str:
    if sign == UNSPECIFIED:
        return "the patient says yes to the list of signs without saying to which"
    options = [option for one in questions.values() if one.kind is Kind.SIGNS for option in one.options]
    offered = next((one.words["en"] for one in options if one.id == sign), None)
    if offered is None:
        return f"the patient writes of {sign.replace('_', ' ')}"
    return f"“{offered}” is ticked, or written in the patient's own words"


def _answered(asked: str, chosen: frozenset[str], questions: Mapping[str, Question]) -> str:
    question = questions.get(asked)
    if question is None:
        return f"the answer to {asked!r} is {_listed(chosen)}"
    names = {option.id: option.words["en"] for option in question.options}
    answers = " or ".join(f"“{one}”" for one in sorted(names.get(one, one) for one in chosen))
    return f"the answer to “{question.words['en']}” is {answers}"


def _listed(names: frozenset[str]) -> str:
    return " or ".join(sorted(one.replace("_", " ") for one in names))
