"""Makes the same calls without jobs: threads with a connection each write the ZIPs to files.

It shows what this machine can do at all. `python -m … URL FOLDER JOBS THREADS ROUNDS` prints for each round the seconds
from its first call until its last file is on disk; from the second on, threads and connections exist already.
"""

import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx


def main(url: str, folder: str, jobs: int, threads: int, rounds: int) -> None:
    context = httpx.create_ssl_context()
    own = threading.local()

    def issue(number: int) -> None:
        if not hasattr(own, "client"):
            own.client = httpx.Client(verify=context, timeout=120.0)
        answer = own.client.post(url, files=[("files", ("roster.csv", b"recipient\nAda\n", "text/csv"))])
        answer.raise_for_status()
        with Path(folder, f"{number}.zip").open("wb") as file:
            file.write(answer.content)
            file.flush()
            os.fsync(file.fileno())

    with ThreadPoolExecutor(threads) as pool:
        for _ in range(rounds):
            started = time.monotonic()
            list(pool.map(issue, range(jobs)))
            print(time.monotonic() - started)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
