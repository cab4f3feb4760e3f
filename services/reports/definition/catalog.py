"""Loads the catalog: the reports in the `.sql` files of the reports' folders, and the errors of invalid files."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from bureau.contracts.errors import PermanentError
from bureau.services.reports.definition.report import InvalidReport, Report, ReportError, read_report


@dataclass(frozen=True)
class ReportCatalog:
    """Holds the `reports` by name, sorted, and the `errors` of the files that are left out."""

    reports: dict[str, Report]
    errors: tuple[ReportError, ...] = ()

    def find(self, name: str) -> Report:
        """Returns a report. Raises `PermanentError` (`unknown_report`) with the names of all reports."""
        if name not in self.reports:
            known = ", ".join(self.reports) or "none"
            raise PermanentError("unknown_report", f"Report {name!r} not found; the reports are: {known}.")
        return self.reports[name]

    def on(self, sources: Collection[str]) -> "ReportCatalog":
        """Returns the catalog without the reports whose source is not in `sources`, with an error for each of them."""
        usable = {name: report for name, report in self.reports.items() if report.source in sources}
        missing = tuple(_missing_source(report) for name, report in self.reports.items() if name not in usable)
        return replace(self, reports=usable, errors=self.errors + missing)


def load_catalog(folders: Iterable[Path]) -> ReportCatalog:
    """Reads every `.sql` file directly in `folders`. If two reports have the same name, the first is kept."""
    reports: dict[str, Report] = {}
    errors: list[ReportError] = []
    for file in (file for folder in folders for file in sorted(folder.glob("*.sql"))):
        try:
            report = read_report(file)
        except InvalidReport as error:
            errors += error.errors
            continue
        if report.name in reports:
            existing = reports[report.name].file
            errors.append(ReportError(file, 1, f"the name {report.name} is used by {existing}; choose another name"))
        else:
            reports[report.name] = report
    return ReportCatalog(dict(sorted(reports.items())), tuple(errors))


def _missing_source(report: Report) -> ReportError:
    variable = f"SOURCE_{report.source.upper()}_URL"
    return ReportError(report.file, 1, f"the source {report.source} is not configured; set {variable}")
