"""Tests the errors of every storage."""

import multiprocessing
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from obstore.store import S3Store

from bureau.contracts.errors import LOGIN_REFUSED_SECONDS, PermanentError, Stopped, TransientError
from bureau.storage import Storage, TooLarge
from bureau.storage.backends import backend_from_url
from bureau.storage.errors import storage_errors
from tests.support.servers.http_servers import http_server, replies
from tests.support.servers.s3 import CREDENTIALS, S3Server

MIB = 1024 * 1024

HOSTILE_KEYS = [
    "",
    "/",
    "/etc/passwd",
    "a/",
    "a//b",
    "..",
    "../x",
    "a/../b",
    "a/..",
    ".",
    "a/./b",
    "a\x00b",
    "a\nb",
    "a\x7fb",
    "a\x9fb",
    "a\\..\\b",
    "\ud800",
    "a#1",
    "dir#12/b",
    "n" * 241,
    "x/" * 512 + "y",
]


@pytest.mark.parametrize("key", HOSTILE_KEYS)
def test_hostile_keys_are_refused_by_every_operation(storage: Storage, key: str) -> None:
    with pytest.raises(ValueError, match="storage key"):
        storage.put(key, [b"x"])
    with pytest.raises(ValueError, match="storage key"):
        storage.read(key)
    with pytest.raises(ValueError, match="storage key"):
        storage.open(key)
    assert list(storage.list("")) == []


@pytest.mark.parametrize("key", ["../x", "/etc/passwd", "a/../b", "", "#1", "../x#1"])
def test_hostile_keys_are_not_deleted(storage: Storage, key: str) -> None:
    with pytest.raises(ValueError, match="storage key"):
        storage.delete(["fine", key])


@pytest.mark.parametrize("prefix", ["..", "../", "/etc", "a/../../b", "//"])
def test_hostile_prefixes_are_not_listed(storage: Storage, prefix: str) -> None:
    with pytest.raises(ValueError, match="storage key"):
        list(storage.list(prefix))


