"""Replies: kept first, read once, never guessed between two people, answered at most as often as a person would."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection

from service import time
from service.care.lifecycle import Channel
from service.care.replies import RedFlag
from service.nudges import QueueName
from service.records import clinics, replies, wordings
from service.records.sealing import token_key
from tests.inbound.desk import MAIL, NUMBER, PHONE, Desk, Tried, sid
from workers import listen

NOW = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)
OTHER = "+12025550166"


@pytest.fixture
def ticking(desk: Desk):  # type: ignore[no-untyped-def]
    """The desk with one patient, on a clock that moves on by a second a text."""
    with time.held(NOW):
        desk.complete()
    return Ticking(desk)


class Ticking:
    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.now = NOW + timedelta(minutes=1)

    def says(self, body: str, after: timedelta = timedelta(seconds=1), **more: str) -> None:
        self.now += after
        with time.held(self.now):
            self.desk.says(body, **more)


# Kept


def test_it_is_on_record_and_nudged_before_anything_reads_it(desk: Desk) -> None:
    """P1."""
    with time.held(NOW):
        desk.complete()
        assert desk.text_in("How long will it hurt?", NumMedia="2").status_code == 200
        (row,) = desk.replies()
        assert (row.match, row.handled_at, row.media) == ("waiting", None, 2)
        assert b"hurt" not in bytes(row.body)
        assert PHONE.encode() not in bytes(row.sender)
        assert desk.nudged.sent == [(QueueName.LISTEN, [row.id])]


def test_a_double_is_kept_once(desk: Desk) -> None:
    with time.held(NOW):
        one = {"MessageSid": sid(), "From": PHONE, "To": NUMBER, "Body": "hello"}
        for _ in range(3):
            assert desk.post_twilio("/twilio/inbound", one).status_code == 200
        assert len(desk.replies()) == 1
        assert len(desk.nudged.sent) == 1


def test_a_lost_nudge_is_found_by_the_clock(desk: Desk) -> None:
    with time.held(NOW):
        desk.text_in("hello")
        (row,) = desk.replies()
        assert desk.run(lambda connection: replies.unhandled(connection, NOW, 10)) == []
        late = NOW + timedelta(seconds=1)
        assert desk.run(lambda connection: replies.unhandled(connection, late, 10)) == [row.id]
        assert listen.handle(desk.engine, desk.sending, desk.nudged, [row.id]) == 1
        assert desk.run(lambda connection: replies.unhandled(connection, late, 10)) == []


def test_two_workers_read_it_once(ticking: Ticking) -> None:
    ticking.says("Hello?")
    assert ticking.desk.listen() == 0
    assert ticking.desk.answers() == ["auto_reply"]


def test_a_worker_that_dies_over_it_leaves_it_unread(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """P6."""

    def dies(*_: object) -> None:
        raise RuntimeError

    with time.held(NOW):
        desk.complete()
        before = desk.waiting()
        desk.text_in("Please STOP these messages")
        monkeypatch.setattr(listen.answers, "give", dies)
        assert desk.listen() == 0
        assert desk.replies()[0].handled_at is None
        assert (desk.waiting(), desk.suppressed()) == (before, [])
        monkeypatch.undo()
        assert desk.listen() == 1
        assert (desk.waiting(), desk.suppressed()) == (0, ["opted_out"])


def test_earlier_replies_of_the_same_phone_are_read_first(desk: Desk) -> None:
    with time.held(NOW):
        desk.complete()
    for second, body in enumerate(["Please STOP these messages", "START"]):
        with time.held(NOW + timedelta(seconds=second)):
            desk.text_in(body)
    last = desk.replies()[1].id
    with time.held(NOW + timedelta(seconds=5)):
        assert listen.handle(desk.engine, desk.sending, desk.nudged, [last]) == 2
    assert desk.suppressed() == []
    assert desk.waiting() > 0


# Stop, start, help


@pytest.mark.parametrize(
    ("body", "confirms"),
    [
        ("STOP", False),  # Twilio says it
        ("stop ", False),
        ("Unsubscribe", False),
        ("Stop please", True),
        ("no more texts", True),
        ("OPT OUT", True),
        ("please dont text me again", True),
        ("no me manden más mensajes", True),
        ("ALTO", True),
    ],
)
def test_stop_in_any_wording(ticking: Ticking, body: str, confirms: bool) -> None:
    """P3: after it is committed nothing waits, and the ledger says why."""
    desk = ticking.desk
    assert desk.waiting() > 0
    ticking.says(body)
    assert desk.waiting() == 0
    assert desk.waiting("email") > 0
    assert desk.suppressed() == ["opted_out"]
    assert {
        row.reason for row in desk.sql("SELECT reason FROM messages WHERE channel='sms' AND state='cancelled'")
    } >= {"opted_out"}
    line = desk.sql("SELECT * FROM consents WHERE action = 'revoked'")[0]
    assert (line.source, line.reply_id) == ("reply", desk.replies()[0].id)
    assert desk.answers() == (["stop_confirm"] if confirms else [])


@pytest.mark.parametrize("body", ["Can you email me instead?", "stop texting me, emails are ok"])
def test_who_wants_mails_instead_keeps_the_mails(ticking: Ticking, body: str) -> None:
    """P3."""
    desk = ticking.desk
    ticking.says(body)
    assert desk.waiting() == 0
    assert desk.waiting("email") > 0
    assert (desk.suppressed(), desk.suppressed("email")) == (["opted_out"], [])
    assert desk.replies()[0].seen_by is None


def test_the_confirmation_is_one_and_within_five_minutes(ticking: Ticking) -> None:
    ticking.says("Stop please")
    ticking.says("I said stop texting me!")
    assert ticking.desk.answers() == ["stop_confirm"]
    row = ticking.desk.sql("SELECT due_at, window_until FROM messages WHERE step = 'stop_confirm'")[0]
    assert row.window_until - row.due_at in (timedelta(minutes=5), 300_000_000)


def test_what_twilio_took_for_stop_is_stop(ticking: Ticking) -> None:
    ticking.says("cese", OptOutType="STOP")
    assert ticking.desk.suppressed() == ["opted_out"]
    assert ticking.desk.answers() == []


def test_a_doubtful_stop_suppresses_and_asks_for_a_look(ticking: Ticking) -> None:
    from service.care.replies import read

    doubtful = next(
        body for body in ("I want to stop", "stop it hurts", "should I stop?", "sto", "stop now?")
        if read(body).stop and not read(body).stop_certain
    )  # fmt: skip
    ticking.says(doubtful)
    assert [bool(row.certain) for row in ticking.desk.sql("SELECT certain FROM suppressions")] == [False]


def test_stop_that_names_a_warning_sign_still_raises_it(ticking: Ticking) -> None:
    """P9: and one message only may follow a STOP."""
    ticking.says("Stop texting me. I have a fever of 103 and pus")
    assert ("p1", RedFlag.FEVER, "urgent") in ticking.desk.alerts()
    assert ticking.desk.suppressed() == ["opted_out"]
    assert ticking.desk.answers() == ["stop_confirm"]


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ("This is the wrong number", []),
        ("wrong number. But I can't breathe", ["stop_confirm"]),
        ("no one at this number answers, I can't breathe", ["red_flag"]),
    ],
)
def test_whoever_reports_a_warning_sign_is_told_whom_to_call(ticking: Ticking, body: str, answer: list[str]) -> None:
    """P9: also where the number seems to be a stranger's."""
    ticking.says(body)
    assert ticking.desk.answers() == answer


