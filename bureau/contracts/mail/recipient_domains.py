"""Checks recipients against the domains in `RECIPIENT_DOMAINS`, at submission and again at sending."""

from collections.abc import Iterable

from bureau.contracts.errors import PermanentError
from bureau.contracts.mail.addresses import AddressInvalid, domain_name, parse_mailbox

DESCRIPTION = "The only domains, with their subdomains, that mail may go to, separated by commas; if empty, any domain."


def outside(domains: str, addresses: Iterable[str]) -> list[str]:
    """Returns the `addresses` that `domains`, in the setting's format, does not allow."""
    allowed = [domain_name(domain.strip().lstrip("@.")) for domain in domains.split(",") if domain.strip()]
    return [address for address in addresses if allowed and not _within(address, allowed)]


def refuse_outside(domains: str, addresses: Iterable[str]) -> None:
    """Raises `PermanentError` (`recipient_domain_refused`) with every address that is not allowed."""
    if refused := outside(domains, addresses):
        raise PermanentError("recipient_domain_refused", rule(domains, refused))


def rule(domains: str, refused: Iterable[str]) -> str:
    """Returns the error message for addresses that are not allowed."""
    return f"RECIPIENT_DOMAINS allows mail to {domains} only, not to {', '.join(refused)}."


def _within(address: str, allowed: list[str]) -> bool:
    try:
        domain = parse_mailbox(address).domain
    except AddressInvalid:
        return False
    return any(domain == one or domain.endswith(f".{one}") for one in allowed)
