"""Runs Bureau under the supervisor it ships with: `deploy/supervisord.conf`, its files moved into a test's folder."""

import configparser
import os
import signal
import sys
import xmlrpc.client
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from supervisor.xmlrpc import SupervisorTransport

from tests.support.failpoints import Failpoints
from tests.support.faults.patience import CONSTANTS
from tests.support.running.api import Api
from tests.support.running.processes import ROOT, Process
from tests.support.servers.ports import free_port
from tests.support.waiting import until

BIN = Path(sys.executable).parent
SHIPPED = ROOT / "deploy" / "supervisord.conf"
SERVICES = ("certificates", "reports", "mailer", "chaos")
CHAOS = "dramatiq bureau.worker tests.support.faults.tasks --processes 1 --threads 16"
NAPS = "dramatiq bureau.worker tests.support.faults.naps --processes 1 --threads 2"
SECOND = {"chaos2": "chaos", "naps": "chaos", "mailer2": "mailer", "scheduler2": "scheduler"}  # started by tests


class Supervised:
    """Runs gateway, scheduler, the three services and the tests' own `chaos`; each is restarted when it ends.

    `commands` adds programs or changes a shipped one's command, `own_env` adds settings to single programs, `constants`
    changes more of them than `patience` does.
    """

    def __init__(
        self,
        folder: Path,
        *,
        broker_url: str,
        database_url: str,
        env: Mapping[str, str] | None = None,
        own_env: Mapping[str, Mapping[str, str]] | None = None,
        commands: Mapping[str, str] | None = None,
        constants: Mapping[str, Any] | None = None,
    ) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.failpoints = Failpoints(folder / "failpoints")
        self.port = free_port()
        self.api = Api(f"http://127.0.0.1:{self.port}")
        self.broker_url, self.database_url = broker_url, database_url
        self.env = {
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "BROKER_URL": broker_url,
            "DATABASE_URL": database_url,
            "STORAGE_URL": f"file://{self.storage}",
            "MAIL_URL": f"file://{folder}/outbox",
            "MAIL_FROM": "Bureau <bureau@faults.test>",
            "BIND": f"127.0.0.1:{self.port}",
            "CHAOS_FOLDER": str(folder),
            "LOG_FORMAT": "text",
            "PYTHONUNBUFFERED": "1",
            **self.failpoints.env({**CONSTANTS, **(constants or {})}),
            **(env or {}),
        }
        self._socket = folder / "supervisor.sock"
        self._commands = {"chaos": CHAOS, "chaos2": CHAOS, "naps": NAPS, **(commands or {})}
        self._own_env = own_env or {}
        self._process: Process | None = None

    @property
    def storage(self) -> Path:
        return self.folder / "storage"

    @property
    def supervisord(self) -> Process:
        assert self._process is not None
        return self._process

    def __enter__(self) -> Self:
        conf = self.folder / "supervisord.conf"
        conf.write_text(self._configuration())
        log = self.folder / "supervisord.log"
        self._process = Process([BIN / "supervisord", "-c", conf], log=log, env=self.env)
        try:
            self.serving()
        except BaseException:
            self._process.kill()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self.api.client.close()
        self.supervisord.kill()

    def serving(self, services: Iterable[str] = SERVICES, seconds: float = 90) -> None:
        """Until the gateway answers and each of the services has a live worker whose process is there."""
        self.supervisord.wait_for_http(f"{self.api.url}/healthz", seconds)
        self.supervisord.wait_until(
            lambda: set(services) <= self._live(), seconds, f"the services {', '.join(services)} announced themselves"
        )

    def _live(self) -> set[str]:
        answer = self.api.client.get("/v1/workers", params={"limit": 200})
        if answer.status_code != 200:
            return set()
        return {
            row["service"] for row in answer.json()["items"] if row["live"] and Path(f"/proc/{row['pid']}").exists()
        }

    def info(self, program: str) -> dict[str, Any]:
        """What supervisor says: `pid` (0 when it does not run), `statename`, `exitstatus`, `start` …"""
        found: Any = self._supervisor().getProcessInfo(program)
        return dict(found)

    def pid(self, program: str) -> int:
        """Once it runs."""
        return until(lambda: int(self.info(program)["pid"]), 30, f"{program} runs")

    def child(self, program: str) -> int:
        """The process that works, of a program that forks it: Dramatiq's or gunicorn's."""
        return until(lambda: next(iter(children(self.pid(program))), 0), 30, f"the child of {program}")

    def stop(self, program: str) -> None:
        """As an operator would; returns when it has ended."""
        self._supervisor().stopProcess(program)

    def begin_stop(self, program: str) -> None:
        """SIGTERM, as `stop`, without waiting."""
        self._supervisor().stopProcess(program, False)

    def start(self, program: str) -> None:
        self._supervisor().startProcess(program, False)

    def kill(self, program: str) -> None:
        """kill -9 for the program and its children at once."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid(program), signal.SIGKILL)

    def signal(self, program: str, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid(program), number)

    def dump_stacks(self) -> None:
        """What each worker's threads and the scheduler's do, into their logs: to be read when a test failed."""
        for program in ("scheduler", *SERVICES):
            for pid in children(self.pid(program)) or [self.pid(program)]:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGUSR1)

    def log(self, program: str) -> str:
        path = self.folder / f"{program}.log"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    def logs(self) -> str:
        return "".join(self.log(program) for program in ("gateway", "scheduler", *SERVICES, *SECOND))

    def wait_for_line(self, program: str, text: str, seconds: float, *, after: int = 0) -> str:
        """The first line of its log behind the character `after` that holds `text`."""

        def found() -> list[str]:
            return [line for line in self.log(program)[after:].splitlines() if text in line]

        return until(found, seconds, lambda: f"{text!r} in the log of {program}: {self.log(program)[-3000:]}")[0]

    def _supervisor(self) -> Any:
        transport = SupervisorTransport(None, None, f"unix://{self._socket}")
        return xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport).supervisor

    def _configuration(self) -> str:
        shipped = configparser.RawConfigParser(inline_comment_prefixes=(";",))
        shipped.read(SHIPPED)
        shipped["supervisord"].update({"directory": str(ROOT), "pidfile": str(self.folder / "supervisord.pid")})
        shipped["unix_http_server"]["file"] = str(self._socket)
        shipped["program:chaos"] = dict(shipped["program:shop"])
        shipped.remove_section("program:shop")
        for second, first in SECOND.items():
            shipped[f"program:{second}"] = {**shipped[f"program:{first}"], "autostart": "false"}
        for program, command in self._commands.items():
            shipped[f"program:{program}"]["command"] = command
        for section in shipped.sections():
            kind, _, program = section.partition(":")
            if kind == "program":
                shipped[section]["stdout_logfile"] = str(self.folder / f"{program}.log")
                shipped[section]["stdout_logfile_maxbytes"] = "0"
                shipped[section]["environment"] = _environment(self._own_env.get(program, {}))
        lines = (
            f"[{section}]\n" + "".join(f"{key} = {value}\n" for key, value in shipped[section].items())
            for section in shipped.sections()
        )
        return "\n".join(lines)


def children(pid: int) -> list[int]:
    """The direct children of a process."""
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:  # it ended
        return []
    return [int(child) for child in listed.split()]


def _environment(given: Mapping[str, str]) -> str:
    return ",".join(f'{name}="{value}"'.replace("%", "%%") for name, value in given.items())
