"""Forms of the desk: WTForms, with words of ours and without what a database or a header would choke on.

`posted(Form)` reads the request; `form.validate()`; on False show the page again with status 422 and the same form:
`field` in `parts.html` puts each error beside its field and keeps what was typed (never a password).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, TypeVar

from flask import request
from wtforms import (  # type: ignore[attr-defined]  # the stubs know no SelectChoice yet
    Field,
    Form,
    HiddenField,
    PasswordField,
    SelectChoice,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import DataRequired, InputRequired, Length, Regexp, ValidationError

from service.care.written_times import YEARS
from service.records.ids import new_id, row_id

F = TypeVar("F", bound=Form)
Rule = Callable[[str], object]

_EMAIL = r"[^@\s<>\"]{1,64}@[^@\s<>\"]+\.[^@\s<>\".]{2,}"


def posted(form: type[F], **known: Any) -> F:
    """The form as it was sent; `known` are values for what was not."""
    return form(request.form, **known)


def line(
    label: str, most: int = 120, optional: bool = False, rule: Rule | None = None, **attributes: str
) -> StringField:
    """One line of text. `rule` raises ValueError, saying what is wrong, as the rules in `care` do."""
    needed: list[Any] = [] if optional else [DataRequired("Fill this in.")]
    ruled = [] if rule is None else [_keeping(rule)]
    return StringField(
        label, [*needed, Length(max=most, message=f"Use at most {most} characters."), _one_line, *ruled],
        filters=[_stripped], render_kw={"maxlength": str(most), **attributes},
    )  # fmt: skip


def email(label: str, **attributes: str) -> StringField:
    return StringField(
        label,
        [InputRequired("Fill this in."), Length(max=254), Regexp(rf"^{_EMAIL}$", message="That is no e-mail address.")],
        filters=[_stripped], render_kw={"type": "email", "autocomplete": "email", **attributes},
    )  # fmt: skip


def password(label: str, **attributes: str) -> PasswordField:
    return PasswordField(label, [InputRequired("Fill this in.")], render_kw=dict(attributes))


def lines(label: str, most: int = 5000, optional: bool = False, **attributes: str) -> TextAreaField:
    """Text of several lines."""
    needed = [] if optional else [DataRequired("Fill this in.")]
    return TextAreaField(
        label, [*needed, Length(max=most, message=f"Use at most {most} characters."), _readable],
        filters=[_stripped], render_kw={"maxlength": str(most), "rows": "4", **attributes},
    )  # fmt: skip


def choice(label: str, choices: Iterable[tuple[str, str]], **attributes: str) -> SelectField:
    """One of a closed list of (value, words)."""
    return SelectField(label, choices=options(choices), render_kw=dict(attributes))


def options(choices: Iterable[tuple[str, str]]) -> list[SelectChoice]:
    """For a `SelectField` whose choices are known only when it is shown."""
    return [SelectChoice(value, words) for value, words in choices]


def once() -> HiddenField:
    """A number that is drawn with the form: what is sent twice does its work once."""
    return HiddenField(default=lambda: str(new_id()))


def number(field: HiddenField) -> int:
    """What `once` drew; where something else came back, a number of its own."""
    return row_id(field.data) or new_id()


def moment(text: str | None) -> datetime | None:
    """A moment that a page of ours sent along; None for what none of them writes."""
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found if found.tzinfo is not None and found.year in YEARS else None


def in_our_time(_form: Form, field: Field) -> None:
    """For a field of a day or a moment: what lies near the ends of the calendar can be counted with no further."""
    if field.data is not None and field.data.year not in YEARS:
        raise ValidationError("That lies too far away.")


def sentence(error: ValueError) -> str:
    """What a rule says of a value, as a sentence beside the field."""
    words = str(error).rstrip(".")
    said = f"It {words}" if words.partition(" ")[0] in ("must", "takes", "is") else words[:1].upper() + words[1:]
    return f"{said}."


def mark(*values: object) -> str:
    """Of what a form shows: when it is sent, whether somebody else has changed that meanwhile."""
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _keeping(rule: Rule) -> Callable[[Form, Field], None]:
    def check(_form: Form, field: Field) -> None:
        try:
            rule(field.data or "")
        except ValueError as error:
            raise ValidationError(sentence(error)) from None

    return check


def _stripped(value: str | None) -> str | None:
    return None if value is None else value.strip()


def _one_line(_form: Form, field: Field) -> None:
    if not (field.data or "").isprintable():
        raise ValidationError("Use one line, without control characters.")


def _readable(_form: Form, field: Field) -> None:
    if not (field.data or "").replace("\n", "").replace("\r", "").replace("\t", "").isprintable():
        raise ValidationError("There are characters in it that nobody can read.")
