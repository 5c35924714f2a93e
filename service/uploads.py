"""Files that people send in a form are held in memory: none of it touches the disk in clear (P8)."""

from __future__ import annotations

from io import BytesIO
from typing import IO

from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge


class InMemory(Request):
    """A request whose files are as large as its view allows; where it says nothing of a size, none is taken."""

    def _get_file_stream(self, *_about: object, **_it: object) -> IO[bytes]:
        """Werkzeug's own writes what is larger than 500 kB to a temporary file."""
        if self.max_content_length is None:
            raise RequestEntityTooLarge
        return BytesIO()
