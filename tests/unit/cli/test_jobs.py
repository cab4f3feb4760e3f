"""Tests how the command puts a job into words."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest

from bureau.cli.commands.download import names_a_file
from bureau.cli.commands.follow import FILES_SHOWN, print_outcome
from bureau.cli.commands.jobs import busy_seconds, tries, waiting_words
from bureau.cli.commands.submit import refuse_early_expiry


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


@pytest.mark.parametrize(
    ("task", "text"),
    [
        ({"attempt": 0, "max_attempts": 8, "attempt_number": 0}, "0/8"),
        ({"attempt": 8, "max_attempts": 8, "attempt_number": 8}, "8/8"),
        ({"attempt": 1, "max_attempts": 8, "attempt_number": 9}, "9/16"),  # after a retry by a person
        ({"attempt": 1, "max_attempts": 8}, "1/8"),  # an older gateway
    ],
)
def test_a_try_has_the_number_that_events_give_it(task: Any, text: str) -> None:
    assert tries(task) == text


def test_pauses_between_attempts_are_no_time_of_running() -> None:
    def attempt(start: str, end: str | None) -> Any:
        return {"started_at": f"2026-05-04T{start}Z", "ended_at": end and f"2026-05-04T{end}Z"}

    now = datetime(2026, 5, 4, 3, 5, 2, tzinfo=UTC)
    assert busy_seconds([attempt("03:00:00", "03:00:01"), attempt("03:05:00", None)], now) == 3.0


def test_a_job_that_would_expire_before_it_starts_is_refused() -> None:
    now = datetime(2026, 5, 4, tzinfo=UTC)
    with pytest.raises(click.UsageError, match="--expires counts from now"):
        refuse_early_expiry(3600, now + timedelta(minutes=30), now)
    refuse_early_expiry(3600, now + timedelta(minutes=90), now)
    refuse_early_expiry(3600, None, now)
    refuse_early_expiry(None, now + timedelta(minutes=30), now)


@pytest.mark.parametrize(
    ("output", "file"),
    [("out", False), ("2026.11", False), ("v1.2", False), (".", False), ("sales.csv", True), ("a/b.zip", True)],
)
def test_an_output_is_a_folder_unless_it_names_a_file(output: str, file: bool) -> None:
    assert names_a_file(Path(output)) is file


def test_an_output_that_exists_is_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "folder.d").mkdir()
    (tmp_path / "plain").touch()
    assert not names_a_file(tmp_path / "folder.d")
    assert names_a_file(tmp_path / "plain")


@pytest.mark.parametrize(("files", "lines"), [(0, 0), (FILES_SHOWN, FILES_SHOWN), (300, FILES_SHOWN + 1)])
def test_the_end_of_a_job_with_many_files_is_short(files: int, lines: int) -> None:
    said: list[str] = []
    session: Any = SimpleNamespace(line=lambda text, style="": said.append(text), note=lambda text: None)  # noqa: ARG005
    job: Any = SimpleNamespace(id="1", error=None, artifacts=[SimpleNamespace(name="a.pdf", size=3)] * files)
    print_outcome(session, job)
    assert len(said) == lines
    assert files < 300 or said[-1] == "  … and 290 more files"
