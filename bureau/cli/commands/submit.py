"""Submits certificates, a report, an e-mail, a task or a graph of tasks: `bureau submit`."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click

from bureau.cli.commands import request_options
from bureau.cli.commands.follow import follow_to_end
from bureau.cli.commands.request_options import together
from bureau.cli.session import Session, json_option
from bureau.cli.times import Ahead
from bureau.client import Bureau, Job
from bureau.client.upload import FileSource


@click.group()
def submit() -> None:
    """Submit certificates, a report, an e-mail, a task.

    Prints the job's id. With --follow it prints the job's events instead, and exits with 1 if the job fails.
    """


terms = together(  # the options that every submission takes
    request_options.title_options,
    click.option("--at", "run_at", type=Ahead(), help="Start at this time: 2026-05-04T07:00."),
    request_options.delay_option,
    click.option("--expires", "expires_at", type=Ahead(), help="Cancel it if it has not started by then: 2d."),
    request_options.run_options,
    click.option("--idempotency-key", metavar="KEY", help="Submit it once, however often this is repeated."),
    click.option("-f", "--follow", is_flag=True, help="Show what happens until it ends."),
    json_option,
)


@submit.command()
@request_options.certificates_options
@terms
@click.pass_obj
def certificates(session: Session, /, files: tuple[Path, ...], **options: Any) -> None:
    """Make certificates for the people in rosters, as a ZIP."""
    own = request_options.certificates_fields(options)
    _send(session, options, lambda bureau, more: bureau.certificates(*files, **own, **more))


@submit.command()
@request_options.report_options
@terms
@click.pass_obj
def report(session: Session, /, **options: Any) -> None:
    """Make a report of the catalog as CSV.

    `bureau reports` lists reports; `bureau reports NAME` lists the parameters of one.
    """
    own = request_options.report_fields(session, options)
    name, params = own.pop("report"), own.pop("params")
    _send(session, options, lambda bureau, more: bureau.report(name, params, **own, **more))


@submit.command()
@request_options.email_options
@terms
@click.pass_obj
def email(session: Session, /, attach: tuple[FileSource, ...], **options: Any) -> None:
    """Send an e-mail once: text, HTML or both, or a template.

    It needs --to, --cc or --bcc; or --recipients, with an address in each line, or a list in JSON as POST /v1/emails
    takes it.
    """
    own = request_options.email_fields(options)
    _send(session, options, lambda bureau, more: bureau.email(**own, files=attach, **more))


@submit.command()
@request_options.task_options
@terms
@click.pass_obj
def task(session: Session, /, **options: Any) -> None:
    """Run one of your own tasks.

    bureau submit task shop.suma a=2 b=2
    """
    run, input = request_options.task_input(session, options)
    _send(session, options, lambda bureau, more: bureau.task(run, input, **more))


@submit.command()
@request_options.job_options
@terms
@click.pass_obj
def job(session: Session, /, **options: Any) -> None:
    """Run a graph of tasks from a file.

    FILE holds a job in JSON, in the format of POST /v1/jobs; - is stdin.
    """
    spec = request_options.job_fields(options)
    _send(session, options, lambda bureau, more: bureau.job(**{**spec, **more}))


def _send(session: Session, options: dict[str, Any], send: Callable[[Bureau, dict[str, Any]], Job]) -> None:
    follow = options.pop("follow")
    refuse_early_expiry(options["delay_seconds"], options["expires_at"], session.now)
    job = send(session.bureau, request_options.terms_given(options))
    if follow:
        if not session.as_json:
            session.note(f"{job.title}: job {job.id}")
        raise click.exceptions.Exit(follow_to_end(session, job))
    if session.as_json:
        session.json(job.data)
        return
    session.line(job.id)
    if session.out.is_terminal:
        session.note(f"{job.title} is {job.state}. Follow it: bureau follow {job.id}")


def refuse_early_expiry(delay_seconds: float | None, expires_at: datetime | None, now: datetime) -> None:
    """Raises `click.UsageError` for a job that would expire before it may start: both times count from now."""
    if delay_seconds and expires_at and expires_at <= now + timedelta(seconds=delay_seconds):
        raise click.UsageError("The job would expire before it starts: --expires counts from now, as --delay does.")
