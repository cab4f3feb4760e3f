"""Defines a report's parameters: their JSON Schema, and how a submission's values are read.

Schema and reader check the same rules, except the bounds of dates, which JSON Schema cannot express; the reader checks
these.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, tzinfo
from typing import Any

from bureau.contracts.errors import PermanentError
from bureau.services.reports.definition.kinds import (
    MAX_ITEMS,
    MAX_TEXT,
    SCALARS,
    InvalidValue,
    ParameterKind,
    Scalar,
    Value,
    shown,
)
from bureau.services.reports.definition.pattern import Pattern
from bureau.services.reports.definition.relative_dates import Relative

Bound = Any  # a number, date or datetime that is comparable with the parameter's values


@dataclass(frozen=True)
class Parameter:
    """Describes a parameter. `kind` is the type of the value, or with `many` the type of each item of a list.

    `minimum` and `maximum` bound a number or date, the length of a text, or the number of items of a list. A missing
    parameter that is not required and has no default is NULL.
    """

    name: str
    kind: ParameterKind
    description: str = ""
    many: bool = False
    required: bool = False
    default: Value | Relative = None
    minimum: Bound = None
    maximum: Bound = None
    pattern: Pattern | None = None
    choices: tuple[Scalar, ...] = ()
    label: str = ""

    def schema(self) -> dict[str, Any]:
        """Returns the JSON Schema 2020-12 of the value. It may be null if it is not required and has no default."""
        item = self._item_schema()
        if self.many:
            item = {"type": "array", "items": item, "minItems": self.minimum or 0, "maxItems": self._max_length()}
        if self._nullable:
            item["type"] = [item["type"], "null"]
            if "enum" in item:
                item["enum"] = [*item["enum"], None]
        if self.label:
            item["title"] = self.label
        if isinstance(self.default, Relative):
            item["x-default"] = self.default.text  # not `default`, which would be a different day tomorrow
        elif self.default is not None:
            item["default"] = plain(self.default)
        if text := self._description():
            item["description"] = text
        return item

    def read(self, value: Any) -> Value:
        """Returns `value` (JSON) in the type that a driver binds. Raises `InvalidValue`."""
        if value is None and self._nullable:
            return None
        if not self.many:
            return self._read_item(value)
        if not isinstance(value, list):
            raise InvalidValue(f"must be a list, not {shown(value)}")
        self._check_length(len(value), "items")
        return tuple(self._read_item(item) for item in value)

    def default_value(self, now: datetime) -> Value:
        """Returns the value of a missing parameter.

        A relative day is relative to `now` in its time zone; as a time it is the midnight at which it begins.
        """
        if not isinstance(self.default, Relative):
            return self.default
        if self.kind is not SCALARS["datetime"]:
            return self.default.on(now.date())
        moment = now if self.default.is_now else datetime.combine(self.default.on(now.date()), time(), now.tzinfo)
        return moment.astimezone(UTC)

    @property
    def _nullable(self) -> bool:
        return not self.required and self.default is None

    def _item_schema(self) -> dict[str, Any]:
        schema = dict(self.kind.schema)
        if schema == {"type": "string"}:
            schema |= {"maxLength": MAX_TEXT if self.many else self._max_length()}
            if self.minimum and not self.many:
                schema["minLength"] = self.minimum
        elif not self.many and schema["type"] in ("integer", "number"):
            bounds = {"minimum": self.minimum, "maximum": self.maximum}
            schema |= {key: bound for key, bound in bounds.items() if bound is not None}
        if self.pattern:
            schema["pattern"] = self.pattern.anchored
        if self.choices:
            schema["enum"] = [plain(choice) for choice in self.choices]
        return schema

    def _max_length(self) -> int:
        if self.maximum is not None:
            return int(self.maximum)
        return MAX_ITEMS if self.many else MAX_TEXT

    def _description(self) -> str:
        """Returns the description, with bounds of dates and a relative default, which JSON Schema cannot express."""
        text = self.description
        if not self.many and isinstance(self.minimum, date):
            text = f"{text} Not before {plain(self.minimum)}."
        if not self.many and isinstance(self.maximum, date):
            text = f"{text} Not after {plain(self.maximum)}."
        if isinstance(self.default, Relative):
            text = f"{text} Without it: {self.default.text}."
        return text.strip()

    def _read_item(self, value: Any) -> Scalar:
        item = self.kind.read(value)
        if isinstance(item, str):
            self._check_text(item)
        elif not self.many:
            if self.minimum is not None and item < self.minimum:
                raise InvalidValue(f"must be at least {plain(self.minimum)}, not {shown(value)}")
            if self.maximum is not None and item > self.maximum:
                raise InvalidValue(f"must be at most {plain(self.maximum)}, not {shown(value)}")
        if self.choices and item not in self.choices:
            allowed = ", ".join(str(plain(choice)) for choice in self.choices)
            raise InvalidValue(f"must be one of {allowed}, not {shown(value)}")
        return item

    def _check_text(self, text: str) -> None:
        if self.many and len(text) > MAX_TEXT:
            raise InvalidValue(f"must hold texts of at most {MAX_TEXT} characters, not {len(text)}")
        if not self.many:
            self._check_length(len(text), "characters")
        if self.pattern and not self.pattern.matches(text):
            raise InvalidValue(f"must match the pattern {self.pattern.text}, not {shown(text)}")

    def _check_length(self, length: int, unit: str) -> None:
        if length < (self.minimum or 0):
            raise InvalidValue(f"must have at least {self.minimum} {unit}, not {length}")
        if length > self._max_length():
            raise InvalidValue(f"must have at most {self._max_length()} {unit}, not {length}")


def params_schema(parameters: Iterable[Parameter]) -> dict[str, Any]:
    """Returns the closed object schema of a report's `params`."""
    declared = list(parameters)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {parameter.name: parameter.schema() for parameter in declared},
        "required": [parameter.name for parameter in declared if parameter.required],
        "additionalProperties": False,
    }


