"""Tests the parsing of YAML into JSON values with their lines."""

from typing import Any

import pytest

from bureau.services.scheduler import yaml_lines
from bureau.services.scheduler.yaml_lines import YamlUnreadable, read_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("# nothing\n", None),
        ("a: 1\nb: [x, 2.5, -3, 1.5e3]", {"a": 1, "b": ["x", 2.5, -3, 1500.0]}),
        ("a: true\nb: false\nc: null\nd: ~\ne:", {"a": True, "b": False, "c": None, "d": None, "e": None}),
        ("[no, yes, on, NO, True]", ["no", "yes", "on", "NO", "True"]),
        (
            "[2026-01-01, 07:00, 010, 0x1F, 1_000, .inf, 1.]",
            ["2026-01-01", "07:00", "010", "0x1F", "1_000", ".inf", "1."],
        ),
        ("['5', \"true\", 'null']", ["5", "true", "null"]),
        ("cron: 0 7 * * 1-5", {"cron": "0 7 * * 1-5"}),
        ("a: |\n  two\n  lines\n", {"a": "two\nlines\n"}),
        ("a: &x {b: 1}\nc: *x", {"a": {"b": 1}, "c": {"b": 1}}),
        ("true: x\n5: y", {"true": "x", "5": "y"}),
    ],
)
def test_plain_scalars_are_read_as_in_json(text: str, value: Any) -> None:
    assert read_yaml(text).value == value


def test_a_line_is_that_of_the_value_or_of_the_nearest_one_around_it() -> None:
    placed = read_yaml("a:\n  b:\n    - x\n    - c: 1\n\n5: y\n")
    for tokens, line in (([], 1), (["a"], 1), (["a", "b"], 2), (["a", "b", "1"], 4), (["a", "b", "1", "c"], 4)):
        assert placed.line_of(tokens) == line
    assert placed.line_of(["5"]) == 6
    assert placed.line_of(["a", "b", "7", "z"]) == 2
    assert placed.line_of(["nowhere"]) == 1


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("a: 1\nb: 2\na: 3", "a is repeated", 3),
        ("x:\n  cron: @daily", "in quotes", 2),
        ("x:\n  cron: */5 * * * *", "in quotes", 2),
        ("a: 1\n---\nb: 2", "another document", 2),
        ("? [a]\n: 1", "a name must be a plain text", 1),
        ("a: &x [*x]", "an alias refers to a value that contains it", 1),
        ("a: [1", "expected", 1),
        ("\ta: 1", "cannot start any token", 1),
        ("a: \x00", "not allowed", None),
        pytest.param("[" * 2000, "nested too deeply", None, id="deep"),
    ],
)
def test_invalid_or_ambiguous_yaml_is_an_error_with_its_line(text: str, message: str, line: int | None) -> None:
    with pytest.raises(YamlUnreadable) as refused:
        read_yaml(text)
    assert message in str(refused.value)
    assert refused.value.line == line


def test_aliases_of_aliases_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_lines, "MAX_VALUES", 2000)
    doubled = "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 30))
    with pytest.raises(YamlUnreadable, match="more than 2,000 values"):
        read_yaml(f"a0: &a0 x\n{doubled}")
