"""Tests that a job is found by its id or by any part of it that only one job has."""

from typing import Any, cast

import pytest

from bureau.cli.job_names import NotOneJob, find_job
from bureau.client import Bureau, Problem

ID = "01a22e1c-3e5e-72a2-aeb3-b32c724fcaee"
OTHER = "01a22e1c-25f3-7b8d-a55b-fb763a51b572"


class FoundJob:
    """A job of the list."""

    def __init__(self, id: str) -> None:
        self.id, self.state, self.title = id, "failed", "A sum"

    def refresh(self) -> "FoundJob":
        return self


class Gateway:
    """A Bureau with two jobs."""

    def get(self, job_id: str) -> FoundJob:
        return FoundJob(job_id)

    def jobs(self, *, id: str, limit: int) -> list[FoundJob]:
        if len(id) < 4:
            raise Problem(422, "invalid", "Validation failed")
        return [FoundJob(one) for one in (ID, OTHER) if id.replace("-", "") in one.replace("-", "")][:limit]


def find(name: str) -> Any:
    return find_job(cast("Bureau", Gateway()), name)


@pytest.mark.parametrize("name", [ID, ID.replace("-", ""), ID[-8:], ID[9:20], "72a2"])
def test_a_job_is_found_by_any_unique_part_of_its_id(name: str) -> None:
    assert find(name).id.replace("-", "") == ID.replace("-", "")


def test_a_part_that_several_ids_have_lists_them() -> None:
    with pytest.raises(NotOneJob, match=f"Several jobs have '01a22e1c'.*\n  {ID}  failed  A sum\n  {OTHER}"):
        find("01a22e1c")


def test_a_part_that_no_id_has_says_so() -> None:
    with pytest.raises(NotOneJob, match="No job has 'ffff' in its id"):
        find("ffff")


def test_a_part_that_is_too_short_says_how_long_it_must_be() -> None:
    with pytest.raises(NotOneJob, match="four or more digits"):
        find("ee")
