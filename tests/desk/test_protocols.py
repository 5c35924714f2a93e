"""Protocols at the desk: nothing reaches a patient that nobody signed, nobody's words are lost, and what is planned
stays as it is unless somebody asks."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import pytest
from sqlalchemy import Connection

from service import time
from service.care.lifecycle import Reason
from service.care.roles import Role
from service.pages.desk import protocol_draft, protocol_shown
from service.records import approval, drafts, protocols, switching
from service.records.approval import Signature
from service.records.database import reading, run
from service.records.switching import Followers
from tests.desk.desk import Desk, Visitor
from tests.desk.practice import NOW
from tests.house import PROTOCOL

LATER = PROTOCOL.replace("    day: 14\n", "    day: 15\n")
WORDED = PROTOCOL.replace("It is common to be sore tonight", "To be sore tonight is common")
SHORTER = PROTOCOL.replace("    survey: S2\n    reminders:\n      - {name: reminder, send: sms, after: 5h}\n", "")
FAULTY = PROTOCOL.replace("{clinic}: It is common", "{clinik}: It is common")
NASTY = "<script>alert(1)</script>"


def begin(desk: Desk, body: str = PROTOCOL, name: str = "prolotherapy") -> int:
    return run(
        desk.engine, lambda c: drafts.add(c, desk.own.clinic_id, name, body, "Clinician Rosalind", time.now()).id
    )


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}"[^>]* value="([^"]*)"', page)
    assert found is not None, name
    return found[1]


def sign(visitor: Visitor, path: str, **ticked: str) -> Any:
    """Open the page and press the button, with these boxes ticked."""
    page = visitor.get(f"{path}/approve").text
    return visitor.post(f"{path}/approve", {"seen": hidden(page, "seen"), "base": hidden(page, "base"), **ticked})


def versions(desk: Desk) -> list[tuple[int, str | None]]:
    rows = desk.sql(
        "SELECT version, approved_by FROM protocols WHERE clinic_id = :clinic ORDER BY version",
        clinic=desk.own.clinic_id,
    )
    return [(row.version, row.approved_by) for row in rows]


def planned(desk: Desk) -> list[Any]:
    """Every message of the clinic's plans, and which version it is from."""
    return desk.sql(
        "SELECT m.id, m.session_id, m.step, m.channel, m.due_at, m.state, s.protocol_id FROM messages m JOIN sessions s"
        " ON s.id = m.session_id WHERE m.clinic_id = :clinic ORDER BY m.id",
        clinic=desk.own.clinic_id,
    )


def go_over(desk: Desk) -> int:
    """What clocks do until nobody is left."""
    moved = 0
    while part := run(desk.engine, lambda c: switching.next_part(c, desk.here.sending, time.now())):
        moved += part
    return moved


def noted(desk: Desk, action: str) -> list[str]:
    return [row.actor for row in desk.sql("SELECT actor FROM audit WHERE action = :action", action=action)]


@pytest.fixture
def clinician(desk: Desk) -> Visitor:
    return desk.client_as(Role.CLINICIAN)


def test_a_version_is_copied_and_the_copy_is_a_draft_of_that_name(desk: Desk, clinician: Visitor) -> None:
    answer = clinician.post(f"/desk/protocols/{desk.own.protocol}/copy", {"name": "spine"})
    assert answer.status_code == 303
    [made] = run(desk.engine, lambda c: drafts.of_clinic(c, desk.own.clinic_id))
    assert (made.name, made.by) == ("spine", "Clinician Rosalind")
    assert made.body == PROTOCOL.replace("name: prolotherapy", "name: spine")
    assert "Nothing to mend" in clinician.get(f"/desk/protocols/drafts/{made.id}").text
    assert noted(desk, "protocol.draft") == [f"staff {desk.own.staff[Role.CLINICIAN]} Clinician Rosalind"]
    assert versions(desk) == [(1, "Dr Rosalind")]


def test_what_is_shipped_is_copied(desk: Desk, clinician: Visitor) -> None:
    assert clinician.post("/desk/protocols/shipped/prolotherapy/copy", {"name": "knee"}).status_code == 303
    assert clinician.post("/desk/protocols/shipped/nothing/copy", {"name": "knee"}).status_code == 404


