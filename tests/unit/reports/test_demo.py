"""Tests the demo shop: the same rows everywhere, complete or absent, and no replaced files of others."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from bureau.services.reports.demo import NotTheShop, make_demo


def everything(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


def test_the_shop_is_the_same_every_time(tmp_path: Path) -> None:
    assert make_demo(tmp_path / "a.db", 500)
    assert make_demo(tmp_path / "b.db", 500)
    assert everything(tmp_path / "a.db") == everything(tmp_path / "b.db")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.db", "b.db"]


def test_a_complete_shop_is_kept_and_one_of_another_size_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "new" / "shop.db"
    assert make_demo(path, 500)
    made = path.stat()
    assert not make_demo(path, 500)
    assert path.stat().st_mtime_ns == made.st_mtime_ns
    assert make_demo(path, 600)


def test_an_interrupted_creation_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bureau.services.reports.demo.os.replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        make_demo(tmp_path / "shop.db", 10)
    assert not list(tmp_path.iterdir())


def test_a_file_of_another_program_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "mine.db"
    path.write_text("my notes")
    with pytest.raises(NotTheShop):
        make_demo(path)
    assert path.read_text() == "my notes"


def test_the_command_creates_the_shop_and_prints_it(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bureau.services.reports.demo", str(tmp_path / "shop.db"), "--rows", "100"]
    first = subprocess.run(command, capture_output=True, text=True, check=True)
    second = subprocess.run(command, capture_output=True, text=True, check=True)
    assert first.stdout == f"{tmp_path / 'shop.db'}: created, 100 orders\n"
    assert second.stdout == f"{tmp_path / 'shop.db'}: exists already, 100 orders\n"
