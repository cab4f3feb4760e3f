"""Cursors and pages."""

from base64 import urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bureau.contracts.base import clean_text
from bureau.contracts.problems import ProblemError
from bureau.services.gateway.http.pagination import PageQuery, cursor_of, page_of, read_cursor

NAMES = st.text(min_size=1, max_size=8).filter(lambda name: clean_text(name) == name)  # as a database keeps them


@given(st.lists(NAMES, unique=True, max_size=30), st.integers(1, 7))
def test_following_the_cursors_gives_every_item_once(names: list[str], limit: int) -> None:
    items = sorted(names)
    seen: list[str] = []
    cursor: str | None = None
    while True:
        shown, cursor = page_of(items, PageQuery(limit=limit, cursor=cursor), lambda name: (name,))
        seen += shown
        if cursor is None:
            break
        assert len(shown) == limit
    assert seen == items


def test_a_page_stays_where_it_was_when_items_are_added() -> None:
    _, cursor = page_of(["b", "d"], PageQuery(limit=1), lambda name: (name,))
    shown, _ = page_of(["a", "b", "c", "d"], PageQuery(limit=5, cursor=cursor), lambda name: (name,))
    assert shown == ["c", "d"]


@pytest.mark.parametrize(
    "cursor",
    ["", "%%%", "abc", "ñ", "e30", cursor_of(5), urlsafe_b64encode(b"[" * 9000).decode(), cursor_of("a", 1)],
)
def test_a_cursor_that_is_not_ours_is_refused_by_name(cursor: str) -> None:
    with pytest.raises(ProblemError) as caught:
        page_of(["a"], PageQuery.model_construct(limit=5, cursor=cursor), lambda name: (name,))
    assert caught.value.problem.errors[0].parameter == "cursor"


def test_a_cursor_is_read_back() -> None:
    assert read_cursor(cursor_of("2026-01-01", 7), tuple) == ("2026-01-01", 7)