@pytest.mark.parametrize("name", ["", "Spine", "1a", "a b", "a" * 32, "ä", "../x", "a\n"])
def test_p10_a_name_that_no_protocol_can_have_is_refused(light_desk: Desk, name: str) -> None:
    visitor = light_desk.client_as(Role.CLINICIAN)
    for path in (f"/desk/protocols/{light_desk.own.protocol}/copy", "/desk/protocols/shipped/prolotherapy/copy"):
        answer = visitor.post(path, {"name": name})
        if name.strip() == "a":
            continue
        assert answer.status_code == 422
        assert 'id="name-error"' in answer.text
    assert light_desk.sql("SELECT id FROM protocol_drafts") == [] or name.strip() == "a"


def test_one_draft_a_name(desk: Desk, clinician: Visitor) -> None:
    begin(desk, WORDED)
    answer = clinician.post(f"/desk/protocols/{desk.own.protocol}/copy", {"name": "prolotherapy"})
    assert answer.status_code == 422
    assert "Clinician Rosalind has a draft of that name" in answer.text
    [kept] = run(desk.engine, lambda c: drafts.of_clinic(c, desk.own.clinic_id))
    assert kept.body == WORDED


def test_two_who_copy_at_once_make_one_draft(desk: Desk) -> None:
    visitors = [desk.client_as(Role.CLINICIAN), desk.client_as(Role.OWNER)]
    for one in visitors:
        one.token()
    path = f"/desk/protocols/{desk.own.protocol}/copy"
    with ThreadPoolExecutor(2) as pool:
        statuses = sorted(pool.map(lambda one: one.post(path, {"name": "spine"}).status_code, visitors))
    assert statuses == [303, 422]


def test_a_draft_is_saved_as_it_was_typed(desk: Desk, clinician: Visitor) -> None:
    draft = begin(desk)
    page = clinician.get(f"/desk/protocols/drafts/{draft}").text
    typed = FAULTY.replace("\n", "\r\n")  # as browsers send it
    answer = clinician.post(f"/desk/protocols/drafts/{draft}", {"body": typed, "seen": hidden(page, "seen")})
    assert answer.status_code == 303
    [kept] = run(desk.engine, lambda c: drafts.of_clinic(c, desk.own.clinic_id))
    assert kept.body == FAULTY
    page = clinician.get(f"/desk/protocols/drafts/{draft}").text
    line = 1 + FAULTY.split("{clinik}")[0].count("\n") - 1  # where the folded text begins
    assert f'data-line="{line}">Line {line}</a>' in page
    assert "unknown placeholder {clinik}" in page


def test_whoever_comes_second_overwrites_nothing_unseen(desk: Desk, clinician: Visitor) -> None:
    draft, owner = begin(desk), desk.client_as(Role.OWNER)
    path = f"/desk/protocols/drafts/{draft}"
    seen = hidden(clinician.get(path).text, "seen")
    assert owner.post(path, {"body": WORDED, "seen": seen}).status_code == 303
    answer = clinician.post(path, {"body": LATER, "seen": seen})
    assert answer.status_code == 409
    assert "Owner Rosalind saved this meanwhile" in answer.text
    assert "day: 15" in answer.text, "what was typed is kept"
    assert "To be sore tonight is common" in answer.text, "and what the other one saved is shown"
    [kept] = run(desk.engine, lambda c: drafts.of_clinic(c, desk.own.clinic_id))
    assert kept.body == WORDED
    # Now that they have seen it, their words may take its place.
    assert clinician.post(path, {"body": LATER, "seen": hidden(answer.text, "seen")}).status_code == 303
    [kept] = run(desk.engine, lambda c: drafts.of_clinic(c, desk.own.clinic_id))
    assert (kept.body, kept.by) == (LATER, "Clinician Rosalind")


def test_a_double_click_on_save_is_no_conflict(desk: Desk, clinician: Visitor) -> None:
    draft = begin(desk)
    path = f"/desk/protocols/drafts/{draft}"
    seen = hidden(clinician.get(path).text, "seen")
    for _ in range(2):
        assert clinician.post(path, {"body": LATER, "seen": seen}).status_code == 303


