"""Tests which pointers into a result its schema excludes."""

from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, Field

from bureau.contracts.artifacts import ArtifactRef
from bureau.contracts.jobs.result_fields import missing_field
from bureau.task import Context, Task


class Row(BaseModel):
    """A model of one field."""

    name: str


class Tree(BaseModel):
    """A model that contains itself."""

    leaf: int = 0
    branches: list["Tree"] = []
    parent: "Tree | None" = None


@dataclass
class Joined:
    """A result of every kind of field."""

    file: ArtifactRef
    rows: list[Row]
    by_name: dict[str, Row]
    pair: tuple[int, Row]
    maybe: Row | None
    either: Row | Tree
    anything: Any


class Open(BaseModel):
    """A model that keeps what it does not know."""

    model_config = ConfigDict(extra="allow")
    known: int


class Renamed(BaseModel):
    """A model whose field has another name in JSON."""

    count: int = Field(serialization_alias="n")


def schema_of(kind: Any) -> dict[str, Any]:
    def work(ctx: Context) -> Any: ...

    work.__annotations__["return"] = kind
    return Task("shop.work", work).description.result_schema


@pytest.mark.parametrize(
    ("kind", "place"),
    [
        *((Joined, place) for place in ("", "file", "file/artifact", "file/name", "rows/0/name", "rows/99999/name")),
        *((Joined, place) for place in ("by_name/x/name", "pair/0", "pair/1/name", "maybe/name", "either/name")),
        *((Joined, place) for place in ("either/leaf", "anything/whatever/3", "rows", "either/branches/0/leaf")),
        *((Tree, place) for place in ("branches/0/branches/1/leaf", "parent/parent/parent/leaf")),
        *((Open, place) for place in ("known", "unknown", "unknown/x")),
        (Renamed, "n"),
        (Any, "whatever"),
        (dict, "whatever/0"),
        (list, "0/x"),
        (dict[str, int], "whatever"),
    ],
)
def test_a_place_that_a_result_may_have_is_right(kind: Any, place: str) -> None:
    assert missing_field(schema_of(kind), place.split("/") if place else []) is None


@pytest.mark.parametrize(
    ("kind", "place", "words"),
    [
        (Joined, "row", "has no row; it has: file, rows, by_name, pair, maybe, either, anything"),
        (Joined, "file/id", "has no id; it has: artifact, name"),
        (Joined, "rows/first", "has no first; its type is array"),
        (Joined, "rows/0/title", "has no title; it has: name"),
        (Joined, "pair/2", "has no 2; its type is array"),
        (Joined, "maybe/title", "has no title; it has: name"),
        (Joined, "either/title", "has no title; it has: name, leaf, branches, parent"),
        (Joined, "file/artifact/x", "has no x; its type is string"),
        (Tree, "parent/trunk", "has no trunk; it has: leaf, branches, parent"),
        (Open, "known/x", "has no x; its type is integer"),
        (Renamed, "count", "has no count; it has: n"),
        (int, "rows", "has no rows; its type is integer"),
        (int | None, "rows", "has no rows; its type is integer or null"),
        (dict[str, int], "a/b", "has no b; its type is integer"),
        (None, "rows", "has no rows; its type is null"),
    ],
)
def test_a_place_that_a_result_cannot_have_is_named_with_what_it_has(kind: Any, place: str, words: str) -> None:
    assert missing_field(schema_of(kind), place.split("/")) == words


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"allOf": [{"type": "object", "properties": {"a": {}}}]},
        {"$ref": "#/$defs/Missing"},
        {"$ref": "https://example.com/other"},
        {"$ref": "#"},
        {"type": ["object", "null"]},
        {"enum": [{"x": 1}]},
        {"type": "object", "properties": {"a": {}}, "additionalProperties": True},
        {"type": "object", "properties": {"a": {}}, "patternProperties": {"^x": {}}},
        {"type": "object", "properties": {"x": True}},
        {"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/A"}}},
    ],
)
def test_a_reference_that_the_schema_does_not_exclude_is_accepted(schema: dict[str, Any]) -> None:
    assert missing_field(schema, ["x"]) is None


def test_a_schema_that_contains_itself_in_alternatives_ends() -> None:
    schema = {"$ref": "#/$defs/A", "$defs": {"A": {"anyOf": [{"$ref": "#/$defs/A"}, {"type": "integer"}]}}}
    assert missing_field(schema, ["x"]) is None
