"""The Flask application, put together from what its process lends."""

from collections.abc import Callable
from threading import Event
from typing import Any

from flask import Flask

from bureau.ledger.db.database import Database
from bureau.storage import Storage
from bureau.submission.announcements import Announcements
from services.gateway.api import (
    acts,
    artifacts,
    batch,
    catalog,
    certificates,
    deletion,
    emails,
    events,
    files,
    health,
    jobs,
    links,
    mail_events,
    mail_templates,
    openapi,
    queues,
    report_preview,
    reports,
    revocation,
    schedules,
    suppressions,
    tasks,
    workers,
)
from services.gateway.console import certificate, console
from services.gateway.gateway import Gateway, Relay
from services.gateway.http.context import add_context
from services.gateway.http.errors import add_error_handlers
from services.gateway.http.operation import Operation
from services.gateway.http.routes import add_routes
from services.gateway.settings import GatewaySettings


def create_app(
    settings: GatewaySettings,
    database: Database,
    storage: Storage,
    relay: Relay,
    *,
    prepare: Callable[[], None] | None = None,
    stopping: Event | None = None,
) -> Flask:
    """Connects to nothing.

    `prepare` is called before each request that is not about health; it may raise `LedgerUnavailable`. Setting
    `stopping` ends event streams, and the waits of requests with `Prefer: wait`.
    """
    gateway = Gateway(settings, database, storage, relay, Announcements(database), stopping or Event())
    app = Flask(__name__, static_folder=None, template_folder="console/templates")
    app.url_map.merge_slashes = False  # a redirect is not what an API's client expects
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    add_context(app, settings)
    add_error_handlers(app)
    add_routes(app, operations(gateway), gateway, prepare)
    return app


def operations(gateway: Gateway) -> list[Operation[Any, Any]]:
    """Every route there is, in the order of the OpenAPI document."""
    resources = (
        certificates,
        revocation,
        report_preview,
        reports,
        emails,
        files,
        jobs,
        batch,
        acts,
        deletion,
        tasks,
        events,
        artifacts,
        links,
        catalog,
        mail_templates,
        mail_events,
        suppressions,
        workers,
        queues,
        schedules,
        health,
    )
    declared = [operation for resource in resources for operation in resource.operations(gateway)]
    declared += [*certificate.operations(gateway), *console.operations(gateway, declared)]
    return [*declared, openapi.operation(declared)]
