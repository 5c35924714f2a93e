"""The whole web application with two clinics behind it, and visitors who are signed in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, text
from werkzeug.test import TestResponse

from service import time
from service.care.columns import Columns
from service.care.lifecycle import Channel, Reason
from service.care.roles import Role
from service.context import Context
from service.records import doubts, drafts, imports, patients, staff_sessions, suppressions
from service.records.database import run
from tests.desk.practice import PASSWORD, Practice
from tests.house import PROTOCOL

Which = Literal["own", "other"]


@dataclass
class Visitor:
    """One browser. `post` sends the page's token along, as forms do."""

    client: FlaskClient
    _token: str = ""

    def get(self, path: str, **more: Any) -> TestResponse:
        return self.client.get(path, **more)

    def post(self, path: str, data: dict[str, Any] | None = None, **more: Any) -> TestResponse:
        return self.client.post(path, data={"csrf_token": self.token(), **(data or {})}, **more)

    def token(self) -> str:
        """What the forms of this browser's pages carry; kept, since it stays good until somebody else signs in."""
        if not self._token:
            # The smallest page that has one, before the door or behind it.
            page = self.client.get("/desk/login")
            page = page if page.status_code == 200 else self.client.get("/desk/you")
            found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
            assert found is not None
            self._token = found[1]
        return self._token

    def sign_in(self, email: str, password: str = PASSWORD, **more: Any) -> TestResponse:
        """By the login page, as people do."""
        answer = self.post("/desk/login", {"email": email, "password": password, **more})
        self._token = ""
        return answer


@dataclass
class Desk:
    """Two clinics; the tests are at home in `own`."""

    app: Flask
    own: Practice
    other: Practice

    @property
    def here(self) -> Context:
        found: Context = self.app.extensions["aftercare"]
        return found

    @property
    def engine(self) -> Engine:
        return self.here.engine

    def practice(self, which: Which = "own") -> Practice:
        return self.own if which == "own" else self.other

    def visitor(self) -> Visitor:
        """Somebody who is not signed in."""
        return Visitor(self.app.test_client())

    def client_as(self, role: Role | str, which: Which = "own") -> Visitor:
        """Somebody of that role, signed in: with a session on record and its cookie, without the password's work."""
        visitor, person = self.visitor(), self.practice(which).staff[Role(role)]
        token = run(self.engine, lambda c: staff_sessions.begin(c, person, "Firefox on Linux", time.real_now()))
        with visitor.client.session_transaction("/desk/") as cookie:
            cookie["_user_id"] = token  # where flask-login keeps it
        return visitor

    def browser_of(self, practice: Practice) -> int:
        """Another browser in which the clinic's owner is signed in."""
        person, now = practice.staff[Role.OWNER], time.real_now()

        def work(connection: Any) -> int:
            staff_sessions.begin(connection, person, "Firefox on Linux", now)
            return staff_sessions.of_staff(connection, person, now)[0].id

        return run(self.engine, work)

    def doubt_of(self, practice: Practice) -> int:
        """A number of the clinic's that gets no texts because its owner may have asked for that."""
        vault = self.here.sending.vault

        def work(connection: Any) -> int:
            phone = patients.get(connection, vault, practice.patients[1]).phone
            assert phone is not None
            of = (Channel.SMS, vault.index(phone), Reason.OPTED_OUT)
            suppressions.suppress(connection, practice.clinic_id, *of, "reply", time.now(), certain=False)
            return doubts.of_clinic(connection, vault, practice.clinic_id, 10)[-1].id

        return run(self.engine, work)

    def import_of(self, practice: Practice) -> int:
        """A file of the clinic's whose columns are still to be chosen."""
        vault, now = self.here.sending.vault, time.now()
        content = f"Patient,First name\r\n{practice.marker}-p9,{practice.marker}\r\n".encode()
        about = (practice.clinic_id, practice.staff[Role.OWNER], f"{practice.marker}.csv")

        def work(connection: Any) -> int:
            if there := imports.of_clinic(connection, vault, practice.clinic_id, 1):
                return there[0].id
            return imports.add(connection, vault, *about, content, 1, Columns().as_json(), now)

        return run(self.engine, work)

    def draft_of(self, practice: Practice) -> int:
        """A draft of the clinic's protocol."""

        def work(connection: Any) -> int:
            begun = drafts.of_clinic(connection, practice.clinic_id)
            if begun:
                return begun[0].id
            by = f"Clinician {practice.marker}"
            return drafts.add(connection, practice.clinic_id, "prolotherapy", PROTOCOL, by, time.now()).id

        return run(self.engine, work)

    def sql(self, statement: str, **values: Any) -> list[Any]:
        with self.engine.begin() as connection:
            result = connection.execute(text(statement), values)
            return list(result.all()) if result.returns_rows else []
