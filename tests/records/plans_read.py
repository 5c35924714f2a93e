"""What a database means to do about the statements that were really run: recorded as they go, explained afterwards."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, event

_ALIAS = re.compile(r"\b(?:FROM|JOIN|,)\s+(\w+)\s+AS\s+(\w+)", re.IGNORECASE)
_SQLITE = re.compile(r"^(SCAN|SEARCH) (\S+)(?: USING (?:COVERING )?INDEX (\S+))?")


@dataclass(frozen=True, slots=True)
class Access:
    """One way into one table."""

    table: str
    index: str | None
    bounded: bool
    """Whether it goes to a place in the index, rather than through all of it."""


Recorded = dict[str, Any]
"""A statement as the driver got it, with the parameters of its last run."""


@contextmanager
def recorded() -> Iterator[Recorded]:
    """Every statement that any engine runs meanwhile."""
    found: Recorded = {}

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, executemany: bool) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "UPDATE", "DELETE", "INSERT", "WITH")):
            found[statement] = parameters[0] if executemany else parameters

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def accesses(connection: Connection, statement: str, parameters: Any) -> list[Access]:
    """How the database would run it now."""
    if connection.dialect.name == "postgresql":
        explained = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters).scalar_one()
        plan = explained if isinstance(explained, list) else json.loads(explained)
        return list(_postgresql(plan[0]["Plan"]))
    aliases = {alias: table for table, alias in _ALIAS.findall(statement)}
    rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
    return [found for row in rows if (found := _sqlite(row[3], aliases)) is not None]


def _sqlite(detail: str, aliases: dict[str, str]) -> Access | None:
    found = _SQLITE.match(detail)
    if found is None:
        return None
    how, name, index = found.groups()
    return Access(aliases.get(name, name), index, bounded=how == "SEARCH")


def _postgresql(node: dict[str, Any], table: str = "") -> Iterator[Access]:
    table = node.get("Relation Name", table)
    kind = node["Node Type"]
    if kind == "Seq Scan":
        yield Access(table, None, bounded=False)
    elif "Index" in kind:
        yield Access(table, node["Index Name"], bounded="Index Cond" in node)
    for inner in node.get("Plans", []):
        yield from _postgresql(inner, table)
