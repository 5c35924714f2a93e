"""Does a reply ask for the messages to stop, or to begin again?

In the United States a request counts in any wording that a reasonable person would understand (47 CFR
64.1200(a)(10), in force since 2025-04-11). So this reads far beyond the provider's keywords; where it cannot tell it
says so, and the caller suppresses and asks a person.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from service.care import optin
from service.care.keptchannels import kept, prefers_texts
from service.care.lifecycle import Channel
from service.care.optoutwords import PHRASES, SETS
from service.care.ownwords import STOP_LINES, Sentence
from service.care.phrases import TURNS, Hit, Lexicon, word_set
from service.care.refusalwords import REFUSAL_SETS, REFUSALS
from service.care.wrongpersonwords import WRONG, WRONG_SETS

TWILIO_STOP = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "END", "QUIT", "CANCEL", "REVOKE", "OPTOUT"})
"""Twilio's own opt-out keywords, whole body only: it blocks the number and confirms by itself."""


class StopScope(StrEnum):
    """What a request to stop is about."""

    CHANNEL = "channel"
    """The channel it came on."""
    TEXTS = "texts"
    EMAILS = "emails"
    ALL = "all"
    """Everything we send."""
    WRONG_PERSON = "wrong_person"
    """The address is not the patient's: nothing more to it, and the clinic must be told."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a reply asks for; `scope` is None without a stop, `certain` is False when a person should look."""

    stop: bool = False
    certain: bool = False
    scope: StopScope | None = None
    calls: bool = False
    """The stop is no more than "do not call", which answers "shall we call you?" as well."""
    start: bool = False


_LABELS = dict.fromkeys((*PHRASES, *REFUSALS, *WRONG))
LEXICON = Lexicon(
    {
        **{one: PHRASES.get(one, ()) + REFUSALS.get(one, ()) + WRONG.get(one, ()) for one in _LABELS},
        **optin.PHRASES,
    },
    {**SETS, **REFUSAL_SETS, **WRONG_SETS, **optin.SETS},
)

