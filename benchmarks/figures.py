"""What a benchmark found: figures that can be printed, kept as JSON and set against each other within one run."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Figure:
    """One number. `against` names what it is a ratio of, in the same run; plain figures have none."""

    benchmark: str
    name: str
    value: float
    unit: str
    against: str = ""

    def line(self) -> str:
        """For people."""
        number = f"{self.value:,.0f}" if abs(self.value) >= 100 else f"{self.value:,.3f}"
        of = f" of {self.against}" if self.against else ""
        return f"{self.benchmark:<8} {self.name:<58} {number:>12} {self.unit}{of}"


def show(figure: Figure) -> Figure:
    """Print it at once: a run takes minutes, and somebody waits."""
    print(figure.line(), flush=True)  # noqa: T201
    return figure


def keep(figures: Iterable[Figure], path: Path) -> None:
    """Write a run's figures, and what they were measured on, as JSON."""
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.platform()}
    path.write_text(json.dumps({"machine": machine, "figures": [asdict(one) for one in figures]}, indent=1) + "\n")
