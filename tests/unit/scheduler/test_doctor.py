"""Tests what the doctor reports about schedules."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from bureau.ledger.schedules.health import TroubledSchedule
from bureau.services.scheduler.doctor import schedule_findings

JOB = UUID(int=7)
AT = datetime(2030, 1, 2, 7, 0, tzinfo=UTC)

CASES = [
    (
        TroubledSchedule("ada", "daily", 125.4, None, None, None),
        ["schedule daily of ada: its next job is 125 s late; check that a scheduler runs."],
    ),
    (
        TroubledSchedule("ada", "daily", 0.0, "There is no such file.", AT, None),
        ["schedule daily of ada: its last run, 2030-01-02 07:00 UTC, has no job: There is no such file."],
    ),
    (
        TroubledSchedule("ada", "daily", 0.0, None, None, JOB),
        [f"schedule daily of ada: its last job failed; GET /v1/jobs/{JOB} says why."],
    ),
]


@pytest.mark.parametrize(("troubled", "findings"), CASES)
def test_each_problem_is_reported_with_what_to_do(troubled: TroubledSchedule, findings: list[str]) -> None:
    assert list(schedule_findings([troubled])) == findings
