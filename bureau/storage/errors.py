"""What goes wrong with storage, in the words of `bureau.contracts.errors`."""

from collections.abc import Iterator
from contextlib import contextmanager

from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError

from bureau.contracts.errors import PermanentError, TransientError


class TooLarge(Exception):
    """The source has more bytes than were allowed; nothing was stored."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"more than {limit_bytes} bytes")
        self.limit_bytes = limit_bytes


def unavailable() -> TransientError:
    return TransientError(
        "storage_unavailable",
        "The file storage cannot be reached at the moment; check STORAGE_URL and its disk or server.",
    )


def missing() -> PermanentError:
    return PermanentError("file_missing", "The stored file is not there any more; upload or make it again.")


def exists() -> PermanentError:
    return PermanentError("file_exists", "A file is already stored under this key; files are written once.")


@contextmanager
def storage_trouble() -> Iterator[None]:
    """Turns what obstore and the file system raise into task errors.

    All of it may be over later: even wrong credentials or a full disk are mended by an operator, and the
    work should then go on. The cause is chained for the log; its text names hosts and paths, users do not see it.
    """
    try:
        yield
    except (PermissionDeniedError, UnauthenticatedError, PermissionError) as error:
        raise TransientError(
            "storage_unavailable", "The file storage refused access; check its credentials and permissions."
        ) from error
    except (BaseError, OSError) as error:
        raise unavailable() from error
