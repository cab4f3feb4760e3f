"""Tests that CSV reads back equal, that formulas cannot run, and that memory is limited to a chunk."""

import csv
import gzip
import io
import math
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bureau.contracts.errors import PermanentError
from bureau.contracts.reports import CsvFormat
from bureau.formulas import DROPPED, FORMULA_STARTS, is_formula
from bureau.services.reports.definition.columns import NumberFormat, ReportColumn, TimeFormat
from bureau.services.reports.output.cells import LineWriter
from bureau.services.reports.output.csv_export import CHUNK_BYTES, MAX_NAME_BYTES, export, file_name, media_type
from bureau.services.reports.output.dialect import Dialect
from bureau.services.reports.output.rows import RowBatch, Rows, batches_of

COMMAS = CsvFormat()


def rows(columns: list[str], records: Iterable[Sequence[Any]], delimiter: str = ",") -> Rows:
    remaining = list(records)

    def fetch(count: int) -> Sequence[Sequence[Any]]:
        taken, remaining[:] = remaining[:count], remaining[count:]
        return taken

    return Rows(columns, batches_of(fetch, columns, Dialect(delimiter)))


def exported(columns: list[str], records: Iterable[Sequence[Any]], format: CsvFormat = COMMAS) -> bytes:
    file = io.BytesIO()
    export(rows(columns, records, format.delimiter), format, file.write, lambda _: None)
    return file.getvalue()


def read_back(data: bytes, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8"), newline=""), delimiter=delimiter, strict=True))


plain_text = st.text(st.characters(exclude_categories=["Cs"]))
cells = st.one_of(st.none(), plain_text, st.integers(), st.floats(), st.booleans(), st.dates(), st.binary())
delimiters = st.sampled_from([",", ";", "\t", "|"])


@given(st.lists(st.tuples(plain_text, plain_text)), delimiters)
def test_text_reads_back_equal_except_for_the_mark_of_a_neutralised_formula(
    records: list[tuple[str, str]], delimiter: Any
) -> None:
    data = exported(["a", "b"], records, CsvFormat(delimiter=delimiter))
    expected = [[f"'{text}" if text and is_formula(text) else text for text in record] for record in records]
    assert read_back(data, delimiter) == [["a", "b"], *expected]


@given(st.lists(st.tuples(cells, cells, cells)), delimiters)
def test_no_value_leaves_its_cell_and_no_text_begins_like_a_formula(
    records: list[tuple[Any, ...]], delimiter: Any
) -> None:
    lines = read_back(exported(["a", "b", "c"], records, CsvFormat(delimiter=delimiter)), delimiter)
    assert [len(line) for line in lines] == [3] * (len(records) + 1)
    for record, line in zip(records, lines[1:], strict=True):
        for value, cell in zip(record, line, strict=True):
            if not isinstance(value, int | float):
                assert not cell.lstrip(DROPPED).startswith(tuple(FORMULA_STARTS))


@given(st.floats(allow_nan=False) | st.integers() | st.decimals(allow_nan=False))
def test_numbers_read_back_equal_and_are_never_marked(number: Any) -> None:
    cell = LineWriter(Dialect()).line([number])
    assert type(number)(cell) == number
    assert "'" not in cell


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (None, ""),
        ("", '""'),
        ("a,b", '"a,b"'),
        ('say "hi"', '"say ""hi"""'),
        ("two\nlines", '"two\nlines"'),
        ("two\rlines", '"two\rlines"'),
        ("a;b", "a;b"),
        ("日本 🎉", "日本 🎉"),
        ("\\.", '"\\."'),
        ("=1+1", "'=1+1"),
        ("+49 30 1234", "'+49 30 1234"),
        ("-5", "'-5"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", '"\'\r=1"'),
        ("\n=1", '"\'\n=1"'),
        ("＝1+1", "'＝1+1"),
        ('=HYPERLINK("http://x","y")', '"\'=HYPERLINK(""http://x"",""y"")"'),
        (" =1", " =1"),
        ("\ufeff=1", "'\ufeff=1"),
        ("\ufeff\ufeff\u200b@SUM(1)", "'\ufeff\ufeff\u200b@SUM(1)"),
        ("\0=1", "'\0=1"),
        ("\u3164\ufe0f-1", "'\u3164\ufe0f-1"),
        ("\x01\u3000+1", "'\x01\u3000+1"),
        ("\ufefftext", "\ufefftext"),
        (-5, "-5"),
        (-0.5, "-0.5"),
        (1e22, "1e+22"),
        (math.inf, "Infinity"),
        (-math.inf, "-Infinity"),
        (math.nan, "NaN"),
        (Decimal("-1E+3"), "-1000"),
        (Decimal("1234567890123456789012345678901234567890.5"), "1234567890123456789012345678901234567890.5"),
        (Decimal("NaN"), "NaN"),
        (True, "true"),
        (date(2024, 2, 29), "2024-02-29"),
        (datetime(2024, 2, 29, 8, 30, tzinfo=UTC), "2024-02-29 08:30:00+00:00"),
        (b"\x00\xff", "\\x00ff"),
        (memoryview(b"\x01"), "\\x01"),
        ({"a": [1, "é"]}, '"{""a"": [1, ""é""]}"'),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    ],
)
def test_a_value_is_written_as_documented(value: Any, cell: str) -> None:
    assert LineWriter(Dialect()).line([value]) == cell


