"""What each refusal of a provider changes.

Refused is not sent: the message goes again (P2: once), elsewhere, or ends with its reason (P7); nothing else is written
to an address that said no (P3).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from sandbox import magic
from sandbox.faults import Kind
from service import time
from service.care.lifecycle import Channel
from service.records import fallback, messages, notices, optouts, senders
from service.records.database import reading
from service.records.sending_tables import messages as message_rows
from tests.house import House
from tests.promises.population import counted, daytime, once_each, phone, state_of, treat, treat_many


def sender(h: House, channel: Channel = Channel.SMS) -> senders.Sender:
    name = h.parts.sending.sms_sender if channel is Channel.SMS else h.parts.sending.email_sender
    with reading(h.parts.engine) as connection:
        found = senders.get(connection, channel, name)
    assert found is not None
    return found


def open_notices(h: House) -> set[str]:
    with reading(h.parts.engine) as connection:
        return {one["kind"] for one in notices.open_ones(connection)}


def due_in(h: House, session: str) -> float:
    """Seconds until the first text of `session` is due."""
    with reading(h.parts.engine) as connection:
        rows = messages.of_session(connection, h.session_id(session))
    due = next(row["due_at"] for row in rows if (row["step"], row["channel"]) == ("welcome", "sms"))
    return float((due - time.now()).total_seconds())


def test_slow_down_is_honoured_and_then_everything_goes_once(h: House) -> None:
    h.sandbox.fault(Kind.RATE_LIMITED, count=1, retry_after=77)
    session = treat(h)
    h.deliver_due()
    assert h.handed_over() == []
    assert state_of(h, session) == ("planned", "provider_busy")
    assert 70 < due_in(h, session) <= 78
    closed = sender(h).closed_until
    assert closed is not None
    assert 70 < (closed - time.now()).total_seconds() <= 78, "no other worker may knock meanwhile"

    with time.held(time.now() + timedelta(seconds=80)):
        h.deliver_due()
    assert counted(h.handed_over()) == once_each(1)


def test_one_slow_down_stops_the_batch_and_none_is_lost(h: House) -> None:
    h.sandbox.fault(Kind.RATE_LIMITED, count=1, retry_after=1)
    treat_many(h, 60)
    deliverer = h.deliverer()
    for _ in range(6):
        h.deliver_due(deliverer)
        h.open_gates()
    assert counted(h.handed_over()) == once_each(60)


@pytest.mark.parametrize("code", [20003, 21606, 30002, 30034])
def test_wrong_settings_pause_the_channel_and_keep_the_messages(h: House, code: int) -> None:
    rule = h.sandbox.fault(Kind.REFUSE, on="twilio.create", code=code)
    sessions = treat_many(h, 5, email=True)
    deliverer = h.deliverer()
    h.deliver_due(deliverer)
    assert sender(h).paused_code == str(code)
    assert "channel_paused" in open_notices(h)
    for session in sessions:
        state, reason = state_of(h, session)
        assert state == "planned"
        assert reason in {"channel_paused", "retry_later"}
    assert {entry.provider for entry in h.handed_over()} == {"sendgrid"}, "the other channel is not held up"

    rule.count = 0
    h.run(lambda connection: senders.resume(connection, Channel.SMS, h.parts.sending.sms_sender))
    h.open_gates()
    h.deliver_due(deliverer)
    texts = [entry for entry in h.handed_over() if entry.provider == "twilio"]
    assert counted(texts) == once_each(5)
    assert "channel_paused" not in open_notices(h)


@pytest.mark.parametrize("code", [21408, 21608])
def test_one_patient_who_may_not_be_texted_holds_up_nobody(h: House, code: int) -> None:
    """P4: a country that is not switched on is no fault of the sender; what concerns the others goes on time."""
    abroad = treat(h, 9, email=True, phone=magic.refused_number(code))
    treat_many(h, 5)
    deliverer = h.deliverer()
    h.deliver_due(deliverer)
    assert sender(h).paused_at is None
    assert state_of(h, abroad) == ("failed", "rejected_by_provider")
    assert counted([entry for entry in h.handed_over() if entry.provider == "twilio"]) == once_each(5)
    assert open_notices(h) == {"not_allowed"}
    with time.held(time.now() + timedelta(days=1, hours=1)):
        h.deliver_due(deliverer)
        assert h.states(abroad)["day1", "email"][0] == "planned", "the check goes by e-mail, as its step says"


@pytest.mark.parametrize("batch", [100, 1])
def test_the_notice_of_a_pause_stays_as_long_as_the_pause(h: House, batch: int) -> None:
    """What was taken in the same breath, or was on the wire beside it, is no proof that the settings are mended."""
    h.sandbox.fault(Kind.REFUSE, on="twilio.create", code=30034, count=1)
    # Long enough that those of a batch of one are on the wire together: a pause on record holds who is claimed after.
    h.sandbox.fault(Kind.LATENCY, on="twilio.create", seconds=1.0)
    sessions = treat_many(h, 4)
    h.deliver_due(h.deliverer(batch_size=batch))
    assert "accepted" in {state_of(h, session)[0] for session in sessions}
    assert sender(h).paused_at is not None
    assert "channel_paused" in open_notices(h)


def test_an_opt_out_that_only_the_provider_knew(h: House) -> None:
    number = magic.refused_number(21610)
    session = treat(h, phone=number)
    h.deliver_due()
    states = h.states(session)
    assert states["welcome", "sms"] == ("failed", "opted_out")
    of_texts = {value for (_, channel), value in states.items() if channel == "sms"}
    assert {value for value in of_texts if value[0] not in ("expired", "skipped")} == {
        ("failed", "opted_out"), ("cancelled", "opted_out"),
    }  # fmt: skip
    second = treat(h, 1, phone=number)
    assert state_of(h, second)[1] == "opted_out", "whoever else has that phone is not written to either"


@pytest.mark.parametrize("number", [magic.refused_number(21211), magic.refused_number(21614)])
def test_a_number_that_does_not_exist_falls_back_to_email(h: House, number: str) -> None:
    session = treat(h, email=True, phone=number)
    deliverer = h.deliverer()
    h.deliver_due(deliverer)
    states = h.states(session)
    assert states["welcome", "sms"] == ("failed", "bad_address")
    assert {state for (_, channel), (state, _) in states.items() if channel == "sms"} <= {
        "failed",
        "skipped",
        "expired",
        "cancelled",
    }
    # The first check goes by text, and by e-mail where texts cannot be delivered.
    assert states["day1", "email"][0] == "planned"
    with time.held(time.now() + timedelta(days=1, hours=1)):
        h.deliver_due(deliverer)
    assert counted(h.handed_over())["patient0@example.net"] == 2
    assert all(entry.provider == "sendgrid" for entry in h.handed_over())


def test_a_permanent_refusal_sends_the_same_step_by_email(h: House) -> None:
    session = treat(h, email=True)
    deliverer = h.deliverer()
    with time.held(time.now() + timedelta(days=1, hours=1)):
        h.sandbox.fault(Kind.REFUSE, on="twilio.create", code=21617)
        h.deliver_due(deliverer)
        assert h.states(session)["day1", "sms"] == ("failed", "text_too_long")
        h.deliver_due(deliverer)
    assert counted(h.handed_over()) == {"patient0@example.net": 1}


def test_p7_what_was_refused_did_not_go_out(h: House) -> None:
    """It takes none of the day's texts, and nothing reminds of it."""
    morning = datetime(2026, 3, 4, 14, 31, tzinfo=UTC)
    with time.held(morning - timedelta(days=1)):
        session = treat(h, timezone="America/New_York")
    rule = h.sandbox.fault(Kind.REFUSE, on="twilio.create", code=21617)
    deliverer = h.deliverer()
    with time.held(morning):
        h.deliver_due(deliverer)
        assert state_of(h, session, "day1") == ("failed", "text_too_long")
    assert h.sql("SELECT id FROM messages WHERE handed_at IS NOT NULL") == []
    rule.count = 0
    with time.held(morning + timedelta(hours=5)):
        h.deliver_due(deliverer)
    assert state_of(h, session, "day1.reminder") == ("skipped", "nothing_to_remind")
    assert h.handed_over() == []


