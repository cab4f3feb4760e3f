"""Serves POST /v1/certificates: takes rosters, makes a ZIP of certificates, and mails it on request."""

from collections.abc import Sequence
from typing import Any

from bureau.contracts.artifacts import ArtifactRef
from bureau.contracts.requests.certificates import CertificatesForm
from bureau.services.gateway.context import Gateway
from bureau.services.gateway.http.operation import Body, Call, Nothing, Operation, Reply
from bureau.services.gateway.http.parsing.multipart import Files, UploadedFile
from bureau.services.gateway.job_builders.accept import accept, submission
from bureau.services.gateway.job_builders.uploads import storing
from bureau.services.gateway.problems import refuse
from bureau.submission.requests.certificates import certificates_errors, certificates_job


def operations(gateway: Gateway) -> list[Operation[Any, Any]]:
    settings = gateway.settings
    files = Files("files", at_least=1, at_most=settings.max_files, max_bytes=settings.max_file_bytes)

    def create(call: Call[CertificatesForm, Nothing]) -> Reply:
        refuse(certificates_errors(call.body, settings.limits))
        known = gateway.announcements.known()
        with storing(gateway.storage, call.owner) as store:
            uploads = [store(file) for file in call.files]
            rosters = [ArtifactRef(artifact=upload.id) for upload in uploads]
            job = certificates_job(call.body, rosters, _title(call.files), call.owner, known, settings.limits)
            return accept(gateway, call, job, uploads)

    return [
        submission(
            gateway,
            name="create-certificates",
            path="/v1/certificates",
            view=create,
            summary="Make certificates from rosters: a ZIP, mailed to `email_to`",
            body=Body(CertificatesForm, json=False, files=files),
            problems=["storage-unavailable"],
        )
    ]


def _title(files: Sequence[UploadedFile]) -> str:
    more = f" and {len(files) - 1} more" if len(files) > 1 else ""
    return f"Certificates from {files[0].name}{more}"
