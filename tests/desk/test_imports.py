"""Sessions by file: tried before anything is entered, taken in once whatever happens, and let go of afterwards."""

from __future__ import annotations

import csv
import io
import os
import re
import threading
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import expect
from sqlalchemy import Connection
from werkzeug.test import TestResponse

from service import time
from service.api.inside import Rows
from service.care import rows, sheet
from service.care.roles import Role
from service.nudges import QueueName
from service.pages.desk import forms
from service.parts import Parts
from service.records import erasure, imports
from service.records.database import run
from service.records.imports import Phase
from tests.desk.browser import DeskPage, check_page, check_shown
from tests.desk.desk import Desk, Visitor
from tests.desk.practice import NOW, Silent
from workers.clock import Clock
from workers.importing import TAKEN_AT_ONCE, Importer

HEADER = "Patient,First name,Mobile,Session date,Site,Visit id,Texts,Consent date"
SAID = {
    "column-patient": "0", "column-given_name": "1", "column-phone": "2", "column-ended_at": "3", "column-site": "4",
    "column-session": "5", "column-sms": "6", "column-agreed_at": "7", "order": "year",
    "fixed-wording": "I agree to texts.", "fixed-source": "on paper", "fixed-protocol": "prolotherapy",
}  # fmt: skip


def row(number: int, **changes: str) -> str:
    cells = {
        "patient": f"p{number}", "name": "Ana", "phone": f"+1202555{3000 + number:04}", "date": "2026-03-09 14:05",
        "site": "left knee", "visit": f"v{number}", "texts": "yes", "agreed": "2026-03-01",
    }  # fmt: skip
    return ",".join({**cells, **changes}.values())


def file_of(*rows: str) -> bytes:
    return "\r\n".join([HEADER, *rows, ""]).encode()


def upload(visitor: Visitor, content: bytes, name: str = "march.csv") -> Any:
    return visitor.post("/desk/imports", {"file": (io.BytesIO(content), name)}, content_type="multipart/form-data")


class Worker:
    """What `aftercare worker --queue imports` runs, in this process."""

    def __init__(self, desk: Desk) -> None:
        here = desk.here
        self.parts = Parts(here.settings, here.engine, here.sending, Silent())  # type: ignore[arg-type]
        self.door = Rows(here.sending)

    def work(self, at: str) -> int:
        return Importer(self.parts, self.door).work_on([int(at.rpartition("/")[2])])


class Dies(Rows):
    """The door at which a worker dies over the second part: nothing of the part is committed."""

    def take_in(self, connection: Connection, clinic_id: int, events: Any, now: Any) -> Any:
        outcome = super().take_in(connection, clinic_id, events, now)
        if not any(key == "entered v0" for key, _ in events):
            raise KeyboardInterrupt
        return outcome


def checked(desk: Desk, visitor: Visitor, content: bytes, **said: str) -> str:
    """A file uploaded, mapped and tried; where its page is."""
    answer = upload(visitor, content)
    assert answer.status_code == 303, answer.text
    assert visitor.post(f"{answer.location}/columns", {**SAID, **said}).status_code == 303
    Worker(desk).work(answer.location)
    return str(answer.location)


def seen(visitor: Visitor, at: str) -> dict[str, str]:
    """What the form of the page sends along; nothing where it shows none."""
    found = re.search(r'name="seen" value="(\w+)"', visitor.get(at).text)
    return {"seen": found[1]} if found else {}


def take(visitor: Visitor, at: str) -> TestResponse:
    return visitor.post(f"{at}/take", seen(visitor, at))


def taken(desk: Desk, visitor: Visitor, content: bytes, **said: str) -> str:
    at = checked(desk, visitor, content, **said)
    assert take(visitor, at).status_code == 303
    Worker(desk).work(at)
    return at


def of(desk: Desk, at: str) -> imports.Import:
    number = int(at.rpartition("/")[2])
    return run(desk.engine, lambda c: imports.get(c, desk.here.sending.vault, desk.own.clinic_id, number))


def counts(desk: Desk) -> tuple[int, int, int]:
    """Sessions that came by a file, the messages planned for them, and patients."""
    found = [
        desk.sql("SELECT count(*) FROM sessions WHERE external_id LIKE 'v%'"),
        desk.sql(
            "SELECT count(*) FROM messages m JOIN sessions s ON s.id = m.session_id WHERE s.external_id LIKE 'v%'"
        ),
        desk.sql("SELECT count(*) FROM patients WHERE external_id LIKE 'p%'"),
    ]
    return tuple(int(rows[0][0]) for rows in found)  # type: ignore[return-value]


