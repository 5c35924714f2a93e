"""Where one protocol watches over patients less than another, so that whoever signs it has seen that."""

from __future__ import annotations

from collections.abc import Iterator

from service.care.lifecycle import Channel
from service.care.protocol import Protocol, Step
from service.care.protocol_words import spoken

_WHOM_TO_CALL = ("{phone}", "{emerg}")


def compare(before: Protocol, after: Protocol) -> tuple[str, ...]:
    """A sentence for everything that `before` did for patients and `after` does not. Errs on the side of saying so."""
    return tuple(dict.fromkeys([*_languages(before, after), *_surveys(before, after), *_steps(before, after)]))


def _languages(before: Protocol, after: Protocol) -> Iterator[str]:
    for language in before.languages:
        if language not in after.languages:
            yield f"There are no words in {language!r} any more."


def _surveys(before: Protocol, after: Protocol) -> Iterator[str]:
    asked, still = _asked(before), _asked(after)
    for survey, step in asked.items():
        if survey not in still:
            yield f"{survey} is not asked any more: what patients would have said there raises no alert."
            continue
        now = still[survey]
        if now.roughly_after > step.roughly_after:
            yield f"{survey} is asked later than before."
        if _reminders(now) < _reminders(step):
            yield f"{survey}: reminders by step {now.id!r} are {_reminders(now)} instead of {_reminders(step)}."
        if now.survey_only_without_baseline and not step.survey_only_without_baseline:
            yield f"{survey} is only asked where first measurements of the visit are missing."


def _steps(before: Protocol, after: Protocol) -> Iterator[str]:
    known = {step.id: step for step in after.steps}
    for step in before.steps:
        if step.id in known:
            yield from (f"Step {step.id!r}: {one}." for one in _less(step, known[step.id]))
        else:
            yield f"Step {step.id!r} is gone."


def _less(before: Step, after: Step) -> Iterator[str]:
    for channel in _channels(before) - _channels(after):
        yield f"no {'text' if channel is Channel.SMS else 'e-mail'} any more"
    if before.fallback_to_email and not after.fallback_to_email and Channel.EMAIL not in _channels(after):
        yield "no e-mail any more where the text cannot be delivered"
    if after.useful_for < before.useful_for:
        yield f"left out when held up for {spoken(after.useful_for)}, before for {spoken(before.useful_for)}"
    ends, ended = after.skip_if_ended_after, before.skip_if_ended_after
    if ends is not None and (ended is None or ends < ended):
        yield f"left out where the session ended after {ends:%H:%M}"
    yield from _silent(before, after)


def _silent(before: Step, after: Step) -> Iterator[str]:
    """Where words no longer say whom to call."""
    for language, wording in before.words.items():
        now = after.words.get(language)
        if now is None:
            continue
        for part, name in (("sms", "text"), ("email", "e-mail")):
            was, is_now = getattr(wording, part), getattr(now, part)
            if was is not None and is_now is not None:
                lost = [one for one in _WHOM_TO_CALL if one in was and one not in is_now]
                yield from (f"the {name} in {language!r} no longer says {one}" for one in lost)


def _asked(protocol: Protocol) -> dict[str, Step]:
    """The first step that asks each survey."""
    found: dict[str, Step] = {}
    for step in sorted(protocol.steps, key=lambda step: step.roughly_after):
        if step.survey is not None:
            found.setdefault(step.survey, step)
    return found


def _reminders(step: Step) -> int:
    return sum(bool(send.suffix) for send in step.sends)


def _channels(step: Step) -> frozenset[Channel]:
    return frozenset(send.channel for send in step.sends if not send.suffix)
