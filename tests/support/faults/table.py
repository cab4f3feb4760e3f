"""Writes the measurements, a row for each fault over its rounds: the table of docs/reliability.md."""

from dataclasses import dataclass, field


@dataclass
class Measured:
    """Holds a fault over its rounds. `hits` are lost attempts, redeliveries, reconnects and restarts seen."""

    fault: str
    rounds: int = 0
    missed: int = 0
    jobs: int = 0
    struck: list[int] = field(default_factory=list)  # jobs unfinished when the fault struck
    hits: int = 0
    lost: int = 0
    doubled: int = 0
    failed: int = 0
    unknown_mails: int = 0
    recovery: list[float] = field(default_factory=list)  # seconds from the healing to the last job's end
    doubt: list[float] = field(default_factory=list)  # the same for mails whose sender died handing them over


TABLE: dict[str, Measured] = {}

_HEAD = (
    "| fault | rounds | jobs | unfinished when it struck, least | hits | lost | doubled | failed | mails unknown "
    "| longest recovery | of mails in doubt |\n"
    "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
)


def measured(fault: str) -> Measured:
    """The row of a fault, made when first asked for."""
    return TABLE.setdefault(fault, Measured(fault))


def markdown() -> str:
    """All rows, in the order of their first round."""
    return "\n".join([_HEAD, *(_line(row) for row in TABLE.values() if row.rounds)])


def _line(row: Measured) -> str:
    cells = (
        row.fault,
        row.rounds,
        row.jobs,
        min(row.struck) if row.struck else "",
        row.hits,
        row.lost,
        row.doubled,
        row.failed,
        row.unknown_mails,
        f"{max(row.recovery):.0f} s" if row.recovery else "",
        f"{max(row.doubt):.0f} s" if row.doubt else "",
    )
    return "| " + " | ".join(str(cell) for cell in cells) + " |"
