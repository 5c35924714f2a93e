"""A test message to one of the clinic's own people: that alerts would reach them, proven by a code they read there."""

from __future__ import annotations

from datetime import timedelta

STEP = "contact_test"
"""With a number behind it: each goes out once."""
CODE_DIGITS = 6
CODE_LIVES = timedelta(hours=24)
USEFUL_FOR = timedelta(minutes=30)
"""Later nobody waits for it any more."""
REST = timedelta(minutes=1)
"""Between two to the same address: impatient fingers make one text."""
SUBJECT = "{clinic}: test of the alerts"


def words(code: str, name: str) -> str:
    """What the message says, as a template: the clinic's name is put in when it goes."""
    return (
        f"{{clinic}}: Test. Alerts about patients will reach you like this. "
        f"Tell {name} this code: {code}. You may reply OK."
    )


def same(entered: str, code: str) -> bool:
    """Whether somebody entered the code, however they grouped its digits."""
    return "".join(entered.split()).replace("-", "") == code
