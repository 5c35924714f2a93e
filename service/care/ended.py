"""Whether a symptom is over: "the fever is gone", "it was awful, much better now"."""

from __future__ import annotations

from collections.abc import Sequence

from service.care.denials import READ_THROUGH
from service.care.ownwords import Sentence
from service.care.phrases import TURNS, Hit, Lexicon, word_set

_GONE = Lexicon(
    {
        "gone": (
            "gone|resolved|disappeared|subsided|cleared|vanished|broke|stopped|ended|faded",
            "is|are|its|has|have|finally over|passed",
            "wore|worn|wears|wearing off",
            "barely there|noticeable|noticed",
            "went|goes|going|gone away|down",
            "back to normal",
            "came|come down",
            "has cleared|resolved|subsided",
            "se me? fue|quito|paso|desaparecio|bajo|ha",
            "ya no",
            "desaparecio|desaparecido|cedio|resuelto|paso|quito",
            "free",
            "none|negative|nope|nada|ninguna|negativo|nil",
        )
    }
)
_EASED = Lexicon(
    {
        "eased": (
            "normal",
            "is|all|much|lot|way|so|feels|feeling|looks|looking|getting|got|improved|has better|improving|"
            "improved|decreasing|less",
            "improved|improving|fading|clearing|decreasing",
            "mejoro|mejorado|mejorando|bajo|bajando",
            "esta|va mucho? mejor|mejorando|bajando",
        )
    }
)
"""What is better may still be there: of an emergency that ends nothing."""
_RETURNED = Lexicon(
    {
        "back": (
            "came|come|comes|coming|is|its|was|then|now|just|crept|and|but|right back",
            "back up|again|worse|at|tonight|today|now",
            "returned|returns|returning|reappeared|flared",
            "started|starts|starting|start|happened|happening|happens|got|it|there|again ~1 again",
            "not|isnt|hasnt|wasnt ~1 gone|completely|fully|totally|entirely|all|away",
            "still ~1 there|here|bad|have|having|happening|comes|present|hard|lingering|got",
            "volvio|vuelve|volvieron|vuelven|regreso|regresa|regresaron|reaparecio",
            "tengo|empezo|comenzo|salio|subio|duele|siento|estoy ~2 otra|nuevo",
            "sigue|siguen ahi|igual|mal",
        )
    }
)
_SOMEBODY = word_set("i im ive we you he she")
_STAYS_AWAY = word_set("not hasnt havent didnt never no wont isnt")
_BODY = word_set(
    "arm arms leg legs foot feet toe toes hand hands finger fingers hip knee thigh calf shin ankle elbow wrist "
    "shoulder neck spine throat chest body pierna brazo pie mano"
)
_RESTS_ON = word_set("in on at around")
_COMES_AND_GOES = word_set("goes comes stops ends wears eases subsides quita va pasa")
_EVERY_TIME = word_set("when whenever if while with after as once cuando si al con")
_GOES_ON = {
    "ended": word_set("up"),
    "stopped": word_set("me us working moving responding listening by"),
    "gone": word_set("numb limp dead cold weak to up"),
    "broke": word_set("out through"),
}
"""Words that make another thing of a word of relief: "ended up in my arm", "gone numb"."""
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


def over(hit: Hit, words: Sequence[str], after: Sentence | None, *, emergency: bool = False) -> bool:
    """Gone, and not back again. `emergency`: to be better is not enough."""
    rest: list[str] = []
    for word in words[hit.end : hit.end + 9]:
        if word in TURNS or word in ("and", "y"):
            break
        rest.append(word)
    for found in [*_GONE.find(rest), *([] if emergency else _EASED.find(rest))]:
        if found.start <= 5 and not _UNDONE.intersection(rest[: found.end]) and not _goes_on(rest, found):
            later = words[hit.end + found.end - 1 :]
            return not _other_subject(rest[: found.start]) and not _returned(later, after)
    for found in _ENDED_BEFORE.find(words[max(0, hit.start - 7) : hit.start]):
        begins = max(0, hit.start - 7) + found.start
        ends = max(0, hit.start - 7) + found.end
        between = words[ends : hit.start]
        if all(word in READ_THROUGH for word in between) and "," not in between:
            undone = _UNDONE.intersection(words[max(0, begins - 2) : begins])
            return not undone and not _returned(words[hit.end :], after)
    return False


def _goes_on(rest: Sequence[str], found: Hit) -> bool:
    """ "Went down my leg" is a way, and "goes away when I rest" is every time."""
    last, following = rest[found.end - 1], rest[found.end : found.end + 4]
    if following and following[0] in _GOES_ON.get(last, ()):
        return True
    if following and following[0] in _EVERY_TIME and _COMES_AND_GOES.intersection(rest[found.start : found.end]):
        return True
    down = [at for at in range(found.start, min(found.start + 3, len(rest))) if rest[at] == "down"]
    way = rest[down[0] + 1 : down[0] + 4] if down else []
    return bool(way) and way[0] not in _RESTS_ON and (bool(_BODY.intersection(way)) or way[:2] == ["my", "back"])


def _returned(later: Sequence[str], after: Sentence | None) -> bool:
    """ "And came back", "but not gone", "back to 102", in the same sentence or at the head of the next."""
    return _tells_of_return(later) or (after is not None and _tells_of_return(after.words[:6]))


def _tells_of_return(words: Sequence[str]) -> bool:
    # not "I came back from work", "is back to normal", "has not come back"
    for found in _RETURNED.find(words):
        came = words[max(0, found.start - 1) : found.start]
        stayed_away = _STAYS_AWAY.intersection(words[max(0, found.start - 2) : found.start])
        whither = words[found.end : found.end + 2]
        elsewhere = len(whither) == 2 and whither[0] == "to" and not whither[1][0].isdigit()
        if not elsewhere and not stayed_away and not _SOMEBODY.intersection(came):
            return True
    return False


def was_but_eased(hit: Hit, words: Sequence[str], after: Sentence | None) -> bool:
    """ "It was awful on day 1, much better now"."""
    if not _THEN.intersection(words[max(0, hit.start - 4) : hit.end + 1]):
        return False
    later = (*words, ",", *after.words) if after else words
    return bool(_BETTER_NOW.find(later)) and not _STILL.intersection(later)


def _other_subject(between: Sequence[str]) -> bool:
    return any(
        word in ("i", "im", "my", "when", "after", "cuando", "mi", "since", "que", "if", "because") for word in between
    )
