"""How hard a text is to read, by the usual formulas. Approximate: syllables are counted by rule, not by dictionary."""

from __future__ import annotations

import re
import unicodedata

HARDEST_GRADE = 6.0
"""US school grade. Patient material is advised to stay at or below the sixth (AMA, NIH)."""
LOWEST_EASE = 70.0
"""On the Fernández-Huerta scale 70 to 80 is sixth grade ("bastante fácil"); higher is easier."""

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_SENTENCE_END = re.compile(r"[.!?;\n]+")


def english_grade(text: str) -> float:
    """Flesch-Kincaid grade: 0.39 words a sentence + 11.8 syllables a word - 15.59 (Kincaid 1975). 0 for no words."""
    words, sentences = _words(text), _sentences(text)
    if not words:
        return 0.0
    syllables = sum(_english_syllables(word) for word in words)
    return 0.39 * len(words) / sentences + 11.8 * syllables / len(words) - 15.59


def spanish_ease(text: str) -> float:
    """Fernández-Huerta (1959): 206.84 - 60 syllables a word - 1.02 words a sentence. 206.84 for no words."""
    words, sentences = _words(text), _sentences(text)
    if not words:
        return 206.84
    syllables = sum(_spanish_syllables(word) for word in words)
    return 206.84 - 60 * syllables / len(words) - 1.02 * len(words) / sentences


def too_hard(text: str, language: str) -> str | None:
    """What the measure says when `text` is harder than sixth grade; None when it is easy enough or the language has
    no measure here."""
    base = language.split("-", 1)[0]
    if base == "en" and (grade := english_grade(text)) > HARDEST_GRADE:
        return f"reads at grade {grade:.1f}; {HARDEST_GRADE:.0f} at most"
    if base == "es" and (ease := spanish_ease(text)) < LOWEST_EASE:
        return f"reading ease is {ease:.0f} (Fernández-Huerta); {LOWEST_EASE:.0f} at least"
    return None


def _words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text)]


def _sentences(text: str) -> int:
    return max(1, sum(1 for part in _SENTENCE_END.split(text) if _WORD.search(part)))


def _english_syllables(word: str) -> int:
    if word.isdigit():
        return 1
    groups = len(re.findall(r"[aeiouy]+", word))
    # The last e is silent in "time", "times" and "called", but not in "little", "needed" or "pages".
    if re.search(r"(?<![aeiouy])(?<![^aeiouy]l)e$|[^aeiouytd]ed$|[^aeiouysxzcg]es$", word):
        groups -= 1
    return max(1, groups)


def _spanish_syllables(word: str) -> int:
    if word.isdigit():
        return 1
    # An accented weak vowel (í, ú) is a syllable of its own; without the accent it joins its strong neighbour.
    strong = re.sub(r"[íú]", "a-", unicodedata.normalize("NFC", word))
    plain = "".join(char for char in unicodedata.normalize("NFKD", strong) if not unicodedata.combining(char))
    plain = re.sub(r"(?<=[qg])u(?=[ei])", "", plain)
    nuclei = re.findall(r"[iuy]?[aeo][iuy]?|[iuy]+", plain)
    return max(1, len(nuclei))
