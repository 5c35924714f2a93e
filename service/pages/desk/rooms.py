"""The desk's rooms, in the order of its menu."""

from __future__ import annotations

from service.pages.desk import counter, join, login, people, trail, you
from service.pages.desk.door import Room

ROOMS: tuple[Room, ...] = (
    login.room,
    join.room,
    counter.room,
    people.room,
    trail.room,
    you.room,
)
