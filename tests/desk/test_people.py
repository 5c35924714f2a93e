"""People and the audit: who may come in is the owners' to say, and what anybody read or changed can be found again."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta

import pytest
from sqlalchemy import Connection

from service import time
from service.care.roles import Role
from service.pages.desk import door, trail
from service.pages.desk.who import Who
from service.records import audit, clinics, staff
from service.records.database import run
from tests.desk.desk import Desk
from tests.desk.practice import NOW


def owner_of(desk: Desk, connection: Connection) -> Who:
    return Who(desk.own.staff[Role.OWNER], "Owner R", Role.OWNER, clinics.get(connection, desk.own.clinic_id), 0)


def lines(desk: Desk, action: str) -> list[tuple[str, str]]:
    rows = desk.sql("SELECT actor, subject FROM audit WHERE action = :action ORDER BY id", action=action)
    return [(row.actor, row.subject) for row in rows]


def test_somebody_is_invited_and_comes_in(desk: Desk) -> None:
    owner = desk.client_as(Role.OWNER)
    page = owner.post("/desk/people", {"name": "Ines Vidal", "email": "Ines@new.example", "role": "clinician"})
    link = re.search(r">https://care\.example(/desk/join/[^<]+)</textarea>", page.text)
    assert link is not None
    assert "Invited" in owner.get("/desk/people").text
    assert link[1] not in owner.get("/desk/people").text
    visitor = desk.visitor()
    assert visitor.post(link[1], {"password": "marble sunset canoe 7"}).status_code == 303
    assert "Ines Vidal" in visitor.get("/desk/you").text
    assert visitor.get("/desk/people").status_code == 403
    [(actor, subject)] = lines(desk, "staff.invite")
    assert actor == f"staff {desk.own.staff[Role.OWNER]} Owner Rosalind"
    assert subject.startswith("staff ")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "A\r\nSet-Cookie: x"}, "name"),
        ({"name": "A\x00B"}, "name"),
        ({"name": "x" * 121}, "name"),
        ({"email": "nobody"}, "email"),
        ({"email": "a@b.example\r\nBcc: c@d.example"}, "email"),
        ({"email": "owner@ROSALIND.example"}, "email"),
        ({"email": "owner@xanthippe.example"}, "email"),
        ({"role": "king"}, "role"),
        ({"role": ""}, "role"),
    ],
)
def test_p10_what_is_wrong_with_an_invitation_is_said_beside_the_field(
    desk: Desk, changes: dict[str, str], field: str
) -> None:
    owner = desk.client_as(Role.OWNER)
    before = desk.sql("SELECT count(*) AS n FROM staff")[0].n
    answer = owner.post("/desk/people", {"name": "Ines", "email": "ines@new.example", "role": "desk", **changes})
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert f'aria-describedby="{field}-error"' in answer.text
    assert desk.sql("SELECT count(*) AS n FROM staff")[0].n == before


def test_a_name_is_never_markup(light_desk: Desk) -> None:
    nasty = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7*7 }}"
    owner = light_desk.client_as(Role.OWNER)
    owner.post("/desk/people", {"name": nasty, "email": "nasty@new.example", "role": "owner"})
    [row] = light_desk.sql("SELECT id FROM staff WHERE name = :name", name=nasty)
    link = owner.post(f"/desk/people/{row.id}/link").text
    for page in (
        link,
        owner.get("/desk/people").text,
        owner.get(f"/desk/people/{row.id}").text,
        owner.get("/desk/audit").text,
    ):
        assert "<script>alert" not in page
        assert "<img" not in page
        assert "{{ 7*7 }}" in page


def test_the_last_owner_stays(desk: Desk) -> None:
    owner, me = desk.client_as(Role.OWNER), desk.own.staff[Role.OWNER]
    for path, data in (("role", {"role": "reader"}), ("disable", {})):
        answer = owner.post(f"/desk/people/{me}/{path}", data)
        assert answer.status_code == 422
        assert "needs an owner" in answer.text
    # Somebody who never chose a password is no owner who could open the door.
    page = owner.post("/desk/people", {"name": "Ines", "email": "ines@new.example", "role": "owner"})
    assert owner.post(f"/desk/people/{me}/role", {"role": "reader"}).status_code == 422
    link = re.search(r"(/desk/join/[^<]+)<", page.text)
    assert link is not None
    desk.visitor().post(link[1], {"password": "marble sunset canoe 7"})
    assert owner.post(f"/desk/people/{me}/role", {"role": "reader"}).status_code == 303
    assert owner.get("/desk/people").status_code == 403


def test_let_in_again_by_a_new_link_only(desk: Desk) -> None:
    owner, person = desk.client_as(Role.OWNER), desk.own.staff[Role.DESK]
    owner.post(f"/desk/people/{person}/disable")
    assert owner.post(f"/desk/people/{person}/link").status_code == 404, "not while shut out"
    page = owner.post(f"/desk/people/{person}/enable").text
    assert desk.visitor().sign_in(desk.own.emails[Role.DESK]).status_code == 422, "the old password is void"
    link = re.search(r"(/desk/join/[^<]+)<", page)
    assert link is not None
    assert desk.visitor().post(link[1], {"password": "marble sunset canoe 7"}).status_code == 303


def test_every_read_of_a_patient_is_in_the_audit(desk: Desk) -> None:
    with desk.app.test_request_context("/desk/"):
        patient = run(desk.engine, lambda c: door.reads(c, owner_of(desk, c), desk.own.patients[0]))
        assert patient.given_name == "Rosalind0"
    assert lines(desk, "patient.read") == [
        (f"staff {desk.own.staff[Role.OWNER]} Owner R", f"patient {desk.own.patients[0]}")
    ]


def test_p8_no_way_to_read_another_clinics_patient(desk: Desk) -> None:
    from werkzeug.exceptions import NotFound

    with desk.app.test_request_context("/desk/"), pytest.raises(NotFound):
        run(desk.engine, lambda c: door.reads(c, owner_of(desk, c), desk.other.patients[0]))
    assert lines(desk, "patient.read") == []


def fill_audit(desk: Desk, number: int) -> None:
    def work(connection: Connection) -> None:
        for place in range(number):
            actor = f"staff {desk.own.staff[Role.DESK]} Desk Rosalind" if place % 2 else "command line"
            at = NOW - timedelta(hours=place)
            audit.note(connection, desk.own.clinic_id, actor, "patient.read", f"patient {desk.own.patients[0]}", at)
        audit.note(connection, desk.other.clinic_id, "staff 1 Xanthippe", "patient.read", "patient 1", NOW)

    run(desk.engine, work)


def shown(text: str) -> int:
    return text.count("patient.read</code>")


def test_the_audit_is_searched(desk: Desk) -> None:
    fill_audit(desk, 40)
    owner = desk.client_as(Role.OWNER)

    def found(**asked: str) -> int:
        return shown(owner.get("/desk/audit", query_string=asked).text)

    assert found() == 40
    assert found(person="command line") == 20
    assert found(person=f"staff {desk.own.staff[Role.DESK]} Desk Rosalind", action="patient.read") == 20
    assert found(action="login") == 0
    assert found(patient="Rosalind-p0") == 40
    assert found(patient="Rosalind-p1") == 0
    assert found(since="2026-03-10") == 13, "midnight to noon where the clinic is"
    assert found(since="2026-03-09", until="2026-03-09") == 24
    subjects = [subject for _, subject in lines(desk, "audit.read")]
    assert subjects.count("audit") == 6
    assert [f"patient {one}" for one in desk.own.patients[:2]] == [one for one in subjects if one != "audit"]


def test_p10_a_search_that_makes_no_sense_says_so(desk: Desk) -> None:
    owner = desk.client_as(Role.OWNER)
    for asked in (
        {"patient": "Xanthippe-p0"}, {"patient": "a\x00b"}, {"since": "yesterday"}, {"action": "a\x00"},
        {"until": "9999-12-31"}, {"since": "0001-01-01"},
    ):  # fmt: skip
        answer = owner.get("/desk/audit", query_string=asked)
        assert answer.status_code == 422
        assert 'role="alert"' in answer.text
        assert owner.get("/desk/audit.csv", query_string=asked).status_code == 422
    for asked in (
        {"before": "x"},
        {"before": "2026-01-01 1"},
        {"before": f"{NOW.isoformat()} {2**70}"},
        {"before": "0001-01-01T00:00:00+14:00 5"},
        {"before": "9999-12-31T23:59:59-14:00 5"},
        {"person": "\x00"},
    ):
        assert owner.get("/desk/audit", query_string=asked).status_code == 200


def test_the_audit_is_paged_without_gap_or_double(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trail, "PAGE", 7)
    fill_audit(desk, 20)
    owner, seen = desk.client_as(Role.OWNER), []
    path = "/desk/audit?action=patient.read"
    for _ in range(10):
        page = owner.get(path).text
        seen += re.findall(r'<time datetime="([^"]+)"', page)
        older = re.search(r'href="([^"]+)" rel="next"', page)
        if older is None:
            break
        path = older[1].replace("&amp;", "&")
    assert len(seen) == len(set(seen)) == 20
    assert seen == sorted(seen, reverse=True)


def test_the_audit_is_downloaded(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trail, "_PART", 7)
    fill_audit(desk, 20)
    run(desk.engine, lambda c: audit.note(c, desk.own.clinic_id, "=cmd()", "patient.read", "@x", NOW))
    answer = desk.client_as(Role.OWNER).get("/desk/audit.csv?action=patient.read")
    assert answer.mimetype == "text/csv"
    rows = list(csv.reader(io.StringIO(answer.text)))
    assert rows[0] == ["at", "who", "action", "what"]
    assert len(rows) == 22
    assert ["'=cmd()", "patient.read", "'@x"] in [row[1:] for row in rows]
    assert "Xanthippe" not in answer.text
    assert lines(desk, "audit.download")


def test_two_owners_cannot_demote_each_other_at_once(desk: Desk) -> None:
    """The second waits for the first, and then finds itself the last."""
    run(desk.engine, lambda c: staff.set_role(c, desk.own.clinic_id, desk.own.staff[Role.CLINICIAN], Role.OWNER))
    run(desk.engine, lambda c: staff.set_role(c, desk.own.clinic_id, desk.own.staff[Role.OWNER], Role.READER))
    with pytest.raises(staff.LastOwner):
        run(desk.engine, lambda c: staff.set_role(c, desk.own.clinic_id, desk.own.staff[Role.CLINICIAN], Role.READER))


def test_what_people_enter_goes_in_like_what_clinics_post(desk: Desk) -> None:
    """P1, P2 and P10 of the one door through which sessions by hand and files come."""
    raw = b'{"type": "session.cancelled", "data": {"session": {"id": "Rosalind-s2"}}}'
    status, answer = desk.here.events(desk.own.clinic_id, "by hand 1", raw)
    assert status == 202
    assert desk.here.events(desk.own.clinic_id, "by hand 1", raw) == (status, answer)
    status, problem = desk.here.events(desk.own.clinic_id, "by hand 1", raw.replace(b"s2", b"s1"))
    assert (status, problem["title"]) == (409, "Key reused")
    assert desk.here.events(desk.own.clinic_id, "by hand 2", b"{")[0] == 400
    assert time.now() == NOW
