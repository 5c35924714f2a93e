"""A session entered by hand: once, by the door of the clinic's own events, and every objection at its field."""

from __future__ import annotations

import re
import threading
from typing import Any

import pytest

from service import time
from service.care.roles import Role
from service.records import erasure, patients, sessions
from service.records.database import reading, run
from tests.desk.browser import DeskPage, check_page, check_shown
from tests.desk.desk import Desk, Visitor

NEW = "/desk/sessions/new"
SESSION = {
    "ended_at": "2026-03-10T11:00", "side": "", "pain": "", "source": "on paper", "protocol": "prolotherapy",
}  # fmt: skip


def drawn(visitor: Visitor, path: str) -> dict[str, str]:
    """What stands in the form as it was drawn, hidden or not."""
    page = visitor.get(path).text
    hidden = dict(re.findall(r'<input[^>]* name="(once|drawn_at|protocol)" type="hidden" value="([^"]*)"', page))
    assert {"once", "drawn_at"} <= hidden.keys()
    return hidden


def somebody(**changes: Any) -> dict[str, Any]:
    return {
        "given_name": "Ana", "phone": "(202) 555-0123", "language": "en", "ended_at": "2026-03-10T11:30",
        "site": "knee", "side": "left", "number": "2", "pain": "6", "protocol": "prolotherapy", "sms": "y",
        "source": "on paper", "wording": "I agree to texts.", **changes,
    }  # fmt: skip


def entered(desk: Desk) -> int:
    return int(desk.sql("SELECT count(*) FROM sessions WHERE external_id LIKE 'desk-%'")[0][0])


def test_a_new_patients_session_is_planned(desk: Desk) -> None:
    visitor = desk.client_as(Role.DESK)
    answer = visitor.post(NEW, somebody(**drawn(visitor, NEW)))
    assert answer.status_code == 303
    page = visitor.get(answer.location).text
    assert "Knee left" in page
    assert "Entered. What is planned" in page
    with reading(desk.engine) as connection:
        patient = patients.get(connection, desk.here.sending.vault, int(answer.location.rpartition("/")[2]))
        [session] = sessions.of_patient(connection, patient.id)
    assert (patient.given_name, patient.phone, patient.sms_consent) == ("Ana", "+12025550123", True)
    assert session.ended_at is not None
    assert session.ended_at.isoformat() == "2026-03-10T15:30:00+00:00"  # by the clinic's clock, in New York
    assert session.number == 2
    [consent] = desk.sql("SELECT wording, source FROM consents WHERE patient_id = :id", id=patient.id)
    assert tuple(consent) == ("I agree to texts.", f"on paper, noted by Desk {desk.own.marker}")
    [line] = desk.sql("SELECT subject FROM audit WHERE action = 'session.enter'")
    assert line[0] == f"patient {patient.id}"


def test_p2_pressed_twice_it_is_entered_once(desk: Desk) -> None:
    visitor = desk.client_as(Role.DESK)
    form = somebody(**drawn(visitor, NEW))
    first, second = visitor.post(NEW, form), visitor.post(NEW, form)
    assert first.location == second.location
    assert entered(desk) == 1
    assert "was entered before" in visitor.get(second.location).text
    changed = visitor.post(NEW, {**form, "given_name": "Another"})
    assert changed.location == first.location
    assert entered(desk) == 1


def test_p2_two_browsers_send_the_same_form_at_once(desk: Desk) -> None:
    visitor = desk.client_as(Role.DESK)
    form = somebody(**drawn(visitor, NEW))
    visitors = [desk.client_as(Role.DESK) for _ in range(4)]
    for one in visitors:
        one.token()
    codes: list[int] = []
    threads = [threading.Thread(target=lambda v=v: codes.append(v.post(NEW, form).status_code)) for v in visitors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [303] * 4
    assert entered(desk) == 1


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"phone": "12"}, "phone", "no phone number"),
        ({"phone": ""}, "phone", "agreed to texts, and there is no phone"),
        ({"mail": "y"}, "email", "agreed to e-mail, and there is no address"),
        ({"email": "nobody"}, "email", "no e-mail address"),
        ({"sms": ""}, "sms", "agreed to neither"),
        ({"wording": ""}, "wording", "Write down what they agreed to"),
        ({"ended_at": "2026-03-10T12:30"}, "ended_at", "That lies ahead"),
        ({"ended_at": "0001-01-01T00:00"}, "ended_at", "too far away"),
        ({"ended_at": ""}, "ended_at", "Fill this in"),
        ({"site": ""}, "site", "Choose one"),
        ({"number": "0"}, "number", "whole number from 1 to 100"),
        ({"number": "²"}, "number", "whole number from 1 to 100"),
        ({"next": "2026-03-01T10:00"}, "next", "after the session"),
        ({"zone": "Mars/Olympus"}, "zone", "no time zone"),
        ({"given_name": "  "}, "given_name", "Fill this in"),
        ({"protocol": "nothing"}, "protocol", "no protocol of this name"),
        ({"agreed_at": "2030-01-01T00:00"}, "agreed_at", "can have agreed"),
        ({"patient": "Rosalind-p0"}, "patient", "You have a patient of this number"),
        ({"phone": "+12025551100"}, "another", "Find them above, or tick this"),
    ],
)
def test_p10_what_is_wrong_is_said_at_its_field(
    light_desk: Desk, changes: dict[str, str], field: str, sentence: str
) -> None:
    visitor = light_desk.client_as(Role.DESK)
    answer = visitor.post(NEW, somebody(**drawn(visitor, NEW), **changes))
    assert answer.status_code == 422
    found = re.search(rf'<li><a href="#{field}">[^<]*</a>: ([^<]*)</li>', answer.text)
    assert found is not None, answer.text
    assert sentence in found[1]
    assert entered(light_desk) == 0