def test_words_for_a_draft_that_is_gone_come_back(desk: Desk, clinician: Visitor) -> None:
    draft = begin(desk)
    seen = hidden(clinician.get(f"/desk/protocols/drafts/{draft}").text, "seen")
    desk.client_as(Role.OWNER).post(f"/desk/protocols/drafts/{draft}/discard", {"seen": seen})
    answer = clinician.post(f"/desk/protocols/drafts/{draft}", {"body": LATER, "seen": ""})
    assert answer.status_code == 404
    assert "day: 15" in answer.text


def test_the_largest_draft_is_still_a_light_page(light_desk: Desk) -> None:
    steps = PROTOCOL.split("steps:\n")[1]
    more = "".join(steps.replace("- id: ", f"- id: x{number}_") for number in range(3))
    body = (PROTOCOL + more)[: protocol_draft.MOST_CHARACTERS].rsplit("  - id: ", 1)[0]
    path = f"/desk/protocols/drafts/{begin(light_desk, body)}"
    answer = light_desk.client_as(Role.CLINICIAN).get(path)
    assert "On the phone</h2>" in answer.text
    assert len(answer.data) < 76_000, "and styles, scripts and headers make it 150 000 at most"


def test_checking_saves_nothing(desk: Desk, clinician: Visitor) -> None:
    path = f"/desk/protocols/drafts/{begin(desk)}"
    for answer in (
        clinician.post(path, {"body": FAULTY, "check": "1", "lang": "es"}),
        clinician.post(f"{path}/check", {"body": FAULTY, "lang": "es"}, headers={"HX-Request": "true"}),
    ):
        assert answer.status_code == 200
        assert "2 to mend" in answer.text
        assert "unknown placeholder" in answer.text
        assert "Sentir dolor esta noche" in answer.text
    [kept] = run(desk.engine, lambda c: drafts.of_clinic(c, desk.own.clinic_id))
    assert kept.body == PROTOCOL


def test_p10_bodies_that_are_none(desk: Desk, clinician: Visitor) -> None:
    path = f"/desk/protocols/drafts/{begin(desk)}"
    for body in ("", "a\x00b", "x" * 40_001):
        assert clinician.post(path, {"body": body, "seen": ""}).status_code == 422
    for body in (
        "name: [",
        "\t",
        "- a\n- b",
        "a: &a [*a]",
        "{" * 2000,
        "name: !!python/object:os.system x",
        "\ud7ff\ufeff",
    ):
        assert clinician.post(f"{path}/check", {"body": body}).status_code == 200, body
    assert clinician.post(path, {"body": "x" * 300_000}).status_code == 413


def test_a_survey_that_does_not_exist_is_a_mistake(desk: Desk, clinician: Visitor) -> None:
    path = f"/desk/protocols/drafts/{begin(desk, PROTOCOL.replace('survey: S3', 'survey: S9'))}"
    assert "there is no survey &#39;S9&#39;" in clinician.get(path).text
    assert clinician.post(f"{path}/approve", {"read": "y"}).status_code == 422


def test_a_draft_cannot_change_its_name(desk: Desk, clinician: Visitor) -> None:
    path = f"/desk/protocols/drafts/{begin(desk, PROTOCOL, 'spine')}"
    assert "this is the draft of &#39;spine&#39;" in clinician.get(path).text
    assert "It cannot be approved yet" in clinician.get(f"{path}/approve").text
    assert versions(desk) == [(1, "Dr Rosalind")]


def test_signed_it_is_in_force_and_what_is_planned_stays(desk: Desk, clinician: Visitor) -> None:
    draft, before = begin(desk, LATER), planned(desk)
    answer = sign(clinician, f"/desk/protocols/drafts/{draft}", read="y", weaker="y")
    assert answer.status_code == 303
    assert versions(desk) == [(1, "Dr Rosalind"), (2, "Clinician Rosalind")]
    with reading(desk.engine) as connection:
        in_force = protocols.current(connection, desk.own.clinic_id, "prolotherapy")
        assert in_force is not None
        assert (in_force.version, in_force.approved_at) == (2, NOW)
        assert drafts.of_clinic(connection, desk.own.clinic_id) == []
    go_over(desk)
    assert planned(desk) == before
    assert noted(desk, "protocol.approve") == [f"staff {desk.own.staff[Role.CLINICIAN]} Clinician Rosalind"]
    assert f'/desk/protocols/{in_force.id}"' in clinician.get("/desk/protocols").text


