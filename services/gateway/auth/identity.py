"""Whose request it is, and what they may do."""

from dataclasses import dataclass, field

from bureau.ledger.access.keys import Role


@dataclass(frozen=True)
class Identity:
    """`key_id` where a key was shown; `link_token` where a signed link was followed: then it reads that one thing."""

    owner: str
    role: Role
    key_id: str | None = None
    link_token: str | None = field(default=None, repr=False)
    by_session: bool = False  # a browser's cookie said so: other sites' pages could make it do so too

    @property
    def name(self) -> str:
        """As the audit tells it."""
        return f"key {self.key_id}" if self.key_id else self.owner


LOCAL = Identity("local", Role.OPERATE)  # without keys: whoever reaches the loopback address
NOBODY = Identity("", Role.VIEW)  # on routes for everybody, which read nothing of anybody's
