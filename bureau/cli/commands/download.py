"""Downloads a job's files: `bureau download`."""

from pathlib import Path

import click

from bureau.cli.commands.completion import job_ids
from bureau.cli.exits import USAGE
from bureau.cli.session import Session, json_option
from bureau.client import Artifact
from bureau.client.artifact import plain_name
from bureau.formatting import size


@click.command()
@click.argument("job_id", metavar="JOB", shell_complete=job_ids)
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="The folder; for a single file, or its name: -o sales.csv."
)
@json_option
@click.pass_obj
def download(session: Session, job_id: str, names: tuple[str, ...], output: Path | None) -> None:
    """Download all files of a job, or those named.

    Each file is checked by its SHA-256 and gets its name only when it is complete.
    """
    job = session.retrying_longer(session.job(job_id))
    artifacts = [job.artifact(name) for name in names] if names else job.artifacts
    if not artifacts:
        click.echo(f"The job {job.title!r} ({job.state}) has no files.", err=True)
        raise click.exceptions.Exit(USAGE)
    saved = [artifact.save(target) for artifact, target in _targets(artifacts, output)]
    if session.as_json:
        session.json([{"path": path, **artifact.data} for path, artifact in zip(saved, artifacts, strict=True)])
        return
    for path, artifact in zip(saved, artifacts, strict=True):
        session.line(f"{path}  {size(artifact.size)}")


def names_a_file(path: Path) -> bool:
    """Tells whether a path names a file: an existing one, or one whose extension begins with a letter."""
    return path.is_file() or (not path.is_dir() and path.suffix[1:2].isalpha())


def _targets(artifacts: list[Artifact], output: Path | None) -> list[tuple[Artifact, Path]]:
    """Returns each file with its target path.

    `output` is a folder, which is made if it is missing; for a single file it may be a file's name. If several tasks
    made files of the same name, each name is prefixed with the task's name.
    """
    folder = output or Path()
    if len(artifacts) == 1 and names_a_file(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        return [(artifacts[0], folder)]
    folder.mkdir(parents=True, exist_ok=True)
    names = [artifact.name for artifact in artifacts]
    return [
        (
            one,
            folder / plain_name(f"{one.data['task']}-{one.name}".replace("/", "_"))
            if names.count(one.name) > 1
            else folder,
        )
        for one in artifacts
    ]
