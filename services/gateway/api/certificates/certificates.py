"""Serves POST /v1/certificates: takes rosters, makes a ZIP of certificates, and mails it on request."""

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from bureau.contracts.artifacts import ArtifactRef
from bureau.contracts.certificates import EncodingName, IssueCertificates, TellIssueFailure
from bureau.contracts.jobs.jobs import Terms
from bureau.contracts.jobs.states import When
from bureau.contracts.mail.mail import Language
from bureau.contracts.problems import FieldError
from bureau.ledger.files.artifacts import StoredArtifact
from bureau.ledger.jobs.submit import NewTask
from bureau.services.gateway.context import Gateway
from bureau.services.gateway.http.operation import Body, Call, Nothing, Operation, Reply
from bureau.services.gateway.http.parsing.multipart import Files, UploadedFile
from bureau.services.gateway.job_builders.accept import accept, submission
from bureau.services.gateway.job_builders.addresses import MAX_LISTED, MailAddress, Subject
from bureau.services.gateway.job_builders.failure_notice import who_hears_of_failure
from bureau.services.gateway.job_builders.mailing import domain_errors, follow_up, follow_up_errors
from bureau.services.gateway.job_builders.uploads import storing
from bureau.services.gateway.problems import refuse
from bureau.services.gateway.settings import GatewaySettings
from bureau.submission.announcements import CatalogSnapshot
from bureau.submission.terms import new_job, overridden, policy_of, terms_errors

RUN = "certificates.issue"
TELL = "certificates.tell"


class CertificatesForm(Terms):
    """Says what to do with the files, which are sent as separate parts."""

    email_to: list[MailAddress] = Field(default=[], max_length=MAX_LISTED, description="The recipients of the ZIP.")
    subject: Subject | None = Field(
        default=None, description="The subject of that mail, or of the mails to the recipients."
    )
    deliver: Literal["owner", "recipients"] = Field(
        default="owner",
        description="`owner` mails the ZIP to `email_to`; `recipients` also mails each person their own certificate.",
    )
    failure_email_to: list[MailAddress] = Field(
        default=[],
        max_length=20,
        description="The recipients of a notice if the job fails; if empty, the owner if that is an address.",
    )
    encoding: EncodingName | None = Field(
        default=None,
        description="The encoding of all files, such as `windows-1254`. Needed only if it cannot be detected.",
    )
    language: Language | None = Field(
        default=None,
        description="The language of certificates whose row names none. The built-in issuer has `en`, `es`, `ca`, `fr` "
        "and `pt`.",
    )


def operations(gateway: Gateway) -> list[Operation[Any, Any]]:
    settings = gateway.settings
    files = Files("files", at_least=1, at_most=settings.max_files, max_bytes=settings.max_file_bytes)

    def create(call: Call[CertificatesForm, Nothing]) -> Reply:
        form = call.body
        refuse(terms_errors(form), _mail_errors(form, settings))
        known = gateway.announcements.known()
        title = form.title or _title(call.files)
        with storing(gateway.storage, call.owner) as store:
            rosters = [store(file) for file in call.files]
            tasks = [_issue(rosters, form, known), *_mails(form, title, known)]
            told = who_hears_of_failure(form.failure_email_to, call.owner, settings.failure_email_to)
            tasks += _tell(told, title, [task.name for task in tasks], form, known)
            uses = [roster.id for roster in rosters]
            job = new_job(form, owner=call.owner, kind="certificates", title=title, tasks=tasks, uses=uses)
            return accept(gateway, call, job, rosters)

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


def _mail_errors(form: CertificatesForm, settings: GatewaySettings) -> list[FieldError]:
    """Checks the mail fields. With `deliver` set to `recipients`, the subject belongs to each person's mail."""
    return [
        *follow_up_errors(form.email_to, form.subject if form.deliver == "owner" else None, settings.max_recipients),
        *domain_errors(settings.recipient_domains, form.email_to, "#/email_to"),
        *domain_errors(settings.recipient_domains, form.failure_email_to, "#/failure_email_to"),
    ]


def _issue(rosters: Sequence[StoredArtifact], form: CertificatesForm, known: CatalogSnapshot) -> NewTask:
    policy = overridden(policy_of(RUN, known), form)
    to_each = form.deliver == "recipients"
    given = IssueCertificates(
        files=[ArtifactRef(artifact=roster.id) for roster in rosters],
        deliver=form.deliver,
        subject=form.subject if to_each else None,
        encoding=form.encoding,
        language=form.language,
    )
    return NewTask(
        "issue",
        RUN,
        policy.queue,
        given.model_dump(mode="json", exclude_defaults=True),
        retry=policy.retry,
        time_limit_seconds=policy.time_limit_seconds,
    )


def _mails(form: CertificatesForm, title: str, known: CatalogSnapshot) -> list[NewTask]:
    if not form.email_to:
        return []
    return [
        follow_up(
            form.email_to,
            form.subject if form.deliver == "owner" else None,
            template="certificates-ready",
            after="issue",
            attachment="archive",
            context={"title": title},
            facts=("members", "bytes", "sha256"),
            language=form.language or _language_of_result(known),
            terms=form,
            known=known,
        )
    ]


def _tell(
    to: Sequence[str], title: str, after: Sequence[str], form: CertificatesForm, known: CatalogSnapshot
) -> list[NewTask]:
    """Returns the notice of a failure, which is skipped if nothing failed.

    There is none if the certificates workers are of a version without it, because nobody would run it.
    """
    if not to or (RUN in known.tasks and TELL not in known.tasks):
        return []
    policy = overridden(policy_of(TELL, known), form)
    given = TellIssueFailure(title=title, to=list(to), language=form.language)
    return [
        NewTask(
            "tell",
            TELL,
            policy.queue,
            given.model_dump(mode="json", exclude_defaults=True),
            after=tuple(after),
            when=When.FAILED,
            optional=True,
            retry=policy.retry,
            time_limit_seconds=policy.time_limit_seconds,
        )
    ]


def _language_of_result(known: CatalogSnapshot) -> dict[str, str] | None:
    """Returns the reference to the language of most certificates, if the workers say it in their result."""
    announced = known.tasks.get(RUN)
    says = announced is not None and "language" in announced.description.result_schema.get("properties", {})
    return {"$result": "/issue/language"} if says else None


def _title(files: Sequence[UploadedFile]) -> str:
    more = f" and {len(files) - 1} more" if len(files) > 1 else ""
    return f"Certificates from {files[0].name}{more}"
