"""The archive: every certificate of every roster, the manifests, and what could not be issued."""

import hashlib
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import IO

from bureau.services.certificates.issuer.filenames import certificate_name, roster_folder
from bureau.services.certificates.issuer.links import Links
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
from bureau.services.certificates.issuer.rosters.roster import Roster, Row
from bureau.services.certificates.issuer.serials import serial
from bureau.signing.certificate_tokens import Claims

_EPOCH = (1980, 1, 1, 0, 0, 0)  # ZIP's first moment: the archive of the same request is the same bytes


@dataclass(frozen=True)
class Request:
    """What is to be issued. `issue_good`: rows with mistakes are listed in the archive and hold no other up."""

    organisation: str
    language: str  # of rows that name none
    links: Links | None
    rosters: Sequence[Roster]
    idempotency_key: str
    issue_good: bool


def write_bundle(
    file: IO[bytes], request: Request, typesetter: Typesetter, checkpoint: Callable[[int, int], None]
) -> None:
    """Sets every row, also where some cannot be, so that all mistakes are told at once.

    `checkpoint(certificates done, all)` is called before each and may raise. Raises `RefusedError` (422).
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
        with zipfile.ZipFile(self._file, "w", zipfile.ZIP_DEFLATED) as archive:
            for number, roster in enumerate(self._request.rosters, start=1):
                for position, row in enumerate(roster.rows, start=1):
                    self._certificate(archive, number, roster, position, row)
            self._finish(archive)
        self._checkpoint(self._total, self._total)

    def _certificate(self, archive: zipfile.ZipFile, number: int, roster: Roster, position: int, row: Row) -> None:
        self._checkpoint(self._done, self._total)
        self._done += 1
        request = self._request
        certificate = self._of(row, serial(request.organisation, number, row, request.idempotency_key))
        try:
            pdf = self._typesetter.pdf(certificate)
        except CannotDrawError as error:
            self._errors.append(RowError(roster.name, row.line, _undrawable(row, error.characters)))
            return
        if self._refuses:
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

    def _of(self, row: Row, number: str) -> Certificate:
        language = row.language or self._request.language
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

    @property
    def _refuses(self) -> bool:
        return bool(self._errors) and not self._request.issue_good

    def _finish(self, archive: zipfile.ZipFile) -> None:
        order = {roster.name: number for number, roster in enumerate(self._request.rosters)}
        errors = sorted(self._errors, key=lambda mistake: (order[mistake.file], mistake.line))
        if self._refuses or not self._entries:
            raise invalid_rosters(errors)
        archive.writestr(_entry(CSV), manifest_csv(self._entries))
        request = self._request
        manifest = manifest_json(request.organisation, request.rosters, self._entries, errors)
        archive.writestr(_entry(JSON), manifest)
        if errors:
            archive.writestr(_entry(ERRORS), errors_csv(errors))


def _undrawable(row: Row, characters: str) -> str:
    fields = ("recipient", "course", "date", "hours", "grade", "id")
    holding = [field for field in fields if set(characters) & set(getattr(row, field))]
    where = " and ".join(holding) or "the row"
    return (
        f"{where} holds “{characters[:20]}”, which no font of the issuer has; "
        "write it otherwise, or give the issuer such a font (ISSUER_FONTS_DIR)"
    )


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    return entry
