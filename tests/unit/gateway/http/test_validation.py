"""Values against models: every mistake at once, with its code, sentence and pointer."""

from typing import Any

import pytest

from bureau.contracts.jobs.jobs import JobSpec, Terms
from bureau.contracts.problems import FieldError, ProblemError
from bureau.contracts.requests.emails import EmailRequest
from bureau.services.gateway.http.parsing.validation import Reader, as_parameters


def found(model: type[Any], data: Any) -> list[tuple[str | None, str]]:
    with pytest.raises(ProblemError) as caught:
        Reader(model).read(data)
    assert caught.value.problem.status == 422
    return sorted((error.pointer, error.code) for error in caught.value.problem.errors)


def test_a_value_that_fits_is_read() -> None:
    terms = Reader(Terms).read({"priority": 7, "run_at": "2026-01-01T00:00:00+02:00", "delay_seconds": 1})
    assert (terms.priority, terms.delay_seconds) == (7, 1.0)
    assert terms.run_at is not None


@pytest.mark.parametrize("number", [5.0, 5])
def test_a_whole_number_may_be_written_with_a_point(number: float) -> None:
    assert Reader(Terms).read({"priority": number}).priority == 5


@pytest.mark.parametrize(
    ("data", "errors"),
    [
        ({"priority": "5"}, [("#/priority", "wrong_type")]),
        ({"priority": True}, [("#/priority", "wrong_type")]),
        ({"priority": 10}, [("#/priority", "out_of_range")]),
        ({"priority": 5.5}, [("#/priority", "wrong_type")]),
        ({"run_at": 1700000000}, [("#/run_at", "wrong_type")]),
        ({"run_at": "2026-01-01T00:00:00"}, [("#/run_at", "wrong_form")]),
        ({"run_at": "1700000000"}, [("#/run_at", "wrong_form")]),
        ({"tags": "one"}, [("#/tags", "wrong_type")]),
        ({"tags": ["x"] * 11}, [("#/tags", "too_long")]),
        (
            {"retry": {"max_attempts": 0, "x": 1}},
            [("#/retry/max_attempts", "out_of_range"), ("#/retry/x", "unknown_field")],
        ),
        ({"priorty": 5, "title": 7}, [("#/priorty", "unknown_field"), ("#/title", "wrong_type")]),
        ([], [("#", "wrong_type")]),
        (None, [("#", "wrong_type")]),
        ("text", [("#", "wrong_type")]),
    ],
)
def test_every_error_is_named_once_at_its_place(data: Any, errors: list[tuple[str, str]]) -> None:
    assert found(Terms, data) == errors


def test_errors_deep_in_a_list_have_their_place() -> None:
    data = {"tasks": [{"name": "a", "run": "shop.suma"}, {"name": "b/c", "run": "nope", "when": "never", "x": 1}]}
    assert found(JobSpec, data) == [
        ("#/tasks/1/name", "wrong_form"),
        ("#/tasks/1/run", "wrong_form"),
        ("#/tasks/1/when", "not_a_choice"),
        ("#/tasks/1/x", "unknown_field"),
    ]


def test_a_field_that_is_nearly_right_is_guessed() -> None:
    with pytest.raises(ProblemError) as caught:
        Reader(Terms).read({"priorty": 5})
    assert caught.value.problem.errors[0].detail == "priorty is not a field here; is priority meant?"


def test_the_python_name_of_a_field_is_no_name_in_the_api() -> None:
    mail = {"from_": "ada@example.com", "to": ["bob@example.com"], "subject": "x", "text": "y"}
    assert found(EmailRequest, mail) == [("#/from_", "unknown_field")]


def test_in_a_query_errors_name_the_parameter() -> None:
    (error,) = as_parameters([FieldError("unknown_field", "x is not a field here.", "#/two%20words")])
    assert (error.parameter, error.pointer) == ("two words", None)
    assert error.detail == "two words is not a parameter here."
