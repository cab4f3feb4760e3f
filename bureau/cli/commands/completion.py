"""Completes names in the shell with one quick request to Bureau."""

from collections.abc import Callable, Iterable

import click
from click.shell_completion import CompletionItem

from bureau.cli.job_names import END
from bureau.client import Bureau, BureauError, Patience

_NO_RETRIES = Patience(seconds=0.0)
_JOBS = 20

_LINES = {
    "bash": 'eval "$(_BUREAU_COMPLETE=bash_source bureau)"   # in ~/.bashrc',
    "zsh": 'eval "$(_BUREAU_COMPLETE=zsh_source bureau)"   # in ~/.zshrc',
    "fish": "_BUREAU_COMPLETE=fish_source bureau | source   # in ~/.config/fish/completions/bureau.fish",
}

Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


@click.command()
@click.argument("shell", type=click.Choice(list(_LINES)))
def completion(shell: str) -> None:
    """Print the line that enables completion in SHELL."""
    click.echo(_LINES[shell])


def completes(names: Callable[[Bureau], Iterable[tuple[str, str]]]) -> Completer:
    """Returns a completer for names with a help text each; it completes nothing if Bureau does not answer."""

    def complete(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
        try:
            with Bureau(ctx.find_root().params.get("url"), patience=_NO_RETRIES) as bureau:
                candidates = list(names(bureau))
        except (BureauError, OSError, ValueError):
            return []
        return [CompletionItem(name, help=text) for name, text in candidates if name.startswith(incomplete)]

    return complete


job_ids = completes(lambda bureau: ((job.id[-END:], f"{job.title} ({job.state})") for job in bureau.jobs(limit=_JOBS)))
queue_names = completes(lambda bureau: ((queue["name"], f"{queue['queued']} waiting") for queue in bureau.queues()))
report_names = completes(lambda bureau: ((report["name"], report["title"]) for report in bureau.reports()))
task_names = completes(lambda bureau: ((task["name"], task["description"]) for task in bureau.catalog()))
schedule_names = completes(lambda bureau: ((one["name"], one["cron"] or "") for one in bureau.schedules()))
template_names = completes(lambda bureau: ((one["name"], one["description"]) for one in bureau.templates()))
