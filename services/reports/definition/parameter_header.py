"""Reads a `[parameters.<name>]` table of a report's header, or reports all its errors with how to fix them."""

import re
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

from bureau.services.reports.definition.kinds import (
    MAX_TEXT,
    SCALARS,
    TYPES,
    InvalidValue,
    ParameterKind,
    Scalar,
    Value,
    shown,
)
from bureau.services.reports.definition.parameters import Parameter
from bureau.services.reports.definition.pattern import Pattern
from bureau.services.reports.definition.relative_dates import WORDS, Relative, parse_relative

KEYS = ("type", "label", "description", "default", "required", "minimum", "maximum", "pattern", "choices", "items")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}", re.ASCII)
_WITHOUT_BOUNDS = ("boolean", "enum")
_WITH_CHOICES = ("enum", "text", "integer", "number", "list")


class InvalidParameters(ValueError):
    """Says what is wrong with a parameter: pairs of a key and a sentence."""

    def __init__(self, errors: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{key}: {detail}" for key, detail in errors))
        self.errors = errors


def read_parameter(name: str, table: Any) -> Parameter:
    """Returns the parameter that `table` (TOML) describes. Raises `InvalidParameters`."""
    if not _NAME.fullmatch(name):
        raise InvalidParameters(
            [("", "a parameter's name has lower-case letters, digits and _, and starts with a letter")]
        )
    if not isinstance(table, dict):
        raise InvalidParameters([("", f'write a table: [parameters.{name}] and below it type = "text"')])
    errors = [*_unknown_key_errors(table), *_type_errors(table)]
    if errors:
        raise InvalidParameters(errors)
    errors = [*_shape_errors(table), *_misplaced_keys(table)]
    if errors:
        raise InvalidParameters(errors)
    return _parameter(name, table)


def _unknown_key_errors(table: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for key in table.keys() - set(KEYS):
        yield key, f"the key is not known; use one of {', '.join(KEYS)}"


def _type_errors(table: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if table.get("type") not in TYPES:
        yield "type", f"{shown(table.get('type'))} is not a type; use one of {', '.join(TYPES)}"
    if table.get("items", "text") not in tuple(SCALARS):
        yield "items", f"{shown(table['items'])} is not a type of items; use one of {', '.join(SCALARS)}"


def _shape_errors(table: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for key, example in (("label", "From"), ("description", "From this day on.")):
        if not isinstance(table.get(key, ""), str):
            yield key, f'write text in quotes: {key} = "{example}"'
    if not isinstance(table.get("required", False), bool):
        yield "required", "write required = true or required = false"
    if not isinstance(table.get("pattern", ""), str):
        yield "pattern", "write text in quotes: pattern = '[A-Z]{2}'"
    if "choices" in table and (not isinstance(table["choices"], list) or not table["choices"]):
        yield "choices", 'write a list that is not empty: choices = ["north", "south"]'


def _misplaced_keys(table: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yields errors for keys that do not apply to the type, or that it lacks."""
    kind = table["type"]
    if kind == "enum" and "choices" not in table:
        yield "type", 'an enum needs its choices: choices = ["north", "south"]'
    if "choices" in table and kind not in _WITH_CHOICES:
        yield "choices", f"a {kind} takes no choices; they belong to {', '.join(_WITH_CHOICES)}"
    if "items" in table and kind != "list":
        yield "items", "only a list has items"
    if "pattern" in table and _kind(table) is not SCALARS["text"]:
        yield "pattern", "only text and lists of text have a pattern"
    if table.get("required") and "default" in table:
        yield "default", "a required parameter has no default; remove one of the two"
    for key in ("minimum", "maximum"):
        if key in table and kind in _WITHOUT_BOUNDS:
            yield key, f"a {kind} has no {key}"


def _parameter(name: str, table: dict[str, Any]) -> Parameter:
    kind = _kind(table)
    many = table["type"] == "list"
    limit = _length if many or kind is SCALARS["text"] else kind.read
    reader = _TableReader(table)
    rules: dict[str, Any] = {
        "minimum": reader.get("minimum", limit),
        "maximum": reader.get("maximum", limit),
        "pattern": reader.get("pattern", Pattern),
        "choices": reader.get("choices", lambda choices: tuple(kind.read(choice) for choice in choices)) or (),
    }
    reader.check_order(rules["minimum"], rules["maximum"])
    reader.raise_errors()
    # It is required while the default is read, so that the reader does not treat the default as a missing value.
    default = reader.get("default", _default(Parameter(name, kind, many=many, required=True, **rules)))
    reader.raise_errors()
    required, description = table.get("required", False), table.get("description", "")
    return Parameter(name, kind, description, many, required, default, label=table.get("label", ""), **rules)


def _default(parameter: Parameter) -> Callable[[Any], Value | Relative]:
    """Returns the reader of a default: a value of the parameter, or a relative date for dates and times."""
    if parameter.many or parameter.kind not in (SCALARS["date"], SCALARS["datetime"]):
        return parameter.read

    def read(value: Any) -> Value | Relative:
        relative = parse_relative(value) if isinstance(value, str) else None
        if relative and (not relative.is_now or parameter.kind is SCALARS["datetime"]):
            return relative
        try:
            return parameter.read(value)
        except InvalidValue as rule:
            raise InvalidValue(f"{rule}; or write {WORDS}") from None

    return read


class _TableReader:
    """Reads a table's values and collects the errors."""

    def __init__(self, table: dict[str, Any]) -> None:
        self._table = table
        self._errors: list[tuple[str, str]] = []

    def get(self, key: str, read: Callable[[Any], Any]) -> Any:
        """Returns the key's value as `read` returns it; None if it is missing or invalid."""
        if key not in self._table:
            return None
        try:
            return read(_json(self._table[key]))
        except ValueError as rule:
            self._errors.append((key, f"{rule}"))
            return None

    def check_order(self, minimum: Any, maximum: Any) -> None:
        if minimum is not None and maximum is not None and minimum > maximum:
            self._errors.append(("minimum", "is greater than the maximum; exchange the two"))

    def raise_errors(self) -> None:
        if self._errors:
            raise InvalidParameters(self._errors)


def _kind(table: dict[str, Any]) -> ParameterKind:
    match table["type"]:
        case "enum":
            return SCALARS["text"]
        case "list":
            return SCALARS[table.get("items", "text")]
        case scalar:
            return SCALARS[scalar]


def _length(value: Any) -> Scalar:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 100 * MAX_TEXT:
        raise InvalidValue(f"must be a length: a whole number from 0 to {100 * MAX_TEXT}, not {shown(value)}")
    return value


def _json(value: Any) -> Any:
    """Converts TOML's dates and times to text, as in JSON."""
    if isinstance(value, list):
        return [_json(item) for item in value]
    return value.isoformat() if isinstance(value, date) else value
