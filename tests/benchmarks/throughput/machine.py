"""Describes the machine that a run was measured on; the description is printed with the results."""

import os
import platform
import shutil
import statistics
import subprocess
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

from tests.benchmarks.throughput.stacks.servers import Servers
from tests.support.servers.postgres import connect

BUSY_LOAD = 0.5
WRITES = 50
_SETTINGS = ("fsync", "synchronous_commit", "full_page_writes", "shared_buffers")


def describe(servers: Servers) -> list[str]:
    cores = sorted(os.sched_getaffinity(0))
    packages = ", ".join(f"{name} {version(name)}" for name in ("celery", "flask", "gunicorn", "dramatiq"))
    load = os.getloadavg()[0]
    lines = [
        f"{len(cores)} cores ({_model()}), {_memory_gb():.0f} GB, Linux {platform.release()}",
        f"Python {platform.python_version()}, {packages}",
        f"PostgreSQL {_postgres(servers)}",
        f"RabbitMQ {servers.rabbitmq.version()}; Redis {_redis(servers)}",
        f"a write of 8 kB with fdatasync takes {_fdatasync_ms():.2f} ms where the servers' files are",
        f"load average {load:.2f} before the start",
    ]
    if load > BUSY_LOAD:
        lines.append("THE MACHINE IS BUSY: other programs take part of what is measured; trust the ratios only")
    return lines


def _model() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _memory_gb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9


def _postgres(servers: Servers) -> str:
    with connect(servers.postgres.url) as connection:
        shown = {
            name: (connection.execute("SELECT current_setting(%s)", (name,)).fetchone() or ("",))[0]
            for name in ("server_version", *_SETTINGS)
        }
    return f"{shown.pop('server_version')}: " + ", ".join(f"{name} {value}" for name, value in shown.items())


def _redis(servers: Servers) -> str:
    said = subprocess.run([servers.redis.binary, "--version"], check=True, capture_output=True, text=True).stdout
    return next(word.removeprefix("v=") for word in said.split() if word.startswith("v="))


def _fdatasync_ms() -> float:
    """Returns the median of several writes. Where it is next to nothing, the disk promises what it does not keep."""
    folder = Path(tempfile.mkdtemp(prefix="bureau-fdatasync-"))
    seconds = []
    with (folder / "file").open("wb") as file:
        for _ in range(WRITES):
            file.write(b"\0" * 8192)
            file.flush()
            began = time.monotonic()
            os.fdatasync(file.fileno())
            seconds.append(time.monotonic() - began)
    shutil.rmtree(folder)
    return statistics.median(seconds) * 1000
