"""Runs a private PgBouncer in transaction mode in front of a PostgreSQL, from Debian's package."""

import shutil
from pathlib import Path
from typing import Self

from sqlalchemy.engine import make_url

from tests.support.running.processes import Process
from tests.support.servers.installing import installed
from tests.support.servers.ports import free_port, listens
from tests.support.servers.private import PrivateFolder


def find_binary() -> Path | None:
    """Returns the path of `pgbouncer`, or None."""
    found = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin")
    return Path(found) if found else None


class PgBouncer:
    """Gives each transaction any of a few sessions, so that nothing of a session is left for the next one.

    `ignoring` drops the startup parameter `options`, as many set it up; without it such a connection is refused. As a
    context manager it runs from the start of the block, and at the end nothing of it is left.
    """

    def __init__(self, server_url: str, *, ignoring: bool, sessions: int = 20) -> None:
        """`server_url` is of a role that may read the passwords of all."""
        self._binary = installed(find_binary, "pgbouncer", "PATH")
        self._folder = PrivateFolder("pgbouncer", "postgres")
        self._port = free_port()
        server = make_url(server_url)
        users = self._folder.file("users.txt", f'"{server.username}" "{server.password}"\n')
        self._configuration = self._folder.file(
            "pgbouncer.ini",
            f"""[databases]
* = host={server.host} port={server.port} auth_user={server.username}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {self._port}
unix_socket_dir =
pool_mode = transaction
auth_type = scram-sha-256
auth_file = {users}
auth_query = SELECT usename, passwd FROM pg_shadow WHERE usename = $1
default_pool_size = {sessions}
max_client_conn = 1000
ignore_startup_parameters = {"extra_float_digits,options" if ignoring else "extra_float_digits"}
log_connections = 0
log_disconnections = 0
""",  # noqa: S608 - a file of settings, for a server of the tests
        )
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

    def url(self, database_url: str) -> str:
        """Returns the URL of the same database through the pooler."""
        return make_url(database_url).set(host="127.0.0.1", port=self._port).render_as_string(hide_password=False)

    def start(self) -> None:
        """Returns when clients can connect."""
        self._process = Process(
            [self._binary, self._configuration],
            log=self._folder.path / "server.log",
            cwd=self._folder.path,
            user=self._folder.user,
        )
        self._process.wait_until(lambda: listens(self._port), 20, "PgBouncer listens")

    def close(self) -> None:
        """Kills it."""
        if self._process:
            self._process.kill()
            self._process = None
        self._folder.remove()
