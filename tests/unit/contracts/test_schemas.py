"""Tests which announced schemas are admitted, and the validation errors of inputs."""

import time
from typing import Any

import pytest
from pydantic import BaseModel

from bureau.contracts.artifacts import ArtifactRef
from bureau.contracts.catalog import Catalog, ReportDescription, TaskDescription
from bureau.contracts.mail.mail import SendMail
from bureau.contracts.schemas import MAX_SCHEMA_BYTES, Schema, SchemaError, announcement_errors

SUMA = {
    "type": "object",
    "properties": {"a": {"type": "integer"}, "b": {"type": "integer", "minimum": 0}},
    "required": ["a", "b"],
    "additionalProperties": False,
}


def found(schema: dict[str, Any], value: Any) -> list[tuple[str, str | None]]:
    return [(error.code, error.pointer) for error in Schema(schema).errors(value, ["tasks", 0, "input"])]


def test_an_input_that_fits_has_no_errors() -> None:
    assert found(SUMA, {"a": 2, "b": 10**40}) == []


def test_addresses_may_be_in_any_script_and_stay_one_line() -> None:
    def of(address: str) -> list[tuple[str, str | None]]:
        return found(SendMail.model_json_schema(), {"to": [address], "subject": "x", "text": "x"})

    assert of("用户@例え.jp") == of("José <josé@example.com>") == []
    assert [pointer for _, pointer in of("josé@example.com\r\nBcc: eve@example.com")] == ["#/tasks/0/input/to/0"]


def test_every_error_is_found_at_its_place() -> None:
    assert sorted(found(SUMA, {"a": "2", "c/d": 1})) == [
        ("missing", "#/tasks/0/input/b"),
        ("unknown_field", "#/tasks/0/input/c~1d"),
        ("wrong_type", "#/tasks/0/input/a"),
    ]


def test_neither_true_nor_a_text_is_a_number() -> None:
    assert found({"type": "integer"}, True) == [("wrong_type", "#/tasks/0/input")]
    assert found({"type": "number"}, "1") == [("wrong_type", "#/tasks/0/input")]


def test_the_alternatives_of_a_field_are_in_one_sentence() -> None:
    schema = {"properties": {"n": {"anyOf": [{"type": "integer"}, {"type": "boolean"}]}}}
    (error,) = Schema(schema).errors({"n": "x"})
    assert error.code == "no_alternative_fits"
    assert error.detail == '"x" is not of type "integer"; or "x" is not of type "boolean".'


def test_the_error_of_a_nullable_field_leaves_out_null() -> None:
    schema = {"properties": {"n": {"anyOf": [SUMA, {"type": "null"}]}}}
    assert found(schema, {"n": {"a": "2", "b": 1}}) == [("wrong_type", "#/tasks/0/input/n/a")]


def test_a_long_value_is_not_repeated_in_full() -> None:
    (error,) = Schema({"type": "integer"}).errors("x" * 5000)
    assert len(error.detail) <= 305


@pytest.mark.parametrize("moment", ["10:00:00", "10:00:00Z", "10:00:00+02:00"])
def test_a_time_of_day_may_leave_its_offset_out(moment: str) -> None:
    assert found({"type": "string", "format": "time"}, moment) == []


@pytest.mark.parametrize(
    ("kind", "text"), [("date-time", "2026-01-01T00:00:00"), ("date", "2026-13-01"), ("uuid", "x"), ("time", "25:00")]
)
def test_formats_are_checked(kind: str, text: str) -> None:
    assert found({"format": kind}, text) == [("wrong_form", "#/tasks/0/input")]


RESULT = {"$result": "/north/rows"}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (SUMA, {"a": RESULT, "b": 1}),
        (SUMA, RESULT),
        ({"items": {"anyOf": [{"type": "integer"}, {"type": "null"}]}}, [RESULT, 3]),
        ({"anyOf": [{"type": "string"}, ArtifactRef.model_json_schema()]}, {"artifact": RESULT}),
        ({"oneOf": [{"properties": {"a": {"type": "integer"}}}, {"properties": {"a": {"const": "x"}}}]}, {"a": RESULT}),
        ({"const": {"a": 1}}, {"a": RESULT}),
        ({"not": {"properties": {"a": {"type": "object"}}}}, {"a": RESULT}),
        ({"contains": {"const": 7}}, [RESULT]),
    ],
)
def test_a_reference_to_a_result_is_valid_where_its_value_could_be(schema: dict[str, Any], value: Any) -> None:
    assert found(schema, value) == []


