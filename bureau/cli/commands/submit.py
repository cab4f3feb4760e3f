"""`bureau submit`: certificates, a report, an e-mail, a task, a graph of tasks."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from bureau.cli.commands.completion import report_names, task_names, template_names
from bureau.cli.commands.follow import told
from bureau.cli.session import Session, json_option
from bureau.cli.times import Ahead, Span
from bureau.cli.values import pairs
from bureau.client import Bureau, BureauError, Job

_TEXTS = ("delimiter", "date_format", "null_text", "compression")
FORMAT = {"properties": {name: {"type": "string"} for name in _TEXTS}}  # the rest are true, false and numbers
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def submit() -> None:
    """Ask for certificates, a report, a mail, a task.

    The job's id is printed; with --follow its story, and exit code 1 where it fails.
    """


def terms(command: Any) -> Any:
    """The options every submission has, as the keyword arguments that are not its own."""
    for option in (
        json_option,
        click.option("-f", "--follow", is_flag=True, help="Show what happens until it ends."),
        click.option("--idempotency-key", metavar="KEY", help="Twice with the same key is done once."),
        click.option("--callback-url", metavar="URL", help="Told when the job ends."),
        click.option("--time-limit", "time_limit_seconds", type=Span(), help="For each attempt."),
        click.option("--max-attempts", type=click.IntRange(1, 100), help="Tries before it fails."),
        click.option("--priority", type=click.IntRange(0, 9), help="Higher first.  [default: 5]"),
        click.option("--expires", "expires_at", type=Ahead(), help="Not started by then: cancelled."),
        click.option("--delay", "delay_seconds", type=Span(), help="Not before so long from now."),
        click.option("--at", "run_at", type=Ahead(), help="Not before: 2026-05-04T07:00."),
        click.option("--tag", "tags", multiple=True, help="Repeatable."),
        click.option("--title", help="What lists show."),
    ):
        command = option(command)
    return command


@submit.command()
@click.argument("files", nargs=-1, required=True, type=FILE)
@click.option("--email-to", multiple=True, metavar="ADDRESS", help="Who gets the ZIP; repeatable.")
@click.option("--subject", help="Of that mail.")
@click.option("--deliver", type=click.Choice(["owner", "recipients"]), help="The ZIP to you, or each their own.")
@click.option("--encoding", metavar="NAME", help="The files' encoding, if it cannot be told: windows-1254.")
@click.option("--language", metavar="CODE", help="For rows that name none: es.")
@terms
@click.pass_obj
def certificates(session: Session, /, files: tuple[Path, ...], email_to: tuple[str, ...], **given: Any) -> None:
    """Certificates for the people in rosters, as a ZIP."""
    own = {name: given.pop(name) for name in ("subject", "deliver", "encoding", "language")}
    _submitted(session, given, lambda bureau, more: bureau.certificates(*files, email_to=email_to, **own, **more))


@submit.command()
@click.argument("report", shell_complete=report_names)
@click.option("-p", "--param", "params", multiple=True, metavar="NAME=VALUE", help="A parameter; repeatable.")
@click.option("--email-to", multiple=True, metavar="ADDRESS", help="Who gets the file; repeatable.")
@click.option("--subject", help="Of that mail.")
@click.option(
    "--format",
    "form",
    multiple=True,
    metavar="NAME=VALUE",
    help="Of the file: delimiter=; bom=true compression=gzip; repeatable.",
)
@terms
@click.pass_obj
def report(session: Session, /, report: str, params: tuple[str, ...], email_to: tuple[str, ...], **given: Any) -> None:
    """A report of the catalog as CSV.

    `bureau reports` lists them, `bureau reports NAME` the parameters of one.
    """
    subject, format = given.pop("subject"), pairs(given.pop("form"), FORMAT) or None
    values = pairs(params, _schema(report, "params_schema", session.bureau.reports)) if params else {}
    _submitted(
        session,
        given,
        lambda bureau, more: bureau.report(report, values, format=format, email_to=email_to, subject=subject, **more),
    )


@submit.command()
@click.option("--to", multiple=True, required=True, metavar="ADDRESS", help="Repeatable.")
@click.option("--cc", multiple=True, metavar="ADDRESS", help="Repeatable.")
@click.option("--bcc", multiple=True, metavar="ADDRESS", help="Repeatable.")
@click.option("--from", "sender", metavar="ADDRESS", help="[default: the gateway's MAIL_FROM]")
@click.option("--reply-to", metavar="ADDRESS")
@click.option("--subject")
@click.option("--text", help="The text; @FILE reads it from one, - from stdin.")
@click.option("--html", help="The same as HTML.")
@click.option("--template", help="Instead of text and HTML.", shell_complete=template_names)
@click.option("-c", "--context", multiple=True, metavar="NAME=VALUE", help="For the template; repeatable.")
@click.option("--attach", multiple=True, type=FILE, help="A file; repeatable.")
@terms
@click.pass_obj
def email(session: Session, /, context: tuple[str, ...], attach: tuple[Path, ...], **given: Any) -> None:
    """An e-mail, once: text, HTML or both, or a template."""
    own = {name: given.pop(name) for name in ("to", "cc", "bcc", "sender", "reply_to", "subject", "template")}
    own |= {"text": _text(given.pop("text")), "html": _text(given.pop("html"))}
    own |= {"context": pairs(context, {}) or None, "files": attach}
    _submitted(session, given, lambda bureau, more: bureau.email(**own, **more))


@submit.command()
@click.argument("run", metavar="TASK", shell_complete=task_names)
@click.argument("values", metavar="[NAME=VALUE]...", nargs=-1)
@click.option("--input", "whole", metavar="JSON", help="The input as a JSON object; @FILE, or - for stdin.")
@terms
@click.pass_obj
def task(session: Session, /, run: str, values: tuple[str, ...], whole: str | None, **given: Any) -> None:
    """A task of your own.

    bureau submit task shop.suma a=2 b=2
    """
    input = _object(whole) if whole else {}
    if values:
        input |= pairs(values, _schema(run, "input_schema", session.bureau.catalog))
    _submitted(session, given, lambda bureau, more: bureau.task(run, input, **more))


@submit.command()
@click.argument("file", type=click.Path(allow_dash=True))
@terms
@click.pass_obj
def job(session: Session, /, file: str, **given: Any) -> None:
    """A graph of tasks, from a file.

    FILE holds a job as POST /v1/jobs takes it, in JSON; - is stdin.
    """
    spec = _object("-" if file == "-" else f"@{file}")
    _submitted(session, given, lambda bureau, more: bureau.job(**{**spec, **more}))


def _submitted(session: Session, given: dict[str, Any], send: Callable[[Bureau, dict[str, Any]], Job]) -> None:
    follow = given.pop("follow")
    attempts = given.pop("max_attempts")
    given["retry"] = {"max_attempts": attempts} if attempts else None
    found = send(session.bureau, {name: value for name, value in given.items() if value not in (None, ())})
    if follow:
        if not session.as_json:
            session.note(f"{found.title}: job {found.id}")
        raise click.exceptions.Exit(told(session, found))
    if session.as_json:
        session.json(found.data)
        return
    session.line(found.id)
    if session.out.is_terminal:
        session.note(f"{found.title} is {found.state}. Follow it: bureau follow {found.id}")


def _schema(name: str, field: str, listed: Callable[[], Any]) -> dict[str, Any]:
    """What a report or task asks for; nothing where it is not known: the gateway refuses it with words."""
    try:
        return next((dict(one[field]) for one in listed() if one["name"] == name), {})
    except BureauError:
        return {}


def _text(given: str | None) -> str | None:
    if given == "-":
        return sys.stdin.read()
    return Path(given[1:]).read_text(encoding="utf-8") if given and given.startswith("@") else given


def _object(given: str) -> dict[str, Any]:
    """Raises `click.UsageError` for what is no JSON object."""
    try:
        value = json.loads(_text(given) or "")
    except ValueError as error:
        raise click.UsageError(f"This is not JSON: {error}.") from None
    if not isinstance(value, dict):
        raise click.UsageError("This is JSON, but not an object.")
    return value
