"""The mailer's composition root."""

from bureau.service import Resources, Service
from bureau.settings import load
from services.mailer.compose import Composer
from services.mailer.delivery_log import LedgerBook
from services.mailer.delivery_policy import Policy
from services.mailer.send import Mailer
from services.mailer.settings import MailerSettings
from services.mailer.tasks import preview_task, send_task
from services.mailer.templating.templating import Templates
from services.mailer.transport_factory import choose


def mailer_service(resources: Resources) -> Service:
    """Raises `SettingsError` for a wrong environment."""
    (settings,) = load(MailerSettings)
    templates = Templates(settings.template_folders)
    route = choose(settings)
    mailer = Mailer(
        composer=Composer(
            sender=settings.sender,
            templates=templates,
            attachments_max_bytes=settings.mail_attachments_max_bytes,
            from_domains=settings.from_domains,
        ),
        route=route,
        book=LedgerBook(resources.database),
        policy=Policy(settings.mail_unknown),
    )
    return Service(
        "mailer",
        tasks=[send_task(mailer, settings.recipient_domains), preview_task(templates)],
        templates=templates.descriptions(),
        trouble=route.trouble,
        close=route.close,
    )
