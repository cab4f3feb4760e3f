"""Makes or replaces a schedule, with the options of `bureau submit`: `bureau schedules put report NAME … --cron …`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from bureau.cli.commands import request_options
from bureau.cli.commands.completion import schedule_names
from bureau.cli.commands.request_options import together
from bureau.cli.schedule_text import next_line, what, when
from bureau.cli.session import Session, json_option
from bureau.cli.times import Span
from bureau.client.upload import FileSource


@click.group()
def put() -> None:
    """Make or replace a schedule: of a report, an e-mail, certificates, a task or a job.

    bureau schedules put report daily sales --cron "0 7 * * 1-5" -p limit=20

    The name of the schedule comes first, then what `bureau submit` takes.
    """


name_argument = click.argument("name", shell_complete=schedule_names)
terms = together(  # when it runs, and the options of every request that may come again
    click.option("--cron", metavar="FIELDS", help='Five fields: "0 7 * * MON-FRI", or @daily.'),
    click.option("--every", "every_seconds", type=Span(), help="An interval instead: 15min."),
    click.option("--time-zone", metavar="ZONE", help="Zone of --cron: Europe/Paris.  [default: UTC]"),
    click.option("--misfire", type=click.Choice(["skip", "once", "all"]), help="For missed times.  [default: once]"),
    click.option("--disabled", is_flag=True, help="Make no jobs until it is enabled."),
    request_options.title_options,
    request_options.delay_option,
    request_options.run_options,
    json_option,
)


@put.command()
@name_argument
@request_options.report_options
@terms
@click.pass_obj
def report(session: Session, /, name: str, **options: Any) -> None:
    """A report of the catalog as CSV."""
    _put(session, name, "report", request_options.report_fields(session, options), options)


@put.command()
@name_argument
@request_options.email_options
@terms
@click.pass_obj
def email(session: Session, /, name: str, attach: tuple[FileSource, ...], **options: Any) -> None:
    """An e-mail: text, HTML or both, or a template."""
    own = request_options.email_fields(options)
    own["from"] = own.pop("sender")
    _put(session, name, "email", {**own, "attachments": _stored(session, attach)}, options)


@put.command()
@name_argument
@request_options.certificates_options
@terms
@click.pass_obj
def certificates(session: Session, /, name: str, files: tuple[Path, ...], **options: Any) -> None:
    """Certificates for the people in rosters, which are stored now."""
    own = request_options.certificates_fields(options)
    _put(session, name, "certificates", {**own, "files": _stored(session, files)}, options)


@put.command()
@name_argument
@request_options.task_options
@terms
@click.pass_obj
def task(session: Session, /, name: str, **options: Any) -> None:
    """One of your own tasks."""
    run, given = request_options.task_input(session, options)
    spec = {"name": run.rpartition(".")[2], "run": run, "input": given}
    if queue := options.pop("queue"):
        spec["queue"] = queue
    _put(session, name, "job", {"tasks": [spec]}, options)


@put.command()
@name_argument
@request_options.job_options
@terms
@click.pass_obj
def job(session: Session, /, name: str, **options: Any) -> None:
    """A graph of tasks from a file, as POST /v1/jobs takes it; - is stdin."""
    _put(session, name, "job", request_options.job_fields(options), options)


def _put(session: Session, name: str, field: str, own: Mapping[str, Any], options: dict[str, Any]) -> None:
    timing = _timing(options)
    fields = {key: value for key, value in own.items() if value not in (None, (), [])}
    request = {field: {**fields, **request_options.terms_given(options)}}
    saved = session.bureau.put_schedule(name, **timing, **request)
    if session.as_json:
        session.json(saved)
    else:
        session.line(f"{name}: {what(saved)}, {when(saved)}")
        session.line(next_line(saved))


def _timing(options: dict[str, Any]) -> dict[str, Any]:
    """Removes the options that say when, and returns them as the API names them."""
    timing = request_options.taken(options, "cron", "every_seconds", "time_zone", "misfire")
    if (timing["cron"] is None) == (timing["every_seconds"] is None):
        raise click.UsageError("Say when it runs: give --cron or --every, one of the two.")
    if timing["every_seconds"] is not None:
        timing["every_seconds"] = round(timing["every_seconds"])
    timing["enabled"] = False if options.pop("disabled") else None
    return {name: value for name, value in timing.items() if value is not None}


def _stored(session: Session, files: Sequence[FileSource]) -> list[dict[str, Any]]:
    """Uploads files and returns references to them, because a schedule uploads nothing at its times."""
    return [{"artifact": session.bureau.upload(file).data["id"]} for file in files]
