"""Where an installation's own Redis listens: a socket that follows from its folder, so that every process finds it."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

_LONGEST_SOCKET_PATH = 100
"""Bytes; the kernel's limit is 108 on Linux and 104 on macOS, with the closing zero."""


class NotPrivate(Exception):
    """The folder that the socket would lie in may be somebody else's; the text says which and what to do."""


def url_for(var: Path) -> str:
    """The URL of the server that `aftercare up` runs in `var`."""
    return f"unix://{socket_in(var.absolute() / 'redis')}?db=0"


def socket_in(folder: Path) -> Path:
    """`folder/socket`, or where that is too long for a socket, a private folder among the temporary ones.

    Raises NotPrivate.
    """
    socket = folder / "socket"
    if len(os.fsencode(socket)) <= _LONGEST_SOCKET_PATH:
        return socket
    name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    private = Path(tempfile.gettempdir()) / f"aftercare-{os.getuid()}-{name}"
    with suppress(FileExistsError):
        private.mkdir(mode=0o700)
    found = private.lstat()
    # Anybody may create that name first: a folder that is not ours alone is not used.
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) != 0o700:
        raise NotPrivate(f"{private} is not a private folder of this user; remove it, or set AFTERCARE_REDIS_URL")
    return private / "socket"