@pytest.mark.parametrize(("body", "confirms"), [("START", False), ("please start the texts again", True)])
def test_start_takes_stop_back(ticking: Ticking, body: str, confirms: bool) -> None:
    desk = ticking.desk
    before = desk.waiting()
    ticking.says("STOP")
    ticking.says(body)
    assert desk.suppressed() == []
    assert desk.waiting() == before
    granted = desk.sql("SELECT wording FROM consents WHERE action = 'granted' AND source = 'reply'")
    assert len(granted) == 1
    assert desk.answers() == (["start_confirm"] if confirms else [])


@pytest.mark.parametrize("body", ["Can I restart ibuprofen?", "When can I start running again?"])
def test_a_question_is_never_start(ticking: Ticking, body: str) -> None:
    """P3: and somebody reads it."""
    desk = ticking.desk
    ticking.says("Please stop texting me")
    ticking.says(body)
    assert (desk.waiting(), desk.suppressed()) == (0, ["opted_out"])
    assert desk.sql("SELECT id FROM consents WHERE action = 'granted' AND source = 'reply'") == []
    assert desk.replies()[1].seen_by is None


def test_where_nothing_was_stopped_more_than_a_keyword_is_a_reply_like_any(ticking: Ticking) -> None:
    """P3: no consent is made up."""
    desk = ticking.desk
    ticking.says("I want to receive the reminders for my next visit")
    assert desk.sql("SELECT id FROM consents WHERE source = 'reply'") == []
    assert desk.answers() == ["auto_reply"]
    assert desk.replies()[0].seen_by is None


