"""What became of the messages to patients, and what the providers and carriers said of those that did not arrive."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from service.care.answering import CHANNELS
from service.care.figures import Column, Drawn, Figure, Labels, Unit, figure, grouped, may_add_up, patients_in
from service.care.lifecycle import SENTENCES, Channel, Reason, State
from service.care.provider_codes import meaning_of
from service.care.spread import share

_HEADS = ("Channel", "What became of it", "Code")
_COLUMNS = (Column("Messages", Unit.COUNT, "messages"), Column("Share", Unit.PERCENT, "of_channel_percent"))
_ARRIVED, _NO_WORD = "Arrived", "Handed over, no report yet"


@dataclass(frozen=True, slots=True)
class Fate:
    """Where some messages of one patient ended. `code` is the provider's, of the last attempt."""

    patient_id: int
    channel: Channel
    state: State
    reason: Reason
    code: str | None = None
    messages: int = 1

    @property
    def labels(self) -> Labels:
        if self.state is State.DELIVERED:
            return CHANNELS[self.channel], _ARRIVED, ""
        if self.state in (State.ACCEPTED, State.SENT):
            return CHANNELS[self.channel], _NO_WORD, ""
        why = meaning_of(self.code) or SENTENCES[self.reason].removesuffix(".")
        return CHANNELS[self.channel], why, self.code or ""


def delivery(fates: Iterable[Fate]) -> Figure:
    """By channel, what arrived first and then what did not, the most frequent first.

    A share tells how many messages a channel had in all, and so stands only where that gives no small group away.
    """
    groups = grouped(fates, lambda one: one.labels)
    whole = {channel: _whole([groups[one] for one in groups if one[0] == channel]) for channel in CHANNELS.values()}

    def measured(some: Sequence[Fate]) -> tuple[float | None, ...]:
        return _messages(some), share(_messages(some), whole[CHANNELS[some[0].channel]])

    def place(labels: Labels) -> tuple[bool, int, int, Labels]:
        rank = {_ARRIVED: 0, _NO_WORD: 1}.get(labels[1], 2)
        return labels[0] == CHANNELS[Channel.EMAIL], rank, -_messages(groups[labels]) if rank == 2 else 0, labels

    ordered = {labels: groups[labels] for labels in sorted(groups, key=place)}
    return replace(figure(_HEADS, _COLUMNS, ordered, measured, Drawn("Share")), total=None)


def _whole(groups: Sequence[Sequence[Fate]]) -> int:
    """How many messages these are together; 0 where that is not to be told."""
    return sum(map(_messages, groups)) if may_add_up([patients_in(one) for one in groups]) else 0


def _messages(fates: Iterable[Fate]) -> int:
    return sum(one.messages for one in fates)


def blocks_rise(today: int, week_before: int) -> bool:
    """Whether carriers block a clinic's messages more than they did: single phones do so every day.

    `today`: in the last 24 hours; `week_before`: in the seven days before those.
    """
    return today >= _MANY_BLOCKS and today > 3 * week_before / 7


_MANY_BLOCKS = 5
