"""JSON Schemas that services announce: which are admitted, and what in an input does not fit one.

Announced schemas come over the ledger from any service, so they are bounded: no remote references, patterns that
match in linear time only, 64 KiB at most.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import time
from typing import Any

import jsonschema_rs

from bureau.contracts.base import RULE
from bureau.contracts.catalog import Catalog
from bureau.contracts.jobs import graph, pointer
from bureau.contracts.problems import FieldError

MAX_SCHEMA_BYTES = 64 * 1024
MAX_DEPTH = 200  # the validator recurses on the machine's stack, which a deeper value could overflow
DIALECT = "https://json-schema.org/draft/2020-12/schema"

_REFERENCES = ("$ref", "$dynamicRef")
# Keywords about a whole value that a result put in later can turn right; the worker checks the real value.
_UNDECIDED = frozenset({"not", "const", "enum", "contains", "oneOf", "unevaluatedProperties", "unevaluatedItems"})

# Keywords to the codes that mistakes have everywhere in the API.
_CODES = {
    "type": "wrong_type",
    "pattern": "wrong_form",
    "format": "wrong_form",
    "enum": "not_a_choice",
    "const": "not_a_choice",
    "minimum": "out_of_range",
    "maximum": "out_of_range",
    "exclusiveMinimum": "out_of_range",
    "exclusiveMaximum": "out_of_range",
    "minLength": "too_short",
    "minItems": "too_short",
    "maxLength": "too_long",
    "maxItems": "too_long",
}

_Kind = jsonschema_rs.ValidationErrorKind
Path = tuple[str | int, ...]


class SchemaError(Exception):
    """A schema that is not admitted; the text says why, in words for the author of the task."""


class Schema:
    """A compiled schema. Making one raises `SchemaError`."""

    def __init__(self, schema: dict[str, Any]) -> None:
        _admit(schema)
        self._schema = schema
        try:
            self._validator = jsonschema_rs.Draft202012Validator(
                schema,
                validate_formats=True,
                formats={"time": _is_time},
                pattern_options=jsonschema_rs.RegexOptions(),  # no backtracking: linear time
                offline=True,
            )
        except ValueError as error:  # also jsonschema_rs.ValidationError
            raise SchemaError(_reason(error)) from None

    def errors(self, value: Any, at: Iterable[str | int] = ()) -> list[FieldError]:
        """What in `value` does not fit, with pointers below `at`. A reference to a result fits anywhere."""
        at = tuple(at)
        if too_deep(value, MAX_DEPTH):
            return [FieldError("too_deep", f"Nested more than {MAX_DEPTH} levels deep.", pointer.fragment(at))]
        if self._validator.is_valid(value):  # in a tenth of the time that looking for errors takes
            return []
        open_places = {reference.path for reference in graph.references(value)}
        errors = [error for error in self._validator.iter_errors(value) if _counts(error, open_places)]
        return [field_error for error in errors for field_error in self._field_errors(error, at)]

    def _field_errors(self, error: jsonschema_rs.ValidationError, at: Path) -> Iterator[FieldError]:
        path = (*at, *error.instance_path)
        match error.kind:
            case _Kind.AdditionalProperties(unexpected=names) | _Kind.UnevaluatedProperties(unexpected=names):
                for name in names:
                    yield FieldError("unknown_field", f"{name} is not a field here.", pointer.fragment((*path, name)))
            case _Kind.Required(property=name):
                yield FieldError("missing", f"{name} is required.", pointer.fragment((*path, name)))
            case _Kind.AnyOf(context=branches) | _Kind.OneOfNotValid(context=branches):
                yield from self._no_alternative([one for one in branches if not _wants_null(one)], error, at)
            case kind:
                detail = _short(self._message(error))
                yield FieldError(_CODES.get(kind.name, kind.name), detail, pointer.fragment(path))

    def _no_alternative(
        self, branches: list[list[jsonschema_rs.ValidationError]], error: jsonschema_rs.ValidationError, at: Path
    ) -> Iterator[FieldError]:
        """Of a field that may be null only what else it may be is said."""
        if len(branches) == 1:
            for inner in branches[0]:
                yield from self._field_errors(inner, at)
            return
        detail = "; or ".join(dict.fromkeys(self._first_message(branch, error) for branch in branches if branch))
        yield FieldError("no_alternative_fits", _short(detail), pointer.fragment((*at, *error.instance_path)))

    def _first_message(self, branch: list[jsonschema_rs.ValidationError], outer: jsonschema_rs.ValidationError) -> str:
        inner = branch[0]
        below, message = inner.instance_path[len(outer.instance_path) :], self._message(inner)
        return f"{'/'.join(map(str, below))}: {message}" if below else message

    def _message(self, error: jsonschema_rs.ValidationError) -> str:
        """Of a value that does not fit a pattern the rule is told instead, where the schema words one."""
        if error.kind.name == "pattern" and (rule := _rule(self._schema, error.schema_path)):
            return f"{json.dumps(error.instance, ensure_ascii=False)} {rule}"
        return str(error.message)


def announcement_errors(catalog: Catalog) -> list[str]:
    """Why a catalog cannot be announced: a sentence for each schema that is not admitted."""
    named = [(f"the input of task {task.name}", task.input_schema) for task in catalog.tasks]
    named += [(f"the result of task {task.name}", task.result_schema) for task in catalog.tasks]
    named += [(f"the parameters of report {report.name}", report.params_schema) for report in catalog.reports]
    errors = []
    for what, schema in named:
        try:
            Schema(schema)
        except SchemaError as refusal:
            errors.append(f"The schema of {what} cannot be announced: {refusal}")
    return errors


def too_deep(value: Any, levels: int) -> bool:
    """Whether a JSON value nests more than `levels` deep. Does not recurse itself."""
    layer = [value]
    for _ in range(levels):
        layer = [item for outer in layer for item in _items(outer) if isinstance(item, dict | list)]
        if not layer:
            return False
    return True


def _items(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _admit(schema: dict[str, Any]) -> None:
    if too_deep(schema, MAX_DEPTH):
        raise SchemaError(f"it nests more than {MAX_DEPTH} levels deep.")
    size = len(json.dumps(schema, separators=(",", ":")))
    if size > MAX_SCHEMA_BYTES:
        raise SchemaError(f"it is {size} bytes, the limit is {MAX_SCHEMA_BYTES}.")
    if schema.get("$schema", DIALECT).rstrip("#") != DIALECT:
        raise SchemaError(f"its $schema is {schema['$schema']}; write JSON Schema 2020-12.")
    for place in _objects(schema):
        for keyword in _REFERENCES:
            target = place.get(keyword)
            if isinstance(target, str) and not target.startswith("#"):
                raise SchemaError(f"{keyword} {target} leads out of it; define what it means under $defs.")


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    if isinstance(value, dict | list):
        for item in _items(value):
            yield from _objects(item)


def _reason(error: ValueError) -> str:
    if not isinstance(error, jsonschema_rs.ValidationError):
        return f"{error}."
    if error.kind.name == "format" or "regex" in error.message:
        return f"{error.message}: use a pattern without look-around and backreferences."
    return f"{error.message}."


def _is_time(text: str) -> bool:
    """An ISO 8601 time; unlike RFC 3339's, with or without an offset, as `datetime.time` fields take both."""
    try:
        time.fromisoformat(text)
    except ValueError:
        return False
    return True


