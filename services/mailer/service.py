"""Composes the mailer from its settings; it is the composition root of the service."""

from functools import partial
from uuid import UUID

from sqlalchemy.exc import DBAPIError

from bureau.contracts.errors import PermanentError, TransientError
from bureau.ledger.access import ownership
from bureau.ledger.access.shared_secrets import kept_secret
from bureau.ledger.db.database import LedgerUnavailable
from bureau.service import Resources, Service
from bureau.services.mailer.compose import Composer, Sign
from bureau.services.mailer.delivery_log import DeliveryLog
from bureau.services.mailer.delivery_policy import UnknownMailPolicy
from bureau.services.mailer.send import Mailer
from bureau.services.mailer.settings import MailerSettings
from bureau.services.mailer.tasks import preview_task, send_task
from bureau.services.mailer.templating.templating import Templates
from bureau.services.mailer.transport_factory import choose
from bureau.settings import load
from bureau.signing.signed_links import Link, Linked, LinkSigner


def mailer_service(resources: Resources) -> Service:
    """Builds the service. Raises `SettingsError` if the environment is invalid."""
    (settings,) = load(MailerSettings)
    templates = Templates(settings.template_folders)
    route = choose(settings)
    mailer = Mailer(
        composer=Composer(
            sender=settings.sender,
            templates=templates,
            attachments_max_bytes=settings.mail_attachments_max_bytes,
            sign=_sign(settings, resources),
            from_domains=settings.from_domains,
        ),
        route=route,
        book=DeliveryLog(resources.database),
        policy=UnknownMailPolicy(settings.mail_unknown),
    )
    return Service(
        "mailer",
        tasks=[send_task(mailer, settings.recipient_domains), preview_task(templates)],
        templates=templates.descriptions(),
        trouble=route.trouble,
        close=route.close,
    )


def _sign(settings: MailerSettings, resources: Resources) -> Sign:
    """Returns the function that signs links.

    A worker whose database role may not read the ledger's secrets needs LINK_SECRET, the same as the gateway's.
    """
    given = settings.link_secret.get_secret_value()

    def secret() -> str:
        try:
            return given or kept_secret(resources.database, "links")
        except DBAPIError as error:  # the role may not read or create the secret
            raise PermanentError(
                "link_secret_missing",
                "The mail's links cannot be signed: give the mailer the gateway's LINK_SECRET.",
            ) from error

    signer = LinkSigner(secret, partial(ownership.path_of, resources.database))
    base_url = settings.public_url.rstrip("/")

    def sign(artifact_id: UUID, owner: str, expires_at: int) -> str:
        try:
            return base_url + signer.sign(Link(Linked.ARTIFACT, artifact_id, expires_at), owner)
        except LedgerUnavailable as error:
            raise TransientError("ledger_unavailable", "The ledger did not answer.") from error

    return sign
