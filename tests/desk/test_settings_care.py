"""The clinic's own words on its care plan: kept as typed, shown as text, and looked at before they are saved."""

from __future__ import annotations

from html import unescape
from typing import Any

import pytest

from service.care.care_plan import Topic, advice, own_words, plan_of, prohibited_medicines
from service.care.roles import Role
from service.records import clinics
from service.records.database import reading, run
from tests.desk.desk import Desk
from tests.desk.test_settings import fields_of, noted

CARE = "/desk/settings/care"


def plan(desk: Desk) -> dict[str, Any]:
    with reading(desk.engine) as connection:
        return clinics.get(connection, desk.own.clinic_id).care_plan


def shown_mark(desk: Desk) -> dict[str, str]:
    return {"seen": fields_of(desk.client_as(Role.OWNER).get(CARE).text)["seen"]}


@pytest.mark.parametrize(
    ("kept", "words"),
    [
        ({"ice": "Cold is fine."}, {"en": "Cold is fine."}),
        ({"ice": {"en": "Cold.", "es": "Frio."}}, {"en": "Cold.", "es": "Frio."}),
        ({"comfort": {"ice": {"en": "Cold."}}}, {"en": "Cold."}),
        ({"ice": {"en": "  "}}, {}),
        ({}, {}),
    ],
)
def test_every_form_of_a_plan_can_be_edited(kept: dict[str, Any], words: dict[str, str]) -> None:
    assert own_words(kept, Topic.ICE, "en") == words
    made = plan_of({Topic.ICE: words}, ["other"])
    assert own_words(made, Topic.ICE, "en") == words
    assert prohibited_medicines(made) == {"other"}


def test_words_are_saved_and_shown_to_patients(desk: Desk) -> None:
    owner = desk.client_as(Role.OWNER)
    answer = owner.post(
        CARE, {**shown_mark(desk), "ice_en": "No ice.\nNot today.", "heat_es": "Calor si.",
               "prohibited": ["anti_inflammatory", "nonsense"]},
    )  # fmt: skip
    assert answer.status_code == 303
    said = advice(plan(desk), Topic.ICE, "en", "en")
    assert said is not None
    assert said.text.replace("\r", "") == "No ice.\nNot today."
    assert prohibited_medicines(plan(desk)) == {"anti_inflammatory"}
    page = owner.get(f"{CARE}/preview").text
    assert "No ice." in page
    assert "Ask us" in page, "of what it left blank"
    assert "Calor si." in owner.get(f"{CARE}/preview?lang=es").text
    assert noted(desk, "clinic.care_plan") == [f"clinic {desk.own.clinic_id}"]


def test_typed_words_are_looked_at_and_not_saved(desk: Desk) -> None:
    owner, before = desk.client_as(Role.OWNER), plan(desk)
    page = owner.post(f"{CARE}/preview", {"activity_en": "Walk a little.<script>alert(1)</script>"}).text
    assert "Walk a little.&lt;script&gt;" in page
    assert "<script>alert" not in page
    assert plan(desk) == before


def test_the_second_of_two_owners_keeps_their_words_and_overwrites_nothing(desk: Desk) -> None:
    mark = shown_mark(desk)
    desk.client_as(Role.OWNER).post(CARE, {**mark, "ice_en": "First."})
    answer = desk.client_as(Role.OWNER).post(CARE, {**mark, "ice_en": "Second."})
    assert answer.status_code == 422
    assert "Second." in answer.text
    assert own_words(plan(desk), Topic.ICE, "en") == {"en": "First."}


def test_hard_words_are_said_to_be_hard(light_desk: Desk) -> None:
    hard = "Administration of anti-inflammatory pharmaceuticals necessitates prior consultation regarding interactions."
    run(light_desk.engine, lambda c: clinics.change(c, light_desk.own.clinic_id, {"care_plan": {"medicines": hard}}))
    assert "Hard to read" in unescape(light_desk.client_as(Role.OWNER).get(CARE).text)


def test_p10_too_much_is_said_beside_the_field(light_desk: Desk) -> None:
    answer = light_desk.client_as(Role.OWNER).post(CARE, {**shown_mark(light_desk), "ice_en": "x" * 2001})
    assert answer.status_code == 422
    assert 'id="ice_en-error"' in answer.text
