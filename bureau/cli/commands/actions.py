"""Retries and cancels jobs: `bureau retry` and `bureau cancel`, by id, or all that match after counting them."""

from typing import Any

import click

from bureau.cli.commands.completion import job_ids
from bureau.cli.commands.jobs import filters, job_filter
from bureau.cli.commands.status import by_error
from bureau.cli.exits import USAGE
from bureau.cli.session import Session, json_option
from bureau.client import Counted, Job
from bureau.formatting import count

SPREAD_FROM = 20  # jobs: more, retried all at once, may overload the server that was down

_DONE = {"retry": "runs again", "cancel": "is cancelled or stopping"}
_DONE_MANY = {"retry": "run again", "cancel": "are cancelled or stopping"}


def _confirmation_options(command: Any) -> Any:
    """Adds the options that confirm an action on many jobs."""
    for option in (
        click.option("--expect", type=click.IntRange(0), help="Do it if exactly this many match."),
        click.option("--dry-run", is_flag=True, help="Count only."),
    ):
        command = option(command)
    return command


@click.command()
@click.argument("job_ids", metavar="[JOB]...", nargs=-1, shell_complete=job_ids)
@filters
@_confirmation_options
@click.option("--per-second", type=click.FloatRange(0, min_open=True), help="Start at most this many per second.")
@json_option
@click.pass_obj
def retry(
    session: Session,
    /,
    job_ids: tuple[str, ...],
    dry_run: bool,
    expect: int | None,
    per_second: float | None,
    **options: Any,
) -> None:
    """Run jobs again that did not succeed.

    Name each JOB, or filter the failed and cancelled jobs. Jobs that match a filter are counted first; nothing is
    changed until --expect names their number.
    """
    if _one_by_one(session, "retry", job_ids, options, dry_run or expect is not None or per_second is not None):
        return
    dry = dry_run or expect is None
    counted = session.bureau.retry(dry_run=dry, expect=expect, per_second=per_second, **job_filter(options))
    _print_summary(session, "retry", counted, dry_run, " --per-second 20" if per_second is None else "")


@click.command()
@click.argument("job_ids", metavar="[JOB]...", nargs=-1, shell_complete=job_ids)
@filters
@_confirmation_options
@json_option
@click.pass_obj
def cancel(session: Session, /, job_ids: tuple[str, ...], dry_run: bool, expect: int | None, **options: Any) -> None:
    """Cancel jobs that have not ended.

    Name each JOB, or filter the jobs. Jobs that match a filter are counted first; nothing is changed until --expect
    names their number.
    """
    if _one_by_one(session, "cancel", job_ids, options, dry_run or expect is not None):
        return
    counted = session.bureau.cancel(dry_run=dry_run or expect is None, expect=expect, **job_filter(options))
    _print_summary(session, "cancel", counted, dry_run, "")


def _one_by_one(session: Session, verb: str, ids: tuple[str, ...], options: dict[str, Any], confirming: bool) -> bool:
    """Acts on each job named by id; returns False if a filter names the jobs. Raises `click.UsageError`."""
    narrowed = bool(job_filter(options))
    if not ids:
        if not narrowed:
            raise click.UsageError(f"Name jobs or filter them: bureau {verb} --kind email --since 1h --dry-run")
        return False
    if narrowed or confirming:
        raise click.UsageError("Name jobs or use filters, not both.")
    done = [_act(session, verb, job_id) for job_id in ids]
    if session.as_json:
        session.json([job.data for job in done])
    return True


def _act(session: Session, verb: str, job_id: str) -> Job:
    job = session.job(job_id)
    changed = job.retry() if verb == "retry" else job.cancel()
    if not session.as_json:
        session.line(f"{changed.id} {_DONE[verb]}: {changed.title}")
    return changed


def _print_summary(session: Session, verb: str, counted: Counted, dry_run: bool, more: str) -> None:
    if session.as_json:
        session.json(vars(counted))
    else:
        session.line(summary(verb, counted, more))
    if counted.dry_run and not dry_run and counted.count:
        if not session.as_json:
            session.note("Nothing was changed.")
        raise click.exceptions.Exit(USAGE)


def summary(verb: str, counted: Counted, more: str) -> str:
    """Formats the count, with the options that confirm it after a dry run.

    For example `312 jobs: 298 smtp_unavailable, 14 mailbox_full.   Confirm: --expect 312 --per-second 20`.
    """
    if not counted.dry_run:
        return f"{count(counted.changed, 'job')} {_DONE_MANY[verb] if counted.changed != 1 else _DONE[verb]}."
    if not counted.count:
        return "No job matches."
    errors = f": {by_error(counted)}" if counted.by_error else ""
    spread = more if counted.count > SPREAD_FROM else ""
    return f"{count(counted.count, 'job')}{errors}.   Confirm: --expect {counted.count}{spread}"
