"""Submits certificates, a report, an e-mail, a task or a graph of tasks: `bureau submit`."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from bureau.cli.commands.completion import report_names, task_names, template_names
from bureau.cli.commands.follow import follow_to_end
from bureau.cli.session import Session, json_option
from bureau.cli.times import Ahead, Span
from bureau.cli.values import pairs
from bureau.client import Bureau, BureauError, Job
from bureau.client.upload import FileSource

_TEXTS = ("delimiter", "date_format", "null_text", "compression")
FORMAT = {"properties": {name: {"type": "string"} for name in _TEXTS}}  # the others are booleans and numbers
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


class Attached(click.ParamType[FileSource]):
    """Takes a file to attach, and its media type behind `;type=` if the name does not tell it, as curl does."""

    name = "file"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> FileSource:
        path, mark, media_type = str(value).partition(";type=")
        if not mark or Path(str(value)).exists():
            path, media_type = str(value), ""
        file: Path = FILE.convert(path, param, ctx)
        if not media_type:
            return file
        opened = file.open("rb")
        if ctx:
            ctx.call_on_close(opened.close)
        return file.name, opened, media_type


@click.group()
def submit() -> None:
    """Submit certificates, a report, an e-mail, a task.

    Prints the job's id. With --follow it prints the job's events instead, and exits with 1 if the job fails.
    """


def terms(command: Any) -> Any:
    """Adds the options that every submission takes."""
    for option in (
        json_option,
        click.option("-f", "--follow", is_flag=True, help="Show what happens until it ends."),
        click.option("--idempotency-key", metavar="KEY", help="Submitted twice with one key, it runs once."),
        click.option("--time-limit", "time_limit_seconds", type=Span(), help="Limit for each attempt."),
        click.option("--max-attempts", type=click.IntRange(1, 100), help="Attempts before it fails."),
        click.option("--priority", type=click.IntRange(0, 9), help="Higher first.  [default: 5]"),
        click.option("--expires", "expires_at", type=Ahead(), help="Cancelled if not started by then."),
        click.option("--delay", "delay_seconds", type=Span(), help="Start after this time: 10min."),
        click.option("--at", "run_at", type=Ahead(), help="Start at this time: 2026-05-04T07:00."),
        click.option("--tag", "tags", multiple=True, help="A tag; repeatable."),
        click.option("--title", help="Title shown in lists."),
    ):
        command = option(command)
    return command


failure_option = click.option(
    "--failure-email-to", multiple=True, metavar="ADDRESS", help="Told if it fails; repeatable."
)


@submit.command()
@click.argument("files", nargs=-1, required=True, type=FILE)
@click.option("--email-to", multiple=True, metavar="ADDRESS", help="Recipient of the ZIP; repeatable.")
@click.option("--subject", help="Subject of that mail.")
@failure_option
@click.option("--deliver", type=click.Choice(["owner", "recipients"]), help="ZIP to you, or each person their own.")
@click.option("--encoding", metavar="NAME", help="Encoding of the files, if it cannot be detected: windows-1254.")
@click.option("--language", metavar="CODE", help="Language for rows that name none: es.")
@terms
@click.pass_obj
def certificates(session: Session, /, files: tuple[Path, ...], email_to: tuple[str, ...], **options: Any) -> None:
    """Make certificates for the people in rosters, as a ZIP."""
    names = ("subject", "deliver", "failure_email_to", "encoding", "language")
    own = {name: options.pop(name) for name in names}
    _send(session, options, lambda bureau, more: bureau.certificates(*files, email_to=email_to, **own, **more))


@submit.command()
@click.argument("report", shell_complete=report_names)
@click.option("-p", "--param", "params", multiple=True, metavar="NAME=VALUE", help="A parameter; repeatable.")
@click.option("--email-to", multiple=True, metavar="ADDRESS", help="Recipient of the file; repeatable.")
@click.option("--subject", help="Subject of that mail.")
@failure_option
@click.option(
    "--format",
    "form",
    multiple=True,
    metavar="NAME=VALUE",
    help="File format: delimiter=; bom=true compression=gzip; repeatable.",
)
@terms
@click.pass_obj
def report(
    session: Session, /, report: str, params: tuple[str, ...], email_to: tuple[str, ...], **options: Any
) -> None:
    """Make a report of the catalog as CSV.

    `bureau reports` lists reports; `bureau reports NAME` lists the parameters of one.
    """
    own = {
        "email_to": email_to,
        "subject": options.pop("subject"),
        "format": pairs(options.pop("form"), FORMAT) or None,
    }
    own["failure_email_to"] = options.pop("failure_email_to")
    values = pairs(params, _schema(report, "params_schema", session.bureau.reports)) if params else {}
    _send(
        session,
        options,
        lambda bureau, more: bureau.report(report, values, **own, **more),
    )


@submit.command()
@click.option("--to", multiple=True, metavar="ADDRESS", help="Recipient; repeatable.")
@click.option("--cc", multiple=True, metavar="ADDRESS", help="Copy to; repeatable.")
@click.option("--bcc", multiple=True, metavar="ADDRESS", help="Hidden copy to; repeatable.")
@click.option("--recipients", metavar="LIST", help="Many people, each with a mail of their own: @FILE, - for stdin.")
@click.option("--header", "headers", multiple=True, metavar="NAME: VALUE", help="A header: 'X-Ticket: 7'; repeatable.")
@click.option("--from", "sender", metavar="ADDRESS", help="Sender.  [default: MAIL_FROM of the gateway]")
@click.option("--reply-to", metavar="ADDRESS", help="Where answers go.")
@click.option("--subject", help="Subject line.")
@click.option("--text", help="Plain text; @FILE reads a file, - stdin.")
@click.option("--html", help="HTML text; @FILE reads a file, - stdin.")
@click.option("--template", help="A template instead of text and HTML.", shell_complete=template_names)
@click.option("-c", "--context", multiple=True, metavar="NAME=VALUE", help="A value for the template; repeatable.")
@click.option(
    "--attach",
    multiple=True,
    type=Attached(),
    metavar="FILE",
    help="A file; repeatable. Its type may follow: 'invite.ics;type=text/calendar; method=REQUEST'.",
)
@terms
@click.pass_obj
def email(session: Session, /, context: tuple[str, ...], attach: tuple[FileSource, ...], **options: Any) -> None:
    """Send an e-mail once: text, HTML or both, or a template.

    It needs --to, --cc or --bcc; or --recipients, with an address in each line, or a list in JSON as POST /v1/emails
    takes it.
    """
    own = {name: options.pop(name) for name in ("to", "cc", "bcc", "sender", "reply_to", "subject", "template")}
    own |= {"text": _text(options.pop("text")), "html": _text(options.pop("html"))}
    own |= {"headers": _headers(options.pop("headers")), "recipients": _list(options.pop("recipients"))}
    own |= {"context": pairs(context, {}) or None, "files": attach}
    _send(session, options, lambda bureau, more: bureau.email(**own, **more))


@submit.command()
@click.argument("run", metavar="TASK", shell_complete=task_names)
@click.argument("values", metavar="[NAME=VALUE]...", nargs=-1)
@click.option("--input", "whole", metavar="JSON", help="The input as a JSON object; @FILE, or - for stdin.")
@terms
@click.pass_obj
def task(session: Session, /, run: str, values: tuple[str, ...], whole: str | None, **options: Any) -> None:
    """Run one of your own tasks.

    bureau submit task shop.suma a=2 b=2
    """
    input = _object(whole) if whole else {}
    if values:
        input |= pairs(values, _schema(run, "input_schema", session.bureau.catalog))
    _send(session, options, lambda bureau, more: bureau.task(run, input, **more))


@submit.command()
@click.argument("file", type=click.Path(allow_dash=True))
@terms
@click.pass_obj
def job(session: Session, /, file: str, **options: Any) -> None:
    """Run a graph of tasks from a file.

    FILE holds a job in JSON, in the format of POST /v1/jobs; - is stdin.
    """
    spec = _object("-" if file == "-" else f"@{file}")
    _send(session, options, lambda bureau, more: bureau.job(**{**spec, **more}))


def _send(session: Session, options: dict[str, Any], send: Callable[[Bureau, dict[str, Any]], Job]) -> None:
    follow = options.pop("follow")
    attempts = options.pop("max_attempts")
    options["retry"] = {"max_attempts": attempts} if attempts else None
    job = send(session.bureau, {name: value for name, value in options.items() if value not in (None, ())})
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


def _schema(name: str, field: str, listed: Callable[[], Any]) -> dict[str, Any]:
    """Returns the schema of a report's or task's input.

    It is empty for an unknown name, because the gateway refuses that with an error message.
    """
    try:
        return next((dict(one[field]) for one in listed() if one["name"] == name), {})
    except BureauError:
        return {}


def _text(value: str | None) -> str | None:
    """Returns an option's text, read from stdin for `-` and from a file for `@FILE`."""
    if value == "-":
        return sys.stdin.read()
    return Path(value[1:]).read_text(encoding="utf-8") if value and value.startswith("@") else value


def _headers(lines: tuple[str, ...]) -> dict[str, str] | None:
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or name in headers:
            raise click.UsageError(f"--header {line!r} is not NAME: VALUE, or it repeats a name.")
        headers[name.strip()] = value.strip()
    return headers or None


def _list(value: str | None) -> list[Any]:
    """Returns the recipients of an option: a list in JSON, or lines, of which empty ones do not count."""
    text = (_text(value) or "").strip()
    if not text.startswith("["):
        return [line.strip() for line in text.splitlines() if line.strip()]
    try:
        people: list[Any] = json.loads(text)
    except ValueError as error:
        raise click.UsageError(f"The recipients are not JSON: {error}.") from None
    return people


def _object(source: str) -> dict[str, Any]:
    """Parses an option's text as a JSON object. Raises `click.UsageError` if it is not one."""
    try:
        value = json.loads(_text(source) or "")
    except ValueError as error:
        raise click.UsageError(f"The input is not JSON: {error}.") from None
    if not isinstance(value, dict):
        raise click.UsageError("The input is JSON, but not an object.")
    return value
