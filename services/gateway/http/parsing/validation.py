"""Validates JSON values against a model and reports each error in a problem.

The errors come from `bureau.submission.validation`.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Generic, TypeVar
from urllib.parse import unquote

from pydantic import BaseModel

from bureau.contracts.problems import FieldError
from bureau.services.gateway.http.parsing import form_values
from bureau.services.gateway.problems import invalid
from bureau.submission.validation import ModelReader, NotValid, reader_of

M = TypeVar("M", bound=BaseModel)


class Reader(Generic[M]):
    """Reads one model."""

    def __init__(self, model: type[M]) -> None:
        self._reader: ModelReader[M] = reader_of(model)

    @cached_property
    def kinds(self) -> dict[str, form_values.FieldKind]:
        """Returns the kinds of the model's fields, for values that come as text."""
        return form_values.kinds(self._reader.document)

    def read(self, data: Any) -> M:
        """Returns the validated model. Raises a 422 problem."""
        try:
            return self._reader.read(data)
        except NotValid as refused:
            raise invalid(refused.errors) from None


def as_parameters(errors: Sequence[FieldError]) -> list[FieldError]:
    """Returns the errors of an object made from query parameters.

    Each error names the parameter instead of a place in a body.
    """
    return [_as_parameter(error) for error in errors]


def _as_parameter(error: FieldError) -> FieldError:
    name = unquote((error.pointer or "#/").split("/")[1])
    detail = f"{name[:100]} is not a parameter here." if error.code == "unknown_field" else error.detail
    return FieldError(error.code, detail, parameter=name)
