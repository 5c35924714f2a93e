"""Receipts: kept once, applied forwards, in whatever order and number they come (P1, P2)."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from service import time
from service.care.lifecycle import Channel, Reason, State
from service.records import receipts, waiting
from service.records.attempts import Settled, count_check, last_of, settle
from service.records.messages import Move, move
from tests.inbound.desk import PHONE, Desk, Tried

NOW = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)


def test_a_text_goes_through_its_states(desk: Desk) -> None:
    with time.held(NOW):
        desk.complete()
        tried = desk.hand_over()
        for status, state in (
            ("queued", "accepted"),
            ("sending", "accepted"),
            ("sent", "sent"),
            ("delivered", "delivered"),
        ):
            assert desk.status(tried, status).status_code == 204
            assert desk.state(tried)[0] == state
            assert (desk.message(tried).check_at is None) == (state == "delivered")
        assert desk.state(tried) == ("delivered", "confirmed")


def test_a_double_changes_nothing(desk: Desk) -> None:
    with time.held(NOW):
        desk.complete()
        tried = desk.hand_over()
        for _ in range(3):
            assert desk.status(tried, "sent").status_code == 204
        assert len(desk.sql("SELECT id FROM receipts")) == 1


def test_a_receipt_before_the_create_calls_answer_reveals_the_sid(desk: Desk) -> None:
    """P2: the message is known to have arrived although nobody heard the answer."""
    with time.held(NOW):
        desk.complete()
        tried = desk.begin()
        desk.status(tried, "sent")
        row = desk.sql("SELECT outcome, provider_id FROM attempts WHERE id = :id", id=tried.attempt_id)[0]
        assert (row.outcome, row.provider_id) == ("accepted", tried.sid)
        assert desk.state(tried) == ("sent", "handed_over")
        desk.accept(tried)  # the answer comes late
        assert desk.state(tried) == ("sent", "handed_over")


def test_p6_an_attempt_that_a_receipt_settled_can_be_read_by_who_asks_on(desk: Desk) -> None:
    """The moment was once written as SQLite's text, and every job that held such a message failed from then on."""
    with time.held(NOW):
        desk.complete()
        tried = desk.begin()
        desk.status(tried, "sent")
        [attempt] = desk.run(lambda connection: last_of(connection, desk.sending.vault, [tried.message_id]))
    assert (attempt.outcome, attempt.settled_at) == ("accepted", NOW)


def any_receipt(connection: Connection) -> bool:
    return waiting.at(connection, NOW, NOW).receipts


def test_a_receipt_without_a_token_waits_until_its_attempt_is_known(desk: Desk) -> None:
    with time.held(NOW):
        desk.complete()
        tried = desk.begin()
        desk.status(tried, "delivered", with_token=False)
        assert desk.state(tried)[0] == "sending"
        desk.run(lambda connection: settle(connection, [Settled(tried.attempt_id, "accepted", tried.sid)], NOW))
        assert desk.run(any_receipt)

        def apply(connection) -> int:
            return receipts.apply_waiting(connection, desk.sending, desk.settings, NOW, 100)

        assert desk.run(apply) == 1
        assert desk.state(tried)[0] == "delivered"
        assert not desk.run(any_receipt)
        assert desk.run(apply) == 0


def test_a_receipt_that_is_nobodys_is_let_go_in_the_end(desk: Desk) -> None:
    with time.held(NOW):
        desk.complete()
        stranger = desk.begin()
        stranger.token, stranger.sid = "not-ours", "SM" + "a" * 32
        assert desk.status(stranger, "delivered").status_code == 204
        assert not desk.run(any_receipt)
        later = NOW + timedelta(days=4)
        desk.run(lambda connection: receipts.apply_waiting(connection, desk.sending, desk.settings, later, 100))
        assert desk.sql("SELECT id FROM receipts WHERE applied_at IS NULL") == []


