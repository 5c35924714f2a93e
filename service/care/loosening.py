"""Where a clinic's own triage rules are looser than the defaults, so that somebody named can sign for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from service.care.triage import Conditions, Rule


@dataclass(frozen=True, slots=True)
class Loosened:
    """A default rule that the clinic's own rules no longer keep in full."""

    rule_id: str
    reason: str


def compare(default: Iterable[Rule], own: Iterable[Rule]) -> tuple[Loosened, ...]:
    """Every default rule that is not covered by a rule of the clinic's own: one of the same cause, as urgent or more,
    that fires whenever the default does.

    Errs on the side of a signature: two own rules that cover a default only together are reported.
    """
    mine = tuple(own)
    found = []
    for rule in default:
        if not any(_covers(other, rule) for other in mine):
            found.append(Loosened(rule.id, _reason(rule, mine)))
    return tuple(found)


def _covers(own: Rule, default: Rule) -> bool:
    return (
        own.cause == default.cause
        and own.urgency.rank >= default.urgency.rank
        and not _stricter(own.when, default.when)
    )


def _reason(default: Rule, own: Iterable[Rule]) -> str:
    """What differs in the rule that took its place; the same id, else the same cause."""
    same_cause = [rule for rule in own if rule.cause == default.cause]
    heirs = [rule for rule in own if rule.id == default.id] or same_cause
    if not heirs:
        return "removed"
    heir = heirs[0]
    reasons = []
    if heir.cause != default.cause:
        reasons.append(f"its cause is {heir.cause!r}, so it may hide behind another alert")
    if heir.urgency.rank < default.urgency.rank:
        reasons.append(f"{heir.urgency} instead of {default.urgency}")
    reasons += _stricter(heir.when, default.when)
    return "; ".join(reasons)


def _stricter(own: Conditions, default: Conditions) -> list[str]:
    """Why `own` may stay silent where `default` fires; empty when it cannot."""
    return [
        *_stricter_answers(own, default),
        *_higher("pain_at_least", own.pain_at_least, default.pain_at_least),
        *_higher("pain_up_at_least", own.pain_up_at_least, default.pain_up_at_least),
        *_higher("previous_pain_at_least", own.previous_pain_at_least, default.previous_pain_at_least),
        *_lower("pain_gain_below", own.pain_gain_below, default.pain_gain_below),
        *_lower("peg_gain_below", own.peg_gain_below, default.peg_gain_below),
        *_higher("day_from", own.day_from, default.day_from),
        *_lower("day_until", own.day_until, default.day_until),
        *_fewer("surveys", own.surveys, default.surveys),
        *_fewer("site_groups", own.site_groups, default.site_groups),
        *(["it waits for a longer silence"] if own.silence.rank > default.silence.rank else []),
    ]


def _stricter_answers(own: Conditions, default: Conditions) -> list[str]:
    found = []
    if own.sign is not None and own.sign != default.sign:
        found.append(f"it asks for the sign {own.sign!r}")
    if own.question is not None and own.question != default.question:
        found.append(f"it asks for an answer to {own.question!r}")
    elif own.question is not None and (lost := default.chosen - own.chosen):
        found.append(f"it no longer fires for {', '.join(sorted(lost))}")
    if own.prohibited_medicine and not default.prohibited_medicine:
        found.append("it asks for a prohibited medicine")
    return found


def _higher(name: str, own: float | None, default: float | None) -> list[str]:
    if own is None or (default is not None and own <= default):
        return []
    return [f"{name} {own:g} instead of {'any' if default is None else f'{default:g}'}"]


def _lower(name: str, own: float | None, default: float | None) -> list[str]:
    if own is None or (default is not None and own >= default):
        return []
    return [f"{name} {own:g} instead of {'any' if default is None else f'{default:g}'}"]


def _fewer(name: str, own: frozenset[str], default: frozenset[str]) -> list[str]:
    """An empty set means all of them."""
    if not own or (default and default <= own):
        return []
    return [f"only for {name} {', '.join(sorted(own))}"]
