"""P6, and with it P1, P2 and P3: a process dies at each point of the code, on each database, and nobody can tell."""

from __future__ import annotations

import pytest

from service import crashpoints
from service.crashpoints import Point
from tests.matrix.report import Record
from tests.matrix.rows import ROWS, Row
from tests.matrix.scene import nothing_is_wrong, wait_for_rest
from tests.promises.installation import Installation


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.point.value)
def test_p6_a_process_dies(place: Installation, row: Row, record: Record) -> None:
    scene = row.scene()
    scene.arrange(place)
    scene.strike(place, row.point)
    assert scene.seen(place) == row.at_death
    with record(place, row.point):
        scene.go_on(place)
        wait_for_rest(place)
    nothing_is_wrong(place)
    scene.check(place)


def test_every_point_has_a_row_and_every_row_a_point() -> None:
    assert sorted(row.point for row in ROWS) == sorted(Point)


@pytest.mark.parametrize("wrong", ["deliver.claimd", "deliver", "deliver.claimed:0", "deliver.claimed:soon"])
def test_a_point_that_does_not_exist_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match=crashpoints.VARIABLE):
        crashpoints.arm({crashpoints.VARIABLE: wrong})


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [("clock",), ("web",), ("worker", "--queue", "listen")])
def test_no_process_starts_with_a_point_that_does_not_exist(place: Installation, arguments: tuple[str, ...]) -> None:
    process = place.start(*arguments, **{crashpoints.VARIABLE: "deliver.claimd"})
    process.wait()
    assert process.returncode == 1
    assert "names no point" in place.log()
