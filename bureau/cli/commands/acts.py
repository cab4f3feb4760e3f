"""`bureau retry` and `bureau cancel`: one job by its id, or all that match, counted first."""

from typing import Any

import click

from bureau.cli.commands.completion import job_ids
from bureau.cli.commands.jobs import filters, which
from bureau.cli.commands.status import by_error
from bureau.cli.exits import USAGE
from bureau.cli.session import Session, json_option
from bureau.client import Counted, Job
from bureau.formatting import count

SPREAD_FROM = 20  # jobs: more at once may hit again what was away

_DONE = {"retry": "runs again", "cancel": "is cancelled, or stops"}
_DONE_MANY = {"retry": "run again", "cancel": "are cancelled, or stop"}


def _careful(command: Any) -> Any:
    """The options of an act on many."""
    for option in (
        click.option("--expect", type=click.IntRange(0), help="Do it, if just so many match."),
        click.option("--dry-run", is_flag=True, help="Only count."),
    ):
        command = option(command)
    return command


@click.command()
@click.argument("job_ids", metavar="[JOB]...", nargs=-1, shell_complete=job_ids)
@filters
@_careful
@click.option("--per-second", type=click.FloatRange(0, min_open=True), help="Spread them over time.")
@json_option
@click.pass_obj
def retry(
    session: Session,
    /,
    job_ids: tuple[str, ...],
    dry_run: bool,
    expect: int | None,
    per_second: float | None,
    **given: Any,
) -> None:
    """Run again what did not succeed.

    Each JOB that is named, or the failed and cancelled jobs that match. Many are counted first: nothing is done before
    --expect names that count.
    """
    if _one_by_one(session, "retry", job_ids, given, dry_run or expect is not None or per_second is not None):
        return
    dry = dry_run or expect is None
    counted = session.bureau.retry(dry_run=dry, expect=expect, per_second=per_second, **which(given))
    _say(session, "retry", counted, dry_run, " --per-second 20" if per_second is None else "")


@click.command()
@click.argument("job_ids", metavar="[JOB]...", nargs=-1, shell_complete=job_ids)
@filters
@_careful
@json_option
@click.pass_obj
def cancel(session: Session, /, job_ids: tuple[str, ...], dry_run: bool, expect: int | None, **given: Any) -> None:
    """Cancel jobs that have not ended.

    Each JOB that is named, or those that match. Many are counted first: nothing is done before --expect names that
    count.
    """
    if _one_by_one(session, "cancel", job_ids, given, dry_run or expect is not None):
        return
    counted = session.bureau.cancel(dry_run=dry_run or expect is None, expect=expect, **which(given))
    _say(session, "cancel", counted, dry_run, "")


def _one_by_one(session: Session, verb: str, ids: tuple[str, ...], given: dict[str, Any], careful: bool) -> bool:
    """Acts on the jobs that are named. False where none is, and a filter is."""
    narrowed = bool(which(given))
    if not ids:
        if not narrowed:
            raise click.UsageError(f"Name jobs, or say which: bureau {verb} --kind email --since 1h --dry-run")
        return False
    if narrowed or careful:
        raise click.UsageError("Name jobs or filter them, not both.")
    done = [_act(session, verb, job_id) for job_id in ids]
    if session.as_json:
        session.json([job.data for job in done])
    return True


def _act(session: Session, verb: str, job_id: str) -> Job:
    job = session.bureau.get(job_id)
    changed = job.retry() if verb == "retry" else job.cancel()
    if not session.as_json:
        session.line(f"{changed.id} {_DONE[verb]}: {changed.title}")
    return changed


def _say(session: Session, verb: str, counted: Counted, dry_run: bool, more: str) -> None:
    if session.as_json:
        session.json(vars(counted))
    else:
        session.line(words(verb, counted, more))
    if counted.dry_run and not dry_run and counted.count:
        if not session.as_json:
            session.note("Nothing was done.")
        raise click.exceptions.Exit(USAGE)


def words(verb: str, counted: Counted, more: str) -> str:
    """`312 jobs: 298 smtp_unavailable, 14 mailbox_full.   Do it: --expect 312 --per-second 20`."""
    if not counted.dry_run:
        return f"{count(counted.changed, 'job')} {_DONE_MANY[verb] if counted.changed != 1 else _DONE[verb]}."
    if not counted.count:
        return "No job matches."
    errors = f": {by_error(counted)}" if counted.by_error else ""
    spread = more if counted.count > SPREAD_FROM else ""
    return f"{count(counted.count, 'job')}{errors}.   Do it: --expect {counted.count}{spread}"
