"""Builds the Flask application from the resources that its process provides."""

from collections.abc import Callable
from threading import Event
from typing import Any

from flask import Flask

from bureau.ledger.db.database import Database
from bureau.services.gateway.api import artifacts, catalog, files, health, openapi, queues, workers
from bureau.services.gateway.api.certificates import certificates, revocation
from bureau.services.gateway.api.jobs import acts, batch, deletion, events, jobs, links, tasks
from bureau.services.gateway.api.mail import emails, mail_events, mail_templates, suppressions
from bureau.services.gateway.api.reports import report_preview, reports
from bureau.services.gateway.api.schedules import schedules
from bureau.services.gateway.console import console
from bureau.services.gateway.console.pages import certificate
from bureau.services.gateway.context import Gateway, HintRelay
from bureau.services.gateway.http.context import add_context
from bureau.services.gateway.http.errors import add_error_handlers
from bureau.services.gateway.http.operation import Operation
from bureau.services.gateway.http.prefix import Prefix, add_prefix
from bureau.services.gateway.http.routes import add_routes
from bureau.services.gateway.settings import GatewaySettings
from bureau.storage import Storage
from bureau.submission.announcements import Announcements


def create_app(
    settings: GatewaySettings,
    database: Database,
    storage: Storage,
    relay: HintRelay,
    *,
    prepare: Callable[[], None] | None = None,
    stopping: Event | None = None,
) -> Flask:
    """Builds the application without connecting to anything.

    `prepare` is called before each request that is not a health check; it may raise `LedgerUnavailable`. Setting
    `stopping` ends event streams, and the waits of requests with `Prefer: wait`.
    """
    gateway = Gateway(settings, database, storage, relay, Announcements(database), stopping or Event())
    app = Flask(__name__, static_folder=None, template_folder="console/templates")
    app.url_map.merge_slashes = False  # an API client does not expect a redirect
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    add_context(app, settings)
    add_error_handlers(app)
    declared = operations(gateway)
    add_prefix(app, Prefix.of(settings.root, [operation.path for operation in declared]))
    add_routes(app, declared, gateway, prepare)
    return app


def operations(gateway: Gateway) -> list[Operation[Any, Any]]:
    """Returns all routes, in the order of the OpenAPI document."""
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
    return [*declared, openapi.operation(declared, gateway.settings.root)]