@pytest.mark.parametrize("code", [30023, 63038])
def test_a_used_up_day_is_told_and_waits_for_the_next(h: House, code: int) -> None:
    """The first text's window is twelve hours: held to tomorrow it is over, unless tomorrow begins before."""
    h.sandbox.fault(Kind.REFUSE, on="twilio.create", code=code, count=1)
    session = treat(h)
    h.deliver_due()
    assert state_of(h, session) in {("planned", "provider_busy"), ("expired", "window_closed")}
    assert "daily_cap" in open_notices(h)
    assert h.handed_over() == []


def test_the_breaker_leaves_a_dead_provider_alone(h: House) -> None:
    """Nobody listens: after a few tries no more are made, nothing is lost, and everything goes once it is back."""
    rule = h.sandbox.fault(Kind.DROP_BEFORE, on="twilio.create")
    treat_many(h, 80)
    for _ in range(2):  # two workers, each with a circuit of its own; what opens for all is counted together
        h.make_due()
        h.deliver_due(h.deliverer())
    assert rule.struck < 60, "the batch must not be thrown at a provider that does not answer"
    assert sender(h).closed_until is not None
    assert "provider_down" in open_notices(h)

    rule.count = 0
    fresh = h.deliverer()
    for _ in range(3):
        h.hurry()
        h.reconcile()
        h.open_gates()
        h.deliver_due(fresh)
    assert counted(h.handed_over()) == once_each(80)
    assert "provider_down" not in open_notices(h)


