"""Validates JSON values against a model. Each validation error has a code, a sentence and a pointer.

The search stops after `MAX_ERRORS` errors, so that a request cannot cost more than its size. Pydantic finds the errors
and their places; the model's published JSON Schema decides on types, because pydantic would accept `"5"` for 5 and a
number for a time.
"""

from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from functools import cache, cached_property
from itertools import islice
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from bureau.contracts.jobs import pointer
from bureau.contracts.problems import MAX_ERRORS, FieldError
from bureau.contracts.schemas import Schema

M = TypeVar("M", bound=BaseModel)

# maps pydantic's error types to the codes that the whole API uses
_CODES = {
    "extra_forbidden": "unknown_field",
    "missing": "missing",
    "int_from_float": "wrong_type",
    "string_pattern_mismatch": "wrong_form",
    "datetime_from_date_parsing": "wrong_form",
    "datetime_parsing": "wrong_form",
    "timezone_aware": "wrong_form",
    "uuid_parsing": "wrong_form",
    "literal_error": "not_a_choice",
    "enum": "not_a_choice",
    "greater_than": "out_of_range",
    "greater_than_equal": "out_of_range",
    "less_than": "out_of_range",
    "less_than_equal": "out_of_range",
    "string_too_short": "too_short",
    "too_short": "too_short",
    "string_too_long": "too_long",
    "too_long": "too_long",
    "value_error": "refused",
}


SUGGESTIONS = 5  # for the first errors only: comparing names takes long
_LONGEST_NAME = 60  # a longer one is not a mistyped field


class NotValid(Exception):
    """Says that a value does not fit. It holds the errors, at most one more than are reported."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("; ".join(f"{mistake.pointer}: {mistake.detail}" for mistake in errors))
        self.errors = list(errors)


class ModelReader(Generic[M]):
    """Reads one model. Get it from `reader_of`: its schema takes milliseconds, and is built for the first value."""

    def __init__(self, model: type[M]) -> None:
        self._model = model

    @cached_property
    def document(self) -> dict[str, Any]:
        """Returns the model's JSON Schema."""
        return self._model.model_json_schema()

    @cached_property
    def _schema(self) -> Schema:
        return Schema(self.document)

    def read(self, data: Any) -> M:
        """Returns the value as the model. Raises `NotValid`."""
        try:
            value = self._model.model_validate(data)
        except ValidationError as error:
            raise NotValid(self._errors(error, data)) from None
        if errors := list(islice(self._schema.errors(data), MAX_ERRORS + 1)):
            raise NotValid(errors)
        return value

    def _errors(self, error: ValidationError, data: Any) -> list[FieldError]:
        """Returns the errors that pydantic found, then those that only the schema finds."""
        details = error.errors(include_url=False, include_input=False)[: MAX_ERRORS + 1]
        fields = self.document.get("properties", {})
        errors = [_field_error(detail, fields, index < SUGGESTIONS) for index, detail in enumerate(details)]
        if len(errors) <= MAX_ERRORS:
            others = _others(self._schema.errors(data), errors)
            errors += islice(others, MAX_ERRORS + 1 - len(errors))
        return errors


@cache
def reader_of(model: type[M]) -> ModelReader[M]:
    """Returns the reader of a model, the same for all callers: a gateway has more routes than models."""
    return ModelReader(model)


def _others(more: Iterable[FieldError], known: Sequence[FieldError]) -> Iterator[FieldError]:
    """Yields the errors of `more` whose places are not those of `known` errors, nor inside or around them."""
    places = {error.pointer or "#" for error in known}
    around = {outer for place in places for outer in _outward(place)}
    for error in more:
        place = error.pointer or "#"
        if place not in around and places.isdisjoint(_outward(place)):
            yield error


def _outward(place: str) -> Iterator[str]:
    """Yields the place and every place that contains it."""
    while place:
        yield place
        place = place.rpartition("/")[0]


def _field_error(error: ErrorDetails, fields: dict[str, Any], suggest: bool) -> FieldError:
    kind, where = error["type"], error["loc"]
    if where[-1:] == ("[key]",):  # the name of a value is wrong, not the value
        where = where[:-1]
    code = _CODES.get(kind) or ("wrong_type" if kind.endswith(("_type", "_parsing")) else kind)
    return FieldError(code, _detail(error, fields if suggest else {}), pointer.fragment(where))


def _detail(error: ErrorDetails, fields: dict[str, Any]) -> str:
    name = str(error["loc"][-1]) if error["loc"] else "It"
    match error["type"]:
        case "extra_forbidden":
            close = get_close_matches(name, fields, n=1) if _may_be_mistyped(name, error) else []
            return f"{name[:100]} is not a field here{f'; is {close[0]} meant?' if close else '.'}"
        case "missing":
            return f"{name} is required."
        case "model_type" | "dict_type":
            return f"{name} is a JSON object."
        case "value_error":
            return _sentence(str(error["ctx"]["error"]))
        case _:
            return _sentence(error["msg"])


def _may_be_mistyped(name: str, error: ErrorDetails) -> bool:
    return len(error["loc"]) == 1 and len(name) <= _LONGEST_NAME


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '?', '!')) else '.'}"
