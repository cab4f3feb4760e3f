"""Describes who sent a request, and what they may do."""

from dataclasses import dataclass, field

from bureau.ledger.access.keys import Role


@dataclass(frozen=True)
class Identity:
    """Is the sender of a request.

    `key_id` is set for a key. `link_token` is set for a signed link, which reads only its own resource.
    """

    owner: str
    role: Role
    key_id: str | None = None
    link_token: str | None = field(default=None, repr=False)
    link_bucket: str | None = field(default=None, repr=False)  # the rate limit bucket of requests through the link
    # Authenticated by a browser's cookie, which other sites' pages could make the browser send.
    by_session: bool = False

    @property
    def operates(self) -> bool:
        """Returns whether the sender may see what only people who run Bureau need."""
        return self.role.includes(Role.OPERATE)

    @property
    def name(self) -> str:
        """Returns the name for the audit log."""
        return f"key {self.key_id}" if self.key_id else self.owner


LOCAL = Identity("local", Role.OPERATE)  # without keys: everyone who reaches the loopback address
NOBODY = Identity("", Role.VIEW)  # on routes open to everyone, which read no owner's data
