"""Whether a symptom in a sentence is reported, ruled out, over, only asked about, or somebody else's.

A doubtful case counts as reported: a false alarm costs a phone call, a missed one much more.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto

from service.care.denials import SYMPTOMS, answered_no, ruled_out
from service.care.elsewhere import about_a_child, long_ago
from service.care.ended import over, was_but_eased
from service.care.ownwords import Sentence
from service.care.phrases import TURNS, Hit, Lexicon, word_set


class Standing(Enum):
    """What a sentence says about a symptom that it names."""

    REPORTED = auto()
    ABSENT = auto()
    """Ruled out, over, or long ago."""
    ASKED = auto()
    """Named in a question about what might come, or as something to look out for."""


_ASKING = Lexicon(
    {
        "asked": (
            "what if|about",
            "what would|temperature|temp|counts",
            "what happens if",
            "what does|would",
            "how long does|do|will|should|can",
            "what do ~2 if ~2 get|develop|start|end",
            "if ~2 get|gets|develop|develops|start|starts|ever|were|should|notice|had|becomes|happen|happens|end|"
            "begin|goes|spike|spikes",
            "in case",
            "should|do|must|when ~3 worry|worried|watch|look|concerned",
            "watch|watching|watched|look|looking|lookout|checking|check ~2 for",
            "afraid|scared|worried|nervous|worry|fear|concerned ~2 about|of|that ~3 get|getting|will|could|"
            "develop|developing|might|may|"
            "having",
            "afraid|scared|worried|worry|nervous ~1 about|of",
            "risk|risks|chance|chances|signs|symptoms ~2 of|for",
            "can|could|does|do|will|might|may|would ~4 cause|causes|get|lead|develop|happen|give",
            "how ~4 know|tell ~2 if",
            "y si",
            "que ~2 si ~2 me|llego|tuviera|da|empiezo|aparece|hay",
            "si ~2 me ~1 da|diera|llega|empieza|sale",
            "si ~2 tuviera|llego|llegara|empiezo|aparece|hubiera|llegase|presento|presentara",
            "que ~1 hago|hacer|hacemos|pasa|pasaria si",
            "en caso",
            "puede|podria|pueden|puedo ~2 dar|darme|causar|provocar|tener|salir",
            "miedo|preocupa|preocupada|preocupado ~2 a|de|que|tener|por",
            "cuando|debo ~3 preocuparme|preocupar",
            "riesgo de",
        )
    }
)
_PLAINLY_NOW = word_set("now today currently already still ahora hoy todavia ya")


def standing(
    hit: Hit,
    sentence: Sentence,
    after: Sentence | None,
    *,
    emergency: bool = False,
    lasting: bool = False,
    easing: bool = False,
) -> Standing:
    """What `sentence` says about the symptom `hit`; `after` is the next sentence ("Fever? No.").

    `emergency`: being better does not end it, and a loose "no" does not rule it out.
    `lasting`: a state, such as pain or redness, that "was awful, much better now" ends; a faint stays one.
    `easing`: the sign itself is that it goes away for a while, so "goes away when I lie down" ends nothing.
    """
    words = sentence.words
    if answered_no(hit, sentence, after) or ruled_out(hit, words, emergency=emergency):
        return Standing.ABSENT
    if not easing and over(hit, words, after, emergency=emergency):
        return Standing.ABSENT
    if lasting and was_but_eased(hit, words, after):
        return Standing.ABSENT
    if long_ago(hit, words) or about_a_child(hit, words):
        return Standing.ABSENT
    return Standing.ASKED if _asked(hit, words, emergency) else Standing.REPORTED


def _asked(hit: Hit, words: Sequence[str], emergency: bool) -> bool:
    begins = 0
    for at in range(hit.start - 1, -1, -1):
        if words[at] in TURNS and (words[at] != "," or (emergency and _is_of_else(words[:at]))):
            begins = at + 1
            break
    before = list(words[begins : hit.end])
    if not any(begins + found.start < hit.start for found in _ASKING.find(before)):
        return False
    # "what if this fever I have now …" is no question about the future
    return not _PLAINLY_NOW.intersection(words)


def _is_of_else(words: Sequence[str]) -> bool:
    """Whether what stands before a comma is no part of a list of symptoms: "worried about the bill, chest pain"."""
    begins = max((at + 1 for at, word in enumerate(words) if word in TURNS), default=0)
    part = list(words[begins:])
    return SYMPTOMS.isdisjoint(part) and not any(found.end == len(part) for found in _ASKING.find(part))
