"""Who is told of alerts: always somebody, in the clinic's order and by its times, at addresses that are read."""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from typing import Any

import pytest

from service import time
from service.care.lifecycle import Channel
from service.care.roles import Role
from service.care.urgency import Urgency
from service.records import clinics, contact_tests, contacts
from service.records.contacts import Contact, LastContact
from service.records.database import reading, run
from tests.desk.desk import Desk
from tests.desk.practice import NOW
from tests.desk.test_settings import everything, fields_of, noted
from tests.desk.test_today import ring
from workers import alerting

CONTACTS = "/desk/settings/contacts"


def people(desk: Desk) -> list[Contact]:
    with reading(desk.engine) as connection:
        return contacts.of_clinic(connection, desk.here.sending.vault, desk.own.clinic_id)


def live(desk: Desk) -> None:
    run(desk.engine, lambda c: clinics.change(c, desk.own.clinic_id, {"went_live_at": NOW}))


def add(desk: Desk, **fields: str) -> Any:
    return desk.client_as(Role.OWNER).post(CONTACTS, {"name": "Dr Ann", "phone": "+12025550201", **fields})


def code_of(desk: Desk, contact_id: int, channel: Channel = Channel.SMS) -> str:
    """As the phone shows it."""
    vault = desk.here.sending.vault
    table = contact_tests.message_rows
    with reading(desk.engine) as connection:
        row = connection.execute(
            table.select()
            .where(table.c.cause_id == contact_id, table.c.channel == channel, table.c.step.like("contact_test.%"))
            .order_by(table.c.id.desc())
        ).first()
    assert row is not None
    found = re.search(r"code: (\d{6})\.", vault.open(row.body, row.id))
    assert found is not None
    return found[1]


def test_p8_a_contact_is_added_and_their_addresses_are_sealed(desk: Desk) -> None:
    answer = add(desk, phone="(202) 555-0201", email="ann@hill.example", on_call="y")
    assert answer.status_code == 303
    made = people(desk)[-1]
    assert (made.name, made.phone, made.email, made.position, made.on_call) == (
        "Dr Ann", "+12025550201", "ann@hill.example", 2, True,
    )  # fmt: skip
    assert "2025550201" not in everything(desk)
    assert "ann@hill.example" not in everything(desk)
    assert noted(desk, "contact.add") == [f"contact {made.id}"]


@pytest.mark.parametrize(
    "fields",
    [
        {"name": ""},
        {"name": "Ann\r\nBcc: x@y.example"},
        {"phone": "", "email": ""},
        {"phone": "call me"},
        {"phone": "+1"},
        {"email": "ann"},
        {"email": "ann@hill.example\nBcc: x@y.example"},
        {"name": "A\x00"},
    ],
)
def test_p10_nobody_is_added_who_cannot_be_told(light_desk: Desk, fields: dict[str, str]) -> None:
    answer = add(light_desk, **fields)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert len(people(light_desk)) == 1


def test_the_order_is_changed(desk: Desk) -> None:
    add(desk)
    first, second = people(desk)
    owner = desk.client_as(Role.OWNER)
    owner.post(f"{CONTACTS}/{second.id}/move", {"to": "up"})
    assert [one.id for one in people(desk)] == [second.id, first.id]
    owner.post(f"{CONTACTS}/{second.id}/move", {"to": "up"})
    owner.post(f"{CONTACTS}/{second.id}/move", {"to": "down"})
    assert [one.id for one in people(desk)] == [first.id, second.id]


def test_p9_the_last_contact_of_a_live_clinic_stays(desk: Desk) -> None:
    owner = desk.client_as(Role.OWNER)
    live(desk)
    answer = owner.post(f"{CONTACTS}/{desk.own.contact}/remove")
    assert answer.status_code == 422
    assert "add another contact first" in answer.text
    add(desk)
    assert owner.post(f"{CONTACTS}/{desk.own.contact}/remove").status_code == 303
    assert owner.post(f"{CONTACTS}/{people(desk)[0].id}/remove").status_code == 422
    assert len(people(desk)) == 1


