"""Whether a symptom belongs to another time or another person: "had a fever last year", "my kid has a fever".

Only the symptom's own clause can say so, or a neighbour that says nothing but when: "can't breathe, had a clot in 2019"
and "my son is driving, chest pain" are about now and about the writer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from service.care.phrases import TURNS, Hit, Lexicon, word_set

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
_BACK_AGAIN = word_set("again now today still back since same hoy ahora desde worse peor tonight but")
_NOT_SINCE = Lexicon(
    {
        "past": (
            "nothing|not|none|never|nada|no ~1 since|now|hoy|ahora|desde",
            "fine|ok|okay|good|normal|bien since|now|today|ahora|hoy",
            "ahora|hoy nada|no|bien",
            "ya|que no",
        )
    }
)
_ONLY_TURNING = word_set("now but since hoy ahora today desde")
"""What `_NOT_SINCE` takes back: "years ago but nothing since" is past, "years ago and again now" is not."""
_ONLY_WHEN = word_set(
    "a about around an it this that happened was were in on of the like just only maybe back couple few several "
    "after during over esto eso fue paso como unos unas durante en el"
)
_UNLIKE_NOW = word_set("wasnt didnt werent hadnt havent never not no could normal fine ok okay nunca sin podia bien")
"""Beside "before the shot" these say that it is otherwise now."""
_HAS_NOW = word_set("tengo siento duele duelen estoy esta ando traigo sigo llevo falta cuesta nopuedo")
_TELLER = word_set(
    "i im ive we he she they who you also that have has never not ya no nunca yo que la lo me se , and y"
)
_ANEW = word_set(
    "i im ive me my it its this that theres there he she they we is isnt are was wasnt cant couldnt have has havent "
    "didnt dont now then today tonight hoy ahora tengo estoy siento ando mi se nopuedo no"
)
"""Near an "and", one of these makes what follows a clause of its own; without, it is one more on a list."""
_THEY = word_set("he hes she shes they theyre el ella tiene")
_SAYS = word_set("says say said thinks think told tells dice dijo cree piensa")
_CHILDS = Lexicon(
    {
        "child": (
            "my ~1 kid|kids|son|daughter|baby|toddler|grandson|granddaughter|dog|cat|child|children|grandkids|"
            "niece|nephew|puppy "
            "~3 has|have|had|is|got|with|running|came|was|are|passed|fainted|collapsed|broke|throwing|woke",
            "mi|mis ~1 hijo|hija|hijos|nieto|nieta|bebe|perro|gato|nino|nina|sobrino|sobrina|perra ~3 tiene|"
            "tienen|tuvo|esta|con|estan|"
            "amanecio|anda|se",
        )
    }
)
_YEAR = re.compile(r"(19|20)\d\d")
_FIRST_PERSON = word_set("i im ive me tengo estoy siento yo mine shot shots injection treatment inyeccion tratamiento")


def long_ago(hit: Hit, words: Sequence[str]) -> bool:
    """Of an earlier time, and nothing says that it is back."""
    return any(_tells_when(past, hit, words) for past in _pasts(words)) and not _again(words)


def about_a_child(hit: Hit, words: Sequence[str]) -> bool:
    """A child's, or an animal's: of grown-ups anybody may write for the patient."""
    clauses = _clauses(words)
    own = _own(clauses, hit)
    before = words[clauses[own][0] : hit.end]
    if _FIRST_PERSON.intersection(before):
        return False
    if own and before[0] in _THEY and not _SAYS.intersection(before):
        earlier = words[slice(*clauses[own - 1])]
        return bool(_CHILDS.find(earlier)) and not _FIRST_PERSON.intersection(earlier)
    return bool(_CHILDS.find(before))


def _pasts(words: Sequence[str]) -> list[Hit]:
    years = [
        Hit("past", at, at + 2, ())
        for at, (word, year) in enumerate(pairwise(words))
        if word in ("in", "en", "since") and _YEAR.fullmatch(year)
    ]
    return [*_LONG_AGO.find(words), *years]


def _tells_when(past: Hit, hit: Hit, words: Sequence[str]) -> bool:
    clauses = _clauses(words)
    own, theirs = _own(clauses, hit), _own(clauses, past)
    first, last = clauses[theirs]
    if own != theirs:
        rest = (*words[first : past.start], *words[past.end : last])
        return abs(own - theirs) == 1 and _ONLY_WHEN.issuperset(rest) and not _as_of_now(past, hit, words)
    if _as_of_now(past, hit, words):
        return False
    between = range(hit.end, max(hit.end, past.start))
    # "a fever like I had as a kid"; "trouble breathing had pneumonia last winter", where a comma was not written
    return not any(
        words[at] in ("like", "como") or (words[at] in ("had", "tuve") and words[at - 1] not in _TELLER)
        for at in between
    )


def _as_of_now(past: Hit, hit: Hit, words: Sequence[str]) -> bool:
    """ "It wasn't numb before the shot", "tengo dolor hace un mes": said of the past, and true now."""
    around = (*words[: hit.start], *words[hit.end :])
    if words[past.start] in ("before", "antes"):
        return bool(_UNLIKE_NOW.intersection(around))
    return words[past.start] == "hace" and past.start > hit.start and bool(_HAS_NOW.intersection(words[: hit.end]))


def _again(words: Sequence[str]) -> bool:
    if {("otra", "vez"), ("de", "nuevo")}.intersection(pairwise(words)):
        return True
    again = _BACK_AGAIN.intersection(words)
    return bool(again - _ONLY_TURNING if _NOT_SINCE.find(words) else again)


def _clauses(words: Sequence[str]) -> list[tuple[int, int]]:
    """Begin and end of every clause: at a comma, a "but", a "because", and an "and" that is no list's."""
    edges = [at for at, word in enumerate(words) if word in TURNS or _parts(words, at)]
    return [(begin + 1, end) for begin, end in pairwise([-1, *edges, len(words)])]


def _parts(words: Sequence[str], at: int) -> bool:
    if words[at] in ("because", "porque"):
        return True
    return words[at] in ("and", "y") and bool(_ANEW.intersection(words[at + 1 : at + 4]))


def _own(clauses: Sequence[tuple[int, int]], hit: Hit) -> int:
    return next(at for at, (_, end) in enumerate(clauses) if hit.start <= end)
