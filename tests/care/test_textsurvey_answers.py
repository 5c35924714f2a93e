"""What counts as an answer by text: two readings are none, and a "yes" to a list of signs is never lost (P9)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.care.surveys import NONE, Answer, Kind, Option, validate
from service.care.text_answers import Reply, read
from service.care.text_prompts import parts
from tests.care.surveys_shipped import common, question, survey

NOT = "not an answer"
BREATH_AND_FACE = ["breathing", "face_or_throat_swelling"]


def reading(question_id: str, text: str, language: str = "en", part: int = 0) -> Reply:
    asked = question(question_id)
    return read(asked, parts(survey("S1"), asked, language)[part], language, text)


def value(question_id: str, text: str, language: str = "en", part: int = 0) -> object:
    reply = reading(question_id, text, language, part)
    return NOT if reply.raw is None else reply.raw


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("7", 7), (" 7. ", 7), ("7!", 7), ("0", 0), ("10", 10), ("7/10", 7), ("7 / 10", 7), ("10/10", 10),
        ("7 out of 10", 7), ("7 de 10", 7), ("7 sobre 10", 7), ("seven", 7), ("Siete", 7), ("about 7", 7),
        ("maybe a 6", 6), ("It's a 4", 4), ("pain is 3", 3), ("un 5", 5), ("como un 5 hoy", 5), ("7️⃣", 7), ("７", 7),
        ("7 thanks", 7), ("7 but my skin is red", 7), ("0 no pain", 0), ("none", 0), ("No pain!", 0), ("nada", 0),
        ("sin dolor", 0), ("8 gracias", 8),
        ("11", NOT), ("-4", NOT), ("7.5", NOT), ("7,5", NOT), ("6-7", NOT), ("6 or 7", NOT), ("6 to 7", NOT),
        ("2 days ago it was 8", NOT), ("2 days ago it was bad", NOT), ("call me at 5", NOT), ("5 pm works", NOT),
        ("5:30", NOT), ("3rd", NOT), ("100", NOT), ("911", NOT), ("4 pills", NOT), ("10 mg", NOT), ("80%", NOT),
        ("8 %", NOT), ("I took 2", NOT), ("yes", NOT), ("no", NOT), ("ok", NOT), ("?", NOT), ("", NOT), ("👍", NOT),
        ("one of my friends drove", NOT), ("not 7", NOT), ("not bad", NOT), ("ten cuidado", NOT), ("5 5", NOT),
        ("555-0134", NOT), ("2 weeks", NOT), ("3 veces peor", NOT),
    ],
)  # fmt: skip
def test_scales(text: str, expected: object) -> None:
    assert value("pain", text) == expected


@pytest.mark.parametrize("text", ["nada", "none", "no pain"])
def test_none_is_a_zero_for_pain_only(text: str) -> None:
    assert value("sleep", text) == NOT


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "yes", True), ("en", "Y", True), ("en", "Yeah", True), ("en", "yes please, after 3", True),
        ("es", "sí", True), ("es", "Si", True), ("es", "claro", True), ("en", "no", False), ("en", "No thanks", False),
        ("en", "nope", False), ("es", "no, gracias", False), ("en", "no I'm fine", False),
        ("en", "No I cannot move", False),
        ("en", "4", NOT), ("en", "1", NOT), ("en", "0", NOT), ("en", "yes and no", NOT), ("en", "yes/no", NOT),
        ("es", "no sé", NOT), ("es", "no lo se", NOT), ("en", "no idea", NOT), ("en", "not sure", NOT),
        ("en", "no problem, call me", NOT), ("en", "maybe", NOT), ("en", "ok", NOT), ("en", "", NOT),
    ],
)  # fmt: skip
def test_yes_and_no(language: str, text: str, expected: object) -> None:
    assert value("call", text, language) == expected


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "1", "better"), ("en", "4.", "much_worse"), ("en", "A bit worse", "a_bit_worse"),
        ("es", "igual", "same"),
        ("es", "Un poco peor", "a_bit_worse"), ("en", "3 since last night", "a_bit_worse"), ("en", "0", NOT),
        ("en", "5", NOT), ("en", "1 or 2", NOT), ("en", "yes", NOT), ("en", "worse", NOT), ("en", "not better", NOT),
    ],
)  # fmt: skip
def test_choices(language: str, text: str, expected: object) -> None:
    assert value("compared", text, language) == expected


@pytest.mark.parametrize(
    ("language", "text", "expected", "maybe_sign"),
    [
        ("en", "0", [NONE], False), ("en", "none", [NONE], False), ("en", "No", [NONE], False),
        ("en", "none of these", [NONE], False), ("en", "No, none thanks", [NONE], False),
        ("es", "ninguna", [NONE], False),
        ("es", "nada de eso, gracias", [NONE], False),
        ("en", "1", ["breathing"], False), ("en", "1 3", BREATH_AND_FACE, False),
        ("en", "1,3", BREATH_AND_FACE, False), ("en", "1, 3", BREATH_AND_FACE, False),
        ("en", "1 and 3", BREATH_AND_FACE, False), ("en", "1 & 3.", BREATH_AND_FACE, False),
        ("es", "1 y 3", BREATH_AND_FACE, False), ("en", "a", ["breathing"], False),
        ("en", "A c", BREATH_AND_FACE, False), ("en", "B, d", ["chest_pain", "fainting"], False),
        ("en", "chest pain", ["chest_pain"], False), ("es", "dolor de pecho", ["chest_pain"], False),
        ("en", "2 but only when I cough", ["chest_pain"], False), ("en", "0 2", ["chest_pain"], False),
        ("en", "yes", NOT, True), ("es", "sí", NOT, True), ("en", "Yes a few", NOT, True), ("en", "13", NOT, True),
        ("en", "9", NOT, True), ("en", "38", NOT, True), ("en", "101.5", NOT, True), ("en", "2 days of it", NOT, True),
        ("en", "no fever", NOT, False), ("en", "0 but my skin is hot", NOT, False), ("en", "bad", NOT, False),
        ("en", "ok", NOT, False), ("en", "what?", NOT, False), ("en", "", NOT, False), ("en", "I am fine", NOT, False),
    ],
)  # fmt: skip
def test_signs(language: str, text: str, expected: object, maybe_sign: bool) -> None:
    reply = reading("signs", text, language)
    assert (NOT if reply.raw is None else reply.raw) == expected
    assert reply.maybe_sign is maybe_sign


@pytest.mark.parametrize(
    ("text", "raw", "skip"),
    [
        ("climb stairs", "climb stairs", False),
        ("Subir la escalera", "Subir la escalera", False),
        ("skip", None, True),
        ("Nada", None, True),
        ("no thanks", None, True),
        ("5", None, False),
        ("?!", None, False),
        ("ok", None, False),
    ],
)
def test_own_words(text: str, raw: str | None, skip: bool) -> None:
    reply = reading("activity_name", text)
    assert (reply.raw, reply.skip) == (raw, skip)


@pytest.mark.parametrize(
    ("question_id", "text", "kept"),
    [
        ("pain", "7", False),
        ("pain", "about 7, thanks", False),
        ("pain", "7 but my skin is red", True),
        ("call", "yes please", False),
        ("call", "yes after 3 pm", True),
        ("call", "no I'm fine", False),
        ("compared", "2 I think it's the stairs", True),
        ("signs", "2 only when I cough", True),
        ("signs", "1 and 3", False),
    ],
)
def test_words_beside_an_answer_are_kept(question_id: str, text: str, kept: bool) -> None:
    reply = reading(question_id, text)
    assert reply.raw is not None
    assert reply.words == (text if kept else None)


@given(st.sampled_from(sorted(common().questions)), st.sampled_from(["en", "es"]), st.text(max_size=40))
def test_whatever_is_read_is_a_valid_answer(question_id: str, language: str, text: str) -> None:
    """P10: no text raises, and what the reader takes, validation takes."""
    reply = reading(question_id, text, language)
    if reply.raw is not None:
        assert isinstance(validate(question(question_id), reply.raw), Answer)


@given(
    st.sampled_from(["en", "es"]),
    st.sampled_from([0, 1]),
    st.sets(st.integers(1, 8), min_size=1),
    st.sampled_from([" ", ", ", ",", " and "]),
)
def test_every_way_to_list_numbers_gives_those_signs(language: str, part: int, numbers: set[int], between: str) -> None:
    options = parts(survey("S1"), question("signs"), language)[part]
    text = between.join(str(number) for number in sorted(numbers))
    assert value("signs", text, language, part) == [options[number - 1].id for number in sorted(numbers)]


def test_lists_are_cut_so_that_one_digit_is_enough() -> None:
    for language in ("en", "es"):
        lists = parts(survey("S1"), question("signs"), language)
        assert [len(options) for options in lists] == [8, 8]
        assert question("signs").kind is Kind.SIGNS
    many = tuple(Option(f"o{n}", {"en": "x"}, {"en": "x"}) for n in range(20))
    listed = replace(question("medicine"), options=many)
    assert [len(options) for options in parts(survey("S1"), listed, "en")] == [9, 9, 2]
