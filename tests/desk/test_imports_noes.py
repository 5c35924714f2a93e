"""A no in a row that cannot be entered: it counts all the same, once, where it leads to one patient on record."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection

from service.api.inside import Rows
from service.care.refusing import COUNTS, NOT_NOTED
from service.care.roles import Role
from service.records import consents, patients
from service.records.database import reading
from service.records.imports import Phase
from tests.desk.desk import Desk
from tests.desk.test_imports import (
    Worker,
    checked,
    consent_of,
    file_of,
    of,
    problems,
    row,
    sms_of,
    take,
    taken,
    taken_or_checked,
)
from workers.importing import TAKEN_AT_ONCE, Importer

AT_SESSION, AT_UPLOAD = "2026-03-09 18:05", "2026-03-10 16:00"
"""Since when a no counts: from the row's day on, or from the upload."""


def taken_back(desk: Desk) -> list[str]:
    """Since when p1 wants no texts, by every line of the ledger that says so."""
    with reading(desk.engine) as connection:
        patient = patients.find(connection, desk.here.sending.vault, desk.own.clinic_id, "p1")
        assert patient is not None
        return [f"{one['at']:%Y-%m-%d %H:%M}" for one in consents.ledger(connection, patient.id)
                if (one["action"], one["channel"]) == ("revoked", "sms")]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "since"),
    [
        ({"site": "soul"}, AT_SESSION),
        ({"name": ""}, AT_SESSION),
        ({"visit": "Rosalind-s1"}, AT_SESSION),  # another patient's
        ({"phone": "12"}, AT_SESSION),
        ({"date": "soon"}, AT_UPLOAD),
        ({"date": "2027-03-09 14:05"}, AT_UPLOAD),
        ({"agreed": "soon"}, AT_UPLOAD),
        ({"visit": "v1", "date": "2026-03-09 12:05"}, AT_UPLOAD),  # on record with another time
    ],
)
def test_p3_a_no_beside_a_problem_counts_all_the_same(desk: Desk, changes: dict[str, str], since: str) -> None:
    visitor = desk.client_as(Role.DESK)
    taken(desk, visitor, file_of(row(1), row(2)))
    content = file_of(row(1, **{"visit": "v8", "texts": "no", **changes}))
    at = checked(desk, visitor, content)
    assert taken_back(desk) == []  # tried, nothing is taken back yet
    assert (of(desk, at).taken, of(desk, at).noes, of(desk, at).wrong) == (0, 1, 0)
    assert "1 row can be taken in" in visitor.get(at).text
    take(visitor, at)
    Worker(desk).work(at)
    assert (of(desk, at).taken, of(desk, at).noes, of(desk, at).wrong) == (0, 1, 0)
    assert taken_back(desk) == [since]
    assert consent_of(desk)[0] is False
    assert sms_of(desk, "v1").isdisjoint({"planned", "queued"})
    assert "planned" in sms_of(desk, "v2")
    assert sms_of(desk, "v8") == set(), "the row itself is not entered"
    said = [one[1:] for one in problems(visitor, at)]
    assert len(said) > 1
    assert ["Agreed to texts (column G)", COUNTS] in said
    if since == AT_SESSION:  # with the upload a file without a day is another no
        again = taken_or_checked(desk, visitor, content)
        assert (of(desk, again).noes, of(desk, again).wrong) == (0, 1)
        assert taken_back(desk) == [since]


@pytest.mark.parametrize(("changes", "stands"), [({"site": "soul"}, True), ({"date": "soon"}, False)])
def test_p3_a_later_yes_stays_only_where_the_day_of_the_no_is_known(
    desk: Desk, changes: dict[str, str], stands: bool
) -> None:
    visitor = desk.client_as(Role.DESK)
    taken(desk, visitor, file_of(row(1, agreed="2026-03-09 14:06")))
    taken(desk, visitor, file_of(row(1, **{"visit": "v8", "texts": "no", "agreed": "", **changes})))
    assert consent_of(desk)[0] is stands


