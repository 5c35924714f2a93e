"""Keeps on record that providers' signatures hold, at no cost to the posts themselves."""

from __future__ import annotations

import logging

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from service import time
from service.records import sightings
from service.records.database import run
from service.records.sightings import Sighting

log = logging.getLogger(__name__)

_REST_SECONDS = 3600.0


class Lookout:
    """Notes the first signed post of each kind, then one an hour, in each process."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._rests: dict[Sighting, float] = {}

    def saw(self, what: Sighting) -> None:
        """A signature held. What was posted does not depend on this being kept."""
        if self._rests.get(what, 0.0) > time.monotonic():
            return
        self._rests[what] = time.monotonic() + _REST_SECONDS
        try:
            run(self._engine, lambda connection: sightings.note(connection, what, time.now()))
        except SQLAlchemyError as error:
            self._rests[what] = 0.0
            log.warning("a signed post could not be noted: %s", type(error).__name__)
