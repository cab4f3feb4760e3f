"""Runs Bureau as a hosting platform runs the Procfile: with PORT, a postgres:// DATABASE_URL, no persistent disk."""

import os
import shlex
from pathlib import Path
from typing import Self

from bureau.services.reports.demo import make_demo
from tests.support.running.processes import ROOT, Process
from tests.support.running.stack import BIN, WORKERS, Stack
from tests.support.servers.s3 import CREDENTIALS, S3Server

PROCFILE = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())
ORDERS = 130_000  # of the demo shop: as a report more bytes than a part of an upload has
MAKE_KEY = "python -m bureau.services.gateway.keys make --owner shop --role operate"


class Hosted(Stack):
    """Keeps files in `bucket`; the workers use a database role that has the rights they need and no others."""

    def __init__(self, folder: Path, s3: S3Server, broker_url: str, database_url: str, workers_url: str) -> None:
        self.s3 = s3
        self.bucket = s3.fresh_bucket()
        workers = (*WORKERS, "odd")
        super().__init__(
            folder,
            broker_url=broker_url,
            database_url=_as_platforms_write_it(database_url),
            env={
                **CREDENTIALS,
                "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
                "STORAGE_URL": self.bucket,
                "SOURCE_DEMO_URL": f"sqlite:///{folder}/shop.db",
            },
            own_env={name: {"DATABASE_URL": _as_platforms_write_it(workers_url)} for name in workers},
        )
        self.env["PORT"] = self.env.pop("BIND").rpartition(":")[2]
        del self.env["LOG_FORMAT"]

    def __enter__(self) -> Self:
        make_demo(self.folder / "shop.db", ORDERS)
        with Process(shlex.split(MAKE_KEY), log=self.folder / "key.log", env=self.env) as making:
            assert making.wait(60) == 0, making.output()
            self.api.client.headers["Authorization"] = f"Bearer {making.output().split()[-1]}"
        try:
            self.start("gateway", "scheduler", *WORKERS, "odd")
        except BaseException:
            self.__exit__()
            raise
        return self

    def command(self, name: str) -> list[str | Path]:
        line = PROCFILE.get("web" if name == "gateway" else name)
        return [*shlex.split(line)] if line else super().command(name)


def _as_platforms_write_it(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgres://")