@pytest.mark.parametrize("body", ["YES", "yes", "Yes please", "sí"])
def test_yes_is_never_start(ticking: Ticking, body: str) -> None:
    ticking.says("STOP")
    ticking.says(body, OptOutType="START")
    assert ticking.desk.suppressed() == ["opted_out"]
    assert ticking.desk.waiting() == 0


@pytest.mark.parametrize(
    ("body", "answers"), [("HELP", []), ("info", []), ("AYUDA", ["help"]), ("help please", ["help"])]
)
def test_help(ticking: Ticking, body: str, answers: list[str]) -> None:
    ticking.says(body)
    assert ticking.desk.answers() == answers


def test_a_stranger_who_says_stop_is_left_alone_by_all(desk: Desk) -> None:
    with time.held(NOW):
        desk.says("STOP", OTHER)
        row = desk.sql("SELECT clinic_id, reason FROM suppressions")[0]
        assert (row.clinic_id, row.reason) == (None, "opted_out")
        desk.complete(phone=OTHER)
        assert desk.waiting() == 0
        assert desk.replies()[0].match == "unmatched"
    with time.held(NOW + timedelta(minutes=1)):
        desk.says("START", OTHER)
        assert desk.waiting() > 0


# Whose


def test_it_belongs_to_the_latest_session_before_it(desk: Desk) -> None:
    with time.held(NOW):
        desk.complete(session="first", ended_at=NOW - timedelta(days=9))
        desk.complete(session="second", site="shoulder", ended_at=NOW - timedelta(days=2))
        desk.complete(session="third", ended_at=NOW - timedelta(days=1))
        desk.run(lambda connection: connection.exec_driver_sql(
            "UPDATE sessions SET cancelled_at = facts_at WHERE external_id = 'third'"))  # fmt: skip
        desk.says("Is this normal?")
        row = desk.sql("SELECT r.match, s.external_id FROM replies r JOIN sessions s ON s.id = r.session_id")[0]
        assert (row.match, row.external_id) == ("matched", "second")


@pytest.fixture
def shared(desk: Desk) -> Ticking:
    """Ana and Juan share a phone."""
    with time.held(NOW):
        desk.complete()
        desk.complete(session="s2", patient="p2", email="juan@mail.example")
        give_name(desk, "p2", "Juan")
    return Ticking(desk)


def give_name(desk: Desk, patient: str, name: str) -> None:
    row_id = desk.sql("SELECT id FROM patients WHERE external_id = :p", p=patient)[0].id
    desk.sql(
        "UPDATE patients SET given_name = :name WHERE id = :id", name=desk.sending.vault.seal(name, row_id), id=row_id
    )


