"""Installations to break, and the figures of the run for docs/crash-matrix.md."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.matrix import report
from tests.promises.conftest import place  # noqa: F401
from tests.promises.installation import Installation

_PROPERTY = "matrix"
_figures = pytest.StashKey[list[report.Figure]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--write-matrix", action="store_true", help=f"write {report.PAGE.name} in docs/ from this run's figures"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_figures] = []
    config.pluginmanager.register(_Collector(config.stash[_figures]))


def pytest_sessionfinish(session: pytest.Session) -> None:
    if session.config.getoption("--write-matrix") and not hasattr(session.config, "workerinput"):
        report.write(session.config.stash[_figures])


class _Collector:
    """Takes figures out of the tests' reports: these come from every process of the run."""

    def __init__(self, figures: list[report.Figure]) -> None:
        self._figures = figures

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and report.passed:
            self._figures += [_as_figure(value) for name, value in report.user_properties if name == _PROPERTY]


def _as_figure(value: object) -> report.Figure:
    assert isinstance(value, list | tuple)
    return report.Figure(*value)


@pytest.fixture
def record(request: pytest.FixtureRequest) -> report.Record:
    """Measures a block: from the moment that things can go on to the moment that all is at rest."""

    @contextmanager
    def measure(installation: Installation, name: str) -> Iterator[None]:
        begun = time.monotonic()
        yield
        took = time.monotonic() - begun
        database = installation.h.parts.engine.dialect.name
        request.node.user_properties.append((_PROPERTY, [str(name), database, took]))

    return measure
