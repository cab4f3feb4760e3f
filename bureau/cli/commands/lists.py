"""Lists tasks, workers and reports: `bureau tasks`, `bureau workers`, `bureau reports`."""

import json
from datetime import datetime
from typing import Any

import click

from bureau.cli import states
from bureau.cli.cells import Cell, Column, Styled
from bureau.cli.commands.completion import queue_names, report_names, task_names
from bureau.cli.commands.jobs import tries
from bureau.cli.exits import USAGE
from bureau.cli.formatting import age, one_line, since
from bureau.cli.session import Session, json_option
from bureau.client.shapes import ReportData, TaskSummaryData, WorkerData

TASK_STATES = ("waiting", "scheduled", "queued", "running", "retrying", "succeeded", "failed", "cancelled", "skipped")
_STATES = f"{', '.join(TASK_STATES)}; repeatable.  [default: those that have not ended]"
OPEN = ("running", "queued", "retrying", "scheduled", "waiting")

_TASKS = (
    Column("JOB"),
    Column("STATE"),
    Column("RUN", flexible=True),
    Column("TRY", right=True),
    Column("WHEN", right=True),
)
_WORKERS = (
    Column("SERVICE"),
    Column("HOST", flexible=True),
    Column("PID", right=True),
    Column("VERSION"),
    Column("BUSY", right=True),
    Column("UP", right=True),
    Column("SEEN", right=True),
    Column(""),
)


@click.command()
@click.option("--state", type=click.Choice(TASK_STATES), multiple=True, metavar="STATE", help=_STATES)
@click.option("--queue", help="In this queue.", shell_complete=queue_names)
@click.option("--run", help="Task name: shop.suma.", shell_complete=task_names)
@click.option("-n", "--limit", type=click.IntRange(1), default=20, show_default=True, help="Maximum number.")
@json_option
@click.pass_obj
def tasks(session: Session, state: tuple[str, ...], queue: str | None, run: str | None, limit: int) -> None:
    """List tasks of all jobs: those that run and those that wait."""
    found = list(session.bureau.tasks(state=list(state or OPEN), queue=queue, run=run, limit=limit))
    if session.as_json:
        session.json(found)
    elif not found:
        session.note("No task matches." if state or queue or run else "No task is running or waiting.")
    else:
        session.table(_TASKS, [_task(session, task) for task in found])


def _task(session: Session, task: TaskSummaryData) -> list[Cell]:
    job_id = session.shown_id(task["job_id"])
    return [job_id, states.shown(task["state"]), task["run"], tries(task), _when(session, task)]


def _when(session: Session, task: TaskSummaryData) -> str:
    if task["state"] == "running":
        return f"for {since(task['started_at'], session.now)}"
    if task["state"] in ("scheduled", "retrying") and task["due_at"]:
        return f"in {_ahead(session, task['due_at'])}"
    return since(task["finished_at"], session.now) if task["finished_at"] else ""


def _ahead(session: Session, moment: str) -> str:
    return age((datetime.fromisoformat(moment) - session.now).total_seconds())


@click.command()
@json_option
@click.pass_obj
def workers(session: Session) -> None:
    """List the worker processes of the last day."""
    found = session.bureau.workers()
    if session.as_json:
        session.json(found)
    elif not found:
        session.note("No worker has started in the last day.")
    else:
        session.table(_WORKERS, [_worker(session, worker) for worker in found])


def _worker(session: Session, worker: WorkerData) -> list[Cell]:
    now, live = session.now, worker["live"]
    return [
        worker["service"],
        worker["host"],
        str(worker["pid"]),
        worker["version"],
        f"{worker['busy']}/{worker['threads']}" if live else "-",
        since(worker["started_at"], now) if live else "-",
        since(worker["seen_at"], now),
        Styled(_outages(worker) if live else "gone", "red"),
    ]


def _outages(worker: WorkerData) -> str:
    """Formats the outages that a worker reports; the answer of an older gateway has no such field."""
    return ", ".join(one_line(f"{one['name']} {one['how']}") for one in worker.get("trouble", ()))


@click.command()
@click.argument("name", required=False, shell_complete=report_names)
@json_option
@click.pass_obj
def reports(session: Session, name: str | None) -> None:
    """List reports, or show the parameters of one."""
    found = session.bureau.reports()
    if name is None:
        _reports(session, found)
        return
    for report in found:
        if report["name"] == name:
            _report(session, report)
            return
    click.echo(f"Report {name} not found. bureau reports lists all reports.", err=True)
    raise click.exceptions.Exit(USAGE)


def _reports(session: Session, found: list[ReportData]) -> None:
    if session.as_json:
        session.json(found)
    elif not found:
        session.note("No reports: no worker of the reports service has started in the last day.")
    else:
        session.table([Column("REPORT"), Column("TITLE", flexible=True)], [[r["name"], r["title"]] for r in found])
        session.note("Show the parameters of one: bureau reports NAME")


def _report(session: Session, report: ReportData) -> None:
    if session.as_json:
        session.json(report)
        return
    session.line(report["title"], "bold")
    if report["description"]:
        session.line(report["description"])
    schema = report["params_schema"]
    required = set(schema.get("required", ()))
    properties: dict[str, Any] = schema.get("properties", {})
    rows = [
        [name, _kind(prop), _default(name, prop, required), prop.get("description", "")]
        for name, prop in properties.items()
    ]
    if rows:
        session.line()
        columns = [Column("PARAMETER"), Column("TYPE"), Column("DEFAULT"), Column("", flexible=True)]
        session.table(columns, rows)
    arguments = "".join(f" -p {name}=…" for name in properties if name in required)
    session.note(f"Submit it: bureau submit report {report['name']}{arguments}")


def _kind(prop: dict[str, Any]) -> str:
    choices = prop.get("enum")
    if choices:
        return one_line(" | ".join(map(str, choices)))
    kinds = [one for one in [prop, *prop.get("anyOf", ())] if one.get("type") not in (None, "null")]
    return one_line(" | ".join(str(one.get("format") or one["type"]) for one in kinds)) or "any"


def _default(name: str, prop: dict[str, Any], required: set[str]) -> str:
    if name in required:
        return "required"
    default = prop.get("default")
    if isinstance(default, str | int | float):
        return one_line(default)
    return one_line(json.dumps(default, ensure_ascii=False)) if default else "-"
