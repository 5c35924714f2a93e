"""Results out: JSON, CSV and FHIR R4 say the same, to the clinic that owns them and nobody else."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import Any

import pytest
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.observation import Observation
from fhir.resources.R4B.questionnaireresponse import QuestionnaireResponse
from sqlalchemy import select, update

from service import time
from service.care import fhir
from service.records import clinics
from service.records.database import reading, run
from service.records.reply_tables import responses
from service.records.results import START, parse_place
from service.records.tables import audit
from tests.fhir.conftest import Desk

S5 = {
    "peg_pain": 4,
    "peg_enjoyment": 5,
    "peg_activity": 7,
    "activity_name": "climb stairs",
    "activity": 6,
    "pgic": "much_better",
    "satisfaction": 9,
    "call": False,
}
S1 = {
    "pain": 6,
    "compared": "same",
    "swelling": "mild",
    "signs": ["none"],
    "medicine": ["acetaminophen", "other"],
    "call": True,
}


def _codes(resource: dict[str, Any]) -> str:
    return str(resource["code"]["coding"][0]["code"])


def test_answers_as_json(desk: Desk) -> None:
    row = desk.answered("S1", **S1)
    answer = desk.get("/v1/answers")
    [one] = answer.json["answers"]
    assert one["id"] == str(row)
    assert one["patient"] == {"id": "=ana"}
    assert one["session"] == {"id": "s-1"}
    assert one["answers"] == S1
    assert desk.get(f"/v1/answers?after={answer.json['next']}").json["answers"] == []


def test_a_changed_response_comes_again_behind_the_cursor(desk: Desk) -> None:
    first, second = desk.answered("S1", **S1), desk.answered("S5", **S5)
    page = desk.get("/v1/answers?limit=1").json
    assert [one["id"] for one in page["answers"]] == [str(first)]
    rest = desk.get(f"/v1/answers?after={page['next']}").json
    assert [one["id"] for one in rest["answers"]] == [str(second)]
    run(
        desk.here.engine,
        lambda c: c.execute(update(responses).where(responses.c.id == first).values(changed_at=time.now())),
    )
    again = desk.get(f"/v1/answers?after={rest['next']}").json
    assert [one["id"] for one in again["answers"]] == [str(first)]


@pytest.mark.parametrize(
    "after", ["x", "-1", "1-", "-", "1-2-3", "9" * 30, "1-" + "9" * 30, "²-1", "99999999999999999999-1"]
)
def test_bad_cursors_are_refused(desk: Desk, after: str) -> None:
    """P10"""
    for path in ("/v1/answers", "/v1/fhir/Observation"):
        assert (
            desk.get(
                path,
            ).status_code
            == 200
        )
        answer = desk.client.get(path, query_string={"after": after}, headers={"Authorization": f"Bearer {desk.key}"})
        assert answer.status_code == 400
    assert desk.get("/v1/answers?limit=0").status_code == 400
    assert desk.get("/v1/fhir/Observation?_count=1001").status_code == 400


def test_cursors_read_back() -> None:
    assert parse_place("0") == START
    assert str(parse_place("1700000000000000-5")) == "1700000000000000-5"


def test_nobody_else_reads_them(desk: Desk) -> None:
    row = desk.answered("S1", **S1)
    fields = {"name": "Dale", "display_name": "Dale", "phone": "202 555 0101"}
    other = run(desk.here.engine, lambda c: clinics.new_api_key(c, clinics.add(c, fields, time.now()).id, time.now()))
    theirs = {"Authorization": f"Bearer {other}"}
    assert desk.client.get("/v1/answers", headers=theirs).json["answers"] == []
    assert desk.client.get(f"/v1/fhir/QuestionnaireResponse/{row}", headers=theirs).status_code == 404
    assert "entry" not in desk.client.get("/v1/fhir/Observation", headers=theirs).json
    paths = ("answers", "answers.csv", "fhir/Observation", "fhir/QuestionnaireResponse", "webhook-events")
    for path in paths:
        assert desk.client.get("/v1/" + path).status_code == 401


def test_reads_are_noted_without_what_was_read(desk: Desk) -> None:
    row = desk.answered("S1", **S1)
    desk.get("/v1/answers")
    with reading(desk.here.engine) as connection:
        [line] = connection.execute(select(audit)).all()
    assert line.action == "answers.read"
    assert line.subject == f"answers {row} to {row} (1)"


def test_a_session_read_is_noted_with_its_patient(desk: Desk) -> None:
    """P8: the site, the moments and every message are of a patient, whom the audit is searched for."""
    assert desk.get("/v1/sessions/nobody's").status_code == 404
    assert desk.get("/v1/sessions/s-1").status_code == 200
    with reading(desk.here.engine) as connection:
        [line] = connection.execute(select(audit)).all()
    assert (line.actor, line.action, line.subject) == ("api", "session.read", f"patient {desk.patient_id}")


FORMULAS = ["=1+1", "+1", "-2", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1+1", '=HYPERLINK("https://x")']


@pytest.mark.parametrize("accept", [None, "text/csv"])
def test_csv_runs_nothing(desk: Desk, accept: str | None) -> None:
    for number, words in enumerate(FORMULAS):
        desk.answered(f"X{number}", activity_name=words, pain=-3, call=True, signs=["fever", "pus"])
    answer = desk.get("/v1/answers.csv") if accept is None else desk.get("/v1/answers", Accept=accept)
    assert answer.content_type == "text/csv; charset=utf-8"
    lines = list(csv.DictReader(io.StringIO(answer.get_data(as_text=True), newline="")))
    assert [line["answer"] for line in lines if line["question"] == "activity_name"] == ["'" + one for one in FORMULAS]
    assert {line["patient"] for line in lines} == {"'=ana"}
    assert {line["answer"] for line in lines if line["question"] == "signs"} == {"fever; pus"}
    assert {line["answer"] for line in lines if line["question"] == "call"} == {"yes"}
    assert {line["answer"] for line in lines if line["question"] == "pain"} == {"-3"}  # a number, not words
    assert 'rel="next"' in answer.headers["Link"]


def test_questionnaire_responses_are_valid_r4(desk: Desk) -> None:
    desk.answered("S1", **S1)
    desk.answered("S5", completed=False, **S5)
    desk.answered("GONE", old_question=["a"], note="words", n=3)
    answer = desk.get("/v1/fhir/QuestionnaireResponse")
    assert answer.content_type == "application/fhir+json"
    bundle = Bundle.model_validate(answer.json)
    assert bundle.type == "searchset"
    first, second, third = (QuestionnaireResponse.model_validate(one["resource"]) for one in answer.json["entry"])
    assert (first.status, second.status) == ("completed", "in-progress")
    assert first.subject.identifier.value == "=ana"
    assert [item.linkId for item in first.item] == ["pain", "compared", "swelling", "signs", "medicine", "call"]
    assert first.item[0].answer[0].valueInteger == 6
    assert first.item[5].answer[0].valueBoolean is True
    assert [one.valueCoding.code for one in first.item[4].answer] == ["acetaminophen", "other"]
    assert first.item[3].answer[0].valueCoding.display == "None of these"
    assert [item.linkId for item in third.item] == ["old_question", "note", "n"]
    one = desk.get(f"/v1/fhir/QuestionnaireResponse/{first.id}")
    assert one.json == answer.json["entry"][0]["resource"]


def test_observations_are_valid_r4_with_their_codes(desk: Desk) -> None:
    desk.answered("S1", **S1)
    desk.answered("S5", **S5)
    answer = desk.get("/v1/fhir/Observation")
    Bundle.model_validate(answer.json)
    found = {_codes(one["resource"]): Observation.model_validate(one["resource"]) for one in answer.json["entry"]}
    assert set(found) == {"72514-3", "91148-7", "91147-9", "psfs", "pgic"}
    assert found["72514-3"].valueQuantity.value == 6
    parts = {one.code.coding[0].code: one.valueQuantity.value for one in found["91148-7"].component}
    assert parts == {"75893-8": 4, "91145-3": 5, "91146-1": 7}
    assert float(found["91147-9"].valueQuantity.value) == pytest.approx(5.33)
    assert found["91147-9"].derivedFrom[0].reference == f"Observation/{found['91148-7'].id}"
    assert found["pgic"].valueInteger == 2
    assert found["pgic"].code.coding[0].system == "urn:aftercare:codes"
    assert {one.status for one in found.values()} == {"final"}
    for one in answer.json["entry"]:
        assert desk.get(one["fullUrl"].removeprefix("https://care.example")).json == one["resource"]


def test_a_partial_peg_has_no_mean(desk: Desk) -> None:
    desk.answered("S5", completed=False, peg_pain=4)
    [one] = desk.get("/v1/fhir/Observation").json["entry"]
    assert _codes(one["resource"]) == "91148-7"
    assert one["resource"]["status"] == "preliminary"


def test_the_next_link_leads_through_everything_once(desk: Desk) -> None:
    ids = [str(desk.answered(f"S{number}", pain=number)) for number in range(5)]
    path, seen = "/v1/fhir/QuestionnaireResponse?_count=2", []
    for _ in range(5):
        bundle = desk.get(path).json
        seen += [one["resource"]["id"] for one in bundle.get("entry", [])]
        following = [link["url"] for link in bundle["link"] if link["relation"] == "next"]
        if not following:
            break
        path = following[0].removeprefix("https://care.example")
    assert seen == ids


@pytest.mark.parametrize(
    "path",
    [
        "QuestionnaireResponse/x",
        "QuestionnaireResponse/1",
        "Observation/1-pain",
        "Observation/²-x",
        "QuestionnaireResponse/" + "9" * 40,
    ],
)
def test_unknown_resources_are_404(desk: Desk, path: str) -> None:
    assert desk.get("/v1/fhir/" + path).status_code == 404


def test_an_empty_response_is_valid() -> None:
    filled = fhir.Filled("1", "p", "s", "S1", datetime(2026, 1, 1, tzinfo=UTC), False, {})
    QuestionnaireResponse.model_validate(fhir.questionnaire_response(filled, None))
    Bundle.model_validate(fhir.bundle([], "https://x", {"self": "https://x/a"}))