def _counts(error: jsonschema_rs.ValidationError, open_places: set[Path]) -> bool:
    """Whether an error stays one whatever the results will be."""
    if not open_places:
        return True
    path = tuple(error.instance_path)
    if any(path[: len(place)] == place for place in open_places):
        return False
    contains_open = any(place[: len(path)] == path for place in open_places)
    alternatives = getattr(error.kind, "context", None)
    if (
        contains_open
        and alternatives
        and not isinstance(error.kind, jsonschema_rs.ValidationErrorKind.OneOfMultipleValid)
    ):
        return all(any(_counts(inner, open_places) for inner in branch) for branch in alternatives)
    return not (contains_open and error.kind.name in _UNDECIDED)


def _wants_null(branch: list[jsonschema_rs.ValidationError]) -> bool:
    return len(branch) == 1 and isinstance(branch[0].kind, _Kind.Type) and branch[0].kind.types == ["null"]


def _rule(schema: dict[str, Any], path: Sequence[str | int]) -> str | None:
    """What stands as `RULE` beside the keyword at `path`."""
    place: Any = schema
    for step in path[:-1]:
        if isinstance(place, dict) and step not in place and "$ref" in place:
            place = _referenced(schema, place["$ref"])
        if step == "$ref":
            place = _referenced(schema, place["$ref"])
            continue
        try:
            place = place[step]
        except (KeyError, IndexError, TypeError):
            return None
    rule = place.get(RULE) if isinstance(place, dict) else None
    return rule if isinstance(rule, str) else None


def _referenced(schema: dict[str, Any], target: str) -> Any:
    place: Any = schema
    for step in target.removeprefix("#/").split("/"):
        place = place.get(step, {}) if isinstance(place, dict) else {}
    return place


def _short(message: str) -> str:
    """A message as a sentence. It repeats the value it is about, which may be long."""
    return f"{message}." if len(message) <= 300 else f"{message[:200]} … {message[-99:]}."
