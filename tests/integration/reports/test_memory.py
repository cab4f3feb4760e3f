"""Flat memory: a million rows take at most 30 MB more than ten thousand do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bureau.services.reports.demo import make_demo

ALLOWED_KIB = 30 * 1024

POSTGRES = (
    "select i as id, 'customer ' || i as name, i * 1.25 as amount, now() + i * interval '1 s' as at, i % 2 = 0 as paid,"
    " md5(i::text) as code, case when i % 3 = 0 then null else '=x' end as note, i % 1000 as bucket"
    " from generate_series(1, :count) i"
)
SQLITE = (
    "with recursive n(i) as (select 1 union all select i + 1 from n where i < :count)"
    " select i as id, 'customer ' || i as name, i * 1.25 as amount, '=x' as note, null as remark from n"
)


def probe(url: str, sql: str, rows: int, compression: str, folder: Path) -> int:
    """KiB at most of a process that wrote `rows` rows."""
    ran = subprocess.run(
        [sys.executable, "-m", "tests.integration.reports.memory_probe", sql, str(rows), compression, str(folder)],
        env={**os.environ, "SOURCE_SHOP_URL": url},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert ran.returncode == 0, ran.stderr
    written, size, peak = map(int, ran.stdout.split())
    assert written == rows
    assert (folder / "report.csv").stat().st_size == size
    return peak


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_a_million_rows_of_postgresql(postgres_url: str, tmp_path: Path, compression: str) -> None:
    small = probe(postgres_url, POSTGRES, 10_000, compression, tmp_path / "small")
    large = probe(postgres_url, POSTGRES, 1_000_000, compression, tmp_path / "large")
    assert large - small <= ALLOWED_KIB, f"{small} KiB at 10,000 rows, {large} KiB at 1,000,000"


def test_a_million_rows_of_sqlite(tmp_path: Path) -> None:
    make_demo(tmp_path / "shop.db", 10)
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    small = probe(url, SQLITE, 10_000, "none", tmp_path / "small")
    large = probe(url, SQLITE, 1_000_000, "none", tmp_path / "large")
    assert large - small <= ALLOWED_KIB, f"{small} KiB at 10,000 rows, {large} KiB at 1,000,000"
