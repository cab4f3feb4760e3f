"""What went wrong at a source, in words for the one who asked for the report.

Never the SQL, a value of the data or a credential: those are for the log of whoever runs Bureau, or for nobody.
"""

from bureau.contracts.errors import PermanentError, TransientError

_MEND = "Whoever maintains the report has to mend it."


def unavailable(source: str) -> TransientError:
    return TransientError("source_unavailable", f'The data source "{source}" could not be reached or did not answer.')


def sign_in_refused(source: str) -> PermanentError:
    return PermanentError(
        "source_sign_in_refused",
        f'The data source "{source}" refused Bureau\'s sign-in. Check SOURCE_{source.upper()}_URL.',
    )


def not_permitted(source: str) -> PermanentError:
    return PermanentError(
        "source_permission_denied",
        f'Bureau may not read everything this report needs from the data source "{source}". '
        "Whoever runs the source has to permit it.",
    )


def would_write(source: str) -> PermanentError:
    return PermanentError(
        "report_query_writes", f'The report\'s query would change data in "{source}"; reports only read. {_MEND}'
    )


def bad_query(source: str) -> PermanentError:
    return PermanentError(
        "report_query_invalid", f'The data source "{source}" does not understand the report\'s query. {_MEND}'
    )


def missing(source: str, what: str) -> PermanentError:
    """`what` is "a table", "a column", "a function"."""
    return PermanentError(
        "report_query_invalid",
        f'The report\'s query uses {what} that the data source "{source}" does not have. {_MEND}',
    )


def no_rows(source: str) -> PermanentError:
    return PermanentError(
        "report_query_invalid", f'The report\'s query on "{source}" is no select: it gives no columns. {_MEND}'
    )


def bad_data(source: str, what: str) -> PermanentError:
    """`what` completes "met"."""
    return PermanentError("report_data_error", f'The report\'s query on "{source}" met {what}. {_MEND}')


def stopped_by_source(source: str, seconds: float) -> PermanentError:
    return PermanentError(
        "source_stopped_query",
        f'The data source "{source}" stopped the report\'s query after {seconds:.0f} seconds: a time limit there, '
        f"or SOURCE_{source.upper()}_TIMEOUT_SECONDS, or somebody who cancelled it.",
    )


def failed(source: str, state: str) -> PermanentError:
    """`state` is the source's own error code, which says nothing of the data, or empty."""
    code = f" (code {state})" if state else ""
    return PermanentError("report_query_failed", f'The data source "{source}" failed the report\'s query{code}.')


def wrong_format(source: str, column: str, wanted: str) -> PermanentError:
    """`wanted` is "numbers" or "dates or times"."""
    return PermanentError(
        "report_query_invalid",
        f'The report gives the column {column!r} a format for {wanted}, but in "{source}" it has none. {_MEND}',
    )
