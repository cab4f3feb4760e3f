"""Lists jobs, shows one in full and opens its page: `bureau jobs`, `bureau job`, `bureau open`."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import click

from bureau.cli import states
from bureau.cli.cells import Cell, Column, Styled
from bureau.cli.commands.completion import job_ids
from bureau.cli.formatting import age, clock, one_line, since
from bureau.cli.session import Session, json_option
from bureau.cli.times import Ago
from bureau.client import Job
from bureau.client.events import progress_line
from bureau.client.job import detail_lines
from bureau.client.operations import JobFilter
from bureau.client.shapes import AttemptData, TaskData, TaskSummaryData, WaitingData
from bureau.formatting import count, size

STATES = ("scheduled", "queued", "running", "succeeded", "failed", "cancelled")
KINDS = ("certificates", "report", "email", "job", "preview")
LOG_LINES = 5
_REASONS = {"no_worker": "no running worker has this task", "dependency": "other tasks have to end first"}

_COLUMNS = (Column("ID"), Column("STATE"), Column("TITLE", flexible=True), Column("AGE", right=True))
_TASKS = (
    Column("TASK", flexible=True),
    Column("STATE"),
    Column("RUN"),
    Column("TRY", right=True),
    Column("RAN", right=True),
)


def filters(command: Any) -> Any:
    """Adds the options that filter jobs; `job_filter` makes a filter of their values."""
    for option in (
        click.option("--before", type=Ago(), help="Submitted before this time (local zone, if it names none)."),
        click.option("--since", type=Ago(), help="Submitted since this time: 1h, 2d, 2026-05-04T07:00."),
        click.option("--error", metavar="CODE", help="Failed with this error code."),
        click.option("--title", "q", help="Text in the title."),
        click.option("--tag", help="With this tag."),
        click.option("--kind", type=click.Choice(KINDS), metavar="KIND", help=f"{', '.join(KINDS)}."),
        click.option(
            "--state",
            type=click.Choice(STATES),
            multiple=True,
            metavar="STATE",
            help=f"{', '.join(STATES)}; repeatable.",
        ),
    ):
        command = option(command)
    return command


def job_filter(options: dict[str, Any]) -> JobFilter:
    """Returns the filter for the values of the options that `filters` adds."""
    chosen: JobFilter = {}
    if options["state"]:
        chosen["state"] = list(options["state"])
    if options["kind"]:
        chosen["kind"] = options["kind"]
    if options["tag"]:
        chosen["tag"] = options["tag"]
    if options["q"]:
        chosen["q"] = options["q"]
    if options["error"]:
        chosen["error"] = options["error"]
    if options["since"]:
        chosen["created_after"] = options["since"]
    if options["before"]:
        chosen["created_before"] = options["before"]
    return chosen


@click.command()
@filters
@click.option("--id", "part", metavar="PART", help="With this in the id: four or more digits in a row.")
@click.option("-n", "--limit", type=click.IntRange(1), default=20, show_default=True, help="Maximum number.")
@json_option
@click.pass_obj
def jobs(session: Session, /, part: str | None, limit: int, **options: Any) -> None:
    """List jobs, the newest first."""
    found = list(session.bureau.jobs(limit=limit, id=part, **job_filter(options)))
    if session.as_json:
        session.json([job.data for job in found])
    elif not found:
        session.note(
            "No job matches." if part or job_filter(options) else "No jobs yet. Submit one: bureau submit --help"
        )
    else:
        _print_list(session, found)


def _print_list(session: Session, found: list[Job]) -> None:
    now = session.now
    rows: list[list[Cell]] = [
        [session.shown_id(job.id), states.shown(job.state), job.title, since(job.data["created_at"], now)]
        for job in found
    ]
    errors = [one_line(f"{job.error['code']}: {job.error['message']}") if job.error else "" for job in found]
    session.table(_COLUMNS, rows, errors)


@click.command()
@click.argument("job_id", metavar="JOB", shell_complete=job_ids)
@json_option
@click.pass_obj
def job(session: Session, job_id: str) -> None:
    """Show a job: its tasks, log, results and files."""
    found = session.job(job_id)
    if session.as_json:
        session.json(found.data)
        return
    _print_head(session, found)
    _print_tasks(session, found)
    for task in found.tasks:
        _print_task_details(session, task)
    _print_files(session, found)


def _print_head(session: Session, found: Job) -> None:
    now, data = session.now, found.whole()
    session.parts(
        Styled(one_line(found.title), "bold"), Styled(f"  {found.state}", states.style(found.state) or "default")
    )
    session.line(found.id, "dim")
    times = [f"{found.kind}, submitted {clock(data['created_at'], now)}"]
    if data["started_at"]:
        times.append(f"waited {_seconds(_between(data['created_at'], data['started_at']))}")
        times.append(_run_time(found, data["started_at"], data["finished_at"], now))
    session.line(", ".join(times))
    if waiting := data["waiting"]:
        session.line(f"Waiting: {waiting_words(waiting)}")
    if data["cancel_requested_at"] and not found.ended:
        session.line(f"Cancellation was requested at {clock(data['cancel_requested_at'], now)}.", "yellow")
    if data["progress"] and not found.ended:
        session.line(progress_line(data["progress"]))
    if error := found.error:
        session.line(f"{error['task']}: {error['code']}: {error['message']}", "red")
        for line in detail_lines(error):
            session.line(f"  {one_line(line)}", "red")


def waiting_words(waiting: WaitingData) -> str:
    """Says why a job waits: `behind, 2 tasks before it, starts in about 12 s`; its position counts from 1."""
    words = _REASONS.get(waiting["reason"], waiting["reason"].replace("_", " "))
    position, starts = waiting["position"], waiting["starts_in_seconds"]
    if position is not None:
        words += f", {count(position - 1, 'task')} before it" if position > 1 else ", it is next"
    return words + (f", starts in about {age(starts)}" if starts is not None else "")


def _print_tasks(session: Session, found: Job) -> None:
    session.line()
    session.table(_TASKS, [_task(task, session.now) for task in found.tasks])
    total = sum(found.data["counts"].values())
    if total > len(found.tasks):
        session.note(f"Showing the first {len(found.tasks)} of {count(total, 'task')}.")


def _task(task: TaskData, now: datetime) -> list[Cell]:
    ran = _seconds(busy_seconds(task["attempts"], now)) if task["started_at"] else "-"
    return [task["name"], states.shown(task["state"]), task["run"], tries(task), ran]


def tries(task: TaskData | TaskSummaryData) -> str:
    """Formats the number of the attempt and that of the last one: `9/16` after eight attempts and a retry by a person.

    The number is that of events. `attempt` counts against `max_attempts`, anew with each retry by a person.
    """
    number = task.get("attempt_number", task["attempt"])
    return f"{number}/{number + max(0, task['max_attempts'] - task['attempt'])}"


def _print_task_details(session: Session, task: TaskData) -> None:
    lines = task["logs"][-LOG_LINES:]
    shown = json.dumps(task["result"], ensure_ascii=False) if task["result"] is not None else None
    if not lines and shown is None and not task["error"]:
        return
    session.line()
    session.line(task["name"], "bold")
    if len(task["logs"]) > len(lines):
        session.line(f"  … {count(len(task['logs']) - len(lines), 'earlier line')}", "dim")
    for entry in lines:
        session.line(f"  {clock(entry['at'], session.now)}  {one_line(entry['line'])}", "dim")
    if task["error"]:
        session.line(f"  {task['error']['code']}: {one_line(task['error']['message'])}", "red")
    if shown is not None:
        from bureau.cli.table import cut

        session.line(f"  = {cut(one_line(shown), max(20, 10 * session.out.width - 4))}")


def _print_files(session: Session, found: Job) -> None:
    if not found.artifacts:
        return
    session.line()
    for artifact in found.artifacts:
        session.line(f"{one_line(artifact.name)}  {size(artifact.size)}  SHA-256 {artifact.sha256[:16]}…")
    session.note(f"Download them: bureau download {found.id}")


def _run_time(found: Job, started_at: str, finished_at: str | None, now: datetime) -> str:
    """Formats how long a job of one task ran, without the pauses between attempts; else how long the job took."""
    took = f"took {_seconds(_between(started_at, finished_at or now.isoformat()))}"
    if len(found.tasks) != 1:
        return took
    attempts = found.tasks[0]["attempts"]
    ran = f"ran {_seconds(busy_seconds(attempts, now))}"
    return f"{ran} in {count(len(attempts), 'attempt')}, {took}" if len(attempts) > 1 else ran


def busy_seconds(attempts: Sequence[AttemptData], now: datetime) -> float:
    """Returns the sum of the times that attempts ran, until now for one that has not ended."""
    spans = [(one["started_at"], one["ended_at"] or now.isoformat()) for one in attempts]
    return sum(_between(start, end) for start, end in spans if start)


def _between(begin: str, end: str) -> float:
    return max(0.0, (datetime.fromisoformat(end) - datetime.fromisoformat(begin)).total_seconds())


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 10 else age(seconds)


@click.command("open")
@click.argument("job_id", metavar="[JOB]", required=False, shell_complete=job_ids)
@json_option
@click.pass_obj
def open_(session: Session, job_id: str | None) -> None:
    """Open the page of a job, or the console.

    Prints the address; on a terminal it opens a browser too.
    """
    address = f"{session.bureau.url}/jobs/{session.job(job_id).id}" if job_id else f"{session.bureau.url}/"
    if session.as_json:
        session.json({"url": address})
        return
    session.line(address)
    if session.out.is_terminal:
        click.launch(address)
