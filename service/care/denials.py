"""Whether a "no" rules a symptom out.

A doubtful case counts as reported: a false alarm costs a phone call, a missed one much more. So a "no" rules a symptom
out only when everything between the two is a word that a "no" reads through ("no signs of fever, pus or redness").
"""

from __future__ import annotations

from collections.abc import Sequence

from service.care.ownwords import Sentence
from service.care.phrases import TURNS, Hit, Lexicon, word_set

_NEGATORS = word_set(
    "no not never without dont doesnt didnt havent hasnt hadnt isnt wasnt arent werent aint zero none nor neither "
    "denies denied nothing negative neg sin ni nunca tampoco ninguna nada niego"
)
READ_THROUGH = word_set(
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
            "never ~6 like|so|such",
            "never|nunca ~7 now|ahora",
            "never ~2 been|felt|feel|gotten|got|hurt ~1 this|that",
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
SYMPTOMS = word_set(
    "pain pains nausea vomiting cough dizziness dizzy headache headaches problem problems issue issues trouble "
    "troubles rash bleeding itching soreness stiffness numb numbness tingling weakness redness pus drainage discharge "
    "fever fevers chills infection shortness breath breathing fainting rashes hives swelling swollen bruising sign "
    "signs symptom symptoms dolor dolores fiebre hinchazon inflamacion enrojecimiento calentura escalofrios mareo "
    "mareos nauseas vomito vomitos problema problemas dificultad hormigueo desmayo debilidad adormecimiento infeccion "
    "picazon ronchas sarpullido"
)
_SUBJECTS = word_set("i im ive my its theres there tengo estoy siento ando me se mi")
_BEFORE_NO_SUBJECT = word_set(
    "in on at of around near from to with by under behind over that since when while if than and or nor en de por con "
    "para a que cuando ni o y no not without sin"
)
"""After one of these "my" or "I" begins nothing new: "no swelling in my leg or numbness"."""
_LOOKING = word_set("can could know notice noticed noticing see saw seen")
_ANSWERS = word_set("no none nope negative nada ninguna")
_OR = word_set("or nor ni o u")
_AND = word_set("and y e")
_LISTS_ALL = word_set("denies denied negative neg neither nor ni")
_AGREES = word_set("yes yeah yep si")
_IN_SO_MANY_WORDS = word_set("any a at so very too really that muy tan nada")
_SINCE_THEN = Lexicon(
    {
        "now": (
            "until|till|til",
            "hasta ~1 hoy|anoche|ayer|esta|manana|tarde|noche",
            "now|today|tonight|ahora|hoy ~1 yes|yeah|do|does|si",
            "yes|yeah|si now|today|tonight|ahora|hoy",
            "have|got|having|feel it|them|some now|today|tonight",
        )
    }
)
_WHILE_IT_WAS_NOT = word_set("tuve tenia habia sentia dolia estaba")
_BEFORE = Lexicon({"before": ("before|antes ~1 the|my|this|our|i|today|now|yesterday|tonight|la|el|de|del",)})


def answered_no(hit: Hit, sentence: Sentence, after: Sentence | None) -> bool:
    """ "Fever: no", "Fever no, pain 3", "Fever? No." """
    rest = sentence.words[hit.end :]
    if len(rest) >= 2 and rest[0] == ":" and rest[1] in (*_ANSWERS, "0"):
        return True
    if rest and rest[0] in _ANSWERS and (len(rest) == 1 or rest[1] in TURNS):
        return True
    if not (sentence.question and after and len(sentence.words) <= 6 and not rest):
        return False
    answer = [word for word in after.words[:3] if word not in TURNS]
    return bool(answer) and answer[0] in ("no", "none", "nope", "nada", "negative") and answer[1:2] != ["idea"]


def ruled_out(hit: Hit, words: Sequence[str], *, emergency: bool = False) -> bool:
    """Denied by a "no" inside the phrase or before it; of an `emergency` only in so many words."""
    # "no puedo ni caminar": the phrase itself says no, so another inside takes nothing back
    if words[hit.start] not in _SAYS_NO and any(words[at] in _NEGATORS for at in hit.between):
        return True
    if _has_come_since(hit, words):
        return False
    clause = any(word in _VERBS for word in words[hit.start : hit.end])
    joined = anew = False
    subject = _begins_anew(words, hit.start)
    for at in range(hit.start - 1, max(-1, hit.start - 16), -1):
        word = words[at]
        if word in _NEGATORS:
            if anew or (joined and clause) or _listed_apart(hit, words, at, emergency):
                return False
            return not _is_answer(words, at) and not _denies_nothing(hit, words, at)
        if word not in READ_THROUGH:
            return False
        # "no fever I'm having chest pain", as it is dictated: the "no" was about what stands before the new subject
        anew = anew or (subject and word in SYMPTOMS)
        subject = subject or _begins_anew(words, at)
        if word in (",", "and", "y"):
            following = words[at + 1]
            if following in _NEW_SUBJECT:
                return False
            joined = True
    return False


def _has_come_since(hit: Hit, words: Sequence[str]) -> bool:
    """ "No chest pain until now", "didn't have it before", "no swelling, fever yes": denied of earlier only."""
    rest = words[hit.end :]
    if rest and rest[0] in _AGREES:
        return True
    if _SINCE_THEN.find(rest):
        return True
    if "hasta" in rest and _WHILE_IT_WAS_NOT.intersection(words[: hit.start]):
        return True
    at = next((at for at, word in enumerate(rest) if word in TURNS or word in ("before", "antes")), len(rest))
    if at == len(rest) or rest[at] in TURNS:
        return False
    return at + 1 == len(rest) or rest[at + 1] in TURNS or _BEFORE.match_at(rest, at)


def _begins_anew(words: Sequence[str], at: int) -> bool:
    word, before = words[at], words[at - 1] if at else ""
    following = words[at + 1] if at + 1 < len(words) else ""
    if word not in _SUBJECTS and not (word == "it" and following in _VERBS):
        return False
    return before not in _BEFORE_NO_SUBJECT and not (word == "i" and following in _LOOKING)


def _listed_apart(hit: Hit, words: Sequence[str], at: int, emergency: bool) -> bool:
    """ "No fever, chest pain": a list that one "no" rules out has an "or"; an "and" will do for "chills and pus"."""
    if "," not in words[at + 1 : hit.start] or words[at] in _LISTS_ALL:
        return False
    ends = hit.end
    while ends < len(words) and words[ends] in READ_THROUGH:
        ends += 1
    return not (_OR if emergency else _OR | _AND).intersection(words[at + 1 : ends])


def _denies_nothing(hit: Hit, words: Sequence[str], at: int) -> bool:
    """ "I don't feel well and have a fever"; but "I don't feel dizzy" does deny."""
    felt = next((later for later in (at + 1, at + 2) if words[later : later + 1] in (("feel",), ("siento",))), None)
    if felt is not None and felt < hit.start and _IN_SO_MANY_WORDS.issuperset(words[felt + 1 : hit.start]):
        return False
    return _NO_DENIAL.match_at(words, at)


def _is_answer(words: Sequence[str], at: int) -> bool:
    """ "No, I have a fever" and "no I have a fever": the "no" answers something else."""
    if words[at] not in _ANSWERS or at + 1 >= len(words):
        return False
    following = words[at + 1]
    if following == ",":
        return True
    return words[at] == "no" and following in (
        "i", "im", "ive", "my", "it", "its", "the", "estoy", "mi", "is", "this",
    )  # fmt: skip
