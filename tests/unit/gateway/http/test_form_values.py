"""Text from forms and queries becomes what the model's schema asks for."""

from typing import Any

import pytest

from bureau.contracts.jobs.jobs import JobSpec, Terms
from bureau.contracts.requests.emails import EmailRequest
from bureau.services.gateway.api.jobs.jobs import JobQuery
from bureau.services.gateway.http.parsing.form_values import FieldKind, gather, kinds

TERMS = kinds(Terms.model_json_schema())


def test_the_kind_of_each_field_is_read_from_the_schema() -> None:
    assert TERMS == {
        "id": FieldKind.TEXT,
        "title": FieldKind.TEXT,
        "tags": FieldKind.LIST,
        "run_at": FieldKind.TEXT,
        "delay_seconds": FieldKind.NUMBER,
        "expires_at": FieldKind.TEXT,
        "priority": FieldKind.INTEGER,
        "retry": FieldKind.NESTED,
        "time_limit_seconds": FieldKind.NUMBER,
    }
    mail = kinds(EmailRequest.model_json_schema())
    assert (mail["to"], mail["from"], mail["context"], mail["attachments"]) == (
        FieldKind.LIST,
        FieldKind.TEXT,
        FieldKind.NESTED,
        FieldKind.NESTED,
    )
    assert kinds(JobSpec.model_json_schema())["tasks"] is FieldKind.NESTED
    assert kinds(JobQuery.model_json_schema())["state"] is FieldKind.LIST


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ("priority", "7", 7),
        ("priority", "-7", -7),
        ("priority", "7.0", "7.0"),  # stays text, which the model refuses
        ("priority", "seven", "seven"),
        ("priority", "", ""),
        ("priority", "٧", "٧"),  # a digit, not one of JSON's
        ("delay_seconds", "1.5", 1.5),
        ("delay_seconds", "2", 2.0),
        ("delay_seconds", "1e3", 1000.0),
        ("delay_seconds", "inf", "inf"),
        ("delay_seconds", "1e999", "1e999"),
        ("title", "7", "7"),
        ("tags", "a", ["a"]),
        ("unknown", "x", "x"),
    ],
)
def test_a_text_becomes_the_value_of_its_kind(field: str, text: str, value: Any) -> None:
    assert gather([(field, text)], TERMS) == ({field: value}, [])


def test_a_list_field_may_be_repeated_and_no_other() -> None:
    values, errors = gather([("tags", "a"), ("tags", "b"), ("title", "x"), ("title", "y")], TERMS)
    assert values == {"tags": ["a", "b"]}
    assert [(error.code, error.pointer) for error in errors] == [("repeated", "#/title")]


def test_a_nested_field_is_sent_to_the_options_part() -> None:
    values, errors = gather([("retry", "{}")], TERMS)
    assert values == {}
    assert errors[0].pointer == "#/retry"
    assert "options" in errors[0].detail
