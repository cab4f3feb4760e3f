"""The catalog: every `.sql` file of the reports' folders that is a report, and what is wrong with the others."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from bureau.contracts.errors import PermanentError
from bureau.services.reports.definition.report import InvalidReport, Report, ReportError, read_report


@dataclass(frozen=True)
class ReportCatalog:
    """`reports` by name, in order of their names; `mistakes` in the files that are left out."""

    reports: dict[str, Report]
    errors: tuple[ReportError, ...] = ()

    def find(self, name: str) -> Report:
        """Raises `PermanentError` (`unknown_report`) naming the reports there are."""
        if name not in self.reports:
            known = ", ".join(self.reports) or "none"
            raise PermanentError("unknown_report", f"There is no report {name!r}; the reports are: {known}.")
        return self.reports[name]

    def on(self, sources: Collection[str]) -> "ReportCatalog":
        """The catalog without the reports whose source is not among `sources`; each is a mistake of its own."""
        usable = {name: report for name, report in self.reports.items() if report.source in sources}
        lacking = tuple(_lacking(report) for name, report in self.reports.items() if name not in usable)
        return replace(self, reports=usable, errors=self.errors + lacking)


def load_catalog(folders: Iterable[Path]) -> ReportCatalog:
    """Reads every `.sql` file in `folders` (not below them). Of two reports with one name the first is kept."""
    found: dict[str, Report] = {}
    errors: list[ReportError] = []
    for file in (file for folder in folders for file in sorted(folder.glob("*.sql"))):
        try:
            report = read_report(file)
        except InvalidReport as error:
            errors += error.errors
            continue
        if report.name in found:
            there = found[report.name].file
            errors.append(ReportError(file, 1, f"the name {report.name} is taken by {there}; give it another name"))
        else:
            found[report.name] = report
    return ReportCatalog(dict(sorted(found.items())), tuple(errors))


def _lacking(report: Report) -> ReportError:
    variable = f"SOURCE_{report.source.upper()}_URL"
    return ReportError(report.file, 1, f"the source {report.source} is not configured; set {variable}")
