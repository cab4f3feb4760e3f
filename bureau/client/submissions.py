"""Submits jobs. Each submission is retried until it is answered, and takes effect once.

`SubmissionRequests` builds the requests for both clients: they differ in how a request is sent and what comes back.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, TypedDict, TypeVar, Unpack

from bureau.client.artifact import Artifact, StoredFile
from bureau.client.job import Job
from bureau.client.upload import FileSource, Upload

if TYPE_CHECKING:
    from typing import Literal

    from bureau.client.connection import Connection

Addresses = str | Sequence[str]
OneJob = TypeVar("OneJob")
ManyJobs = TypeVar("ManyJobs")
OneFile = TypeVar("OneFile")


class RetryTerms(TypedDict, total=False):
    """Sets the retries of tasks. A missing key keeps the value that the task's author set."""

    max_attempts: int
    base_seconds: float
    cap_seconds: float


class Terms(TypedDict, total=False):
    """Holds the fields that every submission takes besides its own."""

    id: str  # a UUID; a second submission with it answers with the first one's job
    title: str
    tags: Sequence[str]
    run_at: datetime | str
    delay_seconds: float
    expires_at: datetime | str
    priority: int
    retry: RetryTerms
    time_limit_seconds: float
    idempotency_key: str  # two submissions with one key within 24 hours make one job


class SubmissionRequests(Generic[OneJob, ManyJobs, OneFile]):
    """Holds the part of a client that submits. All methods raise `Problem` for a refusal, and `Unreachable`.

    The type parameters are what a call returns: a job, several, a stored file, or what is awaited for one.
    """

    def certificates(
        self,
        *files: FileSource,
        email_to: Addresses = (),
        subject: str | None = None,
        deliver: Literal["owner", "recipients"] | None = None,
        failure_email_to: Addresses = (),
        encoding: str | None = None,
        language: str | None = None,
        **terms: Unpack[Terms],
    ) -> OneJob:
        """Submits rosters for certificates: 1 to 50 files.

        Each file is a path, or a pair of a name and bytes or an open file. `encoding` is the encoding of the files
        (`windows-1254`), if it cannot be detected; `language` (`es`) is the language of certificates whose row names
        none. `failure_email_to` is told if the job fails.
        """
        own: dict[str, Any] = {"email_to": _address_list(email_to), "subject": subject, "deliver": deliver}
        own |= {"failure_email_to": _address_list(failure_email_to), "encoding": encoding, "language": language}
        return self._upload("/v1/certificates", files, own, dict(terms))

    def report(
        self,
        report: str,
        /,
        params: Mapping[str, Any] | None = None,
        *,
        format: Mapping[str, Any] | None = None,
        email_to: Addresses = (),
        subject: str | None = None,
        failure_email_to: Addresses = (),
        **keywords: Any,
    ) -> OneJob:
        """Submits a report of the catalog, made as CSV.

        A keyword that is neither named here nor one of `Terms` is a parameter of the report.
        """
        terms, more = split_terms(keywords)
        own: dict[str, Any] = {"report": report, "params": {**(params or {}), **more}, "format": format}
        own |= {"email_to": _address_list(email_to), "subject": subject}
        return self._send("/v1/reports", {**own, "failure_email_to": _address_list(failure_email_to)}, terms)

    def email(
        self,
        to: Addresses = (),
        subject: str | None = None,
        text: str | None = None,
        *,
        recipients: Sequence[str | Mapping[str, Any]] = (),
        html: str | None = None,
        template: str | None = None,
        context: Mapping[str, Any] | None = None,
        cc: Addresses = (),
        bcc: Addresses = (),
        sender: str | None = None,
        reply_to: str | None = None,
        headers: Mapping[str, str] | None = None,
        files: Sequence[FileSource] = (),
        artifacts: Sequence[StoredFile] = (),
        **terms: Unpack[Terms],
    ) -> OneJob:
        """Submits a mail with `text`, `html` or both, or a `template` with its `context`.

        It goes to `to`, `cc` and `bcc`, of which at least one has an address. Instead, each of up to 1,000 `recipients`
        gets a mail of their own: an address, or an object with `to` and the person's `context`, `language` and
        `unsubscribe`. `headers` are headers of your own, such as `X-Ticket`. It attaches `files`, which are uploaded,
        and `artifacts`, which are stored already.
        """
        own = {
            "from": sender,
            "to": _address_list(to),
            "cc": _address_list(cc),
            "bcc": _address_list(bcc),
            "recipients": list(recipients),
            "reply_to": reply_to,
            "headers": headers,
            "subject": subject,
            "text": text,
            "html": html,
            "template": template,
            "context": context,
            "attachments": [{"artifact": artifact.id, "name": artifact.name} for artifact in artifacts],
        }
        if files:
            return self._upload("/v1/emails", files, own, dict(terms))
        return self._send("/v1/emails", own, dict(terms))

    def task(
        self, run: str, /, input: Mapping[str, Any] | None = None, *, queue: str | None = None, **keywords: Any
    ) -> OneJob:
        """Submits one task that a service announced, to a `queue` other than its own if one is named.

        A keyword that is not one of `Terms` is added to `input`.
        """
        return self._send("/v1/jobs", {}, job_of_task(run, input, queue, keywords))

    def job(self, tasks: Sequence[Mapping[str, Any]], **terms: Unpack[Terms]) -> OneJob:
        """Submits a graph of tasks, each in the format of `POST /v1/jobs`: name, run, input, after, queue, …"""
        return self._send("/v1/jobs", {"tasks": list(tasks)}, dict(terms))

    def batch(self, jobs: Sequence[Mapping[str, Any]], *, idempotency_key: str | None = None) -> ManyJobs:
        """Submits up to 1,000 jobs, each in the format of `POST /v1/jobs`: all of them, or none."""
        return self._send_batch({"jobs": list(jobs)}, idempotency_key)

    def upload(self, file: FileSource, *, idempotency_key: str | None = None) -> OneFile:
        """Stores a file, for a mail's `artifacts` or the input of a task: `bureau.task("shop.resize", photo=file)`."""
        return self._store(Upload(file), idempotency_key)

    def _send(self, path: str, own: dict[str, Any], terms: dict[str, Any]) -> OneJob:
        body, key = _body(own, terms)
        return self._send_job(path, body, key)

    def _upload(self, path: str, files: Sequence[FileSource], own: dict[str, Any], terms: dict[str, Any]) -> OneJob:
        body, key = _body(own, terms)
        return self._send_job_with_files(path, [Upload(file) for file in files], body, key)

    def _send_job(self, path: str, body: dict[str, Any], key: str) -> OneJob:
        raise NotImplementedError

    def _send_job_with_files(self, path: str, files: Sequence[Upload], body: dict[str, Any], key: str) -> OneJob:
        raise NotImplementedError

    def _send_batch(self, body: dict[str, Any], key: str | None) -> ManyJobs:
        raise NotImplementedError

    def _store(self, file: Upload, key: str | None) -> OneFile:
        raise NotImplementedError


