"""Converts `name=value` on the command line to JSON of the type in a schema.

For example `limit=10` becomes a number if the schema says number, and a string if it says string.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

Schema = Mapping[str, Any]


def pairs(arguments: Iterable[str], schema: Schema) -> dict[str, Any]:
    """Returns the values by name. A repeated name makes a list. Raises ValueError unless each is `name=value`."""
    texts: dict[str, list[str]] = {}
    for pair in arguments:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise ValueError(f"{pair!r} is not name=value")
        texts.setdefault(name, []).append(text)
    properties = schema.get("properties", {})
    definitions = schema.get("$defs", {})
    return {name: _value(values, properties.get(name, {}), definitions) for name, values in texts.items()}


def _value(texts: list[str], prop: Schema, definitions: Schema) -> Any:
    kinds = _kinds(prop, definitions)
    if "array" in kinds and not (len(texts) == 1 and texts[0].startswith("[")):
        items: Schema = next((one["items"] for one in _choices(prop, definitions) if "items" in one), {})
        return [_value([text], items, definitions) for text in texts]
    if len(texts) > 1:
        return [_value([text], prop, definitions) for text in texts]
    value = _parse(texts[0])
    if not kinds:  # every type is allowed: text that looks like JSON is taken as JSON
        return value
    return value if _kind(value) & kinds else texts[0]


def _parse(text: str) -> Any:
    """Returns the text parsed as JSON, or the text itself if it is not JSON."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _kinds(prop: Schema, definitions: Schema) -> set[str]:
    """Returns the JSON types that a schema allows, also in its subschemas; empty if it names none."""
    kinds: set[str] = set()
    for one in _choices(prop, definitions):
        named = one.get("type", [])
        kinds |= {named} if isinstance(named, str) else set(named)
        if not named:
            for value in [*one.get("enum", ()), *([one["const"]] if "const" in one else [])]:
                kinds |= _kind(value)
    return kinds


def _choices(prop: Schema, definitions: Schema, depth: int = 0) -> list[Schema]:
    """Returns the schema behind `$ref` and the subschemas of `anyOf`, `oneOf` and `allOf`."""
    if depth > 10:  # a schema that contains itself
        return []
    if "$ref" in prop:
        prop = definitions.get(str(prop["$ref"]).rpartition("/")[2], {})
    more = [*prop.get("anyOf", ()), *prop.get("oneOf", ()), *prop.get("allOf", ())]
    return [prop, *(choice for one in more for choice in _choices(one, definitions, depth + 1))]


def _kind(value: Any) -> set[str]:
    match value:
        case bool():
            return {"boolean"}
        case int():
            return {"integer", "number"}
        case float():
            return {"number"}
        case str():
            return {"string"}
        case None:
            return {"null"}
        case list():
            return {"array"}
        case _:
            return {"object"}