def test_between_two_people_it_asks_once_and_guesses_never(shared: Ticking) -> None:
    shared.says("My knee is stiff")
    shared.says("hello??")
    rows = shared.desk.replies()
    assert [(row.match, row.patient_id) for row in rows] == [("shared", None)] * 2
    assert len(shared.desk.sql("SELECT * FROM reply_candidates")) == 4
    assert shared.desk.answers() == ["which_patient"]


def test_the_name_that_follows_settles_it(shared: Ticking) -> None:
    shared.says("My knee is stiff")
    shared.says("It's Ana")
    ana = shared.desk.sql("SELECT id FROM patients WHERE external_id = 'p1'")[0].id
    rows = shared.desk.replies()
    assert [(row.match, row.patient_id) for row in rows] == [("matched", ana)] * 2
    assert rows[0].resolved_by == f"reply {rows[1].id}"
    assert shared.desk.answers() == ["which_patient", "auto_reply"]


@pytest.mark.parametrize("body", ["Ana or Juan", "not Ana", "Has Ana got her own text from you yet", "Pedro"])
def test_what_names_nobody_for_certain_settles_nothing(shared: Ticking, body: str) -> None:
    shared.says("My knee is stiff")
    shared.says(body)
    assert [row.match for row in shared.desk.replies()] == ["shared", "shared"]


def test_a_name_that_nobody_asked_for_settles_nothing(shared: Ticking) -> None:
    shared.says("Ana")
    assert [row.match for row in shared.desk.replies()] == ["shared"]


def test_the_clinic_settles_it(shared: Ticking) -> None:
    shared.says("My knee is stiff")
    (row,) = shared.desk.replies()
    ana = shared.desk.sql("SELECT id FROM patients WHERE external_id = 'p1'")[0].id

    def attach(connection) -> int:  # type: ignore[no-untyped-def]
        return replies.attach(connection, [row.id], shared.desk.clinic.id, ana, None, "Dr Who")

    assert [shared.desk.run(attach), shared.desk.run(attach)] == [1, 0]
    assert shared.desk.replies()[0].match == "matched"
    assert shared.desk.replies()[0].place > row.place


def test_stop_on_a_shared_phone_stops_it_for_all(shared: Ticking) -> None:
    """P3."""
    shared.says("Please stop texting")
    assert [shared.desk.waiting(patient=one) for one in ("p1", "p2")] == [0, 0]
    assert shared.desk.answers() == ["stop_confirm"]
    shared.says("START")
    assert all(shared.desk.waiting(patient=one) > 0 for one in ("p1", "p2"))


def test_start_on_a_shared_phone_makes_up_no_consent(shared: Ticking) -> None:
    row = shared.desk.sql("SELECT id FROM patients WHERE external_id = 'p2'")[0]
    shared.desk.sql("DELETE FROM consents WHERE patient_id = :id", id=row.id)
    shared.desk.sql("UPDATE patients SET sms_consent = :no WHERE id = :id", id=row.id, no=False)
    shared.says("START")
    assert not shared.desk.sql("SELECT sms_consent FROM patients WHERE external_id = 'p2'")[0].sms_consent


def test_a_red_flag_on_a_shared_phone_is_about_everybody(shared: Ticking) -> None:
    """P9."""
    shared.says("I can't breathe")
    assert len({patient for patient, _, _ in shared.desk.alerts()}) == 2
    assert shared.desk.answers() == ["red_flag"]


def test_the_number_that_was_texted_tells_the_clinic(desk: Desk) -> None:
    with time.held(NOW):
        own = desk.second_clinic(sender="+12025550188")
        desk.complete()
        desk.complete(clinic=own, session="s2", patient="p2")
        desk.says("hello", to="+12025550188")
        desk.says("hello", to=NUMBER)
        matched = desk.sql("SELECT p.external_id FROM replies r JOIN patients p ON p.id = r.patient_id ORDER BY r.id")
        assert [row.external_id for row in matched] == ["p2", "p1"]
        senders = [row.sender for row in desk.sql("SELECT sender FROM messages WHERE step = 'auto_reply' ORDER BY id")]
        assert senders == ["+12025550188", NUMBER]
        desk.says("Stop please", to="+12025550188")
        assert (desk.waiting(patient="p2"), desk.waiting(patient="p1") > 0) == (0, True)