def problems(visitor: Visitor, at: str) -> list[list[str]]:
    text = visitor.get(f"{at}/problems.csv").text
    assert text.startswith("\ufeff")
    return list(csv.reader(io.StringIO(text[1:])))[1:]


def test_a_dry_run_enters_nothing_and_shows_every_rows_problem(desk: Desk) -> None:
    visitor = desk.client_as(Role.DESK)
    content = file_of(
        row(1), row(2, phone="12"), row(3, date="soon"), "", row(4, site="soul", texts=""), row(5, visit="v1"),
        row(6, patient=f"{desk.own.marker}-p0", visit=f"{desk.own.marker}-s1"),
    )  # fmt: skip
    at = checked(desk, visitor, content)
    assert counts(desk) == (0, 0, 0)
    assert [(one[0], one[1]) for one in problems(visitor, at)] == [
        ("3", "Phone (column C)"),
        ("4", "When the session ended (column D)"),
        ("6", "Where on the body (column E)"),
        ("6", "Agreed to texts (column G)"),
        ("7", "Your number for the session (column F)"),
        ("8", "Your number for the session (column F)"),
    ]
    page = visitor.get(at).text
    assert "1 row can be taken in" in page
    assert "5 with a problem" in page
    assert "Row 2 tells of the same session." in page
    assert "Another patient has a session of this number." in page
    assert "ended <time" in page  # the first row as it was read
    assert (of(desk, at).taken, of(desk, at).wrong) == (1, 5)


def test_what_is_wrong_is_kept_step_by_step_and_read_from_any_row_on(desk: Desk) -> None:
    """A step that opened and sealed again what was found before it would take longer with each."""
    visitor = desk.client_as(Role.DESK)
    size = TAKEN_AT_ONCE * 3
    at = checked(desk, visitor, file_of(row(0), *(row(number, phone="12", texts="no") for number in range(1, size))))
    assert desk.sql("SELECT last_row FROM import_problems") == [(size + 1,)]
    take(visitor, at)
    assert problems(visitor, at) == []  # those of the dry run
    Worker(desk).work(at)
    steps = desk.sql("SELECT last_row, body FROM import_problems ORDER BY last_row")
    assert [step.last_row for step in steps] == [TAKEN_AT_ONCE * number + 1 for number in (1, 2, 3)]
    assert max(len(step.body) for step in steps) < 1.5 * min(len(step.body) for step in steps)
    assert [one[0] for one in problems(visitor, at)] == [str(number + 2) for number in range(1, size)]
    page = visitor.get(f"{at}?after=120").text
    assert re.findall(r'<th scope="row" data-label="Row">(\d+)', page) == [str(number) for number in range(121, 171)]
    assert f'"{at}?after=170"' in page
    last = visitor.get(f"{at}?after={size}").text
    assert re.findall(r'<th scope="row" data-label="Row">(\d+)', last) == [str(size + 1)]
    assert "Further rows" not in last


def test_p2_the_same_file_again_changes_nothing(desk: Desk) -> None:
    visitor = desk.client_as(Role.DESK)
    content = file_of(*(row(number) for number in range(1, 6)))
    at = taken(desk, visitor, content)
    before = counts(desk)
    assert before[0] == before[2] == 5
    assert before[1] > 0
    assert of(desk, at).taken == 5
    again = taken_or_checked(desk, visitor, content)
    assert counts(desk) == before
    assert (of(desk, again).taken, of(desk, again).already, of(desk, again).wrong) == (0, 5, 0)
    assert "5 already there" in visitor.get(again).text


def taken_or_checked(desk: Desk, visitor: Visitor, content: bytes) -> str:
    """As far as it goes: where there is nothing to take in, no button offers it."""
    at = checked(desk, visitor, content)
    assert "Take in" not in visitor.get(at).text
    # And whoever sends the form all the same changes nothing.
    visitor.post(f"{at}/take", {"seen": forms.mark(of(desk, at).mapping)})
    Worker(desk).work(at)
    return at


def test_without_a_number_the_same_patient_time_and_place_is_the_same_session(desk: Desk) -> None:
    visitor = desk.client_as(Role.DESK)
    content = file_of(row(1), row(2))
    said = {"column-session": ""}
    taken(desk, visitor, content, **said)
    again = taken(desk, visitor, content, **said)
    assert (of(desk, again).taken, of(desk, again).already) == (0, 2)
    assert desk.sql("SELECT count(*) FROM sessions WHERE external_id LIKE 'entered-%'")[0][0] == 2


