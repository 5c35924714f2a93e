"""Read YAML that people write by hand: every value with its place, every problem at once, never a traceback.

It works on YAML's node tree, not on loaded values, for three reasons: nodes know their line, duplicate keys are still
there to be seen, and a bare 09:30 or `no` is still the text that was typed, not a number of minutes or False.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from datetime import time, timedelta

import yaml

from service.care.problems import Place, Problem

MOST_CHARACTERS = 256 * 1024
_DEEPEST = 16  # the deepest thing we read is six levels down; YAML's own composer recurses and would overflow
_DURATION = re.compile(r"([0-9]{1,5}) ?([mhdw])")
_UNITS = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_TIME = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")
_TRUE, _FALSE = frozenset({"true", "yes", "on"}), frozenset({"false", "no", "off"})


class Notes:
    """What reading one file found: its problems, and where each text stands."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.places: dict[str, Place] = {}

    def problem(self, node: yaml.Node, where: str, message: str, hint: str = "") -> None:
        place = place_of(node)
        self.problems.append(Problem(place.line, place.column, where, message, hint))

    def at(self, line: int, column: int, message: str, hint: str = "") -> None:
        self.problems.append(Problem(line, column, "file", message, hint))


class Section:
    """A mapping in the file. Asking it for a key notes whatever is wrong with the value and returns None then."""

    def __init__(self, node: yaml.MappingNode, where: str, notes: Notes, keys: Iterable[str] | None) -> None:
        """`keys`: the allowed ones; None allows any."""
        self.node, self.where, self.notes = node, where, notes
        self.values: dict[str, yaml.Node] = {}
        self.key_nodes: dict[str, yaml.Node] = {}
        for key_node, value in node.value:
            self._take(key_node, value, keys)

    def path(self, key: str) -> str:
        return f"{self.where}.{key}" if self.where else key

    def problem(self, key: str, message: str, hint: str = "") -> None:
        """Note a problem at `key`, or at the section itself when the key is not there."""
        value = self.values.get(key, self.node)
        # A list or block begins on the line after its key; people look for the key.
        node = value if isinstance(value, yaml.ScalarNode) else self.key_nodes.get(key, value)
        self.notes.problem(node, self.path(key), message, hint)

    def has(self, key: str) -> bool:
        return key in self.values

    def text(self, key: str, required: bool = False) -> str | None:
        node = self._value(key, required)
        if node is None:
            return None
        text = scalar(node)
        if text is None or not text.strip():
            self.problem(key, "must be a text", "" if text is None else "it is empty")
            return None
        self.notes.places[self.path(key)] = place_of(node)
        return text.strip()

    def word(self, key: str, shape: re.Pattern[str], hint: str, required: bool = False) -> str | None:
        text = self.text(key, required)
        if text is not None and not shape.fullmatch(text):
            self.problem(key, f"{shown(text)} will not do here", hint)
            return None
        return text

    def choice(self, key: str, choices: Iterable[str], default: str | None = None) -> str | None:
        """One of `choices`; `default` when the key is absent; without a default the key is required."""
        if default is not None and not self.has(key):
            return default
        text = self.text(key, required=True)
        options = tuple(choices)
        if text is not None and text not in options:
            self.problem(key, f"{shown(text)} is not known", f"one of: {', '.join(options)}")
            return None
        return text

    def number(self, key: str, most: int) -> int | None:
        """A whole number from 0 to `most`; the key is required."""
        text = self.text(key, required=True)
        if text is None:
            return None
        if not re.fullmatch(r"[0-9]{1,6}", text) or int(text) > most:
            self.problem(key, f"{shown(text)} is not a whole number from 0 to {most}")
            return None
        return int(text)

    def duration(self, key: str, most: timedelta, least: timedelta = timedelta(0)) -> timedelta | None:
        """A required duration such as 15m, 5h, 7d, 6w, between `least` and `most`."""
        text = self.text(key, required=True)
        if text is None:
            return None
        match = _DURATION.fullmatch(text)
        if match is None:
            self.problem(key, f"{shown(text)} is not a duration", "a number and m, h, d or w: 15m, 5h, 7d")
            return None
        found = int(match.group(1)) * _UNITS[match.group(2)]
        if not least <= found <= most:
            self.problem(key, f"{shown(text)} is out of range", f"from {_said(least)} to {_said(most)}")
            return None
        return found

    def time(self, key: str, required: bool = False) -> time | None:
        text = self.text(key, required)
        if text is None:
            return None
        match = _TIME.fullmatch(text)
        if match is None:
            self.problem(key, f"{shown(text)} is not a time of day", "24 hours, as in 09:30 or 18:00")
            return None
        return time(int(match.group(1)), int(match.group(2)))

    def flag(self, key: str) -> bool:
        """True or false; false when absent."""
        text = self.text(key)
        if text is None or text.lower() in _FALSE:
            return False
        if text.lower() not in _TRUE:
            self.problem(key, f"{shown(text)} is neither true nor false")
        return True

    def items(self, key: str, required: bool = False) -> list[yaml.Node]:
        """The entries of a list; empty when absent or not a list."""
        node = self._value(key, required)
        if node is None:
            return []
        if not isinstance(node, yaml.SequenceNode):
            self.problem(key, "must be a list", "entries that each begin with a dash")
            return []
        if not node.value:
            self.problem(key, "the list is empty")
        return list(node.value)

    def section(self, key: str, keys: Iterable[str] | None, required: bool = False) -> Section | None:
        node = self._value(key, required)
        return None if node is None else section(node, self.path(key), self.notes, keys)

    def _value(self, key: str, required: bool) -> yaml.Node | None:
        node = self.values.get(key)
        if node is None and required:
            self.notes.problem(self.node, self.path(key), f"{key!r} is missing")
        return node

    def _take(self, key_node: yaml.Node, value: yaml.Node, keys: Iterable[str] | None) -> None:
        key = scalar(key_node)
        if key is None:
            self.notes.problem(key_node, self.where or "file", "a key must be a plain word")
        elif key in self.values:
            self.notes.problem(key_node, self.path(shown(key, "")), "stands here twice", "keep one of the two")
        elif keys is not None and key not in keys:
            near = difflib.get_close_matches(key[:40], list(keys), 1)
            hint = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(keys)}"
            self.notes.problem(key_node, self.path(shown(key, "")), "unknown key", hint)
        else:
            self.values[key], self.key_nodes[key] = value, key_node


