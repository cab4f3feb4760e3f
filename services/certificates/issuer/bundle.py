"""The archive: every certificate of every roster, and the manifest."""

import hashlib
import zipfile
from collections.abc import Callable, Sequence
from typing import IO

from services.certificates.issuer.filenames import certificate_name, roster_folder
from services.certificates.issuer.manifest import NAME, Manifest
from services.certificates.issuer.problems import RowError, invalid_rosters
from services.certificates.issuer.roster import Roster, Row
from services.certificates.issuer.serials import serial
from services.certificates.issuer.typesetter import CannotDrawError, Certificate, Typesetter

_EPOCH = (1980, 1, 1, 0, 0, 0)  # ZIP's first moment: the archive of the same request is the same bytes


def write_bundle(
    file: IO[bytes],
    rosters: Sequence[Roster],
    typesetter: Typesetter,
    organisation: str,
    idempotency_key: str,
    checkpoint: Callable[[int, int], None],
) -> None:
    """Sets every row, also where some cannot be, so that all mistakes are told at once (`RefusedError`, 422).

    `checkpoint(certificates done, all)` is called before each and may raise.
    """
    mistakes = [mistake for roster in rosters for mistake in roster.mistakes]
    total = sum(len(roster.rows) for roster in rosters)
    done = 0
    manifest = Manifest()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, roster in enumerate(rosters, start=1):
            folder = roster_folder(number, len(rosters), roster.name)
            for position, row in enumerate(roster.rows, start=1):
                checkpoint(done, total)
                done += 1
                certificate = _certificate(row, organisation, serial(organisation, number, row, idempotency_key))
                try:
                    pdf = typesetter.pdf(certificate)
                except CannotDrawError as error:
                    mistakes.append(RowError(roster.name, row.line, _undrawable(row, error.characters)))
                    continue
                name = folder + certificate_name(position, len(roster.rows), row.recipient)
                if not mistakes:
                    archive.writestr(_entry(name), pdf)
                manifest.add(
                    file=name,
                    recipient=row.recipient,
                    email=row.email,
                    serial=certificate.serial,
                    sha256=hashlib.sha256(pdf).hexdigest(),
                )
        archive.writestr(_entry(NAME), manifest.encoded())
    if mistakes:
        order = {roster.name: number for number, roster in enumerate(rosters)}
        raise invalid_rosters(sorted(mistakes, key=lambda mistake: (order[mistake.file], mistake.line)))
    checkpoint(total, total)


def _certificate(row: Row, organisation: str, number: str) -> Certificate:
    return Certificate(organisation, row.recipient, row.course, row.date, row.hours, row.grade, row.id, number)


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
