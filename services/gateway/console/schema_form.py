"""Makes a form from a JSON Schema, and a JSON value from the filled form. Pure.

Fields are the properties of a closed object: texts, numbers, booleans, choices, dates and times, lists of these (one a
line). An empty field is left out, so that its default applies. The schema finds validation errors, not this module.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

PREFIX = "p."  # distinguishes parameters from the form's own fields
_INTEGER = re.compile(r"-?[0-9]{1,100}")
_NUMBER = re.compile(r"-?[0-9]{1,100}(\.[0-9]{1,100})?([eE][-+]?[0-9]{1,2})?")
_INPUTS = {"date": "date", "date-time": "datetime-local", "time": "time", "integer": "number", "number": "number"}


@dataclass(frozen=True)
class Field:
    """A field of the form. `kind`: text, number, date, datetime-local, time, choice or lines."""

    name: str
    label: str
    kind: str
    help: str = ""
    required: bool = False
    default: str = ""
    choices: tuple[str, ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()

    @property
    def key(self) -> str:
        return PREFIX + self.name


def fields(schema: Mapping[str, Any]) -> list[Field]:
    """Returns the form's fields in the order of the schema."""
    required = schema.get("required", ())
    return [_field(name, prop, name in required) for name, prop in schema.get("properties", {}).items()]


def values(schema: Mapping[str, Any], filled: Mapping[str, str]) -> dict[str, Any]:
    """Returns the JSON object of the filled fields; invalid text stays text, and the schema refuses it."""
    found = {}
    for name, prop in schema.get("properties", {}).items():
        text = filled.get(PREFIX + name, "").strip()
        if not text:
            continue
        kind, prop = _kind(prop)
        if kind == "array":
            inner = _kind(prop.get("items", {}))
            found[name] = [_value(line.strip(), *inner) for line in text.splitlines() if line.strip()]
        else:
            found[name] = _value(text, kind, prop)
    return found


def texts(schema: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, str]:
    """Returns the texts of the form's fields for a JSON object, as `values` reads them."""
    properties = schema.get("properties", {})
    return {
        PREFIX + name: _local(value) if _kind(properties[name])[1].get("format") == "date-time" else _text(value)
        for name, value in given.items()
        if name in properties
    }


def _field(name: str, prop: Mapping[str, Any], required: bool) -> Field:
    kind, inner = _kind(prop)
    given = prop.get("default", inner.get("default"))
    choices = _choices(kind, inner)
    words = str(prop.get("description", ""))
    if kind == "array":
        words = f"{words} One a line.".strip()
    return Field(
        name=name,
        label=str(prop.get("title") or name.replace("_", " ").capitalize()),
        kind="lines" if kind == "array" else "choice" if choices else _input(kind, inner),
        help=words,
        required=required,
        default=_text(given),
        choices=choices,
        attributes=_attributes(kind, inner),
    )


def _kind(prop: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Returns the JSON type, ignoring the `null` of an optional property."""
    for alternative in prop.get("anyOf", ()):
        if alternative.get("type") != "null":
            return _kind(alternative)
    kind = prop.get("type", "string")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "string")
    return kind, prop


def _choices(kind: str, prop: Mapping[str, Any]) -> tuple[str, ...]:
    if kind == "boolean":
        return ("true", "false")
    return tuple(_text(choice) for choice in prop.get("enum", ()) if choice is not None)


def _input(kind: str, prop: Mapping[str, Any]) -> str:
    return _INPUTS.get(str(prop.get("format") if kind == "string" else kind), "text")


def _attributes(kind: str, prop: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Returns the HTML attributes that let a browser check a value before it sends it."""
    found = [("min", prop.get("minimum")), ("max", prop.get("maximum"))]
    if kind == "number":
        found.append(("step", "any"))
    if kind == "string":
        found += [("maxlength", prop.get("maxLength")), ("minlength", prop.get("minLength"))]
        if prop.get("format") == "date-time":
            found.append(("step", "1"))
    return tuple((name, str(value)) for name, value in found if value is not None)


def _value(text: str, kind: str, prop: Mapping[str, Any]) -> Any:
    if kind == "integer" and _INTEGER.fullmatch(text):
        return int(text)
    if kind == "number" and _NUMBER.fullmatch(text):
        return float(text) if not _INTEGER.fullmatch(text) else int(text)
    if kind == "boolean" and text in ("true", "false"):
        return text == "true"
    return _moment(text) if prop.get("format") == "date-time" else text


def _moment(text: str) -> str:
    """Adds the offset that `<input type="datetime-local">` lacks: UTC, as everywhere on the pages."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat().replace("+00:00", "Z")


def _local(text: Any) -> str:
    """Returns a time in UTC without its offset, as `<input type="datetime-local">` takes it."""
    try:
        return datetime.fromisoformat(str(text)).astimezone(UTC).replace(tzinfo=None).isoformat()
    except (ValueError, OverflowError):
        return _text(text)


def _text(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case _ if isinstance(value, Sequence) and not isinstance(value, str):
            return "\n".join(_text(one) for one in value)
        case _:
            return str(value)
