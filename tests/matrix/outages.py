from __future__ import annotations
from dataclasses import dataclass
from enum import StrEnum
class Outage(StrEnum):
    X = "x"
    """y"""
@dataclass(frozen=True)
class Told:
    outage: Outage
    seen: str
    databases: tuple[str, ...] = ("sqlite", "postgresql")
OUTAGES: tuple[Told, ...] = ()
