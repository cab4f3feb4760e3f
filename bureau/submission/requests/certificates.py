"""Checks a request for certificates, and builds its job."""

from collections.abc import Sequence
from uuid import UUID

from bureau.contracts.artifacts import ArtifactRef
from bureau.contracts.certificates import IssueCertificates
from bureau.contracts.jobs.references import Used
from bureau.contracts.problems import FieldError
from bureau.contracts.requests.certificates import CertificatesForm, CertificatesRequest
from bureau.ledger.jobs.submit import NewJob, NewTask
from bureau.submission.announcements import CatalogSnapshot
from bureau.submission.requests.limits import RequestLimits
from bureau.submission.requests.mail_tasks import follow_up
from bureau.submission.requests.recipients import follow_up_errors
from bureau.submission.terms import new_job, overridden, policy_of, terms_errors

RUN = "certificates.issue"


def certificates_errors(form: CertificatesForm, limits: RequestLimits) -> list[FieldError]:
    """Returns all errors of a request."""
    return [*terms_errors(form), *follow_up_errors(limits, form.email_to, _archive_subject(form))]


def certificates_job(
    form: CertificatesForm,
    rosters: Sequence[ArtifactRef],
    title: str,
    owner: str,
    known: CatalogSnapshot,
    *,
    job_id: UUID | None = None,
) -> NewJob:
    """Builds the job of a request without errors; `title` is used for a request without one."""
    title = form.title or title
    tasks = [_issue(rosters, form, known), *_mails(form, title, known)]
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
            terms=form,
            known=known,
        )
    ]
