"""Downloads for spreadsheets, in which nobody's words become a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What makes a spreadsheet run a cell; the wide forms do so in East Asian editions."""


def row(cells: Iterable[object]) -> str:
    """One line of CSV."""
    written = io.StringIO()
    csv.writer(written).writerow([cell(one) for one in cells])
    return written.getvalue()


def cell(value: object) -> object:
    """Text that a spreadsheet would take for a formula begins with an apostrophe. Numbers stay numbers."""
    if isinstance(value, str) and value.lstrip(" \u00a0\ufeff").startswith(_FORMULA):
        return "'" + value
    return value
