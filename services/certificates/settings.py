"""Defines the settings of the certificates service."""

import re

from pydantic import Field, SecretStr, field_validator

from bureau.services.certificates.archive.check import ArchiveLimits
from bureau.settings import Settings

BUILT_IN = "builtin"
_HEADER = re.compile(r"^([A-Za-z0-9!#$%&'*+.^_`~-]+):[ \t]*([\x20-\x7e]*)$")  # RFC 9110, section 5.1
_OURS = frozenset({"content-length", "content-type", "host", "idempotency-key", "transfer-encoding", "accept-encoding"})


class CertificatesSettings(Settings):
    """Holds the address of the certificates API, and the limits of what is accepted from it."""

    certificates_api: SecretStr = Field(  # secret: the URL may hold a password
        default=SecretStr(BUILT_IN),
        description="The certificates API: `builtin`, or `https://user:password@host/path`.",
    )
    certificates_api_token: SecretStr = Field(
        default=SecretStr(""), description="A token, sent to the API as `Authorization: Bearer <token>`."
    )
    certificates_api_headers: SecretStr = Field(  # secret: API keys are sent under many names
        default=SecretStr(""),
        description="Additional headers for the API, on separate lines or separated by `|`: `X-Api-Key: abc`.",
    )
    certificates_timeout_seconds: float = Field(
        default=120.0, gt=0, description="How long the connection may be silent, without a byte in either direction."
    )
    certificates_connect_timeout_seconds: float = Field(
        default=10.0, gt=0, description="How long to wait for a connection to the API."
    )
    certificates_max_archive_bytes: int = Field(
        default=512 * 1024 * 1024, ge=1, description="The maximum size of the ZIP that the API answers with."
    )
    certificates_max_members: int = Field(  # twice what the built-in issuer makes
        default=10_000, ge=1, description="The maximum number of files in the ZIP."
    )
    certificates_max_member_bytes: int = Field(
        default=100 * 1024 * 1024, ge=1, description="The maximum size of one file, unpacked."
    )
    certificates_max_uncompressed_bytes: int = Field(
        default=2 * 1024 * 1024 * 1024, ge=1, description="The maximum size of all files together, unpacked."
    )
    certificates_max_compression_ratio: float = Field(
        default=100.0,
        ge=1,
        description="The maximum ratio of a file's unpacked to packed bytes: text reaches 20, a ZIP bomb 1,000.",
    )

    @field_validator("certificates_api")
    @classmethod
    def _known_api(cls, value: SecretStr) -> SecretStr:
        url = value.get_secret_value()
        if url != BUILT_IN and not url.startswith(("http://", "https://")):
            raise ValueError("use builtin, or the http:// or https:// address of a certificates API")
        return value

    @field_validator("certificates_api_headers")
    @classmethod
    def _well_formed(cls, value: SecretStr) -> SecretStr:
        _headers(value.get_secret_value())
        return value

    @property
    def headers(self) -> dict[str, str]:
        """Returns the headers of every request to the API."""
        token = self.certificates_api_token.get_secret_value()
        given = {"Authorization": f"Bearer {token}"} if token else {}
        return {**given, **_headers(self.certificates_api_headers.get_secret_value())}

    @property
    def limits(self) -> ArchiveLimits:
        return ArchiveLimits(
            archive_bytes=self.certificates_max_archive_bytes,
            members=self.certificates_max_members,
            member_bytes=self.certificates_max_member_bytes,
            uncompressed_bytes=self.certificates_max_uncompressed_bytes,
            ratio=self.certificates_max_compression_ratio,
        )


def _headers(text: str) -> dict[str, str]:
    """Reads headers. Raises ValueError, which shows no value."""
    headers = {}
    for number, line in enumerate(filter(None, map(str.strip, re.split(r"[\n|]", text))), start=1):
        match = _HEADER.match(line)
        if match is None:
            raise ValueError(f"header {number} is not of the form `Name: value`")
        if match[1].lower() in _OURS:
            raise ValueError(f"header {number}, {match[1]}, is sent by Bureau itself")
        headers[match[1]] = match[2].strip()
    return headers
