"""Puts JSON Schemas into words: `integer, 0 to 9`, `list of Task`."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]
Names = Mapping[str, str]  # the name on the page of each definition

_FORMATS = {"date-time": "time", "uuid": "UUID", "date": "date"}
_RANGES = (("minimum", "maximum", ""), ("minLength", "maxLength", " characters"), ("minItems", "maxItems", ""))


def type_words(schema: Schema, names: Names) -> str:
    """Returns the type of a value; definitions are links to their tables."""
    words = list(dict.fromkeys(_alternatives(schema, names)))
    return " or ".join([*(one for one in words if one != "null"), *(["null"] if "null" in words else [])])


def referenced(schema: Any) -> Iterator[str]:
    """Yields the names of the definitions that a schema refers to, at any depth."""
    if isinstance(schema, Mapping):
        if "$ref" in schema:
            yield str(schema["$ref"]).rpartition("/")[2]
        for inner in schema.values():
            yield from referenced(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from referenced(inner)


def default_words(schema: Schema, *, required: bool) -> str:
    """Returns `required`, or the default of an optional field; nothing where a field without a value is left out."""
    if required:
        return "required"
    default = schema.get("default")
    return "" if default in (None, [], "") or isinstance(default, dict) else f"`{json.dumps(default)}`"


def limit_words(schema: Schema) -> str:
    """Returns the limits of a value: `1 to 100`, `at most 200 characters`."""
    plain = [one for one in schema.get("anyOf", [schema]) if one.get("type") != "null"]
    if len(plain) != 1:
        return ""
    given = {**schema, **plain[0]}
    found = [_range(given.get(least), given.get(most), unit) for least, most, unit in _RANGES]
    if (above := given.get("exclusiveMinimum")) is not None:
        found.insert(0, f"more than {above:,}")
    inner = given.get("items")
    if isinstance(inner, Mapping) and inner.get("maxLength"):
        found.append(f"each at most {inner['maxLength']:,} characters")
    return ", ".join(filter(None, found))


def _range(least: float | None, most: float | None, unit: str) -> str:
    if least is None and most is None:
        return ""
    if most is None:
        return f"at least {least:,}{unit.removesuffix('s') if least == 1 else unit}"
    return f"at most {most:,}{unit}" if least is None else f"{least:,} to {most:,}{unit}"


def _alternatives(schema: Schema, names: Names) -> Iterator[str]:
    if "$ref" in schema:
        name = names[schema["$ref"].rpartition("/")[2]]
        yield f"[{name}](#{anchor(name)})"
    elif inner := schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf"):
        for one in inner:
            yield from _alternatives(one, names)
    elif "enum" in schema or "const" in schema:
        yield " or ".join(f"`{_value(value)}`" for value in schema.get("enum", [schema.get("const")]))
    else:
        yield _plain(schema, names)


def _plain(schema: Schema, names: Names) -> str:
    match schema.get("type"):
        case "array":
            return f"list of {type_words(schema['items'], names)}" if schema.get("items") else "list"
        case "object":
            inner = schema.get("additionalProperties")
            return f"object of {type_words(inner, names)}" if isinstance(inner, Mapping) and inner else "object"
        case "string":
            return "file" if "contentMediaType" in schema else _FORMATS.get(schema.get("format", ""), "string")
        case None:
            return "any"
        case kind:
            return str(kind)


def _value(value: Any) -> str:
    """Returns a value as text, or as JSON where the text would not be seen: a tab, an empty string."""
    seen = isinstance(value, str) and value.isprintable() and value.strip() == value and value
    return value if seen else json.dumps(value)


def anchor(heading: str) -> str:
    """Returns the anchor that Markdown gives to a heading."""
    return "".join(c for c in heading.lower().replace(" ", "-") if c.isalnum() or c in "-_")
