"""Routes compiled once a process: hundreds of tests build the same app, and compiling is most of what that costs.

Werkzeug writes and compiles a function for each of some 170 routes, 85 ms an app. The function follows from the route's
text alone and is given the route when it is called, so that one serves every app.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from werkzeug.routing import Rule

_compiled: dict[Any, Callable[..., tuple[str, str]]] = {}
_compile = Rule._compile_builder


def compile_once() -> None:
    """From now on, in this process."""
    Rule._compile_builder = _remembered  # type: ignore[method-assign]


def _remembered(rule: Rule, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
    key = (tuple(rule._trace), tuple((rule.defaults or {}).items()), append_unknown)
    if key not in _compiled:
        _compiled[key] = _compile(rule, append_unknown)
    return _compiled[key]