def test_headers_are_neutralised_and_lines_end_in_crlf() -> None:
    assert exported(["=cmd()", 'a "b"', ""], [(1, 2, 3)]) == b'\'=cmd(),"a ""b""",""\r\n1,2,3\r\n'


def test_a_report_without_rows_makes_a_file_with_only_the_header() -> None:
    assert exported(["a", "b"], []) == b"a,b\r\n"


def test_the_byte_order_mark_and_the_delimiter_are_as_requested() -> None:
    data = exported(["a", "b"], [("x;y", "z")], CsvFormat(delimiter=";", bom=True))
    assert data == b'\xef\xbb\xbfa;b\r\n"x;y";z\r\n'


def test_gzip_holds_the_same_bytes_and_has_its_extension_and_media_type() -> None:
    records = [(number, f"name {number}") for number in range(20_000)]
    packed = exported(["id", "name"], records, CsvFormat(compression="gzip"))
    assert gzip.decompress(packed) == exported(["id", "name"], records)
    assert packed == exported(["id", "name"], records, CsvFormat(compression="gzip"))  # no time of making in it
    assert file_name("Sales", [], CsvFormat(compression="gzip")) == "sales.csv.gz"
    assert media_type(CsvFormat(compression="gzip")) == "application/gzip"
    assert (file_name("Sales", [], CsvFormat()), media_type(CsvFormat())) == ("sales.csv", "text/csv")


def test_rows_are_joined_to_chunks_and_counted() -> None:
    line = b"x" * 998 + b"\r\n"
    written: list[int] = []
    told: list[int] = []
    source = Rows(["a"], (RowBatch(line * 10, 10) for _ in range(100)))
    count = export(source, CsvFormat(), lambda data: written.append(len(data)), told.append)
    assert count == 1000
    assert told[-1] == 1000
    assert all(CHUNK_BYTES <= size < CHUNK_BYTES + 10_000 for size in written[:-1])
    assert len(written) == 4


def test_a_slow_query_shows_its_rows_before_a_chunk_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(1000))
    monkeypatch.setattr("bureau.services.reports.output.csv_export.time.monotonic", lambda: float(next(clock)))
    told: list[int] = []
    export(Rows(["a"], iter([RowBatch(b"1\r\n", 1)] * 3)), CsvFormat(), lambda _: None, told.append)
    assert told == [0, 1, 2, 3]


EURO = Dialect(";", decimal_comma=True, date_format="DD.MM.YYYY", null_text="N/A")
ROUND = {"a": ReportColumn("a", "A", NumberFormat(2)), "t": ReportColumn("t", None, TimeFormat("DD/MM/YYYY", " HH:MM"))}


