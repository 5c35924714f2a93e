"""P8: no cell of a download runs as a formula, and no other cell is changed."""

from __future__ import annotations

import csv
import io

import pytest

from service.care import spreadsheet


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "\ufeff=1", "＝1"])
def test_p8_no_cell_is_a_formula(cell: str) -> None:
    [[_, read]] = csv.reader(io.StringIO(spreadsheet.row(["a", cell]), newline=""))
    assert read == "'" + cell


def test_other_cells_are_as_they_were() -> None:
    cells = ["a", "1-2", 'say "it", twice', "two\nlines", ""]
    [read] = csv.reader(io.StringIO(spreadsheet.row([*cells, -1.5]), newline=""))
    assert read == [*cells, "-1.5"]
