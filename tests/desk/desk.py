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
from service.care.roles import Role
from service.context import Context
from service.records import staff_sessions
from service.records.database import run
from tests.desk.practice import PASSWORD, Practice

Which = Literal["own", "other"]


@dataclass
class Visitor:
    """One browser. `post` sends the page's token along, as forms do."""

    client: FlaskClient

    def get(self, path: str, **more: Any) -> TestResponse:
        return self.client.get(path, **more)

    def post(self, path: str, data: dict[str, Any] | None = None, **more: Any) -> TestResponse:
        return self.client.post(path, data={"csrf_token": self.token(), **(data or {})}, **more)

    def token(self) -> str:
        """What the forms of this browser's pages carry. From a page that everybody can see."""
        page = self.client.get("/desk/login", follow_redirects=True).text
        found = re.search(r'name="csrf_token" value="([^"]+)"', page)
        assert found is not None
        return found[1]

    def sign_in(self, email: str, password: str = PASSWORD, **more: Any) -> TestResponse:
        return self.post("/desk/login", {"email": email, "password": password, **more})


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
        """Somebody of that role, signed in by the login page."""
        visitor = self.visitor()
        answer = visitor.sign_in(self.practice(which).emails[Role(role)])
        assert answer.status_code == 303, answer.text
        return visitor

    def browser_of(self, practice: Practice) -> int:
        """Another browser in which the clinic's owner is signed in."""
        person, now = practice.staff[Role.OWNER], time.real_now()

        def work(connection: Any) -> int:
            staff_sessions.begin(connection, person, "Firefox on Linux", now)
            return staff_sessions.of_staff(connection, person, now)[0].id

        return run(self.engine, work)

    def sql(self, statement: str, **values: Any) -> list[Any]:
        with self.engine.begin() as connection:
            result = connection.execute(text(statement), values)
            return list(result.all()) if result.returns_rows else []