_FILLERS = word_set(
    "please now thanks thank you thankyou ok okay hi hello hey dear sir madam maam porfavor gracias ya just "
    "already immediately asap it this these them that those everything again ahora favor kindly yes yeah si no so "
    "the and then me i said all forever anymore yesterday before twice times many ever never more mas "
    "nunca jamas guys clinic team doctor today "
    "right away fucking damn goddamn god bye hola esto eso todo por amen fuckin for real lol de thumbsup text "
    "texts message messages sms mensajes pleaseand want to like would reply replying must "
    "period punto seriously honestly dude bro"
)
_COURTESY = word_set("please now thanks thank you ok okay hi hello hey hola sorry porfavor gracias muchas favor")
_COUNTS = word_set("two three four five six ten several multiple hundred thousand dozen like veces dos tres mil varias")
""" "I said stop three times"."""
_POLITE = _FILLERS - {
    "no",
    "more",
    "mas",
    "never",
    "nunca",
    "ever",
    "me",
    "i",
    "the",
    "want",
    "to",
    "text",
    "texts",
    "message",
    "messages",
    "sms",
    "mensajes",
}
_ANYWHERE = word_set(
    "stop stopall unsubscribe unsub optout alto parar stopp stopit stahp desist cease unsubscribed basta paren "
    "pare detener detente detenganse desuscribir desuscribirme"
)
"""A sentence of nothing else, wherever it stands in the reply, is a request."""
_ALONE = _ANYWHERE | word_set(
    "end quit cancel revoke remove delete baja cancelar cancele cancela cancelen finalizar terminar fin salir "
    "para halt quitar eliminar borrar enough remover borrame borrenme borreme quiteme quitenme eliminame "
    "desuscribanme anular suspender retirar desactivar terminate block bloquear parenle parale nomore stops arret "
    "nomas suficiente discontinue withdraw removeme exit leave"
)
_WISHING = word_set(
    "i want to like need would wish quiero quisiera deseo favor me necesito voy a prefiero im going please"
)
_POINTING = word_set("it this that these those them eso esto")
_ALONE_PHRASES = frozenset(
    {
        "no more", "no mas", "opt out", "ya no", "ya basta", "me out", "go away", "no longer", "dar baja",
        "shut up",
        "leave me alone", "no continuar", "not interested", "no quiero mas", "stop all", "de baja", "fin", "alto ya",
    }
)  # fmt: skip
_NO_MORE = frozenset({"no more", "no mas", "ya no"})
""" "I had swelling but no more" asks for nothing; as a sentence of its own it may."""
_SLIPS_OF_STOP = word_set(
    "stpo sotp stp sto stoop stpp stopo stiop stoip srop dtop atop wtop stol stio tsop sstop stopl stopw soptp "
    "stpop satop stoppp stap syop sropp atopp xtop ztop stopx stopm stopn styop sttop sotop stoo stopit stope "
    "estop esstop stot stob stoped stoping stopping estopp"
)
_MAYBE_STOP = word_set("top sop step shop stops spot stopped stopping stoped stoping stot stop") - {"stop"}
_ENDERS = word_set(
    "stop quit cease discontinue end terminate cancel remove removed delete block suspend unsubscribe halt parar "
    "pare paren parenle cancelar cancele cancelen detener detengan dejen deje eliminar eliminen borrar borren "
    "suspender quitar quiten"
)
_SENT = word_set(
    "texts texting messages message messaging msgs sms emails emailing notifications subscription mensajes textos "
    "correos notificaciones suscripcion"
)
_EVERYTHING = word_set("stopall all anything everything any nothing ever todo nada contact alone")
_TEXTS = word_set("text texts texting sms texto textos textear texteen mensaje mensajes number phone")
_EMAILS = word_set("email emails emailing mail mails correo correos mailing inbox")
_CAPITAL_STOP = re.compile(r"\bSTOP\b(?!\s+(?:to|para)\b|:\s*fin\b)")
_LINK_OR_PHONE = re.compile(r"https?://|\d{3}\D?\d{3}\D?\d{4}")
"""A text of ours has one; what a patient writes beside "STOP to end" hardly ever does."""
_NOT_NAMED = re.compile(
    r"\b(?:(?:[Ii](?:['’]?m| am)|[Tt]his is|[Tt]hat['’]?s) not|[Tt]his isn['’]t|[Nn]o (?:soy|es|me llamo)"
    r"|[Tt]here(?: is|['’]s) no)(?! I\b) ([A-Z][a-z]+)\b"
    r"|\b[Nn]o ([A-Z][a-z]+) (?:here|at this)\b"
)
""" "I'm not Robert": a capital is all there is to tell a name by, so a person has to look."""
_DESCRIBING = word_set(
    "fun right good normal fine ok okay easy better bad urgent fair true new funny great cool helpful it me much fast "
    "enough clear sure here home well sick alone yo seguro segura capaz fuerte alergico alergica diabetico diabetica "
    "joven viejo vieja so pain fever able worse happy worried scared tired upset ready pleased satisfied impressed "
    "interested convinced comfortable hungry dizzy sore stiff really very too quite exactly always yet the my your "
    "pus fiebre dolor urgente grave verdad cierto facil justo bueno buena mucho nada problem problems relief change "
    "changes rash nausea chills blood heat i ud usted necesario igual suficiente"
)
_NO_NAMES_END = ("ing", "ness", "tion", "ache", "able", "ible", "ful")
_BESIDE_WRONG = (
    _FILLERS
    | _ANYWHERE
    | word_set(
        "sorry think is its thats buddy pal friend lady man sir phone number here es un el perdon disculpe disculpa "
        "disculpen lo siento creo que senor senora amigo equivocado"
    )
)
_PAIN = word_set("pain hurts hurt hurting ache dolor duele bleeding itching burning throbbing swelling medication")


def is_provider_keyword(body: str) -> bool:
    """Whether the whole body is one of Twilio's keywords, so that Twilio has blocked and confirmed already."""
    return body.strip().upper() in TWILIO_STOP


def read_wish(text: str, sentences: Sequence[Sentence]) -> Wish:
    """What `text`, split into `sentences` (spelling put right), asks for. A stop beats a start."""
    everything = [word for sentence in sentences for word in sentence.words if word[0].isalnum()]
    if not everything:
        return Wish()
    certainty = _stop_alone(everything) or _stop_within(text, sentences)
    if certainty is None or (certainty == "calls" and prefers_texts(sentences)):
        found = [(sentence, LEXICON.find(sentence.words)) for sentence in sentences]
        return Wish(start=optin.asked(everything, found))
    wrong = any(_says_wrong_person(hit, sentence.words) for sentence in sentences for hit in _meant(sentence))
    return Wish(
        True, certainty == "certain", _scope(set(everything), wrong, kept(sentences)), calls=certainty == "calls"
    )


