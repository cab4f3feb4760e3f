"""The issuer's HTTP face. POST /: multipart `files` in, `application/zip` out. GET /healthz."""

import os
from collections.abc import Callable
from typing import IO

from flask import Flask, Response, jsonify, request, send_file
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import HTTPException

from bureau.contracts.certificates import MAX_FILES
from bureau.services.certificates.issuer.bundle import Request, write_bundle
from bureau.services.certificates.issuer.links import Links
from bureau.services.certificates.issuer.pdf.typesetter import DesignError, Typesetter
from bureau.services.certificates.issuer.problems import RefusedError
from bureau.services.certificates.issuer.rosters.roster import Roster, read_roster
from bureau.services.certificates.issuer.settings import IssuerSettings
from bureau.services.certificates.spool import spooled_file

CHECKPOINT = "bureau.checkpoint"  # given by a caller in the same process, to stop the work and see how far it is


def create_app(settings: IssuerSettings, links: Links | None) -> Flask:
    """The WSGI app. Errors are JSON: `{"error": {"code", "message"}}`. Without `links` QR codes hold text alone."""
    app = Flask("bureau-issuer", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.issuer_max_request_bytes
    typesetter = Typesetter(settings.looks, settings.issuer_fonts_dir)

    @app.post("/")
    def issue() -> Response:
        rosters = _rosters(settings)
        bundle = spooled_file()
        try:
            wanted = Request(
                organisation=settings.issuer_organisation,
                language=settings.issuer_language,
                links=links,
                rosters=rosters,
                idempotency_key=request.headers.get("Idempotency-Key", ""),
                issue_good=settings.issuer_row_errors == "issue_good",
            )
            write_bundle(bundle, wanted, typesetter, _checkpoint())
            return _zip(bundle)
        except BaseException:  # a stop as well: nobody else closes the file
            bundle.close()
            raise

    @app.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    app.register_error_handler(RefusedError, _refused)
    app.register_error_handler(DesignError, lambda error: _refused(RefusedError(500, "design_broken", str(error))))
    app.register_error_handler(HTTPException, _http_error)
    return app


def _rosters(settings: IssuerSettings) -> list[Roster]:
    if "files" in request.form:
        raise RefusedError(422, "invalid_file", "A part named files has no file name; send each roster as a file.")
    files = request.files.getlist("files")
    if not files:
        raise RefusedError(
            422, "no_files", "No roster was sent; send 1 to 50 CSV files as multipart parts named files."
        )
    if len(files) > MAX_FILES:
        raise RefusedError(422, "too_many_files", f"{len(files)} files were sent; at most {MAX_FILES} are taken.")
    names = _distinct([file.filename or "roster.csv" for file in files])
    rosters = [
        read_roster(name, _read(file, name, settings.issuer_max_roster_bytes))
        for name, file in zip(names, files, strict=True)
    ]
    rows = sum(len(roster.rows) for roster in rosters)
    if rows > settings.issuer_max_rows:
        raise RefusedError(
            422,
            "too_many_rows",
            f"The rosters have {rows:,} rows together; at most {settings.issuer_max_rows:,} are taken at once. "
            "Send them in several parts.",
        )
    return rosters


def _distinct(names: list[str]) -> list[str]:
    """The names, with a number where one was sent twice, so that mistakes say which file is meant."""
    return [name if names.count(name) == 1 else f"{name} (file {n})" for n, name in enumerate(names, start=1)]


def _read(file: FileStorage, name: str, limit_bytes: int) -> bytes:
    data = file.stream.read(limit_bytes + 1)
    if len(data) > limit_bytes:
        raise RefusedError(
            413, "roster_too_large", f"{name} has more than the {limit_bytes:,} bytes a roster may have."
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
    """What Flask itself refuses (404, 405, 413, 500), its own headers (`Allow`) kept."""
    response = error.get_response()
    code = (error.name or "error").lower().replace(" ", "_")
    body = jsonify({"error": {"code": code, "message": error.description or error.name}})
    response.data = body.data
    response.content_type = "application/json"
    return response  # type: ignore[return-value]