# Answers


def test_everything_else_is_answered_once_in_four_hours(ticking: Ticking) -> None:
    for body in ("How long?", "and ice?", "7", "thanks"):
        ticking.says(body)
    assert ticking.desk.answers() == ["auto_reply"]
    ticking.desk.sql("UPDATE messages SET state = 'delivered', handed_at = due_at WHERE step = 'auto_reply'")
    ticking.says("still there?", after=timedelta(hours=3))
    assert len(ticking.desk.answers()) == 1
    ticking.says("hello?", after=timedelta(hours=2))
    assert len(ticking.desk.answers()) == 2


def test_a_red_flag_is_answered_even_after_an_auto_reply(ticking: Ticking) -> None:
    ticking.says("How long?")
    ticking.says("I have a fever and pus is coming out")
    assert ticking.desk.answers() == ["auto_reply", "red_flag"]
    assert ticking.desk.replies()[1].meaning == "red_flag"


def test_a_machine_cannot_keep_us_talking(ticking: Ticking) -> None:
    for number in range(30):
        ticking.says(f"AYUDA {'!' * number}")
    assert 1 <= len(ticking.desk.answers()) <= 10
    before = len(ticking.desk.answers())
    ticking.says("AYUDA", after=timedelta(minutes=11))
    assert len(ticking.desk.answers()) == before + 1


def test_the_same_words_again_and_again_are_not_answered(ticking: Ticking) -> None:
    for _ in range(6):
        ticking.says("AYUDA")
    assert len(ticking.desk.answers()) == 3


def test_a_thumbs_up_is_not_answered_and_a_picture_is(ticking: Ticking) -> None:
    ticking.says("Liked “Riverside: How are you today?”")
    assert ticking.desk.answers() == []
    ticking.says("", NumMedia="1")
    assert ticking.desk.answers() == ["auto_reply"]


# E-mail


def test_a_mail_is_matched_by_where_it_was_sent_and_not_by_who_says_so(desk: Desk) -> None:
    with time.held(NOW):
        desk.complete()
        tried = desk.hand_over("comfort", Channel.EMAIL)
        to = f"r+{tried.link_token}@in.care.example"
        assert desk.mail_in(to, "When can I run?", sender="somebody@else.example").status_code == 204
        assert desk.mail_in("r+unknown-token@in.care.example", "When can I run?", sender=MAIL).status_code == 204
        assert desk.mail_in("hello@in.care.example", "STOP", sender=MAIL).status_code == 204
        desk.listen()
        assert [row.match for row in desk.replies()] == ["matched", "unmatched", "unmatched"]
        assert desk.answers() == ["auto_reply"]
        assert desk.suppressed("email") == []
        assert not any(tried.link_token in row.recipient for row in desk.replies())


def test_stop_by_mail_stops_mails_only(desk: Desk) -> None:
    with time.held(NOW):
        desk.complete()
        tried = desk.hand_over("comfort", Channel.EMAIL)
        to = f"r+{tried.link_token}@in.care.example"
        desk.mail_in(to, "", subject="unsubscribe")
        desk.listen()
        assert (desk.waiting("email"), desk.suppressed("email"), desk.suppressed()) == (0, ["opted_out"], [])
        assert desk.waiting() > 0
        assert desk.answers() == []


def kept_mail(desk: Desk, subject: str, body: str) -> str:
    """What is kept of an e-mail that answers one of ours."""
    desk.complete()
    tried = desk.hand_over("comfort", Channel.EMAIL)
    said = subject.replace("OURS", desk.run(lambda c: ours(c, desk, tried)) or "-")
    assert desk.mail_in(f"r+{tried.link_token}@in.care.example", body, subject=said).status_code == 204
    desk.listen()
    (row,) = desk.replies()
    kept: str = desk.sending.vault.open(row.body, row.id)
    return kept