def _stop_alone(words: Sequence[str]) -> str | None:
    """The reply as a whole is a keyword, perhaps misspelt, spaced out or politely wrapped."""
    if len(words) > 12:
        return None
    if len(words) > 2 and all(len(word) == 1 and word.isalpha() for word in words):
        words = ["".join(words)]
    content = [word for word in words if word not in _POLITE and not word.isdigit()]
    if not content:
        return None
    if all(word in _ALONE or (len(words) <= 3 and word in _SLIPS_OF_STOP) for word in content):
        # "stop it" is plain, "cancel it" may be about a visit
        return "certain" if _ANYWHERE.intersection(content) or not _POINTING.intersection(words) else "unsure"
    if _bare(words) in _ALONE_PHRASES or " ".join(content) in _ALONE_PHRASES:
        return "certain"
    if "".join(content) in _ALONE and len(content) <= 4:
        return "certain"
    return "unsure" if len(words) <= 2 and all(word in _MAYBE_STOP for word in content) else None


def _bare(words: Sequence[str]) -> str:
    """Without the courtesy around it."""
    return " ".join(word for word in words if word[0].isalnum() and word not in _COURTESY)


def _stop_within(text: str, sentences: Sequence[Sentence]) -> str | None:
    certainty: str | None = None
    for at, sentence in enumerate(sentences):
        if at and sentence.words[:3] in STOP_LINES:
            certainty = certainty or (None if _LINK_OR_PHONE.search(text) else "unsure")
            sentence = replace(sentence, words=sentence.words[3:])
        words = sentence.words
        if certainty is None and _bare(words) in _NO_MORE:
            certainty = "unsure"
        found = _bare_clause(words, at == 0 or at == len(sentences) - 1) or _phrase(sentence)
        if found == "certain":
            return found
        certainty = (certainty if certainty != "calls" else None) or found or certainty or _near(sentence)
    if certainty is None and (_names_another(text) or any(map(_not_somebody, sentences))):
        return "unsure"
    if _CAPITAL_STOP.search(text) and any(char.islower() for char in text) and not _guarded_everywhere(sentences):
        return "certain"
    if certainty is None and (_opens_with_stop(sentences) or _wishes_an_end(sentences)):
        return "unsure"
    return certainty


def _names_another(text: str) -> bool:
    names = ((found[1] or found[2]).lower() for found in _NOT_NAMED.finditer(text))
    return any(name not in _DESCRIBING and not name.endswith(_NO_NAMES_END) for name in names)


def _not_somebody(sentence: Sentence) -> bool:
    """ "this isnt maria": a name in small letters is the word that nothing else explains."""
    words = sentence.words
    return (
        len(words) == 3
        and words[:2] in (("this", "isnt"), ("no", "soy"), ("this", "aint"), ("hes", "not"), ("shes", "not"))
        and words[2] not in _DESCRIBING
        and not words[2].endswith(("ing", "ed", "ly", "ble"))
    )


def _bare_clause(words: Sequence[str], outer: bool) -> str | None:
    """ "I moved away, stop" and "Stop, I am fine now"."""
    clauses: list[list[str]] = [[]]
    for word in words:
        if word in TURNS:
            clauses.append([])
        else:
            clauses[-1].append(word)
    clauses = [clause for clause in clauses if clause]
    ends = clauses if len(clauses) == 1 else [clauses[0], clauses[-1]] if outer and clauses else []
    for clause in ends:
        content = [word for word in clause if word not in _POLITE]
        if content and all(word in _ANYWHERE for word in content) and "then" not in clause:
            return "certain"
    return None


def _wishes_an_end(sentences: Sequence[Sentence]) -> bool:
    """ "I want to cancel", and not a word of what."""
    words = [word for sentence in sentences for word in sentence.words if word[0].isalnum()]
    wished = _ALONE.intersection(words)
    return bool(wished) and len(words) <= 6 and all(word in _ALONE or word in _WISHING for word in words)


def _opens_with_stop(sentences: Sequence[Sentence]) -> bool:
    """ "Stop this nonsense": a short command that no phrase foresaw. "Stop in for a visit?" asks."""
    first = sentences[0]
    words = [word for word in first.words if word not in _POLITE]
    return (
        0 < len(words) <= 5
        and words[0] in ("stop", "unsubscribe", "alto")
        and not first.question
        and not _PAIN.intersection(words)
        and "guard" not in LEXICON.find_labels(first.words)
        and words[1:2] not in (["by"], ["in"], ["light"], ["sign"], ["taking"], ["using"], ["wearing"])
    )


