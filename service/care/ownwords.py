"""The patient's own words in a reply: without quoted history, signatures, disguises and decoration."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from service.care.phrases import word_set

EXAMINED = 6000
"""Characters looked at, from the start (a text has 1 600 at most); of a longer e-mail the last 2 000 are read too."""
_TAIL = 2000

_WROTE = re.compile(r"^\s*(on|el|le|am)\b.{0,300}\b(wrote|escribi[oó]|writes|schrieb)\s*:?\s*$", re.I)
_WROTE_BEGINS = re.compile(r"^\s*(on|el)\b.{6,200}(\d{4}|<|@)", re.I)
_ORIGINAL = re.compile(
    r"^\s*(-{2,}\s*(original|forwarded|mensaje|begin)[^\n]{0,40}-{2,}|_{10,}\s*$"
    r"|\*?(from|de)\s*:\*?\s.{0,200}@|begin forwarded message)",
    re.I,
)
_SIGNATURE = re.compile(
    r"^\s*(--\s*$|—\s*$|sent (from|via|with) (my|yahoo|mail|outlook|proton|gmail|samsung|the)\b"
    r"|enviado desde (mi|el|yahoo|mail|outlook|gmail)\b|get outlook for|obtener outlook)",
    re.I,
)
_TAPBACK = re.compile(
    r"^(?:\W*(?:liked|loved|disliked|laughed at|emphasi[sz]ed|questioned|reacted\b.{0,40}?\bto|removed\b.{0,40}?\bfrom"
    r"|(?:no )?(?:le|te|me) (?:gusta|gust[oó])|(?:le|te|me) encant(?:a|[oó])|le d(?:io|a) risa|se ri[oó] de"
    r"|destac[oó]|enfatiz[oó]|cuestion[oó]|(?:has )?reaccion(?:[oó]|aste|ado)\b.{0,40}?\ba|quit[oó]\b.{0,40}?\bde)"
    r"|[^\w“\"«]{0,15}[^\w\s“\"«.,:;!?¿¡()…-][^\w“\"«]{0,15}(?:to|a|para))"
    r"[^\w“\"«]{0,9}(?:“[^“”]+”|\"[^\"]+\"|«[^«»]+»)\W*$",
    re.I,
)
"""A phone's way to say that a text was liked ("Le encanta “…”", "👍 to “…”"): it ends with the quotation."""
_LONGEST_TAPBACK = 4000
STOP_LINES = (("stop", "to", "end"), ("stop", ":", "fin"))
"""How our own texts say it at their end, as words. Quoted after other words it is nobody's wish."""
_SIGNS = {
    "🛑": " stop ",
    "⛔": " nostop ",
    "🚫": " nostop ",
    "👍": " thumbsup ",
    "👎": " thumbsdown ",
    "✅": " thumbsup ",
    "🆘": " sos ",
    "🔟": " 10 ",
    "’": "'",
    "‘": "'",
    "´": "'",
    "`": "'",
    "ʼ": "'",
    "…": ". ",
    "¿": " ",
    "¡": " ",
    "—": ", ",
    "–": "-",
    "&": " and ",
    "#": " number ",
    "°": " degrees ",
    "º": " degrees ",
    "½": ".5",
    "\u2028": "\n",
    "\u2029": "\n",
    "\r": "\n",
}
_SIGN = re.compile("|".join(map(re.escape, _SIGNS)))
_TOKEN = re.compile(r"\d+(?:[.,:/]\d+)*|[a-z]+(?:'+[a-z]+)*|[,:;.!?\n]")
_REPEATED = re.compile(r"([a-z])\1{2,}")
_ZERO_FOR_O = re.compile(r"(?<=[a-z])0(?=[a-z])")
_WRAPPED_AT = 55
"""A line at least this long without a full stop is a line that a mail program broke, not a sentence."""

