"""How many SMS segments a text costs: GSM-7 and UCS-2 counting.

Tables and lengths are those of 3GPP TS 23.038 (section 6.2.1, default alphabet and its extension table) and TS 23.040
(a concatenated message gives six octets of each segment to its header: 153 septets or 67 UTF-16 units are left).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

GSM7_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM7_EXTENSION = frozenset("\f^{}\\[~]|€")
"""Each of these travels as an escape and a second septet."""
_GSM7 = re.compile(f"[{re.escape(''.join(sorted(GSM7_BASIC | GSM7_EXTENSION)))}]*")
_EXTENDED = re.compile(f"[{re.escape(''.join(sorted(GSM7_EXTENSION)))}]")


class Encoding(StrEnum):
    """How a text travels over the air."""

    GSM7 = "gsm-7"
    UCS2 = "ucs-2"


_ALONE = {Encoding.GSM7: 160, Encoding.UCS2: 70}
_JOINED = {Encoding.GSM7: 153, Encoding.UCS2: 67}


@dataclass(frozen=True, slots=True)
class Segments:
    """What a text costs."""

    encoding: Encoding
    units: int
    """Septets for GSM-7, UTF-16 code units for UCS-2; without the padding at the end of a segment."""
    segments: int
    """0 for an empty text."""


def count(text: str) -> Segments:
    """The encoding, units and segments of `text`, exactly as a carrier counts them."""
    encoding = Encoding.GSM7 if is_gsm7(text) else Encoding.UCS2
    units = _units(text, encoding)
    if units <= _ALONE[encoding]:
        return Segments(encoding, units, 1 if text else 0)
    return Segments(encoding, units, _packed((_width(char, encoding) for char in text), _JOINED[encoding]))


def is_gsm7(text: str) -> bool:
    """Whether every character of `text` is in the GSM-7 alphabet or its extension table."""
    return _GSM7.fullmatch(text) is not None


def foreign_characters(text: str, most: int = 3) -> tuple[str, ...]:
    """Name the first `most` different characters outside GSM-7: ``'á' (latin small letter a with acute)``."""
    foreign = dict.fromkeys(char for char in text if not is_gsm7(char))
    return tuple(f"{_shown(char)} ({_name(char)})" for char in list(foreign)[:most])


def _units(text: str, encoding: Encoding) -> int:
    # Every text that is sent is counted: by whole strings, not by characters.
    if encoding is Encoding.GSM7:
        return len(text) + len(_EXTENDED.findall(text))
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _width(char: str, encoding: Encoding) -> int:
    if encoding is Encoding.GSM7:
        return 2 if char in GSM7_EXTENSION else 1
    return 2 if ord(char) > 0xFFFF else 1


def _packed(widths: Iterable[int], room: int) -> int:
    """Segments of `room` units, where a character two units wide never straddles two of them."""
    segments, used = 1, 0
    for width in widths:
        if used + width > room:
            segments, used = segments + 1, 0
        used += width
    return segments


def _shown(char: str) -> str:
    return repr(char) if char.isprintable() else f"U+{ord(char):04X}"


def _name(char: str) -> str:
    return unicodedata.name(char, "unnamed character").lower()
