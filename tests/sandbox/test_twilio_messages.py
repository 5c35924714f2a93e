"""The Messages resource, driven by Twilio's own SDK."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
import requests
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from sandbox.server import Handle
from sandbox.texts import segments
from service import time
from tests.sandbox.listener import eventually

TO = "+12125550123"
FROM = "+12025550100"


def test_a_created_text_looks_like_twilios(sandbox: Handle, twilio: Client) -> None:
    answer = _post(sandbox, To=TO, From=FROM, Body="hello")
    data = answer.json()
    assert answer.status_code == 201
    assert data["sid"].startswith("SM")
    assert len(data["sid"]) == 34
    assert (data["status"], data["num_segments"], data["num_media"], data["error_code"]) == ("queued", "1", "0", None)
    assert data["date_created"].endswith("+0000")
    assert data["date_sent"] is None
    assert data["uri"] == f"/2010-04-01/Accounts/{sandbox.config.account_sid}/Messages/{data['sid']}.json"


def test_a_messaging_service_picks_the_sender_later(sandbox: Handle, twilio: Client) -> None:
    text = twilio.messages.create(to=TO, messaging_service_sid=sandbox.config.messaging_service_sid, body="hello")
    assert (text.status, text.from_, text.num_segments) == ("accepted", None, "0")
    eventually(lambda: twilio.messages(text.sid).fetch().status == "delivered")
    later = twilio.messages(text.sid).fetch()
    assert (later.from_, later.num_segments) == (sandbox.config.sender, "1")
    assert later.date_sent is not None


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"To": ""}, 21604),
        ({"To": "12"}, 21211),
        ({"To": "not a number"}, 21211),
        ({"From": ""}, 21603),
        ({"From": "12"}, 21212),
        ({"From": TO}, 21266),
        ({"From": "", "MessagingServiceSid": "MG" + "0" * 32}, 21701),
        ({"Body": ""}, 21602),
        ({"Body": "x" * 1601}, 21617),
        ({"Body": "😀" * 801}, 21617),
        ({"StatusCallback": "nowhere"}, 21609),
        ({"StatusCallback": "ftp://example.com/"}, 21609),
        ({"StatusCallback": "https://my_host.example.com/"}, 21609),
        ({"StatusCallback": "https://[bad/"}, 21609),
        ({"ValidityPeriod": "0"}, 21624),
        ({"ValidityPeriod": "36001"}, 21624),
        ({"ValidityPeriod": "1.5"}, 21624),
        ({"body": "lower case"}, 20001),
        ({"Colour": "red"}, 20001),
    ],
)
def test_a_wrong_request_gets_twilios_error_and_is_not_accepted(
    sandbox: Handle, fields: dict[str, str], code: int
) -> None:
    answer = _post(sandbox, **{"To": TO, "From": FROM, "Body": "hello", **fields})
    error = answer.json()
    assert answer.status_code == error["status"] == 400
    assert set(error) == {"code", "message", "more_info", "status"}
    assert error["code"] == code
    assert error["more_info"].endswith(f"/{code}")
    assert sandbox.entries() == []


@pytest.mark.parametrize(
    "fields", [{"Body": "x" * 1600}, {"ValidityPeriod": "1"}, {"ValidityPeriod": "36000"}, {"To": "(212) 555-0123"}]
)
def test_the_edges_are_inside(sandbox: Handle, fields: dict[str, str]) -> None:
    assert _post(sandbox, **{"To": TO, "From": FROM, "Body": "hello", **fields}).status_code == 201
    assert sandbox.entries()[0].to == TO


def test_wrong_credentials_are_refused(sandbox: Handle) -> None:
    wrong = Client(sandbox.config.account_sid, "wrong")
    wrong.api.base_url = sandbox.url
    with pytest.raises(TwilioRestException) as refused:
        wrong.messages.create(to=TO, from_=FROM, body="hello")
    assert (refused.value.status, refused.value.code) == (401, 20003)
    elsewhere = f"{sandbox.url}/2010-04-01/Accounts/AC{'0' * 32}/Messages.json"
    assert requests.get(elsewhere, headers=_authorization(sandbox), timeout=5).status_code == 404
    assert sandbox.entries() == []


def test_an_unknown_text_is_not_found(twilio: Client) -> None:
    with pytest.raises(TwilioRestException) as missing:
        twilio.messages("SM" + "0" * 32).fetch()
    assert (missing.value.status, missing.value.code) == (404, 20404)


def test_paging_is_newest_first_and_complete(twilio: Client) -> None:
    for n in range(7):
        twilio.messages.create(to=TO, from_=FROM, body=str(n))
    twilio.messages.create(to="+13125550100", from_=FROM, body="another's")
    assert [text.body for text in twilio.messages.list(to=TO, page_size=3)] == list("6543210")
    assert len(twilio.messages.list(page_size=3)) == 8


def test_texts_that_arrive_between_pages_neither_repeat_nor_hide_others(twilio: Client) -> None:
    """P2: reconciliation pages back while other messages are being sent."""
    for n in range(4):
        twilio.messages.create(to=TO, from_=FROM, body=str(n))
    first = twilio.messages.page(to=TO, page_size=2)
    seen = [text.body for text in first]
    twilio.messages.create(to=TO, from_=FROM, body="new")
    second = first.next_page()
    seen += [text.body for text in second]
    assert seen == list("3210")
    assert second.next_page() is None


@contextmanager
def the_world_at(moment: datetime) -> Iterator[None]:
    """Both clocks: the service's, and the one that a provider's dates are read from."""
    with time.held(moment), pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "real_now", lambda: moment)
        yield


def test_a_fast_clock_does_not_reach_the_providers_dates(sandbox: Handle, twilio: Client) -> None:
    """What we ask the provider about goes by the world's time: the proof that a text never arrived hangs on it (P2)."""
    with time.held(datetime(2031, 1, 1, tzinfo=UTC)):
        created = twilio.messages.create(to=TO, from_=FROM, body="now").date_created
        [entry] = sandbox.entries()
    assert created is not None
    assert abs(created - time.real_now()) < timedelta(minutes=1)
    assert entry.at == datetime(2031, 1, 1, tzinfo=UTC)


