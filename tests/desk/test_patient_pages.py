"""The patients' pages as people see and use them."""

from __future__ import annotations

import pytest

from tests.desk.browser import DeskPage, check_page

pytestmark = pytest.mark.browser


def test_finding_somebody(desk_page: DeskPage) -> None:
    check_page(desk_page, "/desk/patients")


@pytest.mark.parametrize("page", ["", "/progress", "/record", "/history", "/compose"])
def test_pages_of_a_patient(desk_page: DeskPage, page: str) -> None:
    patient = desk_page.desk.own.patients[0]
    check_page(desk_page, f"/desk/patients/{patient}{page}", f"patient{page.replace('/', '-')}")
