"""Whether a symptom in a sentence is reported, ruled out, over, only asked about, or somebody else's.

A doubtful case counts as reported: a false alarm costs a phone call, a missed one much more. So a "no" rules a symptom
out only when everything between the two is a word that a "no" reads through ("no signs of fever, pus or redness").
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum, auto
from itertools import pairwise

from service.care.ownwords import Sentence
from service.care.phrases import TURNS, Hit, Lexicon, word_set


class Standing(Enum):
    """What a sentence says about a symptom that it names."""

    REPORTED = auto()
    ABSENT = auto()
    """Ruled out, over, or long ago."""
    ASKED = auto()
    """Named in a question about what might come, or as something to look out for."""


_NEGATORS = word_set(
    "no not never without dont doesnt didnt havent hasnt hadnt isnt wasnt arent werent aint zero none nor neither "
    "denies denied nothing negative neg sin ni nunca tampoco ninguna nada niego"
)
_READ_THROUGH = word_set(
    "for have having had has got get getting see seeing seen notice noticed noticing feel feeling felt experience "
    "experiencing experienced think develop developed show showing run running any a an the my this that of sign "
    "signs symptom symptoms real more new or and nor ni y o e u with in at on to , kind type sort hint trace even "
    "yet really currently been i it its is are be being there was im ive far such other also either looking look "
    "looks seem seems appear especially severe bad major big spreading much too very unusual excessive "
    "significant extra abnormal sudden increased swelling pain pains bruising nausea vomiting cough coughing "
    "dizziness dizzy headache headaches problem problems issue issues trouble troubles hard rash bleeding itching "
    "soreness stiffness numb numbness tingling weakness weak warmth heat hot warm red redness swollen pus "
    "drainage discharge fever fevers chills chest infection breathing shortness breath faint fainting rashes "
    "hives oozing difficulty fainted temp temperature high leg calf throat face calves legs arm tengo tiene "
    "tienes he ha hay habia tenido tuve habido siento sentido veo noto notado presento presenta presentado "
    "amaneci estoy esta estado parece un una el la los las de del mi en con sido es senales signos sintomas "
    "sintoma senal ninguna nada tampoco mas otra otro otras otros nuevo nueva mucho mucha muy tan fiebre dolor "
    "dolores hinchazon inflamacion enrojecimiento calor mareo mareos nauseas vomito vomitos calentura escalofrios "
    "problema problemas dificultad secrecion sangrado rojo roja caliente hinchado hinchada inflamado inflamada me "
    "se para al tener sentir haber respirar hormigueo desmayo desmayos debilidad adormecimiento entumecimiento "
    "infeccion supuracion picazon ronchas sarpullido"
)
_SAYS_NO = _NEGATORS | {"cant", "couldnt", "nopuedo", "wont", "hardly", "barely", "apenas"}
_VERBS = word_set(
    "hurts hurt aches duele duelen is are looks feels gave gives swelled oozing leaking cant nopuedo falta cuesta "
    "wont fainted passed"
)
"""A hit with one of these is a clause of its own: a "no" before an earlier comma or "and" does not reach it."""
_NEW_SUBJECT = word_set(
    "i im ive my mine the it its there theres he she we have has had got is now only just some still also feeling "
    "having running really very bad severe terrible awful a tengo hay estoy mi el la siento ando traigo me tiene "
    "solo ahora today since lots this that yes pero si"
)

_NO_DENIAL = Lexicon(
    {
        "no": (
            "not|no only|just|sure|certain|doubt|joke|lie|wonder|normal|better|improvement|improving|relief|idea|"
            "sleep|"
            "sleeping|good|great|well|ok|okay|right|fun|one|clue|matter|energy|appetite|answer|helping|gone|"
            "mejora|baja|cede|"
            "quita|va|para|deja|desaparece|pasa|se|sabia|solo|solamente|duermo|dormi|puedo|aguanto|bueno|bien|"
            "estoy|mejoro|"
            "bajado|quitado|pasado",
            "dont|didnt|doesnt|havent|isnt|hasnt|wasnt|wont|hadnt know|sleep|slept|want|understand|like|help|go|"
            "stop|work|care|"
            "matter|eat|eaten|going|improving|helping|gone|feel|remember|improved|normal|better",
            "never ~6 like|before|so|such",
            "never had|felt|seen|experienced ~3 this|that|so|such",
            "no me siento|se|quita|baja|deja|ha|puedo",
            "no ha|han|habia bajado|mejorado|quitado|pasado|cedido|parado|desaparecido",
            "no se ~2 quita|quito|va|fue|baja|pasa|ha|si|que",
            "nunca ~5 asi|antes|tan|tanto",
            "nothing|nada helps|helping|works|working|ayuda|sirve|stops|funciona|but",
            "without sleep|relief|help|stopping",
            "sin dormir|parar|mejorar|ayuda|mejoria",
        ),
        "no but": ("no estoy con|enfermo",),
    }
)
_GONE = Lexicon(
    {
        "gone": (
            "gone|resolved|disappeared|subsided|cleared|vanished|broke|stopped|ended|faded|normal",
            "is|are|its|has|have|finally over|passed",
            "wore|worn|wears|wearing off",
            "barely there|noticeable|noticed",
            "went|goes|going|gone away|down",
            "back to normal",
            "came|come down",
            "is|all|much|lot|way|so|feels|feeling|looks|looking|getting|got|improved|has better|improving|"
            "improved|decreasing|less",
            "improved|improving|fading|clearing|decreasing",
            "has improved|cleared|resolved|subsided",
            "se me? fue|quito|paso|desaparecio|bajo|ha",
            "ya no",
            "desaparecio|desaparecido|mejoro|mejorado|mejorando|bajo|bajando|cedio|resuelto|paso|quito",
            "esta|va mucho? mejor|mejorando|bajando",
            "free",
            "none|negative|nope|nada|ninguna|negativo|nil",
        )
    }
)
_ENDED_BEFORE = Lexicon(
    {
        "gone": (
            "quito|fue|paso|desaparecio|bajo|quitaron|fueron ~1 el|la|los|las|mi",
            "se me? ha? quito|fue|paso|desaparecio|quitado|ido|pasado|bajo ~1 el|la|los|las|mi?",
            "ya no ~3 tengo|hay|siento|tiene|esta|estoy|me|tuve",
            "no longer ~2 have|having|feel|feeling|a|any|has|running",
            "no more",
            "got rid of ~1 the|my?",
            "gone is|are the|my",
            "not|isnt|arent ~2 as|so",
            "used to ~2 have|get|feel",
            "free of",
            "recovered|recuperado|recuperada from|de|del",
            "no longer|more",
            "denies|denied",
        )
    }
)
_UNDONE = word_set(
    "not hasnt havent isnt wont doesnt didnt dont never no cant still nopuedo nunca aun todavia before until "
    "hardly barely then again nearly almost para"
)
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
_THEN = word_set("was were hurt had felt got estaba estaban dolia tenia era fue tuve")
_STILL = word_set("still again worse not isnt never todavia aun sigue peor back tonight")
_BETTER_NOW = Lexicon(
    {
        "better": (
            "better|fine|good|ok|okay|great|barely|normal|easier|mejor|bien|nothing <>3 now|today|ahora|hoy|ya",
            "much|way|lot|lots|so|mucho better|mejor|easier",
        )
    }
)
_PLAINLY_NOW = word_set("now today currently already still ahora hoy todavia ya")
_LONG_AGO = Lexicon(
    {
        "past": (
            "last year|month|summer|winter|spring|fall|january|february|march|april|may|june|july|august|"
            "september|october|"
            "november|december|christmas",
            "year|years|month|months|decade|decades ~1 ago|back|before",
            "as a kid|child|teenager|baby",
            "when i was ~1 kid|child|little|young|younger|pregnant|teenager|boy|girl|a|in",
            "before the|my|this|our|i ~3 shot|shots|treatment|treatments|injection|injections|procedure|visit|"
            "session|started|came",
            "in the past",
            "history of",
            "hace ~3 ano|anos|mes|meses",
            "el ano|mes|verano|invierno pasado",
            "de nino|nina|chico|chica|pequeno|pequena|joven",
            "antes del|de ~2 tratamiento|inyeccion|inyecciones|visita|procedimiento|empezar|sesion|consulta",
            "cuando era",
        )
    }
)
_BACK_AGAIN = word_set("again now today still back since same hoy ahora otra vez nuevo desde worse peor tonight but")
_CHILDS = Lexicon(
    {
        "child": (
            "my ~1 kid|kids|son|daughter|baby|toddler|grandson|granddaughter|dog|cat|child|children|grandkids|"
            "niece|nephew|puppy "
            "~3 has|have|had|is|got|with|running|came|was|are|passed|broke|throwing|woke",
            "mi|mis ~1 hijo|hija|hijos|nieto|nieta|bebe|perro|gato|nino|nina|sobrino|sobrina|perra ~3 tiene|"
            "tienen|tuvo|esta|con|estan|"
            "amanecio|anda",
        )
    }
)
_YEAR = re.compile(r"(19|20)\d\d")
_FIRST_PERSON = word_set("i im ive me tengo estoy siento yo mine shot shots injection treatment inyeccion tratamiento")


def standing(
    hit: Hit, sentence: Sentence, after: Sentence | None, *, lasting: bool = False, easing: bool = False
) -> Standing:
    """What `sentence` says about the symptom `hit`; `after` is the next sentence ("Fever? No.").

    `lasting`: a state, such as pain or redness, that "was awful, much better now" ends; a faint stays one.
    `easing`: the sign itself is that it goes away for a while, so "goes away when I lie down" ends nothing.
    """
    words = sentence.words
    if _answered_no(hit, sentence, after):
        return Standing.ABSENT
    if _ruled_out(hit, words) or (not easing and _over(hit, words)) or _long_ago(words):
        return Standing.ABSENT
    if lasting and _was_but_eased(hit, words, after):
        return Standing.ABSENT
    if _about_a_child(hit, words):
        return Standing.ABSENT
    return Standing.ASKED if _asked(hit, words) else Standing.REPORTED


def _answered_no(hit: Hit, sentence: Sentence, after: Sentence | None) -> bool:
    """ "Fever: no", "Fever? No." """
    rest = sentence.words[hit.end :]
    if len(rest) >= 2 and rest[0] == ":" and rest[1] in ("no", "none", "nope", "negative", "nada", "ninguna", "0"):
        return True
    if not (sentence.question and after and len(sentence.words) <= 6 and not rest):
        return False
    answer = [word for word in after.words[:3] if word not in TURNS]
    return bool(answer) and answer[0] in ("no", "none", "nope", "nada", "negative") and answer[1:2] != ["idea"]


def _ruled_out(hit: Hit, words: Sequence[str]) -> bool:
    # "no puedo ni caminar": the phrase itself says no, so another inside takes nothing back
    if words[hit.start] not in _SAYS_NO and any(words[at] in _NEGATORS for at in hit.between):
        return True
    clause = any(word in _VERBS for word in words[hit.start : hit.end])
    joined = False
    for at in range(hit.start - 1, max(-1, hit.start - 16), -1):
        word = words[at]
        if word in _NEGATORS:
            if joined and clause:
                return False
            return not _is_answer(words, at) and not _NO_DENIAL.match_at(words, at)
        if word not in _READ_THROUGH:
            return False
        if word in (",", "and", "y"):
            following = words[at + 1]
            if following in _NEW_SUBJECT:
                return False
            joined = True
    return False


def _is_answer(words: Sequence[str], at: int) -> bool:
    """ "No, I have a fever" and "no I have a fever": the "no" answers something else."""
    if words[at] != "no" or at + 1 >= len(words):
        return False
    following = words[at + 1]
    return (
        following == ","
        or following in ("i", "im", "ive", "my", "it", "its", "the", "estoy", "mi")
        or (following in ("is", "this"))
    )


def _over(hit: Hit, words: Sequence[str]) -> bool:
    rest: list[str] = []
    for word in words[hit.end : hit.end + 9]:
        if word in TURNS or word in ("and", "y"):
            break
        rest.append(word)
    for found in _GONE.find(rest):
        if found.start <= 5 and not _UNDONE.intersection(rest[: found.end]):
            return not _other_subject(rest[: found.start])
    for found in _ENDED_BEFORE.find(words[max(0, hit.start - 7) : hit.start]):
        begins = max(0, hit.start - 7) + found.start
        ends = max(0, hit.start - 7) + found.end
        between = words[ends : hit.start]
        if all(word in _READ_THROUGH for word in between) and "," not in between:
            return not _UNDONE.intersection(words[max(0, begins - 2) : begins])
    return False


def _was_but_eased(hit: Hit, words: Sequence[str], after: Sentence | None) -> bool:
    """ "It was awful on day 1, much better now"."""
    if not _THEN.intersection(words[max(0, hit.start - 4) : hit.end + 1]):
        return False
    later = (*words, ",", *after.words) if after else words
    return bool(_BETTER_NOW.find(later)) and not _STILL.intersection(later)


def _other_subject(between: Sequence[str]) -> bool:
    return any(
        word in ("i", "im", "my", "when", "after", "cuando", "mi", "since", "que", "if", "because") for word in between
    )


def _long_ago(words: Sequence[str]) -> bool:
    again = _BACK_AGAIN.intersection(words) - ({"now"} if ("not", "now") in pairwise(words) else set())
    named_year = any(word in ("in", "en", "since") and _YEAR.fullmatch(year) for word, year in pairwise(words))
    return (named_year or bool(_LONG_AGO.find(words))) and not again


def _about_a_child(hit: Hit, words: Sequence[str]) -> bool:
    before = words[: hit.end]
    return bool(_CHILDS.find(before)) and not _FIRST_PERSON.intersection(before)


def _asked(hit: Hit, words: Sequence[str]) -> bool:
    begins = 0
    for at in range(hit.start - 1, -1, -1):
        if words[at] in TURNS and words[at] != ",":
            begins = at + 1
            break
    before = list(words[begins : hit.end])
    if not any(begins + found.start < hit.start for found in _ASKING.find(before)):
        return False
    # "what if this fever I have now …" is no question about the future
    return not _PLAINLY_NOW.intersection(words)
