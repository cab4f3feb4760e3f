"""Tests that valid parameters become Python values, and invalid ones are refused by name, value and rule."""

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bureau.contracts.errors import PermanentError
from bureau.contracts.schemas import Schema
from bureau.services.reports.definition.kinds import Value
from bureau.services.reports.definition.parameter_header import read_parameter
from bureau.services.reports.definition.parameters import name_parts, params_schema, read_params

ENUM = {"type": "enum", "choices": ["north", "south"]}
NOW = datetime(2024, 3, 31, 23, 30, tzinfo=ZoneInfo("Europe/Paris"))
LIST = {"type": "list", "choices": ["paid", "open"], "minimum": 1, "maximum": 2}


def read(table: dict[str, Any], value: Any) -> Value:
    return read_params([read_parameter("p", table)], {"p": value}, NOW)["p"]


@pytest.mark.parametrize(
    ("table", "value", "bound"),
    [
        ({"type": "text"}, "Zoë", "Zoë"),
        ({"type": "text"}, None, None),
        ({"type": "text", "pattern": "[A-Z]{2}"}, "DE", "DE"),
        ({"type": "text", "minimum": 2, "maximum": 2}, "DE", "DE"),
        ({"type": "integer"}, 7, 7),
        ({"type": "integer"}, 7.0, 7),
        ({"type": "integer", "minimum": 1, "maximum": 3}, 3, 3),
        ({"type": "integer", "choices": [10, 20]}, 20, 20),
        ({"type": "number"}, 7, 7.0),
        ({"type": "number", "minimum": 0.5}, 0.5, 0.5),
        ({"type": "boolean"}, False, False),
        ({"type": "date"}, "2024-02-29", date(2024, 2, 29)),
        ({"type": "date", "minimum": date(2024, 1, 1)}, "2024-01-01", date(2024, 1, 1)),
        ({"type": "datetime"}, "2024-03-31T10:30:00+02:00", datetime(2024, 3, 31, 8, 30, tzinfo=UTC)),
        ({"type": "datetime"}, "2024-03-31T08:30:00.5Z", datetime(2024, 3, 31, 8, 30, 0, 500_000, UTC)),
        (ENUM, "north", "north"),
        (LIST, ["paid", "open"], ("paid", "open")),
        ({"type": "list", "items": "date"}, ["2024-01-01"], (date(2024, 1, 1),)),
        ({"type": "list"}, [], ()),
    ],
)
def test_a_valid_value_is_read(table: dict[str, Any], value: Any, bound: Value) -> None:
    result = read(table, value)
    assert result == bound
    assert type(result) is type(bound)


@pytest.mark.parametrize(
    ("table", "value", "rule"),
    [
        ({"type": "text"}, 5, "p must be text, not 5"),
        ({"type": "text"}, "x" * 1001, "p must have at most 1000 characters, not 1001"),
        ({"type": "text", "minimum": 2}, "x", "p must have at least 2 characters, not 1"),
        ({"type": "text", "pattern": "[A-Z]{2}"}, "DE\n", "p must match the pattern [A-Z]{2}"),
        ({"type": "text", "required": True}, None, "p must be text, not null"),
        ({"type": "text", "default": "x"}, None, "p must be text, not null"),
        ({"type": "integer"}, "7", 'p must be a whole number, not "7"'),
        ({"type": "integer"}, True, "p must be a whole number, not true"),
        ({"type": "integer"}, 7.5, "p must be a whole number, not 7.5"),
        ({"type": "integer"}, 2**63, "p must fit 64 bits"),
        ({"type": "integer", "minimum": 1}, 0, "p must be at least 1, not 0"),
        ({"type": "integer", "maximum": 9}, 10, "p must be at most 9, not 10"),
        ({"type": "integer", "choices": [10, 20]}, 15, "p must be one of 10, 20, not 15"),
        ({"type": "number"}, "1e3", 'p must be a number, not "1e3"'),
        ({"type": "number"}, 10**400, "p must be a finite number"),
        ({"type": "number"}, float("nan"), "p must be a finite number"),
        ({"type": "boolean"}, 1, "p must be true or false, not 1"),
        ({"type": "date"}, "2023-02-29", "p must be a date such as 2024-03-31"),
        ({"type": "date"}, "20240101", "p must be a date"),
        ({"type": "date"}, "2024-01-01T00:00:00Z", "p must be a date"),
        ({"type": "date", "maximum": "2024-12-31"}, "2025-01-01", "p must be at most 2024-12-31"),
        ({"type": "datetime"}, "2024-03-31T08:30:00", "p must be a time with its offset"),
        ({"type": "datetime"}, "0001-01-01T00:00:00+14:00", "p must be a time with its offset"),
        (ENUM, "west", 'p must be one of north, south, not "west"'),
        (ENUM, "' or 1=1 --", "p must be one of north, south"),
        (LIST, "paid", 'p must be a list, not "paid"'),
        (LIST, [], "p must have at least 1 items, not 0"),
        (LIST, ["paid"] * 3, "p must have at most 2 items, not 3"),
        (LIST, ["late"], "p must be one of paid, open"),
        ({"type": "list"}, ["x" * 1001], "p must hold texts of at most 1000 characters"),
    ],
)
def test_an_invalid_value_is_refused_with_its_rule(table: dict[str, Any], value: Any, rule: str) -> None:
    with pytest.raises(PermanentError) as error:
        read(table, value)
    assert error.value.code == "invalid_parameter"
    assert rule in error.value.message
    assert len(error.value.message) < 300  # a long value is cut


