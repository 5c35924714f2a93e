"""From an empty clinic to one that is live, through the real parts: nothing is green that has not happened."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import Connection
from twilio.request_validator import RequestValidator

from service import time
from service.app import create_app
from service.care.going_live import Step, missing
from service.care.roles import Role
from service.context import Context
from service.records import clinics, going_live, protocols, staff, staff_sessions
from service.records.database import reading
from tests.alerts.house import NOON
from tests.desk.desk import Visitor
from tests.house import House, completed, dumps
from tests.house import house as whole_house
from workers import listen

PHONE = "+12025550201"


def owner_of(house: House, app: Any) -> Visitor:
    def work(connection: Connection) -> str:
        made = staff.add(
            connection, house.parts.sending.vault, house.clinic.id, "Ada Ruiz", "ada@hill.example", Role.OWNER, NOON
        )
        staff.set_password(connection, made.id, "x")
        return staff_sessions.begin(connection, made.id, "Firefox on Linux", time.real_now())

    visitor = Visitor(app.test_client())
    token = house.run(work)
    with visitor.client.session_transaction("/desk/") as cookie:
        cookie["_user_id"] = token
    return visitor


def post_as_twilio(house: House, client: FlaskClient, path: str, form: dict[str, str], token: str = "") -> int:
    settings = house.parts.settings
    validator = RequestValidator(token or settings.twilio_auth_token.get_secret_value())
    headers = {"X-Twilio-Signature": validator.compute_signature(settings.public_url + path, form)}
    return client.post(path, data=form, headers=headers).status_code


def still_open(house: House) -> set[Step]:
    with reading(house.parts.engine) as connection:
        clinic = clinics.get(connection, house.clinic.id)
        return set(missing(going_live.checks(connection, house.parts.sending, clinic)))


def test_an_empty_clinic_comes_to_be_live(database_url: str, redis_url: str, tmp_path: Path) -> None:
    with whole_house(database_url, redis_url, tmp_path) as house, time.held(NOON):
        house.run(lambda c: c.execute(protocols.protocols.update().values(approved_at=None, approved_by=None)))
        app = create_app(house.parts.settings)
        here: Context = app.extensions["aftercare"]
        owner, provider = owner_of(house, app), app.test_client()
        assert still_open(house) == set(Step)
        assert "emergency" not in owner.get("/desk/settings").text
        house.run(lambda c: clinics.change(c, house.clinic.id, {"emergency_number": "999"}))
        assert "call 999 in an emergency" in owner.get("/desk/settings").text
        house.run(lambda c: clinics.change(c, house.clinic.id, {"emergency_number": "911"}))
        assert owner.post("/desk/settings/live").status_code == 422
        assert "Not live yet" in owner.get("/desk/today").text

        answer = owner.post(
            "/desk/settings/contacts", {"name": "Nurse Kim", "phone": PHONE, "email": "kim@hill.example"}
        )
        contact = answer.location
        for channel in ("sms", "email"):
            owner.post(f"{contact}/test", {"channel": channel})
        assert still_open(house) == set(Step), "asking for a test proves nothing"
        house.deliver_due()
        mail, text = sorted(house.handed_over(), key=lambda entry: entry.provider)
        assert text.to == PHONE
        assert "Tell Ada Ruiz this code" in text.body
        assert mail.to == "kim@hill.example"
        assert "test of the alerts" in (mail.subject or "")
        assert still_open(house) == set(Step), "that the provider took it neither"

        for entry in (text, mail):
            code = re.search(r"code: (\d{6})\.", entry.body)
            assert code is not None
            assert owner.post(f"{contact}/code", {"code": code[1]}).status_code == 303
        left = {Step.PROTOCOL, Step.RECEIPT, Step.SIGNATURE, Step.INBOUND, Step.EVENT}
        assert still_open(house) == left

        callback = str(text.status_callback).removeprefix(house.parts.settings.public_url)
        delivered = {"MessageSid": text.id, "MessageStatus": "delivered"}
        assert post_as_twilio(house, provider, callback, delivered, token="somebody-elses") == 403
        assert still_open(house) == left, "a forged receipt proves nothing"
        assert post_as_twilio(house, provider, callback, delivered) == 204
        left -= {Step.RECEIPT, Step.SIGNATURE}
        assert still_open(house) == left
        assert "The provider reported that it arrived." in owner.get(contact).text

        reply = {"MessageSid": "SM" + "a" * 32, "From": PHONE, "To": here.sending.sms_sender, "Body": "OK"}
        assert post_as_twilio(house, provider, "/twilio/inbound", reply) == 200
        [kept] = [row.id for row in house.sql("SELECT id FROM replies")]
        listen.handle(here.engine, here.sending, here.nudges, [kept])
        left -= {Step.INBOUND}
        assert still_open(house) == left

        status, _ = here.events(
            house.clinic.id, "by hand 1", dumps({"type": "session.completed", "data": completed(ended_at=NOON)})
        )
        assert status == 202
        left -= {Step.EVENT}
        assert still_open(house) == left == {Step.PROTOCOL}
        assert owner.post("/desk/settings/live").status_code == 422

        [version] = house.run(lambda c: protocols.of_clinic(c, house.clinic.id))
        house.run(lambda c: protocols.approve(c, version.id, "Dr Ann", NOON))
        assert still_open(house) == set()
        assert owner.post("/desk/settings/live").status_code == 303
        assert "Not live yet" not in owner.get("/desk/today").text
        assert "by Dr Ann" in owner.get("/desk/settings").text
        assert owner.post(f"{contact}/remove").status_code == 422, "P9: somebody stays"
        with reading(house.parts.engine) as connection:
            assert clinics.get(connection, house.clinic.id).went_live_at == NOON
        here.engine.dispose()


def test_one_signed_post_is_noted_and_no_more_for_an_hour(database_url: str, redis_url: str, tmp_path: Path) -> None:
    with whole_house(database_url, redis_url, tmp_path) as house, time.held(NOON):
        app = create_app(house.parts.settings)
        provider = app.test_client()
        form = {"MessageSid": "SM" + "b" * 32, "MessageStatus": "sent"}
        for _ in range(3):
            assert post_as_twilio(house, provider, "/twilio/status", form) == 204
        rows = house.sql("SELECT name, first_at, last_at FROM sightings")
        assert [row.name for row in rows] == ["sms_receipt"]
        house.sql("DELETE FROM sightings")
        post_as_twilio(house, provider, "/twilio/status", form)
        assert house.sql("SELECT name FROM sightings") == [], "it is not written with every post"
        app.extensions["aftercare"].engine.dispose()
