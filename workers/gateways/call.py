"""One POST on its way through an SDK that can carry neither a deadline in nor a header out."""

from __future__ import annotations

from contextvars import ContextVar, Token
from dataclasses import dataclass
from typing import Self

from service import time
from workers.gateways.handover import Unsent


class NotSent(Exception):
    """Not one byte of the request reached a socket."""

    def __init__(self, why: Unsent) -> None:
        super().__init__(why.value)


class MaybeSent(Exception):
    """The request was written, at least in part, and no whole answer came back."""


@dataclass(slots=True)
class Call:
    """What the sender and the transport tell each other across the SDK: the current one, in its task, while entered."""

    deadline: float | None
    """A moment of `time.monotonic()`: nothing may be written from then on."""
    written: bool = False
    status: int | None = None
    """The HTTP status of the answer itself; what an error body says about it proves nothing."""
    retry_after: float | None = None

    _before: Token[Call | None] | None = None

    def __enter__(self) -> Self:
        self._before = _current.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            _current.reset(self._before)

    def begin_writing(self) -> None:
        """To be called right before the first byte goes out. Raises NotSent when it is too late."""
        if self.deadline is not None and time.monotonic() >= self.deadline:
            raise NotSent(Unsent.DEADLINE)
        self.written = True


_current: ContextVar[Call | None] = ContextVar("call", default=None)


def current() -> Call | None:
    """The call being made here; None for a look-up, which has no deadline."""
    return _current.get()
