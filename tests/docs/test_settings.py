"""The settings page names every variable, and no other; its defaults are the real ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from service.settings import Settings

ROOT = Path(__file__).parents[2]
OF_COMPOSE = {"POSTGRES_PASSWORD", "AFTERCARE_BIND_PORT"}
ROWS = dict(re.findall(r"^\| `([A-Z_]+)` \| (.*?) \|", (ROOT / "docs/settings.md").read_text("utf-8"), re.MULTILINE))
FIELDS = {field.alias or name: field for name, field in Settings.model_fields.items()}


def test_every_variable_has_its_line_and_every_line_its_variable() -> None:
    assert set(ROWS) == set(FIELDS) | OF_COMPOSE


@pytest.mark.parametrize("name", [name for name, field in FIELDS.items() if isinstance(field.default, int | float)])
def test_numbers_are_the_real_defaults(name: str) -> None:
    default = FIELDS[name].default
    shown = str(default).lower() if isinstance(default, bool) else f"{default:g}"
    assert ROWS[name] == f"`{shown}`"


def test_the_example_file_names_no_other_variable() -> None:
    named = set(re.findall(r"^#? ?([A-Z_]+)=", (ROOT / ".env.example").read_text("utf-8"), re.MULTILINE))
    assert named <= set(ROWS)
