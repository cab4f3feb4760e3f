"""Reads `manifest.json` of an archive, which says whose each certificate is.

docs/certificates-api.md describes it.
"""

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bureau.contracts.base import clean_text
from bureau.contracts.errors import PermanentError
from bureau.services.certificates.archive.check import CheckedArchive

NAME = "manifest.json"
MAX_BYTES = 32 * 1024 * 1024  # it is read into memory: 6 kB for each of 5,000 certificates


class Listed(BaseModel):
    """Describes one certificate; `file` is its name in the archive."""

    model_config = ConfigDict(frozen=True)

    file: str = Field(min_length=1, max_length=300)
    recipient: str = Field(min_length=1, max_length=300)
    email: str = Field(default="", max_length=500)
    course: str = Field(default="", max_length=500)
    date: str = Field(default="", max_length=100)
    language: str = Field(default="", max_length=35)
    serial: str = Field(default="", max_length=64)
    link: str = Field(default="", max_length=2000)


class LineLeftOut(BaseModel):
    """Describes a line of a roster that is not a person, such as a title above the header."""

    line: int
    reason: str = Field(max_length=300)


class RosterRead(BaseModel):
    """Says how the issuer read a roster. `ignored` names the columns that are not used."""

    file: str
    encoding: str
    delimiter: str
    rows: int
    ignored: str = Field(default="", max_length=2000)
    left_out: list[LineLeftOut] = []


class Manifest(BaseModel):
    """Holds the manifest. Unknown fields are ignored, because APIs may say more."""

    model_config = ConfigDict(frozen=True)

    organisation: str = Field(default="", max_length=300)
    rosters: list[RosterRead] = []
    certificates: list[Listed] = []
    errors: list[object] = []


def read_manifest(archive: CheckedArchive) -> Manifest | None:
    """Returns the manifest of an archive, if it has one.

    Raises `PermanentError` (`archive_manifest_invalid`).
    """
    if NAME not in archive:
        return None
    if archive.size_bytes(NAME) > MAX_BYTES:
        raise _invalid(f"it has more than {MAX_BYTES:,} bytes")
    text = b"".join(archive.read(NAME))
    try:
        manifest = Manifest.model_validate_json(clean_text(text.decode("utf-8", "replace")))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise _invalid(f"{'/'.join(map(str, first['loc']))}: {first['msg']}") from None
    if missing := [listed.file for listed in manifest.certificates if listed.file not in archive]:
        raise _invalid(f"it lists {missing[0]!r}, which is not in the archive")
    return manifest


def _invalid(why: str) -> PermanentError:
    return PermanentError("archive_manifest_invalid", f"The archive’s {NAME} cannot be used: {why}.")
