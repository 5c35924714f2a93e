"""Webhooks reach clinics signed, in each patient's order, at least once, for three days."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, func, select, update
from standardwebhooks import Webhook, WebhookVerificationError

from service import time
from service.records import hook_deliveries, hook_endpoints, hook_secrets, hooks, notices
from service.records.hook_deliveries import JITTER, RETRY_SECONDS, Answer
from service.records.hooks import Type
from service.records.webhook_tables import webhook_endpoints, webhook_old_secrets
from tests.hooks.conftest import Surgery
from tests.hooks.receiver import Got, receiving
from workers.hooks import WebhookPoster

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def test_a_post_is_signed_and_says_what_happened(surgery: Surgery) -> None:
    surgery.announce(surgery.ana, 1)
    assert surgery.deliver() == 1
    [got] = surgery.receiver.got
    body = Webhook(surgery.secret).verify(got.raw, got.headers)
    assert body["type"] == "reply.received"
    assert body["data"] == {"patient": {"id": "ana"}, "number": 1}
    assert datetime.fromisoformat(body["timestamp"]).tzinfo is not None
    assert got.headers["content-type"] == "application/json"
    assert surgery.states() == ["delivered"]
    assert surgery.deliver() == 0


def changed(surgery: Surgery, form: int) -> str:
    vault = surgery.parts.sending.vault
    return surgery.run(  # type: ignore[no-any-return]
        lambda c: hook_secrets.rotate(c, vault, surgery.endpoint.id, form, time.now())
    )


def signers(surgery: Surgery, secrets: Sequence[str]) -> list[str]:
    """Post one event: the secrets that verify it, out of these, and no other signed it."""
    surgery.receiver.got.clear()
    surgery.announce(surgery.ana, 1)
    assert surgery.deliver() == 1
    [got] = surgery.receiver.got
    found = []
    for secret in secrets:
        with suppress(WebhookVerificationError):
            Webhook(secret).verify(got.raw, got.headers)
            found.append(secret)
    assert len(got.headers["webhook-signature"].split()) == len(found)
    return found


def test_a_changed_secret_and_the_old_one_both_sign_for_a_day(surgery: Surgery) -> None:
    old = surgery.secret
    with time.held(NOON):
        new = changed(surgery, form=1)
        assert signers(surgery, [old, new]) == [old, new]
    with time.held(NOON + timedelta(hours=24) - timedelta(milliseconds=1)):
        assert signers(surgery, [old, new]) == [old, new]
        assert surgery.read(
            lambda c: hook_secrets.old_signs_until(c, surgery.endpoint.id, time.now())
        ) == NOON + timedelta(hours=24)  # fmt: skip
    with time.held(NOON + timedelta(hours=24)):
        assert signers(surgery, [old, new]) == [new]
        assert surgery.read(lambda c: hook_secrets.old_signs_until(c, surgery.endpoint.id, time.now())) is None


def test_changed_again_each_secret_signs_until_its_own_end(surgery: Surgery) -> None:
    """Nobody here knows which of them the receiver has."""
    with time.held(NOON):
        made = [surgery.secret, changed(surgery, form=1)]
    with time.held(NOON + timedelta(hours=1)):
        made.append(changed(surgery, form=2))
        assert signers(surgery, made) == made
    with time.held(NOON + timedelta(hours=24)):
        assert signers(surgery, made) == made[1:]
        made += [changed(surgery, form) for form in (3, 4, 5)]
        assert signers(surgery, made) == made[-1 - hook_secrets.MOST_OLD :]
        # What has ended is not kept.
        kept = surgery.read(lambda c: c.execute(select(func.count()).select_from(webhook_old_secrets)).scalar_one())
        assert kept == hook_secrets.MOST_OLD


def test_the_old_secret_is_stopped_at_once(surgery: Surgery) -> None:
    old, new = surgery.secret, changed(surgery, form=1)
    surgery.run(lambda c: hook_secrets.stop_old(c, surgery.endpoint.id))
    assert signers(surgery, [old, new]) == [new]


def test_p8_old_secrets_are_sealed(surgery: Surgery) -> None:
    changed(surgery, form=1)
    [row] = surgery.read(lambda c: c.execute(select(webhook_old_secrets)).all())
    assert surgery.secret.encode() not in row.secret
    assert surgery.parts.sending.vault.open(row.secret, row.id) == surgery.secret


def test_a_secret_that_cannot_be_opened_can_be_changed(surgery: Surgery) -> None:
    surgery.run(lambda c: c.execute(update(webhook_endpoints).values(secret=b"\x01xxxxxxxxxxxxxxx")))
    new = changed(surgery, form=1)
    assert signers(surgery, [new]) == [new]


def test_words_are_sealed_at_rest(surgery: Surgery) -> None:
    """P8: what a patient wrote is nowhere readable in the tables."""
    vault = surgery.parts.sending.vault
    surgery.run(
        lambda c: hooks.announce(
            c, vault, surgery.clinic_id, surgery.ana, Type.REPLY, {"text": "knee is hot"}, time.now()
        )
    )
    rows = surgery.read(lambda c: c.execute(hooks.select(hooks.webhook_events)).all())
    assert "knee" not in repr(rows)
    surgery.deliver()
    assert surgery.receiver.got[0].body["data"]["text"] == "knee is hot"


def test_one_patients_events_wait_for_each_other_and_for_nobody_elses(surgery: Surgery) -> None:
    surgery.receiver.answer = lambda got: 500 if got.number == 1 else 204
    with time.held(NOON):
        for number, patient in ((1, surgery.ana), (2, surgery.ana), (3, surgery.ben), (4, surgery.ana), (5, None)):
            surgery.announce(patient, number)
        surgery.deliver()
    assert sorted(surgery.receiver.numbers) == [1, 3, 5]
    surgery.receiver.got.clear()
    surgery.receiver.answer = lambda got: 204
    with time.held(NOON + timedelta(seconds=4)):
        assert surgery.deliver() == 0
    with time.held(NOON + timedelta(seconds=6)):
        surgery.deliver()
    assert surgery.receiver.numbers == [1, 2, 4]


def test_the_line_goes_on_when_the_first_is_given_up(surgery: Surgery) -> None:
    surgery.receiver.answer = lambda got: 500 if got.number == 1 else 204
    with time.held(NOON):
        surgery.announce(surgery.ana, 1)
        surgery.announce(surgery.ana, 2)
    with time.held(NOON + timedelta(days=3)):
        surgery.deliver()
    assert surgery.receiver.numbers == [1, 2]
    assert surgery.states() == ["abandoned", "delivered"]


def test_an_event_is_tried_for_three_days_on_schedule(surgery: Surgery) -> None:
    surgery.receiver.answer = lambda got: 503
    at = NOON
    waits: list[float] = []
    with time.held(at):
        surgery.announce(surgery.ana, 1)
    while True:
        with time.held(at):
            assert surgery.deliver() == 1
            [row] = surgery.deliveries()
        if row["state"] == "abandoned":
            break
        # Never early.
        with time.held(row["due_at"] - timedelta(milliseconds=1)):
            assert surgery.deliver() == 0
        waits.append((row["due_at"] - at).total_seconds())
        at = row["due_at"]
    expected = list(RETRY_SECONDS) + [RETRY_SECONDS[-1]] * (len(waits) - len(RETRY_SECONDS))
    for wait, base in zip(waits, expected, strict=True):
        assert base <= wait <= base * (1 + JITTER)
    assert timedelta(days=2, hours=12) < at - NOON <= timedelta(days=3)
    assert row["status"] == 503
    assert row["last_error"] == "status_503"


@pytest.mark.parametrize(
    ("status", "asked", "least"),
    [
        (429, "120", 120),
        (503, "3600", 3600),
        (503, "Mon, 02 Mar 2026 12:05:00 GMT", 5),
        (500, "120", 5),
        (429, "soon", 5),
        (429, "99999999", 36000),
    ],
)
def test_retry_after_is_honoured(surgery: Surgery, status: int, asked: str, least: int) -> None:
    surgery.receiver.answer = lambda got: (status, {"Retry-After": asked}, b"")
    with time.held(NOON):
        surgery.announce(surgery.ana, 1)
        surgery.deliver()
    [row] = surgery.deliveries()
    waited = (row["due_at"] - NOON).total_seconds()
    assert least <= waited <= max(least, 5.5)
    # A busy endpoint is left alone altogether.
    surgery.receiver.answer = lambda got: 204
    with time.held(NOON + timedelta(seconds=1)):
        surgery.announce(surgery.ben, 2)
        assert surgery.deliver() == (0 if asked.isdigit() and status in (429, 503) else 1)


def test_a_doubled_job_posts_nothing_twice(surgery: Surgery) -> None:
    """P5: nudges are hints."""
    surgery.announce(surgery.ana, 1)
    ids = surgery.look()
    assert surgery.look() == []
    other = WebhookPoster(surgery.parts)
    assert [surgery.poster.deliver(ids), other.deliver(ids), surgery.poster.deliver(ids)] == [1, 0, 0]
    other.close()
    assert len(surgery.receiver.got) == 1


def test_a_lost_nudge_is_repeated(surgery: Surgery) -> None:
    with time.held(NOON):
        surgery.announce(surgery.ana, 1)
        assert len(surgery.look()) == 1
    with time.held(NOON + timedelta(seconds=31)):
        assert surgery.deliver() == 1


class Killed(BaseException):
    pass


def test_a_worker_killed_between_post_and_record_posts_again_under_the_same_id(
    surgery: Surgery, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P6: at least once, and the receiver can tell."""
    doomed = WebhookPoster(surgery.parts)

    def die(*_: Any) -> Any:
        raise Killed

    monkeypatch.setattr(doomed, "_record", die)
    with time.held(NOON):
        surgery.announce(surgery.ana, 1)
        surgery.announce(surgery.ana, 2)
        with pytest.raises(Killed):
            doomed.deliver(surgery.look())
    assert surgery.states() == ["posting", "waiting"]
    with time.held(NOON + timedelta(seconds=59)):
        assert surgery.deliver() == 0
    with time.held(NOON + timedelta(seconds=61)):
        surgery.deliver()
    assert surgery.receiver.numbers == [1, 1, 2]
    assert surgery.receiver.got[0].id == surgery.receiver.got[1].id != surgery.receiver.got[2].id
    assert surgery.receiver.got[0].raw == surgery.receiver.got[1].raw
    doomed.close()