def test_a_mended_file_takes_in_the_rest_and_changes_no_session(desk: Desk) -> None:
    visitor = desk.client_as(Role.DESK)
    taken(desk, visitor, file_of(row(1), row(2, phone="12")))
    at = taken(desk, visitor, file_of(row(1, name="Changed"), row(2), row(3, visit="v1")))
    assert (of(desk, at).taken, of(desk, at).already, of(desk, at).wrong) == (1, 1, 1)
    later = taken(desk, visitor, file_of(row(1, date="2026-03-09 15:05")))
    assert problems(visitor, later)[0][2] == "The session is on record with another time. Nothing was changed."


def consent_of(desk: Desk) -> tuple[bool, list[tuple[str, str, str]]]:
    [on_record] = desk.sql("SELECT sms_consent FROM patients WHERE external_id = 'p1'")
    lines = desk.sql(
        "SELECT c.action, c.channel, c.source FROM consents c JOIN patients p ON p.id = c.patient_id "
        "WHERE p.external_id = 'p1' ORDER BY c.at, c.id"
    )
    return bool(on_record[0]), [(line.action, line.channel, line.source) for line in lines]


def test_p3_a_no_withdraws_and_nothing_more_is_sent(desk: Desk) -> None:
    visitor = desk.client_as(Role.DESK)
    taken(desk, visitor, file_of(row(1)))
    at = taken(desk, visitor, file_of(row(1, visit="v8", date="2026-03-09 16:05", texts="no")))
    assert of(desk, at).taken == 1
    assert consent_of(desk) == (False, [("granted", "sms", "on paper"), ("revoked", "sms", "on paper")])
    later = desk.sql(
        "SELECT DISTINCT m.state, m.reason FROM messages m JOIN sessions s ON s.id = m.session_id "
        "WHERE s.external_id = 'v8' AND m.channel = 'sms'"
    )
    assert [one.state for one in later] == ["skipped"]


def sms_of(desk: Desk, session: str) -> set[str]:
    """The states of what is planned for it by text."""
    found = desk.sql(
        "SELECT DISTINCT m.state FROM messages m JOIN sessions s ON s.id = m.session_id "
        "WHERE s.external_id = :session AND m.channel = 'sms'",
        session=session,
    )
    return {one.state for one in found}


def test_p3_a_no_for_a_session_on_record_withdraws_and_is_counted(desk: Desk) -> None:
    visitor = desk.client_as(Role.DESK)
    taken(desk, visitor, file_of(row(1), row(2)))
    assert "planned" in sms_of(desk, "v1")
    content = file_of(row(1, texts="no"), row(2), row(3))
    at = checked(desk, visitor, content)
    # Tried, nothing is taken back yet.
    assert consent_of(desk) == (True, [("granted", "sms", "on paper")])
    assert (of(desk, at).taken, of(desk, at).noes, of(desk, at).already, of(desk, at).wrong) == (1, 1, 1, 0)
    page = visitor.get(at).text
    assert "2 rows can be taken in" in page
    assert "1 of which only a new no to texts or e-mail counts" in page
    take(visitor, at)
    Worker(desk).work(at)
    assert (of(desk, at).taken, of(desk, at).noes, of(desk, at).already, of(desk, at).wrong) == (1, 1, 1, 0)
    assert consent_of(desk) == (False, [("granted", "sms", "on paper"), ("revoked", "sms", "on paper")])
    assert sms_of(desk, "v1").isdisjoint({"planned", "queued"})
    assert "planned" in sms_of(desk, "v2")
    # Once: the same file again finds every no in the ledger.
    again = taken_or_checked(desk, visitor, content)
    assert (of(desk, again).taken, of(desk, again).noes, of(desk, again).already) == (0, 0, 3)
    assert len(consent_of(desk)[1]) == 2


def test_p3_a_yes_for_a_session_on_record_gives_nothing_back(desk: Desk) -> None:
    visitor = desk.client_as(Role.DESK)
    taken(desk, visitor, file_of(row(1)))
    taken(desk, visitor, file_of(row(1, texts="no")))
    at = taken_or_checked(desk, visitor, file_of(row(1, texts="yes", agreed="2026-03-09 15:05")))
    assert (of(desk, at).noes, of(desk, at).already) == (0, 1)
    assert consent_of(desk) == (False, [("granted", "sms", "on paper"), ("revoked", "sms", "on paper")])
    assert sms_of(desk, "v1").isdisjoint({"planned", "queued"})


def test_a_no_for_a_session_on_record_takes_back_no_later_yes(desk: Desk) -> None:
    visitor = desk.client_as(Role.DESK)
    taken(desk, visitor, file_of(row(1, agreed="2026-03-09 14:06")))
    at = taken(desk, visitor, file_of(row(1, texts="no", agreed="")))
    assert of(desk, at).noes == 1
    assert consent_of(desk) == (True, [("revoked", "sms", "on paper"), ("granted", "sms", "on paper")])
    assert "planned" in sms_of(desk, "v1")