def test_what_is_not_tried_costs_no_attempt(h: House) -> None:
    """An outage of hours must not leave a row a second for every text. What has no time to wait still ends."""
    sessions = treat_many(h, 40)
    dead = h.deliverer(twilio_url="http://127.0.0.1:9")
    h.deliver_due(dead)
    [made] = h.sql("SELECT count(*) AS n FROM attempts")
    for _ in range(10):
        h.open_gates()
        assert h.deliver_due(dead)
    assert h.sql("SELECT count(*) AS n FROM attempts") == [made]
    assert {state_of(h, session) for session in sessions} == {("planned", "retry_later")}

    with h.parts.engine.begin() as connection:
        first = update(message_rows).where(message_rows.c.session_id == h.session_id(sessions[0]))
        connection.execute(first.where(message_rows.c.step == "welcome").values(window_until=time.later(1)))
    h.open_gates()
    h.deliver_due(dead)
    assert state_of(h, sessions[0]) == ("expired", "window_closed")

    h.open_gates()
    h.deliver_due()
    assert counted(h.handed_over()) == once_each(39, first=1)


def test_a_bad_email_address_says_nothing_about_the_phone(h: House) -> None:
    session = treat(h, email=True)
    h.sandbox.fault(Kind.REFUSE, on="sendgrid.send", code=400)
    h.deliver_due()
    assert state_of(h, session, channel="email")[0] == "failed"
    assert counted(h.handed_over()) == {phone(0): 1}


@pytest.mark.parametrize(("code", "then"), [(21211, "bad_address"), (21610, "opted_out"), (21617, "not_yet_due")])
def test_p6_a_refusal_and_what_follows_from_it_are_one(
    h: House, monkeypatch: pytest.MonkeyPatch, code: int, then: str
) -> None:
    """The worker dies as it begins to act on a refusal: neither half may be on record without the other."""
    h.sandbox.fault(Kind.REFUSE, on="twilio.create", code=code)
    with time.held(time.now()):
        session = treat(h, email=True, ended_at=time.now() - timedelta(days=1), timezone=daytime())
        with time.held(time.now() + timedelta(hours=2)):
            with monkeypatch.context() as patch:
                patch.setattr(optouts, "opt_out", _plug_pulled)
                patch.setattr(optouts, "address_is_bad", _plug_pulled)
                patch.setattr(fallback, "send_by_email", _plug_pulled)
                with pytest.raises(SystemExit):
                    h.deliver_due()
            h.hurry()
            h.reconcile()
            h.deliver_due()
            states = h.states(session)
            asked = [step for (step, channel), (state, _) in states.items() if channel == "sms" and state == "failed"]
            assert asked
            if code == 21610:
                assert states["day14", "sms"] == ("cancelled", then)
            elif code == 21211:
                assert states["day14", "sms"][1] == then
                assert (asked[0], "email") in states
            else:
                assert (asked[0], "email") in states


def _plug_pulled(*_: object, **__: object) -> None:
    raise SystemExit


def test_a_provider_that_stays_away_past_the_window_is_gone_round_by_email(h: House) -> None:
    """The next try would come too late for the text, so the step's e-mail goes at once."""
    session = treat(h, email=True)
    h.sql("UPDATE messages SET due_at = (SELECT MIN(due_at) FROM messages) WHERE step = 'day1'")
    near = time.later(20)
    with h.parts.engine.begin() as connection:
        connection.execute(
            update(message_rows)
            .where(message_rows.c.step == "day1", message_rows.c.channel == "sms")
            .values(window_until=near)
        )
    h.sandbox.fault(Kind.RATE_LIMITED, on="twilio.create", count=10, retry_after=60)
    h.deliver_due()
    assert state_of(h, session, "day1") == ("expired", "window_closed")
    assert state_of(h, session, "day1", "email")[0] == "planned"
