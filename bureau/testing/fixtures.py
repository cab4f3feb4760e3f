"""Defines the fixtures: one Bureau for the whole run of pytest, and a client with its own outbox for each test."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from bureau.in_process.client import BureauInProcess
from bureau.in_process.process import NotInstalled, outbox_of, running


@pytest.fixture(scope="session")
def bureau_settings() -> Mapping[str, str]:
    """Returns Bureau's settings as environment variables; override it in a conftest.

    Use `{"TASKS": "shop.tasks"}` for tasks that no test module imports, and `REPORTS_DIR` and `SOURCE_…_URL` for
    reports.
    """
    return {}


@pytest.fixture(scope="session")
def bureau_process(
    tmp_path_factory: pytest.TempPathFactory, bureau_settings: Mapping[str, str]
) -> Iterator[tuple[str, Path]]:
    """Yields the address and the folder of a Bureau in this process, with the tasks imported when it started."""
    folder = tmp_path_factory.mktemp("bureau")
    with ExitStack() as stack:
        try:
            url = stack.enter_context(running(folder, bureau_settings))
        except NotInstalled as error:
            raise pytest.UsageError(f"bureau.testing: {error}") from error
        yield url, folder


@pytest.fixture
def bureau(bureau_process: tuple[str, Path]) -> Iterator[BureauInProcess]:
    """Yields a client of the Bureau in this process. `bureau.outbox` holds the mails of this test."""
    url, folder = bureau_process
    with BureauInProcess(url, outbox_of(folder)) as client:
        yield client