def test_proof_of_arrival_stops_the_attempt_that_was_to_follow(desk: Desk) -> None:
    """P2: the provider's list did not hold it, so it was planned again; then its receipt comes after all."""
    with time.held(NOW):
        desk.complete()
        tried = desk.begin()

        def proven_absent(connection) -> None:
            settle(connection, [Settled(tried.attempt_id, "not_sent", code="absent")], NOW)
            again = Move(tried.message_id, State.PLANNED, Reason.RETRY_LATER, due_at=NOW, unhanded=True)
            assert move(connection, [again], only_from=(State.SENDING,)) == 1

        desk.run(proven_absent)
        desk.status(tried, "sent")
        assert desk.state(tried)[0] == "sent"
        assert desk.message(tried).handed_at is not None


def test_an_old_attempts_failure_does_not_end_a_newer_one_but_its_arrival_counts(desk: Desk) -> None:
    with time.held(NOW):
        desk.complete()
        first = desk.hand_over()
        desk.status(first, "undelivered", 30003)
        assert desk.state(first) == ("planned", "retry_later")
        second = desk.hand_over()
        desk.status(first, "failed", 30003)
        assert desk.state(second) == ("accepted", "handed_over")
        desk.status(first, "delivered")
        assert desk.state(second) == ("delivered", "confirmed")


def test_an_unreachable_phone_is_tried_once_more_and_then_by_email(desk: Desk) -> None:
    with time.held(NOW):
        desk.complete()
        first = desk.hand_over("week6")
        desk.status(first, "undelivered", 30003)
        assert desk.message(first).due_at == NOW + timedelta(minutes=30)
        second = desk.hand_over("week6")
        desk.status(second, "undelivered", 30003)
        assert desk.state(second) == ("undelivered", "unreachable")
        assert desk.sql("SELECT 1 FROM messages WHERE step = 'week6' AND channel = 'email' AND state = 'planned'")


def test_no_retry_after_the_window(desk: Desk) -> None:
    with time.held(NOW):
        desk.complete()
        tried = desk.hand_over()
    with time.held(NOW + timedelta(hours=23, minutes=45)):
        desk.status(tried, "undelivered", 30008)
        assert desk.state(tried) == ("undelivered", "unreachable")


@pytest.mark.parametrize(
    ("status", "code", "end", "suppressed", "others_wait"),
    [
        ("failed", 30005, ("failed", "bad_address"), ["bad_address"], False),
        ("undelivered", 30006, ("undelivered", "bad_address"), ["bad_address"], False),
        ("failed", 21610, ("failed", "opted_out"), ["opted_out"], False),
        ("undelivered", 30007, ("undelivered", "blocked_by_carrier"), [], True),
        ("failed", 99999, ("failed", "rejected_by_provider"), [], True),
        ("undelivered", None, ("undelivered", "unreachable"), [], True),
        ("failed", 30036, ("failed", "window_closed"), [], True),
        ("canceled", None, ("failed", "rejected_by_provider"), [], True),
    ],
)
def test_what_each_code_comes_to(
    desk: Desk, status: str, code: int | None, end: tuple[str, str], suppressed: list[str], others_wait: bool
) -> None:
    with time.held(NOW):
        desk.complete()
        tried = desk.hand_over()
        assert desk.status(tried, status, code).status_code == 204
        assert desk.state(tried) == end
        assert desk.suppressed() == suppressed
        assert (desk.waiting("sms") > 0) == others_wait
        assert desk.waiting("email") > 0


def test_the_operator_hears_of_blocks_when_they_are_many(desk: Desk) -> None:
    """P9 beside it: each of them is a patient who was not reached, whom the desk shows one by one."""
    told = []
    for number in range(6):
        with time.held(NOW + number * timedelta(minutes=1)):
            desk.complete(session=f"s{number}", patient=f"p{number}", phone=f"+1202555019{number}")
            tried = desk.hand_over("day1", patient=f"p{number}")
            desk.status(tried, "undelivered", 30007)
            told.append([row.count for row in desk.sql("SELECT count FROM notices WHERE kind = 'blocked'")])
    assert told == [[], [], [], [], [1], [2]]