def ours(connection: Connection, desk: Desk, tried: Tried) -> str | None:
    return wordings.subject_behind(connection, desk.sending.vault, token_key(tried.link_token))


@pytest.mark.parametrize(
    ("subject", "body"),
    [
        ("Unsubscribe", "\n\nSent from my iPhone\n"),
        ("unsubscribe me", "-- \nAna Diaz\n555-1234"),
        ("STOP", "Sent from my iPhone\n\nOn Wed, Mar 4, 2026 at 9:30 AM Riverside <care@c.example> wrote:\n> Hello\n"),
        ("Riverside", "STOP"),
    ],
)
def test_stop_in_a_subject_stops_mails(desk: Desk, subject: str, body: str) -> None:
    """P3: whatever a mail program puts below it."""
    with time.held(NOW):
        kept_mail(desk, subject, body)
    assert (desk.waiting("email"), desk.suppressed("email"), desk.suppressed()) == (0, ["opted_out"], [])


def test_a_sign_in_a_subject_is_heard(desk: Desk) -> None:
    """P9: and people read it with the mail."""
    with time.held(NOW):
        kept = kept_mail(desk, "Can't\n breathe", "Please call me")
    assert " ".join(kept.split()) == "Can't breathe Please call me"
    assert [cause for _, cause, _ in desk.alerts()] == ["breathing"]


def test_a_subject_like_a_quotations_head_hides_nothing(sqlite_desk: Desk) -> None:
    with time.held(NOW):
        kept_mail(
            sqlite_desk, "On Sunday 1 March 2026 I fainted", "Please call\nOn Wed, Mar 4, 2026 Riverside wrote:\n> Hi"
        )
    assert [cause for _, cause, _ in sqlite_desk.alerts()] == ["fainting"]


@pytest.mark.parametrize(
    "subject",
    ["OURS", "Re: OURS", "RE: Fwd: OURS", "RV: OURS", "Rif: OURS", "re[2]: a", "RE : a", "AW: a", "Fw: a", "R\uff1a a"],
)
def test_the_subject_of_an_answer_is_not_the_patients(sqlite_desk: Desk, subject: str) -> None:
    with time.held(NOW):
        assert kept_mail(sqlite_desk, subject, "Thank you!") == "Thank you!"
    assert sqlite_desk.replies()[0].seen_by == "rule thanks"


def test_a_long_subject_leaves_room_for_the_words(sqlite_desk: Desk) -> None:
    with time.held(NOW):
        kept = kept_mail(sqlite_desk, "x" * 5000, "y" * 60_000 + " STOP")
    assert kept.startswith("x" * 1000 + "\n")
    assert len(kept) == replies.MOST_TEXT


def test_a_mail_is_answered_by_text_only_with_consent_to_texts(desk: Desk) -> None:
    with time.held(NOW):
        desk.complete(phone=None)
        tried = desk.hand_over("comfort", Channel.EMAIL)
        desk.mail_in(f"r+{tried.link_token}@in.care.example", "Es normal? señor", charset="iso-8859-1")
        desk.listen()
        assert desk.replies()[0].match == "matched"
        assert desk.answers() == []
        row = desk.replies()[0]
        assert desk.sending.vault.open(row.body, row.id) == "Es normal? señor"


@pytest.mark.parametrize(
    ("headers", "sender"),
    [
        ({"Auto-Submitted": "auto-replied"}, MAIL),
        ({"Precedence": "auto_reply"}, MAIL),
        ({"X-Autoreply": "yes"}, MAIL),
        ({}, ""),
    ],
)
def test_machines_that_mail_are_kept_and_nothing_else(desk: Desk, headers: dict[str, str], sender: str) -> None:
    with time.held(NOW):
        desk.complete()
        tried = desk.hand_over("comfort", Channel.EMAIL)
        to = f"r+{tried.link_token}@in.care.example"
        desk.mail_in(to, "I am away. To unsubscribe reply STOP. Fever? Call us.", headers=headers, sender=sender)
        desk.listen()
        assert bool(desk.replies()[0].automatic)
        assert (desk.answers(), desk.suppressed("email"), desk.alerts()) == ([], [], [])


