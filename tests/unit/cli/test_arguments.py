"""Tests how arguments become JSON values and times."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import pytest

from bureau.cli import times
from bureau.cli.commands.request_options import Attached
from bureau.cli.values import pairs

SCHEMA = {
    "properties": {
        "limit": {"type": "integer"},
        "least": {"anyOf": [{"type": "number"}, {"type": "null"}]},
        "since": {"type": "string", "format": "date"},
        "code": {"type": "string"},
        "open": {"type": "boolean"},
        "regions": {"type": "array", "items": {"type": "string"}},
        "numbers": {"anyOf": [{"type": "array", "items": {"type": "integer"}}, {"type": "null"}]},
        "level": {"enum": [1, 2, 3]},
        "status": {"$ref": "#/$defs/Status"},
        "whole": {"type": "object"},
        "any": {},
    },
    "$defs": {"Status": {"enum": ["paid", "1"], "type": "string"}},
}


@pytest.mark.parametrize(
    ("arguments", "value"),
    [
        (["limit=10"], 10),
        (["limit=ten"], "ten"),  # the gateway says what is wrong with it
        (["least=2.5"], 2.5),
        (["least=null"], None),
        (["since=2026-01-01"], "2026-01-01"),
        (["code=0123"], "0123"),
        (["code=12"], "12"),
        (["code=a=b"], "a=b"),
        (["code="], ""),
        (["open=true"], True),
        (["regions=north", "regions=5"], ["north", "5"]),
        (["regions=north"], ["north"]),
        (['regions=["a", "b"]'], ["a", "b"]),
        (["numbers=1", "numbers=2"], [1, 2]),
        (["level=2"], 2),
        (["status=1"], "1"),
        (['whole={"a": 1}'], {"a": 1}),
        (["any=5"], 5),
        (["any=five"], "five"),
        (["unknown=5"], 5),
    ],
)
def test_a_value_has_the_type_that_its_schema_names(arguments: list[str], value: Any) -> None:
    (value_read,) = pairs(arguments, SCHEMA).values()
    assert value_read == value
    assert type(value_read) is type(value)


@pytest.mark.parametrize("arguments", ["limit", "=5"])
def test_a_value_without_a_name_is_refused(arguments: str) -> None:
    with pytest.raises(ValueError, match="is not name=value"):
        pairs([arguments], {})


def test_a_schema_that_contains_itself_is_handled() -> None:
    schema = {"properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {"anyOf": [{"$ref": "#/$defs/A"}]}}}
    assert pairs(["a=5"], schema) == {"a": 5}


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("30s", 30), ("10min", 600), ("1.5 h", 5400), ("2d", 172_800), ("1W", 604_800)]
)
def test_a_duration_is_converted_to_seconds(text: str, seconds: float) -> None:
    assert times.seconds(text) == seconds


def test_a_time_without_a_zone_gets_the_local_zone() -> None:
    assert times.moment("2026-05-04T07:00:00Z") == datetime(2026, 5, 4, 7, tzinfo=UTC)
    assert times.moment("2026-05-04").tzinfo is not None


@pytest.mark.parametrize("text", ["soon", "1 fortnight", "", "-5s"])
def test_an_invalid_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        times.seconds(text)
    with pytest.raises(ValueError, match="is not a time"):
        times.moment(text)


@pytest.mark.parametrize(
    ("given", "media_type"),
    [
        ("invite.ics", None),
        ("invite.ics;type=text/calendar; method=REQUEST", "text/calendar; method=REQUEST"),
        ("a;type=b", None),  # the name of a file
    ],
)
def test_a_file_to_attach_may_name_its_media_type(tmp_path: Path, given: str, media_type: str | None) -> None:
    for name in ("invite.ics", "a;type=b"):
        (tmp_path / name).write_bytes(b"x")
    with click.Context(click.Command("email")) as context:
        attached = Attached().convert(str(tmp_path / given), None, context)
        if media_type is None:
            assert attached == tmp_path / given
        else:
            assert isinstance(attached, tuple)
            assert (attached[0], attached[2:]) == ("invite.ics", (media_type,))


def test_a_file_to_attach_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(click.BadParameter, match=r"missing\.ics"):
        Attached().convert(str(tmp_path / "missing.ics;type=a/b"), None, None)
