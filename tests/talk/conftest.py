"""The desk of the inbound tests, with a clock that the tests move."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service import time
from service.care.surveys import Answer, validate
from service.records import alerts, contacts
from service.records.library import library
from service.records.responses import Change, find, save
from tests.inbound.conftest import desk, inbound_postgres, postgresql_url  # noqa: F401
from tests.inbound.desk import PHONE, Desk, Tried

NOW = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)


@dataclass
class Talk:
    """A patient and a desk on one clock."""

    desk: Desk
    now: datetime = NOW

    def complete(self, **changes: Any) -> None:
        with time.held(self.now):
            self.desk.complete(**changes)

    def later(self, **amount: float) -> None:
        self.now += timedelta(**amount)

    def invite(self, step: str = "day1", patient: str = "p1", **later: float) -> Tried:
        """The invitation to a survey is handed over (a day after the session, unless told otherwise)."""
        self.later(**(later or {"days": 1}))
        with time.held(self.now):
            return self.desk.hand_over(step, patient=patient)

    def says(self, body: str, sender: str = PHONE, minutes: float = 1, **more: Any) -> list[str]:
        """A text from the patient; returns the texts planned in answer."""
        self.later(minutes=minutes)
        before = len(self.texts())
        with time.held(self.now):
            self.desk.says(body, sender, **more)
        return self.texts()[before:]

    def texts(self) -> list[str]:
        """What was planned in answer to anything: bodies, or the step where a template is filled in later."""
        rows = self.desk.sql("SELECT id, step, body FROM messages WHERE priority = 0 ORDER BY id")
        return [self.desk.sending.vault.open_optional(row.body, row.id) or row.step for row in rows]

    def session(self, name: str = "s1") -> int:
        return self.desk.sql("SELECT id FROM sessions WHERE external_id = :name", name=name)[0].id

    def response(self, survey: str = "S1", session: str = "s1") -> Any:
        session_id = self.session(session)
        return self.desk.run(lambda c: find(c, self.desk.sending.vault, session_id, survey))

    def answers(self, survey: str = "S1") -> dict[str, Any]:
        found = self.response(survey)
        return {} if found is None else dict(found.answers)

    def on_page(self, given: dict[str, Any], survey: str = "S1", finish: bool = False) -> None:
        questions = {one.id: one for one in library().surveys[survey].questions}
        read = {name: validate(questions[name], raw) for name, raw in given.items()}
        assert all(isinstance(one, Answer) for one in read.values()), read
        patient = self.desk.sql("SELECT id FROM patients WHERE external_id = 'p1'")[0].id
        change = Change(read, finish=finish)  # type: ignore[arg-type]
        vault, session_id = self.desk.sending.vault, self.session()
        self.desk.run(lambda c: save(c, vault, patient, session_id, survey, change, self.now))

    def contact(self, phone: str, name: str = "Dr Ann") -> Any:
        return self.desk.run(
            lambda c: contacts.add(c, self.desk.sending.vault, self.desk.clinic.id, name, phone, None, NOW)
        )

    def open_alerts(self) -> list[Any]:
        return self.desk.run(lambda c: alerts.page(c, self.desk.clinic.id, 0, 100, True))


@pytest.fixture
def talk(desk: Desk) -> Talk:  # noqa: F811
    made = Talk(desk)
    made.complete()
    return made
