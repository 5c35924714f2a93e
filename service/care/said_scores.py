"""Pain scores in a reply: "7", "7/10", "about a six", "un 8 hoy".

What a score means hangs on the day, which nobody here knows: triage judges it, however it was said.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from service.care.phrases import word_set

_NUMBER_WORDS = {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "cero": 0, "uno": 1, "dos": 2, "tres": 3, "cuatro": 4, "cinco": 5, "seis": 6, "siete": 7, "ocho": 8,
    "nueve": 9, "diez": 10, "sevn": 7, "eigth": 8, "eigt": 8, "sinco": 5, "dies": 10, "nuebe": 9, "zeros": 0,
}  # fmt: skip
_PAIN = word_set("pain pains level score scale rating dolor nivel duele hurts discomfort puntaje escala ache pian")
_LEADS = word_set(
    "a an about around like maybe probably at still is its say approx approximately only now today im roughly "
    "almost nearly un una como es casi en de estoy sigue hoy ahora esta digamos aproximadamente tengo the to than "
    "or and o y just usually mostly solid strong i'd id guess was from between entre fue era : , unos"
)
_FILLER = word_set(
    "ish or so hi hello please thanks thank you gracias ok today now right maybe about hoy ahora like a an its is "
    "im around i at un mas menos plus id say would probably the my answer es como hola doctor still just pain"
)
_UNITS = word_set(
    "am pm days day weeks week hours hour hrs hr minutes minute min mins months month years year times time mg ml "
    "pills pill tablets tablet miles mile blocks block steps step percent dollars oclock th st nd rd inches inch "
    "lbs pounds kg people shots shot injections injection visits visit sessions session degrees f c feet foot ft "
    "kids more less other of texts messages appointments dias dia semanas semana horas hora minutos meses mes "
    "anos ano veces vez pastillas pastilla tabletas millas cuadras pasos grados inyecciones sesiones citas noches "
    "nights night reps sets stars estrellas oz cups things questions person personas different in cm advil "
    "tylenol ibuprofen aleve ibuprofeno dollar hundred thousand first second ones knees legs sides spots places"
)
_NOT_BEFORE = word_set(
    "day week dia semana room question pregunta step number numero visit session phase after until before by "
    "since for in took take every each last past next los las a-las tome tomo hace cada tomando desde call age "
    "version highway st route apt suite have had got with my dentro page used slept did walked"
)
_LOWEST, _HIGHEST = word_set("0 1 zero one cero uno"), word_set("10 ten diez")
_UP_TO = word_set("to a al through thru hasta and y")
_SCALE = word_set("scale escala")
_MOVED = word_set("went gone goes jumped shot rose increased climbed spiked subio paso fue aumento")
_NOT = word_set("not isnt wasnt aint arent never no nowhere neither nunca")
_STILL_NOT = word_set(
    "a an at the really quite even like as more longer near close to much about up un una es tan como mas de"
)
_APART = re.compile(r"(?<![\d/])(\d{1,2}(?:\.\d)?)[ \t]*/[ \t]*10(?![\d/])")
_BACK_THEN = word_set("from was used era fue estaba")
_THEN = word_set("was yesterday before last were ayer era fue antes started anoche estaba")

_TOLD = word_set("its it is im now still call help please es esta estoy ya ahora sigue ayuda llamen llamame porfavor")
_PRAISE = word_set(
    "good great service staff experience recommend awesome excellent happy better improvement recovery recovered "
    "care satisfied nurse nurses clinic team feel feeling feels energy mobility sleep mood thanks amazing perfect "
    "fine doctor love loved bien excelente servicio atencion recomiendo mejor gracias perfecto recuperado "
    "contento contenta yesterday"
)


@dataclass(frozen=True, slots=True)
class Score:
    """A pain score, 0 to 10. Of two ("6 or 7") the higher, of a fraction the next whole one, and then `unsure`."""

    value: int
    least: int
    """The lower of two: the rules go by it, or "3, the worst was 10" would page somebody."""
    unsure: bool = False


@dataclass(frozen=True, slots=True)
class _Candidate:
    at: int
    value: float
    weight: int


def read_score(sentences: Sequence[Sequence[str]]) -> Score | None:
    """The pain score in a reply's sentences, or None: dates, times, doses and temperatures are no scores.

    A score is a number alone, out of ten, next to a word like pain or level, or put like one ("it's an 8 today").
    """
    alone = len(sentences) == 1
    found = [candidate for words in sentences for candidate in _candidates(words, alone)]
    if not found:
        return None
    # The first sentence with the clearest form wins; several in it are one uncertain answer.
    best = max(candidate.weight for candidate in found)
    for words in sentences:
        here = [candidate for candidate in _candidates(words, alone) if candidate.weight == best]
        if here:
            return _choose(here, words)
    return None


def out_of_ten(text: str) -> str:
    """`text` with "3 / 10" closed up: apart, the 10 would be read as a second score."""
    return _APART.sub(r"\1/10", text)


def said_pain(words: Sequence[str]) -> tuple[int, int] | None:
    """Where a sentence says itself that its score is pain's ("pain 9"), and the score; of two the lower."""
    score = read_score([words])
    if score is None or _BACK_THEN.intersection(words):
        return None
    if not _PAIN.intersection(words) and not _told_of_ten(words):
        return None
    return next((at for at, word in enumerate(words) if word in _PAIN), 0), score.least


def grows(words: Sequence[str]) -> list[int]:
    """Where `words` say that pain rose: "my pain went from 3 to 8"; three up counts, as between two surveys."""
    words = _without_scale(words)
    return [0] if _rises(words) else []


