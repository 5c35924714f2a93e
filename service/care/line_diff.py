"""What differs between two texts, line by line, with a few lines around each place."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

_AROUND = 3


class Kind(StrEnum):
    """What a line is."""

    SAME = "same"
    GONE = "gone"
    NEW = "new"
    GAP = "gap"
    """Lines that are the same, left out."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a comparison, with its number in the text it is from; the newer one's where it is in both."""

    kind: Kind
    number: int
    text: str


def compare(before: str, after: str) -> Iterator[Line]:
    """The lines that differ; nothing for texts that are the same."""
    old, new = before.splitlines(), after.splitlines()
    for place, group in enumerate(difflib.SequenceMatcher(None, old, new).get_grouped_opcodes(_AROUND)):
        if place or group[0][3] > 0:
            yield Line(Kind.GAP, 0, "")
        for what, old_from, old_to, new_from, new_to in group:
            if what == "equal":
                yield from _lines(Kind.SAME, new, new_from, new_to)
            else:
                yield from _lines(Kind.GONE, old, old_from, old_to)
                yield from _lines(Kind.NEW, new, new_from, new_to)


def _lines(kind: Kind, text: list[str], begin: int, end: int) -> Iterator[Line]:
    return (Line(kind, number + 1, text[number]) for number in range(begin, end))
