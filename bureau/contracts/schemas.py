"""Checks the JSON Schemas that services announce, and validates inputs against them.

Announced schemas come over the ledger from any service, so they are limited: no remote references, only patterns that
match in linear time, at most 64 KiB.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import time
from itertools import islice
from typing import Any

import jsonschema_rs

from bureau.contracts.base import RULE
from bureau.contracts.catalog import Catalog
from bureau.contracts.jobs import graph, pointer
from bureau.contracts.problems import MAX_ERRORS, FieldError

MAX_SCHEMA_BYTES = 64 * 1024
MAX_DEPTH = 200  # the validator recurses on the native stack, which a deeper value could overflow
LARGE_WEIGHT = 512 * 1024  # as measured by `graph.weight`: some thousands of values
DIALECT = "https://json-schema.org/draft/2020-12/schema"

_REFERENCES = ("$ref", "$dynamicRef")
# Keywords about a whole value whose error may disappear when a result is put in; the worker checks the real value.
_UNDECIDED = frozenset({"not", "const", "enum", "contains", "oneOf", "unevaluatedProperties", "unevaluatedItems"})

# Maps keywords to the codes that validation errors have everywhere in the API.
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
    """Says why a schema is not admitted, in words for the author of the task."""


class Schema:
    """Compiles a schema and validates values against it. The constructor raises `SchemaError`."""

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
        """Returns the validation errors of `value`, with pointers below `at`. A reference to a result fits anywhere.

        It returns at most `MAX_ERRORS + 1`, one more than any answer lists.
        """
        return list(islice(self._errors(value, tuple(at)), MAX_ERRORS + 1))

    def _errors(self, value: Any, at: Path) -> Iterator[FieldError]:
        if too_deep(value, MAX_DEPTH):
            yield FieldError("too_deep", f"Nested more than {MAX_DEPTH} levels deep.", pointer.fragment(at))
            return
        if self._validator.is_valid(value):  # in a tenth of the time that looking for errors takes
            return
        references = _ReferencePaths.of(reference.path for reference in graph.references(value))
        for error in self._validator_errors(value, references):
            if _is_definite(error, references):
                yield from self._field_errors(error, at)

    def _validator_errors(self, value: Any, references: "_ReferencePaths") -> Iterable[jsonschema_rs.ValidationError]:
        """Returns the validator's errors; for a large value without references only the first.

        The validator makes all errors before it returns the first one, and each takes 15 microseconds.
        """
        if references.paths or graph.weight(value) <= LARGE_WEIGHT:
            return self._validator.iter_errors(value)
        try:
            self._validator.validate(value)
        except jsonschema_rs.ValidationError as first:
            return [first]
        return []

    def _field_errors(self, error: jsonschema_rs.ValidationError, at: Path) -> Iterator[FieldError]:
        path = (*at, *error.instance_path)
        match error.kind:
            case _Kind.AdditionalProperties(unexpected=names) | _Kind.UnevaluatedProperties(unexpected=names):
                for name in names:
                    yield FieldError("unknown_field", f"{name} is not a field here.", pointer.fragment((*path, name)))
            case _Kind.Required(property=name):
                yield FieldError("missing", f"{name} is required.", pointer.fragment((*path, name)))
            case _Kind.AnyOf(context=branches) | _Kind.OneOfNotValid(context=branches):
                yield from self._no_alternative([one for one in branches if not _allows_null(one)], error, at)
            case kind:
                detail = _short(self._message(error))
                yield FieldError(_CODES.get(kind.name, kind.name), detail, pointer.fragment(path))

    def _no_alternative(
        self, branches: list[list[jsonschema_rs.ValidationError]], error: jsonschema_rs.ValidationError, at: Path
    ) -> Iterator[FieldError]:
        """Yields the errors of a value that fits no alternative.

        If the only other alternative was null, it yields the errors of the one that remains.
        """
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
        """Returns the error's message; for a pattern it is the rule in words, if the schema has one."""
        if error.kind.name == "pattern" and (rule := _rule(self._schema, error.schema_path)):
            return f"{json.dumps(error.instance, ensure_ascii=False)} {rule}"
        return str(error.message)


def announcement_errors(catalog: Catalog) -> list[str]:
    """Returns why a catalog cannot be announced: a sentence for each schema that is not admitted."""
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
    """Tells whether a JSON value nests more than `levels` deep. It works without recursion."""
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
        raise SchemaError(f"it has {size} bytes, more than the limit of {MAX_SCHEMA_BYTES}.")
    if schema.get("$schema", DIALECT).rstrip("#") != DIALECT:
        raise SchemaError(f"its $schema is {schema['$schema']}; write JSON Schema 2020-12.")
    for node in _objects(schema):
        for keyword in _REFERENCES:
            target = node.get(keyword)
            if isinstance(target, str) and not target.startswith("#"):
                raise SchemaError(f"{keyword} {target} points outside the schema; define it under $defs.")


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
    """Tells whether a text is an ISO 8601 time.

    Unlike in RFC 3339 the offset may be missing, because fields of type `datetime.time` accept both.
    """
    try:
        time.fromisoformat(text)
    except ValueError:
        return False
    return True


@dataclass(frozen=True)
class _ReferencePaths:
    """Holds the paths at which results of other tasks will stand, and the paths of all values that contain one."""

    paths: frozenset[Path]
    around: frozenset[Path]

    @classmethod
    def of(cls, paths: Iterable[Path]) -> "_ReferencePaths":
        paths = frozenset(paths)
        return cls(paths, frozenset(path[:length] for path in paths for length in range(len(path) + 1)))


def _is_definite(error: jsonschema_rs.ValidationError, references: _ReferencePaths) -> bool:
    """Tells whether an error remains whatever the results will be."""
    if not references.paths:
        return True
    path = tuple(error.instance_path)
    if any(path[:length] in references.paths for length in range(len(path) + 1)):
        return False
    contains_open = path in references.around
    alternatives = getattr(error.kind, "context", None)
    if (
        contains_open
        and alternatives
        and not isinstance(error.kind, jsonschema_rs.ValidationErrorKind.OneOfMultipleValid)
    ):
        return all(any(_is_definite(inner, references) for inner in branch) for branch in alternatives)
    return not (contains_open and error.kind.name in _UNDECIDED)


def _allows_null(branch: list[jsonschema_rs.ValidationError]) -> bool:
    return len(branch) == 1 and isinstance(branch[0].kind, _Kind.Type) and branch[0].kind.types == ["null"]


def _rule(schema: dict[str, Any], path: Sequence[str | int]) -> str | None:
    """Returns the value of `RULE` beside the keyword at `path`; None if there is none."""
    node: Any = schema
    for step in path[:-1]:
        if isinstance(node, dict) and step not in node and "$ref" in node:
            node = _referenced(schema, node["$ref"])
        if step == "$ref":
            node = _referenced(schema, node["$ref"])
            continue
        try:
            node = node[step]
        except (KeyError, IndexError, TypeError):
            return None
    rule = node.get(RULE) if isinstance(node, dict) else None
    return rule if isinstance(rule, str) else None


def _referenced(schema: dict[str, Any], target: str) -> Any:
    node: Any = schema
    for step in target.removeprefix("#/").split("/"):
        node = node.get(step, {}) if isinstance(node, dict) else {}
    return node


def _short(message: str) -> str:
    """Returns a message as a sentence, shortened in the middle because it repeats the value, which may be long."""
    return f"{message}." if len(message) <= 300 else f"{message[:200]} … {message[-99:]}."
