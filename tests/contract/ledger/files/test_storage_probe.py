"""Whether gateway and workers share their storage: the gateway marks its own, everybody else looks for the mark."""

import threading
from pathlib import Path

import pytest

from bureau.ledger.db.database import Database
from bureau.ledger.files.storage_probe import probe, replace_probe
from bureau.runtime.storage_check import SharedStorage, mark
from bureau.settings import SettingsError
from bureau.storage import Storage


def folder(path: Path) -> Storage:
    return Storage.from_url(f"file://{path}")


def test_a_process_with_the_gateways_storage_starts(db: Database, tmp_path: Path) -> None:
    mark(db, folder(tmp_path / "shared"))
    SharedStorage(db, folder(tmp_path / "shared")).check()


def test_a_process_with_another_storage_is_refused_with_what_to_do(db: Database, tmp_path: Path) -> None:
    mark(db, folder(tmp_path / "gateways"))
    with pytest.raises(SettingsError, match=r"STORAGE_URL: this is not the gateway's storage.*same folder.*s3://"):
        SharedStorage(db, folder(tmp_path / "own")).check()


def test_before_the_first_gateway_there_is_nothing_to_find(db: Database, tmp_path: Path) -> None:
    SharedStorage(db, folder(tmp_path / "own")).check()
    assert probe(db) is None


def test_every_start_of_a_gateway_finds_the_mark_of_the_first(db: Database, tmp_path: Path) -> None:
    storage = folder(tmp_path / "shared")
    mark(db, storage)
    first = probe(db)
    mark(db, storage)
    assert probe(db) == first
    assert list(storage.list("")) == [first]


def test_a_gateway_whose_storage_was_emptied_marks_it_anew(db: Database, tmp_path: Path) -> None:
    mark(db, folder(tmp_path / "old"))
    mark(db, folder(tmp_path / "new"))
    SharedStorage(db, folder(tmp_path / "new")).check()
    with pytest.raises(SettingsError):
        SharedStorage(db, folder(tmp_path / "old")).check()


def test_gateways_that_start_together_leave_one_mark(db: Database, tmp_path: Path) -> None:
    storage = folder(tmp_path / "shared")
    together = threading.Barrier(4)

    def start() -> None:
        together.wait(20)
        mark(db, storage)

    gateways = [threading.Thread(target=start) for _ in range(4)]
    for gateway in gateways:
        gateway.start()
    for gateway in gateways:
        gateway.join(20)
    assert list(storage.list("")) == [probe(db)]
    SharedStorage(db, storage).check()


def test_a_storage_that_is_away_proves_nothing(db: Database, tmp_path: Path) -> None:
    replace_probe(db, None, "probes/shared/somewhere")
    (tmp_path / "file").touch()  # a folder cannot be made below a file
    away = folder(tmp_path / "file" / "storage")
    SharedStorage(db, away).check()
    mark(db, away)
    assert probe(db) == "probes/shared/somewhere"


def test_only_who_saw_the_last_mark_replaces_it(db: Database) -> None:
    assert replace_probe(db, None, "probes/shared/a")
    assert not replace_probe(db, None, "probes/shared/b")
    assert replace_probe(db, "probes/shared/a", "probes/shared/c")
    assert probe(db) == "probes/shared/c"
