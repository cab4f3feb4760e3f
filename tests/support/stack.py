"""Bureau as separate processes, started by the commands that the docs name."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import httpx

from tests.support.ports import free_port
from tests.support.processes import Process
from tests.support.waiting import until

BIN = Path(sys.executable).parent
WORKERS = ("certificates", "reports", "mailer")


class Stack:
    """Gateway, scheduler and workers, each a process. `client` speaks to the gateway."""

    def __init__(
        self, folder: Path, *, broker_url: str, database_url: str, env: Mapping[str, str] | None = None
    ) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.client = httpx.Client(base_url=self.url, timeout=60.0)
        self.processes: dict[str, Process] = {}
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

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.client.close()
        for process in reversed(self.processes.values()):
            if process.running:
                process.kill()

    def start(self, *names: str) -> None:
        """Starts the named processes (all but own tasks without a name) and waits until they serve."""
        for name in names or ("gateway", "scheduler", *WORKERS):
            self.processes[name] = Process(self.command(name), log=self.folder / f"{name}.log", env=self.env)
        if "gateway" in (names or ("gateway",)):
            self.processes["gateway"].wait_for_http(f"{self.url}/healthz")
        for name in names or WORKERS:
            if name not in ("gateway", "scheduler"):
                service = "shop" if name == "shop" else name
                self.wait_for_worker(service)

    def command(self, name: str) -> list[str | Path]:
        match name:
            case "gateway":
                return [BIN / "gunicorn", "-c", "deploy/gunicorn.conf.py", "services.gateway.wsgi:app"]
            case "scheduler":
                return [sys.executable, "-m", "services.scheduler"]
            case "shop":
                return [BIN / "dramatiq", "bureau.worker", "examples.suma.tasks", "--processes", "1"]
            case _:
                return [BIN / "dramatiq", f"services.{name}.worker", "--processes", "1"]

    def wait_for_worker(self, service: str, seconds: float = 30.0) -> None:
        """Until a live worker of the service is in the ledger."""

        def live() -> bool:
            workers = self.client.get("/v1/workers").json()["items"]
            return any(worker["service"] == service and worker["live"] for worker in workers)

        until(live, seconds, f"a live worker of {service}", ignoring=(httpx.HTTPError, KeyError))

    def submit(self, path: str, **request: Any) -> dict[str, Any]:
        """Posts and gives the accepted job."""
        answer = self.client.post(path, **request)
        assert answer.status_code == 202, answer.text
        job: dict[str, Any] = answer.json()
        return job

    def job(self, job_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.client.get(f"/v1/jobs/{job_id}").raise_for_status().json()
        return found

    def ended(self, job: Mapping[str, Any], seconds: float = 60.0) -> dict[str, Any]:
        """The job once it ended, however."""
        found: dict[str, Any] = {}

        def finished() -> bool:
            nonlocal found
            found = self.job(job["id"])
            return found["finished_at"] is not None

        until(finished, seconds, lambda: f"the end of {found}")
        return found

    def succeeded(self, job: Mapping[str, Any], seconds: float = 60.0) -> dict[str, Any]:
        ended = self.ended(job, seconds)
        assert ended["state"] == "succeeded", ended
        return ended
