"""Faults: what was accepted is in the ledger, whatever the client was told."""

from __future__ import annotations

import json

import phonenumbers
import pytest
import requests
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.rest import Client

from sandbox import magic
from sandbox.errors import AT_CREATE, BY_CALLBACK
from sandbox.faults import Faults, Kind, Point, Rule
from sandbox.server import Handle

TO = "+12125550123"
FROM = "+12025550100"


def _create(twilio: Client, to: str = TO) -> object:
    return twilio.messages.create(to=to, from_=FROM, body="hello")


@pytest.mark.parametrize(
    ("kind", "error", "accepted"),
    [
        ("rate_limited", TwilioRestException, 0),
        ("error_before", TwilioRestException, 0),
        ("drop_before", requests.ConnectionError, 0),
        ("error_after", TwilioRestException, 1),
        ("drop_after", requests.ConnectionError, 1),
        ("truncated", json.JSONDecodeError, 1),
        ("torn", requests.exceptions.ChunkedEncodingError, 1),
        ("hang", requests.exceptions.ReadTimeout, 1),
    ],
)
def test_a_spoilt_answer_and_what_was_accepted(
    sandbox: Handle, twilio: Client, kind: str, error: type[Exception], accepted: int
) -> None:
    """P2: the difference that the service cannot see is the one the ledger shows."""
    sandbox.fault(kind, count=1)
    with pytest.raises(error):
        _create(twilio)
    assert len(sandbox.entries()) == accepted
    _create(twilio)
    assert len(sandbox.entries()) == accepted + 1


@pytest.mark.parametrize("kind", sorted(magic.TROUBLES.values()))
def test_every_trouble_has_a_valid_number(kind: Kind) -> None:
    number = magic.troubled_number(kind)
    assert phonenumbers.is_valid_number(phonenumbers.parse(number))
    assert [fault.kind for fault in magic.of_number(number)] == [kind]


@pytest.mark.parametrize("code", sorted(AT_CREATE))
def test_every_code_at_create_has_a_valid_number(sandbox: Handle, twilio: Client, code: int) -> None:
    number = magic.refused_number(code, 7)
    assert phonenumbers.is_valid_number(phonenumbers.parse(number))
    with pytest.raises(TwilioRestException) as refused:
        _create(twilio, number)
    assert (refused.value.code, refused.value.status) == (code, AT_CREATE[code][0])
    assert sandbox.entries() == []


@pytest.mark.parametrize("code", sorted(BY_CALLBACK))
def test_every_failing_number_is_valid(code: int) -> None:
    assert phonenumbers.is_valid_number(phonenumbers.parse(magic.failing_number(code, 99)))


def test_retry_after_is_said(sandbox: Handle) -> None:
    sandbox.fault("rate_limited", retry_after=7)
    url = f"{sandbox.url}/2010-04-01/Accounts/{sandbox.config.account_sid}/Messages.json"
    answer = requests.post(
        url, data={"To": TO}, auth=(sandbox.config.account_sid, sandbox.config.auth_token), timeout=5
    )
    assert (answer.status_code, answer.json()["code"], answer.headers["Retry-After"]) == (429, 20429, "7")


def test_a_fault_can_be_for_one_number_and_for_reading(sandbox: Handle, twilio: Client) -> None:
    sandbox.fault("error_before", to=TO)
    sandbox.fault("error_before", on="twilio.list", count=1)
    _create(twilio, "+13125550100")
    with pytest.raises(TwilioRestException):
        _create(twilio)
    with pytest.raises(TwilioException):
        twilio.messages.list()
    assert len(twilio.messages.list()) == 1


def test_dice_fall_the_same_way_again_with_the_same_seed() -> None:
    def throws(seed: int) -> list[bool]:
        faults = Faults(seed)
        faults.add(Rule.parse({"kind": "error_before", "probability": 0.3}))
        return [bool(faults.plan(Point.CREATE, (TO,)).faults) for _ in range(400)]

    first = throws(1)
    assert first == throws(1)
    assert first != throws(2)
    assert 80 < sum(first) < 160


def test_faults_over_http(sandbox: Handle, twilio: Client) -> None:
    control = f"{sandbox.url}/__sandbox/faults"
    added = requests.post(control, json={"kind": "error_after", "count": 3, "status": 502}, timeout=5)
    assert added.json()["count"] == 3
    for _ in range(3):
        with pytest.raises(TwilioRestException) as failed:
            _create(twilio)
        assert failed.value.status == 502
    _create(twilio)
    assert requests.get(control, timeout=5).json()["faults"][0]["struck"] == 3
    assert requests.delete(control, timeout=5).json() == {"faults": []}


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"kind": "boredom"},
        {"kind": "latency", "seconds": -1},
        {"kind": "latency", "seconds": True},
        {"kind": "error_before", "status": 200},
        {"kind": "error_before", "count": 0},
        {"kind": "error_before", "probability": 2},
        {"kind": "error_before", "on": "moon"},
        {"kind": "error_before", "colour": "red"},
        {"kind": "refuse"},
        {"kind": "fail", "event": "party"},
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(sandbox: Handle, rule: dict[str, object]) -> None:
    answer = requests.post(f"{sandbox.url}/__sandbox/faults", json=rule, timeout=5)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert sandbox.faults.rules() == []
