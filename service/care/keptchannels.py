""" "E-mail me instead", "stop the texts, e-mails are ok": the channels that somebody who wants less would keep."""

from __future__ import annotations

from collections.abc import Sequence

from service.care.lifecycle import Channel
from service.care.ownwords import Sentence
from service.care.phrases import TURNS, Hit, Lexicon, word_set

_SETS = {
    Channel.EMAIL: "email emails emailing mail mails correo correos",
    Channel.SMS: "text texts texting sms message messages messaging texto textos textear mensaje mensajes",
}
_PREFERRING = (
    "{these} ~1 me|us ~2 instead|only",
    "{these} only|instead|solamente|nomas",
    "{these} ~1 instead of",
    "{these} ~1 en vez|lugar",
    "only|just|use|rather|solo|solamente|unicamente by|via|through|por|el|los? {these}",
    "prefer|preferred|prefiero|preferiria|mejor ~3 {these}",
)
_WELCOMING = (
    "{these} ~1 is|are|was|were|works|esta|estan ~1 fine|ok|okay|good|great|welcome|better|best|preferred|bien|mejor",
    "{these} ~1 fine|ok|okay|bien|si",
    "keep|continue|leave|sigan|siga|mantengan getting|receiving|sending|con? the|my|your|los|mis|sus? {these}",
    "check|read ~1 {these}",
    "send|manden|mandenme|mandeme|envien|envienme|envieme ~2 {these}",
)
_PREFERS, _WELCOMES = "prefers", "welcomes"
_LEXICON = Lexicon(
    {
        f"{how} {one}": [phrase.replace("{these}", f"{{{one}}}") for phrase in phrases]
        for how, phrases in ((_PREFERS, _PREFERRING), (_WELCOMES, _WELCOMING))
        for one in Channel
    },
    {one.value: words for one, words in _SETS.items()},
)
_NAMES = {one: word_set(words) for one, words in _SETS.items()}
_REFUSING = word_set(
    "no not dont never stop quit cease cancel end unsubscribe without than over of off from nor ni sin vez lugar "
    "paren dejen didnt doesnt"
)
_CALLS = word_set("call calls calling llame llamen llamar")
_JOINING = word_set("and or nor y o u ni")


_TELLING = word_set("you u they ya why still always")
""" "You keep sending texts": a complaint, no welcome."""


def kept(sentences: Sequence[Sentence]) -> frozenset[Channel]:
    """Those that are said to be welcome, or better than another that is named.

    E-mails may be preferred to nothing by name: there the texts are meant. "You text me only at night, stop" must not
    keep the texts.
    """
    words = {word for sentence in sentences for word in sentence.words}
    return frozenset(
        channel
        for channel, preferred in _said(sentences)
        if _others(channel) & words or (preferred and channel is Channel.EMAIL)
    )


def prefers_texts(sentences: Sequence[Sentence]) -> bool:
    """ "Don't call, just text"."""
    return (Channel.SMS, True) in _said(sentences)


def _said(sentences: Sequence[Sentence]) -> set[tuple[Channel, bool]]:
    """Every channel that is welcome, and whether it is preferred."""
    return {
        (Channel(channel), how == _PREFERS)
        for sentence in sentences
        for hit in _LEXICON.find(sentence.words)
        for how, channel in [hit.label.split()]
        if not _refused(hit, Channel(channel), how, sentence.words)
    }


def _others(channel: Channel) -> frozenset[str]:
    return frozenset().union(*(names for one, names in _NAMES.items() if one is not channel))


def _refused(hit: Hit, channel: Channel, how: str, words: Sequence[str]) -> bool:
    """ "Stop the emails only", "no texts or emails please"; in "no texts only emails" the no is about the other one."""
    if _REFUSING.intersection(words[hit.start : hit.end]) - {"instead", "of", "vez", "lugar"}:
        return True
    before = words[max(0, hit.start - 4) : hit.start]
    joined = bool(_JOINING.intersection(before[-1:]))
    if how == _WELCOMES and _TELLING.intersection(before[-1:]):
        return True
    for word in reversed(before):
        if word in TURNS or (word in _others(channel) | _CALLS and not joined):
            return False
        if word in _REFUSING:
            return True
    return False
