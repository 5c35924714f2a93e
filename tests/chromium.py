"""Chromium for the tests that need a real browser, and axe, which its pages are held against."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

# The shell is Chromium without what only a screen needs: the same pages in three quarters of the processor's time.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser")
PROGRAM = os.environ.get("CHROMIUM_PATH") or next(filter(None, map(shutil.which, NAMES)), None)
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--no-first-run",
]  # fmt: skip
AA = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}}
SCREENSHOTS = os.environ.get("AFTERCARE_SCREENSHOTS")
"""A folder to leave pictures in, for whoever wants to look."""


def chromium() -> Iterator[Browser]:
    """One that runs until the generator is closed."""
    if PROGRAM is None:
        pytest.skip("no Chromium; set CHROMIUM_PATH")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=PROGRAM, args=FLAGS)
        yield started
        started.close()


def violations(page: Page) -> list[str]:
    """What axe has against the page as it stands."""
    found = Axe().run(page, options=AA).response["violations"]
    return [f"{one['id']}: {node['html'][:160]}" for one in found for node in one["nodes"]]
