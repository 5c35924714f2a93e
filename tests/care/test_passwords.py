"""What a password must be, and who may do what."""

from __future__ import annotations

import itertools

import pytest

from service.care.passwords import fault
from service.care.roles import MAY, Permission, Role, who_may

KNOWN = ("Ada Ruiz", "ada.ruiz@hillside.example", "Hillside Joint Care")


@pytest.mark.parametrize(
    "password",
    [
        "teapot velvet orbit",
        "correcthorsebattery",
        "12 geese, 4 ponds",
        "péché mignon d'été",
        "zzzz yyyy xxxx wwww vvvv",
    ],
)
def test_long_and_of_ones_own_will_do(password: str) -> None:
    assert fault(password, KNOWN) is None


@pytest.mark.parametrize(
    ("password", "says"),
    [
        ("", "at least 12"),
        ("elevenchars", "at least 12"),
        ("x" * 129, "at most 128"),
        ("aaaaaaaaaaaaaaaa", "different characters"),
        ("abababababababab", "different characters"),
        ("Password123456", "first that somebody would try"),
        ("aftercare-2026", "first that somebody would try"),
        ("AdaRuiz Hillside", "first that somebody would try"),
        ("ada.ruiz@hillside", "first that somebody would try"),
        ("qwerty123456", "first that somebody would try"),
    ],
)
def test_what_anybody_would_try_first_will_not(password: str, says: str) -> None:
    assert says in (fault(password, KNOWN) or "")


def test_every_role_may_what_the_one_before_may_and_more() -> None:
    ladder = [MAY[role] for role in (Role.READER, Role.DESK, Role.CLINICIAN, Role.OWNER)]
    assert all(fewer < more for fewer, more in itertools.pairwise(ladder))
    assert MAY[Role.OWNER] == set(Permission)
    assert who_may(Permission.MANAGE) == who_may(Permission.AUDIT) == (Role.OWNER,)
    assert who_may(Permission.APPROVE) == (Role.OWNER, Role.CLINICIAN)
    assert MAY[Role.READER] == {Permission.SELF, Permission.READ}
