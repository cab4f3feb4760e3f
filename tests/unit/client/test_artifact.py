"""Tests that a downloaded file gets its name only when it is complete."""

import hashlib
from pathlib import Path
from typing import Any, cast

import pytest

from bureau.client import Artifact, Damaged, NoSuchArtifact, Patience, Problem, Unreachable
from bureau.client.job import Job
from tests.support.servers.http_servers import ends_early, replies, resets
from tests.unit.client.conftest import JOB, Served, problem

BODY = b"0123456789" * 1000
SHA256 = hashlib.sha256(BODY).hexdigest()


def data(name: str = "sales.csv", body: bytes = BODY) -> Any:
    sha256 = hashlib.sha256(body).hexdigest()
    return {
        "id": "a1",
        "task": "generate",
        "name": name,
        "size": len(body),
        "sha256": sha256,
        "url": "/v1/artifacts/a1/x",
    }


def test_a_file_is_saved_under_the_name_given_or_its_own(served: Served, tmp_path: Path) -> None:
    bureau, _ = served(replies(200, BODY))
    artifact = Artifact(bureau.connection, data())
    assert artifact.save(tmp_path / "mine.csv") == tmp_path / "mine.csv"
    assert artifact.save(tmp_path) == tmp_path / "sales.csv"
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"mine.csv": BODY, "sales.csv": BODY}
    assert artifact.read() == BODY


def test_a_download_that_was_cut_off_continues_where_it_ended(served: Served, tmp_path: Path) -> None:
    cut = ends_early(BODY[:4000], len(BODY))
    bureau, server = served(cut, resets, replies(206, BODY[4000:7000]), replies(200, BODY))
    saved = Artifact(bureau.connection, data()).save(tmp_path / "sales.csv")
    assert saved.read_bytes() == BODY
    asked = [request.headers.get("Range") for request in server.requests]
    assert asked[0] is None
    assert asked[-1] in ("bytes=7000-", "bytes=3000-")  # a reset may take what had arrived with it


@pytest.mark.parametrize("wrong", [BODY[:-1] + b"x", BODY + b"more"], ids=["changed", "longer"])
def test_a_file_with_another_content_is_refused_and_deleted(served: Served, tmp_path: Path, wrong: bytes) -> None:
    target = tmp_path / "sales.csv"
    target.write_bytes(b"the one before")
    bureau, _ = served(replies(200, wrong))
    with pytest.raises(Damaged, match="download it again"):
        Artifact(bureau.connection, data()).save(target)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("sales.csv", b"the one before")]


@pytest.mark.parametrize("error", [Problem, Unreachable])
def test_a_failed_download_leaves_no_file(served: Served, tmp_path: Path, error: type[Exception]) -> None:
    behaviour = problem(404, "not-found") if error is Problem else resets
    bureau, _ = served(ends_early(BODY[:100], len(BODY)), behaviour, patience=Patience(0.05, 0.02))
    with pytest.raises(error):
        Artifact(bureau.connection, data()).save(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "saved"),
    [("../../etc/passwd", "passwd"), ("..", "file"), ("a\\b.csv", "b.csv"), ("/", "file"), ("Ünï.csv", "Ünï.csv")],
)
def test_no_file_name_leaves_the_folder(served: Served, tmp_path: Path, name: str, saved: str) -> None:
    bureau, _ = served(replies(200, BODY))
    assert Artifact(bureau.connection, data(name)).save(tmp_path) == tmp_path / saved


def test_an_empty_file_is_saved(served: Served, tmp_path: Path) -> None:
    bureau, server = served(replies(200))
    assert Artifact(bureau.connection, data(body=b"")).save(tmp_path / "empty").read_bytes() == b""
    assert server.requests == []


def test_an_unknown_file_is_an_error_that_lists_the_files_of_the_job(served: Served) -> None:
    bureau, _ = served(resets)
    job = Job(bureau.connection, cast("Any", {**JOB, "artifacts": [data(), data("b.csv")]}))
    with pytest.raises(NoSuchArtifact, match=r"has no file 'c\.csv'; it has 'sales\.csv', 'b\.csv'"):
        job.artifact("c.csv")
    assert job.artifact("b.csv", task="generate").sha256 == SHA256


def test_a_pattern_selects_a_file_if_exactly_one_matches(served: Served) -> None:
    bureau, _ = served(resets)
    job = Job(
        bureau.connection, cast("Any", {**JOB, "artifacts": [data("sales-2026.csv"), data("log.txt"), data("*")]})
    )
    assert job.artifact("sales*.csv").name == "sales-2026.csv"
    assert job.artifact("sales.csv").name == "sales-2026.csv"
    assert job.artifact("*").name == "*"
    with pytest.raises(NoSuchArtifact, match="several files that match 's\\*'"):
        Job(bureau.connection, cast("Any", {**JOB, "artifacts": [data("s1"), data("s2")]})).artifact("s*")
    alone = Job(bureau.connection, cast("Any", {**JOB, "artifacts": [data()]}))
    assert alone.artifact().name == "sales.csv"
