"""Lists the kinds of problem that the gateway answers with. A slug is never renamed, because clients compare it."""

from collections.abc import Iterable
from dataclasses import dataclass

from bureau.contracts.problems import MAX_ERRORS, NO_SERVICE, FieldError, Problem, ProblemError, first_errors

RETRY_SECONDS = 5


@dataclass(frozen=True)
class Kind:
    """Holds the contents of the page `/problems/<slug>`."""

    slug: str
    status: int
    title: str
    meaning: str


KINDS = {
    kind.slug: kind
    for kind in (
        Kind("unreadable", 400, "The request cannot be read", "Its body or a part of it is not what its type says."),
        Kind(
            "key-missing",
            401,
            "A key is needed",
            "Keys are in use here. Send yours as `Authorization: Bearer <key>`; in a browser it is the password. "
            "`python -m bureau.services.gateway.keys make` makes one.",
        ),
        Kind(
            "key-invalid",
            401,
            "The key opens nothing",
            "It is not known here, was revoked or has expired. Ask whoever runs this gateway for another.",
        ),
        Kind(
            "role-too-low",
            403,
            "The key's role does not suffice",
            "`view` reads, `submit` also submits and acts on single jobs, `operate` also acts on many and on queues.",
        ),
        Kind(
            "signature-invalid",
            403,
            "The signature is not the provider's",
            "Events are taken only when they are signed with the provider's key, and just now.",
        ),
        Kind("link-invalid", 403, "The link is not valid", "A signed link opens what it was made for, unchanged."),
        Kind(
            "host-not-allowed",
            403,
            "This host name is not the gateway's",
            "The Host header names neither this machine nor PUBLIC_URL. A page elsewhere may be trying to reach a "
            "gateway that trusts its own machine. Use the address in PUBLIC_URL, set it, or add to ALLOWED_HOSTS.",
        ),
        Kind(
            "origin-not-allowed",
            403,
            "Requests from this web page are refused",
            "A browser sent this for a page of another site. Changes are accepted only from the gateway's own pages "
            "and from programs that are not web pages.",
        ),
        Kind("not-found", 404, "There is no such thing", "Nothing of yours is at this address."),
        Kind(
            "method-not-allowed", 405, "This method is not for this address", "The Allow header lists those that are."
        ),
        Kind("job-ended", 409, "The job has ended", "What was asked for needs a job that has not ended."),
        Kind("job-not-failed", 409, "The job has not failed", "A retry needs a job that failed or was cancelled."),
        Kind(
            "job-not-ended",
            409,
            "The job has not ended",
            "Only jobs that have ended are deleted: cancel it, or wait for its end.",
        ),
        Kind(
            "schedule-from-file",
            409,
            "The schedule comes from a file",
            "It is written in the scheduler's SCHEDULES_FILE: change it there. Running it now is possible here too.",
        ),
        Kind(
            "count-changed",
            409,
            "Another number of jobs matches",
            "`expect` did not name how many there are now. Look again with dry_run, then name the new count.",
        ),
        Kind(
            "idempotency-key-busy",
            409,
            "A request with this key is under way",
            "Wait as Retry-After says and send it again: the first answer comes back.",
        ),
        Kind("link-expired", 410, "The link has expired", "Whoever gave it can make a new one."),
        Kind(
            "precondition-failed", 412, "The file is not the expected one", "If-Match or If-Unmodified-Since said so."
        ),
        Kind("too-large", 413, "Too many bytes", "The detail names the limit and its value; limits are settings."),
        Kind("unsupported-media-type", 415, "This content type is not taken here", "The detail lists those that are."),
        Kind("range-not-satisfiable", 416, "The range lies outside the file", "Content-Range gives the file's size."),
        Kind(
            "invalid",
            422,
            "The request was understood and refused",
            "All that is wrong is in `errors`: `pointer` leads into the body, `parameter` and `header` name one.",
        ),
        Kind(
            "idempotency-key-reused",
            422,
            "The key was used for another request",
            "An Idempotency-Key belongs to one request for 24 hours. Send a new request with a new key.",
        ),
        Kind(
            "too-many-requests",
            429,
            "Too many requests with this key",
            "Wait as Retry-After says. RateLimit tells with every answer how many are left; RATE_LIMIT_PER_MINUTE is "
            "the setting.",
        ),
        Kind(
            "too-many-open-jobs",
            429,
            "Too many jobs that have not ended",
            "An owner has at most QUOTA_OPEN_JOBS of them. Wait until some end, or cancel some.",
        ),
        Kind(
            "too-many-bytes-stored",
            429,
            "Too many bytes stored",
            "The files of an owner have at most QUOTA_STORED_BYTES together. They go with time, or with their jobs.",
        ),
        Kind("internal-error", 500, "Something went wrong in Bureau", "It was logged under the answer's Request-Id."),
        Kind("report-failed", 502, "The report could not be run", "The detail says what its source answered."),
        Kind(
            "preview-takes-longer",
            504,
            "The preview takes longer",
            "A preview has five seconds, and was cancelled. The report itself may take its time.",
        ),
        Kind(
            "no-service",
            503,
            "No service for this has announced itself yet",
            "Services announce what they can do when they start. Start the one that is missing and try again.",
        ),
        Kind(
            "too-many-streams",
            503,
            "As many event streams are open as there may be",
            "Each holds a thread of the gateway. Try again as Retry-After says, or ask for the list of events.",
        ),
        Kind("ledger-unavailable", 503, "The ledger does not answer", "Its database is away. Try again later."),
        Kind("storage-unavailable", 503, "The file storage does not answer", "Try again later."),
    )
}


def problem(
    slug: str,
    detail: str,
    errors: Iterable[FieldError] = (),
    headers: dict[str, str] | None = None,
) -> ProblemError:
    """Returns the exception to raise for a refusal of this kind."""
    kind = KINDS[slug]
    return ProblemError(Problem(kind.status, slug, kind.title, detail, tuple(errors), headers or {}))


def invalid(errors: Iterable[FieldError]) -> ProblemError:
    """Returns a 422 problem with the first errors, and a note if there are more."""
    found = first_errors(errors)
    listed = tuple(found[:MAX_ERRORS])
    more = f" ({len(listed) - 1} more in errors)" if len(listed) > 1 else ""
    if len(found) > MAX_ERRORS:
        more = f" ({MAX_ERRORS - 1} more in errors, and there are further ones)"
    where = listed[0].pointer or listed[0].parameter or listed[0].header
    return problem("invalid", f"{where}: {listed[0].detail}{more}", listed)


def refuse(*lists: Iterable[FieldError]) -> None:
    """Raises a 422 problem if any of the lists has an error."""
    if found := first_errors(*lists):
        raise invalid(found)


def refuse_unserved(errors: Iterable[FieldError]) -> None:
    """Raises a 503 problem if an error is that a service is missing, and a 422 problem if there are others."""
    found = first_errors(errors)
    for error in found:
        if error.code == NO_SERVICE:
            raise try_again("no-service", error.detail)
    refuse(found)


def not_found(what: str) -> ProblemError:
    return problem("not-found", f"There is no {what} at this address.")


def try_again(slug: str, detail: str, seconds: int = RETRY_SECONDS) -> ProblemError:
    """Returns a refusal that may be over after `seconds`."""
    return problem(slug, detail, headers={"Retry-After": str(seconds)})
