"""What differs between two texts, line by line."""

from __future__ import annotations

import pytest

from service.care.line_diff import compare


def drawn(before: str, after: str) -> str:
    signs = {"same": " ", "gone": "-", "new": "+", "gap": "…"}
    return "|".join(f"{signs[line.kind]}{line.number or ''}{line.text}" for line in compare(before, after))


@pytest.mark.parametrize(
    ("before", "after", "shows"),
    [
        ("a\nb", "a\nb", ""),
        ("", "", ""),
        ("", "a", "+1a"),
        ("a", "", "-1a"),
        ("a\nb\nc", "a\nx\nc", " 1a|-2b|+2x| 3c"),
        ("a\nc", "a\nb\nc", " 1a|+2b| 3c"),
        ("1\n2\n3\n4\n5\nold", "1\n2\n3\n4\n5\nnew", "…| 33| 44| 55|-6old|+6new"),
        ("a\r\nb", "a\nb", ""),
    ],
)
def test_lines_that_differ(before: str, after: str, shows: str) -> None:
    assert drawn(before, after) == shows


def test_places_far_apart_have_a_gap_between_them() -> None:
    lines = [str(number) for number in range(30)]
    changed = ["x", *lines[1:-1], "y"]
    shown = drawn("\n".join(lines), "\n".join(changed))
    assert shown.count("…") == 1
    assert "15" not in shown
