"""Does a reply ask for the messages again?

"Can I start running again?" does not. A START that nobody asked for texts somebody who said STOP, so it takes a
keyword alone or a word for our messages, and a question only where it is put to us ("can you text me again?"). Whatever
else may mean it is read by a person.
"""

from __future__ import annotations

from collections.abc import Sequence

from service.care.ownwords import Sentence
from service.care.phrases import Hit, word_set

SETS = {
    "ours": "texts texting messages messaging msgs sms emails emailing mails reminders notifications checkins",
    "nuestros": "mensajes mensajitos textos sms correos avisos recordatorios notificaciones",
    "mandarme": "mandar mandarme mandarmelos enviar enviarme enviarmelos escribir escribirme textear textearme",
}
PHRASES: dict[str, tuple[str, ...]] = {
    "start": (
        "optin|unstop|resubscribe",
        "opt|opting me|us? back? in",
        "sign|put|add|enroll|subscribe|include|reenroll me|us ~4 {ours}",
        "start|begin|resume|restart|continue ~2 {ours}",
        "start|begin|resume|restart sending me|us",
        "send ~1 me|us ~1 the|your|those|these|my {ours} ~1 again|back",
        "turn|switch ~1 {ours} ~1 back? on",
        "turn|switch back? on ~1 {ours}",
        "want|like|wish|need|love ~4 {ours} ~1 back|again",
        "want|like|wish back on|in|to? ~2 {ours}",
        "want|like|wish|need|love to? receive|receiving|get|getting|keep|hear the|your|those|these|my? {ours}",
        "quiero|quisiera|deseo|puedo|gustaria ~1 volver|seguir? ~1 recibir|recibiendo|reanudar|reactivar ~3 {nuestros}",
        "quiero|quisiera|deseo|gustaria volver a recibirlos|recibirlas",
        "manden|mandenme|manda|mande|mandeme|envien|envienme|envie|envieme ~3 {nuestros} ~1 otra|nuevo",
        "{mandarme} ~2 {nuestros} ~1 otra|nuevo",
        "vuelvan|vuelva|vuelve a {mandarme} ~2 {nuestros}",
        "inscribanme|inscribirme|suscribirme|suscribanme|suscribeme|reactivar|reactiven|reactive|reanudar|reanuden|"
        "apuntenme|activen|denme ~4 {nuestros}",
    ),
    "start_at_end": (
        "sign|enroll|subscribe|put|add|reenroll|opt me|us ~1 again|back|up",
        "text|message me|us again",
        "vuelvan|vuelva|vuelve a {mandarme}",
    ),
}
_ALONE = word_set(
    "start unstop resume restart subscribe resubscribe rejoin optin empezar iniciar comenzar reanudar empieza "
    "inicio suscribir suscribirme reactivar inscribir reenroll suscribanme inscribanme reactiven reanuden"
)
_FILLERS = word_set(
    "please now thanks thank you ok okay hi hello again back porfavor gracias de nuevo ya otra vez me texts "
    "messages up it the mensajes los over yes si"
)
_REFUSING = word_set("dont not no never didnt wont cant stop")
_BEGINNING = word_set("start begin resume restart continue")
_TELLING = word_set("i we they it he she")
""" "I start getting messages from work on Monday" asks for nothing."""
_TO_US = word_set("can could would will may please hi hello hey yes pueden podrian puede podria puedes me")
""" "Can you text me again?" asks us to, unlike "when do the texts start again?"."""
_OPEN = word_set("when should how why what who where do does did is are was if cuando debo como porque que cual")


def asked(everything: Sequence[str], found: Sequence[tuple[Sentence, Sequence[Hit]]]) -> bool:
    """Whether the words of a reply (`everything`), or one of its sentences with the phrases in it, ask for that."""
    content = [word for word in everything if word not in _FILLERS]
    questions = any(sentence.question for sentence, _ in found)
    if content and len(everything) <= 8 and not questions and all(word in _ALONE for word in content):
        return True
    if "".join(everything) == "optin":
        return True
    return any(_asks(hit, sentence) for sentence, hits in found for hit in hits if not _asks_about(sentence))


def _asks(hit: Hit, sentence: Sentence) -> bool:
    before = sentence.words[: hit.start]
    told = sentence.words[hit.start] in _BEGINNING and _TELLING.intersection(before[-1:])
    if told or _REFUSING.intersection(before[-4:]):
        return False
    return hit.label == "start" or (hit.label == "start_at_end" and _FILLERS.issuperset(_words(sentence, hit.end)))


def _asks_about(sentence: Sentence) -> bool:
    first = sentence.words[0]
    return first in _OPEN or (sentence.question and first not in _TO_US)


def _words(sentence: Sentence, since: int) -> list[str]:
    return [word for word in sentence.words[since:] if word[0].isalnum()]
