"""File names are cut by bytes, because that is what file systems count, and keep their ending."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bureau.client.artifact import plain_name
from bureau.contracts.artifacts import MAX_NAME_BYTES, cut_to_bytes, safe_name
from bureau.contracts.reports import CsvFormat
from bureau.services.certificates.issuer.filenames import certificate_name, roster_folder
from bureau.services.reports.output.csv_export import file_name

LONG = ["a" * 300, "ñ" * 300, "学" * 300, "😀" * 300, "e\u0301" * 300]


@pytest.mark.parametrize("stem", LONG)
@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".pdf", ".tar.zst", ""])
def test_a_long_name_fits_a_folder_while_it_is_being_written(stem: str, ending: str, tmp_path: Path) -> None:
    for name in (safe_name(stem + ending), plain_name(stem + ending)):
        assert len(f".{name}.12345678.part".encode()) <= 255
        (tmp_path / f".{name}.12345678.part").touch()
    assert safe_name(stem + ending).endswith(ending)


@given(st.text(max_size=400))
def test_any_name_becomes_one_that_fits(name: str) -> None:
    assert 0 < len(safe_name(name).encode("utf-8", "surrogatepass")) <= MAX_NAME_BYTES
    assert safe_name(safe_name(name)) == safe_name(name)
    assert len(plain_name(name).encode("utf-8", "surrogatepass")) <= MAX_NAME_BYTES


@given(st.text(st.characters(codec="utf-8"), max_size=100), st.integers(0, 120))
def test_no_character_is_cut_in_half(text: str, limit: int) -> None:
    cut = cut_to_bytes(text, limit)
    assert text.startswith(cut)
    assert len(cut.encode()) <= limit


@pytest.mark.parametrize("text", LONG)
def test_names_made_of_people_s_words_fit(text: str) -> None:
    folder, name = roster_folder(50, 50, text), certificate_name(1, 5000, text)
    assert max(len(folder.encode()), len(name.encode())) <= MAX_NAME_BYTES
    assert len(folder + name) <= 240  # characters of a path: Windows ends at 260
    report = file_name(text, [text], CsvFormat(compression="gzip"))
    assert len(report.encode()) <= MAX_NAME_BYTES
    assert report.endswith(".csv.gz")
