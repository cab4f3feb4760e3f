"""Follows a JSON Pointer through the schema of a result, to find references that cannot find anything.

Only what the schema excludes is an error: a result whose schema does not describe its fields may have any.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bureau.contracts.jobs import pointer

MAX_DEPTH = 50  # of alternatives inside each other: a schema may contain itself
_SHOWN = 20
_SCALARS = frozenset({"string", "integer", "number", "boolean", "null"})
_ANYTHING: Mapping[str, Any] = {}

Schema = Mapping[str, Any]


def missing_field(schema: Schema, tokens: Sequence[str]) -> str | None:
    """Returns what is wrong with a pointer into a result of this schema, as `has no rows; it has: a, b`; else None."""
    places: list[Schema] = [schema]
    for token in tokens:
        choices = [choice for place in places for choice in _choices(place, schema)]
        inner = [below for choice in choices if (below := _below(choice, token)) is not None]
        if not inner:
            return f"has no {token}; {_description(choices)}"
        places = inner
    return None


def _choices(place: Schema, root: Schema, depth: int = 0) -> list[Schema]:
    """Returns the schema behind `$ref`, or its alternatives. One that is not understood counts as any value."""
    if depth > MAX_DEPTH:
        return [_ANYTHING]
    if "$ref" in place:
        target = _referenced(root, place["$ref"])
        return [_ANYTHING] if target is None else _choices(target, root, depth + 1)
    alternatives = place.get("anyOf") or place.get("oneOf")
    if alternatives:
        return [choice for one in alternatives for choice in _choices(one, root, depth + 1)]
    return [_ANYTHING] if "allOf" in place else [place]


def _below(place: Schema, token: str) -> Schema | None:
    """Returns the schema of the value that `token` finds; None if it finds none.

    An object that lists properties has no others, because a task's result is written from its declared type, unless it
    says what further ones are (`additionalProperties`).
    """
    kind = place.get("type")
    if kind == "object":
        properties = place.get("properties")
        if properties is not None and token in properties:
            return _schema(properties[token])
        if properties is None or place.get("patternProperties"):
            further = place.get("additionalProperties", True)
        else:
            further = place.get("additionalProperties", False)
        return None if further is False else _schema(further)
    if kind == "array":
        if not pointer.is_index(token):
            return None
        first = place.get("prefixItems", [])
        if int(token) < len(first):
            return _schema(first[int(token)])
        most = place.get("maxItems")
        items = place.get("items", True)
        return None if items is False or (most is not None and int(token) >= most) else _schema(items)
    return None if isinstance(kind, str) and kind in _SCALARS else _ANYTHING


def _schema(given: Any) -> Schema:
    """Returns a schema as an object: `true` admits anything."""
    return given if isinstance(given, Mapping) else _ANYTHING


def _description(choices: Iterable[Schema]) -> str:
    """Describes what a result has instead."""
    names: dict[str, None] = {}
    kinds: dict[str, None] = {}
    for choice in choices:
        names.update(dict.fromkeys(choice.get("properties", ())))
        kinds.setdefault(str(choice.get("type")))
    if names:
        listed = list(names)
        more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
        return f"it has: {', '.join(listed[:_SHOWN])}{more}"
    return f"its type is {' or '.join(kinds)}"


def _referenced(root: Schema, target: Any) -> Schema | None:
    if not isinstance(target, str) or not target.startswith("#/"):
        return None
    try:
        found = pointer.lookup(root, pointer.parse(target[1:]))
    except (LookupError, ValueError):
        return None
    return found if isinstance(found, Mapping) else None
