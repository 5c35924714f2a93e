"""CSV files as spreadsheets write them, and the ones that cannot be read."""

from __future__ import annotations

import pytest

from service.care import sheet
from service.care.sheet import UTF8, WINDOWS, Unreadable

HEAD = "Patient,First name\r\n"


@pytest.mark.parametrize(
    ("content", "encoding", "between", "name"),
    [
        (b"Patient,Name\r\n1,Ana\r\n", UTF8, ",", "Ana"),
        ("\ufeffPatient,Name\n1,Añá\n".encode(), UTF8, ",", "Añá"),
        ("Patient;Name\r\n1;Añá\r\n".encode("cp1252"), WINDOWS, ";", "Añá"),
        (b"Patient\tName\n1\tAna", UTF8, "\t", "Ana"),
        (b'"Patient","Name, first"\n1,"A;n\na"\n', UTF8, ",", "A;n\na"),
        (b'"a,b,c";Name\n1;Ana\n', UTF8, ";", "Ana"),
        (b"Patient,Name\r1,Ana\r", UTF8, ",", "Ana"),
    ],
)
def test_what_spreadsheets_write(content: bytes, encoding: str, between: str, name: str) -> None:
    read = sheet.read(content)
    assert (read.encoding, read.between, read.count) == (encoding, between, 1)
    [row] = read.rows()
    assert (row.number, row.cells) == (2, ["1", name])


def test_rows_have_the_spreadsheets_numbers() -> None:
    """Blank rows and cells of several lines count as they do there."""
    read = sheet.read(b'Patient,Name\n1,"A\nB"\n\n , \n2,C\n')
    assert [(row.number, row.cells[0]) for row in read.rows()] == [(2, "1"), (5, "2")]
    assert read.count == 2


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no row under the header"),
        (b"Patient\n1\n", "must name the columns"),
        (b"Patient,Name\n", "no row under the header"),
        (b"Patient,Name\n,\n\n", "no row under the header"),
        (b"4711,+1 202 555 0123\n4712,+1 202 555 0124\n", "looks like a patient's"),
        (b"Ana,ana@mail.example\nBen,\n", "looks like a patient's"),
        (b"Patient,Name\n1,A\x00na\n", "not plain text"),
        ("Patient,Name\n1,Ana\n".encode("utf-16"), "not plain text"),
        (b"PK\x03\x04whatever", "Excel workbook"),
        (b"Patient,Name\n1,\x81\xff\x9d\n", "neither UTF-8 nor Windows-1252"),
        (b'Patient,Name\n1,"Ana\n' + b"2,Ben\n" * 5000, "Row 2 cannot be read"),
        (b"Patient,Name\n1,Ana\n2," + b"x" * 6000 + b"\n", "Row 3 cannot be read"),
        (b"Patient,Name\n" + b"," * 3_000_000, "cannot be read|more than 50 columns"),
        (b"a," * 70 + b"\n1\n", "more than 50 columns"),
        (b"Patient,Name\n" + b"1,A\n" * 50_001, "more than 50,000 rows"),
        (b"x" * (sheet.MOST_BYTES + 1), "larger than 8 MB"),
    ],
)
def test_p10_what_cannot_be_read_is_refused_with_what_to_do(content: bytes, says: str) -> None:
    with pytest.raises(Unreadable, match=says) as raised:
        sheet.read(content)
    assert "Ana" not in str(raised.value)


def test_letters_are_the_spreadsheets() -> None:
    assert [sheet.letter(place) for place in (0, 25, 26, 52)] == ["A", "Z", "AA", "BA"]
