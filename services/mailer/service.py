"""The mailer's composition root."""

from bureau.service import Resources, Service
from bureau.services.mailer.compose import Composer
from bureau.services.mailer.delivery_log import DeliveryLog
from bureau.services.mailer.delivery_policy import UnknownMailPolicy
from bureau.services.mailer.send import Mailer
from bureau.services.mailer.settings import MailerSettings
from bureau.services.mailer.tasks import preview_task, send_task
from bureau.services.mailer.templating.templating import Templates
from bureau.services.mailer.transport_factory import choose
from bureau.settings import load


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