def test_somebody_who_shares_a_phone_is_taken_once_somebody_says_so(light_desk: Desk) -> None:
    visitor = light_desk.client_as(Role.DESK)
    form = somebody(**drawn(visitor, NEW), phone=light_desk.own.phones[0], another="y")
    assert visitor.post(NEW, form).status_code == 303


def test_another_session_of_a_patient_on_record_needs_no_new_consent(desk: Desk) -> None:
    visitor, patient = desk.client_as(Role.DESK), desk.own.patients[1]
    path = f"/desk/patients/{patient}/session"
    before = desk.sql("SELECT count(*) FROM consents WHERE patient_id = :id", id=patient)
    assert "On record for: Texts, E-mail" in visitor.get(path).text
    answer = visitor.post(path, {**SESSION, "site": "knee", **drawn(visitor, path)})
    assert answer.status_code == 303, answer.text
    assert desk.sql("SELECT count(*) FROM consents WHERE patient_id = :id", id=patient) == before
    assert entered(desk) == 1
    # The earlier session of the same course gives way to it.
    assert "Followed by a later one" in visitor.get(answer.location).text


def test_p3_a_patient_who_withdrew_stays_withdrawn(desk: Desk) -> None:
    visitor, patient = desk.client_as(Role.DESK), desk.own.patients[1]
    for channel in ("sms", "email"):
        word = {"channel": channel, "word": "withdrawn", "how": "by phone", "at": "2026-03-09T10:00"}
        visitor.post(f"/desk/patients/{patient}/consent", {**word, "once": f"7{len(channel)}"})
    path = f"/desk/patients/{patient}/session"
    assert visitor.post(path, {**SESSION, "site": "hip", **drawn(visitor, path)}).status_code == 303
    rows = desk.sql(
        "SELECT m.state FROM messages m JOIN sessions s ON s.id = m.session_id WHERE s.external_id LIKE 'desk-%'"
    )
    assert rows
    assert {row.state for row in rows} <= {"cancelled", "skipped"}


def test_p8_an_erased_patient_is_not_brought_back(desk: Desk) -> None:
    visitor, vault = desk.client_as(Role.DESK), desk.here.sending.vault
    name = f"{desk.own.marker}-p0"
    run(desk.engine, lambda c: erasure.erase(c, vault, desk.own.clinic_id, name, time.now()))
    answer = visitor.post(NEW, somebody(**drawn(visitor, NEW), patient=name))
    assert answer.status_code == 422
    assert "This patient was erased" in answer.text


def test_finding_leads_to_the_form_of_the_one_who_was_found(light_desk: Desk) -> None:
    visitor = light_desk.client_as(Role.DESK)
    answer = visitor.post("/desk/sessions/find", {"wanted": f"{light_desk.own.marker}-p1"})
    assert answer.location == f"/desk/patients/{light_desk.own.patients[1]}/session"
    nobody = visitor.post("/desk/sessions/find", {"wanted": light_desk.other.phones[0]})
    assert "No patient of yours" in nobody.text


def test_readers_are_offered_nothing(light_desk: Desk) -> None:
    page = light_desk.client_as(Role.READER).get(f"/desk/patients/{light_desk.own.patients[0]}").text
    assert "another session" not in page
    assert "New session" not in page


@pytest.mark.slow
@pytest.mark.browser
def test_the_forms_look_and_read_well(desk_page: DeskPage) -> None:
    check_page(desk_page, NEW, "session-new")
    check_page(desk_page, f"/desk/patients/{desk_page.desk.own.patients[1]}/session", "session-another")


@pytest.mark.browser
def test_a_session_is_entered_by_keyboard_alone(desk_page: DeskPage) -> None:
    page, keys = desk_page.open(NEW), desk_page.page.keyboard

    def to(label: str) -> None:
        """Tab until the field has the focus."""
        wanted = page.get_by_label(label, exact=True)
        for _ in range(80):
            if wanted.evaluate("e => e === document.activeElement"):
                return
            keys.press("Tab")
        raise AssertionError(f"Tab does not come to {label}")

    to("Given name")
    keys.type("Ana")
    to("Where on the body")
    keys.type("Knee")
    to("Side")
    keys.type("Left")
    to("They agreed to texts")
    keys.press("Space")
    keys.press("Enter")
    page.wait_for_selector("#errors:focus")  # no phone: it is said, and the focus is there
    check_shown(desk_page, "session-new-errors")
    keys.press("Tab")
    keys.press("Enter")  # the line leads to its field
    assert page.get_by_label("Phone", exact=True).evaluate("e => e === document.activeElement")
    keys.type("202-555-0123")
    with page.expect_navigation():
        keys.press("Enter")
    assert "Knee left" in page.inner_text("main")
    assert entered(desk_page.desk) == 1
