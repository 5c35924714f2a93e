"""What SendGrid insists on in ``POST /v3/mail/send``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

HELP = "http://sendgrid.com/docs/API_Reference/Web_API_v3/Mail/errors.html#message."
FIELDS = frozenset(
    [
        "personalizations",
        "from",
        "reply_to",
        "reply_to_list",
        "subject",
        "content",
        "attachments",
        "template_id",
        "headers",
        "categories",
        "custom_args",
        "send_at",
        "batch_id",
        "asm",
        "ip_pool_name",
        "mail_settings",
        "tracking_settings",
        "sections",
    ]
)
BLOCK_FIELDS = frozenset(
    [
        "to",
        "cc",
        "bcc",
        "from",
        "subject",
        "headers",
        "substitutions",
        "dynamic_template_data",
        "custom_args",
        "send_at",
    ]
)
RESERVED_HEADERS = frozenset(
    [
        "x-sg-id",
        "x-sg-eid",
        "received",
        "dkim-signature",
        "content-type",
        "content-transfer-encoding",
        "to",
        "from",
        "subject",
        "reply-to",
        "cc",
        "bcc",
    ]
)
_ADDRESS = re.compile(r"[^@\s<>\",;]+@[^@\s<>\",;]+\.[^@\s<>\",;.]+")
_CUSTOM_ARGS_BYTES = 10_000


@dataclass(frozen=True, slots=True)
class Complaint:
    """One entry of the answer's `errors`."""

    message: str
    field: str | None = None

    def as_json(self) -> dict[str, Any]:
        about = f"{HELP}{self.field}" if self.field else None
        return {"message": self.message, "field": self.field, "help": about}


def check(payload: object) -> list[Complaint]:
    """All that SendGrid would say against a send request; empty when it would take it."""
    if not isinstance(payload, dict):
        return [Complaint("Invalid type. Expected: object.")]
    return list(_check(payload))


def _check(payload: Mapping[str, Any]) -> Iterator[Complaint]:
    for name in sorted(set(payload) - FIELDS):
        yield Complaint(f"Additional property {name} is not allowed", name)
    yield from _people(payload)
    yield from _person(payload.get("from"), "from")
    if payload.get("reply_to") is not None:
        yield from _person(payload["reply_to"], "reply_to")
    templated = isinstance(payload.get("template_id"), str)
    yield from _subject(payload, templated)
    yield from _content(payload.get("content"), templated)
    yield from _headers(payload.get("headers", {}), "headers")
    yield from _custom_args(payload.get("custom_args", {}), "custom_args")
    yield from _categories(payload.get("categories", []))
    for name in ("tracking_settings", "mail_settings", "asm"):
        if not isinstance(payload.get(name, {}), dict):
            yield Complaint("Invalid type. Expected: object.", name)


def _people(payload: Mapping[str, Any]) -> Iterator[Complaint]:
    blocks = payload.get("personalizations")
    if not isinstance(blocks, list) or not blocks:
        yield Complaint(
            "The personalizations field is required and must have at least one personalization.", "personalizations"
        )
        return
    if len(blocks) > 1000:
        yield Complaint(
            "The personalization block is limited to 1000 personalizations per API request. "
            f"You have provided {len(blocks)} personalizations.",
            "personalizations",
        )
        return
    total = 0
    for n, block in enumerate(blocks):
        place = f"personalizations.{n}"
        if not isinstance(block, dict):
            yield Complaint("Invalid type. Expected: object.", place)
            continue
        total += sum(len(block[name]) for name in ("to", "cc", "bcc") if isinstance(block.get(name), list))
        yield from _block(block, place)
    if total > 1000:
        yield Complaint("There is a limit of 1000 total recipients (to + cc + bcc) per request.", "personalizations")


