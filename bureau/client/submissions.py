"""What a client may ask for. Each submission is repeated until it is answered, and done once."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from bureau.client.artifact import Artifact
from bureau.client.job import Job
from bureau.client.upload import FileSource, Upload

if TYPE_CHECKING:
    from typing import Literal

    from bureau.client.connection import Connection

Addresses = str | Sequence[str]


class RetryTerms(TypedDict, total=False):
    """What is not given stays as the task's author set it."""

    max_attempts: int
    base_seconds: float
    cap_seconds: float


class Terms(TypedDict, total=False):
    """What every submission takes besides its own fields."""

    title: str
    tags: Sequence[str]
    run_at: datetime | str
    delay_seconds: float
    expires_at: datetime | str
    priority: int
    retry: RetryTerms
    time_limit_seconds: float
    callback_url: str
    idempotency_key: str  # what is sent twice with the same key within 24 hours is done once


class Submissions:
    """The part of `Bureau` that submits. Raises `Problem` for what is refused, `Unreachable`."""

    connection: Connection

    def certificates(
        self,
        *files: FileSource,
        email_to: Addresses = (),
        subject: str | None = None,
        deliver: Literal["owner", "recipients"] | None = None,
        encoding: str | None = None,
        language: str | None = None,
        **terms: Unpack[Terms],
    ) -> Job:
        """Submits rosters, 1 to 50 files: paths, or pairs of a name and its bytes (or an open file).

        `encoding` is that of the files (`windows-1254`), if it cannot be told from them; `language` (`es`) is that of
        the certificates whose row names none.
        """
        own = {"email_to": _several(email_to), "subject": subject, "deliver": deliver}
        own |= {"encoding": encoding, "language": language}
        return self._uploaded("/v1/certificates", files, own, dict(terms))

    def report(
        self,
        report: str,
        /,
        params: Mapping[str, Any] | None = None,
        *,
        format: Mapping[str, Any] | None = None,
        email_to: Addresses = (),
        subject: str | None = None,
        **given: Any,
    ) -> Job:
        """A report of the catalog as CSV. What is neither named here nor one of `Terms` is a parameter of it."""
        terms, more = apart(given)
        own = {"report": report, "params": {**(params or {}), **more}, "format": format}
        return self._submitted("/v1/reports", {**own, "email_to": _several(email_to), "subject": subject}, terms)

    def email(
        self,
        to: Addresses,
        subject: str | None = None,
        text: str | None = None,
        *,
        html: str | None = None,
        template: str | None = None,
        context: Mapping[str, Any] | None = None,
        cc: Addresses = (),
        bcc: Addresses = (),
        sender: str | None = None,
        reply_to: str | None = None,
        files: Sequence[FileSource] = (),
        artifacts: Sequence[Artifact] = (),
        **terms: Unpack[Terms],
    ) -> Job:
        """A mail: `text`, `html` or both, or a `template` with its `context`; `files` and stored ones go along."""
        own = {
            "from": sender,
            "to": _several(to),
            "cc": _several(cc),
            "bcc": _several(bcc),
            "reply_to": reply_to,
            "subject": subject,
            "text": text,
            "html": html,
            "template": template,
            "context": context,
            "attachments": [{"artifact": artifact.data["id"], "name": artifact.name} for artifact in artifacts],
        }
        if files:
            return self._uploaded("/v1/emails", files, own, dict(terms))
        return self._submitted("/v1/emails", own, dict(terms))

    def task(self, run: str, /, input: Mapping[str, Any] | None = None, **given: Any) -> Job:
        """One task that a service announced. What is not one of `Terms` is input, as what `input` holds is."""
        terms, more = apart(given)
        name = run.rpartition(".")[2]
        return self._submitted(
            "/v1/jobs", {"tasks": [{"name": name, "run": run, "input": {**(input or {}), **more}}]}, terms
        )

    def job(self, tasks: Sequence[Mapping[str, Any]], **terms: Unpack[Terms]) -> Job:
        """A graph of tasks, each as `POST /v1/jobs` takes it: name, run, input, after, when, optional."""
        return self._submitted("/v1/jobs", {"tasks": list(tasks)}, dict(terms))

    def batch(self, jobs: Sequence[Mapping[str, Any]], *, idempotency_key: str | None = None) -> list[Job]:
        """Up to 1,000 jobs, each a mapping as `POST /v1/jobs` takes it: all of them, or none."""
        answer = self.connection.send("POST", "/v1/jobs/batch", {"jobs": list(jobs)}, key=idempotency_key)
        return [Job(self.connection, item) for item in answer["items"]]

    def upload(self, file: FileSource, *, idempotency_key: str | None = None) -> Artifact:
        """Stores a file to refer to, in a mail's `artifacts` or in the input of a task."""
        stored = self.connection.upload("/v1/files", "file", [Upload(file)], {}, key=idempotency_key)
        return Artifact(self.connection, stored)

    def _submitted(self, path: str, own: dict[str, Any], terms: dict[str, Any]) -> Job:
        body, key = _body(own, terms)
        return Job(self.connection, self.connection.send("POST", path, body, key=key))

    def _uploaded(self, path: str, files: Sequence[FileSource], own: dict[str, Any], terms: dict[str, Any]) -> Job:
        body, key = _body(own, terms)
        uploads = [Upload(file) for file in files]
        return Job(self.connection, self.connection.upload(path, "files", uploads, body, key=key))


def apart(given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The terms among keyword arguments, and the rest."""
    terms = {name: value for name, value in given.items() if name in Terms.__annotations__}
    return terms, {name: value for name, value in given.items() if name not in terms}


def _body(own: dict[str, Any], terms: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """The fields that were given, and the key."""
    key = terms.pop("idempotency_key", None) or str(uuid.uuid4())
    return {name: value for name, value in {**own, **terms}.items() if value is not None and value != []}, key


def _several(addresses: Addresses) -> list[str]:
    return [addresses] if isinstance(addresses, str) else list(addresses)
