"""What a text says in answer to the question that was just asked, if it is an answer at all.

The rule throughout: when a reply can be read in two ways it is not an answer. Asking again costs a text; a wrong score
misleads a clinician. Signs lean the other way: a reply that may mean "yes" is heard as one (see `Reply.maybe_sign`).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from service.care.surveys import NONE, Kind, Measure, Option, Question


@dataclass(frozen=True, slots=True)
class Reply:
    """A text, read as an answer to one question."""

    raw: object = None
    """For `surveys.validate`; None: not an answer."""
    words: str | None = None
    """The whole text where it says more than the answer."""
    skip: bool = False
    """The patient would rather not name an activity."""
    maybe_sign: bool = False
    """To a list of signs: not an answer, and yet not "none"."""


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_NUMBERS = {
    word: number
    for number, words in enumerate(
        ["zero cero", "one uno", "two dos", "three tres", "four cuatro", "five cinco", "six seis", "seven siete",
         "eight ocho", "nine nueve", "ten diez"]
    )
    for word in words.split()
}  # fmt: skip
_FILLERS = _set(
    "a about am an approx approximately around at be good hello hey hi i id im is it its just level like m maybe "
    "morning my number now of only pain probably roughly s say still the think today would "
    "ahora aun buenas buenos casi como creo de dia dias diria dolor el en es estoy hola hoy la las los mas me menos mi "
    "nivel numero o que sera tardes tengo todavia un una unas unos yo"
)
_POLITE = _set("thanks thank you please so much much ty ok okay gracias muchas por favor xx")
# A number before one of these counts something else than the answer.
_UNITS = _set(
    "am pm oclock min mins minute minutes h hr hrs hour hours day days week weeks month months time times x mg ml pill "
    "pills tablet tablets degree degrees f c st nd rd th percent more "
    "hora horas minuto minutos dia dias semana semanas mes meses vez veces pastilla pastillas grado grados"
)
_YES = _set("yes y yeah yep yup ya sure si s claro sip")
_NO = _set("no n nope nah")
_NO_TAIL = _POLITE | _set(
    "not i im am m is it its all at the need needed none good fine well can cant t cannot move a call "
    "estoy bien puedo lo necesito todo muy nada hace falta moverme mover "
    "dont do me llamen llame llamar llamada"
)
_RATHER = _set("text message just only instead you texto mensaje mejor")
"""No call, but a text."""
_NO_CALL = re.compile(r"(please )?(dont|do not) call\b")
_NO_BUT_UNSURE = re.compile(r"no (lo )?(se|idea|clue|estoy seguro|estoy segura|sure|opinion)\b")
_NONE_WORDS = _set("none no nope nothing neither n ninguna ninguno nada nah")
_NONE_TAIL = _POLITE | _set("of these those them the above all good de estas estos esas esos eso esto todo bien")
_NO_PAIN = {"none", "no pain", "nothing", "no pain at all", "nada", "nada de dolor", "sin dolor", "ninguno", "no dolor"}
_SKIP = _set("skip no none nothing nope nada ninguna ninguno pasar 0")
_OUT_OF_TEN = re.compile(r"\b(\d{1,2})\s*(?:/|out of|of|de|sobre)\s*(?:10|ten|diez)\b")
_TOKEN = re.compile(r"\d+|[^\W\d_]+|%")


def read(question: Question, options: tuple[Option, ...], language: str, text: str) -> Reply:
    """Read `text` as the answer to `question`, whose prompt numbered `options` from 1."""
    plain = _plain(text)
    match question.kind:
        case Kind.SCALE:
            if question.measure in (Measure.NRS, Measure.PEG_PAIN) and plain.strip(" .!") in _NO_PAIN:
                return Reply(raw=0)
            return _numbered(plain, text, 0, 10)
        case Kind.CHOICE:
            return _choice(options, language, plain, text)
        case Kind.YES_NO:
            return _yes_no(plain, text)
        case Kind.WORDS:
            return _own_words(plain, text)
        case Kind.SIGNS | Kind.CHECKLIST:
            return _listed(question, options, language, plain, text)


def _plain(text: str) -> str:
    """Small letters without accents; keycap and full-width digits become digits."""
    decomposed = unicodedata.normalize("NFKD", text)
    kept = "".join(c for c in decomposed if not unicodedata.combining(c) and c not in "\ufe0f\u20e3\u200d'’")
    return " ".join(kept.casefold().split())


def _number(plain: str, low: int, high: int) -> tuple[int, bool] | None:
    """The one number that the text gives, and whether more words follow it."""
    plain = _OUT_OF_TEN.sub(r"\1", plain)
    # Decimals, negatives, ordinals, times of day, ranges and telephone numbers are not scores.
    if re.search(r"\d[.,:/-]\d|-\d|\d[^\W\d_]|[^\W\d_]\d", plain):
        return None
    tokens = _TOKEN.findall(plain)
    while tokens and tokens[0] in _FILLERS:
        tokens.pop(0)
    if not tokens:
        return None
    first, rest = tokens[0], tokens[1:]
    more = [token for token in rest if token not in _POLITE]
    if first in _NUMBERS and not more:
        number = _NUMBERS[first]
    elif first.isascii() and first.isdigit() and len(first) <= 2:
        number = int(first)
    else:
        return None
    if any(token.isdigit() or token in _NUMBERS for token in rest) or (rest and (rest[0] in _UNITS or rest[0] == "%")):
        return None
    return (number, bool(more)) if low <= number <= high else None


def _numbered(plain: str, text: str, low: int, high: int) -> Reply:
    found = _number(plain, low, high)
    if found is None:
        return Reply()
    number, more = found
    return Reply(raw=number, words=text.strip() if more else None)


def _choice(options: tuple[Option, ...], language: str, plain: str, text: str) -> Reply:
    named = [option for option in options if _named(option, language, plain)]
    if len(named) == 1:
        return Reply(raw=named[0].id)
    reply = _numbered(plain, text, 1, len(options))
    if isinstance(reply.raw, int):
        return Reply(raw=options[reply.raw - 1].id, words=reply.words)
    return reply


def _named(option: Option, language: str, plain: str) -> bool:
    said = " ".join(_TOKEN.findall(plain))
    names = (option.words[language], option.sms.get(language, ""))
    return bool(said) and said in {" ".join(_TOKEN.findall(_plain(name))) for name in names}


def _yes_no(plain: str, text: str) -> Reply:
    tokens = _TOKEN.findall(plain)
    if not tokens or _NO_BUT_UNSURE.match(" ".join(tokens)):
        return Reply()
    first, rest = tokens[0], [token for token in tokens[1:] if token not in _POLITE]
    if first in _YES and not _NO & set(rest):
        return Reply(raw=True, words=text.strip() if rest else None)
    # After "no" only harmless words may follow, which say no more than it: "no problem, call me" is no refusal.
    if (first in _NO or _NO_CALL.match(" ".join(tokens))) and set(rest) <= _NO_TAIL | _RATHER | _NO:
        return Reply(raw=False, words=None if set(rest) <= _NO_TAIL | _NO else text.strip())
    return Reply()


def _own_words(plain: str, text: str) -> Reply:
    tokens = [token for token in _TOKEN.findall(plain) if token not in _POLITE]
    if tokens and set(tokens) <= _SKIP:
        return Reply(skip=True)
    enough = sum(len(token) for token in tokens if token.isalpha()) >= 3
    return Reply(raw=text) if enough else Reply()


def _listed(question: Question, options: tuple[Option, ...], language: str, plain: str, text: str) -> Reply:
    tokens = [token for token in _TOKEN.findall(plain) if token not in _POLITE]
    named = [option.id for option in options if _named(option, language, plain)]
    if named:
        return Reply(raw=named)
    if any(token in _NONE_WORDS for token in tokens) and set(tokens) <= _NONE_WORDS | _NONE_TAIL | {"0"}:
        return Reply(raw=[NONE])
    chosen, rest = _leading_choices(tokens, len(options))
    told = any(token.isdigit() and token.strip("0") for token in tokens) or (bool(tokens) and tokens[0] in _YES)
    number_of_something = bool(rest) and (rest[0] in _UNITS or rest[0] == "%")
    more_digits = any(token.isdigit() for token in rest)
    if not chosen or number_of_something or more_digits or re.search(r"\d[.,:/]\d", plain.replace(", ", " ")):
        return _unclear_list(question, plain, chosen, rest, text, options, told)
    return _chosen(chosen, rest, options, text)


def _unclear_list(
    question: Question,
    plain: str,
    chosen: list[int],
    rest: list[str],
    text: str,
    options: tuple[Option, ...],
    told: bool,
) -> Reply:
    """ "1,3" without a blank is a list like any other; everything else that comes here is not an answer."""
    if chosen and not rest and re.fullmatch(r"\d([,/]\s?\d)*[.!]?", plain):
        return _chosen(chosen, rest, options, text)
    return Reply(maybe_sign=told and question.kind is Kind.SIGNS)


def _chosen(chosen: list[int], rest: list[str], options: tuple[Option, ...], text: str) -> Reply:
    ids = [options[number - 1].id for number in chosen if number] or [NONE]
    # "0 but my skin is hot" is not "none": let it be asked again, with the words kept.
    if ids == [NONE] and rest:
        return Reply()
    return Reply(raw=ids, words=text.strip() if rest else None)


def _leading_choices(tokens: list[str], most: int) -> tuple[list[int], list[str]]:
    """The numbers (or letters) at the head of the text, and what follows. Runs such as "38" are not two choices."""
    letters = "abcdefghi"[:most]
    if tokens and all(token in letters or token in ("and", "y", "&") for token in tokens) and tokens[0] in letters:
        return [letters.index(token) + 1 for token in tokens if len(token) == 1 and token in letters], []
    chosen: list[int] = []
    for place, token in enumerate(tokens):
        if len(token) == 1 and token.isascii() and token.isdigit() and int(token) <= most:
            chosen.append(int(token))
        elif not (chosen and token in ("and", "y", "e") and place + 1 < len(tokens) and tokens[place + 1].isdigit()):
            return chosen, tokens[place:]
    return chosen, []
