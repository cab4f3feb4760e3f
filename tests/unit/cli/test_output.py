"""Tests that texts and tables fit their width and contain no control characters."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from rich.cells import cell_len

from bureau.cli import formatting
from bureau.cli.cells import Column
from bureau.cli.commands.event_printer import line
from bureau.cli.table import table
from bureau.client import Event

COLUMNS = (Column("ID"), Column("TITLE", flexible=True), Column("AGE", right=True))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0 s"), (0.4, "0 s"), (59.4, "59 s"), (60, "1 min"), (541, "9 min"), (7200, "2 h"), (90_000, "1 d")],
)
def test_an_age_has_one_unit(seconds: float, text: str) -> None:
    assert formatting.age(seconds) == text


@pytest.fixture
def in_paris(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Paris")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("in_paris")
def test_a_time_names_its_zone_and_one_of_another_day_its_date() -> None:
    now = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
    assert formatting.clock("2026-05-04T11:00:00Z", now) == "13:00 CEST"
    assert formatting.clock("2026-03-01T12:00:00Z", now) == "01 Mar 13:00 CET"
    assert formatting.clock("2024-04-01T12:00:00Z", now) == "01 Apr 2024"
    assert formatting.clock(None, now) == "-"


@pytest.mark.usefixtures("in_paris")
def test_an_event_names_the_zone_of_its_time() -> None:
    event = Event(1, "task.started", datetime(2026, 5, 4, 11, 0, 5, tzinfo=UTC), "j", "add", {})
    assert str(event) == "13:00:05 CEST  add: started"
    assert [part.text for part in line(event)] == ["13:00:05 CEST  ", "add: started"]


def test_control_characters_are_replaced() -> None:
    assert formatting.one_line("a\x1b[2Jb\x9b31m\r\n c\ud800\x00") == "a�[2Jb�31m c��"


@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_table_fits_by_cutting_its_flexible_column(width: int) -> None:
    rows = [["1", "A title that is much too long for a line of eighty columns, by far, really " * 2, "9 min"]]
    rows += [["2", "漢字のタイトル" * 8, "10 min"], ["3", "short", "1 s"]]
    lines = [line.plain for line in table(COLUMNS, rows, width)]
    assert all(cell_len(line) <= width for line in lines)
    assert lines[0].split() == ["ID", "TITLE", "AGE"]
    assert lines[3].split() == ["3", "short", "1", "s"]
    assert width == 200 or "…" in lines[1]
    assert [line.endswith(age) for line, age in zip(lines[1:], ("9 min", "10 min", "1 s"), strict=True)] == [True] * 3
