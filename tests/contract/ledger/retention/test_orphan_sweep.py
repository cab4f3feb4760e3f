"""Tests that old orphans, files in storage that no row names, are deleted, and no other files."""

import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bureau.contracts.ids import new_id
from bureau.ledger.db.database import Database
from bureau.services.scheduler import orphan_sweep
from bureau.services.scheduler.orphan_sweep import OrphanSweep
from bureau.storage import Storage
from tests.support.ledger.office import Office


@pytest.fixture
def office(db: Database, tmp_path: Path) -> Office:
    return Office(db, Storage.from_url(f"file://{tmp_path}/storage"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "storage"


def put(office: Office, key: str) -> str:
    return office.storage.put(key, [b"x"]).key


def grow_old(folder: Path, days: float = 1.1) -> None:
    """All that is stored was written so many days ago."""
    then = (datetime.now() - timedelta(days=days)).timestamp()
    for place, _, names in os.walk(folder):
        for name in names:
            os.utime(Path(place, name), (then, then))


def sweep(office: Office) -> None:
    """One whole walk."""
    once = OrphanSweep(office.db, office.storage)
    while once.step() == orphan_sweep.BUSY_SECONDS and once._listing is not None:
        pass


def test_a_file_that_no_row_names_is_deleted_after_a_day(office: Office, folder: Path) -> None:
    office.job()
    office.upload()
    known = office.stored()
    for key in (f"jobs/{new_id()}/{new_id()}/1/{new_id()}", f"uploads/{new_id()}/a.txt", "jobs/x", "uploads/y#1"):
        (folder / key).parent.mkdir(parents=True, exist_ok=True)
        (folder / key).write_bytes(b"x")
    grow_old(folder, days=0.9)
    sweep(office)
    assert len(office.stored()) == len(known) + 4
    grow_old(folder)
    sweep(office)
    assert office.stored() == known


@pytest.mark.parametrize("key", ["{}.{}.a", "{}/{}/a"], ids=["now", "versions before"])
def test_files_of_a_running_claim_are_kept_and_those_of_a_lost_claim_are_deleted(
    office: Office, folder: Path, key: str
) -> None:
    job_id = office.book.submit()
    lost = office.book.lose(job_id)
    claimed = office.book.take(job_id)
    prefix = f"jobs/{job_id}/{claimed.task_id}"
    put(office, key.format(prefix, lost.claim_no))
    mine = put(office, key.format(prefix, claimed.claim_no))
    grow_old(folder)
    sweep(office)
    assert office.stored() == [mine]
    office.book.finish(claimed)
    sweep(office)
    assert office.stored() == []


def test_other_folders_are_left_alone(office: Office, folder: Path) -> None:
    probe = put(office, f"probes/shared/{new_id()}")
    grow_old(folder)
    sweep(office)
    assert office.stored() == [probe]


def test_the_sweep_works_in_batches_and_begins_again_hours_later(
    office: Office, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orphan_sweep, "BATCH", 3)
    for number in range(8):
        put(office, f"uploads/{number}/a")
    grow_old(folder)
    walk = OrphanSweep(office.db, office.storage)
    left = []
    while walk.step() == orphan_sweep.BUSY_SECONDS:
        left.append(len(office.stored()))
    assert left == [5, 2, 0]
    put(office, "uploads/9/a")
    grow_old(folder)
    assert walk.step() == orphan_sweep.IDLE_SECONDS
    assert office.stored() == ["uploads/9/a"]


def test_a_storage_that_is_down_ends_the_sweep_which_begins_anew(
    office: Office, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(office, "uploads/1/a")
    grow_old(folder)
    walk = OrphanSweep(office.db, office.storage)
    folder.rename(folder.with_name("unmounted"))
    with pytest.raises(ConnectionError):
        walk.step()
    folder.with_name("unmounted").rename(folder)
    walk.step()
    assert office.stored() == []
