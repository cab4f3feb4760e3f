"""Storage that gateway and worker do not share is found at the start, not by the first job that misses its file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.running.processes import Process
from tests.support.running.stack import Stack

NOT_SHARED = "STORAGE_URL: this is not the gateway's storage"


@pytest.fixture
def small(tmp_path: Path, rabbitmq_url: str, postgres_url: str) -> Iterator[Stack]:
    with Stack(tmp_path / "stack", broker_url=rabbitmq_url, database_url=postgres_url) as small:
        yield small


def elsewhere(stack: Stack, name: str) -> Process:
    """The named process, started with a storage of its own."""
    env = {**stack.env, "STORAGE_URL": f"file://{stack.folder}/elsewhere"}
    stack.processes[name] = Process(stack.command(name), log=stack.folder / f"{name}.log", env=env)
    return stack.processes[name]


@pytest.mark.parametrize("name", ["mailer", "scheduler"])
def test_a_process_with_another_storage_than_the_gateways_does_not_start(small: Stack, name: str) -> None:
    small.start("gateway")
    process = elsewhere(small, name)
    assert process.wait(60) != 0
    assert NOT_SHARED in process.output()


def test_a_worker_that_was_there_before_the_first_gateway_leaves_when_it_hears_of_it(small: Stack) -> None:
    worker = elsewhere(small, "mailer")
    worker.wait_for_line("ready for action", 60)
    small.start("gateway")
    worker.wait(60)
    assert NOT_SHARED in worker.output()
