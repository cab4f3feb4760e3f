"""`certificates.issue`: uploads to the certificates API, its ZIP back."""

from pydantic import Field

from bureau.contracts.artifacts import ArtifactRef
from bureau.contracts.base import Contract

MAX_FILES = 50


class IssueCertificates(Contract):
    """The uploads to post; they are removed once the task succeeded."""

    files: list[ArtifactRef] = Field(min_length=1, max_length=MAX_FILES)


class CertificatesIssued(Contract):
    """The checked archive."""

    archive: ArtifactRef
    members: int = Field(description="Files in the archive.")
    bytes: int
    sha256: str
