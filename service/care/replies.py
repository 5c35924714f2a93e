"""What a patient's free-text reply means: SMS or e-mail, in English, Spanish or both."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from service.care import optout, redflags
from service.care.optout import StopScope
from service.care.ownwords import Sentence, own_text, sentences
from service.care.phrases import word_set
from service.care.redflags import RedFlag
from service.care.said_scores import out_of_ten, read_score


class Meaning(StrEnum):
    """What a reply is above all, the first that fits. The other fields of `Reading` hold whatever else it says."""

    EMPTY = "empty"
    """Nothing in the patient's own words: blank, a picture, quoted history only, or a phone's "Liked …"."""
    RED_FLAG = "red_flag"
    """A warning sign; a request to stop may be there too (`Reading.stop`)."""
    STOP = "stop"
    START = "start"
    HELP = "help"
    ACK = "ack"
    """For clinicians: somebody takes an alert."""
    NUMBER = "number"
    YES = "yes"
    NO = "no"
    COURTESY = "courtesy"
    """Thanks and the like: nothing to answer."""
    WORDS = "words"


@dataclass(frozen=True, slots=True)
class Reading:
    """A reply, read. Holds health information and free text: never log it."""

    meaning: Meaning
    stop: bool
    stop_certain: bool
    """False while `stop`: ambiguous; suppress all the same, and let a person look."""
    stop_scope: StopScope | None
    stop_calls: bool
    """The stop is no more than "do not call": asked whether they want a call, that is an answer."""
    provider_keyword: bool
    """The whole body is a keyword that Twilio answers itself: do not confirm twice."""
    start: bool
    """Asked for messages again. Never from a "yes", though Twilio takes it so."""
    help: bool
    ack: bool
    ack_code: str | None
    """The alert's code, of "ack 1234"."""
    number: int | None
    """A pain score, 0 to 10."""
    number_unsure: bool
    """Two scores or a fraction were given; `number` is the higher."""
    number_least: int | None
    """The lower of two, else `number`."""
    said_pain: int | None
    """A score that is said to be pain's ("pain 9"), whatever was asked; of two the lower."""
    yes_no: bool | None
    red_flags: tuple[RedFlag, ...]
    """Most urgent first."""
    asked_about: tuple[RedFlag, ...]
    """Named only as something that might come ("what if I get a fever?"): for a reader, not for an alarm."""
    words: str
    """The patient's own words, without quoted history and signature."""
    language: str | None
    """"en", "es", or None when the words do not tell."""


_HELP = frozenset({"help", "info", "ayuda", "information", "informacion", "help info"})
_ACK = frozenset(
    {
        "ack",
        "acknowledge",
        "acknowledged",
        "got it",
        "received",
        "recibido",
        "enterado",
        "enterada",
        "acked",
        "akc",
        "acknowledging",
    }
)
_ACK_CODE = re.compile(r"(?:ack|acknowledged?)\W{0,3}\s*#?\s*([a-z]{0,4}-?\d{1,10})\W*(?:on it|thanks)?\W*", re.I)
_YES = word_set(
    "yes y yeah yep yup ye yea si sip claro sure ok okay thumbsup yess correct affirmative definitely absolutely "
    "simon dale"
)
_NO = word_set("no n nope nah nop nel none thumbsdown negative noo")
_COURTESY = word_set(
    "thanks thank you thankyou so much gracias muchas ok okay hello hi hola good morning night buenos dias buenas "
    "tardes great perfect welcome appreciate it very a lot doctor all the best bendiciones god bless see bye "
    "saludos perfecto bien muy mil amable cool awesome your team to for de nada y and alright"
)
_POLITE = word_set(
    "please thanks thank you porfavor gracias ma'am maam sir doctor señor senor now hi hello hola very much senorita"
)
_SPANISH = word_set(
    "el la los las un una que de en no me mi mis es esta estoy tengo tiene con por para pero muy mas del al se lo "
    "le ya hay siento duele dolor fiebre gracias hola porfavor si hoy nopuedo cuando como desde anoche ayer "
    "mensajes quiero alto baja parar cancelar ayuda siete seis cinco cuatro tres ocho nueve diez uno dos cero y "
    "sin claro nada todo bien mal estan"
)
_ENGLISH = word_set(
    "the i my is it and to of in have has a an this that im cant dont with for on you your was are not but so at "
    "please thanks yes pain hurts stop texts text help what when me am be from how no feel feeling seven six five "
    "four three eight nine ten one two zero today hello hi good got fever off all can do leave wrong number more "
    "unsubscribe alone"
)


