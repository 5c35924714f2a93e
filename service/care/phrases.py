"""A small language for phrases, and a matcher that finds them in a list of words.

A phrase is words separated by spaces, each lower case without accents or apostrophes:

* ``hurt|hurts``  one of these;
* ``{pain}``      one of a named set;
* ``word?``       may be missing;
* ``~3``          up to three words of any kind, but no comma and no "but";
* ``<>3``         the same, and what stands on either side may change places.

Everything is bounded, so the time to search grows with the number of words and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


def word_set(line: str) -> frozenset[str]:
    """The words of a line of them."""
    return frozenset(line.split())


TURNS = frozenset(
    {",", ":", ";", "but", "pero", "however", "although", "though", "aunque", "except", "excepto", "sino"}
)
"""Where one thought ends and the next begins inside a sentence; no gap reaches over them."""


@dataclass(frozen=True, slots=True)
class _Item:
    words: frozenset[str]
    gap: int = 0
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Hit:
    """A phrase found: what it stands for and the words it covers (`end` is one past the last)."""

    label: str
    start: int
    end: int
    between: tuple[int, ...]
    """Positions inside that the phrase leaves open: a "not" among them belongs to the writer, not to the phrase."""


class Lexicon:
    """Phrases by label, found all at once.

    Raises ValueError for a phrase that does not begin with a required word, KeyError for an unknown set.
    """

    def __init__(self, phrases: Mapping[str, Iterable[str]], sets: Mapping[str, str] | None = None) -> None:
        self._starting: dict[str, list[tuple[str, tuple[_Item, ...]]]] = {}
        words: set[str] = set()
        for label, lines in phrases.items():
            for line in lines:
                for order in _orders(line):
                    items = _parse(order, sets or {})
                    if not items or not items[0].words or items[0].optional:
                        raise ValueError(f"a phrase must begin with a word: {line!r}")
                    for word in items[0].words:
                        self._starting.setdefault(word, []).append((label, items))
                    words.update(*(item.words for item in items))
        self.words = frozenset(words)
        """Every word that some phrase looks for."""

    def find(self, words: Sequence[str]) -> list[Hit]:
        """All phrases in `words`, by position; two readings of one place give two hits."""
        hits: list[Hit] = []
        for start, word in enumerate(words):
            for label, items in self._starting.get(word, ()):
                found = _match(items, 0, words, start, ())
                if found is not None:
                    hits.append(Hit(label, start, *found))
        return hits

    def find_labels(self, words: Sequence[str]) -> set[str]:
        """The labels of all phrases in `words`."""
        return {hit.label for hit in self.find(words)}

    def match_at(self, words: Sequence[str], start: int) -> bool:
        """Whether some phrase begins exactly at `start`."""
        candidates = self._starting.get(words[start], ()) if start < len(words) else ()
        return any(_match(items, 0, words, start, ()) is not None for _, items in candidates)


def _orders(line: str) -> tuple[str, ...]:
    left, swaps, right = line.partition(" <>")
    if not swaps:
        return (line,)
    gap, _, right = right.partition(" ")
    return f"{left} ~{gap} {right}", f"{right} ~{gap} {left}"


def _parse(line: str, sets: Mapping[str, str]) -> tuple[_Item, ...]:
    items = []
    for part in line.split():
        if part.startswith("~"):
            items.append(_Item(frozenset(), gap=int(part[1:])))
            continue
        optional = part.endswith("?") and len(part) > 1
        alternatives = part.removesuffix("?") if optional else part
        words: set[str] = set()
        for word in alternatives.split("|"):
            words.update(sets[word[1:-1]].split() if word.startswith("{") else (word,))
        items.append(_Item(frozenset(words), optional=optional))
    return tuple(items)


def _match(
    items: tuple[_Item, ...], at: int, words: Sequence[str], position: int, between: tuple[int, ...]
) -> tuple[int, tuple[int, ...]] | None:
    if at == len(items):
        return position, between
    item = items[at]
    if item.gap:
        for skipped in range(item.gap + 1):
            if skipped and (position + skipped > len(words) or words[position + skipped - 1] in TURNS):
                return None
            passed = between + tuple(range(position, position + skipped))
            found = _match(items, at + 1, words, position + skipped, passed)
            if found is not None:
                return found
        return None
    if position < len(words) and words[position] in item.words:
        found = _match(items, at + 1, words, position + 1, between)
        if found is not None:
            return found
    return _match(items, at + 1, words, position, between) if item.optional else None
