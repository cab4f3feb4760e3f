"""Tests what the admin shows of a job."""

from typing import Any

import pytest

from bureau.django.operating.job_rows import JobRow, Progress, job_row, progress_of, running_reports


def row(state: str, counts: dict[str, int], report: Any = None) -> JobRow:
    job = {"id": "7", "title": "t", "kind": "job", "state": state, "counts": counts, "error": None}
    job |= {"created_at": "2026-11-30T12:00:00+00:00", "finished_at": None}
    return job_row(job, {"7": report} if report else {})


REPORT = {"current": 30.0, "total": 120.0, "percent": 25.0, "note": "rows"}


@pytest.mark.parametrize(
    ("state", "counts", "report", "progress"),
    [
        ("running", {"running": 1}, REPORT, Progress(25.0, "30 of 120 rows")),
        ("running", {"running": 1}, None, None),
        ("running", {"running": 1, "succeeded": 2, "skipped": 1}, REPORT, Progress(75.0, "3 of 4 tasks")),
        ("succeeded", {"succeeded": 1}, REPORT, None),
    ],
)
def test_progress_is_the_only_task_s_or_how_many_have_ended(
    state: str, counts: dict[str, int], report: Any, progress: Progress | None
) -> None:
    assert row(state, counts, report).progress == progress


def test_a_report_without_a_total_has_no_percentage() -> None:
    assert progress_of({**REPORT, "total": None, "percent": None}) == Progress(None, "30 rows")
    assert progress_of(None) is None


@pytest.mark.parametrize(
    ("state", "retry", "cancel"),
    [("queued", False, True), ("running", False, True), ("succeeded", False, False), ("failed", True, False)],
)
def test_buttons_go_with_the_state(state: str, retry: bool, cancel: bool) -> None:
    found = row(state, {state: 1})
    assert (found.can_retry, found.can_cancel) == (retry, cancel)


def test_the_first_running_task_of_a_job_tells_its_progress() -> None:
    tasks: list[dict[str, Any]] = [
        {"job_id": "7", "progress": None},
        {"job_id": "7", "progress": REPORT},
        {"job_id": "7", "progress": {}},
    ]
    assert running_reports(tasks) == {"7": REPORT}
