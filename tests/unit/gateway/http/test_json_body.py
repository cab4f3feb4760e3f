"""JSON from outside, read strictly."""

import json
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bureau.contracts.problems import ProblemError
from bureau.services.gateway.http.parsing import json_body
from bureau.services.gateway.http.parsing.json_body import canonical, fingerprint, read_json


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b'{"a": [1, 2.5, null, true, "x"]}', {"a": [1, 2.5, None, True, "x"]}),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),  # a byte order mark
        (b'{"a": ' + b"9" * 400 + b"}", {"a": int("9" * 400)}),
        (b'{"a": "x\\u0000y"}', {"a": "xy"}),
        (b'{"a": "\\ud800"}', {"a": "\N{REPLACEMENT CHARACTER}"}),
        (b'{"a\\u0000": 1}', {"a": 1}),
        (b"[" * 100 + b"]" * 100, None),
    ],
)
def test_json_is_read_and_cleaned_of_what_a_database_refuses(raw: bytes, value: Any) -> None:
    assert read_json(raw) == value or value is None


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "line 1, column 1"),
        (b'{"a": 1', "line 1, column 8"),
        (b'{"a": 1}x', "Extra data"),
        (b'{"a": "\xff"}', "not UTF-8: byte 7"),
        ('{"a": 1}'.encode("utf-16"), "not UTF-8"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": -Infinity}', "-Infinity"),
        (b'{"a": 1e999}', "1e999 is too large"),
        (b'{"a": 1, "a": 2}', "a occurs twice"),
        (b'{"a": 1, "a\\u0000": 2}', "a occurs twice"),
        (b'{"a": ' + b"9" * 5000 + b"}", "5000 digits"),
        (b"[" * 101 + b"]" * 101, "100 levels"),
        (b"[" * 10_000 + b"]" * 10_000, "100 levels"),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "100 levels"),
        (b"[" * 100_000, "100 levels"),
    ],
)
def test_unacceptable_json_is_a_400_with_a_reason(raw: bytes, words: str) -> None:
    with pytest.raises(ProblemError) as caught:
        read_json(raw)
    assert caught.value.problem.status == 400
    assert words in caught.value.problem.detail


@given(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=5))
def test_the_order_of_fields_does_not_change_the_fingerprint(value: dict[str, Any]) -> None:
    turned = dict(reversed(list(value.items())))
    assert fingerprint(value) == fingerprint(turned)
    assert canonical(value) == canonical(turned)


def test_different_values_have_different_fingerprints() -> None:
    values: list[Any] = [{}, [], {"a": 1}, {"a": "1"}, {"a": [1]}, None]
    assert len({fingerprint(value) for value in values}) == len(values)


@pytest.mark.parametrize("text", ["a,b[{" * 60_000, '"\\",[{' * 60_000, "\\\\,[" * 60_000, "\n,{" * 100_000])
def test_signs_inside_of_texts_are_no_values(text: str) -> None:
    assert read_json(json.dumps({"text": text}).encode()) == {"text": text}


def test_more_values_than_fit_into_memory_are_refused_before_they_are_built() -> None:
    for raw in (b"[" + b"[]," * 150_000 + b"[]]", json.dumps(["a\\"] * 200_001).encode(), b'{"a":' * 200_001):
        with pytest.raises(ProblemError) as caught:
            read_json(raw)
        assert (caught.value.problem.status, caught.value.problem.slug) == (413, "too-large")


def signs(value: Any) -> int:
    """How many brackets open in it, and commas."""
    if not isinstance(value, list | dict):
        return 0
    inner = list(value.values() if isinstance(value, dict) else value)
    return 1 + max(len(inner) - 1, 0) + sum(map(signs, inner))


texts = st.text('ab,[{"\\\n', max_size=9)
trees = st.recursive(texts, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4))


@given(trees.filter(signs), st.integers(1, 40))
def test_values_are_counted_rightly_wherever_a_piece_ends(value: Any, piece_bytes: int) -> None:
    raw = json.dumps(value).encode()
    with patch.object(json_body, "_PIECE_BYTES", piece_bytes):
        with patch.object(json_body, "MAX_VALUES", 1 + signs(value)):
            assert read_json(raw) == value
        with patch.object(json_body, "MAX_VALUES", signs(value) - 1):
            assert json_body._values_at_most(raw) > signs(value) - 1
