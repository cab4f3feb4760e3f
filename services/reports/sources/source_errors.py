"""Builds the task errors of sources, with messages for the requesters of a report.

A message never contains SQL, a value of the data or a credential; these belong at most in the operator's log.
"""

from bureau.contracts.errors import LOGIN_REFUSED_SECONDS, PermanentError, TransientError

_FIX = "The maintainer of the report must fix it."


def unavailable(source: str) -> TransientError:
    return TransientError(
        "source_unavailable",
        f'The data source "{source}" could not be reached or did not answer. If that lasts, check the address in '
        f"SOURCE_{source.upper()}_URL.",
    )


def sign_in_refused(source: str) -> TransientError:
    """Returns the error for a wrong role, password or database name, and for a role that may not connect."""
    return TransientError(
        "source_sign_in_refused",
        f'The data source "{source}" refused the login. Mend the user, the password or the database name in '
        f"SOURCE_{source.upper()}_URL, or let this user connect there.",
        retry_after=LOGIN_REFUSED_SECONDS,
    )


def not_readable(source: str) -> TransientError:
    """Returns the error for a file that this process may not read."""
    return TransientError(
        "source_sign_in_refused",
        f'The file of the data source "{source}" may not be read. Give the user of the reports service the right to '
        f"read it and its folder, or mend SOURCE_{source.upper()}_URL.",
        retry_after=LOGIN_REFUSED_SECONDS,
    )


def not_permitted(source: str) -> PermanentError:
    return PermanentError(
        "source_permission_denied",
        f'Bureau may not read everything this report needs from the data source "{source}". '
        "The operator of the source must permit it.",
    )


def would_write(source: str) -> PermanentError:
    return PermanentError(
        "report_query_writes", f'The report\'s query would change data in "{source}"; reports only read. {_FIX}'
    )


def bad_query(source: str) -> PermanentError:
    return PermanentError(
        "report_query_invalid", f'The data source "{source}" cannot parse the report\'s query. {_FIX}'
    )


def missing(source: str, what: str) -> PermanentError:
    """Returns the error for something the source lacks. `what` is "a table", "a column", "a function"."""
    return PermanentError(
        "report_query_invalid",
        f'The report\'s query uses {what} that the data source "{source}" does not have. {_FIX}',
    )


def no_rows(source: str) -> PermanentError:
    return PermanentError(
        "report_query_invalid", f'The report\'s query on "{source}" is not a select: it returns no columns. {_FIX}'
    )


def bad_data(source: str, what: str) -> PermanentError:
    """Returns the error for data that the query cannot process. `what` completes "failed on"."""
    return PermanentError("report_data_error", f'The report\'s query on "{source}" failed on {what}. {_FIX}')


def stopped_by_source(source: str, seconds: float) -> PermanentError:
    return PermanentError(
        "source_stopped_query",
        f'The data source "{source}" stopped the report\'s query after {seconds:.0f} seconds, because of a time limit '
        f"there, SOURCE_{source.upper()}_TIMEOUT_SECONDS, or a cancel by a person.",
    )


def failed(source: str, state: str) -> PermanentError:
    """Returns the error for any other cause. `state` is the source's error code, which reveals no data, or empty."""
    code = f" (code {state})" if state else ""
    return PermanentError("report_query_failed", f'The data source "{source}" could not run the report\'s query{code}.')


def wrong_format(source: str, column: str, types: str) -> PermanentError:
    """Returns the error for a format of another type. `wanted` is "numbers" or "dates or times"."""
    return PermanentError(
        "report_query_invalid",
        f'The report gives the column {column!r} a format for {types}, but in "{source}" it has another type. {_FIX}',
    )
