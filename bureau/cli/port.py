"""Shows what of a Celery project moves to Bureau: `bureau port PATH`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bureau.cli.cells import Cell, Column, Styled
from bureau.cli.session import Session, json_option

if TYPE_CHECKING:
    from bureau.port.summary import Counts
    from bureau.port.survey import Survey

_FILES = (
    Column("FILE", flexible=True),
    Column("AS IT IS", right=True),
    Column("REWRITTEN", right=True),
    Column("BY HAND", right=True),
)
_STYLES = {"by hand": "yellow", "rewritten": "cyan", "as it is": ""}
_SCHEDULE_FILE = "bureau-schedules.yaml"


@click.command()
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--write", is_flag=True, help="Change the files, and write beat's schedules into a file.")
@click.option("--all", "everything", is_flag=True, help="Show every use of Celery, not only those that need a hand.")
@json_option
@click.pass_obj
def port(session: Session, path: Path, write: bool, everything: bool) -> None:
    """Read a Celery project in PATH: what moves, and what needs a hand.

    It runs nothing of the project. Without --write it changes nothing.
    """
    found = _survey(path)
    written = _write(found) if write else []
    if session.as_json:
        session.json(_as_json(found, written))
        return
    if not found.findings:
        session.note(f"None of the {found.files} Python files uses Celery.")
        return
    _show_files(session, found)
    _show_findings(session, found, everything=everything)
    _show_sum(session, found, written, write=write)


def _survey(path: Path) -> "Survey":
    from bureau.process.gc_pause import collector_paused  # no other command needs it

    try:
        from bureau.port.survey import survey
    except ModuleNotFoundError as missing:
        if missing.name != "libcst":
            raise
        raise click.UsageError("It needs one more package: pip install 'bureau-jobs[port]'") from None
    with collector_paused():  # syntax trees hold no circles, and walking them takes a quarter of the time
        return survey(path)


def _write(found: "Survey") -> list[Path]:
    """Writes the changed files, and a file of schedules unless one is there. Returns the paths."""
    from bureau.port.writing import write_changes, write_schedules

    folder = found.root if found.root.is_dir() else found.root.parent
    return write_changes(found) + write_schedules(found, folder / _SCHEDULE_FILE)


def _show_files(session: Session, found: "Survey") -> None:
    from bureau.port.summary import by_file

    rows: list[list[Cell]] = []
    for file, counts in by_file(found.findings).items():
        rows.append([file, *_numbers(counts)])
    session.table(_FILES, rows)


def _numbers(counts: "Counts") -> list[Cell]:
    return [
        str(counts.as_is or "-"),
        Styled(str(counts.rewritten), "cyan") if counts.rewritten else "-",
        Styled(str(counts.by_hand), "yellow") if counts.by_hand else "-",
    ]


def _show_findings(session: Session, found: "Survey", *, everything: bool) -> None:
    """Prints the uses that need a hand below their file, each with its reason."""
    from bureau.port.finding import Verdict

    file = ""
    for one in found.findings:
        hand = one.verdict is Verdict.BY_HAND
        if not hand and not everything:
            continue
        if one.file != file:
            file = one.file
            session.line()
            session.line(file, "bold")
        session.parts(
            Styled(f"  {one.line:>5}  "),
            Styled(
                f"{one.verdict.value:<10}", "yellow" if hand else "cyan" if one.verdict is Verdict.REWRITTEN else ""
            ),
            Styled(f" {one.what}"),
        )
        if one.why:
            session.line(f"         {one.why}", "dim")


def _show_sum(session: Session, found: "Survey", written: list[Path], *, write: bool) -> None:
    from bureau.port.summary import by_kind, call_sites

    session.line()
    kinds = (f"{counts.total} {kind.value}" for kind, counts in by_kind(found.findings).items())
    session.line(f"Found: {', '.join(kinds)}.")
    counts = call_sites(found.findings)
    if counts.share is not None:
        hand = f"; {counts.by_hand} {'needs' if counts.by_hand == 1 else 'need'} one" if counts.by_hand else ""
        share = f"{counts.share:.1f}".removesuffix(".0")
        session.line(f"{share} % of {counts.total} call sites need no hand{hand}.", "bold")
    unsure = sum(not one.certain for one in found.findings)
    if unsure:
        session.note(f"Calls of something that cannot be told by reading: {unsure}. They move if it is a task.")
    for file, why in found.unreadable.items():
        session.note(f"{file} was not read: {why}", "yellow")
    if written:
        session.note(f"{len(written)} files were written.", "")
    if not write and (found.changes or found.has_schedules):
        session.note(f"bureau port --write {found.root} makes the changes; commit your own first.")
    session.note("What the answers mean: docs/porting.md")


def _as_json(found: "Survey", written: list[Path]) -> dict[str, Any]:
    from bureau.port.summary import by_file, by_kind, call_sites

    sites = call_sites(found.findings)
    return {
        "files": {file: _counts(counts) for file, counts in by_file(found.findings).items()},
        "kinds": {kind.value: _counts(counts) for kind, counts in by_kind(found.findings).items()},
        "call_sites": {**_counts(sites), "percent_without_hand": sites.share},
        "findings": [{**vars(one)} for one in found.findings],
        "unreadable": dict(found.unreadable),
        "written": [str(path) for path in written],
    }


def _counts(counts: "Counts") -> dict[str, int]:
    return {"as_is": counts.as_is, "rewritten": counts.rewritten, "by_hand": counts.by_hand}
