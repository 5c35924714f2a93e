"""Words that would tell a bystander something about the patient.

A text on a locked phone, or an e-mail at a shared desk, may say that a clinic writes and what anybody should watch for
("fever? call us"). It may not say what was done, where, why, or how the patient scores. Both lists are applied to
every text: a Spanish text with "knee" in it is no better than an English one.

Matching is on lower-case letters without accents, on whole words.
"""

from __future__ import annotations

import re
import unicodedata

_TREATMENTS = r"""
prolo|proloth\w*|proloter\w*|inject\w*|inyec\w*|infiltra\w*|dextros\w*|dextrosa|glucos\w*|prp|platelets?|plaquetas?|plasma|
stem cells?|celulas madre|steroids?|esteroides?|cortico\w*|cortisone|cortisona|needles?|agujas?|syringes?|jeringas?|
anesth\w*|anest\w*|sclerotherapy|escleroterapia|surger(?:y|ies)|surgical|cirugias?|nerve blocks?|
lidocaine|lidocaina|ultrasound|ecografia
"""
_BODY_PARTS = r"""
knees?|shoulders?|hips?|ankles?|elbows?|wrists?|spines?|spinal|neck|thumbs?|fingers?|toes?|jaws?|ribs?|sacroiliac|
pelvis|pelvic|lumbar|cervical|thoracic|tendons?|ligaments?|joints?|muscles?|bones?|cartilage|meniscus|rotator cuff|
legs?|calf|calves|thighs?|groin|buttocks?|chest|(?:lower|upper|mid) back|(?:your|the|her|his|my) (?:back|hands?|arms?|
foot|feet|heels?|head)|back pain|(?:hand|arm|foot|heel) pain|disc|disk|
rodillas?|hombros?|caderas?|tobillos?|codos?|munecas?|espalda|columna|cuello|pulgar(?:es)?|dedos?|mandibulas?|costillas?|
pelvis|tendon(?:es)?|ligamentos?|articulacion(?:es)?|musculos?|huesos?|cartilago|meniscos?|piernas?|pantorrillas?|
muslos?|ingle|nalgas?|pecho|cabeza|brazos?|(?:su|la|las|el|los|del|sus) (?:manos?|pies?|talon(?:es)?)
"""
_DIAGNOSES = r"""
diagnos\w*|arthrit\w*|artritis|arthros\w*|artrosis|osteo\w*|tend[io]n[io]\w*|bursitis|sprains?|esguinces?|strains?|
torn|tears?|desgarros?|sciatica|ciatica|hernia\w*|fasciitis|fascitis|fibromyalgia|fibromialgia|neuropath\w*|neuropatia|
instability|inestabilidad|whiplash|latigazo|injury|injuries|lesion(?:es)?|disease|enfermedad(?:es)?
"""
_SCORES = r"""
[0-9]{1,2} ?/ ?10|[0-9]{1,2} (?:out of|de|sobre) 10|scores?|puntajes?|puntuacion(?:es)?|psfs|pgic|nrs
"""
# Naming no treatment, yet telling that there was one; "visit" says the same with less.
_HINTS = r"treatments?|tratamientos?|therap(?:y|ies|ist)|terapias?|procedures?|procedimientos?|patients?|pacientes?"

# Said to everybody as general safety advice, although a body part is in it.
_GENERAL = r"chest pain|stiff neck|dolor (?:de|en el) pecho|dolor de cabeza|cuello (?:rigido|tieso)|a la mano"


def _whole_words(alternatives: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{alternatives.replace(chr(10), '')})(?!\w)")


_KINDS = {
    "a treatment": _whole_words(_TREATMENTS),
    "a body part": _whole_words(_BODY_PARTS),
    "a diagnosis": _whole_words(_DIAGNOSES),
    "a score": _whole_words(_SCORES),
}
_HINTING = _whole_words(_HINTS)
_ALLOWED = _whole_words(_GENERAL)


def telling(text: str) -> list[tuple[str, str]]:
    """(what it gives away, the word) for every word that discloses something about the patient."""
    words = _ALLOWED.sub(" ", _folded(text))
    return [(kind, found) for kind, pattern in _KINDS.items() for found in dict.fromkeys(pattern.findall(words))]


def hinting(text: str) -> list[str]:
    """Words that name nothing, yet say that care was given."""
    return list(dict.fromkeys(_HINTING.findall(_folded(text))))


def _folded(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text)
    letters = "".join(char for char in decomposed if not unicodedata.combining(char))
    return " ".join(letters.casefold().split())
