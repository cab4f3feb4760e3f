"""Defines two tasks that take files: one file, several files, and a result with a file among its fields."""

from pydantic import BaseModel

from bureau import ArtifactRef, Context, task


class Joined(BaseModel):
    """Holds a result of several fields; each can be the input of a later task: `{"$result": "/join/file"}`."""

    file: ArtifactRef
    lines: int


@task("shop.join")
def join(ctx: Context, files: list[ArtifactRef]) -> Joined:
    """Joins text files, one after the other."""
    lines = 0
    with ctx.artifact("joined.txt", "text/plain") as joined:
        for number, ref in enumerate(files, start=1):
            with ctx.open(ref) as found:
                for line in found.file:
                    joined.write(line)
                    lines += 1
            ctx.progress(number, len(files), "files")
    return Joined(file=joined.ref, lines=lines)


@task("shop.count_lines")
def count_lines(ctx: Context, file: ArtifactRef) -> int:
    """Counts the lines of a file."""
    with ctx.open(file) as found:
        return sum(1 for _ in found.file)
