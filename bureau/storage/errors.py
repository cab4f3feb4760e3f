"""Maps errors of the storage to the task errors of `bureau.contracts.errors`."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError

from bureau.contracts.errors import LOGIN_REFUSED_SECONDS, PermanentError, TransientError

_REFUSED = re.compile(r"status code: 40[13]\b")  # of a list, for which obstore has no class of its own


class TooLarge(Exception):
    """Says that the source has more bytes than allowed; nothing was stored."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"more than {limit_bytes} bytes")
        self.limit_bytes = limit_bytes


def unavailable() -> TransientError:
    """Returns the error for a storage that cannot be reached."""
    return TransientError(
        "storage_unavailable",
        "The file storage cannot be reached at the moment; check STORAGE_URL and its disk or server.",
    )


def refused() -> TransientError:
    """Returns the error for a storage that refuses the key, or a folder that this process may not use."""
    return TransientError(
        "storage_unavailable",
        "The file storage refused access. Mend its credentials (for S3 AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY), "
        "or give them the right to read and write what STORAGE_URL names.",
        retry_after=LOGIN_REFUSED_SECONDS,
    )


def missing() -> PermanentError:
    """Returns the error for a file that does not exist."""
    return PermanentError("file_missing", "The stored file no longer exists; upload it or create it again.")


def exists() -> PermanentError:
    """Returns the error for a key that already has a file."""
    return PermanentError("file_exists", "A file is already stored under this key; files are written once.")


@contextmanager
def storage_errors() -> Iterator[None]:
    """Turns errors of obstore and the file system into task errors.

    All of them are transient, because an operator can fix even wrong credentials or a full disk, and the work should
    then continue. The cause is chained for the log. Users do not see its text, because it names hosts and paths.
    """
    try:
        yield
    except (PermissionDeniedError, UnauthenticatedError, PermissionError) as error:
        raise refused() from error
    except (BaseError, OSError) as error:
        raise (refused() if _REFUSED.search(str(error)) else unavailable()) from error