def test_a_paused_worker_cannot_put_back_what_another_delivered(surgery: Surgery) -> None:
    """P6: its failure is recorded only while it holds the lease; its success always counts."""
    with time.held(NOON):
        surgery.announce(surgery.ana, 1)
        ids = surgery.look()
        [slow] = surgery.run(lambda c: hook_deliveries.claim(c, ids, hook_deliveries.Counter(), 8, 64, surgery.lease()))
    with time.held(NOON + timedelta(seconds=61)):
        ids = surgery.look()
        [quick] = surgery.run(
            lambda c: hook_deliveries.claim(c, ids, hook_deliveries.Counter(), 8, 64, surgery.lease())
        )
        now = time.now()
        surgery.run(lambda c: hook_deliveries.record(c, slow, Answer(500), now))
        assert surgery.states() == ["posting"]
        surgery.run(lambda c: hook_deliveries.record(c, slow, Answer(200), now))
        surgery.run(lambda c: hook_deliveries.record(c, quick, Answer(500), now))
    assert surgery.states() == ["delivered"]


def test_what_waits_for_a_paused_endpoint_is_put_off_and_goes_when_it_is_resumed(surgery: Surgery) -> None:
    with time.held(NOON):
        surgery.announce(surgery.ana, 1)
        surgery.run(lambda c: hook_endpoints.pause(c, surgery.endpoint.id, time.now()))
        assert surgery.look() == []
    [waiting] = surgery.deliveries()
    assert (waiting["state"], waiting["due_at"]) == ("waiting", NOON + timedelta(days=1))
    with time.held(NOON + timedelta(hours=1)):
        surgery.run(lambda c: hook_endpoints.resume(c, surgery.endpoint.id, time.now()))
        assert surgery.deliver() == 1


