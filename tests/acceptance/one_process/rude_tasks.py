"""Tasks that code from elsewhere is like: it raises what it likes, and never looks at its context."""

from bureau import Context, task


class Rude(Exception):
    """Cannot be put into words."""

    def __str__(self) -> str:
        raise RuntimeError("no words")

    __repr__ = __str__


@task("rude.raise", max_attempts=2, base_seconds=0.2)
def rude(_ctx: Context) -> int:
    """Raises it."""
    raise Rude


@task("rude.spin", time_limit_seconds=600)
def spin(_ctx: Context) -> None:
    """Computes for ever, and swallows what it can."""
    while True:
        try:
            sum(range(1000))
        except Exception:  # noqa: BLE001, S112 - as much code does
            continue
