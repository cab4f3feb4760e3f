"""Runs Bureau as separate processes, started by the commands that the docs name."""

import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from tests.support.running.api import Api
from tests.support.running.processes import Process
from tests.support.servers.ports import free_port

BIN = Path(sys.executable).parent
WORKERS = ("certificates", "reports", "mailer")
OWN_TASKS = {  # service to what its command names: modules, and services of Bureau's
    "shop": "examples.suma.tasks",
    "twins": "tests.acceptance.processes.twins",
    "tellers": "tests.acceptance.processes.tellers",
    "pairs": "tests.acceptance.workers.pairs reports",
    "odd": "tests.acceptance.processes.odd_tasks",
    "bench": "tests.benchmarks.throughput.stacks.bureau_tasks",
    "attacks": "tests.benchmarks.attacks.tasks",
}
PROCESSES = {"twins": 2}  # of a worker's command; one where it is not named


class Stack:
    """Runs gateway, scheduler and workers, each as a process.

    `api` calls the gateway. `own_env` adds settings to single processes, whenever they are started.
    """

    def __init__(
        self,
        folder: Path,
        *,
        broker_url: str,
        database_url: str,
        env: Mapping[str, str] | None = None,
        own_env: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.port = free_port()
        self.issuer_port = free_port()
        self.api = Api(f"http://127.0.0.1:{self.port}")
        self.processes: dict[str, Process] = {}
        self.own_env = {name: dict(settings) for name, settings in (own_env or {}).items()}
        self.env = {
            "BROKER_URL": broker_url,
            "DATABASE_URL": database_url,
            "STORAGE_URL": f"file://{folder}/storage",
            "MAIL_URL": f"file://{folder}/outbox",
            "BIND": f"127.0.0.1:{self.port}",
            "LOG_FORMAT": "text",
            "PYTHONUNBUFFERED": "1",
            **(env or {}),
        }

    @property
    def storage(self) -> Path:
        return self.folder / "storage"

    @property
    def outbox(self) -> Path:
        return self.folder / "outbox"

    @property
    def issuer_url(self) -> str:
        return f"http://127.0.0.1:{self.issuer_port}/"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.api.client.close()
        self.kill(*self.processes)

    def start(self, *names: str, env: Mapping[str, str] | None = None) -> None:
        """Starts the named processes together, with more settings in `env`, and waits until they serve."""
        before = self._workers() if "gateway" in self.processes else {}
        for name in names:
            self.launch(name, env=env)
        for name in names:
            self._wait_until_serving(name, before)

    def launch(self, name: str, *, env: Mapping[str, str] | None = None) -> Process:
        """Starts the named process and waits for nothing."""
        environment = {**self.env, **self.own_env.get(name, {}), **(env or {})}
        self.processes[name] = Process(self.command(name), log=self.folder / f"{name}.log", env=environment)
        return self.processes[name]

    def stop(self, *names: str) -> dict[str, int]:
        """Stops them as an operator would, the others stay; the exit status of each."""
        return {name: self.processes[name].stop() for name in names}

    def kill(self, *names: str) -> None:
        """Ends them and forgets them."""
        for name in reversed(names):
            self.processes.pop(name).kill()

    def worker_processes(self, name: str) -> int:
        """How many processes the command of a worker starts."""
        return PROCESSES.get(name, 1)

    def command(self, name: str) -> list[str | Path]:
        match name:
            case "gateway":
                conf = "python:bureau.services.gateway.gunicorn_conf"
                return [BIN / "gunicorn", "-c", conf, "bureau.services.gateway.wsgi:app"]
            case "issuer":
                address = f"127.0.0.1:{self.issuer_port}"
                app = "bureau.services.certificates.issuer.wsgi:app"
                return [BIN / "gunicorn", "--bind", address, "--threads", "4", app]
            case "scheduler":
                return [sys.executable, "-m", "bureau.services.scheduler"]
            case _:
                processes = str(self.worker_processes(name))
                if name in OWN_TASKS:
                    return [
                        sys.executable,
                        "-m",
                        "bureau",
                        "worker",
                        *OWN_TASKS[name].split(),
                        "--processes",
                        processes,
                    ]
                threads = ["--threads", "24"] if name == "mailer" else []  # as the Procfile starts it
                return [
                    BIN / "dramatiq",
                    f"bureau.services.{name}.worker",
                    "--processes",
                    processes,
                    *threads,
                    "--skip-logging",
                ]

    def _wait_until_serving(self, name: str, before: Mapping[str, str]) -> None:
        """`before`: who was live when it was started and may count as live for a while yet."""
        process = self.processes[name]
        match name:
            case "gateway":
                process.wait_for_http(f"{self.api.url}/healthz", seconds=60)
            case "issuer":
                process.wait_for_http(f"{self.issuer_url}healthz", seconds=60)
            case "scheduler":
                pass  # nobody waits for it: what it does is seen in the ledger
            case _:
                wanted = self.worker_processes(name)
                process.wait_until(lambda: self._started_since(before)[name] == wanted, 60, "it announced itself")

    def _started_since(self, before: Mapping[str, str]) -> Counter[str]:
        return Counter(service for worker, service in self._workers().items() if worker not in before)

    def _workers(self) -> dict[str, str]:
        """The live workers' services by their ids."""
        workers = self.api.get("/v1/workers", params={"limit": 200})["items"]
        return {worker["id"]: worker["service"] for worker in workers if worker["live"]}
