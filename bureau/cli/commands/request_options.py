"""Declares the options of requests, for `bureau submit` and `bureau schedules put`, and makes their bodies."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from bureau.cli.commands.completion import report_names, task_names, template_names
from bureau.cli.session import Session
from bureau.cli.times import Span
from bureau.cli.values import pairs
from bureau.client import BureauError
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


def together(*declared: Any) -> Callable[[Any], Any]:
    """Returns a decorator that adds arguments and options in this order."""

    def add(command: Any) -> Any:
        for one in reversed(declared):
            command = one(command)
        return command

    return add


title_options = together(
    click.option("--title", help="Title shown in lists."),
    click.option("--tag", "tags", multiple=True, help="A tag; repeatable."),
)
delay_option = click.option("--delay", "delay_seconds", type=Span(), help="Start after this time: 10min.")
run_options = together(
    click.option("--priority", type=click.IntRange(0, 9), help="Higher first.  [default: 5]"),
    click.option("--max-attempts", type=click.IntRange(1, 100), help="Attempts before it fails."),
    click.option("--time-limit", "time_limit_seconds", type=Span(), help="Limit for each attempt."),
)
failure_option = click.option(
    "--failure-email-to", multiple=True, metavar="ADDRESS", help="Told if it fails; repeatable."
)
certificates_options = together(
    click.argument("files", nargs=-1, required=True, type=FILE),
    click.option("--email-to", multiple=True, metavar="ADDRESS", help="Recipient of the ZIP; repeatable."),
    click.option("--subject", help="Subject of that mail."),
    failure_option,
    click.option("--deliver", type=click.Choice(["owner", "recipients"]), help="ZIP to you, or each person their own."),
    click.option("--encoding", metavar="NAME", help="Encoding of the files, if it cannot be detected: windows-1254."),
    click.option("--language", metavar="CODE", help="Language for rows that name none: es."),
)
report_options = together(
    click.argument("report", shell_complete=report_names),
    click.option("-p", "--param", "params", multiple=True, metavar="NAME=VALUE", help="A parameter; repeatable."),
    click.option("--email-to", multiple=True, metavar="ADDRESS", help="Recipient of the file; repeatable."),
    click.option("--subject", help="Subject of that mail."),
    failure_option,
    click.option(
        "--format",
        "form",
        multiple=True,
        metavar="NAME=VALUE",
        help="File format: delimiter=; bom=true compression=gzip; repeatable.",
    ),
)
email_options = together(
    click.option("--to", multiple=True, metavar="ADDRESS", help="Recipient; repeatable."),
    click.option("--cc", multiple=True, metavar="ADDRESS", help="Copy to; repeatable."),
    click.option("--bcc", multiple=True, metavar="ADDRESS", help="Hidden copy to; repeatable."),
    click.option("--recipients", metavar="LIST", help="Many people, a mail for each: @FILE, - for stdin."),
    click.option(
        "--header", "headers", multiple=True, metavar="NAME: VALUE", help="A header: 'X-Ticket: 7'; repeatable."
    ),
    click.option("--from", "sender", metavar="ADDRESS", help="Sender.  [default: MAIL_FROM of the gateway]"),
    click.option("--reply-to", metavar="ADDRESS", help="Where answers go."),
    click.option("--subject", help="Subject line."),
    click.option("--text", help="Plain text; @FILE reads a file, - stdin."),
    click.option("--html", help="HTML text; @FILE reads a file, - stdin."),
    click.option("--template", help="A template instead of text and HTML.", shell_complete=template_names),
    click.option("-c", "--context", multiple=True, metavar="NAME=VALUE", help="A value for the template; repeatable."),
    click.option(
        "--attach",
        multiple=True,
        type=Attached(),
        metavar="FILE",
        help="A file; repeatable. Its type may follow: 'invite.ics;type=text/calendar; method=REQUEST'.",
    ),
)
task_options = together(
    click.argument("run", metavar="TASK", shell_complete=task_names),
    click.argument("values", metavar="[NAME=VALUE]...", nargs=-1),
    click.option("--input", "whole", metavar="JSON", help="The input as a JSON object; @FILE, or - for stdin."),
    click.option(
        "--queue", metavar="QUEUE", help="Another queue than the task's own; `bureau tasks --json` lists them."
    ),
)
job_options = click.argument("file", type=click.Path(allow_dash=True))


def taken(options: dict[str, Any], *names: str) -> dict[str, Any]:
    """Removes the options of these names and returns them."""
    return {name: options.pop(name) for name in names}


def certificates_fields(options: dict[str, Any]) -> dict[str, Any]:
    return taken(options, "email_to", "failure_email_to", "subject", "deliver", "encoding", "language")


def report_fields(session: Session, options: dict[str, Any]) -> dict[str, Any]:
    """Returns the fields of a report, with parameters of the types that its schema names."""
    own = taken(options, "report", "email_to", "failure_email_to", "subject")
    params, form = options.pop("params"), options.pop("form")
    own["params"] = pairs(params, _schema(own["report"], "params_schema", session.bureau.reports)) if params else {}
    return {**own, "format": pairs(form, FORMAT) or None}


def email_fields(options: dict[str, Any]) -> dict[str, Any]:
    """Returns the fields of an e-mail but its files; the sender is called `sender`, as in the client."""
    own = taken(options, "to", "cc", "bcc", "sender", "reply_to", "subject", "template")
    own |= {"text": _text(options.pop("text")), "html": _text(options.pop("html"))}
    own |= {"headers": _headers(options.pop("headers")), "recipients": _people(options.pop("recipients"))}
    return {**own, "context": pairs(options.pop("context"), {}) or None}


def task_input(session: Session, options: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Returns the name of a task and its input, with values of the types that its schema names."""
    run, whole, values = options.pop("run"), options.pop("whole"), options.pop("values")
    given = json_object(whole) if whole else {}
    if values:
        given |= pairs(values, _schema(run, "input_schema", session.bureau.catalog))
    return run, given


