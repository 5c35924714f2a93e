"""Files of sessions for installations to take in."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from service import time
from service.care.columns import Columns, Field
from service.care.roles import Role
from service.care.written_times import DateOrder
from service.records import imports, staff
from service.records.imports import Import
from tests.promises.installation import Installation
from tests.promises.population import daytime

_HEADER = "Patient,Phone,Ended"


def upload(place: Installation, lines: Sequence[str]) -> int:
    """A file of the lines `patient,phone,ended`, every row of which is to be tried."""
    clinic, vault, now = place.h.clinic.id, place.h.parts.sending.vault, time.now()
    content = "\n".join([_HEADER, *lines]).encode()
    meant = Columns(
        {Field.PATIENT: 0, Field.SESSION: 0, Field.GIVEN_NAME: 0, Field.PHONE: 1, Field.ENDED_AT: 2},
        {
            Field.SITE: "hip",
            Field.PROTOCOL: "prolotherapy",
            Field.ZONE: daytime(),
            Field.SMS: "yes",
            Field.WORDING: "I agree.",
            Field.SOURCE: "on paper",
        },
        DateOrder.YEAR_FIRST,
        agreed_at_session=True,
    ).as_json()

    def work(connection: Connection) -> int:
        ada = staff.add(connection, vault, clinic, "Ada", "ada@clinic.example", Role.OWNER, now)
        made = imports.add(connection, vault, clinic, ada.id, "a.csv", content, len(lines), meant, now)
        assert imports.begin_check(connection, clinic, made, meant, now)
        return made

    made: int = place.h.run(work)
    return made


def of(place: Installation, import_id: int) -> Import:
    vault = place.h.parts.sending.vault
    found: Import = place.h.run(lambda c: imports.get(c, vault, place.h.clinic.id, import_id))
    return found


def press(place: Installation, import_id: int) -> None:
    """Let what was tried be taken in."""
    assert place.h.run(lambda c: imports.begin_taking(c, place.h.clinic.id, import_id, time.now()))