@pytest.mark.parametrize("size", [10, 12 * MIB])
@pytest.mark.parametrize("error", [RuntimeError("the task failed"), Stopped("cancelled"), KeyboardInterrupt()])
def test_an_exception_in_the_block_leaves_no_file(storage: Storage, size: int, error: BaseException) -> None:
    def write_half() -> None:
        with storage.writer("jobs/1/half.csv") as writer:
            for _ in range(12):
                writer.write(b"x" * (size // 12 + 1))
            raise error

    with pytest.raises(type(error)) as raised:
        write_half()

    assert raised.value is error
    assert list(storage.list("")) == []
    with pytest.raises(PermanentError):
        storage.read("jobs/1/half.csv")
    assert storage.put("jobs/1/half.csv", [b"again"]).size == 5


def test_a_broken_source_leaves_no_file(storage: Storage) -> None:
    def broken() -> Iterator[bytes]:
        yield b"x" * 12 * MIB
        raise ConnectionResetError("the client went away")

    with pytest.raises(ConnectionResetError):
        storage.put("upload", broken())
    assert list(storage.list("")) == []


def test_an_aborted_upload_leaves_no_hidden_parts_in_the_bucket(s3: S3Server, s3_credentials: None) -> None:
    url = s3.fresh_bucket()
    under_way = []

    def chunks() -> Iterator[bytes]:
        for _ in range(20):
            yield b"x" * MIB
            under_way.append(s3.unfinished_uploads(url))

    with pytest.raises(TooLarge):
        Storage.from_url(url).put("upload", chunks(), limit_bytes=15 * MIB)

    assert max(under_way) == 1
    assert s3.unfinished_uploads(url) == 0


def test_a_missing_file_is_a_permanent_error_before_the_first_byte(storage: Storage) -> None:
    storage.put("there", [b"x"])
    for use in (storage.read, storage.open):
        with pytest.raises(PermanentError) as error:
            use("not/there")
        assert error.value.code == "file_missing"


def test_a_file_that_is_deleted_while_it_is_read_is_missing(storage: Storage) -> None:
    storage.put("big", [b"x" * 3 * MIB])
    chunks = storage.read("big")
    next(chunks)
    storage.delete(["big"])
    with pytest.raises(PermanentError) as error:
        list(chunks)
    assert error.value.code == "file_missing"


def test_a_storage_that_is_down_is_a_transient_error_in_every_operation(
    storage: Storage, take_away: Callable[[], str]
) -> None:
    storage.put("a", [b"x"])
    url = take_away()
    away = storage if url.startswith("file://") else Storage.from_url(url)

    uses: list[Callable[[], object]] = [
        lambda: away.put("b", [b"x"]),
        lambda: list(away.read("a")),
        lambda: away.open("a"),
        lambda: away.delete(["a"]),
        lambda: list(away.list("")),
    ]
    for use in uses:
        with pytest.raises(TransientError) as error:
            use()
        assert error.value.code == "storage_unavailable"
        assert "127.0.0.1" not in error.value.message


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_names_the_settings_and_is_tried_again_slowly(
    status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    body = b"<Error><Code>InvalidAccessKeyId</Code><Message>The key AKIA-hidden does not exist.</Message></Error>"
    with http_server(replies(status, body, "application/xml")) as server:
        refused = Storage.from_url(f"s3://bucket/files?endpoint={server.url}")
        for use in (lambda: refused.put("b", [b"x"]), lambda: list(refused.read("a")), lambda: list(refused.list(""))):
            with pytest.raises(TransientError, match="STORAGE_URL") as error:
                use()
            assert (error.value.code, error.value.retry_after) == ("storage_unavailable", LOGIN_REFUSED_SECONDS)
            assert "AWS_ACCESS_KEY_ID" in error.value.message
            assert "hidden" not in error.value.message


def test_a_folder_that_may_not_be_read_names_the_setting() -> None:
    with pytest.raises(TransientError, match="STORAGE_URL") as error, storage_errors():
        raise PermissionError(13, "Permission denied", "/srv/hidden")
    assert error.value.retry_after == LOGIN_REFUSED_SECONDS
    assert "hidden" not in error.value.message


def test_a_folder_that_comes_back_still_has_its_files(tmp_path: Path) -> None:
    storage = Storage.from_url(f"file://{tmp_path}/storage")
    storage.put("a", [b"x"])
    (tmp_path / "storage").rename(tmp_path / "elsewhere")
    (tmp_path / "storage").mkdir()  # the empty mount point of a disk that is not mounted

    with pytest.raises(TransientError):
        storage.put("b", [b"y"])
    (tmp_path / "storage").rmdir()
    (tmp_path / "elsewhere").rename(tmp_path / "storage")

    assert b"".join(storage.read("a")) == b"x"


def test_a_bucket_that_does_not_exist_is_a_transient_error(s3: S3Server, s3_credentials: None) -> None:
    storage = Storage.from_url(f"s3://no-such-bucket?endpoint={s3.endpoint}")
    for use in (lambda: storage.put("a", [b"x"]), lambda: storage.open("a"), lambda: list(storage.list(""))):
        with pytest.raises(TransientError):
            use()


def test_an_unfinished_file_of_a_killed_process_is_listed_and_can_be_deleted(tmp_path: Path) -> None:
    url = f"file://{tmp_path}/storage"
    child = multiprocessing.get_context("spawn").Process(target=_write_and_die, args=(url,))
    child.start()
    child.join(30)
    storage = Storage.from_url(url)

    with pytest.raises(PermanentError):
        storage.open("jobs/1/half.csv")
    left = list(storage.list("jobs"))
    storage.delete(left)

    assert left == ["jobs/1/half.csv#1"]
    assert list(storage.list("")) == []


def _write_and_die(url: str) -> None:
    import os
    import signal

    with Storage.from_url(url).writer("jobs/1/half.csv") as writer:
        for _ in range(12):
            writer.write(b"x" * MIB)
        os.kill(os.getpid(), signal.SIGKILL)


def test_a_child_forked_before_the_first_use_has_its_own_store(storage_url: str) -> None:
    """As dramatiq and gunicorn do: built in the parent, used in the children."""
    child = multiprocessing.get_context("spawn").Process(target=_fork_and_put, args=(storage_url,))
    child.start()
    child.join(60)
    assert child.exitcode == 0
    assert sorted(Storage.from_url(storage_url).list("")) == ["child", "parent"]


def _fork_and_put(url: str) -> None:
    import os

    storage = Storage.from_url(url)
    if (pid := os.fork()) == 0:
        storage.put("child", [b"x"])
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    storage.put("parent", [b"x"])
    raise SystemExit(os.waitstatus_to_exitcode(status))


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("ftp://host/files", "file://path or s3://bucket"),
        ("file://", "file://path or s3://bucket"),
        ("s3://", "only the bucket's name after s3://"),
        ("s3://key:hunter2@bucket", "AWS_SECRET_ACCESS_KEY"),
        ("s3://bucket?endpiont=http://x", "endpiont"),
    ],
)
def test_an_invalid_url_is_refused_with_the_rule_and_without_the_secret(url: str, rule: str) -> None:
    with pytest.raises(ValueError, match=rule) as error:
        Storage.from_url(url)
    assert "hunter2" not in str(error.value)


def test_an_unused_storage_creates_no_folder(tmp_path: Path) -> None:
    Storage.from_url(f"file://{tmp_path}/storage")
    assert list(tmp_path.iterdir()) == []


def test_credentials_of_a_bucket_are_read_from_files(
    s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.delenv(name, raising=False)
        (tmp_path / name).write_text(f"{value}\n")
        monkeypatch.setenv(f"{name}_FILE", str(tmp_path / name))
    storage = Storage.from_url(s3.fresh_bucket())
    storage.put("a", [b"1"])
    assert b"".join(storage.read("a")) == b"1"


def test_a_bucket_needs_no_endpoint(s3_credentials: None) -> None:
    backend = backend_from_url("s3://bucket/prefix")
    assert isinstance(backend.connect(), S3Store)