def test_all_errors_are_reported_at_once() -> None:
    parameters = [read_parameter("since", {"type": "date", "required": True}), read_parameter("region", ENUM)]
    with pytest.raises(PermanentError) as error:
        read_params(parameters, {"region": "west", "sinze": "2024-01-01"}, NOW)
    assert error.value.message == (
        'The report\'s parameters are invalid: "sinze" is not a parameter of this report; its parameters are '
        "since, region; "
        'region must be one of north, south, not "west"; since is required: a date such as 2024-03-31.'
    )


def test_a_missing_value_is_the_default_or_null() -> None:
    parameters = [
        read_parameter("since", {"type": "date", "default": date(2024, 1, 1)}),
        read_parameter("until", {"type": "date"}),
        read_parameter("regions", {"type": "list", "default": ["north"]}),
    ]
    assert read_params(parameters, {}, NOW) == {"since": date(2024, 1, 1), "until": None, "regions": ("north",)}


def test_the_schema_is_closed_and_has_the_rules_that_json_schema_can_express() -> None:
    parameters = [
        read_parameter("since", {"type": "date", "required": True, "minimum": date(2020, 1, 1)}),
        read_parameter("region", {**ENUM, "description": "Where."}),
        read_parameter("limit", {"type": "integer", "default": 10, "minimum": 1, "maximum": 99}),
        read_parameter("country", {"type": "text", "pattern": "[A-Z]{2}"}),
    ]
    schema = params_schema(parameters)
    Schema(schema)
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["since"]
    assert schema["properties"] == {
        "since": {"type": "string", "format": "date", "description": "Not before 2020-01-01."},
        "region": {
            "type": ["string", "null"],
            "maxLength": 1000,
            "enum": ["north", "south", None],
            "description": "Where.",
        },
        "limit": {"type": "integer", "minimum": 1, "maximum": 99, "default": 10},
        "country": {"type": ["string", "null"], "maxLength": 1000, "pattern": "^(?:[A-Z]{2})$"},
    }


TABLES: list[dict[str, Any]] = [
    {"type": "text"},
    {"type": "text", "minimum": 1, "maximum": 3, "pattern": "[a-z0-9-]*"},
    {"type": "integer", "minimum": -5, "maximum": 5},
    {"type": "integer", "required": True},
    {"type": "number", "minimum": 0.5},
    {"type": "boolean", "default": True},
    {"type": "date"},
    {"type": "datetime"},
    ENUM,
    {**LIST, "required": True},
    {"type": "list", "items": "integer"},
]
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-10, 10)
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=4)
    | st.sampled_from(["north", "paid", "open", "a-1"])
    | st.dates().map(str)
    | st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat),
    lambda items: st.lists(items, max_size=3) | st.dictionaries(st.text(max_size=3), items, max_size=2),
    max_leaves=4,
)


