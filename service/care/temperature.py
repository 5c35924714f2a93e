"""Temperatures in a reply: "temp is 101", "39 C", "tengo 38,5"."""

from __future__ import annotations

from collections.abc import Sequence

from service.care.phrases import word_set

FEVER_C = 38.0
FEVER_F = 100.4
"""The clinic-wide threshold for an urgent alert (CARE table of warning signs: 38.0 °C / 100.4 °F)."""

_WORDS = word_set(
    "temp temperature temperatura fever fiebre thermometer termometro calentura reading reads degree degrees "
    "grados grado f c fahrenheit celsius centigrados farenheit temping feverish"
)
_OTHER_UNITS = word_set(
    "years year yrs old anos ano lbs lb pounds kg kilos mg ml mcg percent miles mile dollars minutes min mins "
    "hours hrs hour days day dias dia weeks week times pm am inches cm mm outside weather afuera feet steps bpm "
    "beats over km mi st street ave room semanas horas minutos veces libras usd bucks people reps squats"
)
_PLACES = word_set("outside weather afuera oven summer pool water room street hwy highway route page bpm pulse heart")


def read_celsius(words: Sequence[str]) -> list[tuple[int, float]]:
    """Body temperatures in °C with the position of each among `words`; empty when no number reads as one.

    A whole number needs a word beside it that makes it a temperature; 38.5 or 101.5 alone do not.
    """
    if _PLACES.intersection(words):
        return []
    found = []
    for at, word in enumerate(words):
        celsius = _celsius(word)
        if celsius is None:
            continue
        following = words[at + 1] if at + 1 < len(words) else ""
        around = {*words[max(0, at - 5) : at], *words[at + 1 : at + 3]}
        said = bool(_WORDS & around)
        if following in _OTHER_UNITS and not said:
            continue
        decimal = "." in word or "," in word
        # "tengo 38" may be an age, "tengo 38 anos" is one and was passed over above
        claimed = at > 0 and words[at - 1] in ("tengo", "tiene", "marca", "running", "tuve") and len(words) <= 12
        if said or decimal or claimed:
            found.append((at, celsius))
    return found


def _celsius(word: str) -> float | None:
    if not word[0].isdigit() or "/" in word or ":" in word:
        return None
    try:
        value = float(word.replace(",", "."))
    except ValueError:
        return None
    if 34 <= value <= 43:
        return value
    if 94 <= value <= 109:
        # in tenths of °F first: 100.4 must come out as 38.0 and 100.3 must not
        return round((value - 32) * 5 / 9, 2)
    return None
