"""The Flask application checks a key and a body, calls `delay()`, and answers 202 with the task's id."""

import hmac
import os
from typing import Any

from celery import chain, chord
from flask import Flask, Response, abort, jsonify, request
from pydantic import BaseModel, ConfigDict, EmailStr, Field, ValidationError

from tests.benchmarks.throughput.celery_app.tasks import add, send_email, total

AUTHORIZATION = os.environ["AUTHORIZATION"].encode()

app = Flask(__name__)


class Email(BaseModel):
    """Validates the body of POST /v1/emails, as far as both stacks take it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    to: list[EmailStr] = Field(min_length=1, max_length=100)
    subject: str = Field(min_length=1, max_length=998)
    text: str = Field(max_length=1_048_576)


class Size(BaseModel):
    """Validates the body of the other two, which says how many tasks."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tasks: int = Field(ge=1, le=10_000)


@app.before_request
def identify() -> None:
    if request.path != "/healthz" and not hmac.compare_digest(
        request.headers.get("Authorization", "").encode(), AUTHORIZATION
    ):
        abort(401)


@app.errorhandler(ValidationError)
def refuse(error: ValidationError) -> tuple[Response, int]:
    return jsonify(errors=error.errors(include_url=False, include_context=False)), 422


@app.post("/v1/emails")
def emails() -> tuple[Response, int, dict[str, str]]:
    mail = Email.model_validate_json(request.get_data())
    return accepted(send_email.delay(mail.to, mail.subject, mail.text))


@app.post("/chains")
def chains() -> tuple[Response, int, dict[str, str]]:
    """Starts a chain: each link adds 1 to the result of the one before."""
    size = Size.model_validate_json(request.get_data())
    return accepted(chain(add.s(0, 1), *(add.s(1) for _ in range(size.tasks - 1))).apply_async())


@app.post("/groups")
def groups() -> tuple[Response, int, dict[str, str]]:
    """Starts a chord: a group of additions, and a task that sums their results up."""
    size = Size.model_validate_json(request.get_data())
    return accepted(chord(add.s(number, 1) for number in range(size.tasks))(total.s()))


@app.get("/healthz")
def healthz() -> dict[str, bool]:
    return {"ok": True}


def accepted(result: Any) -> tuple[Response, int, dict[str, str]]:
    return jsonify(id=result.id, state="queued"), 202, {"Location": f"/v1/jobs/{result.id}"}
