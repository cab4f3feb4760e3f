"""CSV: what is read back equals what was written, formulas cannot run, memory is a chunk."""

import csv
import gzip
import io
import math
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bureau.contracts.reports import CsvFormat
from services.reports.cells import FORMULA_STARTS, LineWriter
from services.reports.csv_export import CHUNK_BYTES, export, file_name, media_type
from services.reports.rows import Batch, Rows, batches_of

COMMAS = CsvFormat()


def rows(columns: list[str], records: Iterable[Sequence[Any]], delimiter: str = ",") -> Rows:
    remaining = list(records)

    def fetch(count: int) -> Sequence[Sequence[Any]]:
        taken, remaining[:] = remaining[:count], remaining[count:]
        return taken

    return Rows(columns, datetime.now(UTC), batches_of(fetch, delimiter))


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
def test_text_reads_back_equal_but_for_the_mark_of_a_neutralised_formula(
    records: list[tuple[str, str]], delimiter: Any
) -> None:
    data = exported(["a", "b"], records, CsvFormat(delimiter=delimiter))
    expected = [
        [f"'{text}" if text.startswith(tuple(FORMULA_STARTS)) else text for text in record] for record in records
    ]
    assert read_back(data, delimiter) == [["a", "b"], *expected]


@given(st.lists(st.tuples(cells, cells, cells)), delimiters)
def test_no_value_breaks_out_of_its_cell_and_no_text_begins_like_a_formula(
    records: list[tuple[Any, ...]], delimiter: Any
) -> None:
    lines = read_back(exported(["a", "b", "c"], records, CsvFormat(delimiter=delimiter)), delimiter)
    assert [len(line) for line in lines] == [3] * (len(records) + 1)
    for record, line in zip(records, lines[1:], strict=True):
        for value, cell in zip(record, line, strict=True):
            if not isinstance(value, int | float):
                assert not cell.startswith(tuple(FORMULA_STARTS))


@given(st.floats(allow_nan=False) | st.integers() | st.decimals(allow_nan=False))
def test_numbers_read_back_equal_and_are_never_marked(number: Any) -> None:
    cell = LineWriter(",").line([number])
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
    assert LineWriter(",").line([value]) == cell


def test_headers_are_neutralised_and_lines_end_as_rfc_4180_says() -> None:
    assert exported(["=cmd()", 'a "b"', ""], [(1, 2, 3)]) == b'\'=cmd(),"a ""b""",""\r\n1,2,3\r\n'


def test_no_rows_give_a_file_of_the_header_alone() -> None:
    assert exported(["a", "b"], []) == b"a,b\r\n"


def test_the_byte_order_mark_and_the_delimiter_are_as_asked() -> None:
    data = exported(["a", "b"], [("x;y", "z")], CsvFormat(delimiter=";", bom=True))
    assert data == b'\xef\xbb\xbfa;b\r\n"x;y";z\r\n'


def test_gzip_holds_the_same_bytes_and_names_itself() -> None:
    records = [(number, f"name {number}") for number in range(20_000)]
    packed = exported(["id", "name"], records, CsvFormat(compression="gzip"))
    assert gzip.decompress(packed) == exported(["id", "name"], records)
    assert packed == exported(["id", "name"], records, CsvFormat(compression="gzip"))  # no time of making in it
    assert file_name("sales", CsvFormat(compression="gzip")) == "sales.csv.gz"
    assert media_type(CsvFormat(compression="gzip")) == "application/gzip"
    assert (file_name("sales", CsvFormat()), media_type(CsvFormat())) == ("sales.csv", "text/csv")


def test_rows_are_gathered_to_chunks_and_counted() -> None:
    line = b"x" * 998 + b"\r\n"
    written: list[int] = []
    told: list[int] = []
    source = Rows(["a"], datetime.now(UTC), (Batch(line * 10, 10) for _ in range(100)))
    count = export(source, CsvFormat(), lambda data: written.append(len(data)), told.append)
    assert count == 1000
    assert told[-1] == 1000
    assert all(CHUNK_BYTES <= size < CHUNK_BYTES + 10_000 for size in written[:-1])
    assert len(written) == 4


def test_a_slow_query_shows_its_rows_before_a_chunk_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(1000))
    monkeypatch.setattr("services.reports.csv_export.time.monotonic", lambda: float(next(clock)))
    told: list[int] = []
    export(Rows(["a"], datetime.now(UTC), iter([Batch(b"1\r\n", 1)] * 3)), CsvFormat(), lambda _: None, told.append)
    assert told == [0, 1, 2, 3]
