"""Stored files: uploaded, downloaded, in parts and under conditions."""

from typing import Any

import httpx
import pytest

from tests.integration.gateway.conftest import Door, pointers

CONTENTS = bytes(range(256)) * 3000  # more than one chunk of storage


@pytest.fixture
def stored(door: Door) -> dict[str, Any]:
    answer = door.post("/v1/files", files={"file": ("data.bin", CONTENTS, "application/x-data")})
    assert answer.status_code == 201
    found: dict[str, Any] = answer.json()
    assert answer.headers["Location"] == found["url"]
    return found


def test_a_file_comes_back_as_it_was_sent(door: Door, stored: dict[str, Any]) -> None:
    answer = door.get(stored["url"])
    assert (answer.status_code, answer.content) == (200, CONTENTS)
    assert answer.headers["Content-Type"] == "application/x-data"
    assert answer.headers["Content-Length"] == str(len(CONTENTS)) == str(stored["size"])
    assert answer.headers["ETag"] == f'"{stored["sha256"]}"'
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="data.bin"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Last-Modified" in answer.headers


@pytest.mark.parametrize(
    ("wanted", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=100-", 100, None),
        ("bytes=-100", -100, None),
        ("bytes=262100-524300", 262100, 524301),
    ],
)
def test_a_part_comes_back(door: Door, stored: dict[str, Any], wanted: str, start: int, end: int | None) -> None:
    answer = door.get(stored["url"], Range=wanted)
    assert (answer.status_code, answer.content) == (206, CONTENTS[start:end])
    first = start % len(CONTENTS)
    assert answer.headers["Content-Range"] == f"bytes {first}-{first + len(answer.content) - 1}/{len(CONTENTS)}"


def test_a_range_outside_the_file_says_its_size(door: Door, stored: dict[str, Any]) -> None:
    answer = door.get(stored["url"], Range="bytes=9999999-")
    assert (answer.status_code, answer.json()["type"]) == (416, "/problems/range-not-satisfiable")
    assert answer.headers["Content-Range"] == f"bytes */{len(CONTENTS)}"


def test_a_file_that_the_client_has_is_not_sent_again(door: Door, stored: dict[str, Any]) -> None:
    etag = door.get(stored["url"]).headers["ETag"]
    answer = door.get(stored["url"], **{"If-None-Match": etag})
    assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", etag)
    assert door.get(stored["url"], **{"If-Match": '"old"'}).status_code == 412
    changed = door.get(stored["url"], Range="bytes=0-9", **{"If-Range": '"old"'})
    assert (changed.status_code, len(changed.content)) == (200, len(CONTENTS))


def test_head_says_all_but_the_contents(door: Door, stored: dict[str, Any]) -> None:
    answer = door.client.head(stored["url"])
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Length"] == str(len(CONTENTS))
    assert answer.headers["ETag"] == f'"{stored["sha256"]}"'


def test_a_page_that_was_uploaded_is_not_shown_as_one(door: Door) -> None:
    answer = door.post("/v1/files", files={"file": ("x.html", b"<script>", "text/html")})
    read = door.get(answer.json()["url"])
    assert read.headers["Content-Disposition"].startswith("attachment")
    assert "sandbox" in read.headers["Content-Security-Policy"]


def test_a_name_in_another_script_is_kept(door: Door) -> None:
    stored = door.post("/v1/files", files={"file": ("año 1?.txt", b"x")}).json()
    assert stored["name"] == "año 1_.txt"
    assert stored["url"].endswith("/a%C3%B1o%201_.txt")
    answer = door.app.test_client().get(stored["url"], headers={"Host": "localhost"})
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].endswith("filename*=UTF-8''a%C3%B1o%201_.txt")


@pytest.mark.parametrize("name", ["ñ" * 150, "a#1", "a" * 300 + ".csv", "con", "x\\y.txt", "%2e%2e%2f"])
def test_a_strange_name_does_no_harm(door: Door, name: str) -> None:
    answer = door.post("/v1/files", files={"file": (name, b"x")})
    assert answer.status_code == 201
    read = door.app.test_client().get(answer.json()["url"], headers={"Host": "localhost"})
    assert (read.status_code, read.data) == (200, b"x")


@pytest.mark.parametrize("media_type", ["", "text", "x" * 200, "text/plain; charset=utf-8", "a/b\r\nX: y"])
def test_a_strange_media_type_does_no_harm(door: Door, media_type: str) -> None:
    part = (
        f'--cut\r\nContent-Disposition: form-data; name="file"; filename="a"\r\nContent-Type: {media_type}\r\n\r\nx\r\n'
    )
    headers = {"Content-Type": "multipart/form-data; boundary=cut"}
    answer = door.post("/v1/files", content=f"{part}--cut--\r\n".encode(), headers=headers)
    assert answer.status_code == 201
    read = door.get(answer.json()["url"])
    assert (read.status_code, "X" in read.headers) == (200, False)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("text/calendar; method=REQUEST", "text/calendar; method=REQUEST"),
        ('application/pdf; name="the plan.pdf"', 'application/pdf; name="the plan.pdf"'),
        ('application/pdf; name="übersicht.pdf"', "application/pdf; name*=utf-8''%C3%BCbersicht.pdf"),
        ('text/csv; header=present; a="b\0"', "text/csv; header=present"),
    ],
)
def test_a_file_keeps_the_parameters_of_its_media_type(door: Door, sent: str, kept: str) -> None:
    part = f'--cut\r\nContent-Disposition: form-data; name="file"; filename="a"\r\nContent-Type: {sent}\r\n\r\nx\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=cut"}
    stored = door.post("/v1/files", content=f"{part}--cut--\r\n".encode(), headers=headers).json()
    assert stored["media_type"] == kept
    assert door.get(stored["url"]).headers["Content-Type"] == kept


@pytest.mark.parametrize(
    "files",
    [
        {"file": ("a.txt", b"")},
        [("file", ("a", b"x")), ("file", ("b", b"x"))],
        {"files": ("a.txt", b"x")},
        [("file", ("a", b"x")), ("title", (None, "x"))],
    ],
)
def test_a_wrong_upload_is_refused_and_leaves_nothing(door: Door, files: Any) -> None:
    answer = door.post("/v1/files", files=files)
    assert answer.status_code == 422
    assert pointers(answer)
    assert door.stored() == []


def test_a_file_needs_its_name_and_its_owner(door: Door, stored: dict[str, Any]) -> None:
    assert door.get(f"/v1/artifacts/{stored['id']}/other.bin").status_code == 404
    assert door.get("/v1/artifacts/7f3e0f5e-3c4e-4c1e-9d0c-0d7d7d7d7d7d/data.bin").status_code == 404


def test_a_file_that_is_gone_from_storage_is_a_404_and_not_half_an_answer(door: Door, stored: dict[str, Any]) -> None:
    door.storage.delete(door.stored())
    answer: httpx.Response = door.get(stored["url"])
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")
