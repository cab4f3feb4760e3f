"""A report's parameters: what they announce as JSON Schema, and how a submission's values are read.

Schema and reader say the same where JSON Schema can say it; the bounds of dates it cannot, the reader does.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from bureau.contracts.errors import PermanentError
from bureau.services.reports.definition.kinds import MAX_ITEMS, MAX_TEXT, SCALARS, Kind, Refused, Scalar, Value, shown
from bureau.services.reports.definition.pattern import Pattern
from bureau.services.reports.definition.relative_dates import Relative

Bound = Any  # a number, a date or a datetime: what the parameter's values compare with


@dataclass(frozen=True)
class Parameter:
    """One parameter. `kind` is the type of the value, or with `many` of each item of a list.

    `minimum` and `maximum` bound the value; of text they bound its length, of a list its number of items.
    A parameter that is neither required nor has a default is NULL where it is not given.
    """

    name: str
    kind: Kind
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
        """JSON Schema 2020-12 of the value; without a default and not required it may be null."""
        item = self._item_schema()
        if self.many:
            item = {"type": "array", "items": item, "minItems": self.minimum or 0, "maxItems": self._longest()}
        if self._nullable:
            item["type"] = [item["type"], "null"]
            if "enum" in item:
                item["enum"] = [*item["enum"], None]
        if self.label:
            item["title"] = self.label
        if isinstance(self.default, Relative):
            item["x-default"] = self.default.text  # `default` would be a day that is another one tomorrow
        elif self.default is not None:
            item["default"] = plain(self.default)
        if words := self._described():
            item["description"] = words
        return item

    def read(self, value: Any) -> Value:
        """`value` (JSON) as what a driver binds. Raises `Refused`."""
        if value is None and self._nullable:
            return None
        if not self.many:
            return self._read_item(value)
        if not isinstance(value, list):
            raise Refused(f"must be a list, not {shown(value)}")
        self._check_length(len(value), "items")
        return tuple(self._read_item(item) for item in value)

    def standing_in(self, now: datetime) -> Value:
        """The value where none is given; relative days are those at `now` in its time zone, from midnight on."""
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
            schema |= {"maxLength": MAX_TEXT if self.many else self._longest()}
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

    def _longest(self) -> int:
        if self.maximum is not None:
            return int(self.maximum)
        return MAX_ITEMS if self.many else MAX_TEXT

    def _described(self) -> str:
        """The description, with the bounds of dates and relative defaults, for which JSON Schema has no keyword."""
        words = self.description
        if not self.many and isinstance(self.minimum, date):
            words = f"{words} Not before {plain(self.minimum)}."
        if not self.many and isinstance(self.maximum, date):
            words = f"{words} Not after {plain(self.maximum)}."
        if isinstance(self.default, Relative):
            words = f"{words} Without it: {self.default.text}."
        return words.strip()

    def _read_item(self, value: Any) -> Scalar:
        item = self.kind.read(value)
        if isinstance(item, str):
            self._check_text(item)
        elif not self.many:
            if self.minimum is not None and item < self.minimum:
                raise Refused(f"must be at least {plain(self.minimum)}, not {shown(value)}")
            if self.maximum is not None and item > self.maximum:
                raise Refused(f"must be at most {plain(self.maximum)}, not {shown(value)}")
        if self.choices and item not in self.choices:
            allowed = ", ".join(str(plain(choice)) for choice in self.choices)
            raise Refused(f"must be one of {allowed}, not {shown(value)}")
        return item

    def _check_text(self, text: str) -> None:
        if self.many and len(text) > MAX_TEXT:
            raise Refused(f"must hold texts of at most {MAX_TEXT} characters, not {len(text)}")
        if not self.many:
            self._check_length(len(text), "characters")
        if self.pattern and not self.pattern.matches(text):
            raise Refused(f"must match the pattern {self.pattern.text}, not {shown(text)}")

    def _check_length(self, length: int, unit: str) -> None:
        if length < (self.minimum or 0):
            raise Refused(f"must have at least {self.minimum} {unit}, not {length}")
        if length > self._longest():
            raise Refused(f"must have at most {self._longest()} {unit}, not {length}")


def params_schema(parameters: Iterable[Parameter]) -> dict[str, Any]:
    """The closed object schema of a report's `params`."""
    known = list(parameters)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {parameter.name: parameter.schema() for parameter in known},
        "required": [parameter.name for parameter in known if parameter.required],
        "additionalProperties": False,
    }


def read_params(parameters: Iterable[Parameter], given: Mapping[str, Any], now: datetime) -> dict[str, Value]:
    """What to bind, by name: every parameter, defaults filled in, relative ones as of `now` in its time zone.

    Raises `PermanentError` (`invalid_parameter`) naming each parameter, value and rule that do not fit.
    """
    known = {parameter.name: parameter for parameter in parameters}
    names = ", ".join(known) or "none"
    errors = [f"{shown(name)} is not a parameter of this report; it takes {names}" for name in given.keys() - known]
    values: dict[str, Value] = {}
    for name, parameter in known.items():
        if name not in given:
            values[name] = parameter.standing_in(now)
            if parameter.required:
                errors.append(f"{name} is required: {parameter.kind.words}")
            continue
        try:
            values[name] = parameter.read(given[name])
        except Refused as rule:
            errors.append(f"{name} {rule}")
    if errors:
        raise PermanentError("invalid_parameter", f"The report's parameters do not fit: {'; '.join(sorted(errors))}.")
    return values


def plain(value: Value) -> Any:
    """`value` as JSON writes it."""
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    return value.isoformat() if isinstance(value, date) else value
