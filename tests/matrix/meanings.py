"""The line of meaning below each member of an enumeration, as written in its source."""

from __future__ import annotations

import ast
import inspect
import textwrap
from enum import StrEnum
from itertools import pairwise


def meanings_of(kind: type[StrEnum]) -> dict[str, str]:
    """By value. Raises KeyError where a member has no line."""
    [body] = [node.body for node in ast.parse(textwrap.dedent(inspect.getsource(kind))).body
              if isinstance(node, ast.ClassDef)]  # fmt: skip
    said: dict[str, str] = {}
    for member, line in pairwise(body):
        if isinstance(member, ast.Assign) and isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant):
            [name] = [target.id for target in member.targets if isinstance(target, ast.Name)]
            said[kind[name].value] = " ".join(str(line.value.value).split())
    return {member.value: said[member.value] for member in kind}
