"""Uploads that are empty, nameless, badly named, too many, too large, or not text."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.hostile_input.conftest import ROSTER, form
from tests.support.running.api import Api, told
from tests.support.running.stack import Stack

CERTIFICATES = "/v1/certificates"
MEBIBYTE = 1024 * 1024


def test_a_form_without_files_says_where_they_belong(api: Api) -> None:
    problem = api.refused(CERTIFICATES, 422, **form())
    assert told(problem) == [("#/files", "missing", "Send at least 1 file in a part named files.")]


@pytest.mark.parametrize("kept", [0, 90])
def test_a_form_that_is_cut_off_is_not_read_as_a_shorter_one(api: Api, kept: int) -> None:
    whole: Any = form(('name="files"; filename="a.csv"', ROSTER))
    problem = api.refused(CERTIFICATES, 400, content=whole["content"][:kept], headers=whole["headers"])
    assert problem["detail"] == "The body is not multipart/form-data: it ends before its last part does."


@pytest.mark.parametrize(
    ("head", "place", "detail"),
    [
        ('name="files"', "#/files", "A part named files must be a file with a file name."),
        ('name="files"; filename=""', "#/files/0", "The file has no name."),
        ('name="files"; filename=".."', "#/files/0", ".. is not a valid file name."),
        ('name="files"; filename="../../etc/"', "#/files/0", "../../etc/ is not a valid file name."),
        ('name="files"; filename="a\x07b.csv"', "#/files/0", "The file's name holds control characters."),
        ('name="files"; filename="a\x00b.csv"', "#/files/0", "The file's name holds control characters."),
        ("name=\"files\"; filename*=UTF-8''a%0D%0AX: y.csv", "#/files/0", "The file's name holds control characters."),
    ],
)
def test_a_file_needs_a_name_that_is_one(api: Api, head: str, place: str, detail: str) -> None:
    problem = api.refused(CERTIFICATES, 422, **form((head, ROSTER)))
    assert [(where, words) for where, _, words in told(problem)] == [(place, detail)]


@pytest.mark.parametrize("name", ["../../../escaped.csv", "..\\..\\escaped.csv", "/etc/escaped.csv", "C:\\escaped.csv"])
def test_a_file_s_folders_are_not_followed(stack: Stack, name: str) -> None:
    escaped_name = name.replace("\\", "\\\\")
    job = stack.api.submit(CERTIFICATES, **form((f'name="files"; filename="{escaped_name}"', ROSTER)))
    assert job["title"] == "Certificates from escaped.csv"
    stack.api.succeeded(job)
    written = list(stack.folder.rglob("*escaped.csv"))
    assert all(stack.storage in path.parents for path in written)
    assert not Path("/etc/escaped.csv").exists()


def test_fifty_one_files_are_one_too_many(api: Api) -> None:
    files = [("files", (f"{n}.csv", ROSTER)) for n in range(51)]
    problem = api.refused(CERTIFICATES, 422, files=files)
    assert told(problem) == [("#/files", "too_many", "51 files were sent; MAX_FILES allows 50.")]


def test_a_roster_in_no_encoding_that_is_certain_says_where_and_how_to_save_it(api: Api) -> None:
    roster = "name\nAda\nIonuţ\n".encode("cp1250")
    error = api.failed(api.submit(CERTIFICATES, files={"files": ("staff.csv", roster)}))
    assert (error["code"], error["task"], error["retryable"]) == ("certificates_refused", "issue", False)
    assert "Windows-1250 (“Ionuţ”)" in error["message"]
    assert "Windows-1254 (“Ionuş”)" in error["message"]
    assert "CSV UTF-8" in error["message"]


def test_200_mb_are_refused_at_once_and_take_no_memory(stack: Stack) -> None:
    edge = {"Content-Type": "multipart/form-data; boundary=edge"}
    file = b'--edge\r\nContent-Disposition: form-data; name="files"; filename="a.csv"\r\n\r\n'
    field = b'--edge\r\nContent-Disposition: form-data; name="title"\r\n\r\n'

    def endless(head: bytes) -> Iterator[bytes]:
        """Announces no length."""
        yield head
        yield from (bytes(MEBIBYTE) for _ in range(200))

    def of_length(head: bytes) -> dict[str, Any]:
        length = {"Content-Length": str(len(head) + 200 * MEBIBYTE)}
        return {"content": endless(head), "headers": {**edge, **length}}

    limit = "MAX_BODY_BYTES allows 100000000."
    cases: list[tuple[str, dict[str, Any], str]] = [
        (CERTIFICATES, of_length(file), f"The body is {len(file) + 200 * MEBIBYTE} bytes; {limit}"),
        (CERTIFICATES, {"content": endless(file), "headers": edge}, f"The body is over 100000000 bytes; {limit}"),
        (
            CERTIFICATES,
            {"content": endless(field), "headers": edge},
            "The form's fields have more than 4194304 bytes, or",
        ),
        (
            "/v1/jobs",
            {"content": endless(b'{"title": "'), "headers": {"Content-Type": "application/json"}},
            "The body is over 16000000 bytes; MAX_JSON_BYTES allows 16000000.",
        ),
    ]
    gateway = stack.processes["gateway"].children()
    for path, request, detail in cases:
        before = reset_peak(gateway)
        began = time.monotonic()
        problem = stack.api.refused(path, 413, **request)
        assert time.monotonic() - began < 10
        assert problem["detail"].startswith(detail)
        assert peak(gateway) - before < 40 * MEBIBYTE


def reset_peak(pids: list[int]) -> int:
    """Forgets how much memory the processes once had; what they have now, in bytes."""
    for pid in pids:
        Path(f"/proc/{pid}/clear_refs").write_text("5")
    return peak(pids)


def peak(pids: list[int]) -> int:
    """The most memory the processes had at a time, in bytes, all together (proc(5): VmHWM)."""
    return sum(_status(pid, "VmHWM") for pid in pids)


def _status(pid: int, name: str) -> int:
    (line,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith(f"{name}:")]
    return int(line.split()[1]) * 1024