def job_fields(options: dict[str, Any]) -> dict[str, Any]:
    file = options.pop("file")
    return json_object("-" if file == "-" else f"@{file}")


def terms_given(options: dict[str, Any]) -> dict[str, Any]:
    """Returns the terms that were given, as the API names them."""
    attempts = options.pop("max_attempts")
    options["retry"] = {"max_attempts": attempts} if attempts else None
    return {name: value for name, value in options.items() if value not in (None, ())}


def json_object(source: str) -> dict[str, Any]:
    """Parses an option's text as a JSON object. Raises `click.UsageError` if it is not one."""
    try:
        value = json.loads(_text(source) or "")
    except ValueError as error:
        raise click.UsageError(f"The input is not JSON: {error}.") from None
    if not isinstance(value, dict):
        raise click.UsageError("The input is JSON, but not an object.")
    return value


def _schema(name: str, field: str, listed: Callable[[], Any]) -> dict[str, Any]:
    """Returns the schema of a report's or task's input.

    It is empty for an unknown name, because the gateway refuses that with an error message.
    """
    try:
        return next((dict(one[field]) for one in listed() if one["name"] == name), {})
    except BureauError:
        return {}


def _headers(lines: tuple[str, ...]) -> dict[str, str] | None:
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or name in headers:
            raise click.UsageError(f"--header {line!r} is not NAME: VALUE, or it repeats a name.")
        headers[name.strip()] = value.strip()
    return headers or None


def _people(value: str | None) -> list[Any]:
    """Returns the recipients of an option: a list in JSON, or lines, of which empty ones do not count."""
    text = (_text(value) or "").strip()
    if not text.startswith("["):
        return [line.strip() for line in text.splitlines() if line.strip()]
    try:
        people: list[Any] = json.loads(text)
    except ValueError as error:
        raise click.UsageError(f"The recipients are not JSON: {error}.") from None
    return people


def _text(value: str | None) -> str | None:
    """Returns an option's text, read from stdin for `-` and from a file for `@FILE`."""
    if value == "-":
        return sys.stdin.read()
    return Path(value[1:]).read_text(encoding="utf-8") if value and value.startswith("@") else value
