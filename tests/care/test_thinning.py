"""Where a protocol watches over patients less than before: each change is said, and what is no less is not."""

from __future__ import annotations

import pytest

from service.care.protocol_file import load
from service.care.thinning import compare
from tests.house import PROTOCOL

BEFORE = load(PROTOCOL, "before")


def after(*changes: tuple[str, str]) -> tuple[str, ...]:
    text = PROTOCOL
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return compare(BEFORE, load(text, "after"))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "    survey: S2\n    reminders:\n      - {name: reminder, send: sms, after: 5h}\n",
            "",
            "S2 is not asked any more",
        ),
        ("    day: 3\n", "    day: 4\n", "S2 is asked later"),
        ("      - {name: reminder2, send: email, after: 7d}\n", "", "reminders by step 'day14' are 1 instead of 2"),
        ("id: comfort ", "id: comfort2 ", "Step 'comfort' is gone"),
        (
            "    if_missed: send\n    send: [sms, email]\n",
            "    if_missed: send\n    send: [sms]\n",
            "no e-mail any more",
        ),
        ("    email_if_text_fails: true\n", "", "where the text cannot be delivered"),
        ("    window: 12h\n", "    window: 6h\n", "left out when held up for 12 hours, before for 1 day"),
        ('skip_if_ended_after: "18:00"', 'skip_if_ended_after: "17:00"', "ended after 17:00"),
        ("Call {emerg} now. More: {link}", "Call now. More: {link}", "the text in 'en' no longer says {emerg}"),
        ("Llame ya al {emerg}. {link}", "Llame ya. {link}", "the text in 'es' no longer says {emerg}"),
    ],
)
def test_what_is_less_is_said(old: str, new: str, says: str) -> None:
    found = after((old, new))
    assert any(says in one for one in found), found


def test_a_language_that_goes_is_said() -> None:
    english = load(
        "name: a\nlanguages: [en]\nsteps: [{id: a, after: 1h, send: [sms], words: {en: {sms: Hello}}}]", "english"
    )
    assert "There are no words in 'es' any more." in compare(BEFORE, english)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("It is common to be sore tonight", "To be sore tonight is common"),
        ("    window: 12h\n", "    window: 24h\n"),
        ("    day: 7\n", "    day: 6\n"),
        ('    skip_if_ended_after: "18:00"\n', ""),
    ],
)
def test_what_is_not_less_is_not_said(old: str, new: str) -> None:
    assert after((old, new)) == ()


def test_the_same_is_no_less() -> None:
    assert compare(BEFORE, BEFORE) == ()