def test_p2_a_number_that_goes_bad_sends_nothing_again_that_arrived(desk: Desk) -> None:
    """Only the step whose text did not arrive goes by e-mail; another's does as well once its text comes back."""

    def email_of(step: str) -> tuple[str, str]:
        rows = desk.sql("SELECT state, reason FROM messages WHERE channel = 'email' AND step = :step", step=step)
        return (rows[0].state, rows[0].reason)

    with time.held(NOW):
        desk.complete()
        arrived, in_flight, lost = (desk.hand_over(step) for step in ("day1", "day3", "day7"))
        desk.status(arrived, "delivered")
        desk.status(lost, "failed", 30005)
        assert email_of("day1") == email_of("day3") == ("skipped", "sent_on_other_channel")
        assert email_of("day7") == ("planned", "not_yet_due")
        desk.status(in_flight, "undelivered", 30007)
        assert email_of("day3") == ("planned", "not_yet_due")
        assert email_of("day1") == ("skipped", "sent_on_other_channel")


def test_an_opt_out_that_only_the_provider_knew_is_in_the_ledger(desk: Desk) -> None:
    with time.held(NOW):
        desk.complete()
        desk.status(desk.hand_over(), "failed", 21610)
        line = desk.sql("SELECT action, source FROM consents ORDER BY at DESC, action DESC")[0]
        assert (line.action, line.source) == ("revoked", "provider")


def test_an_address_that_changed_since_is_not_blamed(desk: Desk) -> None:
    with time.held(NOW):
        desk.complete()
        tried = desk.hand_over()
        desk.complete(session="s2", phone="+12025550177", site="shoulder")
        before = desk.waiting()
        desk.status(tried, "failed", 30005)
        assert desk.suppressed() == ["bad_address"]
        assert desk.waiting() == before


@pytest.mark.parametrize("code", [30034, 30032, 30002, 20003])
def test_our_own_settings_pause_the_sender_and_keep_the_message(desk: Desk, code: int) -> None:
    with time.held(NOW):
        desk.complete()
        tried = desk.hand_over()
        desk.status(tried, "failed", code)
        assert desk.state(tried) == ("planned", "channel_paused")
        assert desk.sql("SELECT paused_code FROM senders WHERE channel = 'sms'")[0].paused_code == str(code)
        assert [row.kind for row in desk.sql("SELECT kind FROM notices")] == ["channel_paused"]


@pytest.mark.parametrize("code", [21408, 21608])
def test_a_country_that_is_not_switched_on_ends_one_text_and_pauses_nobody(desk: Desk, code: int) -> None:
    """P4: the others' texts are no part of it."""
    with time.held(NOW):
        desk.complete()
        tried = desk.hand_over()
        desk.status(tried, "failed", code)
        assert desk.state(tried) == ("failed", "rejected_by_provider")
        assert desk.sql("SELECT 1 FROM senders WHERE paused_at IS NOT NULL") == []
        assert desk.suppressed() == []
        assert [row.kind for row in desk.sql("SELECT kind FROM notices")] == ["not_allowed"]


def test_a_double_does_not_pause_a_sender_that_was_mended(desk: Desk) -> None:
    with time.held(NOW):
        desk.complete()
        tried = desk.hand_over()
        desk.status(tried, "failed", 30034)
        desk.sql("UPDATE senders SET paused_at = NULL")
        assert desk.status(tried, "failed", 30034).status_code == 204
        assert desk.sql("SELECT 1 FROM senders WHERE paused_at IS NOT NULL") == []


def test_receipts_at_the_same_moment_come_to_the_same_end(desk: Desk) -> None:
    """P6: several web processes, the same text, doubles among them."""
    with time.held(NOW):
        desk.complete()
        tried = [desk.begin(step) for step in ("day1", "day3", "week6")]
        posts = [
            (one, *word) for one in tried for word in (("sent", None), ("delivered", None), ("undelivered", 30003))
        ]
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda post: desk.status(*post).status_code, posts * 2))
        assert set(answers) == {204}
        assert [desk.state(one) for one in tried] == [("delivered", "confirmed")] * 3
        assert len(desk.sql("SELECT id FROM receipts")) == 9


