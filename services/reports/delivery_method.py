"""How a file goes out, by its size: attached, zipped, or as a link."""

from dataclasses import dataclass
from enum import StrEnum

ALREADY_COMPRESSED = (".gz", ".zip")


class DeliveryMethod(StrEnum):
    """A rung of the ladder."""

    ATTACH = "attached"
    ZIP = "zipped"
    LINK = "link"


@dataclass(frozen=True)
class DeliveryMethodPolicy:
    """`attach_below` is of the file, `zip_below` of the archive, or of a file that is compressed already; in bytes."""

    attach_below: int
    zip_below: int

    def first(self, name: str, size: int) -> DeliveryMethod:
        """What to try. A ZIP that turns out too large becomes a link."""
        compressed = name.endswith(ALREADY_COMPRESSED)
        if size < (max(self.zip_below, self.attach_below) if compressed else self.attach_below):
            return DeliveryMethod.ATTACH
        return DeliveryMethod.LINK if compressed else DeliveryMethod.ZIP
