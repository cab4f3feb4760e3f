"""Runs a private MariaDB on a free port, from the installed binaries."""

import secrets
import shutil
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import pymysql

from tests.support.running.processes import Process
from tests.support.servers.installing import installed
from tests.support.servers.ports import free_port
from tests.support.servers.private import PrivateFolder


def find_binaries() -> tuple[Path, Path] | None:
    """The server and the program that makes its data folder."""
    path = "/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin"
    server, install = shutil.which("mariadbd", path=path), shutil.which("mariadb-install-db", path=path)
    return (Path(server), Path(install)) if server and install else None


class MariaDB:
    """Runs a server with one user, `bureau`, who may do anything.

    As a context manager it removes all of it at the end.
    """

    def __init__(self) -> None:
        self._server, self._install = installed(find_binaries, "mariadb-server", "PATH")
        self._folder = PrivateFolder("mariadb", "mysql")
        self._data = self._folder.path / "data"
        self.port = free_port()
        self.password = secrets.token_hex(8)
        self._process: Process | None = None

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def url(self, database: str = "", user: str = "bureau", password: str | None = None) -> str:
        return f"mariadb://{user}:{password or self.password}@127.0.0.1:{self.port}/{database}"

    def connect(self, database: str | None = None) -> Any:
        """A connection in autocommit."""
        return pymysql.connect(
            host="127.0.0.1",
            port=self.port,
            user="bureau",
            password=self.password,
            database=database,
            autocommit=True,
            connect_timeout=5,
        )

    def fresh_database(self) -> str:
        """The name of a new empty database."""
        name = f"test_{uuid4().hex[:16]}"
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"create database {name} character set utf8mb4")
        return name

    def close(self) -> None:
        if self._process:
            self._process.kill()  # its data goes too, an orderly shutdown would only take longer
            self._process = None
        self._folder.remove()

    def _start(self) -> None:
        first = self._folder.file(
            "first.sql",
            f"create user bureau@'127.0.0.1' identified by '{self.password}';\n"
            "grant all on *.* to bureau@'127.0.0.1' with grant option;\n",
        )
        # In a folder of its own: a server that starts deletes all temporary tables that lie where its own will.
        tmp = [f"--tmpdir={self._folder.path}"]
        self._folder.run([self._install, "--no-defaults", f"--datadir={self._data}", "--skip-test-db", *tmp])
        self._process = Process(
            [
                *(self._server, "--no-defaults", f"--datadir={self._data}", f"--port={self.port}"),
                *("--bind-address=127.0.0.1", f"--socket={self._folder.path / 'socket'}", f"--init-file={first}"),
                *("--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=64M", "--skip-name-resolve", *tmp),
                f"--pid-file={self._folder.path / 'pid'}",
            ],
            log=self._folder.path / "server.log",
            cwd=self._folder.path,
            user=self._folder.user,
        )
        self._process.wait_until(self._answers, 60, "MariaDB answers")

    def _answers(self) -> bool:
        try:
            self.connect().close()
        except pymysql.MySQLError:
            return False
        return True
