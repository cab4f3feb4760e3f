"""Small decisions: names in headers, addresses, references, words, readiness."""

from datetime import timedelta
from typing import Any
from urllib.parse import unquote
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bureau.contracts.jobs.references import used_in
from bureau.contracts.requests.addresses import checked_address, checked_line
from bureau.services.gateway.api.health import Check, readiness
from bureau.services.gateway.console.text.words import ago, duration
from bureau.services.gateway.http.files.disposition import attachment, path_segment
from bureau.submission.names import named

ID = "7f3e0f5e-3c4e-4c1e-9d0c-0d7d7d7d7d7d"


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("a.csv", 'attachment; filename="a.csv"'),
        ("two words.csv", 'attachment; filename="two words.csv"'),
        ("año.csv", "attachment; filename=\"a_o.csv\"; filename*=UTF-8''a%C3%B1o.csv"),
        ('a"b.csv', "attachment; filename=\"a_b.csv\"; filename*=UTF-8''a%22b.csv"),
        ("50%.csv", "attachment; filename=\"50_.csv\"; filename*=UTF-8''50%25.csv"),
    ],
)
def test_a_file_name_in_a_header_says_it_plainly_and_exactly(name: str, header: str) -> None:
    assert attachment(name) == header


@given(st.text(min_size=1, max_size=20))
def test_no_name_breaks_out_of_the_header(name: str) -> None:
    header = attachment(name.encode("utf-8", "replace").decode())
    assert header.isascii()
    assert header.isprintable()
    assert header.count('"') == 2


def test_a_name_is_one_segment_of_a_path() -> None:
    assert path_segment("a/b?c#d e%") == "a%2Fb%3Fc%23d%20e%25"
    assert unquote(path_segment("año/ñ")) == "año/ñ"


@pytest.mark.parametrize(
    "address",
    [
        "ada@example.com",
        "Ada Lovelace <ada@example.com>",
        '"Lovelace, Ada" <ada@example.com>',
        "Àngels Ünal <angels@example.com>",
        "root@localhost",
        "ada@mail.test",
        "ada@exämple.com",
        "用户@例え.jp",
        "José <josé@example.com>",
        " ada@example.com ",
    ],
)
def test_an_address_is_taken_as_it_is_written(address: str) -> None:
    assert checked_address(address) == address


@pytest.mark.parametrize(
    "address",
    [
        "ada",
        "@example.com",
        "ada@",
        "ada@localhost@example.com",
        "ada@example.com, bob@example.com",
        "ada@example.com\nBcc: eve@example.com",
        "Ada\r\nBcc: eve@example.com <ada@example.com>",
        "Ada\x00 <ada@example.com>",
        "Ada <ada@example.com> <eve@example.com>",
        "a b@example.com",
        "ada@exa mple.com",
        "josé\u2028@example.com",
        "josé\x85@example.com",
    ],
)
def test_an_invalid_address_is_refused_with_a_reason(address: str) -> None:
    with pytest.raises(ValueError, match="not an e-mail address"):
        checked_address(address)


@pytest.mark.parametrize("text", ["a\r\nBcc: x", "a\nb", "a\x00", "\x1b[31m"])
def test_a_header_stays_one_line(text: str) -> None:
    with pytest.raises(ValueError, match="one line"):
        checked_line(text)
    assert checked_line("Año\tnuevo 🎉") == "Año\tnuevo 🎉"


@pytest.mark.parametrize(
    ("value", "paths"),
    [
        ({"artifact": ID}, [()]),
        ({"files": [{"artifact": ID, "name": "x"}, {"artifact": ID}]}, [("files", 0), ("files", 1)]),
        ({"artifact": ID, "other": 1}, []),  # something else that has such a field
        ({"artifact": "no id"}, []),
        ({"artifact": {"$result": "/a"}}, []),
        ("text", []),
    ],
)
def test_references_to_stored_files_are_found_where_they_stand(value: Any, paths: list[tuple[Any, ...]]) -> None:
    used = used_in(value)
    assert [one.path for one in used] == paths
    assert all(one.artifact == UUID(ID) for one in used)


def test_names_that_are_known_are_listed() -> None:
    assert named("report", {"b": 1, "a": 2}) == "known: a, b."
    assert named("report", {}) == "no report is announced."
    assert named("task", {f"t{n:03}": 1 for n in range(60)}).endswith("t049 and 10 more.")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-5, "0.0 s"), (0.42, "0.4 s"), (12.7, "12 s"), (200, "3 min"), (7300, "2 h"), (500_000, "5 d")],
)
def test_a_time_span_is_said_shortly(seconds: float, words: str) -> None:
    assert duration(timedelta(seconds=seconds)) == words


def test_an_event_of_this_moment_is_just_now() -> None:
    assert ago(timedelta(seconds=2)) == "just now"
    assert ago(timedelta(minutes=3)) == "3 min ago"


@pytest.mark.parametrize(
    ("failing", "status"),
    [
        ([], "ready"),
        (["broker"], "degraded"),
        (["ledger"], "not_ready"),
        (["storage"], "not_ready"),
        (["broker", "storage"], "not_ready"),
    ],
)
def test_a_broker_outage_alone_keeps_submissions_open(failing: list[str], status: str) -> None:
    checks = {
        name: Check(status="failing" if name in failing else "ok", detail=None)
        for name in ("ledger", "storage", "broker")
    }
    assert readiness(checks) == status
