"""What every submission may ask for besides its own fields."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from bureau.contracts.catalog import Catalog, RetryPolicy, TaskDescription
from bureau.contracts.jobs.jobs import RetryOverride, Terms
from bureau.contracts.schemas import Schema
from bureau.submission.announcements import CatalogSnapshot, KnownTask
from bureau.submission.terms import TaskPolicy, new_job, overridden, policy_of, terms_errors

ANNOUNCED = TaskDescription(
    name="shop.suma",
    queue="shop",
    input_schema={},
    result_schema={},
    retry=RetryPolicy(max_attempts=4, base_seconds=2, cap_seconds=60),
    time_limit_seconds=600,
)
KNOWN = CatalogSnapshot(Catalog(), {"shop.suma": KnownTask(ANNOUNCED, Schema({}))}, {}, {}, {})
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_task_is_run_as_its_service_announced() -> None:
    assert policy_of("shop.suma", KNOWN) == TaskPolicy("shop", ANNOUNCED.retry, 600)


def test_a_task_that_no_service_announced_has_default_terms() -> None:
    assert policy_of("mailer.send", KNOWN, TaskPolicy("mailer", RetryPolicy(), 120)).time_limit_seconds == 120
    assert policy_of("certificates.issue", KNOWN).queue == "certificates"


@pytest.mark.parametrize(
    ("of_task", "of_job", "attempts", "base"),
    [
        (None, None, 4, 2),
        (None, RetryOverride(max_attempts=9), 9, 2),
        (RetryOverride(max_attempts=1), RetryOverride(max_attempts=9, base_seconds=5), 1, 5),
        (RetryOverride(base_seconds=7), None, 4, 7),
    ],
)
def test_the_task_overrides_the_job_and_the_job_what_was_announced(
    of_task: RetryOverride | None, of_job: RetryOverride | None, attempts: int, base: float
) -> None:
    policy = overridden(policy_of("shop.suma", KNOWN), Terms(retry=of_job), of_task)
    assert (policy.retry.max_attempts, policy.retry.base_seconds, policy.retry.cap_seconds) == (attempts, base, 60)


@pytest.mark.parametrize(("of_task", "of_job", "limit"), [(None, None, 600), (None, 30, 30), (5, 30, 5), (5, None, 5)])
def test_so_does_the_time_limit(of_task: float | None, of_job: float | None, limit: float) -> None:
    terms = Terms(time_limit_seconds=of_job)
    assert overridden(policy_of("shop.suma", KNOWN), terms, limit=of_task).time_limit_seconds == limit


@pytest.mark.parametrize(
    ("terms", "pointers"),
    [
        ({}, []),
        ({"run_at": NOON, "expires_at": NOON + timedelta(hours=1)}, []),
        ({"run_at": NOON, "delay_seconds": 5.0}, ["#/delay_seconds"]),
        ({"run_at": NOON, "expires_at": NOON}, ["#/expires_at"]),
        ({"delay_seconds": 3600, "expires_at": NOON + timedelta(minutes=30)}, ["#/expires_at"]),
        ({"delay_seconds": 3600, "expires_at": NOON + timedelta(hours=1)}, ["#/expires_at"]),
        ({"delay_seconds": 3600, "expires_at": NOON + timedelta(hours=1, seconds=1)}, []),
        ({"delay_seconds": 0, "expires_at": NOON - timedelta(hours=1)}, []),
        (
            {"delay_seconds": 315_360_000, "expires_at": datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=10)))},
            ["#/expires_at"],
        ),
        ({"run_at": datetime(9999, 12, 31, 23, tzinfo=timezone(-timedelta(hours=10)))}, ["#/run_at"]),
        ({"expires_at": datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=10)))}, ["#/expires_at"]),
    ],
)
def test_terms_that_contradict_each_other_are_refused(terms: dict[str, Any], pointers: list[str]) -> None:
    assert [error.pointer for error in terms_errors(Terms(**terms), NOON)] == pointers


def test_a_job_that_expires_before_it_starts_is_told_both_times_and_what_to_change() -> None:
    early = Terms(delay_seconds=3600, expires_at=NOON + timedelta(minutes=30))
    assert [error.detail for error in terms_errors(early, NOON)] == [
        "expires_at is 2026-03-01T12:30:00Z, but delay_seconds is 3600, until 2026-03-01T13:00:00Z: the job would "
        "expire before it starts. Give a later expires_at, or a smaller delay_seconds."
    ]
    early = Terms(run_at=NOON, expires_at=NOON - timedelta(days=1))
    assert [error.detail for error in terms_errors(early, NOON)] == [
        "expires_at is 2026-02-28T12:00:00Z, but run_at is 2026-03-01T12:00:00Z: the job would expire before it "
        "starts. Give a later expires_at, or an earlier run_at."
    ]


def test_a_job_takes_its_terms_and_a_title_where_none_is_given() -> None:
    job = new_job(Terms(tags=["b", "a", "b"], priority=9), owner="local", kind="job", title="x" * 300, tasks=[])
    assert (job.tags, job.priority, len(job.title)) == (("b", "a"), 9, 200)
    assert new_job(Terms(title="Mine"), owner="local", kind="job", title="Other", tasks=[]).title == "Mine"
