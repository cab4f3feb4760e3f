"""A program for the memory test: a report of some rows into storage, and the process's highest memory.

    SOURCE_SHOP_URL=… python -m tests.integration.reports.memory_probe SQL ROWS COMPRESSION FOLDER

Prints rows, bytes of the file and KiB of memory at most. A process of its own, because memory that Python has taken
once it rarely gives back.
"""

import os
import sys
from pathlib import Path

from bureau.contracts.reports import CsvFormat
from bureau.services.reports.output.csv_export import export
from bureau.services.reports.sources.sources import open_sources
from bureau.storage import Storage
from tests.support.reading import running


def main(sql: str, count: int, compression: str, folder: str) -> None:
    source = open_sources(os.environ)["shop"]
    form = CsvFormat.model_validate({"compression": compression if compression == "gzip" else None})
    storage = Storage.from_url(f"file://{folder}")
    with (
        storage.writer("report.csv") as file,
        running(source, sql, {"count": count}) as rows,
    ):
        written = export(rows, form, file.write, lambda _: None)
    print(written, file.size, peak_kib())


def peak_kib() -> int:
    """`VmHWM`: unlike `ru_maxrss` it does not begin with what the parent had when it forked."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    raise RuntimeError("/proc/self/status has no VmHWM: the memory test needs Linux")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4])
