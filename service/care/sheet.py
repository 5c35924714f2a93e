"""A CSV file as clinics have it: whatever wrote it, in whatever encoding, with whatever between its cells."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

MOST_BYTES = 8 * 1024 * 1024
MOST_ROWS = 50_000
MOST_COLUMNS = 50
LONGEST_NAME = 30
LONGEST_CELL = 5_000
"""Longer ones are a quotation mark that is never closed, as a rule: the rest of the file would be one cell."""

UTF8, WINDOWS = "UTF-8", "Windows-1252"
_BETWEEN = ",;\t"
_LOOKS_LIKE_DATA = re.compile(r"\S+@\S+\.\S+|\+?[\d\s()./:-]{4,}")


class Unreadable(ValueError):
    """The file cannot be used. The sentence says why and what to do, and repeats nothing of the file."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row with something in it. `number` is the spreadsheet's: the header is row 1, and blank rows count."""

    number: int
    cells: list[str]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file that can be read from end to end."""

    text: str
    encoding: str
    between: str
    header: tuple[str, ...]
    count: int
    """Rows with something in them, without the header."""

    def rows(self) -> Iterator[Row]:
        for number, cells in enumerate(_records(self.text, self.between), 1):
            if number > 1 and any(cell.strip() for cell in cells):
                yield Row(number, cells)


def read(content: bytes) -> Sheet:
    """The file, looked through once. Raises Unreadable."""
    if len(content) > MOST_BYTES:
        raise Unreadable(
            f"The file is larger than {MOST_BYTES // 1024**2} MB. Split it and take in one after the other."
        )
    text, encoding = _decoded(content)
    between = _what_is_between(text)
    header: tuple[str, ...] = ()
    count = number = 0
    try:
        for number, cells in enumerate(_records(text, between), 1):
            _check(number, cells)
            if number == 1:
                header = _header(cells)
            elif any(cell.strip() for cell in cells):
                count += 1
    except csv.Error:
        raise Unreadable(
            f"Row {number + 1} cannot be read: a quotation mark is not closed, or a cell is longer than "
            f"{LONGEST_CELL:,} characters."
        ) from None
    if not count:
        raise Unreadable("There is no row under the header.")
    if count > MOST_ROWS:
        raise Unreadable(f"There are more than {MOST_ROWS:,} rows. Split the file and take in one after the other.")
    return Sheet(text, encoding, between, header, count)


def letter(place: int) -> str:
    """What spreadsheets call the column: A, B … Z, AA."""
    first, second = divmod(place, 26)
    return (chr(64 + first) if first else "") + chr(65 + second)


def _decoded(content: bytes) -> tuple[str, str]:
    if content.startswith(b"PK\x03\x04"):
        raise Unreadable("That is an Excel workbook. In Excel choose Save As, and there “CSV UTF-8”.")
    if b"\x00" in content:
        raise Unreadable("That is not plain text in UTF-8. In Excel choose Save As, and there “CSV UTF-8”.")
    try:
        return content.decode("utf-8-sig"), UTF8
    except UnicodeDecodeError:
        pass
    try:
        return content.decode("cp1252"), WINDOWS
    except UnicodeDecodeError:
        raise Unreadable(
            "The file is neither UTF-8 nor Windows-1252. In Excel choose Save As, and there “CSV UTF-8”."
        ) from None


def _what_is_between(text: str) -> str:
    """The delimiter under which the first row has the most cells."""
    first = text[: MOST_COLUMNS * LONGEST_CELL]

    def cells(between: str) -> int:
        try:
            return len(next(_records(first, between), []))
        except csv.Error:
            return 0

    return max(_BETWEEN, key=cells)


def _records(text: str, between: str) -> Iterator[list[str]]:
    csv.field_size_limit(LONGEST_CELL)
    return csv.reader(io.StringIO(text, newline=""), delimiter=between, strict=False)


def _check(number: int, cells: Sequence[str]) -> None:
    if len(cells) > MOST_COLUMNS:
        raise Unreadable(f"Row {number} has more than {MOST_COLUMNS} columns.")


def _header(cells: Sequence[str]) -> tuple[str, ...]:
    names = [" ".join(cell.split()) for cell in cells]
    while names and not names[-1]:
        names.pop()
    if len(names) < 2:
        raise Unreadable("The first row must name the columns, with commas, semicolons or tabs between them.")
    if any(_LOOKS_LIKE_DATA.fullmatch(name) for name in names):
        raise Unreadable("The first row must name the columns: this one looks like a patient's.")
    return tuple(name[:LONGEST_NAME] or f"Column {place}" for place, name in enumerate(names, 1))
