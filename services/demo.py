"""Runs the demo (`make demo`): starts Bureau in this process, uses its HTTP API as a client, shows the results."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from bureau.observability import logs
from bureau.services.embedded.process import AlreadyRunning, build
from bureau.settings import LogSettings, SettingsError, load

RESULTS = Path("var/demo")
LOG = RESULTS / "bureau.log"
ROSTERS = Path(__file__).parents[2] / "examples/rosters"
OWN_TASKS = "examples.suma.tasks"
FOLLOW_SECONDS = 0.2
JOB_SECONDS = 300.0
REPORT = '{"report": "top-customers", "params": {"limit": 10}, "email_to": ["you@example.com"]}'

console = Console(highlight=False)


class DemoError(Exception):
    """Says which step of the demo failed."""


def main() -> int:
    RESULTS.mkdir(parents=True, exist_ok=True)
    os.environ["TASKS"] = " ".join(dict.fromkeys([*os.environ.get("TASKS", "").split(), OWN_TASKS]))
    try:
        (settings,) = load(LogSettings)
        logs.configure(settings.model_copy(update={"log_format": "json"}), LOG.open("a"))
        with bureau() as url, httpx.Client(base_url=url, timeout=60.0) as client:
            show(client, url)
    except SettingsError as error:
        error.exit()
    except (DemoError, httpx.HTTPError) as error:
        console.print(f"[bold red]The demo stopped:[/] {error}\nThe log is in {LOG}")
        return 1
    except KeyboardInterrupt:
        console.print("\nStopped. Unfinished jobs continue at the next start.")
        return 130
    return 0


@contextmanager
def bureau() -> Iterator[str]:
    """Yields the address of a running Bureau: one in this process, or the one that is running already."""
    try:
        with console.status("Preparing; the first run creates a demo database of orders"):
            own = build()
    except AlreadyRunning as other:
        console.print(f"Bureau is running already; using {other}")
        yield str(other)
        return
    own.start()
    console.print(f"Bureau is up in one process, without servers: {own.url}")
    try:
        yield own.url
    finally:
        with console.status("Stopping"):
            own.stop()


def show(client: httpx.Client, url: str) -> None:
    archive = certificates(client)
    csv = report(client)
    own_task(client)
    mail = newest_mail()
    console.print("\n[bold]Results[/]")
    console.print(f"  certificates  {archive}")
    console.print(f"  report        {csv}")
    console.print(f"  its mail      {mail}")
    console.print(f"\nThe page of your jobs: {url}/  [dim](make run keeps it running)[/]")
    roster = os.path.relpath(ROSTERS / "first-aid.csv")
    console.print("[bold]Try next[/], while [bold]make run[/] runs in another terminal:")
    for command in (
        f"curl -F files=@{roster} -F email_to=you@example.com {url}/v1/certificates",
        f"curl -H 'Content-Type: application/json' -d '{REPORT}' {url}/v1/reports",
        f"TASKS={OWN_TASKS} make run   # with the tasks of {OWN_TASKS.replace('.', '/')}.py",
    ):
        console.print(f"  {command}", soft_wrap=True, markup=False)


def certificates(client: httpx.Client) -> Path:
    rosters = sorted(ROSTERS.glob("*.csv"))
    console.print(f"\n[bold]Certificates[/] for {' and '.join(roster.name for roster in rosters)}")
    files = [("files", (roster.name, roster.read_bytes(), "text/csv")) for roster in rosters]
    job = follow(client, submitted(client.post("/v1/certificates", files=files)))
    return download(client, job)


def report(client: httpx.Client) -> Path:
    console.print("\n[bold]Report[/] of every order line, mailed to cfo@example.com")
    body = {"report": "monthly-sales", "params": {"since": "2020-01-01"}, "email_to": ["cfo@example.com"]}
    job = follow(client, submitted(client.post("/v1/reports", json=body)))
    result = job["tasks"][0]["result"]
    console.print(f"  {result['rows']:,} rows, SHA-256 {result['sha256'][:16]}…")
    return download(client, job)


def own_task(client: httpx.Client) -> None:
    console.print("\n[bold]Your own task[/]: suma(2, 2)")
    tasks = [{"name": "add", "run": "shop.suma", "input": {"a": 2, "b": 2}}]
    job = follow(client, submitted(client.post("/v1/jobs", json={"title": "Two and two", "tasks": tasks})))
    console.print(f"  = {job['tasks'][0]['result']}")


def submitted(answer: httpx.Response) -> dict[str, Any]:
    """Returns the accepted job. Raises `DemoError` with the problem's detail."""
    job: dict[str, Any] = answer.json()
    if answer.status_code != 202:
        raise DemoError(f"{answer.request.url.path} answered {answer.status_code}: {job.get('detail')}")
    console.print(f"  202 accepted as job {job['id']}")
    return job


def follow(client: httpx.Client, job: dict[str, Any]) -> dict[str, Any]:
    """Shows progress and log lines until the job has ended. Raises `DemoError` if it did not succeed."""
    shown_lines: set[str] = set()
    deadline = time.monotonic() + JOB_SECONDS
    columns = (TextColumn("  {task.description}"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[note]}"))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        bar_id = bar.add_task(job["state"], total=None, note="")
        while True:
            job = client.get(f"/v1/jobs/{job['id']}").raise_for_status().json()
            for line in new_lines(job, shown_lines):
                bar.console.print(f"  [dim]{escape(line)}[/]", soft_wrap=True)
            progress = job["progress"] or {}
            current, total = progress.get("current"), progress.get("total")
            note = f"{current:,.0f} {progress.get('note') or ''}" if current else ""
            bar.update(bar_id, description=job["state"], completed=current or 0, total=total, note=note)
            if job["finished_at"]:
                break
            if time.monotonic() > deadline:
                raise DemoError(f"job {job['id']} is still {job['state']} after {JOB_SECONDS:.0f} s")
            time.sleep(FOLLOW_SECONDS)
    if job["state"] != "succeeded":
        raise DemoError(f"job {job['id']} {job['state']}: {(job['error'] or {}).get('message')}")
    return job


def new_lines(job: dict[str, Any], shown_lines: set[str]) -> Iterator[str]:
    for task in job["tasks"]:
        for entry in task["logs"]:
            line = f"{task['name']}: {entry['line']}"
            if line not in shown_lines:
                shown_lines.add(line)
                yield line


def download(client: httpx.Client, job: dict[str, Any]) -> Path:
    """Streams the job's first artifact into the folder of results and returns its path."""
    artifact = job["artifacts"][0]
    path = RESULTS / str(artifact["name"])
    with client.stream("GET", artifact["url"]) as answer, path.open("wb") as file:
        answer.raise_for_status()
        for chunk in answer.iter_bytes():
            file.write(chunk)
    return path


def newest_mail() -> Path:
    """Returns the .eml file that the file transport wrote last."""
    mails = sorted(Path("var/outbox").glob("*.eml"), key=lambda mail: mail.stat().st_mtime)
    if not mails:
        raise DemoError("no mail is in var/outbox")
    return mails[-1]


if __name__ == "__main__":
    sys.exit(main())
