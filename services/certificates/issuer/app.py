"""Serves the issuer as a WSGI app: POST / takes multipart `files` and answers `application/zip`; GET /healthz."""

import os
from collections.abc import Callable
from typing import IO

from flask import Flask, Response, jsonify, request, send_file
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import HTTPException

from bureau.contracts.certificates import MAX_FILES
from bureau.contracts.encodings import encoding_or_error
from bureau.services.certificates.issuer.bundle import Request, write_bundle
from bureau.services.certificates.issuer.links import CertificateLinks
from bureau.services.certificates.issuer.pdf.typesetter import DesignError, Typesetter
from bureau.services.certificates.issuer.problems import RefusedError
from bureau.services.certificates.issuer.rosters.languages import LANGUAGES, language_of
from bureau.services.certificates.issuer.rosters.roster import Roster, read_roster
from bureau.services.certificates.issuer.settings import IssuerSettings
from bureau.services.certificates.spool import spooled_file

CHECKPOINT = "bureau.checkpoint"  # a caller in the same process passes it, to follow the work and to stop it


def create_app(settings: IssuerSettings, links: CertificateLinks | None) -> Flask:
    """Returns the app. Errors are JSON: `{"error": {"code", "message", "details"}}`.

    Without `links`, QR codes hold text instead of a link.
    """
    app = Flask("bureau-issuer", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.issuer_max_request_bytes
    typesetter = Typesetter(settings.looks, settings.issuer_fonts_dir)

    @app.post("/")
    def issue() -> Response:
        checkpoint = _checkpoint()
        rosters = _rosters(settings, _encoding(), checkpoint)
        bundle = spooled_file()
        try:
            wanted = Request(
                organisation=settings.issuer_organisation,
                language=settings.issuer_language,
                chosen_language=_language(),
                links=links,
                rosters=rosters,
                idempotency_key=request.headers.get("Idempotency-Key", ""),
                issue_good=settings.issuer_row_errors == "issue_good",
            )
            write_bundle(bundle, wanted, typesetter, checkpoint)
            return _zip(bundle)
        except BaseException:  # also for a stop, because nothing else closes the file
            bundle.close()
            raise

    @app.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    app.register_error_handler(RefusedError, _refused)
    app.register_error_handler(DesignError, lambda error: _refused(RefusedError(500, "design_broken", str(error))))
    app.register_error_handler(HTTPException, _http_error)
    return app


def _rosters(settings: IssuerSettings, encoding: str | None, checkpoint: Callable[[int, int], None]) -> list[Roster]:
    if "files" in request.form:
        raise RefusedError(422, "invalid_file", "A part named files has no file name; send each roster as a file.")
    files = request.files.getlist("files")
    if not files:
        raise RefusedError(
            422, "no_files", "No roster was sent; send 1 to 50 CSV files as multipart parts named files."
        )
    if len(files) > MAX_FILES:
        raise RefusedError(422, "too_many_files", f"{len(files)} files were sent; at most {MAX_FILES} are allowed.")
    rosters: list[Roster] = []
    left = settings.issuer_max_rows
    for name, file in zip(_distinct([file.filename or "roster.csv" for file in files]), files, strict=True):
        if rosters:
            checkpoint(0, sum(len(roster.rows) for roster in rosters))
        data = _read(file, name, settings.issuer_max_roster_bytes)
        rosters.append(read_roster(name, data, encoding=encoding, max_rows=left))
        left -= rosters[-1].lines
        if left < 0:
            raise RefusedError(
                422,
                "too_many_rows",
                f"The rosters have more than {settings.issuer_max_rows:,} rows together, which is the most for one "
                "request. Send them in several requests.",
            )
    return rosters


def _encoding() -> str | None:
    """Returns the encoding that the request names, if it names one."""
    given = request.form.get("encoding", "").strip()
    try:
        return encoding_or_error(given) if given else None
    except ValueError as error:
        raise RefusedError(422, "invalid_encoding", f"encoding: {error}.") from None


def _language() -> str:
    """Returns the language that the request names for rows that name none, or ""."""
    given = request.form.get("language", "").strip()
    language = language_of(given) if given else ""
    if language is None:
        known = ", ".join(f"{code} ({name})" for code, name in LANGUAGES.items())
        message = f"language: “{given[:40]}” is not one of the languages of certificates: {known}."
        raise RefusedError(422, "invalid_language", message)
    return language


def _distinct(names: list[str]) -> list[str]:
    """Returns the names, with a number if one was sent twice, so that errors say which file is meant."""
    return [name if names.count(name) == 1 else f"{name} (file {n})" for n, name in enumerate(names, start=1)]


def _read(file: FileStorage, name: str, limit_bytes: int) -> bytes:
    data = file.stream.read(limit_bytes + 1)
    if len(data) > limit_bytes:
        raise RefusedError(
            413, "roster_too_large", f"{name} is larger than {limit_bytes:,} bytes, which is the most for one roster."
        )
    return data


def _checkpoint() -> Callable[[int, int], None]:
    given: Callable[[int, int], None] | None = request.environ.get(CHECKPOINT)
    return given or (lambda done, total: None)  # noqa: ARG005


def _zip(bundle: IO[bytes]) -> Response:
    size = bundle.seek(0, os.SEEK_END)
    bundle.seek(0)
    response = send_file(bundle, mimetype="application/zip", as_attachment=True, download_name="certificates.zip")
    response.content_length = size
    response.call_on_close(bundle.close)
    return response


def _refused(error: RefusedError) -> tuple[Response, int]:
    return jsonify(error.body), error.status


def _http_error(error: HTTPException) -> Response:
    """Answers the errors of Flask itself (404, 405, 413, 500) as JSON, with their own headers, such as `Allow`."""
    response = error.get_response()
    code = (error.name or "error").lower().replace(" ", "_")
    body = jsonify({"error": {"code": code, "message": error.description or error.name}})
    response.data = body.data
    response.content_type = "application/json"
    return response  # type: ignore[return-value]
