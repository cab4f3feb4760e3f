"""The errors in what was sent are shown one by one, by file and line."""

from bureau.client.job import detail_lines
from bureau.client.shapes import ErrorDetailData, JobErrorData

ERROR = JobErrorData(code="certificates_refused", message="2 errors", retryable=False, task="issue")


def test_each_error_is_a_line() -> None:
    details: list[ErrorDetailData] = [
        {"file": "a.csv", "line": 4, "column": "email", "message": "email “x” is not an address"},
        {"file": "b.csv", "line": None, "column": None, "message": "is empty"},
        {"file": None, "line": None, "column": None, "message": "too many"},
    ]
    assert detail_lines({**ERROR, "details": details}) == [
        "a.csv, line 4: email “x” is not an address",
        "b.csv: is empty",
        "too many",
    ]


def test_an_older_gateway_sends_none() -> None:
    assert detail_lines(ERROR) == detail_lines(None) == []
