"""What is hidden stays hidden: no small group is shown, and none can be had by subtraction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.care.figures import LEAST, Column, Drawn, Figure, Unit, figure, grouped, may_add_up


@dataclass(frozen=True, slots=True)
class Fact:
    patient_id: int
    group: str


def made(facts: Sequence[Fact]) -> Figure:
    groups = grouped(facts, lambda one: (one.group,))
    return figure(("Group",), (Column("N", Unit.COUNT, "n"),), groups, lambda some: (len(some),), Drawn("N"))


def people(*sizes: int, apart: bool = True) -> list[frozenset[int]]:
    """Groups of so many patients, each of its own or all of the same."""
    return [frozenset(range(100 * place * apart, 100 * place * apart + size)) for place, size in enumerate(sizes)]


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        (people(), True),
        (people(5, 9), True),
        (people(5, 9, 4), False),  # all less the two is the third
        (people(5, 9, 4, 1), True),  # what is missing are five patients, of two groups
        (people(5, 9, 3, 1), False),  # four
        (people(9, 4, 4, apart=False), False),  # the same four twice
        (people(4), False),
        (people(4, 4), True),
    ],
)
def test_when_all_together_may_be_shown(groups: list[frozenset[int]], expected: bool) -> None:
    assert may_add_up(groups) is expected


FACTS = st.lists(st.builds(Fact, st.integers(1, 40), st.sampled_from("abcdef")), max_size=120)


@given(FACTS)
def test_no_number_of_a_small_group_is_shown(facts: list[Fact]) -> None:
    shown = made(facts)
    assert [one.labels[0] for one in shown.lines] == list(dict.fromkeys(one.group for one in facts))
    for line in shown.lines:
        of_it = [one for one in facts if one.group == line.labels[0]]
        patients = len({one.patient_id for one in of_it})
        if patients < LEAST:
            assert line.is_hidden
            assert line.values == (None,)
        else:
            assert (line.patients, line.values) == (patients, (len(of_it),))


@given(FACTS)
def test_nor_can_it_be_had_by_subtraction(facts: list[Fact]) -> None:
    """Who takes all that is shown from the total is left with many patients, of more than one group, or with none."""
    shown = made(facts)
    if shown.total is None:
        return
    seen = {line.labels[0] for line in shown.lines if not line.is_hidden}
    left = [one for one in facts if one.group not in seen]
    assert shown.total.values == (len(facts),)
    if left:
        assert len({one.patient_id for one in left}) >= LEAST
        assert len({one.group for one in left}) > 1


def test_one_group_is_its_own_total() -> None:
    assert made([Fact(one, "a") for one in range(9)]).total is None
