"""One FHIR R4 post: its resources where they stand, and what refers to what."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from service.care.fhir import PATIENT_SYSTEM, Resource

MOST_RESOURCES = 200
_KIND = re.compile(r"[A-Z][A-Za-z]{0,63}")


class NotUsable(Exception):
    """The resource cannot be read. `where` is a JSON pointer, `detail` what to mend; neither repeats a value."""

    def __init__(self, where: str, detail: str) -> None:
        super().__init__(detail)
        self.where, self.detail = where, detail


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """A resource where it stands in the post; equal only to itself, for two containers may use the same id."""

    kind: str
    body: Resource
    place: str
    """Its JSON pointer in the post."""
    url: str | None = None
    """The entry's fullUrl."""
    container: Held | None = None

    @property
    def name(self) -> str | None:
        """What a relative reference calls it: "Patient/7". A contained one has no such name."""
        own = text(self.body, "id")
        return None if own is None or self.container else f"{self.kind}/{own}"

    @property
    def base(self) -> str | None:
        """The server that a relative reference in it means, where its fullUrl says so."""
        top = self.container or self
        if top.url is None or top.name is None or not top.url.endswith(f"/{top.name}"):
            return None
        return top.url.removesuffix(top.name)


class Post:
    """The resources of a post. Raises NotUsable where they are none."""

    def __init__(self, body: Any) -> None:
        self.tops = list(_tops(body))
        self._all = [*self.tops, *(one for top in self.tops for one in _contained(top))]
        self._by_url: dict[str, Held] = {}
        self._by_name: dict[str, list[Held]] = defaultdict(list)
        self._inside: dict[tuple[Held, str], Held] = {}
        for one in self._all:
            own = text(one.body, "id")
            if one.url is not None:
                self._by_url.setdefault(one.url, one)
            if one.name is not None:
                self._by_name[one.name].append(one)
            if one.container is not None and own is not None:
                self._inside.setdefault((one.container, own), one)

    def of(self, kind: str) -> list[Held]:
        return [one for one in self._all if one.kind == kind]

    def find(self, reference: Any, holder: Held) -> Held | None:
        """What a reference in `holder` means, as far as it came along."""
        said = text(reference, "reference") if isinstance(reference, dict) else None
        if said is None:
            return None
        if said.startswith("#"):
            # Ids of contained resources mean something within their container only; "#" alone is the container.
            container = holder.container or holder
            return self._inside.get((container, said[1:])) if said[1:] else container
        return self._top(said.partition("/_history/")[0], holder)

    def _top(self, said: str, holder: Held) -> Held | None:
        whole = said if ":" in said else holder.base and holder.base + said
        exact = self._by_url.get(whole or said)
        if exact is not None:
            return exact
        # By type and id alone only where it is not known that another server's is meant, or that several could be.
        short = "/".join(said.split("/")[-2:])
        alike = [one for one in self._by_name.get(short, ()) if whole is None or one.base is None]
        return alike[0] if len({one.url for one in alike}) == 1 else None


def _tops(body: Any) -> Iterator[Held]:
    """The body itself, or the resources of its entries."""
    kind = _kind(body, "")
    if kind != "Bundle":
        yield Held(kind, body, "")
        return
    entries = _placed(body, "entry", "")
    if len(entries) > MOST_RESOURCES:
        raise NotUsable("/entry", f"may hold at most {MOST_RESOURCES} resources")
    for place, entry in entries:
        if "resource" in entry:
            inside = f"{place}/resource"
            yield Held(_kind(entry["resource"], inside), entry["resource"], inside, text(entry, "fullUrl"))


def _contained(top: Held) -> Iterator[Held]:
    for place, one in _placed(top.body, "contained", top.place):
        yield Held(_kind(one, place), one, place, container=top)


def _kind(resource: Any, place: str) -> str:
    kind = resource.get("resourceType") if isinstance(resource, dict) else None
    if not isinstance(kind, str) or not _KIND.fullmatch(kind):
        raise NotUsable(f"{place}/resourceType", "is required, and names the type of a FHIR resource")
    return kind


def _placed(one: Resource, name: str, place: str) -> list[tuple[str, Resource]]:
    values = one.get(name)
    numbered = enumerate(values) if isinstance(values, list) else ()
    return [(f"{place}/{name}/{number}", value) for number, value in numbered if isinstance(value, dict)]


def id_of(one: Held, system: str) -> str:
    """The clinic's id of a resource. Raises NotUsable."""
    known = id_or_none(one, system)
    if known is None:
        raise NotUsable(f"{one.place}/identifier", "is required where the resource has no id of its own")
    return known


def id_or_none(one: Held, system: str) -> str | None:
    """The clinic's id: an identifier under our system, else the resource's own id; of a contained one, its first
    identifier."""
    identifiers = dicts(one.body, "identifier")
    ours = [text(each, "value") for each in identifiers if each.get("system") == system]
    theirs = [text(each, "value") for each in identifiers]
    own = [] if one.container else [text(one.body, "id")]
    return next((known for known in (*ours, *own, *theirs) if known), None)


def patient_meant(post: Post, reference: Any, holder: Held) -> str | None:
    """The clinic's id of the patient whom a reference means: by a Patient that came along, or by that id itself."""
    found = post.find(reference, holder)
    if found is not None:
        return id_of(found, PATIENT_SYSTEM) if found.kind == "Patient" else None
    named = reference.get("identifier") if isinstance(reference, dict) else None
    if not isinstance(named, dict) or named.get("system") != PATIENT_SYSTEM:
        return None
    return text(named, "value")


def dicts(one: Resource, name: str) -> list[Resource]:
    values = one.get(name)
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []


def text(one: Resource, name: str) -> str | None:
    value = one.get(name)
    return value if isinstance(value, str) else None


def value(extension: Resource) -> str | None:
    return next((v for name, v in extension.items() if name.startswith("value") and isinstance(v, str)), None)


def moment(said: str | None) -> datetime | None:
    """A dateTime or instant that is precise enough for us: with its offset."""
    try:
        found = datetime.fromisoformat(said or "")
    except ValueError:
        return None
    return None if found.tzinfo is None else found


def in_use(one: Resource, now: datetime) -> bool:
    """Whether a name or an address is one that somebody has now, by its use and its period."""
    period = one.get("period")
    start, end = (text(period, name) if isinstance(period, dict) else None for name in ("start", "end"))
    begun = start is None or _compared(now, start) >= 0
    return one.get("use") != "old" and begun and (end is None or _compared(now, end) <= 0)


def _compared(now: datetime, said: str) -> int:
    """-1, 0, 1: before, at or after a dateTime, which may be no more than a year: then all of that year is it."""
    at = moment(said)
    if at is not None:
        return (now > at) - (now < at)
    known = now.astimezone(UTC).isoformat()[: len(said)]
    return (known > said) - (known < said)