def _meant(sentence: Sentence) -> list[Hit]:
    """The phrases in it, without what a guard takes back."""
    hits = LEXICON.find(sentence.words)
    guards = [hit for hit in hits if _guards(hit, sentence.words)]
    return [
        hit
        for hit in hits
        if not any(hit.start < guard.end and guard.start < hit.end for guard in guards)
        and not _from_our_own_text(hit, sentence.words)
    ]


def _guards(hit: Hit, words: Sequence[str]) -> bool:
    """ "The nurse told me to stop" is about a treatment, "… to stop these texts" is not."""
    if hit.label == "guard_at_end":
        return _reaches_end(hit, words)
    return hit.label == "guard" and not _is_how(hit, words)


def _phrase(sentence: Sentence) -> str | None:
    found: str | None = None
    for hit in _meant(sentence):
        ends = _reaches_end(hit, sentence.words)
        if _says_wrong_person(hit, sentence.words) or (hit.label == "certain_at_end" and ends):
            return "certain"
        if hit.label == "certain":
            if not _partial(hit, sentence.words):
                return "certain"
            found = "unsure"
        elif hit.label in ("unsure", "wrong_alone") or (
            hit.label == "unsure_at_end" and ends and not _PAIN.intersection(sentence.words)
        ):
            found = "unsure"
        elif hit.label == "calls" or (hit.label == "calls_at_end" and ends):
            found = found or "calls"
    return found


def _says_wrong_person(hit: Hit, words: Sequence[str]) -> bool:
    """ "Wrong number" as all that a clause says; "a wrong number" inside a story may be somebody else's."""
    if hit.label != "wrong_alone":
        return hit.label == "wrong"
    begins = max((at + 1 for at in range(hit.start) if words[at] in TURNS), default=0)
    ends = min((at for at in range(hit.end, len(words)) if words[at] in TURNS), default=len(words))
    return _BESIDE_WRONG.issuperset((*words[begins : hit.start], *words[hit.end : ends]))


def _near(sentence: Sentence) -> str | None:
    """A verb of ending close to a word for messages, in an order that no phrase foresaw: enough to ask a person."""
    words = sentence.words
    if LEXICON.find_labels(words) & {"guard"}:
        return None
    enders = [at for at, word in enumerate(words) if word in _ENDERS]
    sent = [at for at, word in enumerate(words) if word in _SENT]
    return "unsure" if any(abs(ender - thing) <= 4 for ender in enders for thing in sent) else None


def _is_how(guard: Hit, words: Sequence[str]) -> bool:
    """ "How do I stop these texts?" asks for the way out, unlike "did the texts stop?"."""
    return (
        "how" in words[max(0, guard.start - 2) : guard.start + 1]
        or "como" in words[max(0, guard.start - 2) : guard.start]
    )


def _partial(hit: Hit, words: Sequence[str]) -> bool:
    """ "Don't text me before nine" limits, and may mean no more than that."""
    rest = words[hit.end : hit.end + 4]
    after = LEXICON.find(rest)
    return any(found.label == "partial" and found.start <= 1 for found in after)


def _from_our_own_text(hit: Hit, words: Sequence[str]) -> bool:
    """ "Text STOP to unsubscribe": quoted after other words it is not the patient's wish."""
    return hit.start >= 3 and any(
        words[at] == "stop" and (words[at + 1 : at + 2] in (("to",), ("para",)) or words[at : at + 3] in STOP_LINES)
        for at in range(hit.start, hit.end)
    )


def _reaches_end(hit: Hit, words: Sequence[str]) -> bool:
    rest = [word for word in words[hit.end :] if word[0].isalnum()]
    return all(word in _FILLERS or word in _COUNTS or word.isdigit() for word in rest) or (
        hit.end < len(words) and words[hit.end] in TURNS
    )


def _guarded_everywhere(sentences: Sequence[Sentence]) -> bool:
    return any(hit.label == "guard" for sentence in sentences for hit in LEXICON.find(sentence.words))


def _scope(words: set[str], wrong: bool, kept_channels: frozenset[Channel]) -> StopScope:
    if wrong:
        return StopScope.WRONG_PERSON
    if len(kept_channels) == 1:
        return StopScope.TEXTS if Channel.EMAIL in kept_channels else StopScope.EMAILS
    texts, emails = bool(_TEXTS & words), bool(_EMAILS & words)
    if (_EVERYTHING & words and not emails and not ({"text", "texts", "texting", "textos", "sms"} & words)) or (
        texts and emails
    ):
        return StopScope.ALL
    if emails:
        return StopScope.EMAILS
    return StopScope.TEXTS if texts else StopScope.CHANNEL