def test_p9_two_who_remove_one_each_leave_one(desk: Desk) -> None:
    add(desk)
    live(desk)
    outcomes: list[str] = []

    def remove(contact_id: int) -> None:
        try:
            run(desk.engine, lambda c: contacts.remove(c, desk.own.clinic_id, contact_id, NOW))
            outcomes.append("removed")
        except LastContact:
            outcomes.append("stays")

    threads = [threading.Thread(target=remove, args=(one.id,)) for one in people(desk)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["removed", "stays"]
    assert len(people(desk)) == 1


def test_before_it_is_live_everybody_may_go(desk: Desk) -> None:
    assert desk.client_as(Role.OWNER).post(f"{CONTACTS}/{desk.own.contact}/remove").status_code == 303
    assert people(desk) == []
    assert "Nobody is told" in desk.client_as(Role.OWNER).get(CONTACTS).text


# Does it arrive?


def test_a_code_from_a_test_verifies_the_address_it_went_to(desk: Desk) -> None:
    owner, at = desk.client_as(Role.OWNER), f"{CONTACTS}/{desk.own.contact}"
    owner.post(f"{at}/test", {"channel": "sms"})
    code = code_of(desk, desk.own.contact)
    assert code not in everything(desk), "the text is sealed"
    assert code not in owner.get(at).text
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    assert owner.post(f"{at}/code", {"code": wrong}).status_code == 422
    assert people(desk)[0].phone_verified_at is None
    assert owner.post(f"{at}/code", {"code": f"{code[:3]} {code[3:]}"}).status_code == 303
    assert people(desk)[0].phone_verified_at == NOW
    assert people(desk)[0].email_verified_at is None
    assert noted(desk, "contact.verified") == [f"contact {desk.own.contact}"]


def test_codes_are_not_guessed(light_desk: Desk) -> None:
    owner, at = light_desk.client_as(Role.OWNER), f"{CONTACTS}/{light_desk.own.contact}"
    owner.post(f"{at}/test", {"channel": "sms"})
    tries = [owner.post(f"{at}/code", {"code": f"{number:06}"}).status_code for number in range(11)]
    assert tries == [422] * 10 + [429]


def test_p2_impatient_fingers_send_one_test(desk: Desk) -> None:
    owner, at = desk.client_as(Role.OWNER), f"{CONTACTS}/{desk.own.contact}"
    for _ in range(3):
        assert owner.post(f"{at}/test", {"channel": "sms"}).status_code == 303
    [row] = desk.sql("SELECT count(*) AS n FROM messages WHERE cause_id = :c", c=desk.own.contact)
    assert row.n == 1
    with time.held(NOW + timedelta(minutes=1)):
        owner.post(f"{at}/test", {"channel": "sms"})
    assert desk.sql("SELECT count(*) AS n FROM messages WHERE cause_id = :c", c=desk.own.contact)[0].n == 2


def test_a_code_grows_old_and_the_latest_counts(desk: Desk) -> None:
    owner, at = desk.client_as(Role.OWNER), f"{CONTACTS}/{desk.own.contact}"
    owner.post(f"{at}/test", {"channel": "sms"})
    first = code_of(desk, desk.own.contact)
    with time.held(NOW + timedelta(hours=24)):
        assert owner.post(f"{at}/code", {"code": first}).status_code == 422
        owner.post(f"{at}/test", {"channel": "sms"})
        second = code_of(desk, desk.own.contact)
        if first != second:
            assert owner.post(f"{at}/code", {"code": first}).status_code == 422
        assert owner.post(f"{at}/code", {"code": second}).status_code == 303


def test_another_address_has_to_be_tried_anew(desk: Desk) -> None:
    owner, at = desk.client_as(Role.OWNER), f"{CONTACTS}/{desk.own.contact}"
    owner.post(f"{at}/test", {"channel": "sms"})
    code = code_of(desk, desk.own.contact)
    owner.post(f"{at}/code", {"code": code})
    owner.post(at, {**fields_of(owner.get(at).text), "name": "Nurse Renamed"})
    assert people(desk)[0].phone_verified_at == NOW, "another name is no other phone"
    owner.post(at, {**fields_of(owner.get(at).text), "phone": "+12025550999"})
    assert people(desk)[0].phone_verified_at is None
    assert owner.post(f"{at}/code", {"code": code}).status_code == 422, "it went to the old number"


def test_p8_there_is_no_test_by_a_way_they_do_not_have(desk: Desk) -> None:
    owner = desk.client_as(Role.OWNER)
    assert owner.post(f"{CONTACTS}/{desk.own.contact}/test", {"channel": "email"}).status_code == 404
    assert owner.post(f"{CONTACTS}/{desk.other.contact}/test", {"channel": "sms"}).status_code == 404
    assert desk.sql("SELECT count(*) AS n FROM messages WHERE step LIKE 'contact_test%'")[0].n == 0


# When


def set_times(desk: Desk, **changes: str) -> Any:
    owner = desk.client_as(Role.OWNER)
    shown = {
        name: value for name, value in fields_of(owner.get(CONTACTS).text).items() if "_" in name or name == "seen"
    }
    return owner.post(f"{CONTACTS}/times", {**shown, **changes})


def told(desk: Desk, alert: int) -> list[str]:
    """Who was told, in order, by the rounds of the real escalation."""
    names = {one.id: one.name for one in people(desk)}
    rows = desk.sql(
        "SELECT step FROM messages WHERE cause_id = :a AND step LIKE 'alert_notice%' ORDER BY due_at, id", a=alert
    )
    return [names[int(row.step.rpartition(".")[2])] for row in rows]


def look(desk: Desk, minutes: int) -> None:
    """What a clock does at that moment."""
    with time.held(NOW + timedelta(minutes=minutes)):
        alerting.escalate(desk.here)  # type: ignore[arg-type]  # settings, engine and sending are all it asks for


def test_p9_the_real_alerting_keeps_the_clinic_s_times(desk: Desk) -> None:
    add(desk)
    assert set_times(desk, emergency_joins="3", emergency_repeat="7").status_code == 303
    alert = ring(desk, 1, Urgency.EMERGENCY, "chest_pain")
    nurse = f"Nurse {desk.own.marker}"
    look(desk, 0)
    assert told(desk, alert) == [nurse]
    look(desk, 2)
    assert told(desk, alert) == [nurse]
    look(desk, 3)
    assert sorted(told(desk, alert)[1:]) == ["Dr Ann", nurse], "the second after three minutes, not after five"
    look(desk, 9)
    assert len(told(desk, alert)) == 3
    look(desk, 10)
    assert len(told(desk, alert)) == 5, "everybody again after another seven"


def test_p9_what_rings_is_heard_sooner_and_never_later(desk: Desk) -> None:
    add(desk)
    alert = ring(desk, 1, Urgency.URGENT, "pus")
    look(desk, 0)

    def due() -> Any:
        return desk.sql("SELECT next_notice_at FROM alerts WHERE id = :a", a=alert)[0].next_notice_at

    before = due()
    set_times(desk, urgent_joins="60, 120", urgent_repeat="240")
    assert due() == before, "the round that stands is not put off"
    set_times(desk, urgent_joins="5, 10", urgent_repeat="30")
    assert due() < before
    look(desk, 5)
    assert "Dr Ann" in told(desk, alert)


@pytest.mark.parametrize(
    "changes",
    [
        {"emergency_joins": "5, 31"},
        {"emergency_joins": ""},
        {"emergency_joins": "soon"},
        {"emergency_joins": "10, 5"},
        {"emergency_repeat": "31"},
        {"emergency_repeat": "0"},
        {"emergency_repeat": "often"},
        {"urgent_joins": "121"},
        {"urgent_repeat": "999999999999"},
    ],
)
def test_p9_times_may_not_be_too_quiet(light_desk: Desk, changes: dict[str, str]) -> None:
    answer = set_times(light_desk, **changes)
    assert answer.status_code == 422
    assert re.search(r'id="\w+-error"', answer.text)
    with reading(light_desk.engine) as connection:
        assert clinics.get(connection, light_desk.own.clinic_id).escalation is None


def test_an_old_page_takes_back_nothing_of_a_contact(desk: Desk) -> None:
    owner, at = desk.client_as(Role.OWNER), f"{CONTACTS}/{desk.own.contact}"
    shown = fields_of(owner.get(at).text)
    for _ in range(2):  # a form that is sent twice is no other
        assert owner.post(at, {**shown, "phone": "+12025557777"}).status_code == 303
    answer = owner.post(at, {**shown, "on_call": "y"})
    assert answer.status_code == 422
    assert "after you opened it" in answer.text
    assert fields_of(answer.text)["phone"] == "+12025557777"
    assert (people(desk)[0].phone, people(desk)[0].on_call) == ("+12025557777", False)
    assert owner.post(at, {**fields_of(answer.text), "on_call": "y"}).status_code == 303
    assert (people(desk)[0].phone, people(desk)[0].on_call) == ("+12025557777", True)


def test_the_second_of_two_owners_is_told(desk: Desk) -> None:
    shown = fields_of(desk.client_as(Role.OWNER).get(CONTACTS).text)
    set_times(desk, emergency_joins="2")
    answer = desk.client_as(Role.OWNER).post(f"{CONTACTS}/times", {**shown, "emergency_joins": "4"})
    assert answer.status_code == 422
    assert "after you opened them" in answer.text