def test_a_mail_posted_twice_is_kept_once(desk: Desk) -> None:
    with time.held(NOW):
        for _ in range(2):
            desk.mail_in("r+abcdefghijk@in.care.example", "hi", headers={"Message-ID": "<1@x>"})
        assert len(desk.replies()) == 1


# What the clinic reads


def read(desk: Desk, clinic_id: int, **query: object) -> dict:  # type: ignore[type-arg]
    key = desk.run(lambda connection: clinics.new_api_key(connection, clinic_id, NOW))
    answer = desk.client.get("/v1/replies", query_string=query, headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 200
    return answer.get_json()


def test_the_clinic_reads_its_replies_by_cursor(ticking: Ticking) -> None:
    desk = ticking.desk
    for body in ("How long?", "I have a fever", "thanks"):
        ticking.says(body)
    desk.text_in("nobody has read this one yet")
    first = read(desk, desk.clinic.id, limit=2)
    assert [one["text"] for one in first["replies"]] == ["How long?", "I have a fever"]
    assert first["replies"][1]["red_flags"] == ["fever"]
    assert (first["replies"][0]["patient"], first["replies"][0]["session"]) == ("p1", "s1")
    rest = read(desk, desk.clinic.id, after=first["next"])
    assert [one["text"] for one in rest["replies"]] == ["thanks"]
    assert read(desk, desk.clinic.id, after=rest["next"]) == {"replies": [], "next": rest["next"]}
    assert len(desk.sql("SELECT * FROM audit WHERE action = 'replies.read'")) == 2


def test_another_clinic_reads_nothing(ticking: Ticking) -> None:
    """P8."""
    ticking.says("How long?")
    other = ticking.desk.second_clinic()
    assert read(ticking.desk, other.id)["replies"] == []
    assert ticking.desk.client.get("/v1/replies").status_code == 401


def test_two_clinics_that_share_a_number_see_only_their_own_patients(desk: Desk) -> None:
    """P8."""
    with time.held(NOW):
        other = desk.second_clinic()
        desk.complete()
        desk.complete(clinic=other, session="s2", patient="p2")
        give_name(desk, "p2", "Juan")
        desk.says("How long?")
    for clinic, candidates in ((desk.clinic, ["p1"]), (other, ["p2"])):
        (one,) = read(desk, clinic.id)["replies"]
        assert (one["match"], one["candidates"], one["patient"]) == ("shared", candidates, None)
    with time.held(NOW + timedelta(minutes=1)):
        desk.says("Juan")
    assert read(desk, desk.clinic.id)["replies"] == []
    assert [one["patient"] for one in read(desk, other.id)["replies"]] == ["p2", "p2"]


def test_a_reply_whose_writer_becomes_known_is_shown_again(shared: Ticking) -> None:
    desk = shared.desk
    shared.says("My knee is stiff")
    before = read(desk, desk.clinic.id)
    shared.says("Ana")
    after = read(desk, desk.clinic.id, after=before["next"])
    assert sorted((one["text"], one["patient"]) for one in after["replies"]) == [
        ("Ana", "p1"),
        ("My knee is stiff", "p1"),
    ]
    assert before["replies"][0]["id"] in {one["id"] for one in after["replies"]}


@pytest.mark.parametrize("query", ["after=x", "after=-1", "limit=0", "limit=1001", "after=" + "9" * 25])
def test_a_bad_cursor_gets_a_400(desk: Desk, query: str) -> None:
    key = desk.run(lambda connection: clinics.new_api_key(connection, desk.clinic.id, NOW))
    answer = desk.client.get("/v1/replies?" + query, headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 400


def test_no_log_line_names_anybody(ticking: Ticking, caplog: pytest.LogCaptureFixture) -> None:
    """P8."""
    caplog.set_level("DEBUG")
    ticking.says("fever and pus, signed Ana")
    assert not any(word in caplog.text for word in itertools.chain((PHONE, "fever", "Ana")))
