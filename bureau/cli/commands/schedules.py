"""Lists schedules; makes, shows, runs, disables, enables and deletes one: `bureau schedules`."""

import click

from bureau.cli import states
from bureau.cli.cells import Cell, Column, Styled
from bureau.cli.commands.completion import schedule_names
from bureau.cli.commands.schedule_put import put
from bureau.cli.formatting import clock, one_line
from bureau.cli.schedule_text import next_line, next_times, what, when
from bureau.cli.session import Session, json_option
from bureau.client.shapes import ScheduleData

_COLUMNS = (Column("SCHEDULE"), Column("WHEN", flexible=True), Column("NEXT", right=True), Column("LAST"))


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def schedules(ctx: click.Context) -> None:
    """List schedules; make, show, run, disable, enable or delete one."""
    if ctx.invoked_subcommand is None:
        _list(ctx.ensure_object(Session))


def _list(session: Session) -> None:
    found = session.bureau.schedules()
    if session.as_json:
        session.json(found)
    elif not found:
        session.note("No schedules yet. Make one: bureau schedules put -h")
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


schedules.add_command(put)


@schedules.command()
@click.argument("name", shell_complete=schedule_names)
@click.option("-n", "--next", "runs", type=click.IntRange(1, 20), default=5, show_default=True, help="Next times.")
@json_option
@click.pass_obj
def show(session: Session, name: str, runs: int) -> None:
    """Show NAME: what it submits, its next times in its own zone, its last job."""
    schedule = session.bureau.schedule(name, next=runs)
    if session.as_json:
        session.json(schedule)
        return
    session.line(f"{schedule['name']}: {what(schedule)}", "bold")
    session.line(f"{when(schedule)}{'' if schedule['enabled'] else ', off'}{', from a file' * _from_file(schedule)}")
    for time in next_times(schedule):
        session.line(f"  {time}")
    if last := schedule["last_job"]:
        session.parts(
            Styled(f"last job {last['id']}, {clock(last['created_at'], session.now)}: "), states.shown(last["state"])
        )
    if problem := schedule["problem"]:
        session.line(f"no job at {clock(problem['at'], session.now)}: {one_line(problem['message'])}", "red")


def _from_file(schedule: ScheduleData) -> bool:
    return schedule["source"] == "file"


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


@schedules.command()
@click.argument("name", shell_complete=schedule_names)
@json_option
@click.pass_obj
def delete(session: Session, name: str) -> None:
    """Delete NAME; the jobs that it made stay."""
    session.bureau.delete_schedule(name)
    if session.as_json:
        session.json({"name": name, "deleted": True})
    else:
        session.line(f"{name} is deleted.")


def _print_switched(session: Session, schedule: ScheduleData) -> None:
    if session.as_json:
        session.json(schedule)
    else:
        session.line(next_line(schedule))
