"""YAML as JSON values that know the line they stand on.

Plain texts are read as JSON has them: numbers, true, false and null; a date, `no` or `07:00` stays a text. What YAML
would pass over in silence, such as a name given twice, is a mistake.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

Path = tuple[str | int, ...]

MAX_PLACES = 200_000

_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]{1,2})?")
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}


class YamlUnreadable(Exception):
    """Not YAML, or more than JSON can say; `line` counts from 1, None where no place is known."""

    def __init__(self, reason: str, line: int | None) -> None:
        super().__init__(reason)
        self.line = line


@dataclass
class Placed:
    """A JSON value, and the line of each place in it."""

    value: Any = None
    lines: dict[Path, int] = field(default_factory=dict)

    def line_of(self, tokens: Sequence[str]) -> int:
        """Of the place that a JSON Pointer's tokens lead to, or of the nearest around it that was written."""
        path: Path = ()
        for token in tokens:
            inner = next((one for one in ((*path, token), (*path, _index(token))) if one in self.lines), None)
            if inner is None:
                break
            path = inner
        return self.lines[path]


def _index(token: str) -> int:
    return int(token) if token.isascii() and token.isdigit() and len(token) < 10 else -1


def read_yaml(text: str) -> Placed:
    """One document. Raises `YamlUnreadable`."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise YamlUnreadable(_said(error), line) from None
    except (yaml.YAMLError, RecursionError) as error:
        reason = "it nests too deep" if isinstance(error, RecursionError) else " ".join(str(error).split())
        raise YamlUnreadable(reason, None) from None
    placed = Placed(lines={(): 1})
    if root is not None:
        placed.value = _value(root, (), placed, ())
    return placed


def _said(error: yaml.MarkedYAMLError) -> str:
    """A text that begins with `*` or `@`, as times do, is an alias or nothing to YAML."""
    problem = error.problem or "it cannot be read"
    mend = ""
    if "alias" in f"{error.context}{problem}" or "'@'" in problem:
        mend = "; a text that begins with * or @ is written in quotes"
    return f"{problem}{mend}"


def _value(node: yaml.Node, path: Path, placed: Placed, around: tuple[yaml.Node, ...]) -> Any:
    line = node.start_mark.line + 1
    placed.lines.setdefault(path, line)
    if len(placed.lines) > MAX_PLACES:  # aliases of aliases grow fast
        raise YamlUnreadable(f"it holds more than {MAX_PLACES:,} values", line)
    if any(node is outer for outer in around):
        raise YamlUnreadable("an alias stands for what it is in", line)
    if isinstance(node, yaml.MappingNode):
        return {name: _value(item, (*path, name), placed, (*around, node)) for name, item in _pairs(node, path, placed)}
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*path, index), placed, (*around, node)) for index, item in enumerate(node.value)]
    return _scalar(node)


def _pairs(node: yaml.MappingNode, path: Path, placed: Placed) -> Iterator[tuple[str, yaml.Node]]:
    seen: set[str] = set()
    for key, item in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise YamlUnreadable("a name is a plain text", line)
        if key.value in seen:
            raise YamlUnreadable(f"{key.value} is given twice", line)
        seen.add(key.value)
        placed.lines[(*path, key.value)] = line
        yield key.value, item


def _scalar(node: yaml.Node) -> Any:
    text = str(node.value)
    if node.style is not None:
        return text  # in quotes, or a block
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text