def test_p3_a_yes_of_the_sessions_very_moment_is_not_later_than_the_no(desk: Desk) -> None:
    """The clinic's system says the second, its file the minute."""
    visitor = desk.client_as(Role.DESK)
    moment = "2026-03-09 14:05:30"
    taken(desk, visitor, file_of(row(1, date=moment, agreed=moment)))
    assert of(desk, taken(desk, visitor, file_of(row(1, texts="no", agreed="")))).noes == 1
    assert consent_of(desk)[0] is False


def test_a_no_of_an_earlier_day_takes_back_no_later_yes(desk: Desk) -> None:
    visitor = desk.client_as(Role.DESK)
    taken(desk, visitor, file_of(row(1)))
    taken(desk, visitor, file_of(row(1, visit="v0", date="2026-02-09 16:05", texts="no", agreed="")))
    assert consent_of(desk) == (True, [("revoked", "sms", "on paper"), ("granted", "sms", "on paper")])


def test_what_is_on_record_from_a_later_day_stays(desk: Desk) -> None:
    """A row is as old as its session: it brings back no old number."""
    visitor = desk.client_as(Role.DESK)
    taken(desk, visitor, file_of(row(1)))
    taken(desk, visitor, file_of(row(1, visit="v0", date="2026-01-09 14:05", phone="+12025559999")))
    found = visitor.post("/desk/patients/find", {"wanted": "p1"})
    page = visitor.get(found.location).text
    assert "+12025553001" in page
    assert "+12025559999" not in page


def test_p6_a_worker_dies_in_the_middle_and_another_goes_on(desk: Desk) -> None:
    visitor = desk.client_as(Role.DESK)
    size = TAKEN_AT_ONCE * 3 + 7
    at = checked(desk, visitor, file_of(*(row(number) for number in range(size))))
    take(visitor, at)
    worker, number = Worker(desk), int(at.rpartition("/")[2])
    with pytest.raises(KeyboardInterrupt):
        Importer(worker.parts, Dies(desk.here.sending)).work_on([number])
    assert of(desk, at).position == TAKEN_AT_ONCE
    assert counts(desk)[0] == TAKEN_AT_ONCE
    assert worker.work(at) == size - TAKEN_AT_ONCE
    assert (of(desk, at).phase, of(desk, at).taken) == (Phase.FINISHED, size)
    assert counts(desk)[::2] == (size, size)