def read_params(parameters: Iterable[Parameter], params: Mapping[str, Any], now: datetime) -> dict[str, Value]:
    """Returns the values to bind, by name: all parameters, with defaults relative to `now` in its time zone.

    Raises `PermanentError` (`invalid_parameter`) with each invalid parameter, its value and its rule.
    """
    declared = {parameter.name: parameter for parameter in parameters}
    names = ", ".join(declared) or "none"
    errors = [
        f"{shown(name)} is not a parameter of this report; its parameters are {names}"
        for name in params.keys() - declared
    ]
    values: dict[str, Value] = {}
    for name, parameter in declared.items():
        if name not in params:
            values[name] = parameter.default_value(now)
            if parameter.required:
                errors.append(f"{name} is required: {parameter.kind.words}")
            continue
        try:
            values[name] = parameter.read(params[name])
        except InvalidValue as rule:
            errors.append(f"{name} {rule}")
    if errors:
        raise PermanentError("invalid_parameter", f"The report's parameters are invalid: {'; '.join(sorted(errors))}.")
    return values


def name_parts(
    parameters: Iterable[Parameter], params: Mapping[str, Any], values: Mapping[str, Value], zone: tzinfo
) -> Iterator[object]:
    """Yields what the name of a file says of its parameters, in their order.

    These are the values that were given, and the days of relative defaults, in `zone`: without them, the files of a
    report that runs each morning would all have one name. Fixed defaults do not tell one file from another.
    """
    for parameter in parameters:
        given = params.get(parameter.name)
        value = values.get(parameter.name)
        if given is not None:
            yield given
        elif isinstance(parameter.default, Relative) and isinstance(value, date):
            moment = value.astimezone(zone) if isinstance(value, datetime) else value
            clock = f"-{moment:%H%M}" if parameter.default.is_now else ""
            yield f"{moment.isoformat()[:10]}{clock}"


def plain(value: Value) -> Any:
    """Returns `value` as JSON holds it."""
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    return value.isoformat() if isinstance(value, date) else value
