"""Form bodies of providers, parsed within bounds. Whatever is wrong with one is a Problem 400, never an exception."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl

from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData

from service.problems import Problem

_MOST_FIELDS = 200
_MOST_PARTS = 100


def urlencoded(body: bytes) -> MultiDict[str, str]:
    """The fields of an urlencoded form, blanks kept and nothing trimmed: all of it is signed."""
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
    except (ValueError, UnicodeError):
        raise Problem(400, "form_invalid", "The body is not an urlencoded form in UTF-8.") from None
    return MultiDict(pairs)


def multipart(body: bytes, content_type: str) -> tuple[dict[str, bytes], int]:
    """The fields of a multipart form as raw bytes (each may have its own charset), and how many files came with them.

    Files are counted and skipped. Of a repeated field the first counts.
    """
    _, options = parse_options_header(content_type)
    boundary = options.get("boundary", "")
    if not 1 <= len(boundary) <= 200 or not boundary.isascii():
        raise Problem(400, "form_invalid", "The multipart form has no usable boundary.")
    try:
        return _parts(MultipartDecoder(boundary.encode("ascii"), max_parts=_MOST_PARTS), body)
    except (ValueError, UnicodeError, HTTPException):
        raise Problem(400, "form_invalid", "The body is not a complete multipart form.") from None


def _parts(decoder: MultipartDecoder, body: bytes) -> tuple[dict[str, bytes], int]:
    fields: dict[str, bytes] = {}
    files = 0
    name: str | None = None
    content = bytearray()
    decoder.receive_data(body)
    decoder.receive_data(None)
    while True:
        match decoder.next_event():
            case Field() as field:
                name, content = field.name, bytearray()
            case File():
                name, files = None, files + 1
            case Data(data=data, more_data=more):
                if name is not None:
                    content += data
                    if not more:
                        fields.setdefault(name, bytes(content))
            case Epilogue() | NeedData():
                return fields, files


def decoded(fields: Mapping[str, bytes], name: str, charset: str = "utf-8") -> str:
    """A field as text; bytes that are wrong in its charset, or in an unknown one, become replacement characters."""
    raw = fields.get(name, b"")
    try:
        text = raw.decode(charset, "replace")
    except (LookupError, UnicodeError, ValueError):
        text = raw.decode("utf-8", "replace")
    # Some charsets that a sender may name decode to half characters, which nothing further on could store.
    return text.encode("utf-8", "replace").decode("utf-8")
