"""Tests how every storage writes, reads, lists and deletes files."""

import hashlib
import io
import os
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bureau.contracts.errors import PermanentError
from bureau.storage import Storage, StoredFile, TooLarge

MIB = 1024 * 1024


def content(storage: Storage, key: str) -> bytes:
    return b"".join(storage.read(key))


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


@pytest.mark.parametrize("size", [0, 1, 256 * 1024, MIB, 6 * MIB + 1])
def test_a_stored_file_is_read_back_with_its_size_and_checksum(storage: Storage, size: int) -> None:
    data = bytes(i % 251 for i in range(1024)) * (size // 1024 + 1)
    data = data[:size]

    stored = storage.put("jobs/1/report.csv", io.BytesIO(data))

    assert stored == StoredFile("jobs/1/report.csv", size, hashlib.sha256(data).hexdigest())
    assert content(storage, "jobs/1/report.csv") == data


def test_a_file_may_be_given_as_chunks(storage: Storage) -> None:
    storage.put("a", (bytes([65 + n]) * 3 for n in range(3)))
    assert content(storage, "a") == b"AAABBBCCC"


@pytest.mark.parametrize("key", ["é/ü 名.pdf", "a b+c&d=e?f#g%2Fh", "x/" * 20 + "y", "n" * 240])
def test_unusual_but_valid_keys_name_one_file_each(storage: Storage, key: str) -> None:
    storage.put(key, [key.encode()])
    assert content(storage, key) == key.encode()
    assert list(storage.list("")) == [key]


@pytest.mark.parametrize(
    ("start", "end"), [(0, None), (3, None), (3, 7), (0, 1), (5, 5), (9, 10), (8, 99), (10, None), (99, None), (7, 3)]
)
def test_ranges_are_cut_like_slices(storage: Storage, start: int, end: int | None) -> None:
    storage.put("digits", [b"0123456789"])
    assert b"".join(storage.read("digits", start=start, end=end)) == b"0123456789"[start:end]


def test_a_range_across_windows_is_complete(storage: Storage) -> None:
    data = b"".join(n.to_bytes(4, "big") for n in range(700_000))
    storage.put("big", [data])
    assert b"".join(storage.read("big", start=MIB - 3, end=2 * MIB + 5)) == data[MIB - 3 : 2 * MIB + 5]


def test_reading_gives_chunks_of_a_quarter_mebibyte(storage: Storage) -> None:
    storage.put("big", [b"x" * (3 * MIB + 7)])
    sizes = [len(chunk) for chunk in storage.read("big")]
    assert max(sizes) <= 256 * 1024
    assert sum(sizes) == 3 * MIB + 7


def test_an_open_file_seeks_and_tells(storage: Storage) -> None:
    storage.put("digits", [b"0123456789"])
    with storage.open("digits") as file:
        assert file.read(3) == b"012"
        assert file.seek(-2, io.SEEK_END) == 8
        assert file.read() == b"89"
        assert file.seek(4) == 4
        assert file.seek(1, io.SEEK_CUR) == 5
        assert file.read(1) == b"5"
        assert file.tell() == 6
        file.seek(100)
        assert file.read() == b""


def test_an_archive_is_written_and_opened_in_place(storage: Storage) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for n in range(200):
            archive.writestr(f"{n}.txt", str(n) * 1000)
    storage.put("archive.zip", io.BytesIO(buffer.getvalue()))

    with storage.open("archive.zip") as file, zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        assert archive.read("199.txt") == b"199" * 1000


def test_a_written_file_is_visible_when_its_block_ends(storage: Storage) -> None:
    with storage.writer("jobs/1/a.csv") as writer:
        assert writer.write(b"one,") == 4
        with pytest.raises(PermanentError) as missing:
            storage.open("jobs/1/a.csv")
        writer.write(b"two")
    assert missing.value.code == "file_missing"
    assert (writer.size, writer.sha256) == (7, hashlib.sha256(b"one,two").hexdigest())
    assert content(storage, "jobs/1/a.csv") == b"one,two"


@pytest.mark.parametrize("mebibytes", [40, pytest.param(120, marks=pytest.mark.long)])
def test_a_large_stream_goes_through_in_flat_memory(storage: Storage, mebibytes: int) -> None:
    chunk = b"0123456789abcdef" * 16_384  # 256 KiB
    peak = 0

    def chunks(count: int) -> Iterator[bytes]:
        nonlocal peak
        for _ in range(count):
            peak = max(peak, resident_bytes())
            yield chunk

    storage.put("warm-up", chunks(80))
    before = resident_bytes()
    stored = storage.put("large", chunks(4 * mebibytes))
    for _ in storage.read("large"):
        peak = max(peak, resident_bytes())

    assert stored.size == mebibytes * MIB
    assert peak - before < 24 * MIB


def test_a_file_is_written_once(storage: Storage) -> None:
    storage.put("a", [b"first"])
    with pytest.raises(PermanentError) as refused:
        storage.put("a", [b"second"])
    assert refused.value.code == "file_exists"
    assert content(storage, "a") == b"first"


def test_a_file_of_exactly_the_limit_is_taken(storage: Storage) -> None:
    assert storage.put("a", [b"12345", b"67890"], limit_bytes=10).size == 10


def test_deleting_many_files_ignores_missing_ones(storage: Storage) -> None:
    for key in ("a/1", "a/2", "b"):
        storage.put(key, [b"x"])
    storage.delete(["a/1", "never/was", "a/2", *(f"none/{n}" for n in range(1500))])
    storage.delete([])
    assert list(storage.list("")) == ["b"]


def test_listing_is_by_folder(storage: Storage) -> None:
    for key in ("jobs/1/a", "jobs/1/deep/er/b", "jobs/10/c", "uploads/d"):
        storage.put(key, [b"x"])
    assert sorted(storage.list("jobs/1/")) == ["jobs/1/a", "jobs/1/deep/er/b"]
    assert sorted(storage.list("jobs/1")) == ["jobs/1/a", "jobs/1/deep/er/b"]
    assert sorted(storage.list("")) == ["jobs/1/a", "jobs/1/deep/er/b", "jobs/10/c", "uploads/d"]
    assert list(storage.list("nothing/here")) == []


def test_files_are_listed_with_the_time_they_were_written(storage: Storage) -> None:
    before = datetime.now(UTC) - timedelta(seconds=2)  # S3 tells whole seconds
    storage.put("jobs/1/a", [b"x"])
    storage.put("uploads/d", [b"x"])
    ((key, written),) = storage.list_written("jobs")
    assert key == "jobs/1/a"
    assert before <= written <= datetime.now(UTC)


def test_a_source_that_is_too_large_stops_early_and_leaves_no_file(storage: Storage) -> None:
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        while True:
            taken += MIB
            yield b"x" * MIB

    with pytest.raises(TooLarge) as refused:
        storage.put("uploads/endless", endless(), limit_bytes=12 * MIB)

    assert refused.value.limit_bytes == 12 * MIB
    assert taken == 13 * MIB
    assert list(storage.list("")) == []


def test_a_folder_says_how_full_its_disk_is_and_a_bucket_does_not(storage: Storage, storage_url: str) -> None:
    storage.put("a", [b"x"])
    share = storage.used_share()
    if storage_url.startswith("s3://"):
        assert share is None
    else:
        assert share is not None
        assert 0 < share <= 1


def test_a_complete_file_and_its_folders_are_synced_to_disk_before_the_writer_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    sync = os.fsync

    def note(handle: int) -> None:
        synced.append(os.path.relpath(os.readlink(f"/proc/self/fd/{handle}"), tmp_path))
        sync(handle)

    monkeypatch.setattr(os, "fsync", note)
    storage = Storage.from_url(f"file://{tmp_path}")

    storage.put("jobs/1/a.csv", [b"a"])
    assert synced == ["jobs/1/a.csv", "jobs/1", "jobs", "."]

    synced.clear()
    storage.put("jobs/2/b.csv", [b"b"])
    assert synced == ["jobs/2/b.csv", "jobs/2", "jobs"], "the root holds the name of jobs already"


def test_an_empty_folder_is_deleted_with_its_last_file_unless_it_is_directly_in_the_root(tmp_path: Path) -> None:
    storage = Storage.from_url(f"file://{tmp_path}")
    storage.put("jobs/1/2/a.csv", [b"a"])
    storage.delete(["jobs/1/2/a.csv"])
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["jobs"]
    assert list((tmp_path / "jobs").iterdir()) == []


def test_a_folder_is_not_a_file(storage: Storage) -> None:
    storage.put("jobs/1/a.csv", [b"a"])
    with pytest.raises(PermanentError) as refused:
        storage.open("jobs/1")
    assert refused.value.code == "file_missing"
