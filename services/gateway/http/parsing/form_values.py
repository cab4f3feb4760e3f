"""Converts text from forms and queries into the JSON value that the model's schema expects."""

import re
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any

from bureau.contracts.jobs import pointer
from bureau.contracts.problems import FieldError

_INTEGER = re.compile(r"-?[0-9]{1,100}")
_NUMBER = re.compile(r"-?[0-9]{1,100}(\.[0-9]{1,100})?([eE][-+]?[0-9]{1,2})?")


class FieldKind(StrEnum):
    """Names the kind of value that a field takes, as far as a form can express it."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    LIST = "list"  # of texts: the field may be repeated
    NESTED = "nested"  # only as JSON


def kinds(schema: dict[str, Any]) -> dict[str, FieldKind]:
    """Returns the kind of each property of an object schema made by pydantic."""
    definitions = schema.get("$defs", {})
    return {name: _kind(prop, definitions) for name, prop in schema.get("properties", {}).items()}


def gather(fields: Iterable[tuple[str, str]], known: dict[str, FieldKind]) -> tuple[dict[str, Any], list[FieldError]]:
    """Returns the fields as one JSON object.

    Unknown fields are kept as text, so that the model refuses them by name.
    """
    given: dict[str, list[str]] = {}
    for name, text in fields:
        given.setdefault(name, []).append(text)
    values: dict[str, Any] = {}
    errors: list[FieldError] = []
    for name, texts in given.items():
        kind = known.get(name, FieldKind.TEXT)
        if len(texts) > 1 and kind is not FieldKind.LIST:
            detail = f"{name} is given {len(texts)} times, but it takes one value."
            errors.append(FieldError("repeated", detail, pointer.fragment([name])))
        elif kind is FieldKind.NESTED:
            detail = f"{name} is not a plain value: send it as JSON in the part `options`."
            errors.append(FieldError("nested", detail, pointer.fragment([name])))
        else:
            values[name] = _value(kind, texts)
    return values, errors


def _kind(prop: dict[str, Any], definitions: dict[str, Any]) -> FieldKind:
    prop = _resolved(prop, definitions)
    match prop.get("type"):
        case "integer" | "number" | "boolean" as plain:
            return FieldKind(plain)
        case "array" if _kind(prop.get("items", {}), definitions) is FieldKind.TEXT:
            return FieldKind.LIST
        case "array" | "object":
            return FieldKind.NESTED
        case _:
            return FieldKind.TEXT


def _resolved(prop: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """Resolves `$ref` and removes the `null` of an optional field."""
    if "$ref" in prop:
        return _resolved(definitions[prop["$ref"].rsplit("/", 1)[-1]], definitions)
    for alternative in prop.get("anyOf", ()):
        if alternative.get("type") != "null":
            return _resolved(alternative, definitions)
    return prop


def _value(kind: FieldKind, texts: Sequence[str]) -> Any:
    """Returns the JSON value. A text that cannot be converted stays text, so that the model refuses it."""
    text = texts[0]
    match kind:
        case FieldKind.LIST:
            return list(texts)
        case FieldKind.INTEGER if _INTEGER.fullmatch(text):
            return int(text)
        case FieldKind.NUMBER if _NUMBER.fullmatch(text):
            return float(text)
        case FieldKind.BOOLEAN if text in ("true", "false"):
            return text == "true"
        case _:
            return text
