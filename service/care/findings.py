"""What is wrong with the rows of a file: which row, which field, what to do. No value of a row is in it."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

from service.care.columns import Field


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to mend. `row` is the spreadsheet's number."""

    row: int
    field: Field
    sentence: str


def packed(found: Iterable[Finding]) -> bytes:
    """Small even for a file in which every row is wrong: the same few sentences come again and again."""
    sentences: dict[str, int] = {}
    rows = [(one.row, one.field.value, sentences.setdefault(one.sentence, len(sentences))) for one in found]
    return zlib.compress(json.dumps([list(sentences), rows]).encode(), 1)


def unpacked(kept: bytes) -> list[Finding]:
    """What `packed` made."""
    sentences, rows = json.loads(zlib.decompress(kept))
    return [Finding(row, Field(field), sentences[number]) for row, field, number in rows]


def page(found: Iterable[Finding], most: int) -> tuple[list[Finding], int | None]:
    """The findings of the first `most` rows, and the row behind which the next page begins."""
    shown: list[Finding] = []
    rows = set[int]()
    for one in found:
        rows.add(one.row)
        if len(rows) > most:
            return shown, shown[-1].row
        shown.append(one)
    return shown, None
