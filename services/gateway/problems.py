"""Lists the kinds of problem that the gateway answers with. A slug is never renamed, because clients compare it."""

from collections.abc import Iterable
from dataclasses import dataclass

from bureau.contracts.problems import MAX_ERRORS, NO_SERVICE, FieldError, Problem, ProblemError, first_errors

RETRY_SECONDS = 5


@dataclass(frozen=True)
class ProblemKind:
    """Holds the contents of the page `/problems/<slug>`."""

    slug: str
    status: int
    title: str
    meaning: str


KINDS = {
    kind.slug: kind
    for kind in (
        ProblemKind(
            "unreadable", 400, "The request cannot be read", "The body or a part of it does not match its content type."
        ),
        ProblemKind(
            "key-missing",
            401,
            "A key is required",
            "This gateway requires a key. Send yours as `Authorization: Bearer <key>`; in a "
            "browser use it as the password. "
            "`python -m bureau.services.gateway.keys make` makes one.",
        ),
        ProblemKind(
            "key-invalid",
            401,
            "The key is not accepted",
            "The key is unknown, was revoked or has expired. Ask the operator of this gateway for a new one.",
        ),
        ProblemKind(
            "role-too-low",
            403,
            "The key's role is too low",
            "`view` reads, `submit` also submits and acts on single jobs, `operate` also acts on many and on queues.",
        ),
        ProblemKind(
            "signature-invalid",
            403,
            "The signature is not the provider's",
            "Events are accepted only if the provider's key signed them a short time ago.",
        ),
        ProblemKind(
            "link-invalid",
            403,
            "The link is not valid",
            "A signed link gives access only to what it was made for, and only unchanged.",
        ),
        ProblemKind(
            "host-not-allowed",
            403,
            "This host name is not the gateway's",
            "The Host header names neither this machine nor PUBLIC_URL. A page on another site "
            "may be trying to reach a "
            "gateway that trusts its own machine. Use the address in PUBLIC_URL, set PUBLIC_URL, "
            "or add the name to ALLOWED_HOSTS.",
        ),
        ProblemKind(
            "origin-not-allowed",
            403,
            "Requests from this web page are refused",
            "A browser sent this request for a page of another site. Changes are accepted only "
            "from the gateway's own pages "
            "and from programs that are not web pages.",
        ),
        ProblemKind("not-found", 404, "Not found", "Nothing that belongs to you was found at this address."),
        ProblemKind(
            "method-not-allowed",
            405,
            "This address does not accept the method",
            "The Allow header lists the methods that it accepts.",
        ),
        ProblemKind(
            "job-id-taken",
            409,
            "Another job has this id",
            "A client may choose the id of its job, and this one is in use. Choose another, or leave it out.",
        ),
        ProblemKind("job-ended", 409, "The job has ended", "The request needs a job that has not ended."),
        ProblemKind(
            "job-not-failed", 409, "The job has not failed", "A retry needs a job that failed or was cancelled."
        ),
        ProblemKind(
            "job-not-ended",
            409,
            "The job has not ended",
            "Only jobs that have ended are deleted: cancel it, or wait for its end.",
        ),
        ProblemKind(
            "schedule-from-file",
            409,
            "The schedule comes from a file",
            "The schedule is defined in the scheduler's SCHEDULES_FILE; change it there. It can be run over HTTP too.",
        ),
        ProblemKind(
            "count-changed",
            409,
            "Another number matches",
            "`expect` differs from the present number. Count again with dry_run, then send the new number.",
        ),
        ProblemKind(
            "idempotency-key-busy",
            409,
            "A request with this key is still being processed",
            "Wait as long as Retry-After says and send it again; the first answer is returned.",
        ),
        ProblemKind("link-expired", 410, "The link has expired", "The person who sent it can make a new one."),
        ProblemKind(
            "precondition-failed",
            412,
            "The file is not the expected one",
            "If-Match or If-Unmodified-Since does not fit the file.",
        ),
        ProblemKind(
            "too-large", 413, "Too many bytes", "The detail names the limit and its value; limits are settings."
        ),
        ProblemKind(
            "unsupported-media-type",
            415,
            "This content type is not accepted",
            "The detail lists the types that are accepted.",
        ),
        ProblemKind(
            "range-not-satisfiable", 416, "The range lies outside the file", "Content-Range gives the file's size."
        ),
        ProblemKind(
            "invalid",
            422,
            "Validation failed",
            "`errors` lists every error: `pointer` names the place in the body, `parameter` or "
            "`header` the other places.",
        ),
        ProblemKind(
            "idempotency-key-reused",
            422,
            "The key was used for another request",
            "An Idempotency-Key belongs to one request for 24 hours. Send a new request with a new key.",
        ),
        ProblemKind(
            "too-many-requests",
            429,
            "Too many requests with this key",
            "Wait as long as Retry-After says. The header RateLimit shows how many are left; RATE_LIMIT_PER_MINUTE is "
            "the limit.",
        ),
        ProblemKind(
            "too-many-open-jobs",
            429,
            "Too many jobs that have not ended",
            "An owner may have at most QUOTA_OPEN_JOBS of them. Wait until some end, or cancel some.",
        ),
        ProblemKind(
            "too-many-bytes-stored",
            429,
            "Too many bytes stored",
            "The files of an owner may have at most QUOTA_STORED_BYTES together. They are "
            "deleted in time, or with their jobs.",
        ),
        ProblemKind(
            "internal-error",
            500,
            "Something went wrong in Bureau",
            "The error was logged with the answer's Request-Id.",
        ),
        ProblemKind(
            "report-failed", 502, "The report could not be run", "The detail says what the data source answered."
        ),
        ProblemKind(
            "preview-takes-longer",
            504,
            "The preview takes too long",
            "A preview is cancelled after five seconds. The report itself may take longer.",
        ),
        ProblemKind(
            "no-service",
            503,
            "No service has announced this yet",
            "Services announce what they can do when they start. Start the one that is missing and try again.",
        ),
        ProblemKind(
            "too-many-streams",
            503,
            "Too many event streams are open",
            "Each stream holds a thread of the gateway. Try again after the time in Retry-After, "
            "or request the list of events.",
        ),
        ProblemKind(
            "ledger-unavailable",
            503,
            "The ledger does not answer",
            "The ledger's database is unavailable. Try again later.",
        ),
        ProblemKind("storage-unavailable", 503, "The file storage does not answer", "Try again later."),
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


def not_found(what: str, name: object = "") -> ProblemError:
    """Returns the refusal for something that is not there, or is another owner's; `name` is what was asked for."""
    if name:
        return problem("not-found", f"{what.capitalize()} {str(name)[:100]} was not found.")
    return problem("not-found", f"No {what} was found at this address.")


def try_again(slug: str, detail: str, seconds: int = RETRY_SECONDS) -> ProblemError:
    """Returns a refusal that may be over after `seconds`."""
    return problem(slug, detail, headers={"Retry-After": str(seconds)})
