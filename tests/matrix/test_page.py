"""docs/crash-matrix.md is of this code: it names everything that the tests try."""

from __future__ import annotations

import re

from tests.matrix.outages import OUTAGES
from tests.matrix.report import PAGE
from tests.matrix.rows import ROWS

AGAIN = "write it anew: python3 dev.py test -m slow tests/matrix --write-matrix"


def test_the_page_has_a_row_for_every_point_and_outage() -> None:
    named = re.findall(r"^\| `([a-z_.]+)` \|", PAGE.read_text("utf-8"), re.MULTILINE)
    assert named == [row.point for row in ROWS] + [one.outage for one in OUTAGES], AGAIN


def test_the_page_says_of_every_point_what_the_tests_look_for() -> None:
    page = PAGE.read_text("utf-8")
    lacking = [row.point for row in ROWS if f"| {row.at_death} | {row.repeated} | {row.noticed} |" not in page]
    assert lacking == [], AGAIN