@pytest.mark.parametrize("code", [30001, 30022, 30023])
def test_a_full_queue_brings_it_back_later(desk: Desk, code: int) -> None:
    with time.held(NOW):
        desk.complete()
        tried = desk.hand_over()
        desk.status(tried, "failed", code)
        assert desk.state(tried) == ("planned", "provider_busy")
        assert desk.message(tried).due_at > NOW
        assert desk.message(tried).handed_at is None


@pytest.mark.parametrize(
    ("code", "end"),
    [
        (30001, ("planned", "provider_busy")),
        (30002, ("planned", "channel_paused")),
        (30003, ("planned", "retry_later")),
    ],
)
def test_p2_news_that_a_poll_brought_first_takes_nothing_back(desk: Desk, code: int, end: tuple[str, str]) -> None:
    with time.held(NOW):
        desk.complete()
        tried = desk.hand_over()
        desk.run(
            lambda connection: receipts.settle(
                connection, desk.sending, desk.settings, tried.attempt_id, State.FAILED, str(code), NOW,
                provider_id=tried.sid,
            )
        )  # fmt: skip
        assert desk.state(tried) == end
        assert desk.status(tried, "failed", code).status_code == 204
        assert desk.state(tried) == end, "the other attempt that was granted is taken away"


def test_questions_about_a_lost_answer_are_not_those_about_a_late_receipt(desk: Desk) -> None:
    """Four of either are enough: a text that was long looked for would never be asked about again."""
    with time.held(NOW):
        desk.complete()
        tried = desk.begin()

        def asked() -> int:
            desk.run(lambda connection: count_check(connection, tried.attempt_id))
            return int(desk.sql("SELECT checks FROM attempts WHERE id = :id", id=tried.attempt_id)[0].checks)

        assert [asked() for _ in range(4)][-1] == 4
        desk.status(tried, "queued")
        assert asked() == 1
        desk.status(tried, "sent")
        assert asked() == 2


def test_only_what_was_tried_uses_up_the_tries(desk: Desk) -> None:
    """Before a text was handed over the provider had not answered for a while."""
    with time.held(NOW):
        desk.complete()
        for _ in range(6):
            tried = desk.begin()
            desk.run(lambda connection, one=tried: settle(connection, [Settled(one.attempt_id, "not_sent")], NOW))
            desk.sql("UPDATE messages SET state = 'planned' WHERE id = :id", id=tried.message_id)
        for _ in range(4):
            tried = desk.hand_over()
            desk.status(tried, "failed", 30001)
            assert desk.state(tried) == ("planned", "provider_busy")
        tried = desk.hand_over()
        desk.status(tried, "failed", 30001)
        assert desk.state(tried) == ("failed", "too_many_attempts")


def test_polling_takes_the_same_way_as_receipts(desk: Desk) -> None:
    with time.held(NOW):
        desk.complete()
        tried = desk.begin()

        def found(state: State, code: str | None, sid: str | None = None) -> None:
            desk.run(
                lambda connection: receipts.settle(
                    connection, desk.sending, desk.settings, tried.attempt_id, state, code, NOW, provider_id=sid
                )
            )

        found(State.ACCEPTED, None, tried.sid)
        assert desk.state(tried) == ("accepted", "handed_over")
        found(State.FAILED, "30005")
        assert desk.state(tried) == ("failed", "bad_address")
        assert desk.suppressed() == ["bad_address"]


WORDS = [
    ("queued", None),
    ("sending", None),
    ("sent", None),
    ("delivered", None),
    ("read", None),
    ("undelivered", 30003),
    ("undelivered", 30007),
    ("failed", 30005),
    ("failed", 99999),
    ("something-new", None),
]