def _block(block: Mapping[str, Any], place: str) -> Iterator[Complaint]:
    for name in sorted(set(block) - BLOCK_FIELDS):
        yield Complaint(f"Additional property {name} is not allowed", f"{place}.{name}")
    if not isinstance(block.get("to"), list) or not block["to"]:
        yield Complaint("The to array is required for all personalization objects.", f"{place}.to")
    seen: set[str] = set()
    for name in ("to", "cc", "bcc"):
        people = block.get(name, [])
        if not isinstance(people, list):
            yield Complaint("Invalid type. Expected: array.", f"{place}.{name}")
            continue
        for n, person in enumerate(people):
            yield from _person(person, f"{place}.{name}.{n}")
            address = str(person.get("email", "")).lower() if isinstance(person, dict) else ""
            if address and address in seen:
                yield Complaint(
                    "Each email address in the personalization block should be unique between to, cc, and bcc. "
                    f"We found the first duplicate instance of [{address}] in the {place}.{name} field.",
                    place,
                )
            seen.add(address)
    if "subject" in block and (not isinstance(block["subject"], str) or not block["subject"]):
        yield Complaint("The subject must be a string of one character or more.", f"{place}.subject")
    yield from _headers(block.get("headers", {}), f"{place}.headers")
    yield from _custom_args(block.get("custom_args", {}), f"{place}.custom_args")
    yield from _strings(block.get("substitutions", {}), f"{place}.substitutions", "substitutions")


def _person(person: object, place: str) -> Iterator[Complaint]:
    if not isinstance(person, dict) or not person.get("email"):
        yield Complaint(
            f"The {place.split('.')[0]} object must be provided for every email send. It is an object that requires "
            "the email parameter, but may also contain a name parameter.",
            f"{place}.email",
        )
        return
    if extra := sorted(set(person) - {"email", "name"}):
        yield Complaint(f"Additional property {extra[0]} is not allowed", place)
    address = person["email"]
    if not isinstance(address, str) or not _ADDRESS.fullmatch(address):
        yield Complaint("Does not contain a valid address.", f"{place}.email")
    if not isinstance(person.get("name") or "", str):
        yield Complaint("Invalid type. Expected: string.", f"{place}.name")


def _subject(payload: Mapping[str, Any], templated: bool) -> Iterator[Complaint]:
    subject = payload.get("subject")
    if subject is not None and not isinstance(subject, str):
        yield Complaint("Invalid type. Expected: string.", "subject")
        return
    blocks = payload.get("personalizations")
    every_block = isinstance(blocks, list) and all(isinstance(b, dict) and b.get("subject") for b in blocks)
    if not subject and not templated and not every_block:
        yield Complaint(
            "The subject is required. You can get around this requirement if you use a template with a subject "
            "defined or if every personalization has a subject defined.",
            "subject",
        )


def _content(content: object, templated: bool) -> Iterator[Complaint]:
    if content is None and templated:
        return
    if not isinstance(content, list) or not content:
        yield Complaint(
            "Unless a valid template_id is provided, the content parameter is required. There must be at least one "
            "defined content block.",
            "content",
        )
        return
    types: list[object] = []
    for n, part in enumerate(content):
        if not isinstance(part, dict) or not isinstance(part.get("type"), str) or not part["type"]:
            yield Complaint("The content type must be a string of one character or more.", f"content.{n}.type")
            continue
        types.append(part["type"])
        if not isinstance(part.get("value"), str) or not part["value"]:
            yield Complaint(
                "The content value must be a string at least one character in length.", f"content.{n}.value"
            )
    wanted = [kind for kind in ("text/plain", "text/html") if kind in types]
    if types[: len(wanted)] != wanted or len(set(types)) != len(types):
        yield Complaint(
            "If present, text/plain must be the first content block, followed by text/html, followed by any other.",
            "content",
        )


def _headers(headers: object, place: str) -> Iterator[Complaint]:
    yield from _strings(headers, place, "headers")
    if isinstance(headers, dict):
        for name in headers:
            if not name.isascii() or name.lower() in RESERVED_HEADERS:
                yield Complaint(f"The header {name} is reserved or not ASCII.", f"{place}.{name}")


def _custom_args(args: object, place: str) -> Iterator[Complaint]:
    yield from _strings(args, place, "custom_args")
    if len(json.dumps(args)) > _CUSTOM_ARGS_BYTES:
        yield Complaint("The custom_args may not be larger than 10000 bytes.", place)


def _strings(values: object, place: str, what: str) -> Iterator[Complaint]:
    if not isinstance(values, dict):
        yield Complaint("Invalid type. Expected: object.", place)
        return
    for name, value in values.items():
        if not isinstance(value, str):
            yield Complaint(f"The {what} values must be strings.", f"{place}.{name}")


def _categories(categories: object) -> Iterator[Complaint]:
    if not isinstance(categories, list) or not all(isinstance(name, str) and len(name) <= 255 for name in categories):
        yield Complaint("Each category must be a string of at most 255 characters.", "categories")
    elif len(categories) > 10 or len(set(categories)) != len(categories):
        yield Complaint("At most 10 categories, each only once.", "categories")
