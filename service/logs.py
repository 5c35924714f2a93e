"""Logs: one JSON object a line on stderr, with nothing in it that names, reaches or describes a person (P8).

Whoever writes a line must not put such things in; what is here is the second lock. It cannot know a name from any other
word, so exceptions, whose texts quote what they choked on, are told by type and place only.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, TextIO

import structlog

_OWN = frozenset({"time", "level", "logger", "exception"})
"""Fields that are made here and hold nothing from outside."""
_SECRET_NAME = re.compile(
    r"phone|e?mail|address|password|secret|token|authorization|api_?key|cookie|body|given_name|answers?$|^to$|^from_?$",
    re.IGNORECASE,
)
_ROW_NAME = re.compile(r"(^|_)(ids?|pid)$|_ms$|_seconds$|^count$|^line$")
_GAP = r"[\s()./·_‐-―-]{0,3}"

_RULES: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    # A traceback put into the text itself, as RQ does: its last line quotes the exception.
    (re.compile(r"\s*Traceback \(most recent call last\).*", re.DOTALL), " [traceback]"),
    (re.compile(r"(://[^\s:/@]*:)[^\s@]+@"), r"\1[secret]@"),
    (re.compile(r"[^\s@<>\"'=,;(]+(?:@|%40)[^\s@<>\"',;)&]+", re.IGNORECASE), "[e-mail]"),
    (re.compile(r"(/(?:[sua]|desk/join)/)[^\s\"'?#/&<>]+"), r"\1[token]"),
    (re.compile(r"\b(Bearer|Basic)(\s+|%20)[^\s\"',]+", re.IGNORECASE), r"\1 [secret]"),
    (re.compile(r"\bak_[\w-]+"), "[api key]"),
    (re.compile(r"\bwhsec_[\w+/=-]+"), "[secret]"),
    (re.compile(r"\bSG\.[\w.-]+"), "[api key]"),
    (re.compile(r"\bv1a?,[\w+/=-]+"), "[signature]"),
    (re.compile(r"\b\w{1,16}:(?:index:)?[A-Za-z0-9+/]{43}="), "[key]"),
    (re.compile(r"(?<![0-9a-zA-Z])[0-9a-f]{32}(?![0-9a-zA-Z])", re.IGNORECASE), "[secret]"),
    (re.compile(r"(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[\w-]{40,}={0,2}"), "[secret]"),
    # Seven digits and more, however they are grouped: telephone numbers, dates of birth, record numbers.
    # A provider's own ids stay, and a status with the milliseconds it took.
    (
        re.compile(
            r"(?P<kept>\b[A-Z]{2}[0-9a-f]{32}\b|\b\d{3} \d{1,7}\.\dms\b)"
            rf"|\+?\(?\d(?:{_GAP}\d){{6,}}"
        ),
        lambda found: found["kept"] or "[number]",
    ),
)


def clean(text: str) -> str:
    """`text` without addresses, numbers, tokens and keys."""
    for pattern, instead in _RULES:
        text = pattern.sub(instead, text)
    return text


def redact(_logger: Any, _method: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """A structlog processor: clean every value of a line, at any depth."""
    return {name: value if name in _OWN else _redacted(name, value) for name, value in line.items()}


def _redacted(name: str, value: Any) -> Any:
    if _SECRET_NAME.search(name) and not _ROW_NAME.search(name):
        return None if value is None else "[removed]"
    match value:
        case None | bool() | float():
            return value
        case int():
            return value if abs(value) < 1_000_000 or _ROW_NAME.search(name) else "[number]"
        case str():
            return clean(value)
        case Mapping():
            return {clean(str(key)): _redacted(str(key), one) for key, one in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_redacted(name, one) for one in value]
        case _:
            # Whatever it is, its repr may hold anything.
            return f"[{type(value).__name__}]"


def _tell_exception(_logger: Any, _method: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
    info = line.pop("exc_info", None)
    line.pop("stack_info", None)
    if info is True:
        info = sys.exc_info()
    error = info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        line["exception"] = list(_told(error))
    return line


def _told(error: BaseException) -> Iterator[dict[str, Any]]:
    """The exception and what led to it, the innermost last: type, code where there is one, and places."""
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen and len(seen) < 5:
        seen.add(id(following))
        told: dict[str, Any] = {"type": f"{type(following).__module__}.{type(following).__qualname__}"}
        code = getattr(following, "sqlstate", None) or getattr(following, "errno", None)
        if isinstance(code, int) or (isinstance(code, str) and re.fullmatch(r"[0-9A-Z]{5}", code)):
            told["code"] = code
        told["at"] = _places(following.__traceback__)
        yield told
        following = following.__cause__ or (None if following.__suppress_context__ else following.__context__)


def _places(trace: TracebackType | None) -> list[str]:
    places = []
    while trace is not None:
        frame = trace.tb_frame
        places.append(f"{frame.f_globals.get('__name__', '?')}.{frame.f_code.co_name}:{trace.tb_lineno}")
        trace = trace.tb_next
    return places[-12:]


class _Lines(logging.StreamHandler[TextIO]):
    """A line it cannot write is said, not quoted."""

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr  # whatever that is by now
        super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        # The default prints the arguments of the call.
        line = {"level": "error", "logger": __name__, "event": "a log line could not be written", "from": record.name}
        with suppress(OSError, ValueError):  # stderr is gone: there is nobody left to tell
            print(json.dumps(line), file=sys.stderr, flush=True)  # noqa: T201


_QUIET = (
    "twilio",
    "sendgrid",
    "python_http_client",
    "urllib3",
    "rq",
    "rq.worker",
    "rq.scheduler",
    "werkzeug",
    "asyncio",
)
"""At INFO and below these quote addresses, keys, payloads, the arguments of jobs, or every path with its token."""

_SHARED: tuple[structlog.typing.Processor, ...] = (
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
)


def configure(level: str) -> None:
    """Send everything that is logged in this process, by structlog or the standard library, to stderr as JSON lines.

    `level` is a name such as INFO. Raises ValueError for an unknown one. May be called again.
    """
    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        raise ValueError("AFTERCARE_LOG_LEVEL must be one of DEBUG, INFO, WARNING, ERROR, CRITICAL")
    handler = _Lines(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _tell_exception,
                redact,
                structlog.processors.JSONRenderer(sort_keys=False, ensure_ascii=True),
            ],
        )
    )
    root = logging.getLogger()
    for old in root.handlers[:]:
        if isinstance(old, _Lines) or type(old) is logging.StreamHandler:
            root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(number)
    for name in _QUIET:
        logger = logging.getLogger(name)
        logger.setLevel(max(logging.WARNING, logger.level))
    logging.captureWarnings(True)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    logging.getLogger("aftercare").critical("ended by an exception", exc_info=(kind, error, trace))


def _uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None:
        logging.getLogger("aftercare").critical("a thread ended by an exception", exc_info=args.exc_value)