@given(data=st.data())
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_any_order_of_receipts_comes_to_the_same_end(sqlite_desk: Desk, data: st.DataObject) -> None:
    """P2: with at most one refusal (a text has one end), doubled or not, only what was said counts."""
    refusals = [word for word in WORDS if word[1] is not None]
    said = data.draw(st.lists(st.sampled_from([word for word in WORDS if word[1] is None]), unique=True, max_size=6))
    said += data.draw(st.lists(st.sampled_from(refusals), max_size=1))
    answered_at = data.draw(st.integers(0, len(said)))
    orders = [data.draw(st.permutations(said)) for _ in range(2)]
    ends = set()
    for number, order in enumerate(orders):
        with time.held(NOW):
            ends.add(_end_of(sqlite_desk, order, answered_at if number else 0))
    assert len(ends) == 1, (orders, ends)


_patients = itertools.count(1)


def _end_of(desk: Desk, order: list[tuple[str, int | None]], answered_at: int) -> tuple[str, str, int]:
    number = next(_patients)
    name = f"patient {number}"
    desk.complete(session=f"session {number}", patient=name, phone=PHONE)
    tried = desk.begin("day1", Channel.SMS, name)
    for at, (status, code) in enumerate(order):
        if at == answered_at:
            desk.accept(tried)
        for _ in range(1 + at % 2):
            assert desk.status(tried, status, code, with_token=at % 3 != 2 or at < answered_at).status_code == 204
    if answered_at >= len(order):
        desk.accept(tried)
    # Twins of the number would otherwise be suppressed for each other.
    desk.sql("UPDATE suppressions SET lifted_at = since")
    desk.sql("UPDATE patients SET phone_key = NULL")
    desk.sql("UPDATE messages SET state = 'cancelled' WHERE state = 'planned' AND id != :id", id=tried.message_id)
    attempts = desk.sql("SELECT count(*) AS n FROM attempts WHERE message_id = :id", id=tried.message_id)[0].n
    return (*desk.state(tried), attempts)


def test_delivered_wins_over_any_refusal_in_either_order(desk: Desk) -> None:
    for number, (refusal, code) in enumerate([("undelivered", 30003), ("undelivered", 30007), ("failed", 99999)]):
        for order in ([refusal, "delivered"], ["delivered", refusal]):
            with time.held(NOW):
                name = f"p{number} {order[0]}"
                desk.complete(session=name, patient=name, phone=f"+120255501{number}{len(order[0]) % 10}")
                tried = desk.hand_over(patient=name)
                for status in order:
                    desk.status(tried, status, code if status == refusal else None)
                assert desk.state(tried) == ("delivered", "confirmed")