def test_who_is_resumed_while_a_clock_looks_waits_for_no_day(surgery: Surgery) -> None:
    """P6: the clock has read that it is paused; by the time it puts the deliveries off it no longer is."""
    with time.held(NOON):
        surgery.announce(surgery.ana, 1)
        surgery.run(lambda c: hook_endpoints.pause(c, surgery.endpoint.id, time.now()))
        put_off = hook_deliveries._set

        def resumed_first(connection: Connection, *about: Any, state: str) -> None:
            hook_endpoints.resume(connection, surgery.endpoint.id, time.now())
            put_off(connection, *about, state=state)

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(hook_deliveries, "_set", resumed_first)
            surgery.look()
        assert surgery.deliver() == 1


def test_410_ends_the_endpoint_and_tells_the_operator(surgery: Surgery) -> None:
    surgery.receiver.answer = lambda got: 410
    surgery.announce(surgery.ana, 1)
    surgery.announce(surgery.ana, 2)
    surgery.deliver()
    assert surgery.states() == ["abandoned", "abandoned"]
    assert surgery.read(lambda c: hook_endpoints.get(c, surgery.endpoint.id)).disabled_at is not None
    assert [one["kind"] for one in surgery.read(notices.open_ones)] == ["webhook_gone"]
    surgery.announce(surgery.ana, 3)
    assert len(surgery.receiver.got) == 1
    assert len(surgery.states()) == 2