class Submissions(SubmissionRequests[Job, list[Job], Artifact]):
    """Holds the part of `Bureau` that submits and returns when the answer has arrived."""

    connection: Connection

    def _send_job(self, path: str, body: dict[str, Any], key: str) -> Job:
        return Job(self.connection, self.connection.send("POST", path, body, key=key))

    def _send_job_with_files(self, path: str, files: Sequence[Upload], body: dict[str, Any], key: str) -> Job:
        return Job(self.connection, self.connection.upload(path, "files", files, body, key=key))

    def _send_batch(self, body: dict[str, Any], key: str | None) -> list[Job]:
        answer = self.connection.send("POST", "/v1/jobs/batch", body, key=key)
        return [Job(self.connection, item) for item in answer["items"]]

    def _store(self, file: Upload, key: str | None) -> Artifact:
        return Artifact(self.connection, self.connection.upload("/v1/files", "file", [file], {}, key=key))


def job_of_task(
    run: str, input: Mapping[str, Any] | None, queue: str | None, keywords: Mapping[str, Any]
) -> dict[str, Any]:
    """Returns the job of one task, with those of the keywords that are terms; the others are added to the input."""
    terms, more = split_terms(keywords)
    task: dict[str, Any] = {"name": run.rpartition(".")[2], "run": run, "input": {**(input or {}), **more}}
    return {"tasks": [task if queue is None else {**task, "queue": queue}], **terms}


def split_terms(keywords: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Splits keyword arguments into the terms and the rest."""
    terms = {name: value for name, value in keywords.items() if name in Terms.__annotations__}
    return terms, {name: value for name, value in keywords.items() if name not in terms}


def _body(own: dict[str, Any], terms: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """Returns the fields that have a value, and the idempotency key."""
    key = terms.pop("idempotency_key", None) or str(uuid.uuid4())
    return {name: value for name, value in {**own, **terms}.items() if value is not None and value != []}, key


def _address_list(addresses: Addresses) -> list[str]:
    return [addresses] if isinstance(addresses, str) else list(addresses)
