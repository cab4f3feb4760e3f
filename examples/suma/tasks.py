"""Defines two custom tasks. Bureau knows nothing of this file: the worker announces them, with their schemas."""

from bureau import Context, task


@task("shop.suma", max_attempts=4, time_limit_seconds=60)
def suma(ctx: Context, a: int, b: int) -> int:
    """Adds two numbers."""
    ctx.log(f"adding {a} and {b}")
    return a + b


@task("shop.initials")
def initials(ctx: Context, names: list[str]) -> dict[str, str]:
    """Returns the initials of each name, and a file of them."""
    found = {name: "".join(part[0].upper() for part in name.split()) for name in names}
    with ctx.artifact("initials.txt", "text/plain") as file:
        for number, (name, letters) in enumerate(found.items(), start=1):
            file.write(f"{letters}\t{name}\n".encode())
            ctx.progress(number, len(found), "names")
    ctx.log(f"{len(found)} names")
    return found
