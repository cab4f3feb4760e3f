"""Tests how the command puts a job into words."""

from typing import Any

import pytest

from bureau.cli.commands.jobs import waiting_words


@pytest.mark.parametrize(
    ("waiting", "words"),
    [
        ({"reason": "behind", "position": 1, "starts_in_seconds": None}, "behind, it is next"),
        (
            {"reason": "behind", "position": 2, "starts_in_seconds": 12.0},
            "behind, 1 task before it, starts in about 12 s",
        ),
        ({"reason": "behind", "position": None, "starts_in_seconds": None}, "behind"),
        ({"reason": "no_worker", "position": None, "starts_in_seconds": None}, "no running worker has this task"),
        ({"reason": "not_due", "position": None, "starts_in_seconds": 3600.0}, "not due, starts in about 1 h"),
        ({"reason": "of_a_later_version", "position": None, "starts_in_seconds": None}, "of a later version"),
    ],
)
def test_a_job_says_why_it_waits_and_how_many_tasks_are_before_it(waiting: Any, words: str) -> None:
    """The position counts from 1, so a job that is next has no task before it."""
    assert waiting_words(waiting) == words
