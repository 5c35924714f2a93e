"""Slips of the thumb: the known word that a misspelt one most likely meant."""

from __future__ import annotations

from collections.abc import Iterable

from service.care.realwords import REAL_WORDS

_LONGEST = 24
_SHORT_HALVES = frozenset({"no", "my", "me", "mi"})


class Speller:
    """Finds those of its `targets` that are one slip away (two from eight letters on); `known` words need no mending.

    A slip is a letter too many, too few, wrong, or swapped with its neighbour. The first letter must be right, or
    swapped: people rarely miss it, and "never" must not become "fever". Words under four letters and words in their
    own right are left alone.
    """

    def __init__(self, known: Iterable[str], targets: Iterable[str]) -> None:
        self._targets = frozenset(targets)
        self._known = self._targets.union(known)
        self._by_hole: dict[str, list[str]] = {}
        for word in sorted(self._targets):
            if len(word) >= 4:
                for hole in _holes(word, 2 if len(word) >= 8 else 1):
                    self._by_hole.setdefault(hole, []).append(word)

    def correct(self, word: str) -> tuple[str, ...]:
        """The word meant: `word` itself if known or beyond help, two words if a space was missed."""
        if word in self._known or word in REAL_WORDS or not word.isalpha() or not 4 <= len(word) <= _LONGEST:
            return (word,)
        if f"{word}g" in self._known:  # "textin"
            return (f"{word}g",)
        nearest: tuple[int, str] | None = None
        for hole in _holes(word, 2 if len(word) >= 7 else 1):
            for candidate in self._by_hole.get(hole, ()):
                slips = _slips(word, candidate)
                if slips <= _allowed(candidate) and _begins_alike(word, candidate):
                    nearest = min(nearest or (9, ""), (slips, candidate))
        if nearest is not None:
            return (nearest[1],)
        return self._split(word) or (word,)

    def _split(self, word: str) -> tuple[str, str] | None:
        for at in range(2, len(word) - 3):
            left, right = word[:at], word[at:]
            # one half must matter, or "nobody" would fall apart
            if {left, right} <= self._known and {left, right} & self._targets and (at > 2 or left in _SHORT_HALVES):
                return left, right
        return None


def _allowed(candidate: str) -> int:
    return 2 if len(candidate) >= 8 else 1


def _begins_alike(word: str, candidate: str) -> bool:
    return word[0] == candidate[0] or word[:2] == candidate[1::-1] or word == candidate[1:]


def _holes(word: str, depth: int) -> set[str]:
    """`word` and all words left when up to `depth` letters fall out."""
    found = {word}
    edge = {word}
    for _ in range(depth):
        edge = {left[:at] + left[at + 1 :] for left in edge for at in range(len(left))}
        found |= edge
    return found


def _slips(left: str, right: str) -> int:
    """Edit distance with neighbours swapped counted once (optimal string alignment); 3 stands for "more than two"."""
    if abs(len(left) - len(right)) > 2:
        return 3
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        earlier, before, row = before, row, [i]
        for j, b in enumerate(right, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, earlier[j - 2] + 1)
            row.append(cost)
    return row[-1]
