"""Put a patient's values into a clinic's words: six fixed placeholders, nothing else."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from service.care.lifecycle import Channel
from service.care.segments import is_gsm7

PLACEHOLDERS = ("clinic", "link", "phone", "emerg", "hours", "name")
"""The only names a text may hold between braces."""

_BRACED = re.compile(r"\{([^{}]*)\}")
_LINK_LINE = re.compile(r"\s*\{link\}\s*")
_BLANK_LINES = re.compile(r"\n[^\S\n]*\n\s*")

# Typography that editors and phones put in by themselves, and what a plain keyboard would have typed.
_PLAIN = str.maketrans(
    {
        "‘": "'", "’": "'", "‚": "'", "‛": "'", "′": "'", "`": "'", "´": "'", "ʼ": "'",
        "“": '"', "”": '"', "„": '"', "″": '"', "«": '"', "»": '"',
        "‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-", "−": "-",
        "…": "...", "•": "-", "·": "-", "º": "o", "ª": "a", "™": "TM", "ç": "c",
        "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "œ": "oe", "Œ": "OE", "ı": "i", "ð": "d", "þ": "th",
    }
)  # fmt: skip


class RenderError(ValueError):
    """A text asks for a value that does not exist. The linter finds these before a protocol is approved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """The values of one message. Blank means "none": a text that uses a blank one cannot be rendered."""

    clinic: str = ""
    """The clinic's SMS display name, at most 18 characters."""
    link: str = ""
    phone: str = ""
    emerg: str = ""
    hours: str = ""
    name: str = ""
    """The patient's given name, never the full one."""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One paragraph of an e-mail. A link paragraph is drawn as the button; its text is the bare link."""

    text: str
    is_link: bool = False


def language_of(offered: Sequence[str], *locales: str | None) -> str:
    """The language to write in: the first of the locales that there are words for, else the first that is offered."""
    return next((locale[:2] for locale in locales if locale is not None and locale[:2] in offered), offered[0])


def render(template: str, fields: Fields, channel: Channel = Channel.SMS) -> str:
    """`template` with every placeholder replaced, once: braces inside a value stay as they are.

    Values lose line breaks (a subject must stay one header line); for a text they are also brought into GSM-7 where
    that keeps them readable. Raises RenderError for an unknown placeholder or a blank value.
    """

    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in PLACEHOLDERS:
            raise RenderError(f"unknown placeholder {{{name}}}")
        found = _one_line(str(getattr(fields, name)))
        if not found:
            raise RenderError(f"no value for {{{name}}}")
        return to_gsm7(found) if channel is Channel.SMS else found

    return _BRACED.sub(value, template)


def render_email(template: str, fields: Fields) -> tuple[Paragraph, ...]:
    """The paragraphs of an e-mail body; a paragraph or line that is only {link} becomes the link paragraph.

    Raises RenderError as `render` does.
    """
    paragraphs: list[Paragraph] = []
    for block in _BLANK_LINES.split(template.strip()):
        for words, is_link in _split_at_link(block):
            text = render(words, fields, Channel.EMAIL)
            paragraphs.append(Paragraph(text if is_link else _one_line(text), is_link))
    return tuple(paragraphs)


def placeholders_in(template: str) -> tuple[str, ...]:
    """The names between braces in `template`, known or not, in order and with repeats."""
    return tuple(_BRACED.findall(template))


def to_gsm7(value: str) -> str:
    """`value` with typography made plain and accents dropped where GSM-7 lacks the letter: "Clínica José" gives
    "Clinica José". Characters without a plain form (another script, say) stay."""
    return "".join(char if is_gsm7(char) else _plainest(char) for char in unicodedata.normalize("NFC", value))


def _plainest(char: str) -> str:
    plain = char.translate(_PLAIN)
    if is_gsm7(plain):
        return plain
    letters = "".join(part for part in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(part))
    return letters if letters and is_gsm7(letters) else char


def _one_line(value: str) -> str:
    kept = "".join(" " if unicodedata.category(char) in {"Cc", "Zl", "Zp"} else char for char in value)
    return " ".join(kept.split())


def _split_at_link(block: str) -> list[tuple[str, bool]]:
    parts: list[tuple[str, bool]] = []
    for line in block.split("\n"):
        is_link = _LINK_LINE.fullmatch(line) is not None
        if parts and not is_link and not parts[-1][1]:
            parts[-1] = (f"{parts[-1][0]}\n{line}", False)
        else:
            parts.append((line.strip() if is_link else line, is_link))
    return parts
