"""Runs a private RabbitMQ node on free ports, from the installed binaries."""

import base64
import json
import secrets
import shutil
import urllib.error
import urllib.request
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self
from uuid import uuid4

from tests.support.running.processes import Process
from tests.support.servers.installing import installed
from tests.support.servers.ports import free_port, listens
from tests.support.servers.private import PrivateFolder

_CONFIG = """\
listeners.tcp.1 = 127.0.0.1:{amqp}
management.tcp.ip = 127.0.0.1
management.tcp.port = {http}
default_user = bureau
default_pass = {password}
disk_free_limit.absolute = 50MB
raft.wal_max_size_bytes = 16777216
"""


def find_binaries() -> Path | None:
    """The folder with `rabbitmq-server` and `rabbitmqctl` themselves.

    Debian's of the same name on PATH are wrappers that change the user and the folder.
    """
    folders = [Path("/usr/lib/rabbitmq/bin")]
    if on_path := shutil.which("rabbitmq-server"):
        folders.append(Path(on_path).resolve().parent)
    return next((f for f in folders if (f / "rabbitmq-server").exists() and (f / "rabbitmqctl").exists()), None)


@dataclass(frozen=True)
class VirtualHosts:
    """Creates and drops virtual hosts of a running node, for tests that must not stop it.

    It uses the management API: a virtual host takes 50 ms through it, and two seconds by rabbitmqctl.
    """

    amqp: int
    http: int
    password: str

    def url_of(self, vhost: str) -> str:
        return f"amqp://bureau:{self.password}@127.0.0.1:{self.amqp}/{vhost}"

    def fresh(self) -> str:
        """The URL of a new empty virtual host."""
        vhost = f"test-{uuid4().hex[:12]}"
        self.make(vhost)
        return self.url_of(vhost)

    def make(self, vhost: str) -> None:
        self._call("PUT", f"vhosts/{vhost}", {})
        self._call("PUT", f"permissions/{vhost}/bureau", {"configure": ".*", "write": ".*", "read": ".*"})

    def drop(self, url: str) -> None:
        """Drops a virtual host with its queues and connections."""
        self._call("DELETE", f"vhosts/{name_of(url)}")

    def answers(self) -> bool:
        if not listens(self.amqp):
            return False
        try:
            self._call("GET", "whoami")
        except (urllib.error.URLError, OSError):
            return False
        return True

    def _call(self, method: str, path: str, body: object = None) -> None:
        credentials = base64.b64encode(f"bureau:{self.password}".encode()).decode()
        request = urllib.request.Request(  # loopback
            f"http://127.0.0.1:{self.http}/api/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Basic {credentials}", "Content-Type": "application/json"},
        )
        urllib.request.urlopen(request, timeout=30).close()  # noqa: S310


def name_of(url: str) -> str:
    """The virtual host that a URL of `VirtualHosts` names."""
    return url.rsplit("/", 1)[1]


class RabbitMQ:
    """Runs a node with its own epmd, so that it meets no other Erlang node of the machine.

    `stop`, `kill` and `start` keep its messages and its port; `wipe` loses all messages and queues. As a context
    manager it runs from the start of the block, and at the end nothing of it is left.
    """

    def __init__(self) -> None:
        self._bin = installed(find_binaries, "rabbitmq-server", "BROKER_URL")
        self._folder = PrivateFolder("rabbitmq", "rabbitmq")
        amqp, http, self._distribution, self._epmd_port = (free_port() for _ in range(4))
        self.vhosts = VirtualHosts(amqp, http, secrets.token_hex(8))
        self._made: set[str] = set()
        self._env = self._environment()
        self._epmd: Process | None = None
        self._node: Process | None = None

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
        """The URL of the default virtual host."""
        return self.vhosts.url_of("%2F")

    @property
    def folder(self) -> Path:
        """Data, log and socket."""
        return self._folder.path

    @property
    def pids(self) -> list[int]:
        """Returns the pids of the node and its epmd while they run; all that works for them descends from these."""
        return [process.pid for process in (self._node, self._epmd) if process]

    def version(self) -> str:
        """Returns what the node tells."""
        return self.ctl("version").strip()

    def start(self) -> None:
        """Returns when clients can connect."""
        self._epmd = self._epmd or self._start_epmd()
        self._node = Process(
            [self._bin / "rabbitmq-server"],
            log=self._folder.path / "server.log",
            env=self._env,
            cwd=self._folder.path,
            user=self._folder.user,
        )
        self._node.wait_until(self.vhosts.answers, 90, "RabbitMQ answers")

    def stop(self) -> None:
        """An orderly shutdown; durable messages stay."""
        if self._node:
            self._node.stop(60)
            self._node = None

    def kill(self) -> None:
        """kill -9, as a crash would."""
        if self._node:
            self._node.kill()
            self._node = None

    def wipe(self) -> None:
        """A node that lost its disk: same address, same virtual hosts, nothing in them."""
        self.kill()
        shutil.rmtree(self._folder.path / "mnesia")
        self.start()
        for vhost in self._made:
            self.vhosts.make(vhost)

    def close(self) -> None:
        self.kill()  # everything goes with the folder, an orderly shutdown would only take longer
        if self._epmd:
            self._epmd.kill()
        self._folder.remove()

    def ctl(self, *args: str) -> str:
        """`rabbitmqctl -q …`; its output. Takes about a second."""
        return self._folder.run([self._bin / "rabbitmqctl", "-q", *args], self._env)

    def fresh_vhost(self) -> str:
        """The URL of a new empty virtual host, which `wipe` empties and keeps."""
        url = self.vhosts.fresh()
        self._made.add(name_of(url))
        return url

    def drop_vhost(self, url: str) -> None:
        """Drops what `fresh_vhost` made, with its queues and connections."""
        self._made.discard(name_of(url))
        self.vhosts.drop(url)

    def _environment(self) -> dict[str, str]:
        folder = self._folder
        config = folder.file("rabbitmq.conf", _CONFIG.format(**asdict(self.vhosts)))
        plugins = folder.file("enabled_plugins", "[rabbitmq_management].\n")
        folder.file(".erlang.cookie", secrets.token_hex(16).upper(), 0o400)
        return {
            "HOME": str(folder.path),  # where Erlang looks for the cookie
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self._epmd_port),
            "RABBITMQ_NODENAME": f"bureau-{uuid4().hex[:8]}@localhost",
            "RABBITMQ_DIST_PORT": str(self._distribution),
            "RABBITMQ_CONF_ENV_FILE": str(folder.path / "no-such.conf"),  # not the machine's own in /etc
            "RABBITMQ_CONFIG_FILE": str(config),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(plugins),
            "RABBITMQ_MNESIA_BASE": str(folder.path / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder.path / "log"),
            "RABBITMQ_PID_FILE": str(folder.path / "pid"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} +S 2:2",
        }

    def _start_epmd(self) -> Process:
        """Erlang would start one itself, as a daemon that outlives the tests."""
        epmd = shutil.which("epmd", path="/usr/bin:/usr/local/bin:/usr/lib/erlang/bin") or "epmd"
        log = self._folder.path / "epmd.log"
        process = Process([epmd], log=log, env=self._env, cwd=self._folder.path, user=self._folder.user)
        process.wait_until(lambda: listens(self._epmd_port), 20, "epmd listens")
        return process