@given(st.sampled_from(TABLES), json_values)
def test_the_schema_and_the_reader_agree(table: dict[str, Any], value: Any) -> None:
    parameters = [read_parameter("p", table)]
    refused = Schema(params_schema(parameters)).errors({"p": value})  # as the gateway asks
    try:
        read_params(parameters, {"p": value}, NOW)
        fits = True
    except PermanentError:
        fits = False
    assert (not refused) == fits


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("today", "2024-03-31"),
        ("Yesterday", "2024-03-30"),
        ("tomorrow", "2024-04-01"),
        ("7 days ago", "2024-03-24"),
        ("2 weeks ago", "2024-03-17"),
        ("1 month ago", "2024-02-29"),
        ("13 months ago", "2023-02-28"),
        ("1 year ago", "2023-03-31"),
        ("first day of this month", "2024-03-01"),
        ("first  day of last month", "2024-02-01"),
        ("last day of last month", "2024-02-29"),
        ("last day of next month", "2024-04-30"),
        ("first day of this week", "2024-03-25"),
        ("last day of last week", "2024-03-24"),
        ("first day of this quarter", "2024-01-01"),
        ("last day of last quarter", "2023-12-31"),
        ("first day of last year", "2023-01-01"),
        ("last day of next year", "2025-12-31"),
        ("9999 years ago", "0001-01-01"),
    ],
)
def test_a_relative_default_is_a_day_of_the_reports_time_zone(text: str, day: str) -> None:
    parameter = read_parameter("p", {"type": "date", "default": text})
    assert read_params([parameter], {}, NOW) == {"p": date.fromisoformat(day)}
    schema = params_schema([parameter])["properties"]["p"]
    assert (schema["type"], schema["x-default"], "default" in schema) == (
        "string",
        " ".join(text.lower().split()),
        False,
    )
    Schema(params_schema([parameter]))


def test_a_relative_time_is_midnight_in_the_reports_time_zone_or_now() -> None:
    midnight = read_parameter("p", {"type": "datetime", "default": "today"})
    assert read_params([midnight], {}, NOW)["p"] == datetime(2024, 3, 30, 23, 0, tzinfo=UTC)  # before summer time
    assert read_params([read_parameter("p", {"type": "datetime", "default": "now"})], {}, NOW)["p"] == NOW


def test_a_given_value_wins_over_a_relative_default() -> None:
    parameter = read_parameter("p", {"type": "date", "default": "today", "label": "Day"})
    assert read_params([parameter], {"p": "2024-01-01"}, NOW) == {"p": date(2024, 1, 1)}
    assert params_schema([parameter])["properties"]["p"]["title"] == "Day"


@pytest.mark.parametrize(
    ("table", "given", "parts"),
    [
        ({"type": "date", "default": "yesterday"}, {}, ["2024-03-30"]),
        ({"type": "date", "default": "first day of last month"}, {}, ["2024-02-01"]),
        ({"type": "datetime", "default": "today"}, {}, ["2024-03-31"]),  # not the 30th, which it is in UTC
        ({"type": "datetime", "default": "now"}, {}, ["2024-03-31-2330"]),
        ({"type": "date", "default": "9999 years ago"}, {}, ["0001-01-01"]),
        ({"type": "date", "default": "yesterday"}, {"p": "2024-01-01"}, ["2024-01-01"]),
        ({"type": "date", "default": "2024-01-01"}, {}, []),
        ({"type": "integer", "default": 20}, {}, []),
        ({"type": "integer", "default": 20}, {"p": 5}, [5]),
        ({"type": "date"}, {"p": None}, []),
    ],
)
def test_the_name_of_a_file_has_given_values_and_the_days_of_relative_defaults(
    table: dict[str, Any], given: dict[str, Any], parts: list[object]
) -> None:
    parameters = [read_parameter("p", table)]
    values = read_params(parameters, given, NOW)
    assert list(name_parts(parameters, given, values, ZoneInfo("Europe/Paris"))) == parts