def test_asked_for_what_is_to_come_is_planned_anew(desk: Desk, clinician: Visitor, monkeypatch: Any) -> None:
    monkeypatch.setattr(switching, "PART", 1)
    draft, before = begin(desk, LATER), planned(desk)
    page = clinician.get(f"/desk/protocols/drafts/{draft}/approve").text
    assert "3 patients under way" in page
    sign(clinician, f"/desk/protocols/drafts/{draft}", read="y", weaker="y", everybody="y")
    assert planned(desk) == before, "not before the clock comes to it"
    assert "going over" in clinician.get("/desk/protocols").text
    assert go_over(desk) == 3
    after = {row.id: row for row in planned(desk)}
    assert {row.protocol_id for row in after.values()} == {draft}
    newest = desk.own.sessions[2]  # of which nothing has gone out yet
    moved = {row.step for row in before if row.session_id == newest and row.due_at != after[row.id].due_at}
    assert moved == {"day14", "day14.reminder", "day14.reminder2"}
    assert "going over" not in clinician.get("/desk/protocols").text


def test_p6_a_switch_goes_on_where_it_was_left(desk: Desk, clinician: Visitor, monkeypatch: Any) -> None:
    """Whoever dies with a part in hand has done nothing of it, and the next begins with that part."""
    monkeypatch.setattr(switching, "PART", 1)
    draft = begin(desk, LATER)
    sign(clinician, f"/desk/protocols/drafts/{draft}", read="y", weaker="y", everybody="y")

    def dies(connection: Connection) -> None:
        switching.next_part(connection, desk.here.sending, time.now())
        raise KeyboardInterrupt

    run(desk.engine, lambda c: switching.next_part(c, desk.here.sending, time.now()))
    with pytest.raises(KeyboardInterrupt):
        run(desk.engine, dies)
    assert go_over(desk) == 2
    assert {row.protocol_id for row in planned(desk)} == {draft}


def test_nobody_is_put_back_by_a_switch_that_is_overtaken(desk: Desk, clinician: Visitor) -> None:
    first = begin(desk, LATER)
    sign(clinician, f"/desk/protocols/drafts/{first}", read="y", weaker="y", everybody="y")
    second = begin(desk, WORDED)
    sign(clinician, f"/desk/protocols/drafts/{second}", read="y", weaker="y", everybody="y")
    go_over(desk)
    assert {row.protocol_id for row in planned(desk)} == {second}


def test_those_who_waited_for_an_approval_follow_it_unasked(desk: Desk, clinician: Visitor) -> None:
    desk.sql("UPDATE protocols SET approved_at = NULL, approved_by = NULL WHERE id = :id", id=desk.own.protocol)
    desk.sql(
        "UPDATE messages SET reason = :reason WHERE session_id = :session AND state = 'planned' AND step = 'day14'",
        reason=Reason.NOT_APPROVED, session=desk.own.sessions[2],
    )  # fmt: skip
    page = clinician.get("/desk/protocols").text
    assert "nothing is sent until a clinician approves it" in page
    answer = sign(clinician, f"/desk/protocols/{desk.own.protocol}", read="y")
    assert answer.status_code == 303
    go_over(desk)
    held = desk.sql("SELECT id FROM messages WHERE reason = :reason", reason=Reason.NOT_APPROVED)
    assert held == []
    assert versions(desk) == [(1, "Clinician Rosalind")]


def test_a_draft_signed_before_anything_was_takes_those_who_waited_along(desk: Desk, clinician: Visitor) -> None:
    desk.sql("UPDATE protocols SET approved_at = NULL, approved_by = NULL WHERE id = :id", id=desk.own.protocol)
    draft = begin(desk, LATER)
    assert "3 patients had no approved protocol" in clinician.get(f"/desk/protocols/drafts/{draft}/approve").text
    sign(clinician, f"/desk/protocols/drafts/{draft}", read="y", weaker="y")
    go_over(desk)
    assert {row.protocol_id for row in planned(desk)} == {draft}


