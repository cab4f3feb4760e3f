"""Checks a request for certificates, and builds its job."""

from collections.abc import Sequence
from uuid import UUID

from bureau.contracts.artifacts import ArtifactRef
from bureau.contracts.certificates import IssueCertificates, TellIssueFailure
from bureau.contracts.jobs.references import Used
from bureau.contracts.jobs.states import When
from bureau.contracts.problems import FieldError
from bureau.contracts.requests.certificates import CertificatesForm, CertificatesRequest
from bureau.ledger.jobs.submit import NewJob, NewTask
from bureau.submission.announcements import CatalogSnapshot
from bureau.submission.requests.failure_notice import who_hears_of_failure
from bureau.submission.requests.limits import RequestLimits
from bureau.submission.requests.mail_tasks import follow_up
from bureau.submission.requests.recipients import domain_errors, follow_up_errors
from bureau.submission.terms import new_job, overridden, policy_of, terms_errors

RUN = "certificates.issue"
TELL = "certificates.tell"


def certificates_errors(form: CertificatesForm, limits: RequestLimits) -> list[FieldError]:
    """Returns all errors of a request."""
    return [
        *terms_errors(form),
        *follow_up_errors(limits, form.email_to, _archive_subject(form)),
        *domain_errors(limits, form.failure_email_to, "#/failure_email_to"),
    ]


def certificates_job(
    form: CertificatesForm,
    rosters: Sequence[ArtifactRef],
    title: str,
    owner: str,
    known: CatalogSnapshot,
    limits: RequestLimits,
    *,
    job_id: UUID | None = None,
) -> NewJob:
    """Builds the job of a request without errors; `title` is used for a request without one."""
    title = form.title or title
    tasks = [_issue(rosters, form, known), *_mails(form, title, known)]
    told = who_hears_of_failure(form.failure_email_to, owner, limits.failure_email_to)
    tasks += _tell(told, title, [task.name for task in tasks], form, known)
    uses = [roster.artifact for roster in rosters]
    return new_job(form, owner=owner, kind="certificates", title=title, tasks=tasks, uses=uses, job_id=job_id)


def used_by_certificates(asked: CertificatesRequest) -> list[Used]:
    """Returns the stored rosters that a request names, and where."""
    return [Used(ref.artifact, ("files", index)) for index, ref in enumerate(asked.files)]


def _archive_subject(form: CertificatesForm) -> str | None:
    """Returns the subject of the mail with the ZIP. Of `recipients`, the subject belongs to each person's mail."""
    return form.subject if form.deliver == "owner" else None


def _issue(rosters: Sequence[ArtifactRef], form: CertificatesForm, known: CatalogSnapshot) -> NewTask:
    policy = overridden(policy_of(RUN, known), form)
    given = IssueCertificates(
        files=list(rosters),
        deliver=form.deliver,
        subject=form.subject if form.deliver == "recipients" else None,
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
            _archive_subject(form),
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
