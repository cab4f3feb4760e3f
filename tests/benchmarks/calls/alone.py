"""Makes the same calls on the same client without Bureau, and writes the files: `python -m … FOLDER CALLS ROUNDS`.

It prints for each round the seconds from its first call until its last file is on disk.
"""

import asyncio
import os
import sys
import time
from pathlib import Path

from tests.benchmarks.calls.tasks import FILES, api


def write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


async def one(path: Path) -> None:
    answer = await api.value.post("/", files=FILES)
    answer.raise_for_status()
    await asyncio.to_thread(write, path, answer.content)


async def main(folder: str, calls: int, rounds: int) -> None:
    async with api.running():
        for _ in range(rounds):
            began = time.monotonic()
            await asyncio.gather(*(one(Path(folder, f"{number}.zip")) for number in range(calls)))
            print(time.monotonic() - began)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], *map(int, sys.argv[2:])))
