"""The fixtures: one Bureau for the whole run of pytest, and for each test a client with an outbox of its own."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from bureau.testing.client import BureauInProcess
from bureau.testing.process import outbox_of, running


@pytest.fixture(scope="session")
def bureau_settings() -> Mapping[str, str]:
    """Settings of Bureau's, as environment variables; override it in a conftest.

    `{"TASKS": "shop.tasks"}` for tasks that no test module imports, `REPORTS_DIR` and `SOURCE_…_URL` for reports.
    """
    return {}


@pytest.fixture(scope="session")
def bureau_process(
    tmp_path_factory: pytest.TempPathFactory, bureau_settings: Mapping[str, str]
) -> Iterator[tuple[str, Path]]:
    """The address and the folder of a Bureau in this process; it has the tasks that were imported when it started."""
    folder = tmp_path_factory.mktemp("bureau")
    _log_to_pytest()
    with running(folder, bureau_settings) as url:
        yield url, folder


@pytest.fixture
def bureau(bureau_process: tuple[str, Path]) -> Iterator[BureauInProcess]:
    """A client of it. `bureau.outbox` holds the mails of this test."""
    url, folder = bureau_process
    with BureauInProcess(url, outbox_of(folder)) as client:
        yield client


def _log_to_pytest() -> None:
    """Log lines become records of `logging`, which pytest shows beside a failure, unless somebody decided otherwise."""
    import structlog

    if not structlog.is_configured():
        structlog.configure(
            processors=[
                structlog.contextvars.merge_contextvars,
                structlog.processors.format_exc_info,
                structlog.processors.KeyValueRenderer(key_order=["event"]),
            ],
            logger_factory=structlog.stdlib.LoggerFactory(),
            wrapper_class=structlog.stdlib.BoundLogger,
        )
