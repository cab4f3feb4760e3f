"""JSON values against a model: everything that is wrong, each with a code, a sentence and a pointer.

Pydantic finds where and what; the model's own JSON Schema, the one that is published, decides on types: pydantic
would take `"5"` for 5 and a number for a time.
"""

from collections.abc import Sequence
from difflib import get_close_matches
from functools import cache, cached_property
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from bureau.contracts.jobs import pointer
from bureau.contracts.problems import FieldError
from bureau.contracts.schemas import Schema

M = TypeVar("M", bound=BaseModel)

# pydantic's error types to the codes that mistakes have everywhere in the API
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


class NotValid(Exception):
    """A value that does not fit, with everything that is wrong."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("; ".join(f"{mistake.pointer}: {mistake.detail}" for mistake in errors))
        self.errors = list(errors)


class ModelReader(Generic[M]):
    """Reads one model. Made by `reader_of`: its schema costs milliseconds, and is made for the first value."""

    def __init__(self, model: type[M]) -> None:
        self._model = model

    @cached_property
    def document(self) -> dict[str, Any]:
        """The model's JSON Schema."""
        return self._model.model_json_schema()

    @cached_property
    def _schema(self) -> Schema:
        return Schema(self.document)

    def read(self, data: Any) -> M:
        """The model. Raises `NotValid`."""
        try:
            value = self._model.model_validate(data)
        except ValidationError as error:
            fields = self.document.get("properties", {})
            errors = [_field_error(detail, fields) for detail in error.errors(include_url=False)]
            raise NotValid([*errors, *_others(self._schema.errors(data), errors)]) from None
        if errors := self._schema.errors(data):
            raise NotValid(errors)
        return value


@cache
def reader_of(model: type[M]) -> ModelReader[M]:
    """The reader of a model, the same for all who ask: a gateway has more routes than models."""
    return ModelReader(model)


def _others(more: Sequence[FieldError], known: Sequence[FieldError]) -> list[FieldError]:
    """Those of `more` that are not about a place where `known` has a mistake already."""
    places = [mistake.pointer or "#" for mistake in known]
    return [mistake for mistake in more if not any(_same_place(mistake.pointer or "#", place) for place in places)]


def _same_place(one: str, other: str) -> bool:
    return one == other or one.startswith(f"{other}/") or other.startswith(f"{one}/")


def _field_error(error: ErrorDetails, fields: dict[str, Any]) -> FieldError:
    kind, where = error["type"], error["loc"]
    code = _CODES.get(kind) or ("wrong_type" if kind.endswith(("_type", "_parsing")) else kind)
    return FieldError(code, _detail(error, fields), pointer.fragment(where))


def _detail(error: ErrorDetails, fields: dict[str, Any]) -> str:
    name = str(error["loc"][-1]) if error["loc"] else "It"
    match error["type"]:
        case "extra_forbidden":
            close = get_close_matches(name, fields, n=1) if len(error["loc"]) == 1 else []
            return f"{name[:100]} is not a field here{f'; is {close[0]} meant?' if close else '.'}"
        case "missing":
            return f"{name} is required."
        case "model_type" | "dict_type":
            return f"{name} is a JSON object."
        case "value_error":
            return _sentence(str(error["ctx"]["error"]))
        case _:
            return _sentence(error["msg"])


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '?', '!')) else '.'}"
