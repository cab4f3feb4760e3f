"""A `[parameters.<name>]` table of a report's header as a `Parameter`, or every mistake in it with its mend."""

import re
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

from bureau.services.reports.definition.kinds import MAX_TEXT, SCALARS, TYPES, Kind, Refused, Scalar, Value, shown
from bureau.services.reports.definition.parameters import Parameter
from bureau.services.reports.definition.pattern import Pattern
from bureau.services.reports.definition.relative_dates import WORDS, Relative, parse_relative

KEYS = ("type", "label", "description", "default", "required", "minimum", "maximum", "pattern", "choices", "items")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}", re.ASCII)
_WITHOUT_BOUNDS = ("boolean", "enum")
_WITH_CHOICES = ("enum", "text", "integer", "number", "list")


class InvalidParameters(ValueError):
    """What is wrong with a parameter: pairs of the key it is about and a sentence."""

    def __init__(self, errors: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{key}: {detail}" for key, detail in errors))
        self.errors = errors


def read_parameter(name: str, table: Any) -> Parameter:
    """The parameter that `table` (TOML) describes. Raises `InvalidParameters`."""
    if not _NAME.fullmatch(name):
        raise InvalidParameters([("", "a parameter's name is lower-case letters, digits and _, a letter first")])
    if not isinstance(table, dict):
        raise InvalidParameters([("", f'write a table: [parameters.{name}] and below it type = "text"')])
    errors = [*_unknown_keys(table), *_wrong_type(table)]
    if errors:
        raise InvalidParameters(errors)
    errors = [*_wrong_shapes(table), *_misplaced(table)]
    if errors:
        raise InvalidParameters(errors)
    return _parameter(name, table)


def _unknown_keys(table: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for key in table.keys() - set(KEYS):
        yield key, f"the key is not known; use one of {', '.join(KEYS)}"


def _wrong_type(table: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if table.get("type") not in TYPES:
        yield "type", f"{shown(table.get('type'))} is not a type; use one of {', '.join(TYPES)}"
    if table.get("items", "text") not in tuple(SCALARS):
        yield "items", f"{shown(table['items'])} is not a type of items; use one of {', '.join(SCALARS)}"


def _wrong_shapes(table: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for key, example in (("label", "From"), ("description", "From this day on.")):
        if not isinstance(table.get(key, ""), str):
            yield key, f'write text in quotes: {key} = "{example}"'
    if not isinstance(table.get("required", False), bool):
        yield "required", "write required = true or required = false"
    if not isinstance(table.get("pattern", ""), str):
        yield "pattern", "write text in quotes: pattern = '[A-Z]{2}'"
    if "choices" in table and (not isinstance(table["choices"], list) or not table["choices"]):
        yield "choices", 'write a list that is not empty: choices = ["north", "south"]'


def _misplaced(table: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Keys that this type has no use for, or lacks."""
    kind = table["type"]
    if kind == "enum" and "choices" not in table:
        yield "type", 'an enum needs its choices: choices = ["north", "south"]'
    if "choices" in table and kind not in _WITH_CHOICES:
        yield "choices", f"a {kind} takes no choices; they belong to {', '.join(_WITH_CHOICES)}"
    if "items" in table and kind != "list":
        yield "items", "only a list has items"
    if "pattern" in table and _kind(table) is not SCALARS["text"]:
        yield "pattern", "only text has a pattern, and a list of text"
    if table.get("required") and "default" in table:
        yield "default", "a required parameter has no default; remove one of the two"
    for key in ("minimum", "maximum"):
        if key in table and kind in _WITHOUT_BOUNDS:
            yield key, f"a {kind} has no {key}"


def _parameter(name: str, table: dict[str, Any]) -> Parameter:
    kind = _kind(table)
    many = table["type"] == "list"
    limit = _length if many or kind is SCALARS["text"] else kind.read
    reading = _Reading(table)
    rules: dict[str, Any] = {
        "minimum": reading.get("minimum", limit),
        "maximum": reading.get("maximum", limit),
        "pattern": reading.get("pattern", Pattern),
        "choices": reading.get("choices", lambda choices: tuple(kind.read(choice) for choice in choices)) or (),
    }
    reading.check_order(rules["minimum"], rules["maximum"])
    reading.raise_errors()
    # Required while the default is read: the reader must not take it for a value that is missing.
    default = reading.get("default", _default(Parameter(name, kind, many=many, required=True, **rules)))
    reading.raise_errors()
    required, description = table.get("required", False), table.get("description", "")
    return Parameter(name, kind, description, many, required, default, label=table.get("label", ""), **rules)


def _default(parameter: Parameter) -> Callable[[Any], Value | Relative]:
    """Reads a default: a value of the parameter, or for days and times a relative one."""
    if parameter.many or parameter.kind not in (SCALARS["date"], SCALARS["datetime"]):
        return parameter.read

    def read(value: Any) -> Value | Relative:
        relative = parse_relative(value) if isinstance(value, str) else None
        if relative and (not relative.is_now or parameter.kind is SCALARS["datetime"]):
            return relative
        try:
            return parameter.read(value)
        except Refused as rule:
            raise Refused(f"{rule}; or write {WORDS}") from None

    return read


class _Reading:
    """Reads a table's values and gathers what does not fit."""

    def __init__(self, table: dict[str, Any]) -> None:
        self._table = table
        self._errors: list[tuple[str, str]] = []

    def get(self, key: str, read: Callable[[Any], Any]) -> Any:
        """What `read` makes of the key's value; None where there is none or it does not fit."""
        if key not in self._table:
            return None
        try:
            return read(_json(self._table[key]))
        except ValueError as rule:
            self._errors.append((key, f"{rule}"))
            return None

    def check_order(self, minimum: Any, maximum: Any) -> None:
        if minimum is not None and maximum is not None and minimum > maximum:
            self._errors.append(("minimum", "is above the maximum; exchange the two"))

    def raise_errors(self) -> None:
        if self._errors:
            raise InvalidParameters(self._errors)


def _kind(table: dict[str, Any]) -> Kind:
    match table["type"]:
        case "enum":
            return SCALARS["text"]
        case "list":
            return SCALARS[table.get("items", "text")]
        case scalar:
            return SCALARS[scalar]


def _length(value: Any) -> Scalar:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 100 * MAX_TEXT:
        raise Refused(f"is a length here: a whole number from 0 to {100 * MAX_TEXT}, not {shown(value)}")
    return value


def _json(value: Any) -> Any:
    """TOML has dates and times of its own; JSON writes them as text."""
    if isinstance(value, list):
        return [_json(item) for item in value]
    return value.isoformat() if isinstance(value, date) else value
