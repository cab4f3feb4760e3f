"""Shows a job's events live: `bureau follow`."""

from dataclasses import asdict

import click

from bureau.cli.commands.completion import job_ids
from bureau.cli.commands.event_printer import event_printer
from bureau.cli.exits import GOOD, INTERRUPTED, JOB_FAILED
from bureau.cli.formatting import one_line
from bureau.cli.session import Session, json_option
from bureau.client import Job
from bureau.client.job import detail_lines
from bureau.formatting import count, size

FILES_SHOWN = 10


@click.command()
@click.argument("job_id", metavar="JOB", shell_complete=job_ids)
@json_option
@click.pass_obj
def follow(session: Session, job_id: str) -> None:
    """Show what happens to a job, live, until it ends.

    Earlier events come first. The events of more than ten tasks are summed up. Exits with 0 if the job succeeded and 1
    if it did not. With --json each event is one line.
    """
    raise click.exceptions.Exit(follow_to_end(session, session.job(job_id)))


def follow_to_end(session: Session, job: Job) -> int:
    """Shows the job's events until it ends; returns the exit code."""
    job = session.retrying_longer(job)
    try:
        if session.as_json:
            for event in job.follow():
                session.json(asdict(event), indent=None)
        else:
            with event_printer(session, job) as printer:
                for event in job.follow():
                    printer.show(event)
    except KeyboardInterrupt:
        session.note(f"The job continues. Follow it again: bureau follow {job.id}")
        return INTERRUPTED
    job.refresh()
    if not session.as_json:
        print_outcome(session, job)
    return GOOD if job.state == "succeeded" else JOB_FAILED


def print_outcome(session: Session, job: Job) -> None:
    """Prints the job's errors one by one, its first files, and how to download all of them."""
    for line in detail_lines(job.error):
        session.line(f"  {one_line(line)}", "red")
    for artifact in job.artifacts[:FILES_SHOWN]:
        session.line(f"  {one_line(artifact.name)}  {size(artifact.size)}")
    if len(job.artifacts) > FILES_SHOWN:
        session.line(f"  … and {count(len(job.artifacts) - FILES_SHOWN, 'more file')}")
    if job.artifacts:
        session.note(f"Download them: bureau download {job.id}")
