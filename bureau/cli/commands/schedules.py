"""Lists schedules, runs one now, disables and enables one: `bureau schedules`."""

import click

from bureau.cli import states
from bureau.cli.cells import Cell, Column, Styled
from bureau.cli.commands.completion import schedule_names
from bureau.cli.formatting import age, clock, one_line
from bureau.cli.session import Session, json_option
from bureau.client.shapes import ScheduleData

_COLUMNS = (Column("SCHEDULE"), Column("WHEN", flexible=True), Column("NEXT", right=True), Column("LAST"))


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def schedules(ctx: click.Context) -> None:
    """List schedules; run one now, disable or enable one."""
    if ctx.invoked_subcommand is None:
        _list(ctx.ensure_object(Session))


def _list(session: Session) -> None:
    found = session.bureau.schedules()
    if session.as_json:
        session.json(found)
    elif not found:
        session.note("No schedules yet: docs/schedules.md shows how to make one.")
    else:
        session.table(_COLUMNS, [_row(session, schedule) for schedule in found])
        for schedule in found:
            if schedule["problem"]:
                session.line(f"{schedule['name']}: {one_line(schedule['problem']['message'])}", "red")


def _row(session: Session, schedule: ScheduleData) -> list[Cell]:
    due = clock(schedule["next_runs"][0], session.now) if schedule["next_runs"] else "-"
    last = schedule["last_job"]
    return [
        schedule["name"],
        when(schedule),
        due if schedule["enabled"] else Styled("off", "yellow"),
        states.shown(last["state"]) if last else "-",
    ]


def when(schedule: ScheduleData) -> str:
    """Formats the times of a schedule: its cron line and time zone, or its interval."""
    if schedule["cron"]:
        return f"{schedule['cron']} {schedule['time_zone']}"
    return f"every {age(schedule['every_seconds'] or 0)}"


@schedules.command()
@click.argument("name", shell_complete=schedule_names)
@json_option
@click.pass_obj
def run(session: Session, name: str) -> None:
    """Run the job of NAME once now; its next times stay the same."""
    job = session.bureau.run_schedule(name)
    if session.as_json:
        session.json(job.data)
    else:
        session.line(job.id)


@schedules.command()
@click.argument("name", shell_complete=schedule_names)
@json_option
@click.pass_obj
def disable(session: Session, name: str) -> None:
    """Stop NAME from making jobs until it is enabled again."""
    _print_switched(session, session.bureau.change_schedule(name, enabled=False))


@schedules.command()
@click.argument("name", shell_complete=schedule_names)
@json_option
@click.pass_obj
def enable(session: Session, name: str) -> None:
    """Let NAME make jobs again from its next time on."""
    _print_switched(session, session.bureau.change_schedule(name, enabled=True))


def _print_switched(session: Session, schedule: ScheduleData) -> None:
    if session.as_json:
        session.json(schedule)
    elif schedule["enabled"]:
        session.line(f"{schedule['name']} is on; next {clock(schedule['next_runs'][0], session.now)}.")
    else:
        session.line(f"{schedule['name']} is off.")
