"""Measures a report of 1,000,000 rows of eight columns from PostgreSQL, against the usual way and psql.

`make bench-reports` runs it. Each contender is a process of its own and writes the same rows to a file; the ratios
compare the best of three alternating rounds. The usual way is what applications do: a client-side cursor, `csv.writer`
into a `StringIO`, the same escaping. Memory is a process's growth over one that wrote 10,000 rows.
"""

import csv
import io
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bureau.contracts.reports import CsvFormat
from bureau.formulas import FORMULA_STARTS
from bureau.observability import logs
from bureau.services.reports.output.csv_export import export
from bureau.services.reports.sources.sources import open_sources
from bureau.settings import LogSettings
from bureau.storage import Storage
from tests.integration.reports.memory_probe import peak_kib
from tests.support.reading import running
from tests.support.servers.postgres import PostgreSQL, connect

ROWS = 1_000_000
SMALL = 10_000
ROUNDS = 3
FASTER_THAN_USUAL, OF_PSQL, GROWTH_MB = 5.0, 0.7, 30.0
SALES = "select id, name, amount, at, paid, code, note, bucket from sales"
MANY = f"select s.* from generate_series(1, :times) g, ({SALES}) s"  # noqa: S608
FILL = (
    "create table sales as select i as id, 'customer ' || i as name, (i * 1.25)::numeric(12, 2) as amount,"
    " timestamptz '2024-01-01 00:00Z' + i * interval '1 s' as at, i % 2 = 0 as paid, md5(i::text) as code,"
    " case i % 3 when 0 then null when 1 then '=x' else 'say \"hi\", ' || i end as note, i * 0.1::float8 as bucket"
    " from generate_series(1, 1000000) i"
)


def main() -> int:
    logs.configure(LogSettings(log_level="WARNING"))
    with PostgreSQL() as server, tempfile.TemporaryDirectory(prefix="bureau-bench-") as folder:
        url = server.fresh_database()
        with connect(url) as connection:
            connection.execute(FILL)
            connection.execute("vacuum analyze sales")
        ways: dict[str, list[tuple[float, int]]] = {"bureau": [], "psql": [], "usual": []}
        for _ in range(ROUNDS):
            for way, runs in ways.items():
                runs.append(_run(way, url, folder))
        seconds = {way: min(run[0] for run in runs) for way, runs in ways.items()}
        base = _grown(url, folder, SMALL)
        growth = {times * ROWS: (_grown(url, folder, times * ROWS) - base) / 1024 for times in (1, 5)}
    for way, taken in seconds.items():
        print(f"{way:<8}{taken:8.2f} s {ROWS / taken:12,.0f} rows/s")
    usual, psql = seconds["usual"] / seconds["bureau"], seconds["psql"] / seconds["bureau"]
    print(f"\nagainst the usual way {usual:6.2f}   (bar: at least {FASTER_THAN_USUAL})")
    print(f"against psql \\copy    {psql:6.2f}   (bar: at least {OF_PSQL})")
    for rows, grown in growth.items():
        print(f"memory at {rows:>9,} rows: + {grown:.1f} MB   (bar: under {GROWTH_MB:.0f})")
    good = usual >= FASTER_THAN_USUAL and psql >= OF_PSQL and max(growth.values()) < GROWTH_MB
    return 0 if good else 1


def _run(way: str, url: str, folder: str) -> tuple[float, int]:
    """Seconds and KiB at most of one process."""
    if way == "psql":
        return _psql(url, folder), 0
    return _child(way, url, folder, ROWS)


def _grown(url: str, folder: str, rows: int) -> int:
    return _child("bureau", url, folder, rows)[1]


def _child(way: str, url: str, folder: str, rows: int) -> tuple[float, int]:
    command = [sys.executable, "-m", "tests.benchmarks.reports", way, folder, str(rows)]
    ran = subprocess.run(
        command, env={**os.environ, "SOURCE_SHOP_URL": url}, capture_output=True, text=True, check=True
    )
    seconds, peak = ran.stdout.split()
    shutil.rmtree(Path(folder) / way, ignore_errors=True)
    return float(seconds), int(peak)


def _psql(url: str, folder: str) -> float:
    target = Path(folder) / "psql.csv"
    plain = url.replace("postgresql+psycopg://", "postgresql://")
    started = time.monotonic()
    subprocess.run(["psql", "-q", plain, "-c", f"\\copy ({SALES}) to '{target}' with (format csv, header)"], check=True)
    taken = time.monotonic() - started
    target.unlink()
    return taken


def bureau_way(url: str, folder: Path, rows: int) -> None:
    source = open_sources({"SOURCE_SHOP_URL": url})["shop"]
    times, left = divmod(rows, ROWS)
    sql, values = (MANY, {"times": times}) if not left else (f"{SALES} limit :rows", {"rows": rows})
    if times == 1:
        sql, values = SALES, {}
    with Storage.from_url(f"file://{folder}").writer("report.csv") as file, running(source, sql, values) as found:
        written = export(found, CsvFormat(), file.write, lambda _: None)
    if written != rows:
        raise RuntimeError(f"{written} rows instead of {rows}")


def usual_way(url: str, folder: Path) -> None:
    def escaped(cell: object) -> object:
        return f"'{cell}" if isinstance(cell, str) and cell[:1] in FORMULA_STARTS and cell else cell

    text = io.StringIO()
    with connect(url) as connection:
        cursor = connection.execute(SALES)
        writer = csv.writer(text)
        writer.writerow([column.name for column in cursor.description or []])
        for row in cursor.fetchall():
            writer.writerow([escaped(cell) for cell in row])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.csv").write_text(text.getvalue(), newline="")


def child(way: str, folder: str, rows: str) -> None:
    started = time.monotonic()
    url = os.environ["SOURCE_SHOP_URL"]
    if way == "usual":
        usual_way(url, Path(folder) / way)
    else:
        bureau_way(url, Path(folder) / way, int(rows))
    print(f"{time.monotonic() - started:.3f} {peak_kib()}")


if __name__ == "__main__":
    if len(sys.argv) == 4:
        child(*sys.argv[1:])
    else:
        sys.exit(main())