def test_a_redirect_is_not_followed_and_is_no_success(surgery: Surgery) -> None:
    with receiving() as elsewhere:
        surgery.receiver.answer = lambda got: (307, {"Location": elsewhere.url}, b"")
        surgery.announce(surgery.ana, 1)
        surgery.deliver()
        assert elsewhere.got == []
    assert surgery.deliveries()[0]["last_error"] == "status_307"


def test_a_long_answer_is_neither_read_nor_a_failure(surgery: Surgery) -> None:
    surgery.receiver.answer = lambda got: (200, {}, b"x" * 5_000_000)
    surgery.announce(surgery.ana, 1)
    surgery.announce(surgery.ana, 2)
    surgery.deliver()
    assert surgery.states() == ["delivered", "delivered"]


def test_an_endpoint_that_hangs_times_out(surgery: Surgery, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.hooks.TOTAL_SECONDS", 0.2)

    def hang(got: Got) -> int:
        __import__("time").sleep(1)
        return 204

    surgery.receiver.answer = hang
    surgery.announce(surgery.ana, 1)
    surgery.deliver()
    assert surgery.deliveries()[0]["last_error"] == "timeout"


def test_a_dead_endpoint_rests_and_holds_up_nobody(surgery: Surgery) -> None:
    dead, _ = surgery.add_endpoint("http://127.0.0.1:1/")
    with time.held(NOON):
        for number in range(30):
            surgery.announce(None, number)
        surgery.deliver()
        assert set(surgery.states()) == {"delivered"}
        tried = [row["tries"] for row in surgery.read(lambda c: hook_deliveries.states(c, dead.id))]
        assert sum(tried) <= 30
        surgery.announce(None, 99)
        assert surgery.deliver() == 1  # the dead one is not tried again yet
    assert surgery.receiver.numbers[-1] == 99


def test_three_days_of_failure_are_the_operators_business(surgery: Surgery) -> None:
    surgery.receiver.answer = lambda got: 500
    for days, expected in ((0, []), (1, []), (3, ["webhook_failing"])):
        with time.held(NOON + timedelta(days=days)):
            surgery.announce(None, days)
            surgery.deliver()
        assert [one["kind"] for one in surgery.read(notices.open_ones)] == expected
    assert surgery.read(lambda c: hook_endpoints.get(c, surgery.endpoint.id)).failing_since == NOON
    surgery.receiver.answer = lambda got: 204
    with time.held(NOON + timedelta(days=3, minutes=1)):
        surgery.announce(None, 9)
        surgery.deliver()
    assert surgery.read(notices.open_ones) == []
    assert surgery.read(lambda c: hook_endpoints.get(c, surgery.endpoint.id)).failing_since is None


def test_an_event_that_cannot_be_opened_hurts_no_other(surgery: Surgery) -> None:
    lost, _ = surgery.add_endpoint(surgery.receiver.url)
    surgery.run(
        lambda c: c.execute(
            update(webhook_endpoints).where(webhook_endpoints.c.id == lost.id).values(secret=b"\x01xxxxxxxxxxxxxxx")
        )
    )
    surgery.announce(surgery.ana, 1)
    surgery.deliver()
    assert surgery.states() == ["delivered"]
    assert surgery.read(lambda c: hook_deliveries.states(c, lost.id))[0]["last_error"] == "cannot_open"


def test_names_that_lead_inside_are_refused_when_they_are_looked_up(surgery: Surgery) -> None:
    """Against rebinding: what counts is the address that is connected to."""
    outside = surgery.parts.settings.model_copy(update={"webhooks_allow_private": False})
    strict = WebhookPoster(
        surgery.parts.__class__(outside, surgery.parts.engine, surgery.parts.sending, surgery.parts.nudges)
    )
    port = surgery.receiver.url.split(":")[2].split("/")[0]
    url = f"https://localhost.localdomain:{port}/"
    named, _ = surgery.add_endpoint(url, ["alert.opened"])

    async def resolve(*_: Any) -> Any:
        return [{"hostname": "h", "host": "127.0.0.1", "port": int(port), "family": 2, "proto": 0, "flags": 0}]

    strict_resolver = "aiohttp.ThreadedResolver.resolve"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(strict_resolver, resolve)
        surgery.announce(surgery.ana, 1, Type.ALERT_OPENED)
        strict.deliver(surgery.look())
    strict.close()
    assert surgery.receiver.got == []
    [row] = surgery.read(lambda c: hook_deliveries.states(c, named.id))
    assert row["last_error"] == "address_refused"
    assert surgery.deliveries()[0]["last_error"] == "address_refused"