_SHORT = {
    "u": "you", "ur": "your", "pls": "please", "plz": "please", "plse": "please", "pleas": "please", "txt": "text",
    "txts": "texts", "stpo": "stop", "sotp": "stop", "stp": "stop", "stopp": "stop", "stiop": "stop", "srop": "stop",
    "tsop": "stop", "stpp": "stop", "sstop": "stop", "stahp": "stop", "txting": "texting",
    "txtin": "texting", "txted": "texted", "msg": "message", "msgs": "messages", "mssg": "message", "msj": "mensaje",
    "msjs": "mensajes", "mjs": "mensajes", "cannot": "cant", "cnt": "cant", "cantt": "cant", "dnt": "dont",
    "doesn": "doesnt", "gonna": "going", "wanna": "want", "q": "que", "k": "que", "xq": "porque", "pq": "porque",
    "porq": "porque", "x": "por", "porfa": "porfavor", "porfis": "porfavor", "xfa": "porfavor", "xfavor": "porfavor",
    "thx": "thanks", "ty": "thanks",
    "tx": "thanks", "thnx": "thanks", "tks": "thanks", "b4": "before", "r": "are", "bc": "because", "cuz": "because",
    "cus": "because", "coz": "because", "numer": "number", "pian": "pain", "pians": "pains", "tounge": "tongue",
    "caff": "calf", "cheast": "chest", "hedache": "headache", "n": "and", "appt": "appointment",
    "appts": "appointments", "dr": "doctor", "grax": "gracias", "ningun": "ninguna", "ningunas": "ninguna",
    "ningunos": "ninguna", "ninguno": "ninguna", "dificulty": "difficulty", "toy": "estoy",
    "ain": "aint", "wouldn": "wouldnt", "couldn": "couldnt", "temps": "temp", "tempature": "temperature",
    "temperture": "temperature", "abt": "about", "rn": "now", "tmrw": "tomorrow", "yall": "you", "ppl": "people",
    "kiero": "quiero", "kieren": "quieren", "mor": "more", "numbr": "number", "nmber": "number", "tex": "text",
    "mesages": "messages", "mensages": "mensajes", "mensage": "mensaje", "msges": "messages",
}  # fmt: skip
_NEGATED = {
    "do": "dont", "does": "doesnt", "did": "didnt", "is": "isnt", "are": "arent", "was": "wasnt", "were": "werent",
    "have": "havent", "has": "hasnt", "had": "hadnt", "will": "wont", "would": "wouldnt", "can": "cant",
    "could": "couldnt", "should": "shouldnt",
}  # fmt: skip
_CONTRACTED = frozenset({*_NEGATED.values(), "aint"})
_CLITICS = frozenset({"me", "se", "lo", "la", "le", "te", "nos", "los", "las", "les"})
_CAN = word_set("puedo puede pueden pude pudo podia podemos podido logro logra consigo podria alcanzo")


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence as plain words (lower case, no accents, no apostrophes) with its commas and colons."""

    words: tuple[str, ...]
    question: bool = False


def own_text(body: str) -> str:
    """What the writer of `body` wrote, trimmed: no quoted message, no signature, no tapback's copy of our own text."""
    body = body.replace("\r\n", "\n").replace("\r", "\n")
    if len(body) > EXAMINED * 4:
        body = body[: EXAMINED * 3] + "\n" + body[-EXAMINED:]
    if len(body) < _LONGEST_TAPBACK and _TAPBACK.match(body):
        return ""
    kept: list[str] = []
    lines = body.split("\n")
    at = 0
    while at < len(lines):
        line = lines[at]
        if line.lstrip().startswith((">", "|>")):
            at += 1
        elif header := _history_header(lines, at):
            at += header
            rest = next((later for later in lines[at:] if later.strip()), "")
            if not rest.lstrip().startswith(">"):
                break  # an unmarked quotation: nothing tells where it would end
        elif _ORIGINAL.match(line) or (_SIGNATURE.match(line) and any(map(str.strip, kept))):
            # Below a signature there may still be history, but never the reply itself.
            break
        else:
            if not _SIGNATURE.match(line):
                kept.append(line)
            at += 1
    text = "\n".join(kept).strip()
    return text if len(text) <= EXAMINED + _TAIL else f"{text[:EXAMINED]}\n{text[-_TAIL:]}"


def _history_header(lines: list[str], at: int) -> int:
    """How many lines an "On … wrote:" takes from `at`; 0 when there is none. Mail programs wrap it over up to three."""
    if not _WROTE_BEGINS.match(lines[at][:400]) and not _WROTE.match(lines[at][:400]):
        return 0
    for taken in (1, 2, 3):
        if _WROTE.match(" ".join(lines[at : at + taken])[:500]):
            return taken
    return 0


def plain(text: str) -> str:
    """`text` in lower case Latin letters: compatibility forms unfolded, accents, invisible characters and drawn-out
    letters gone, and the few signs that carry meaning spelled out."""
    text = _SIGN.sub(lambda sign: _SIGNS[sign[0]], text)
    letters = []
    for char in unicodedata.normalize("NFKD", text):
        kind = unicodedata.category(char)
        if kind in ("Mn", "Me", "Cf", "Cs", "Co", "Cn"):
            continue
        letters.append(" " if kind == "Zs" else char)
    text = _SIGN.sub(lambda sign: _SIGNS[sign[0]], "".join(letters)).lower()
    return _ZERO_FOR_O.sub("o", _REPEATED.sub(r"\1", text))


def sentences(text: str) -> list[Sentence]:
    """The sentences of `text` (as `own_text` gives it), in order; none is empty."""
    found: list[Sentence] = []
    current: list[str] = []

    def close(question: bool = False) -> None:
        words = _joined([_SHORT.get(word, word) for word in current])
        if any(word[0].isalnum() for word in words):
            found.append(Sentence(tuple(words), question))
        current.clear()

    for line in plain(text).split("\n"):
        for piece in _TOKEN.findall(line):
            if piece in ".!?;":
                close(piece == "?")
            elif piece in ",:":
                current.append(piece)
            else:
                current.append(piece.replace("'", ""))
        if len(line) < _WRAPPED_AT:
            close()
    close()
    return found


def _joined(words: list[str]) -> list[str]:
    """Negations as one word: "do not" → "dont", "not able to" → "cant", "no me puedo" → "nopuedo"."""
    out: list[str] = []
    for word in words:
        before = out[-1] if out else ""
        if word == "not" and before in _NEGATED:
            out[-1] = _NEGATED[before]
        elif word == "t" and f"{before}t" in _CONTRACTED:
            out[-1] = f"{before}t"
        elif word == "able" and (before == "not" or before in ("isnt", "arent", "wasnt", "aint", "havent", "hasnt")):
            out[-1] = "cant"
        elif word == "been" and before in ("havent", "hasnt"):
            continue
        elif word == "poder" and before == "sin":
            out[-1] = "nopuedo"
        elif word == "unable":
            out.append("cant")
        elif word == "to" and before == "cant":
            continue
        elif word in _CAN and before == "no":
            out[-1] = "nopuedo"
        elif word in _CAN and before in _CLITICS and len(out) > 1 and out[-2] == "no":
            out.pop()
            out[-1] = "nopuedo"
        elif word in ("subscribe", "subscribed") and before == "un":
            out[-1] = f"un{word}"
        elif word == "self" and before == "my":
            out[-1] = "myself"
        elif word == "mail" and before == "e":
            out[-1] = "email"
        elif word == "mails" and before == "e":
            out[-1] = "emails"
        elif word == "favor" and before == "por":
            out[-1] = "porfavor"
        else:
            out.append(word)
    return out
