"""P3: what a reply asks of the messages, on wordings that were once misread or lie close to one that was.

A missed request to stop breaks the law; a stop that nobody asked for silences somebody who may be in danger, and a
start that nobody asked for texts somebody who said STOP.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from service.care.replies import read

ROWS: list[dict[str, Any]] = [
    json.loads(line)
    for line in (Path(__file__).parent / "replies_wishes.jsonl").read_text(encoding="utf-8").splitlines()
]
READ_AS = {
    "stop": {"stop", "perhaps"},
    "perhaps": {"none", "perhaps"},
    "none": {"none"},
    "start": {"start"},
}
"""How a row may be read. Where it may be a stop it counts, and a person looks ("perhaps")."""


def wish(text: str) -> str:
    reading = read(text)
    if reading.start:
        return "start"
    if not reading.stop:
        return "none"
    return "stop" if reading.stop_certain else "perhaps"


def test_every_row_says_what_it_wants() -> None:
    assert len({row["text"] for row in ROWS}) == len(ROWS)
    for row in ROWS:
        assert list(row) == ["text", "language", "wish", "scope"], row
        assert row["wish"] in READ_AS, row
        assert row["language"] in {"en", "es", "mixed"}, row
        assert row["scope"] is None or row["wish"] in {"stop", "perhaps"}, row


@pytest.mark.parametrize("wanted", sorted({row["wish"] for row in ROWS}))
def test_p3_what_is_asked_of_the_messages_is_read_as_it_is_meant(wanted: str) -> None:
    rows = [row["text"] for row in ROWS if row["wish"] == wanted]
    assert {text: got for text in rows if (got := wish(text)) not in READ_AS[wanted]} == {}


def test_p3_a_stop_reaches_as_far_as_it_was_meant() -> None:
    read_as = {row["text"]: (row["scope"], read(row["text"]).stop_scope) for row in ROWS if row["scope"]}
    assert {text: scopes for text, scopes in read_as.items() if scopes[1] not in (None, scopes[0])} == {}
