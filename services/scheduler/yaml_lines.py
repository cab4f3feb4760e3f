"""Parses YAML into JSON values and records the line of each value.

Plain scalars are read as in JSON: numbers, true, false and null; a date, `no` or `07:00` stays a text. Input that YAML
would silently accept, such as a repeated name, is an error.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

Path = tuple[str | int, ...]

MAX_VALUES = 200_000

_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]{1,2})?")
_CONSTANTS = {"true": True, "false": False, "null": None, "~": None, "": None}


class YamlUnreadable(Exception):
    """Says that a text is not YAML, or that JSON cannot hold it. `line` counts from 1; it is None if unknown."""

    def __init__(self, reason: str, line: int | None) -> None:
        super().__init__(reason)
        self.line = line


@dataclass
class YamlDocument:
    """Holds a JSON value and the line of each value in it."""

    value: Any = None
    lines: dict[Path, int] = field(default_factory=dict)

    def line_of(self, tokens: Sequence[str]) -> int:
        """Returns the line of the value at a JSON Pointer's tokens, or of the nearest existing value around it."""
        path: Path = ()
        for token in tokens:
            inner = next((one for one in ((*path, token), (*path, _index(token))) if one in self.lines), None)
            if inner is None:
                break
            path = inner
        return self.lines[path]


def _index(token: str) -> int:
    return int(token) if token.isascii() and token.isdigit() and len(token) < 10 else -1


def read_yaml(text: str) -> YamlDocument:
    """Parses one YAML document. Raises `YamlUnreadable`."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise YamlUnreadable(_reason(error), line) from None
    except (yaml.YAMLError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else " ".join(str(error).split())
        raise YamlUnreadable(reason, None) from None
    document = YamlDocument(lines={(): 1})
    if root is not None:
        document.value = _value(root, (), document, ())
    return document


def _reason(error: yaml.MarkedYAMLError) -> str:
    """Returns the parser's message, with a hint for texts such as times that begin with `*` or `@`.

    To YAML these are an alias and a reserved character.
    """
    problem = error.problem or "it cannot be read"
    hint = ""
    if "alias" in f"{error.context}{problem}" or "'@'" in problem:
        hint = "; write a text that begins with * or @ in quotes"
    return f"{problem}{hint}"


def _value(node: yaml.Node, path: Path, document: YamlDocument, ancestors: tuple[yaml.Node, ...]) -> Any:
    line = node.start_mark.line + 1
    document.lines.setdefault(path, line)
    if len(document.lines) > MAX_VALUES:  # aliases of aliases grow exponentially
        raise YamlUnreadable(f"it has more than {MAX_VALUES:,} values", line)
    if any(node is outer for outer in ancestors):
        raise YamlUnreadable("an alias refers to a value that contains it", line)
    if isinstance(node, yaml.MappingNode):
        return {
            name: _value(item, (*path, name), document, (*ancestors, node))
            for name, item in _pairs(node, path, document)
        }
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*path, index), document, (*ancestors, node)) for index, item in enumerate(node.value)]
    return _scalar(node)


def _pairs(node: yaml.MappingNode, path: Path, document: YamlDocument) -> Iterator[tuple[str, yaml.Node]]:
    seen: set[str] = set()
    for key, item in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise YamlUnreadable("a name must be a plain text", line)
        if key.value in seen:
            raise YamlUnreadable(f"{key.value} is repeated", line)
        seen.add(key.value)
        document.lines[(*path, key.value)] = line
        yield key.value, item


def _scalar(node: yaml.Node) -> Any:
    text = str(node.value)
    if node.style is not None:
        return text  # a quoted text or a block
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text
