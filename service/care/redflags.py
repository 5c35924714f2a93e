"""Warning signs in a patient's own words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from service.care.context import Standing, standing
from service.care.emergencywords import EMERGENCY_PHRASES
from service.care.lookalikes import LOOKALIKES, THINGS
from service.care.optout import LEXICON as OPTOUT
from service.care.ownwords import Sentence
from service.care.phrases import Hit, Lexicon
from service.care.said_scores import grows, said_pain
from service.care.spelling import Speller
from service.care.temperature import FEVER_C, read_celsius
from service.care.urgency import Urgency
from service.care.urgentwords import URGENT_PHRASES
from service.care.vocabulary import ORDINARY, TARGETS
from service.care.warningwords import SETS


class RedFlag(StrEnum):
    """A warning sign that free text can report: the table that clinics set, and self-harm, calls for help, bleeding."""

    BREATHING = "breathing"
    CHEST_PAIN = "chest_pain"
    SWOLLEN_FACE = "face_or_throat_swelling"
    """Face, lips, tongue or throat."""
    FAINTING = "fainting"
    WEAKNESS = "new_weakness"
    BLADDER_BOWEL = "bladder_or_bowel"
    STIFF_NECK_FEVER = "fever_with_stiff_neck"
    SELF_HARM = "self_harm"
    CALLS_FOR_HELP = "calls_for_help"
    """Says it is an emergency, or is on the way to one."""
    FEVER = "fever"
    REDNESS = "spreading_redness_or_heat"
    """Redness or heat of the skin."""
    DRAINAGE = "pus"
    """Pus, drainage, or "infected"."""
    CANNOT_MOVE = "cannot_move_or_bear_weight"
    """Cannot move the joint or bear weight."""
    HEADACHE_UPRIGHT = "headache_worse_upright"
    CALF = "calf_pain_or_swelling"
    """Pain or swelling of the calf or leg."""
    NUMBNESS = "numbness"
    HIVES = "hives"
    BLEEDING = "bleeding"
    SEVERE_PAIN = "severe_or_growing_pain"
    """Unbearable or growing pain, in words. A score alone is none: triage judges it by the day."""

    @property
    def urgency(self) -> Urgency:
        """EMERGENCY or URGENT."""
        return Urgency.EMERGENCY if self in EMERGENCIES else Urgency.URGENT


EMERGENCIES: frozenset[RedFlag] = frozenset(
    {
        RedFlag.BREATHING,
        RedFlag.CHEST_PAIN,
        RedFlag.SWOLLEN_FACE,
        RedFlag.FAINTING,
        RedFlag.WEAKNESS,
        RedFlag.BLADDER_BOWEL,
        RedFlag.STIFF_NECK_FEVER,
        RedFlag.SELF_HARM,
        RedFlag.CALLS_FOR_HELP,
    }
)
_HALVES = {
    RedFlag.STIFF_NECK_FEVER: (RedFlag.FEVER.value, "_stiff_neck"),
    RedFlag.HEADACHE_UPRIGHT: ("_headache", "_upright"),
}
_ALWAYS_MEANT = frozenset({"_upright"})
"""A half that only says when: "worse when I stand" is no symptom that a "no" or an "if" could take back."""

_LASTING = frozenset({RedFlag.SEVERE_PAIN, RedFlag.REDNESS, RedFlag.NUMBNESS, RedFlag.HIVES, "_headache"})

_LOOKALIKE, _THING = "lookalike", "thing"
_LEXICON = Lexicon({**EMERGENCY_PHRASES, **URGENT_PHRASES, _LOOKALIKE: LOOKALIKES, _THING: THINGS}, SETS)
_SPELLER = Speller(known=_LEXICON.words | OPTOUT.words | ORDINARY, targets=TARGETS)


@dataclass(frozen=True, slots=True)
class Found:
    """Warning signs reported, and those only asked about ("what if I get a fever?"), most urgent first."""

    reported: tuple[RedFlag, ...]
    asked: tuple[RedFlag, ...]
    pain: int | None
    """The highest score that is said to be pain's ("pain 9"): no sign, for it hangs on the day what it means."""


def find(sentences: Sequence[Sentence]) -> Found:
    """The warning signs that a reply reports. `sentences` should be spelt by `respell`."""
    reported: set[str] = set()
    asked: set[str] = set()
    pains: list[int] = []
    for at, sentence in enumerate(sentences):
        after = sentences[at + 1] if at + 1 < len(sentences) else None
        hits = _hits(sentence)
        score = said_pain(sentence.words)
        if score is not None and _is_reported(Hit(RedFlag.SEVERE_PAIN, score[0], score[0] + 1, ()), sentence, after):
            pains.append(score[1])
        upright = any(hit.label in _ALWAYS_MEANT for hit in hits)
        for hit in hits:
            if hit.label in _ALWAYS_MEANT:
                reported.add(hit.label)
                continue
            easing = upright and hit.label == "_headache"
            stands = standing(
                hit,
                sentence,
                after,
                emergency=hit.label in EMERGENCIES,
                lasting=hit.label in _LASTING,
                easing=easing,
            )
            if stands is Standing.REPORTED:
                reported.add(hit.label)
            elif stands is Standing.ASKED:
                asked.add(hit.label)
    asked_only = tuple(flag for flag in _flags(asked) if flag.value not in reported)
    return Found(_flags(reported), asked_only, max(pains, default=None))


def _is_reported(hit: Hit, sentence: Sentence, after: Sentence | None) -> bool:
    return standing(hit, sentence, after, lasting=True) is Standing.REPORTED


def respell(sentences: Sequence[Sentence]) -> list[Sentence]:
    """The same sentences with slips of the thumb put right, as far as they touch words that matter here."""
    return [
        Sentence(tuple(word for written in sentence.words for word in _respelt(written)), sentence.question)
        for sentence in sentences
    ]


@lru_cache(maxsize=20_000)
def _respelt(word: str) -> tuple[str, ...]:
    return _SPELLER.correct(word)


def _hits(sentence: Sentence) -> list[Hit]:
    words = sentence.words
    hits = _LEXICON.find(words)
    harmless = [hit for hit in hits if hit.label in (_LOOKALIKE, _THING)]
    kept = [hit for hit in hits if hit not in harmless and not any(_takes_away(other, hit) for other in harmless)]
    temperatures = read_celsius(words)
    if temperatures and all(celsius < FEVER_C for _, celsius in temperatures):
        # "I have a temperature of 98.4" reports none; "fever of 99" is still what the patient calls a fever
        kept = [hit for hit in kept if hit.label != RedFlag.FEVER or not _only_temperature(words[hit.start : hit.end])]
    kept += [Hit(RedFlag.FEVER, at, at + 1, ()) for at, celsius in temperatures if celsius >= FEVER_C - 0.001]
    kept += [Hit(RedFlag.SEVERE_PAIN, at, at + 1, ()) for at in grows(words)]
    return kept


def _takes_away(harmless: Hit, hit: Hit) -> bool:
    if harmless.label == _THING:
        return hit.start < harmless.end and harmless.start < hit.end
    return harmless.start <= hit.start and hit.end <= harmless.end


def _only_temperature(words: Sequence[str]) -> bool:
    return bool({"temp", "temperature", "temperatura"}.intersection(words))


def _flags(labels: set[str]) -> tuple[RedFlag, ...]:
    whole = {label for label in labels if not label.startswith("_")}
    whole |= {flag.value for flag, halves in _HALVES.items() if labels.issuperset(halves)}
    return tuple(flag for flag in RedFlag if flag.value in whole)