def test_signing_twice_makes_one_version(desk: Desk, clinician: Visitor) -> None:
    path = f"/desk/protocols/drafts/{begin(desk, WORDED)}/approve"
    page = clinician.get(path).text
    form = {"seen": hidden(page, "seen"), "base": hidden(page, "base"), "read": "y"}
    assert clinician.post(path, form).status_code == 303
    answer = desk.client_as(Role.OWNER).post(path, form, follow_redirects=True)
    assert answer.status_code == 200
    assert "It is approved already, by Clinician Rosalind" in answer.text
    assert versions(desk) == [(1, "Dr Rosalind"), (2, "Clinician Rosalind")]


def test_two_who_sign_at_once_make_one_version(desk: Desk) -> None:
    path = f"/desk/protocols/drafts/{begin(desk, WORDED)}/approve"
    visitors = [desk.client_as(Role.CLINICIAN), desk.client_as(Role.OWNER)]
    pages = [one.get(path).text for one in visitors]
    form = {"seen": hidden(pages[0], "seen"), "base": hidden(pages[0], "base"), "read": "y"}
    for one in visitors:
        one.token()
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda one: one.post(path, form).status_code, visitors))
    assert answers == [303, 303]
    assert len(versions(desk)) == 2
    assert len(noted(desk, "protocol.approve")) == 1


