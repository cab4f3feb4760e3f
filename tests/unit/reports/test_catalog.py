"""Tests that an error in one report file leaves the others usable."""

from pathlib import Path

import pytest

from bureau.contracts.errors import PermanentError
from bureau.services.reports.definition.catalog import load_catalog


def write(folder: Path, name: str, source: str = "shop", title: str = '"T"') -> None:
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.sql").write_text(f'-- title = {title}\n-- source = "{source}"\nselect 1\n')


def test_a_broken_file_leaves_the_others_usable(tmp_path: Path) -> None:
    write(tmp_path, "good")
    write(tmp_path, "bad", title="5")
    (tmp_path / "notes.txt").write_text("not a report")
    catalog = load_catalog([tmp_path])
    assert list(catalog.reports) == ["good"]
    assert [mistake.file.name for mistake in catalog.errors] == ["bad.sql"]


def test_the_first_of_two_reports_with_one_name_is_kept(tmp_path: Path) -> None:
    write(tmp_path / "a", "sales", title='"First"')
    write(tmp_path / "b", "sales", title='"Second"')
    write(tmp_path / "b", "costs")
    catalog = load_catalog([tmp_path / "a", tmp_path / "b"])
    assert {name: report.title for name, report in catalog.reports.items()} == {"sales": "First", "costs": "T"}
    assert f"the name sales is used by {tmp_path / 'a' / 'sales.sql'}" in str(catalog.errors[0])


def test_a_report_whose_source_is_not_configured_is_left_out(tmp_path: Path) -> None:
    write(tmp_path, "here")
    write(tmp_path, "there", source="warehouse")
    catalog = load_catalog([tmp_path]).on({"shop"})
    assert list(catalog.reports) == ["here"]
    assert [mistake.detail for mistake in catalog.errors] == [
        "the source warehouse is not configured; set SOURCE_WAREHOUSE_URL"
    ]


def test_an_unknown_report_is_refused_with_the_known_names(tmp_path: Path) -> None:
    write(tmp_path, "sales")
    with pytest.raises(PermanentError, match="Report 'sails' not found; the reports are: sales") as error:
        load_catalog([tmp_path]).find("sails")
    assert error.value.code == "unknown_report"


def test_the_examples_are_valid_reports() -> None:
    examples = Path(__file__).parents[3] / "examples" / "reports"
    catalog = load_catalog([examples])
    assert catalog.errors == ()
    assert list(catalog.reports) == ["regional-orders"]