def section(node: yaml.Node, where: str, notes: Notes, keys: Iterable[str] | None) -> Section | None:
    """`node` as a section, or None with a note when it is something else."""
    if not isinstance(node, yaml.MappingNode):
        notes.problem(node, where or "file", "must be a block of 'key: value' lines")
        return None
    return Section(node, where, notes, tuple(keys) if keys is not None else None)


def scalar(node: yaml.Node) -> str | None:
    """The text of a plain value just as typed, or None for a list, a block or nothing at all."""
    if not isinstance(node, yaml.ScalarNode) or node.tag == "tag:yaml.org,2002:null":
        return None
    return str(node.value)


def shown(text: str, quote: str = "'") -> str:
    """`text` short enough and plain enough to stand in a message."""
    plain = " ".join("".join(char if char.isprintable() else " " for char in text[:80]).split())
    return f"{quote}{plain[:40]}{'...' if len(plain) > 40 or len(text) > 80 else ''}{quote}"


def place_of(node: yaml.Node) -> Place:
    mark = node.start_mark
    return Place(mark.line + 1, mark.column + 1)


def compose(text: str, notes: Notes) -> yaml.Node | None:
    """The node tree of `text`, or None with a note saying why there is none."""
    if len(text) > MOST_CHARACTERS:
        notes.at(1, 1, f"the file is longer than {MOST_CHARACTERS} characters")
        return None
    try:
        if _depth(text) > _DEEPEST:
            notes.at(1, 1, "brackets or blocks are nested too deep")
            return None
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        message = " ".join(part for part in (error.context, error.problem) if part)
        notes.at(line, column, f"not valid YAML: {message}", "check indentation, colons and quotes around here")
        return None
    except yaml.reader.ReaderError as error:
        before = text[: error.position] if isinstance(error.position, int) else ""
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        notes.at(line, column, "a character that YAML does not allow")
        return None
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        # ValueError and OverflowError: an escape such as "\UFFFFFFFF", or a version number of a thousand digits.
        notes.at(1, 1, f"not valid YAML: {type(error).__name__}")
        return None
    if node is None:
        notes.at(1, 1, "the file is empty")
    return node


def _depth(text: str) -> int:
    depth = deepest = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            deepest = max(deepest, depth)
            if deepest > _DEEPEST:
                break
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    return deepest


def _said(duration: timedelta) -> str:
    for unit in ("d", "h", "m"):
        if duration % _UNITS[unit] == timedelta(0):
            return f"{duration // _UNITS[unit]}{unit}"
    return str(duration)
