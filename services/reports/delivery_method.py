"""Decides how a file is delivered, by its size: attached, zipped, or as a link."""

from dataclasses import dataclass
from enum import StrEnum

ALREADY_COMPRESSED = (".gz", ".zip")


class DeliveryMethod(StrEnum):
    """Lists the ways to deliver a file."""

    ATTACH = "attached"
    ZIP = "zipped"
    LINK = "link"


@dataclass(frozen=True)
class DeliveryMethodPolicy:
    """Holds the size limits in bytes.

    `attach_below` is the limit of an attached file. `zip_below` is that of an archive, or of a file that is compressed
    already.
    """

    attach_below: int
    zip_below: int

    def first(self, name: str, size: int) -> DeliveryMethod:
        """Returns the method to try first. A ZIP that turns out too large becomes a link."""
        compressed = name.endswith(ALREADY_COMPRESSED)
        if size < (max(self.zip_below, self.attach_below) if compressed else self.attach_below):
            return DeliveryMethod.ATTACH
        return DeliveryMethod.LINK if compressed else DeliveryMethod.ZIP
