"""The values of a burst: keys of a JSON object, and so text, read as the parameter's schema wants them."""

import re
from collections.abc import Iterable
from typing import Any

from bureau.contracts.jobs import pointer
from bureau.contracts.problems import FieldError
from bureau.submission.announcements import KnownReport

_WORDS = {"true": True, "false": False}


def burst_values(report: KnownReport, parameter: str, texts: Iterable[str]) -> list[Any]:
    """The values in their order; one that cannot be read stays text, which `burst_mistakes` refuses."""
    kind = report.description.params_schema["properties"][parameter].get("type")
    kinds = kind if isinstance(kind, list) else [kind]
    return [_value(text, kinds) for text in texts]


def burst_errors(report: KnownReport, params: dict[str, Any], parameter: str, texts: Iterable[str]) -> list[FieldError]:
    """What does not fit the report, of the other parameters and of each value."""
    properties = report.description.params_schema.get("properties", {})
    if parameter not in properties:
        names = ", ".join(properties) or "none"
        detail = f"{parameter} is not a parameter of this report; it takes {names}."
        return [FieldError("unknown_parameter", detail, "#/burst/parameter")]
    if parameter in params:
        detail = f"{parameter} is given by burst; leave it out of params."
        return [FieldError("given_twice", detail, pointer.fragment(("params", parameter)))]
    place = pointer.fragment(("params", parameter))
    found: dict[tuple[str | None, str], FieldError] = {}
    listed = list(texts)
    for text, value in zip(listed, burst_values(report, parameter, listed), strict=True):
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