@pytest.mark.parametrize("what", ["draft", "version"])
def test_who_signs_while_another_does_is_told_so(desk: Desk, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other comes when the first has found what is to be signed, and has the time to be through with it."""
    if what == "draft":
        path, find = f"/desk/protocols/drafts/{begin(desk, WORDED)}/approve", "of_draft"
    else:
        row = run(desk.engine, lambda c: protocols.add(c, desk.own.clinic_id, WORDED, time.now()).id)
        path, find = f"/desk/protocols/{row}/approve", "of_version"
    first, other = desk.client_as(Role.CLINICIAN), desk.client_as(Role.OWNER)
    page = first.get(path).text
    form = {"seen": hidden(page, "seen"), "base": hidden(page, "base"), "read": "y"}
    for one in (first, other):
        one.token()
    found, meanwhile = getattr(protocol_shown, find), []

    def then_comes_the_other(*about: Any, **more: Any) -> Any:
        shown = found(*about, **more)
        if not meanwhile:
            meanwhile.append(pool.submit(lambda: other.post(path, form).status_code))
            wait(meanwhile, 1)
        return shown

    with ThreadPoolExecutor(1) as pool:
        monkeypatch.setattr(protocol_shown, find, then_comes_the_other)
        assert first.post(path, form).status_code == 303
        assert meanwhile[0].result(20) == 303
    assert len(versions(desk)) == 2
    assert len(noted(desk, "protocol.approve")) == 1


def test_only_what_was_read_is_signed(desk: Desk, clinician: Visitor) -> None:
    draft = begin(desk, WORDED)
    path = f"/desk/protocols/drafts/{draft}/approve"
    page = clinician.get(path).text
    seen = run(desk.engine, lambda c: drafts.get(c, desk.own.clinic_id, draft)).mark
    run(desk.engine, lambda c: drafts.save(c, desk.own.clinic_id, draft, seen, LATER, "Owner Rosalind", time.now()))
    form = {"seen": hidden(page, "seen"), "base": hidden(page, "base"), "read": "y", "weaker": "y"}
    answer = clinician.post(path, form)
    assert answer.status_code == 422
    assert "Owner Rosalind saved this draft while you were reading it" in answer.text
    assert versions(desk) == [(1, "Dr Rosalind")]


def test_what_it_was_compared_with_must_still_be_in_force(desk: Desk, clinician: Visitor) -> None:
    draft = begin(desk, LATER)
    page = clinician.get(f"/desk/protocols/drafts/{draft}/approve").text
    other = run(desk.engine, lambda c: protocols.add(c, desk.own.clinic_id, WORDED, time.now()))
    run(desk.engine, lambda c: protocols.approve(c, other.id, "Dr Else", time.now()))
    form = {"seen": hidden(page, "seen"), "base": hidden(page, "base"), "read": "y", "weaker": "y"}
    answer = clinician.post(f"/desk/protocols/drafts/{draft}/approve", form)
    assert answer.status_code == 422
    assert "Another version came into force" in answer.text


@pytest.mark.parametrize("ticked", [{}, {"read": "y"}, {"weaker": "y"}])
def test_less_than_before_must_be_seen(light_desk: Desk, ticked: dict[str, str]) -> None:
    path = f"/desk/protocols/drafts/{begin(light_desk, SHORTER)}"
    visitor = light_desk.client_as(Role.CLINICIAN)
    assert "S2 is not asked any more" in visitor.get(f"{path}/approve").text
    assert sign(visitor, path, **ticked).status_code == 422
    assert versions(light_desk) == [(1, "Dr Rosalind")]
    assert sign(visitor, path, read="y", weaker="y").status_code == 303


def test_an_older_version_is_not_signed_over_a_later_one(desk: Desk, clinician: Visitor) -> None:
    older = run(desk.engine, lambda c: protocols.add(c, desk.own.clinic_id, WORDED, time.now()))
    sign(clinician, f"/desk/protocols/drafts/{begin(desk, LATER)}", read="y", weaker="y")
    assert "A later version is in force" in clinician.get(f"/desk/protocols/{older.id}/approve").text
    signature = Signature("X", "staff 1 X", Followers.WAITING, time.now())
    with pytest.raises(approval.MayNotBeSigned):
        run(desk.engine, lambda c: approval.sign_version(c, desk.own.clinic_id, older.id, signature))


def test_versions_are_compared(desk: Desk, clinician: Visitor) -> None:
    sign(clinician, f"/desk/protocols/drafts/{begin(desk, LATER)}", read="y", weaker="y")
    sign(clinician, f"/desk/protocols/drafts/{begin(desk, WORDED)}", read="y", weaker="y")
    with reading(desk.engine) as connection:
        first, second, third = protocols.of_clinic(connection, desk.own.clinic_id)
    page = clinician.get(f"/desk/protocols/{third.id}/changes").text
    assert "Lines that differ from version 2" in page
    assert "day: 14" in page
    page = clinician.get(f"/desk/protocols/{third.id}/changes?against={first.id}").text
    assert "Lines that differ from version 1" in page
    assert "day: 14" not in page
    page = clinician.get(f"/desk/protocols/{second.id}/changes?against=shipped").text
    assert "the one that came with Aftercare" in page
    assert "S4 is asked later than before" in page
    # Another clinic's version is none to compare with.
    page = clinician.get(f"/desk/protocols/{third.id}/changes?against={desk.other.protocol}").text
    assert "Lines that differ from version 2" in page


def test_the_calendar_is_the_one_that_would_be_planned(desk: Desk, clinician: Visitor) -> None:
    path = f"/desk/protocols/{desk.own.protocol}/calendar"
    asked = {"ended": "2026-03-02T21:30", "zone": "America/Denver", "lang": "es"}
    page = clinician.get(path, query_string=asked).text
    assert "held 10 h 15 min by quiet hours" in page
    assert "The session ended too late" in page
    assert "only if unanswered" in page
    assert "Mon 9 Mar 2026, 09:30" in page, "half past nine, before and after the clocks change"
    assert "¿Se siente bien hoy?" in page


@pytest.mark.parametrize(
    "changes",
    [
        {"zone": "Denver"},
        {"zone": "../etc/passwd"},
        {"zone": "America"},
        {"zone": ""},
        {"ended": "yesterday"},
        {"ended": "0001-01-01T00:00"},
        {"ended": "9999-12-31T23:59"},
        {"following": "2026-03-01T00:00"},
        {"lang": "xx"},
    ],
)
def test_p10_a_calendar_that_cannot_be_drawn_says_why(light_desk: Desk, changes: dict[str, str]) -> None:
    asked = {"ended": "2026-03-02T21:30", "zone": "America/Denver", "lang": "es", **changes}
    path = f"/desk/protocols/{light_desk.own.protocol}/calendar"
    answer = light_desk.client_as(Role.READER).get(path, query_string=asked)
    assert answer.status_code == 422
    assert f'id="{next(iter(changes))}-error"' in answer.text


def test_p8_a_protocols_words_are_never_markup(desk: Desk, clinician: Visitor) -> None:
    body = PROTOCOL.replace("{clinic}: It is common", f"{{clinic}}: {NASTY}").replace("Hello {name}", NASTY)
    body = body.replace("subject: A note for tonight", f"subject: {NASTY}").replace("# The first day", f"# {NASTY}")
    draft = begin(desk, body)
    stored = run(desk.engine, lambda c: protocols.add(c, desk.own.clinic_id, body, time.now()))
    pages = [
        f"/desk/protocols/drafts/{draft}{view}"
        for view in ("", "/words", "/phone", "/calendar", "/changes", "/approve")
    ]
    pages += [
        f"/desk/protocols/{stored.id}{view}" for view in ("", "/phone", "/calendar", "/file", "/changes", "/approve")
    ]
    texts = {path: clinician.get(path).text for path in pages}
    texts["check"] = clinician.post(f"/desk/protocols/drafts/{draft}/check", {"body": body}).text
    texts["mistake"] = clinician.post(
        f"/desk/protocols/drafts/{draft}/check", {"body": f"{NASTY}: 1\nname: {NASTY}"}
    ).text
    for path, text in texts.items():
        assert NASTY not in text, path
    assert "&lt;script&gt;alert(1)" in texts[f"/desk/protocols/drafts/{draft}/phone"]


def test_pages_of_protocols_name_no_patient(desk: Desk, clinician: Visitor) -> None:
    draft = begin(desk, SHORTER)
    for path in ("/desk/protocols", f"/desk/protocols/drafts/{draft}/approve", f"/desk/protocols/{desk.own.protocol}"):
        text = clinician.get(path).text
        assert not [one for one in desk.own.phones if one in text]
        assert "Rosalind0" not in text
    assert noted(desk, "patient.read") == []


def test_a_reader_reads_drafts_and_changes_nothing(desk: Desk) -> None:
    reader, draft = desk.client_as(Role.READER), begin(desk, WORDED)
    page = reader.get("/desk/protocols").text
    assert f"/desk/protocols/drafts/{draft}/words" in page
    assert "/approve" not in page
    assert reader.get(f"/desk/protocols/drafts/{draft}/phone").status_code == 200
    assert reader.post(f"/desk/protocols/drafts/{draft}", {"body": LATER}).status_code == 403


def test_what_a_colleague_saved_meanwhile_is_not_thrown_away(desk: Desk, clinician: Visitor) -> None:
    path = f"/desk/protocols/drafts/{begin(desk)}"
    seen, colleague = hidden(clinician.get(path).text, "seen"), desk.client_as(Role.OWNER)
    assert colleague.post(path, {"body": LATER, "seen": seen}).status_code == 303
    answer = clinician.post(f"{path}/discard", {"seen": seen}, follow_redirects=True)
    assert f"Owner {desk.own.marker} saved since you opened it" in answer.text
    assert "day: 15" in answer.text
    assert noted(desk, "protocol.discard") == []
    # On the page that shows both, to whoever wanted to save, it is theirs to throw away.
    both = clinician.post(path, {"body": LATER + "\n# more\n", "seen": seen})
    assert both.status_code == 409
    assert clinician.post(f"{path}/discard", {"seen": hidden(both.text, "seen")}).status_code == 303


def test_thrown_away_it_is_gone(desk: Desk, clinician: Visitor) -> None:
    path = f"/desk/protocols/drafts/{begin(desk)}"
    seen = {"seen": hidden(clinician.get(path).text, "seen")}
    assert clinician.post(f"{path}/discard", seen).status_code == 303
    assert clinician.get(path).status_code == 404
    assert clinician.post(f"{path}/discard", seen).status_code == 404
    assert len(noted(desk, "protocol.discard")) == 1