class TestMail:
    """The same for e-mail, from SendGrid's events."""

    def event(self, tried: Tried, kind: str, number: int = 1, **more: object) -> dict[str, object]:
        return {
            "aftercare_attempt": tried.token,
            "email": "ana@mail.example",
            "event": kind,
            "sg_event_id": f"{tried.attempt_id} {kind} {number}".replace(" ", "-"),
            "sg_message_id": f"{tried.sid}.filter0001.123.456.0",
            "timestamp": int(NOW.timestamp()),
            **more,
        }

    def test_it_goes_through_its_states(self, desk: Desk) -> None:
        with time.held(NOW):
            desk.complete()
            tried = desk.hand_over("comfort", Channel.EMAIL)
            delivered, processed = self.event(tried, "delivered"), self.event(tried, "processed")
            assert desk.events(delivered, processed, delivered).status_code == 204
            assert desk.state(tried) == ("delivered", "confirmed")
            assert len(desk.sql("SELECT id FROM receipts")) == 2

    def test_deferred_carries_a_number_where_our_token_was(self, desk: Desk) -> None:
        with time.held(NOW):
            desk.complete()
            tried = desk.hand_over("comfort", Channel.EMAIL)
            desk.events(self.event(tried, "deferred", attempt="1"))
            assert desk.sql("SELECT attempt_id FROM receipts")[0].attempt_id == tried.attempt_id
            assert desk.state(tried)[0] == "accepted"

    @pytest.mark.parametrize(
        ("event", "end", "suppressed", "others_wait"),
        [
            ({"event": "bounce", "type": "bounce"}, ("undelivered", "bounced"), ["bounced"], False),
            ({"event": "bounce", "type": "blocked"}, ("undelivered", "blocked_by_carrier"), [], True),
            ({"event": "dropped", "reason": "Bounced Address"}, ("failed", "bounced"), ["bounced"], False),
            ({"event": "dropped", "reason": "Unsubscribed Address"}, ("failed", "opted_out"), ["opted_out"], False),
            ({"event": "dropped", "reason": "Spam Reporting Address"}, ("failed", "complained"), ["complained"], False),
            ({"event": "dropped", "reason": "Invalid"}, ("failed", "bad_address"), ["bad_address"], False),
            ({"event": "dropped", "reason": "Too many"}, ("failed", "rejected_by_provider"), [], True),
            ({"event": "spamreport"}, ("accepted", "handed_over"), ["complained"], False),
            ({"event": "unsubscribe"}, ("accepted", "handed_over"), ["opted_out"], False),
            ({"event": "group_unsubscribe"}, ("accepted", "handed_over"), ["opted_out"], False),
        ],
    )
    def test_what_each_event_comes_to(
        self, desk: Desk, event: dict[str, str], end: tuple[str, str], suppressed: list[str], others_wait: bool
    ) -> None:
        with time.held(NOW):
            desk.complete()
            tried = desk.hand_over("comfort", Channel.EMAIL)
            assert desk.events({**self.event(tried, event["event"]), **event}).status_code == 204
            assert desk.state(tried) == end
            assert desk.suppressed("email") == suppressed
            assert (desk.waiting("email") > 0) == others_wait
            assert desk.waiting("sms") > 0

    @pytest.mark.parametrize(("event", "comes_back"), [("bounce", True), ("spamreport", False)])
    def test_a_corrected_address_gets_what_is_still_to_come(self, desk: Desk, event: str, comes_back: bool) -> None:
        """As a corrected number does. Who called one mail spam is not written to elsewhere."""
        with time.held(NOW):
            desk.complete()
            tried = desk.hand_over("comfort", Channel.EMAIL)
            before = desk.waiting("email")
            assert desk.events(self.event(tried, event)).status_code == 204
            assert desk.waiting("email") == 0
        with time.held(NOW + timedelta(minutes=5)):
            desk.complete(email="ana.right@mail.example")
            assert desk.waiting("email") == (before if comes_back else 0)
            assert desk.state(tried) == (("undelivered", "bounced") if comes_back else ("accepted", "handed_over"))

    @pytest.mark.parametrize("event", ["spamreport", "unsubscribe", "group_unsubscribe"])
    def test_p6_an_opinion_of_a_mail_is_proof_that_it_came(self, desk: Desk, event: str) -> None:
        """Its answer was lost, and so was every word of its delivery: nobody would have settled it any more."""
        with time.held(NOW):
            desk.complete()
            tried = desk.begin("comfort", Channel.EMAIL)
            assert desk.state(tried)[0] == "sending"
            assert desk.events(self.event(tried, event)).status_code == 204
            assert desk.state(tried) == ("accepted", "handed_over")


def test_a_failing_database_stores_nothing_and_says_so(sqlite_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """P1: no 2xx without a commit."""
    from sqlalchemy.exc import OperationalError

    def broken(*_: object, **__: object) -> None:
        raise OperationalError("x", {}, Exception("disk full"))

    monkeypatch.setattr(receipts.outcomes, "apply", broken)
    with time.held(NOW):
        sqlite_desk.complete()
        tried = sqlite_desk.hand_over()
        assert sqlite_desk.status(tried, "sent").status_code == 503
        assert sqlite_desk.stored() == 0
    monkeypatch.undo()
    with time.held(NOW):
        assert sqlite_desk.status(tried, "sent").status_code == 204
        assert sqlite_desk.state(tried)[0] == "sent"
