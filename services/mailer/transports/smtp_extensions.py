"""What a mail asks of a mail server: which form it goes in, which extensions MAIL FROM names, who is left out. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bureau.services.mailer.message.message import Form, Message

# RFC 6531, section 3.5: what a server says that wants a recipient's address in ASCII (of a sender's it says 550).
CANNOT = 553
_CANNOT = f"{CANNOT} 5.6.7 the server does not take addresses that are not ASCII (SMTPUTF8)"


@dataclass(frozen=True)
class Offer:
    """What a server says in EHLO that it takes."""

    smtputf8: bool = False
    eight_bit_mime: bool = False

    @property
    def form(self) -> Form:
        """SMTPUTF8 goes with 8BITMIME (RFC 6531, section 3.1): who offers it alone is not believed."""
        if not self.eight_bit_mime:
            return Form.ASCII
        return Form.UTF8 if self.smtputf8 else Form.EIGHT_BIT


@dataclass(frozen=True)
class EnvelopePlan:
    """`content` for `recipients`, with `options` in MAIL FROM. `left_out` are those refused for good, and why."""

    content: bytes
    options: tuple[str, ...]
    recipients: tuple[str, ...]
    left_out: dict[str, str]


def plan(message: Message, recipients: Sequence[str], offer: Offer) -> EnvelopePlan:
    """Without SMTPUTF8 nobody can be written to, or answered, at an address that is not ASCII.

    Others get the mail all the same: its headers name such people and give no address. That may be done until a mail
    is submitted; who relays it rejects it instead (RFC 6531, section 3.2).
    """
    form = offer.form
    left_out = {} if form is Form.UTF8 else _left_out(message, recipients)
    taken = tuple(recipient for recipient in recipients if recipient not in left_out)
    content = message.written(form)
    return EnvelopePlan(content, tuple(_options(message, taken, content, form)), taken, left_out)


def _left_out(message: Message, recipients: Sequence[str]) -> dict[str, str]:
    named = (("from", message.sender), ("reply_to", message.reply_to))
    for field, box in named:
        if box is not None and not box.address.isascii():
            return dict.fromkeys(recipients, f"{_CANNOT}, and {field} is {box.address}")
    return {recipient: _CANNOT for recipient in recipients if not recipient.isascii()}


def _options(message: Message, recipients: Sequence[str], content: bytes, form: Form) -> Iterator[str]:
    """No more than the mail needs: what needs an extension goes no further than to servers that have it."""
    boxes = (message.sender, *message.to, *message.cc, *((message.reply_to,) if message.reply_to else ()))
    addresses = (*recipients, *(box.address for box in boxes))
    if form is Form.UTF8 and not all(address.isascii() for address in addresses):
        yield "SMTPUTF8"
    if not content.isascii():
        yield "BODY=8BITMIME"
