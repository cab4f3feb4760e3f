"""Tests how JSON Pointers are built, parsed and looked up."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bureau.contracts.jobs import pointer


@pytest.mark.parametrize(
    ("path", "written"),
    [
        ([], "#"),
        (["to", 0], "#/to/0"),
        (["a/b", "c~d"], "#/a~1b/c~0d"),
        (["two words", "ñ", "100%"], "#/two%20words/%C3%B1/100%25"),
    ],
)
def test_a_path_is_written_as_a_uri_fragment(path: list[str | int], written: str) -> None:
    assert pointer.fragment(path) == written


@given(st.lists(st.text(alphabet="ab/~01 ", max_size=5), min_size=1, max_size=4))
def test_an_escaped_token_reads_back_the_same(tokens: list[str]) -> None:
    written = "".join("/" + token.replace("~", "~0").replace("/", "~1") for token in tokens)
    assert pointer.parse(written) == tokens


@pytest.mark.parametrize("wrong", ["north", "/a~2b", "/a~"])
def test_a_malformed_pointer_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="JSON Pointer"):
        pointer.parse(wrong)


@pytest.mark.parametrize(
    ("value", "tokens", "found"),
    [
        ({"a": {"b": 1}}, ["a", "b"], 1),
        ([10, 20], ["1"], 20),
        ({"0": "zero"}, ["0"], "zero"),
        ({"": 5}, [""], 5),
        (7, [], 7),
    ],
)
def test_a_pointer_finds_its_value(value: Any, tokens: list[str], found: Any) -> None:
    assert pointer.lookup(value, tokens) == found


@pytest.mark.parametrize(
    ("value", "tokens"),
    [({"a": 1}, ["b"]), ([1], ["1"]), ([1], ["-"]), ([1], ["00"]), ([1], ["-1"]), ([1], ["²"]), ("text", ["0"])],
)
def test_a_pointer_that_finds_nothing_names_the_token(value: Any, tokens: list[str]) -> None:
    with pytest.raises(LookupError) as caught:
        pointer.lookup(value, tokens)
    assert caught.value.args == (tokens[-1],)
