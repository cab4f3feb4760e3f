"""The five examples of examples/suma/jobs, as a user would post them."""

import json
from pathlib import Path
from typing import Any

from tests.support.running.embedded import EmbeddedBureau

JOBS = Path(__file__).parents[3] / "examples/suma/jobs"


def done(plain: EmbeddedBureau, name: str) -> dict[str, Any]:
    job = plain.api.submit("/v1/jobs", json=json.loads((JOBS / f"{name}.json").read_text()))
    return plain.api.succeeded(job)


def results(job: dict[str, Any]) -> list[int]:
    return [task["result"] for task in job["tasks"]]


def test_a_chain_of_two_and_two_and_four_gives_eight(plain: EmbeddedBureau) -> None:
    assert results(done(plain, "chain")) == [4, 8]


def test_a_group_gives_each_result(plain: EmbeddedBureau) -> None:
    assert results(done(plain, "group")) == [4, 8]


def test_a_chord_adds_the_results_of_its_group(plain: EmbeddedBureau) -> None:
    assert results(done(plain, "chord")) == [4, 8, 12]


def test_a_countdown_does_not_start_before_its_time(plain: EmbeddedBureau) -> None:
    job = done(plain, "countdown")
    assert job["run_at"] <= job["started_at"]
    assert results(job) == [4]


def test_a_flaky_task_is_tried_again_until_it_succeeds(plain: EmbeddedBureau) -> None:
    (task,) = done(plain, "retry")["tasks"]
    assert (task["result"], task["attempt"], task["max_attempts"]) == (3, 3, 4)
    errors = [attempt["error"] and attempt["error"]["message"] for attempt in task["attempts"]]
    assert errors == ["Attempt 1 had no luck.", "Attempt 2 had no luck.", None]
