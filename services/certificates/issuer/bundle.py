"""Writes the archive: the certificates of all rosters, the manifests, and a list of the errors."""

import hashlib
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import IO

from bureau.services.certificates.issuer.filenames import certificate_name, roster_folder
from bureau.services.certificates.issuer.links import CertificateLinks
from bureau.services.certificates.issuer.manifest import (
    CSV,
    ERRORS,
    JSON,
    Entry,
    errors_csv,
    manifest_csv,
    manifest_json,
)
from bureau.services.certificates.issuer.pdf.typesetter import CannotDrawError, Certificate, Typesetter
from bureau.services.certificates.issuer.problems import RowError, invalid_rosters
from bureau.services.certificates.issuer.rosters.roster import Roster, RosterRow
from bureau.services.certificates.issuer.serials import serial
from bureau.signing.certificate_tokens import Claims

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first moment that ZIP can hold: the same request makes the same bytes
_PRINTED = ("recipient", "course", "date", "hours", "grade", "id")


@dataclass(frozen=True)
class Request:
    """Describes what to issue. With `issue_good`, good rows are issued although others have errors; they are listed."""

    organisation: str
    language: str  # for rows that name none, in rosters whose header is in no other language
    chosen_language: str  # the request's language for rows that name none, or ""
    links: CertificateLinks | None
    rosters: Sequence[Roster]
    idempotency_key: str
    issue_good: bool


def write_bundle(
    file: IO[bytes], request: Request, typesetter: Typesetter, checkpoint: Callable[[int, int], None]
) -> None:
    """Checks all rows, then makes their certificates.

    Rows are checked before any certificate is made, so that a request with errors is refused at once, and with all of
    them. `checkpoint(certificates done, all)` is called before each certificate and may raise. Raises `RefusedError`
    (422).
    """
    _Bundle(file, request, typesetter, checkpoint).write()


class _Bundle:
    def __init__(
        self, file: IO[bytes], request: Request, typesetter: Typesetter, checkpoint: Callable[[int, int], None]
    ) -> None:
        self._file = file
        self._request = request
        self._typesetter = typesetter
        self._checkpoint = checkpoint
        self._errors = [error for roster in request.rosters for error in roster.errors]
        self._entries: list[Entry] = []
        self._done = 0
        self._total = sum(len(roster.rows) for roster in request.rosters)

    def write(self) -> None:
        undrawable = self._find_undrawable()
        self._refuse_errors()
        with zipfile.ZipFile(self._file, "w", zipfile.ZIP_DEFLATED) as archive:
            for number, roster in enumerate(self._request.rosters, start=1):
                for position, row in enumerate(roster.rows, start=1):
                    if (roster.name, row.line) not in undrawable:
                        self._certificate(archive, number, roster, position, row)
            self._finish(archive)
        self._checkpoint(self._total, self._total)

    def _find_undrawable(self) -> set[tuple[str, int]]:
        """Adds an error for each row with characters that no font has; returns the rows' rosters and lines."""
        texts = {getattr(row, name) for roster in self._request.rosters for row in roster.rows for name in _PRINTED}
        missing = self._typesetter.undrawable(texts)
        found = set()
        for roster in self._request.rosters if missing else ():
            for row in roster.rows:
                characters = "".join(dict.fromkeys(c for name in _PRINTED for c in getattr(row, name) if c in missing))
                if characters:
                    self._errors.append(_undrawable(roster, row, characters))
                    found.add((roster.name, row.line))
        return found

    def _refuse_errors(self) -> None:
        if self._errors and not self._request.issue_good:
            raise invalid_rosters(self._sorted_errors())

    def _sorted_errors(self) -> list[RowError]:
        order = {roster.name: number for number, roster in enumerate(self._request.rosters)}
        return sorted(self._errors, key=lambda error: (order[error.file], error.line))

    def _certificate(
        self, archive: zipfile.ZipFile, number: int, roster: Roster, position: int, row: RosterRow
    ) -> None:
        self._checkpoint(self._done, self._total)
        self._done += 1
        request = self._request
        language = row.language or request.chosen_language or roster.language or request.language
        certificate = self._of(row, serial(request.organisation, number, row, request.idempotency_key), language)
        try:
            pdf = self._typesetter.pdf(certificate)
        except CannotDrawError as error:  # a combination of characters that the check did not try
            self._errors.append(_undrawable(roster, row, error.characters))
            self._refuse_errors()
            return
        folder = roster_folder(number, len(request.rosters), roster.name)
        name = folder + certificate_name(position, len(roster.rows), row.recipient)
        archive.writestr(_entry(name), pdf)
        self._entries.append(
            Entry(
                file=name,
                recipient=row.recipient,
                email=row.email,
                course=row.course,
                date=row.date,
                language=certificate.language,
                serial=certificate.serial,
                link=certificate.link,
                sha256=hashlib.sha256(pdf).hexdigest(),
            )
        )

    def _of(self, row: RosterRow, number: str, language: str) -> Certificate:
        organisation = self._request.organisation
        claims = Claims(number, row.recipient, row.course, row.date, organisation, language)
        return Certificate(
            organisation=organisation,
            recipient=row.recipient,
            course=row.course,
            date=row.date,
            hours=row.hours,
            grade=row.grade,
            id=row.id,
            serial=number,
            language=language,
            link=self._request.links.link(claims) if self._request.links else "",
        )

    def _finish(self, archive: zipfile.ZipFile) -> None:
        errors = self._sorted_errors()
        if not self._entries:
            raise invalid_rosters(errors)
        archive.writestr(_entry(CSV), manifest_csv(self._entries))
        request = self._request
        manifest = manifest_json(request.organisation, request.rosters, self._entries, errors)
        archive.writestr(_entry(JSON), manifest)
        if errors:
            archive.writestr(_entry(ERRORS), errors_csv(errors))


def _undrawable(roster: Roster, row: RosterRow, characters: str) -> RowError:
    holding = [name for name in _PRINTED if set(characters) & set(getattr(row, name))]
    message = (
        f"{' and '.join(holding) or 'the row'} holds “{characters[:20]}”, which none of the issuer's fonts has; "
        "use other characters, or add a font that has them (ISSUER_FONTS_DIR)"
    )
    return RowError(roster.name, row.line, message, holding[0] if holding else "")


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    return entry