def test_p6_two_workers_at_one_file_take_every_row_in_once(desk: Desk) -> None:
    visitor = desk.client_as(Role.DESK)
    size = TAKEN_AT_ONCE * 3
    at = checked(desk, visitor, file_of(*(row(number) for number in range(size))))
    take(visitor, at)
    done: list[int] = []
    threads = [threading.Thread(target=lambda: done.append(Worker(desk).work(at))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(done) == size
    assert of(desk, at).taken == size
    assert counts(desk)[::2] == (size, size)


def test_two_people_press_at_once(desk: Desk) -> None:
    visitors = [desk.client_as(role) for role in (Role.DESK, Role.CLINICIAN, Role.OWNER)]
    at = checked(desk, visitors[0], file_of(row(1)))
    for one in visitors:
        one.token()
    page = seen(visitors[0], at)
    threads = [threading.Thread(target=lambda v=v: v.post(f"{at}/take", page)) for v in visitors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    Worker(desk).work(at)
    assert counts(desk)[0] == 1
    assert len(desk.sql("SELECT 1 FROM audit WHERE action = 'import.take'")) == 1
    told = [visitor.get(at).text for visitor in visitors]
    assert sum("Somebody had gone on with it before you" in page for page in told) == 2


def test_an_old_page_takes_in_nothing_that_is_read_otherwise_now(desk: Desk) -> None:
    """3 February on the page of the one, and 2 March since the other said that the day comes first."""
    one, other = desk.client_as(Role.DESK), desk.client_as(Role.CLINICIAN)
    at = checked(desk, one, file_of(row(1, date="02/03/2026 14:05", agreed="02/01/2026")), order="month")
    page = seen(one, at)
    other.post(f"{at}/columns", {**SAID, "order": "day"})
    Worker(desk).work(at)
    for old in (page, {}):
        answer = one.post(f"{at}/take", old, follow_redirects=True)
        assert "Somebody had gone on with it before you" in answer.text
        assert "2 Mar" in answer.text
        Worker(desk).work(at)
        assert (of(desk, at).phase, counts(desk)[0]) == (Phase.CHECKED, 0)
    take(one, at)
    Worker(desk).work(at)
    assert counts(desk)[0] == 1


def test_a_cancelled_import_stops_and_lets_go_of_the_file(desk: Desk) -> None:
    visitor = desk.client_as(Role.DESK)
    at = checked(desk, visitor, file_of(*(row(number) for number in range(TAKEN_AT_ONCE * 2))))
    take(visitor, at)

    worker = Worker(desk)

    class Presses(Silent):
        def wake_clock(self) -> None:
            visitor.post(f"{at}/cancel")

    worker.parts = Parts(desk.here.settings, desk.engine, desk.here.sending, Presses())  # type: ignore[arg-type]
    assert worker.work(at) == TAKEN_AT_ONCE
    assert of(desk, at).phase is Phase.CANCELLED
    assert counts(desk)[0] == TAKEN_AT_ONCE
    assert contents(desk) == [b""]
    assert "Ended before it was done" in visitor.get(at).text
    assert worker.work(at) == 0


def test_what_a_dry_run_counted_does_not_count_as_entered(desk: Desk) -> None:
    visitor = desk.client_as(Role.DESK)
    at = checked(desk, visitor, file_of(row(1), row(2, phone="12")))
    visitor.post(f"{at}/cancel")
    assert (of(desk, at).phase, of(desk, at).taken) == (Phase.CANCELLED, 0)
    assert problems(visitor, at) == []
    assert "Nothing of it was entered." in visitor.get(at).text
    take(visitor, at)
    assert Worker(desk).work(at) == 0
    assert counts(desk) == (0, 0, 0)


def contents(desk: Desk) -> list[bytes]:
    return [
        bytes(row[0]) for row in desk.sql("SELECT content FROM imports WHERE clinic_id = :id", id=desk.own.clinic_id)
    ]


def test_p8_the_file_is_sealed_and_gone_once_it_is_taken_in(desk: Desk) -> None:
    visitor = desk.client_as(Role.DESK)
    answer = upload(visitor, file_of(row(1)), "Ana Garcia.csv")
    stored = desk.sql("SELECT name, content FROM imports")
    assert not any(word in bytes(cell) for one in stored for cell in one for word in (b"Ana", b"5553001", b"knee"))
    visitor.post(f"{answer.location}/columns", SAID)
    Worker(desk).work(answer.location)
    take(visitor, answer.location)
    Worker(desk).work(answer.location)
    assert contents(desk) == [b""]


def form_of(visitor: Visitor, content: bytes) -> dict[str, Any]:
    """An upload as a browser sends it, put together here: the test client would open a temporary file for it."""
    parts = (
        b'name="csrf_token"\r\n\r\n' + visitor.token().encode(),
        b'name="file"; filename="years.csv"\r\nContent-Type: text/csv\r\n\r\n' + content,
    )
    body = b"".join(b"--edge\r\nContent-Disposition: form-data; " + part + b"\r\n" for part in parts)
    return {"data": body + b"--edge--\r\n", "content_type": "multipart/form-data; boundary=edge"}


def test_p8_an_upload_is_held_in_memory_alone(light_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    visitor = light_desk.client_as(Role.DESK)
    form = form_of(visitor, file_of(*(row(number) for number in range(20_000))))
    assert len(form["data"]) > 1_000_000  # werkzeug's own limit is half of that
    written = []

    def opens(path: Any, flags: int, *more: Any) -> int:
        written.extend([path] if flags & (os.O_WRONLY | os.O_RDWR) else [])
        return os_open(path, flags, *more)

    os_open = os.open
    monkeypatch.setattr(os, "open", opens)
    answer = visitor.client.post("/desk/imports", **form)
    assert answer.status_code == 303
    assert of(light_desk, answer.location).rows == 20_000
    assert written == []


def test_p10_a_page_that_expects_no_file_takes_none(light_desk: Desk) -> None:
    form = form_of(light_desk.client_as(Role.DESK), b"x")
    assert light_desk.client_as(Role.DESK).client.post("/a/nobodys-link", **form).status_code == 413


def test_p8_erasing_a_patient_leaves_nothing_of_them_in_any_file(desk: Desk) -> None:
    visitor, vault = desk.client_as(Role.DESK), desk.here.sending.vault
    content = file_of(row(1), row(2, phone="789"))
    finished = taken(desk, visitor, content)
    waiting = checked(desk, visitor, content)
    run(desk.engine, lambda c: erasure.erase(c, vault, desk.own.clinic_id, "p1", time.now()))
    assert of(desk, waiting).phase is Phase.CANCELLED
    assert contents(desk) == [b"", b""]
    assert not any("p1" in cell or "789" in cell for line in problems(visitor, finished) for cell in line)
    again = taken(desk, visitor, file_of(row(1), row(1, visit="v8")))
    assert counts(desk)[0] == 0
    assert [one[2] for one in problems(visitor, again)] == [
        "This patient was erased. If they have come back, use another number."
    ] * 2


def look(desk: Desk) -> list[tuple[QueueName, list[int]]]:
    """What one look of a clock nudges about."""
    sent: list[tuple[QueueName, list[int]]] = []

    class Noted(Silent):
        def send(self, queue: QueueName, ids: Any) -> bool:
            sent.append((queue, list(ids)))
            return True

    Clock(Parts(desk.here.settings, desk.engine, desk.here.sending, Noted()), "clock").look()  # type: ignore[arg-type]
    return [one for one in sent if one[0] is QueueName.IMPORTS]


def test_p5_the_clock_finds_what_a_dead_worker_or_an_empty_queue_left(desk: Desk) -> None:
    visitor = desk.client_as(Role.DESK)
    at = str(upload(visitor, file_of(row(1))).location)
    number = int(at.rpartition("/")[2])
    assert look(desk) == []  # it waits for a person
    visitor.post(f"{at}/columns", SAID)
    assert look(desk) == [(QueueName.IMPORTS, [number])]
    assert look(desk) == []  # the lease
    with time.held(NOW + timedelta(seconds=desk.here.settings.queued_lease_seconds + 1)):
        assert look(desk) == [(QueueName.IMPORTS, [number])]
        Worker(desk).work(at)
        assert look(desk) == []
    assert of(desk, at).phase is Phase.CHECKED


def test_what_nobody_takes_in_is_given_up_and_what_ended_long_ago_deleted(desk: Desk) -> None:
    visitor = desk.client_as(Role.DESK)
    waiting = checked(desk, visitor, file_of(row(1)))
    finished = taken(desk, visitor, file_of(row(2), row(3, phone="12")))
    with time.held(NOW + timedelta(hours=imports.WAITS_HOURS, seconds=1)):
        look(desk)
        assert of(desk, waiting).phase is Phase.CANCELLED
        assert contents(desk) == [b"", b""]
        assert of(desk, finished).phase is Phase.FINISHED
    with time.held(NOW + timedelta(days=imports.KEPT_DAYS, seconds=1)):
        look(desk)
        with pytest.raises(LookupError):
            of(desk, finished)
        assert desk.sql("SELECT 1 FROM import_problems") == []


def test_a_row_that_breaks_hurts_no_other(desk: Desk) -> None:
    visitor = desk.client_as(Role.DESK)
    at = checked(desk, visitor, file_of(row(1), row(2), row(3)))
    take(visitor, at)

    class Breaks(Rows):
        def take_in(self, connection: Connection, clinic_id: int, events: Any, now: Any) -> Any:
            if any(key == "entered v2" for key, _ in events):
                raise RuntimeError("a bug")
            return super().take_in(connection, clinic_id, events, now)

    worker = Worker(desk)
    worker.door = Breaks(desk.here.sending)
    assert worker.work(at) == 3
    assert (of(desk, at).phase, of(desk, at).taken, of(desk, at).wrong) == (Phase.FINISHED, 2, 1)
    assert "on our side" in problems(visitor, at)[0][2]


def test_a_row_that_our_rules_stumble_over_hurts_no_other(light_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    reads = rows.read

    def read(cells: Any, *more: Any) -> Any:
        if "p2" in cells:
            raise IndexError("of ours")
        return reads(cells, *more)

    monkeypatch.setattr(rows, "read", read)
    visitor = light_desk.client_as(Role.DESK)
    at = taken(light_desk, visitor, file_of(row(1), row(2), row(3)))
    assert of(light_desk, at).phase is Phase.FINISHED
    assert counts(light_desk)[0] == 2
    assert ["went wrong on our side" in one[2] for one in problems(visitor, at)] == [True]


def test_a_long_file_lets_others_have_their_turn(light_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    visitor = light_desk.client_as(Role.DESK)
    at = checked(light_desk, visitor, file_of(*(row(number) for number in range(TAKEN_AT_ONCE + 1))))
    take(visitor, at)
    monkeypatch.setattr("workers.importing.TURN_SECONDS", 0.0)
    assert Worker(light_desk).work(at) == TAKEN_AT_ONCE
    assert Worker(light_desk).work(at) == 1
    assert of(light_desk, at).phase is Phase.FINISHED


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no row"),
        (b"Patient,Name\r\n1,A\x00na\r\n", "not plain text"),
        (b"\x81\x8d\x8f\x90\x9d,\n1,2\n", "neither UTF-8 nor Windows-1252"),
        (b"PK\x03\x04", "Excel workbook"),
        (b"Patient,Name\r\n1," + b"x" * 100_000, "cannot be read"),
    ],
)
def test_p10_a_file_that_cannot_be_read_is_refused_and_not_kept(light_desk: Desk, content: bytes, says: str) -> None:
    answer = upload(light_desk.client_as(Role.DESK), content)
    assert answer.status_code == 422
    assert says in answer.text
    assert contents(light_desk) == []


def test_p10_too_large_a_file_and_no_file_are_refused(light_desk: Desk) -> None:
    visitor = light_desk.client_as(Role.DESK)
    assert upload(visitor, b"x" * (sheet.MOST_BYTES + 100_000)).status_code == 413
    assert upload(visitor, b"x" * (sheet.MOST_BYTES + 1)).status_code == 422
    assert visitor.post("/desk/imports").status_code == 422


def test_windows_1252_is_said_aloud(light_desk: Desk) -> None:
    visitor = light_desk.client_as(Role.DESK)
    answer = upload(visitor, file_of(row(1, name="Añá")).decode().encode("cp1252"))
    page = visitor.get(answer.location).text
    assert "was read as Windows-1252" in page
    assert "Añá" in page


def test_p8_no_cell_of_a_download_is_a_formula_and_none_holds_a_value(light_desk: Desk) -> None:
    visitor = light_desk.client_as(Role.DESK)
    evil = '=HYPERLINK("http://x")'
    content = file_of(row(1, site=evil.replace(",", ""), phone="@SUM(1)", patient="+1", name="-2"))
    at = checked(light_desk, visitor, content)
    text = visitor.get(f"{at}/problems.csv").text
    assert not re.search(r"(^|,|\")[=+@-]", text, re.MULTILINE)
    assert "HYPERLINK" not in text


def test_a_clinic_keeps_few_unfinished_files(light_desk: Desk) -> None:
    visitor = light_desk.client_as(Role.DESK)
    for _ in range(imports.MOST_OPEN):
        assert upload(visitor, file_of(row(1))).status_code == 303
    assert "Finish or discard one first" in upload(visitor, file_of(row(1))).text


def test_what_is_not_said_of_the_columns_is_asked_for(light_desk: Desk) -> None:
    visitor = light_desk.client_as(Role.DESK)
    at = upload(visitor, file_of(row(1))).location
    answer = visitor.post(f"{at}/columns", {**SAID, "column-phone": "", "column-agreed_at": ""})
    assert answer.status_code == 422
    assert '<a href="#column-phone">' in answer.text
    assert '<a href="#column-agreed_at">' in answer.text


def test_progress_is_a_part_until_there_is_something_to_see(light_desk: Desk) -> None:
    visitor = light_desk.client_as(Role.DESK)
    at = upload(visitor, file_of(row(1))).location
    visitor.post(f"{at}/columns", SAID)
    shown = visitor.get(f"{at}/progress")
    assert "<progress" in shown.text
    assert visitor.get(f"{at}/progress", headers={"If-None-Match": shown.headers["ETag"]}).status_code == 204
    Worker(light_desk).work(at)
    done = visitor.get(f"{at}/progress")
    assert (done.status_code, done.headers["HX-Redirect"]) == (204, at)


def test_the_sample_can_be_taken_in_as_it_is(light_desk: Desk) -> None:
    visitor = light_desk.client_as(Role.DESK)
    sample = visitor.get("/desk/imports/sample.csv").data
    at = upload(visitor, sample).location
    page = visitor.get(at).text
    said = dict(re.findall(r'name="((?:column|fixed)-\w+)" value="([^"]+)"', page))
    for name, options in re.findall(r'<select[^>]* name="([^"]+)"[^>]*>(.*?)</select>', page, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options)
        said[name] = chosen[1] if chosen else ""
    answer = visitor.post(f"{at}/columns", said)
    assert answer.status_code == 303, answer.text
    Worker(light_desk).work(at)
    assert "2 rows can be taken in" in visitor.get(at).text


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize(("phone", "good"), [("", 20_000), ("12", 0)])
def test_a_long_file_is_tried_within_bounds(light_desk: Desk, phone: str, good: int) -> None:
    """Generous bounds: what is looked for is work that grows with the square of the rows."""
    import time as real
    import tracemalloc

    visitor = light_desk.client_as(Role.DESK)
    content = file_of(*(row(number, phone=phone or f"+1303{5000000 + number}") for number in range(20_000)))
    at = upload(visitor, content).location
    visitor.post(f"{at}/columns", SAID)
    tracemalloc.start()
    began = real.monotonic()
    while Worker(light_desk).work(at):  # turn by turn
        pass
    seconds, (_, peak) = real.monotonic() - began, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    print(f"dry run of 20,000 rows: {seconds:.1f} s under tracemalloc, {peak / 1e6:.0f} MB at most")
    assert (of(light_desk, at).taken, of(light_desk, at).wrong) == (good, 20_000 - good)
    assert seconds < 180
    assert peak < 100e6


def test_the_page_of_the_columns_stays_small_however_many_there_are(light_desk: Desk) -> None:
    visitor = light_desk.client_as(Role.DESK)
    header = ",".join(f"{number:02} {'x' * 30}" for number in range(sheet.MOST_COLUMNS))
    page = visitor.get(upload(visitor, f"{header}\r\n1,2\r\n".encode()).location)
    assert page.status_code == 200
    assert len(page.data) < 75_000  # styles and scripts come to 75,000 at most


@pytest.mark.slow
@pytest.mark.browser
def test_the_list_and_the_columns_look_and_read_well(desk_page: DeskPage) -> None:
    check_page(desk_page, "/desk/imports", "imports-empty")
    visitor = desk_page.desk.client_as(Role.OWNER)
    at = upload(visitor, "Paciente;Nombre;Teléfono\r\n1;Añá;555\r\n".encode("cp1252")).location
    check_page(desk_page, at, "import-columns")
    check_page(desk_page, "/desk/imports", "imports")


@pytest.mark.slow
@pytest.mark.browser
def test_what_a_column_holds_is_read_in_one_go_on_a_phone(desk_page: DeskPage) -> None:
    """However many columns there are, none is out of sight to the side, and a cell stands by its column's name."""
    visitor = desk_page.desk.client_as(Role.OWNER)
    at = upload(visitor, visitor.get("/desk/imports/sample.csv").data).location
    for width in (390, 1280):
        desk_page.page.set_viewport_size({"width": width, "height": 844})
        page = desk_page.open(at)
        region = page.get_by_role("region", name="The first rows of the file")
        assert region.evaluate("e => e.scrollWidth <= e.clientWidth && e.scrollHeight <= e.clientHeight + 1")
        line = region.get_by_role("row").filter(has_text="C: Mobile")
        expect(line.get_by_role("cell")).to_have_text(["(202) 555-0123", "+1 202 555 0124"])
        name, cells = line.get_by_role("rowheader").bounding_box(), line.get_by_role("cell").all()
        boxes = [cell.bounding_box() for cell in cells]
        assert name is not None
        assert all(box is not None and box["x"] + box["width"] <= width for box in boxes)
        assert all(box is not None and abs(box["y"] - name["y"]) < 60 for box in boxes)


@pytest.mark.slow
@pytest.mark.browser
def test_what_came_of_a_file_looks_and_reads_well(desk_page: DeskPage) -> None:
    visitor = desk_page.desk.client_as(Role.OWNER)
    wrong = (row(2, phone="12", texts="no", visit=f"v{number}") for number in range(2, 9))
    at = checked(desk_page.desk, visitor, file_of(row(1), *wrong))
    check_page(desk_page, at, "import-checked")
    take(visitor, at)
    check_page(desk_page, at, "import-taking")
    # Left open, it would go to the end by itself, in the middle of what is opened next.
    desk_page.page.goto("about:blank")
    Worker(desk_page.desk).work(at)
    check_page(desk_page, at, "import-finished")


@pytest.mark.browser
def test_a_file_goes_in_by_keyboard_alone(desk_page: DeskPage, tmp_path: Any) -> None:
    page, keys, desk = desk_page.open("/desk/imports"), desk_page.page.keyboard, desk_page.desk
    path = tmp_path / "march.csv"
    path.write_bytes(file_of(row(1), row(2, phone="12")))

    def to(role: str, name: str) -> None:
        wanted = page.get_by_role(role, name=name).first  # type: ignore[arg-type]
        for _ in range(120):
            if wanted.evaluate("e => e === document.activeElement"):
                return
            keys.press("Tab")
        raise AssertionError(f"Tab does not come to {name}")

    def press(role: str, name: str, key: str = "Enter") -> None:
        to(role, name)
        with page.expect_navigation():
            keys.press(key)

    page.get_by_label("File").set_input_files(path)  # the dialogue is the system's
    press("button", "Upload")
    at = page.url
    to("combobox", "How they agreed, for all rows")
    press("button", "Try every row")
    page.wait_for_selector("progress")
    with page.expect_navigation(url=at):  # it follows by itself
        Worker(desk).work(at)
    check_shown(desk_page, "import-by-keyboard")
    press("button", "Take in 1 row")
    with page.expect_navigation(url=at):
        Worker(desk).work(at)
    assert "1 row taken in" in page.inner_text("main")
    assert counts(desk)[0] == 1
