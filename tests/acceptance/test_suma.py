"""The five examples of examples/suma/jobs, as a user would post them."""

import json
from pathlib import Path
from typing import Any

from tests.support.embedded import EmbeddedBureau

JOBS = Path(__file__).parents[2] / "examples/suma/jobs"


def done(office: EmbeddedBureau, name: str) -> dict[str, Any]:
    job = office.api.submit("/v1/jobs", json=json.loads((JOBS / f"{name}.json").read_text()))
    return office.api.succeeded(job)


def results(job: dict[str, Any]) -> list[int]:
    return [task["result"] for task in job["tasks"]]


def test_a_chain_of_two_and_two_and_four_gives_eight(office: EmbeddedBureau) -> None:
    assert results(done(office, "chain")) == [4, 8]


def test_a_group_gives_each_result(office: EmbeddedBureau) -> None:
    assert results(done(office, "group")) == [4, 8]


def test_a_chord_adds_the_results_of_its_group(office: EmbeddedBureau) -> None:
    assert results(done(office, "chord")) == [4, 8, 12]


def test_a_countdown_does_not_start_before_its_time(office: EmbeddedBureau) -> None:
    job = done(office, "countdown")
    assert job["run_at"] <= job["started_at"]
    assert results(job) == [4]


def test_a_flaky_task_is_tried_again_until_it_succeeds(office: EmbeddedBureau) -> None:
    (task,) = done(office, "retry")["tasks"]
    assert (task["result"], task["attempt"], task["max_attempts"]) == (3, 3, 4)
    errors = [attempt["error"] and attempt["error"]["message"] for attempt in task["attempts"]]
    assert errors == ["Attempt 1 had no luck.", "Attempt 2 had no luck.", None]