def test_date_sent_filters_and_a_text_not_yet_sent_matches_none(sandbox: Handle, twilio: Client) -> None:
    def found(**filters: object) -> list[str]:
        return [text.body for text in twilio.messages.list(to=TO, **filters)]

    with the_world_at(datetime(2026, 3, 1, 12, 0, 0, 500_000, tzinfo=UTC)):
        twilio.messages.create(to=TO, from_=FROM, body="old")
        eventually(lambda: twilio.messages.list(to=TO)[0].status == "delivered")
    with the_world_at(datetime(2026, 3, 3, 12, tzinfo=UTC)):
        twilio.messages.create(to=TO, from_=FROM, body="new")
        eventually(lambda: twilio.messages.list(to=TO)[0].status == "delivered")
        soon = time.now() + timedelta(hours=1)
        twilio.messages.create(
            to=TO,
            messaging_service_sid=sandbox.config.messaging_service_sid,
            body="later",
            schedule_type="fixed",
            send_at=soon,
        )
        # Still under the held clock: once it is let go, the scheduled text is overdue and goes out.
        noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
        assert found() == ["later", "new", "old"]
        assert found(date_sent=datetime(2026, 3, 1, tzinfo=UTC).date()) == ["old"]
        assert found(date_sent_before=noon) == ["old"]
        assert found(date_sent_after=noon) == ["new", "old"]
        assert found(date_sent_after=noon + timedelta(seconds=1)) == ["new"]
        assert found(date_sent_after=noon, date_sent_before=noon) == ["old"]


def test_redaction_needs_a_final_status_and_leaves_the_ledger_alone(sandbox: Handle, twilio: Client) -> None:
    """P8: the body can be blanked at the provider; the witness keeps what was accepted."""
    sandbox.fault("stuck", count=1)
    stuck = twilio.messages.create(to=TO, from_=FROM, body="private")
    with pytest.raises(TwilioRestException) as early:
        twilio.messages(stuck.sid).update(body="")
    assert early.value.code == 20009
    text = twilio.messages.create(to=TO, from_=FROM, body="private")
    eventually(lambda: twilio.messages(text.sid).fetch().status == "delivered")
    assert twilio.messages(text.sid).update(body="").body == ""
    assert [entry.body for entry in sandbox.entries()] == ["private", "private"]
    with pytest.raises(TwilioRestException):
        twilio.messages(text.sid).update(body="rewritten")


def test_only_a_scheduled_text_can_be_cancelled(sandbox: Handle, twilio: Client) -> None:
    text = twilio.messages.create(
        to=TO,
        messaging_service_sid=sandbox.config.messaging_service_sid,
        body="hello",
        schedule_type="fixed",
        send_at=time.now() + timedelta(hours=1),
    )
    assert text.status == "scheduled"
    assert twilio.messages(text.sid).update(status="canceled").status == "canceled"
    with pytest.raises(TwilioRestException) as twice:
        twilio.messages(text.sid).update(status="canceled")
    assert twice.value.code == 30409


def test_a_deleted_text_is_gone(twilio: Client) -> None:
    text = twilio.messages.create(to=TO, from_=FROM, body="hello")
    eventually(lambda: twilio.messages(text.sid).fetch().status == "delivered")
    assert twilio.messages(text.sid).delete()
    assert twilio.messages.list(to=TO) == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [("x" * 160, 1), ("x" * 161, 2), ("€" * 80, 1), ("€" * 81, 2), ("ł" * 70, 1), ("ł" * 71, 2), ("😀" * 36, 2)],
)
def test_segments_are_counted_as_carriers_do(body: str, expected: int) -> None:
    assert segments(body) == expected


def _authorization(sandbox: Handle) -> dict[str, str]:
    pair = f"{sandbox.config.account_sid}:{sandbox.config.auth_token}"
    return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


def _post(sandbox: Handle, **fields: str) -> requests.Response:
    url = f"{sandbox.url}/2010-04-01/Accounts/{sandbox.config.account_sid}/Messages.json"
    return requests.post(url, data=fields, headers=_authorization(sandbox), timeout=5)