def test_errors_beside_a_reference_still_count() -> None:
    assert found(SUMA, {"a": RESULT}) == [("missing", "#/tasks/0/input/b")]
    schema = {"anyOf": [{"type": "string"}, {"required": ["artifact"]}]}
    assert found(schema, {"other": RESULT}) == [("no_alternative_fits", "#/tasks/0/input")]


def test_the_rule_in_the_schema_replaces_the_pattern_in_messages() -> None:
    mail = {"to": ["a\nb@example.com"], "subject": "x\ny", "text": "x"}
    errors = Schema(SendMail.model_json_schema(by_alias=True)).errors(mail)
    assert [one.detail for one in errors] == [
        '"a\\nb@example.com" must be one line, without line breaks.',
        '"x\\ny" must be one line, without line breaks.',
    ]


def test_a_rule_is_found_behind_a_reference() -> None:
    name = {"type": "string", "pattern": "^a$", "x-rule": "must be the letter a"}
    schema = {"$defs": {"name": name}, "properties": {"x": {"$ref": "#/$defs/name"}}}
    assert [one.detail for one in Schema(schema).errors({"x": "b"})] == ['"b" must be the letter a.']


def test_an_attachment_may_be_the_result_of_an_earlier_task() -> None:
    mail = {"to": ["ada@example.com"], "template": "report-ready", "attachments": [{"$result": "/generate/artifact"}]}
    assert found(SendMail.model_json_schema(), mail) == []


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"$ref": "https://example.com/schema"}, "points outside the schema"),
        ({"properties": {"a": {"$dynamicRef": "other#x"}}}, "points outside the schema"),
        ({"$ref": "#/$defs/missing"}, "missing"),
        ({"pattern": "^(?=x)"}, "without look-around"),
        ({"patternProperties": {"(a)\\1": {}}}, "without look-around"),
        ({"pattern": "((a{1000}){1000}){1000}"}, "without look-around"),
        ({"type": "whole number"}, "whole number"),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, "2020-12"),
        ({"description": "x" * MAX_SCHEMA_BYTES}, str(MAX_SCHEMA_BYTES)),
    ],
)
def test_a_schema_that_is_not_admitted_is_refused_with_the_reason(schema: dict[str, Any], words: str) -> None:
    with pytest.raises(SchemaError) as caught:
        Schema(schema)
    assert words in str(caught.value)


def deep(levels: int, outer: str) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _ in range(levels):
        schema = {outer: schema}
    return schema


def test_a_schema_nested_too_deeply_is_refused() -> None:
    with pytest.raises(SchemaError, match="levels deep"):
        Schema(deep(10_000, "not"))


def test_a_value_nested_too_deeply_is_an_error_and_not_a_crash() -> None:
    schema = {"additionalProperties": {"$ref": "#"}}
    assert found(schema, deep(20_000, "x")) == [("too_deep", "#/tasks/0/input")]
    assert found(schema, deep(150, "x")) == []


def test_a_hostile_pattern_matches_in_linear_time() -> None:
    schema = Schema({"pattern": "^(a+)+$"})
    began = time.monotonic()
    assert schema.errors("a" * 100_000 + "b")
    assert time.monotonic() - began < 5


def test_a_recursive_schema_is_admitted_and_validation_ends() -> None:
    assert found({"allOf": [{"$ref": "#"}]}, 1) == []


def test_an_announcement_names_every_schema_that_is_refused() -> None:
    catalog = Catalog(
        tasks=[
            TaskDescription(
                name="shop.suma", queue="shop", input_schema={"$ref": "http://x/"}, result_schema={"type": "nope"}
            ),
            TaskDescription(name="shop.fine", queue="shop", input_schema=SUMA, result_schema={}),
        ],
        reports=[ReportDescription(name="sales", title="Sales", source="demo", params_schema={"pattern": "(?!x)"})],
    )
    first, second, third = announcement_errors(catalog)
    assert first.startswith("The schema of the input of task shop.suma cannot be announced")
    assert second.startswith("The schema of the result of task shop.suma")
    assert third.startswith("The schema of the parameters of report sales")


class Place(BaseModel):
    """A model inside a model: pydantic puts it under $defs."""

    city: str


class Visit(BaseModel):
    """What pydantic makes of nested models is admitted."""

    place: Place
    others: list[Place] = []


def test_schemas_of_pydantic_models_are_admitted() -> None:
    assert found(Visit.model_json_schema(), {"place": {"city": 5}}) == [("wrong_type", "#/tasks/0/input/place/city")]
