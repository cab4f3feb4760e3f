"""Defines `Bureau`, the client of one gateway with one key."""

from typing import Self

from bureau.client.operations import Operations
from bureau.client.retrying import Patience
from bureau.client.submissions import Submissions


class Bureau(Submissions, Operations):
    """Sends requests to the gateway at `url`. Threads may share it; it opens no connection before the first request.

    `url` defaults to BUREAU_URL, else http://127.0.0.1:8600. `key` defaults to BUREAU_KEY, or to the content of the
    file that BUREAU_KEY_FILE names. `patience` sets how long a request is retried while the gateway is down or busy.
    """

    def __init__(self, url: str | None = None, key: str | None = None, *, patience: Patience | None = None) -> None:
        # Here, because httpx takes longer to import than all the rest: `bureau --help` does without it.
        from bureau.client.connection import Connection

        self.connection = Connection(url, key, patience=patience)

    def __repr__(self) -> str:
        return f"Bureau({self.url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        return self.connection.url

    def close(self) -> None:
        """Closes the connections."""
        self.connection.close()