@pytest.mark.parametrize(
    ("dialect", "value", "cell"),
    [
        (EURO, 1.5, "1,5"),
        (EURO, Decimal("-1234567890123456789012345678901234567890.5"), "-1234567890123456789012345678901234567890,5"),
        (EURO, 7, "7"),
        (EURO, math.inf, "Infinity"),
        (EURO, date(2024, 2, 9), "09.02.2024"),
        (EURO, datetime(2024, 2, 9, 8, 5, 6, tzinfo=UTC), "09.02.2024 08:05:06+00:00"),
        (EURO, None, "N/A"),
        (EURO, "N/A", '"N/A"'),
        (EURO, "", ""),
        (EURO, "1.5", "1.5"),
        (Dialect(decimal_comma=True), 1.5, '"1,5"'),
        (Dialect(neutralise=False), "=1+1", "=1+1"),
        (Dialect(neutralise=False), "-5", "-5"),
        (Dialect(null_text="-"), None, "-"),
        (Dialect(null_text="-"), "-", "'-"),
        (Dialect(null_text="-", neutralise=False), "-", '"-"'),
        (Dialect(zone=ZoneInfo("Asia/Kolkata")), datetime(2024, 2, 9, 8, 5, tzinfo=UTC), "2024-02-09 13:35:00+05:30"),
        (Dialect(), time(8, 5), "08:05:00"),
        (Dialect(), timedelta(hours=26, minutes=3, microseconds=5), "26:03:00.000005"),
        (Dialect(), timedelta(hours=-1, minutes=-30), "-01:30:00"),
    ],
)
def test_each_setting_of_a_dialect_changes_only_its_cells(dialect: Dialect, value: Any, cell: str) -> None:
    assert LineWriter(dialect).line([value]) == cell


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (1, "1.00"),
        (2.675, "2.68"),
        (Decimal("-2.675"), "-2.68"),
        (1e22, "10000000000000000000000.00"),
        (math.nan, "NaN"),
        (None, ""),
        (True, "true"),
        ("=1", "'=1"),
    ],
)
def test_a_column_of_numbers_is_rounded_as_by_postgresql(value: Any, cell: str) -> None:
    assert LineWriter(Dialect(columns=ROUND), ["a"]).line([value]) == cell


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (date(2024, 2, 9), "09/02/2024 00:00"),
        (datetime(2024, 2, 9, 8, 5, 6), "09/02/2024 08:05"),
        ("2024-02-09 08:05:06", "09/02/2024 08:05"),
        ("2024-02-09", "09/02/2024 00:00"),
        ("2024-02-31", "2024-02-31"),
        ("soon", "soon"),
        (5, "5"),
        (None, ""),
    ],
)
def test_a_column_of_times_is_written_in_its_format(value: Any, cell: str) -> None:
    assert LineWriter(Dialect(columns=ROUND), ["t"]).line([value]) == cell


def test_the_header_has_the_labels_or_is_left_out() -> None:
    dialect = Dialect(columns={"b": ReportColumn("b", "=Größe")})
    for form, header in ((CsvFormat(), "a,'=Größe\r\n"), (CsvFormat(header=False), "")):
        file = io.BytesIO()
        export(rows(["a", "b"], [(1, 2)]), form, file.write, lambda _: None, dialect)
        assert file.getvalue().decode() == f"{header}1,2\r\n"


def test_a_described_column_that_the_query_does_not_return_is_an_error() -> None:
    dialect = Dialect(columns={"c": ReportColumn("c", "C")})
    with pytest.raises(PermanentError, match="describes a column 'c' that its query does not return; it returns a, b"):
        export(rows(["a", "b"], []), CsvFormat(), lambda _: None, lambda _: None, dialect)


@pytest.mark.parametrize(
    ("title", "given", "name"),
    [
        ("Monthly sales", [], "monthly-sales.csv"),
        ("Ventes / mois", ["2024-01-01", "Nord & Sud"], "ventes-mois-2024-01-01-nord-sud.csv"),
        ("売上", [5, ["a", "b"], True], "売上-5-a-b-true.csv"),
        ("../..", [], "report.csv"),
        ("x" * 300, ["y"], "x" * MAX_NAME_BYTES + ".csv"),
    ],
)
def test_a_file_is_named_after_title_and_parameters(title: str, given: list[Any], name: str) -> None:
    assert file_name(title, given, CsvFormat()) == name
