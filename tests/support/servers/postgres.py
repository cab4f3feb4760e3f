"""Runs a private PostgreSQL on a free port, from the installed binaries."""

import re
import secrets
import shutil
import signal
from pathlib import Path
from typing import Self
from uuid import uuid4

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from tests.support.running.processes import Process
from tests.support.servers.installing import installed
from tests.support.servers.ports import free_port
from tests.support.servers.private import PrivateFolder

_QUICK = ["-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"]


def find_binaries() -> Path | None:
    """The folder with `postgres` and `initdb`, the newest version first."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version, reverse=True)
    if on_path := shutil.which("postgres"):
        folders.append(Path(on_path).resolve().parent)
    return next((f for f in folders if (f / "initdb").exists() and (f / "postgres").exists()), None)


def _version(folder: Path) -> list[int]:
    return [int(n) for n in re.findall(r"\d+", folder.parent.name)]


class PostgreSQL:
    """Runs a private cluster. `stop`, `kill` and `start` keep its data and its port.

    As a context manager it runs from the start of the block, and at the end nothing of it is left. `durable` commits
    reach the disk (fsync is on), as tests that break something need; without it, the cluster is several times as fast
    and loses nothing as long as the machine runs.
    """

    def __init__(self, *, durable: bool = True) -> None:
        self._durable = durable
        self._bin = installed(find_binaries, "postgresql", "DATABASE_URL")
        self._folder = PrivateFolder("postgres", "postgres")
        self._data = self._folder.path / "data"
        self._port = free_port()
        self._password = secrets.token_hex(8)
        self._process: Process | None = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        """The URL of the cluster's own database, for SQLAlchemy."""
        return f"postgresql+psycopg://bureau:{self._password}@127.0.0.1:{self._port}/postgres"

    @property
    def folder(self) -> Path:
        """Data, log and socket."""
        return self._folder.path

    @property
    def pids(self) -> list[int]:
        """Returns the postmaster's pid while it runs; every backend descends from it."""
        return [self._process.pid] if self._process else []

    @property
    def log(self) -> Path:
        """Each line names its database."""
        return self._folder.path / "server.log"

    def start(self) -> None:
        if not self._data.exists():
            self._initialise()
        command: list[str | Path] = [
            *(self._bin / "postgres", "-D", self._data, "-p", str(self._port), "-k", self._folder.path),
            *("-c", "listen_addresses=127.0.0.1", "-c", "max_connections=300", "-c", "log_line_prefix=%m %d "),
            # It stops no sooner than this where a process was frozen while it was connecting.
            *("-c", "authentication_timeout=10s"),
            *([] if self._durable else _QUICK),
        ]
        self._process = Process(command, log=self.log, cwd=self._folder.path, user=self._folder.user)
        self._process.wait_until(self._answers, 60, "PostgreSQL answers")

    def stop(self) -> None:
        """A fast shutdown: clients are disconnected, nothing committed is lost."""
        if self._process:
            self._process.stop(30, signal.SIGINT)
            self._process = None

    def kill(self) -> None:
        """kill -9 for all of it, as a crash would."""
        if self._process:
            self._process.kill()
            self._process = None

    def close(self) -> None:
        self.kill()  # its data goes too, an orderly shutdown would only take longer
        self._folder.remove()

    def fresh_database(self) -> str:
        """The URL of a new empty database."""
        return fresh_database(self.url)

    def _initialise(self) -> None:
        password = self._folder.file("password", self._password)
        self._folder.run(
            [
                *(self._bin / "initdb", "-D", self._data, "-U", "bureau", f"--pwfile={password}"),
                *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8"),
                *([] if self._durable else ["--no-sync"]),
            ]
        )

    def _answers(self) -> bool:
        try:
            connect(self.url).close()
        except psycopg.OperationalError:
            return False
        return True


def connect(url: str) -> psycopg.Connection:
    """A connection in autocommit; `url` as SQLAlchemy or libpq writes it."""
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(plain, autocommit=True, connect_timeout=5, prepare_threshold=None)


def fresh_database(server_url: str) -> str:
    """Creates an empty database next to the one of `server_url`, whose user must be allowed to; its URL."""
    name = f"test_{uuid4().hex[:16]}"
    with connect(server_url) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
    url = make_url(server_url).set(drivername="postgresql+psycopg", database=name)
    return url.render_as_string(hide_password=False)


def drop_database(server_url: str, url: str) -> None:
    """Drops what `fresh_database` made, whoever is still connected."""
    name = make_url(url).database or ""
    with connect(server_url) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