def _told_of_ten(words: Sequence[str]) -> bool:
    """ "It's a 10 out of 10, please call": a sentence that can only be about pain, unlike a bare "10/10" and praise."""
    told = _TOLD.intersection(words) and not _PRAISE.intersection(words)
    return bool(told) and any(one.weight == 4 and one.value >= 9 for one in _candidates(words, alone=True))


def _rises(words: Sequence[str]) -> bool:
    if not _PAIN.intersection(words):
        return False
    for at, word in enumerate(words):
        if (word in ("from", "de") and "to" in words[at + 2 : at + 5]) or (
            word in ("from", "de") and "a" in words[at + 2 : at + 4]
        ):
            values = [value for value in map(_value, words[at + 1 : at + 7]) if value is not None and value <= 10]
            if len(values) > 1 and values[1] - values[0] >= 3:
                return True
    return False


def _choose(found: list[_Candidate], words: Sequence[str]) -> Score:
    now = [one for one in found if not _THEN.intersection(words[max(0, one.at - 3) : one.at + 3])] or found
    if "from" in words or ("de" in words[:-1] and "a" in words):
        last = now[-1]
        if len(now) > 1 and words[last.at - 1] in ("to", "a"):
            now = [last]
    values = [one.value for one in now]
    unsure = len(set(values)) > 1 or max(values) % 1 != 0
    return Score(math.ceil(max(values)), math.ceil(min(values)), unsure)


def _candidates(written: Sequence[str], alone: bool) -> list[_Candidate]:
    words = _without_scale(written)
    found: list[_Candidate] = []
    for at, word in enumerate(words):
        if _denied(words, at):
            continue
        out_of_ten = re.fullmatch(r"(\d{1,2}(?:\.\d)?)/10", word)
        if out_of_ten:
            found += _in_range(at, float(out_of_ten[1]), 4)
            continue
        value = _value(word)
        if value is None:
            continue
        after = [later for later in words[at + 1 : at + 4] if later != ","]
        if after[:3] == ["out", "of", "10"] or after[:3] == ["out", "of", "ten"] or _of_ten(after):
            found += _in_range(at, value, 4)
        elif at and _ten_before(words, at):
            continue
        else:
            found += _in_range(at, value, _weight(words, at, after, alone))
    return [candidate for candidate in found if candidate.weight]


def _denied(words: Sequence[str], at: int) -> bool:
    """ "Not a 10", "no es un 9", "nowhere near a 10"."""
    for back in range(at - 1, max(-1, at - 5), -1):
        if words[back] in _NOT:
            return words[back] != "no" or back < at - 1  # "no 9" is a no, and a 9
        if words[back] not in _STILL_NOT:
            return False
    return False


def _without_scale(words: Sequence[str]) -> Sequence[str]:
    """`words` without the scale itself ("on a scale of 1 to 10", "pain 0-10, 2", "10 scale"): it is no score.

    "Pain went from 1 to 10" names no scale, and a 1 to 10 with no other number beside it may be two answers.
    """
    for at, word in enumerate(words):
        if word not in _LOWEST:
            continue
        ends = at + 2 if words[at + 1 : at + 2] and words[at + 1] in _UP_TO else at + 1
        if words[ends : ends + 1] and words[ends] in _HIGHEST and not _MOVED.intersection(words[:at]):
            rest = (*words[:at], *words[ends + 1 :])
            if _SCALE.intersection(words) or any(_value(other) is not None or "/" in other for other in rest):
                return _blanked(words, at, ends + 1)
    for at, (word, following) in enumerate(pairwise(words)):
        if word in _HIGHEST and following in _SCALE:
            return _blanked(words, at, at + 1)
    return words


def _blanked(words: Sequence[str], begin: int, end: int) -> Sequence[str]:
    # in its place a word that means nothing, so that the others stay where they were
    return (*words[:begin], *["scale"] * (end - begin), *words[end:])


def _weight(words: Sequence[str], at: int, after: list[str], alone: bool) -> int:
    """How clearly the number at `at` is a score: 0 not at all."""
    others = [word for word in words if word not in _FILLER and word not in (",", ":") and _value(word) is None]
    spelt = not words[at][0].isdigit()
    before = words[at - 1] if at else ""
    following = after[0] if after else ""
    if not others:
        return 3
    if following in _UNITS or (before in _NOT_BEFORE and not _PAIN.intersection(words[max(0, at - 3) : at])):
        return 0
    near = {*words[max(0, at - 5) : at], *words[at + 1 : at + 2]}
    if _PAIN & near:
        return 3
    if spelt and words[at] in ("one", "uno"):
        return 0
    if before in ("or", "o", "to", "y", "and", "a", "-") and at > 1 and _value(words[at - 2]) is not None:
        return _weight(words, at - 2, [], alone)
    if before in _LEADS:
        return 2
    # "7, worse at night", "8 today"
    return 2 if at == 0 and not spelt else 0


def _of_ten(after: list[str]) -> bool:
    return len(after) >= 2 and after[0] in ("of", "de", "sobre", "over") and after[1] in ("10", "ten", "diez")


def _ten_before(words: Sequence[str], at: int) -> bool:
    return words[at] in ("10", "ten", "diez") and words[at - 1] in ("of", "de", "sobre", "over") and at > 1


def _in_range(at: int, value: float, weight: int) -> list[_Candidate]:
    return [_Candidate(at, value, weight)] if 0 <= value <= 10 else []


def _value(word: str) -> float | None:
    if word in _NUMBER_WORDS:
        return float(_NUMBER_WORDS[word])
    if re.fullmatch(r"\d{1,2}(?:[.,]\d)?", word):
        return float(word.replace(",", "."))
    return None
