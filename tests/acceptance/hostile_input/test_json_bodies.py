"""JSON with unknown fields, wrong types, NUL characters and 10,000 levels; reports and parameters that are not."""

import json
from typing import Any

import pytest

from tests.support.running.api import Api, told

SUMA = {"name": "add", "run": "shop.suma", "input": {"a": 1, "b": 2}}
JSON = {"Content-Type": "application/json"}


def test_unknown_fields_are_refused_by_name(api: Api) -> None:
    problem = api.refused("/v1/jobs", 422, json={"tasks": [{**SUMA, "colour": "red"}], "titel": "Sum"})
    assert told(problem) == [
        ("#/tasks/0/colour", "unknown_field", "colour is not a field here."),
        ("#/titel", "unknown_field", "titel is not a field here; is title meant?"),
    ]


def test_wrong_types_are_told_all_at_once(api: Api) -> None:
    body = {"tasks": "all", "priority": "high", "tags": {"a": 1}, "run_at": "soon", "delay_seconds": True, "title": 5}
    found = {place: code for place, code, _ in told(api.refused("/v1/jobs", 422, json=body))}
    assert found == {
        "#/tasks": "wrong_type",
        "#/priority": "wrong_type",
        "#/tags": "wrong_type",
        "#/run_at": "wrong_form",
        "#/delay_seconds": "wrong_type",
        "#/title": "wrong_type",
    }


@pytest.mark.parametrize("body", [b"[]", b"null", b"5", b'"tasks"'])
def test_a_body_that_is_no_object_says_so(api: Api, body: bytes) -> None:
    problem = api.refused("/v1/jobs", 422, content=body, headers=JSON)
    assert told(problem) == [("#", "wrong_type", "It is a JSON object.")]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "is not JSON: Expecting value at line 1, column 1."),
        (b"{tasks: 1}", "is not JSON: Expecting property name enclosed in double quotes at line 1, column 2."),
        (b'{"title": "\xe9"}', "is not UTF-8: byte 11 is wrong."),
        (b'{"title": "a\x00b"}', "is not JSON: Invalid control character at at line 1, column 13."),
        (b'{"priority": NaN}', "is not acceptable JSON: NaN is not a JSON number."),
        (b'{"tasks": [], "tasks": []}', "is not acceptable JSON: the field tasks occurs twice in one object."),
        (b'{"priority": 1e999}', "is not acceptable JSON: the number 1e999 is too large."),
        (b"[" * 10_000 + b"]" * 10_000, "nests more than 100 levels deep."),
        (b"[" * 10_000, "nests more than 100 levels deep."),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "nests more than 100 levels deep."),
    ],
)
def test_a_body_that_cannot_be_read_says_why(api: Api, body: bytes, reason: str) -> None:
    problem = api.refused("/v1/jobs", 400, content=body, headers=JSON)
    assert problem["detail"] == f"The body {reason}"


def test_ten_thousand_levels_in_a_form_are_refused_too(api: Api) -> None:
    deep = "[" * 10_000 + "]" * 10_000
    files = {"files": ("a.csv", b"recipient\nAda\n")}
    problem = api.refused("/v1/certificates", 400, files=files, data={"options": f'{{"tags": {deep}}}'})
    assert problem["detail"] == "The part `options` nests more than 100 levels deep."


def test_nul_and_lone_surrogates_are_taken_out_on_the_way(api: Api) -> None:
    task = {"name": "names", "run": "shop.initials", "input": {"names": ["A\0da L\ud800ove"]}}
    raw = json.dumps({"title": "a\0b\udfff", "tasks": [task]})  # escaped, as JSON may hold them
    ended = api.succeeded(api.submit("/v1/jobs", content=raw, headers=JSON))
    assert ended["title"] == "ab\ufffd"
    assert ended["tasks"][0]["result"] == {"Ada L\ufffdove": "AL"}


def test_an_unknown_report_is_refused_with_those_there_are(api: Api) -> None:
    problem = api.refused("/v1/reports", 422, json={"report": "order"})
    assert told(problem) == [("#/report", "unknown_report", "Report order not found; known: orders, slow-orders.")]


@pytest.mark.parametrize(
    ("value", "code", "detail"),
    [
        ("fifty", "wrong_type", '"fifty" is not of type "number".'),
        ([50], "wrong_type", '[50] is not of type "number".'),
        (-1, "out_of_range", "-1 is less than the minimum of 0.0."),
        ({"$result": "/a/b"}, "refused", "No task comes before this one, so there is no result to refer to."),
    ],
)
def test_a_parameter_of_the_wrong_type_is_named_with_its_rule(api: Api, value: Any, code: str, detail: str) -> None:
    body = {"report": "orders", "params": {"least_amount": value}}
    assert told(api.refused("/v1/reports", 422, json=body)) == [("#/params/least_amount", code, detail)]


def test_a_parameter_that_only_the_worker_sees_fails_with_the_rule(api: Api) -> None:
    task = {"name": "r", "run": "reports.generate", "input": {"report": "orders", "params": {"least_amount": "fifty"}}}
    error = api.failed(api.run(task))
    assert error["code"] == "invalid_parameter"
    assert error["message"] == 'The report\'s parameters are invalid: least_amount must be a number, not "fifty".'
