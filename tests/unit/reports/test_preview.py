"""Previews of rows with huge cells: they are cut, and a preview holds only so much in memory."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bureau.contracts.errors import PermanentError
from bureau.contracts.reports import ReportPreview
from bureau.service import Resources
from bureau.services.reports import tasks
from bureau.services.reports.service import reports_service
from bureau.storage import Storage
from tests.support.context import FakeContext
from tests.support.ledger.ledgers import sqlite_ledger

Preview = Callable[[str], ReportPreview]


@pytest.fixture
def preview(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Preview]:
    """Previews a query of a database without tables."""
    with closing(sqlite3.connect(tmp_path / "source.db")) as made:
        made.execute("create table numbers (n integer)")
        made.executemany("insert into numbers values (?)", [(n,) for n in range(60)])
        made.commit()
    folder = tmp_path / "reports"
    folder.mkdir()
    monkeypatch.setenv("SOURCE_CELLS_URL", f"sqlite:///{tmp_path}/source.db")
    monkeypatch.setenv("REPORTS_DIR", str(folder))

    with closing(sqlite_ledger(tmp_path)) as ledger:

        def run(query: str) -> ReportPreview:
            (folder / "cells.sql").write_text(f'-- name = "cells"\n-- title = "Cells"\n-- source = "cells"\n{query}\n')
            service = reports_service(Resources(ledger, Storage.from_url(f"file://{tmp_path / 'storage'}")))
            (task,) = (one for one in service.tasks if one.name == "reports.preview")
            return ReportPreview.model_validate(task.run(FakeContext(tmp_path / "storage"), {"report": "cells"}))

        yield run


@pytest.mark.parametrize("characters", [999, 1000, 1001, 131_072, 131_073, 5_000_000])
def test_a_huge_cell_is_cut_and_the_cells_beside_it_are_whole(preview: Preview, characters: int) -> None:
    shown = preview(f"select 'before' as a, replace(hex(zeroblob({characters})), '00', 'x') as b, null as c")
    ((before, huge, null),) = shown.rows
    assert (before, null, shown.more) == ("before", None, False)
    assert huge == ("x" * characters if characters <= tasks.PREVIEW_CELL else "x" * tasks.PREVIEW_CELL + "…")


def test_a_huge_cell_of_quotes_and_line_ends_is_one_cell(preview: Preview) -> None:
    shown = preview("select replace(hex(zeroblob(200000)), '00', '\"' || char(10)) as a, 'after' as b from numbers")
    assert shown.rows[0] == ['"\n' * (tasks.PREVIEW_CELL // 2) + "…", "after"]
    assert (len(shown.rows), shown.more) == (tasks.PREVIEW_ROWS, True)


def test_rows_that_are_too_many_bytes_for_a_preview_are_refused(
    preview: Preview, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "PREVIEW_BYTES", 1_000_000)
    with pytest.raises(PermanentError, match="request the report itself") as caught:
        preview("select replace(hex(zeroblob(100000)), '00', 'x') as a from numbers")
    assert caught.value.code == "preview_too_large"
