"""`name=value` on the command line as the JSON that a schema asks for: `limit=10` is a number where it wants one."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

Schema = Mapping[str, Any]


def pairs(given: Iterable[str], schema: Schema) -> dict[str, Any]:
    """The values by name. A name given again makes a list. Raises ValueError for what is no `name=value`."""
    texts: dict[str, list[str]] = {}
    for pair in given:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise ValueError(f"{pair!r} is not name=value")
        texts.setdefault(name, []).append(text)
    properties = schema.get("properties", {})
    return {name: _value(found, properties.get(name, {}), schema.get("$defs", {})) for name, found in texts.items()}


def _value(texts: list[str], prop: Schema, definitions: Schema) -> Any:
    kinds = _kinds(prop, definitions)
    if "array" in kinds and not (len(texts) == 1 and texts[0].startswith("[")):
        items: Schema = next((one["items"] for one in _choices(prop, definitions) if "items" in one), {})
        return [_value([text], items, definitions) for text in texts]
    if len(texts) > 1:
        return [_value([text], prop, definitions) for text in texts]
    read = _read(texts[0])
    if not kinds:  # anything goes: what looks like JSON is meant so
        return read
    return read if _kind(read) & kinds else texts[0]


def _read(text: str) -> Any:
    """As JSON, else as it is."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _kinds(prop: Schema, definitions: Schema) -> set[str]:
    """The JSON types a schema names, wherever they stand; empty where it names none."""
    found: set[str] = set()
    for one in _choices(prop, definitions):
        named = one.get("type", [])
        found |= {named} if isinstance(named, str) else set(named)
        if not named:
            for value in [*one.get("enum", ()), *([one["const"]] if "const" in one else [])]:
                found |= _kind(value)
    return found


def _choices(prop: Schema, definitions: Schema, depth: int = 0) -> list[Schema]:
    """The schema behind `$ref`, and those in `anyOf` and `oneOf`."""
    if depth > 10:  # a schema that holds itself
        return []
    if "$ref" in prop:
        prop = definitions.get(str(prop["$ref"]).rpartition("/")[2], {})
    more = [*prop.get("anyOf", ()), *prop.get("oneOf", ()), *prop.get("allOf", ())]
    return [prop, *(found for one in more for found in _choices(one, definitions, depth + 1))]


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
