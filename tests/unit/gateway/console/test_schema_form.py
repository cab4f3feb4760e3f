"""A form from a report's schema, and what was filled in as the value that the schema describes."""

from typing import Any

import pytest

from bureau.contracts.problems import FieldError
from bureau.services.gateway.console.pages.reports import error_messages
from bureau.services.gateway.console.schema_form import fields, texts, values

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "since": {"type": "string", "format": "date", "title": "From", "description": "The first day."},
        "at": {"type": ["string", "null"], "format": "date-time"},
        "limit": {"type": "integer", "minimum": 1, "maximum": 9, "default": 5},
        "least": {"anyOf": [{"type": "number"}, {"type": "null"}]},
        "region": {"type": ["string", "null"], "enum": ["north", "south", None]},
        "paid": {"type": "boolean", "default": False},
        "ids": {"type": "array", "items": {"type": "integer"}, "default": [1, 2]},
        "name": {"type": "string", "maxLength": 20},
    },
    "required": ["since"],
    "additionalProperties": False,
}


def test_each_property_is_a_field_of_its_kind() -> None:
    made = {field.name: field for field in fields(SCHEMA)}
    assert {name: field.kind for name, field in made.items()} == {
        "since": "date",
        "at": "datetime-local",
        "limit": "number",
        "least": "number",
        "region": "choice",
        "paid": "choice",
        "ids": "lines",
        "name": "text",
    }
    assert (made["since"].label, made["since"].help, made["since"].required) == ("From", "The first day.", True)
    assert made["region"].choices == ("north", "south")
    assert made["limit"].attributes == (("min", "1"), ("max", "9"))
    assert [made[name].default for name in ("limit", "paid", "ids")] == ["5", "false", "1\n2"]


@pytest.mark.parametrize(
    ("filled", "value"),
    [
        ({}, {}),
        ({"since": "2026-01-01", "limit": " "}, {"since": "2026-01-01"}),
        ({"limit": "7", "least": "1.5", "paid": "true"}, {"limit": 7, "least": 1.5, "paid": True}),
        ({"least": "3"}, {"least": 3}),
        ({"ids": "1\r\n\n 2 \nx"}, {"ids": [1, 2, "x"]}),
        ({"at": "2026-01-01T10:30"}, {"at": "2026-01-01T10:30:00Z"}),
        ({"at": "2026-01-01T10:30:00+02:00"}, {"at": "2026-01-01T10:30:00+02:00"}),
        ({"limit": "many", "at": "soon"}, {"limit": "many", "at": "soon"}),
    ],
)
def test_what_was_filled_in_is_the_value_it_means(filled: dict[str, str], value: dict[str, Any]) -> None:
    assert values(SCHEMA, {f"p.{name}": text for name, text in filled.items()}) == value


def test_errors_are_told_at_their_fields() -> None:
    found = error_messages(
        (
            FieldError("missing", "since is required.", "#/params/since"),
            FieldError("wrong_form", "Not an address.", "#/email_to/0"),
            FieldError("wrong_form", "Nor this.", "#/email_to/1"),
        )
    )
    assert found == {"p.since": "since is required.", "email_to": "Not an address. Nor this."}


def test_the_texts_of_a_value_are_read_as_the_same_value() -> None:
    given = {
        "since": "2024-01-01",
        "at": "2024-03-31T08:30:00Z",
        "limit": 3,
        "least": 2.5,
        "region": "north",
        "paid": True,
        "ids": [1, 2],
        "name": "Ada",
    }
    filled = texts(SCHEMA, {**given, "gone": 1})
    assert filled["p.at"] == "2024-03-31T08:30:00"  # a browser shows no time with an offset
    assert values(SCHEMA, filled) == given
    assert texts(SCHEMA, {"at": "2024-03-31T08:30:00+02:00"}) == {"p.at": "2024-03-31T06:30:00"}
