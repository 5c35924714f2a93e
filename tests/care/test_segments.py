"""Segment counts are exactly those of 3GPP TS 23.038 and 23.040: a clinic pays by them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.care.segments import (
    GSM7_BASIC,
    GSM7_EXTENSION,
    Encoding,
    Segments,
    count,
    foreign_characters,
    is_gsm7,
)

GSM, UCS = Encoding.GSM7, Encoding.UCS2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Segments(GSM, 0, 0)),
        ("a", Segments(GSM, 1, 1)),
        ("a" * 160, Segments(GSM, 160, 1)),
        ("a" * 161, Segments(GSM, 161, 2)),
        ("a" * 306, Segments(GSM, 306, 2)),
        ("a" * 307, Segments(GSM, 307, 3)),
        ("€" * 80, Segments(GSM, 160, 1)),
        ("€" * 81, Segments(GSM, 162, 2)),
        # 76 euros fill 152 of 153 septets; the 77th must not be cut in two, so 153 euros (306) need a third segment.
        ("€" * 153, Segments(GSM, 306, 3)),
        ("a" + "€" * 76 + "a" * 153, Segments(GSM, 306, 2)),
        ("¿Qué tal? Ñandú".replace("ú", "u"), Segments(GSM, 15, 1)),
        ("á", Segments(UCS, 1, 1)),
        ("á" * 70, Segments(UCS, 70, 1)),
        ("á" * 71, Segments(UCS, 71, 2)),
        ("á" * 134, Segments(UCS, 134, 2)),
        ("á" * 135, Segments(UCS, 135, 3)),
        ("😀" * 35, Segments(UCS, 70, 1)),
        ("😀" * 36, Segments(UCS, 72, 2)),
        # 33 pairs fill 66 of 67 units; a pair is not split.
        ("😀" * 67, Segments(UCS, 134, 3)),
        ("é{}" + "a" * 155, Segments(GSM, 160, 1)),
        ("\ud800", Segments(UCS, 1, 1)),
    ],
)
def test_counts(text: str, expected: Segments) -> None:
    assert count(text) == expected


def test_the_alphabet_has_the_size_the_standard_gives() -> None:
    assert len(GSM7_BASIC) == 127  # 128 less the escape
    assert len(GSM7_EXTENSION) == 10
    assert not GSM7_BASIC & GSM7_EXTENSION


@pytest.mark.parametrize("char", "áíóúçâê`’“–…ÁÍÓÚ\t")
def test_what_gsm_lacks(char: str) -> None:
    assert not is_gsm7(char)


def test_names_the_first_foreign_characters_once() -> None:
    assert foreign_characters("más días, más") == (
        "'á' (latin small letter a with acute)",
        "'í' (latin small letter i with acute)",
    )
    assert len(foreign_characters("абвгд", most=2)) == 2
    assert foreign_characters("plain €") == ()


def least_segments(widths: list[int], alone: int, joined: int) -> int:
    if sum(widths) <= alone:
        return 1 if widths else 0
    segments, used = 1, 0
    for width in widths:
        segments, used = (segments + 1, width) if used + width > joined else (segments, used + width)
    return segments


gsm_texts = st.text(st.sampled_from(sorted(GSM7_BASIC | GSM7_EXTENSION)), max_size=500)


@given(gsm_texts)
def test_gsm_texts(text: str) -> None:
    counted = count(text)
    widths = [2 if char in GSM7_EXTENSION else 1 for char in text]
    assert counted == Segments(GSM, sum(widths), least_segments(widths, 160, 153))


@given(st.text(max_size=300))
def test_ucs2_units_are_utf16_code_units(text: str) -> None:
    text += "й"
    counted = count(text)
    assert counted.encoding is UCS
    assert counted.units == len(text.encode("utf-16-le", "surrogatepass")) // 2
    assert counted.segments >= -(-counted.units // 70)


@given(st.text(max_size=200), st.text(max_size=200))
def test_more_text_never_costs_less(text: str, more: str) -> None:
    assert count(text + more).segments >= count(text).segments