def read(body: str) -> Reading:
    """What `body` means. Never raises; of long mail it reads the patient's first 6 000 and last 2 000 characters."""
    text = own_text(body)
    written = sentences(out_of_ten(text))
    spelt = redflags.respell(written)
    words = [word for sentence in written for word in sentence.words if word[0].isalnum()]
    flags = redflags.find(spelt)
    wish = optout.read_wish(text, spelt)
    if not wish.stop:
        # the speller may mend a slip into something else; as written counts as well
        wish = optout.read_wish(text, written) if optout.read_wish(text, written).stop else wish
    helped = _without(words, _POLITE) in _HELP
    code = _ACK_CODE.fullmatch(text.strip()[:60])
    ack = code is not None or _is_ack(words)
    score = None if wish.stop or code else read_score([sentence.words for sentence in spelt])
    yes_no = _yes_no(written)
    reading = Reading(
        meaning=Meaning.WORDS,
        stop=wish.stop,
        stop_certain=wish.certain,
        stop_scope=wish.scope,
        stop_calls=wish.calls,
        provider_keyword=optout.is_provider_keyword(text) and text.strip() == body.strip(),
        start=wish.start,
        help=helped,
        ack=ack,
        ack_code=code[1] if code else None,
        number=score.value if score else None,
        number_unsure=bool(score and score.unsure),
        number_least=score.least if score else None,
        said_pain=flags.pain,
        yes_no=yes_no,
        red_flags=flags.reported,
        asked_about=flags.asked,
        words=text,
        language=_language(text, spelt),
    )
    return _with_meaning(reading, words)


def _with_meaning(reading: Reading, words: Sequence[str]) -> Reading:
    bare = all(word in _YES | _NO | _POLITE for word in words)
    order = (
        (not reading.words, Meaning.EMPTY),
        (bool(reading.red_flags), Meaning.RED_FLAG),
        (reading.stop, Meaning.STOP),
        (reading.start, Meaning.START),
        (reading.help, Meaning.HELP),
        (reading.ack, Meaning.ACK),
        (reading.number is not None, Meaning.NUMBER),
        (reading.yes_no is True and bare, Meaning.YES),
        (reading.yes_no is False and bare, Meaning.NO),
        (bool(words) and all(word in _COURTESY for word in words), Meaning.COURTESY),
    )
    meaning = next((meaning for applies, meaning in order if applies), Meaning.WORDS)
    return replace(reading, meaning=meaning)


def _without(words: Sequence[str], dropped: frozenset[str]) -> str:
    return " ".join(word for word in words if word not in dropped)


def _is_ack(words: Sequence[str]) -> bool:
    return (
        bool(words)
        and len(words) <= 6
        and (_without(words, _POLITE) in _ACK or words[0] in ("ack", "acknowledged", "acked"))
    )


def _yes_no(written: Sequence[Sentence]) -> bool | None:
    """The answer of a reply that is or begins with one: "yes", "No, not today". "No fever" is none."""
    if not written:
        return None
    words = written[0].words
    alone = len(words) == 1 or words[1] == ","
    alone = alone or all(word in _YES | _NO | _POLITE for word in words)
    if not alone:
        return None
    if words[0] in _YES:
        return True
    return False if words[0] in _NO else None


def _language(text: str, spelt: Sequence[Sentence]) -> str | None:
    if not any(char.isalpha() for char in text):
        return None  # a sign that was spelled out has no language
    words = [word for sentence in spelt for word in sentence.words]
    spanish = sum(word in _SPANISH for word in words)
    english = sum(word in _ENGLISH for word in words)
    if spanish == english:
        return None
    return "es" if spanish > english else "en"
