"""Converts and validates the values of a burst.

They are keys of a JSON object, and therefore text, and are read as the parameter's schema requires.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from bureau.contracts.jobs import pointer
from bureau.contracts.problems import MAX_ERRORS, FieldError
from bureau.submission.announcements import KnownReport

MAX_BURST_PARAMS = 16 * 1024  # characters, because they are checked again with each value

_WORDS = {"true": True, "false": False}


def read_burst(
    report: KnownReport, params: dict[str, Any], parameter: str, texts: Iterable[str]
) -> tuple[list[Any], list[FieldError]]:
    """Returns the values in their order, and the validation errors of the other parameters and of each value.

    A value that cannot be converted stays text, for which the schema has an error.
    """
    if error := _burst_error(report, params, parameter):
        return [], [error]
    kind = report.description.params_schema["properties"][parameter].get("type")
    kinds = kind if isinstance(kind, list) else [kind]
    values = {text: _value(text, kinds) for text in texts}
    return list(values.values()), _value_errors(report, params, parameter, values)


def _burst_error(report: KnownReport, params: dict[str, Any], parameter: str) -> FieldError | None:
    """Returns the error for which no value needs to be checked."""
    properties = report.description.params_schema.get("properties", {})
    if parameter not in properties:
        names = ", ".join(properties) or "none"
        detail = f"{parameter} is not a parameter of this report; it takes {names}."
        return FieldError("unknown_parameter", detail, "#/burst/parameter")
    if parameter in params:
        detail = f"{parameter} is given by burst; leave it out of params."
        return FieldError("given_twice", detail, pointer.fragment(("params", parameter)))
    if (size := len(json.dumps(params))) > MAX_BURST_PARAMS:
        detail = f"The other parameters are {size} characters; a burst takes {MAX_BURST_PARAMS} for each of its values."
        return FieldError("too_large", detail, "#/params")
    return None


def _value_errors(
    report: KnownReport, params: dict[str, Any], parameter: str, values: Mapping[str, Any]
) -> list[FieldError]:
    place = pointer.fragment(("params", parameter))
    found: dict[tuple[str | None, str], FieldError] = {}
    for text, value in values.items():
        if len(found) > MAX_ERRORS:
            break
        for error in report.schema.errors({**params, parameter: value}, ["params"]):
            of_value = (error.pointer or "").startswith(place)
            where = pointer.fragment(("burst", "recipients", text)) if of_value else error.pointer
            found.setdefault((where, error.detail), FieldError(error.code, error.detail, where))
    return list(found.values())


def _value(text: str, kinds: list[Any]) -> Any:
    if "integer" in kinds and re.fullmatch(r"-?\d{1,19}", text, re.ASCII):
        return int(text)
    if "number" in kinds and re.fullmatch(r"-?\d{1,300}(\.\d{1,300})?", text, re.ASCII):
        return float(text)
    if "boolean" in kinds:
        return _WORDS.get(text, text)
    return text
