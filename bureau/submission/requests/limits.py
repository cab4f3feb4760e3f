"""Defines the limits of requests, and their settings, for the gateway and the scheduler."""

from dataclasses import dataclass

from pydantic import Field

from bureau.contracts.mail.mail import MAX_CONTEXT_BYTES, MAX_RECIPIENTS
from bureau.contracts.mail.recipient_domains import DESCRIPTION
from bureau.submission.quota_settings import QuotaSettings


@dataclass(frozen=True)
class RequestLimits:
    """Limits what a request may ask for. `failure_email_to` hears of a failure if nobody else does."""

    max_recipients: int = MAX_RECIPIENTS
    max_context_bytes: int = MAX_CONTEXT_BYTES
    recipient_domains: str = ""
    failure_email_to: str = ""


DEFAULT_LIMITS = RequestLimits()


class RequestSettings(QuotaSettings):
    """Limits requests. Give the same values to the gateway and the scheduler, which submits what schedules ask for."""

    max_context_bytes: int = Field(
        default=MAX_CONTEXT_BYTES, gt=0, le=MAX_CONTEXT_BYTES, description="The maximum size of a mail's context."
    )
    max_recipients: int = Field(
        default=MAX_RECIPIENTS,
        gt=0,
        le=MAX_RECIPIENTS,
        description="The maximum number of recipients of a mail, of all kinds together.",
    )
    recipient_domains: str = Field(default="", description=DESCRIPTION)
    failure_email_to: str = Field(
        default="",
        description="The address that is notified of a failed report, or of certificates that failed, if the request "
        "names none and the owner is not an address.",
    )

    @property
    def limits(self) -> RequestLimits:
        return RequestLimits(self.max_recipients, self.max_context_bytes, self.recipient_domains, self.failure_email_to)