def test_p3_a_no_without_a_number_is_that_of_the_phone(desk: Desk) -> None:
    visitor = desk.client_as(Role.DESK)
    taken(desk, visitor, file_of(row(1)))
    at = taken(desk, visitor, file_of(row(1, patient="", visit="v8", texts="no")))
    assert of(desk, at).noes == 1
    assert consent_of(desk)[0] is False


@pytest.mark.parametrize("said", [{"patient": "", "name": "Bo"}, {"patient": "p1x", "site": "soul"}])
def test_p3_a_no_that_leads_to_nobody_is_said_so(desk: Desk, said: dict[str, str]) -> None:
    """Another name at the phone, or another number: it may be somebody else's, and the clinic must know."""
    visitor = desk.client_as(Role.DESK)
    taken(desk, visitor, file_of(row(1)))
    at = checked(desk, visitor, file_of(row(1, **{"visit": "v8", "texts": "no", **said})))
    assert (of(desk, at).noes, of(desk, at).wrong) == (0, 1)
    assert ["Agreed to texts (column G)", NOT_NOTED] in [one[1:] for one in problems(visitor, at)]
    assert consent_of(desk)[0] is True


def test_of_somebody_who_is_not_on_record_only_the_problem_is_said(desk: Desk) -> None:
    """Nothing is sent to them, and the mended row says it again."""
    visitor = desk.client_as(Role.DESK)
    at = checked(desk, visitor, file_of(row(1, texts="no", site="soul")))
    assert [one[1] for one in problems(visitor, at)] == ["Where on the body (column E)"]


@pytest.mark.parametrize("at_once", [1, TAKEN_AT_ONCE])
def test_p3_a_no_waits_for_the_row_that_brings_its_patient(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    """Also where a worker takes the rows in one by one, and where another takes over between the two."""
    monkeypatch.setattr("workers.importing.TAKEN_AT_ONCE", at_once)
    visitor = desk.client_as(Role.DESK)
    at = checked(desk, visitor, file_of(row(1, visit="v8", texts="no", date="soon"), row(2), row(1)))
    take(visitor, at)
    monkeypatch.setattr("workers.importing.TURN_SECONDS", 0.0)
    while Worker(desk).work(at):
        pass
    assert (of(desk, at).phase, of(desk, at).taken) == (Phase.FINISHED, 2)
    assert taken_back(desk) == [AT_UPLOAD]
    assert sms_of(desk, "v1").isdisjoint({"planned", "queued"})
    assert "planned" in sms_of(desk, "v2")


def test_p6_a_worker_dies_over_a_no_and_another_notes_it_once(desk: Desk) -> None:
    class DiesOverIt(Rows):
        def take_in(self, connection: Connection, clinic_id: int, events: Any, now: Any) -> Any:
            super().take_in(connection, clinic_id, events, now)
            raise KeyboardInterrupt

    visitor = desk.client_as(Role.DESK)
    taken(desk, visitor, file_of(row(1)))
    at = checked(desk, visitor, file_of(row(1, visit="v8", texts="no", site="soul")))
    take(visitor, at)
    worker, number = Worker(desk), int(at.rpartition("/")[2])
    with pytest.raises(KeyboardInterrupt):
        Importer(worker.parts, DiesOverIt(desk.here.sending)).work_on([number])
    assert (of(desk, at).position, taken_back(desk)) == (0, [])
    assert worker.work(at) == 1
    assert (of(desk, at).noes, taken_back(desk)) == (1, [AT_SESSION])


def test_p3_another_clinics_patient_of_that_number_is_left_alone(desk: Desk) -> None:
    mine, theirs = desk.client_as(Role.DESK), desk.other.patients[0]
    at = taken(desk, mine, file_of(row(1, patient=f"{desk.other.marker}-p0", phone=desk.other.phones[0], texts="no",
                                       site="soul"), row(2)))  # fmt: skip
    assert (of(desk, at).noes, of(desk, at).wrong) == (0, 1)
    assert desk.sql("SELECT 1 FROM patients WHERE sms_consent AND id = :id", id=theirs)
