"""Conditional requests and ranges, decided."""

from datetime import UTC, datetime

import pytest
from werkzeug.datastructures import Headers

from bureau.services.gateway.http.files.ranges import (
    ByteRange,
    Decision,
    NotModified,
    OutOfRange,
    PreconditionFailed,
    Whole,
    select_response,
)

MODIFIED = datetime(2026, 3, 1, 12, 0, 0, 500_000, tzinfo=UTC)
SAME_DAY, EARLIER, LATER = (
    "Sun, 01 Mar 2026 12:00:00 GMT",
    "Sat, 28 Feb 2026 12:00:00 GMT",
    "Mon, 02 Mar 2026 12:00:00 GMT",
)


@pytest.mark.parametrize(
    ("headers", "decision"),
    [
        ({}, Whole()),
        ({"Range": "bytes=0-0"}, ByteRange(0, 1)),
        ({"Range": "bytes=2-5"}, ByteRange(2, 6)),
        ({"Range": "bytes=90-"}, ByteRange(90, 100)),
        ({"Range": "bytes=90-1000"}, ByteRange(90, 100)),
        ({"Range": "bytes=-10"}, ByteRange(90, 100)),
        ({"Range": "bytes=-1000"}, ByteRange(0, 100)),
        ({"Range": "bytes=100-"}, OutOfRange()),
        ({"Range": "bytes=100-200"}, OutOfRange()),
        ({"Range": "bytes=0-1,4-5"}, Whole()),  # several: the whole file is allowed
        ({"Range": "lines=1-2"}, Whole()),
        ({"Range": "bytes=5-2"}, Whole()),
        ({"Range": "bytes=x"}, Whole()),
        ({"Range": "bytes=0-1", "If-Range": '"abc"'}, ByteRange(0, 2)),
        ({"Range": "bytes=0-1", "If-Range": '"old"'}, Whole()),
        ({"Range": "bytes=0-1", "If-Range": 'W/"abc"'}, Whole()),
        ({"Range": "bytes=0-1", "If-Range": SAME_DAY}, ByteRange(0, 2)),
        ({"Range": "bytes=0-1", "If-Range": EARLIER}, Whole()),
        ({"If-None-Match": '"abc"'}, NotModified()),
        ({"If-None-Match": 'W/"abc"'}, NotModified()),
        ({"If-None-Match": '"old", "abc"'}, NotModified()),
        ({"If-None-Match": "*"}, NotModified()),
        ({"If-None-Match": '"old"'}, Whole()),
        ({"If-None-Match": '"old"', "If-Modified-Since": LATER}, Whole()),
        ({"If-Modified-Since": SAME_DAY}, NotModified()),
        ({"If-Modified-Since": EARLIER}, Whole()),
        ({"If-Modified-Since": "yesterday"}, Whole()),
        ({"If-Match": '"abc"'}, Whole()),
        ({"If-Match": "*"}, Whole()),
        ({"If-Match": '"old"'}, PreconditionFailed()),
        ({"If-Match": '"old"', "If-None-Match": '"abc"'}, PreconditionFailed()),
        ({"If-Unmodified-Since": EARLIER}, PreconditionFailed()),
        ({"If-Unmodified-Since": SAME_DAY}, Whole()),
        ({"If-None-Match": '"abc"', "Range": "bytes=0-1"}, NotModified()),
    ],
)
def test_the_headers_decide(headers: dict[str, str], decision: Decision) -> None:
    assert select_response("GET", Headers(headers), "abc", MODIFIED, 100) == decision


def test_head_has_no_ranges() -> None:
    assert select_response("HEAD", Headers({"Range": "bytes=0-1"}), "abc", MODIFIED, 100) == Whole()


@pytest.mark.parametrize("header", ["bytes=0-", "bytes=-1"])
def test_an_empty_file_has_no_range(header: str) -> None:
    assert select_response("GET", Headers({"Range": header}), "abc", MODIFIED, 0) == OutOfRange()
