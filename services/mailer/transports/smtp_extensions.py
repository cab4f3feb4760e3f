"""Plans a mail for a server: the message's form, the extensions in MAIL FROM, and who is left out. It is pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bureau.services.mailer.message.message import Message, MessageForm

# RFC 6531, section 3.5: the answer of a server that requires a recipient's address in ASCII (for a sender's it is 550).
CANNOT = 553
_CANNOT = f"{CANNOT} 5.6.7 the server accepts only ASCII addresses (it lacks SMTPUTF8)"


@dataclass(frozen=True)
class Offer:
    """Holds what a server offers in EHLO."""

    smtputf8: bool = False
    eight_bit_mime: bool = False

    @property
    def form(self) -> MessageForm:
        """Returns the message's form. SMTPUTF8 requires 8BITMIME (RFC 6531, section 3.1); without it, it is ignored."""
        if not self.eight_bit_mime:
            return MessageForm.ASCII
        return MessageForm.UTF8 if self.smtputf8 else MessageForm.EIGHT_BIT


@dataclass(frozen=True)
class EnvelopePlan:
    """Holds the `content` for `recipients` and the `options` of MAIL FROM.

    `left_out` are the permanently refused recipients, with the reasons.
    """

    content: bytes
    options: tuple[str, ...]
    recipients: tuple[str, ...]
    left_out: dict[str, str]


def plan(message: Message, recipients: Sequence[str], offer: Offer) -> EnvelopePlan:
    """Plans the envelope. Without SMTPUTF8 nobody can be mailed, or answered, at an address that is not ASCII.

    The others get the mail all the same: its headers name such people and give no address. That is allowed until a mail
    is submitted; a relay must reject it instead (RFC 6531, section 3.2).
    """
    form = offer.form
    left_out = {} if form is MessageForm.UTF8 else _left_out(message, recipients)
    taken = tuple(recipient for recipient in recipients if recipient not in left_out)
    content = message.written(form)
    return EnvelopePlan(content, tuple(_options(message, taken, content, form)), taken, left_out)


def _left_out(message: Message, recipients: Sequence[str]) -> dict[str, str]:
    named = (("from", message.sender), ("reply_to", message.reply_to))
    for field, box in named:
        if box is not None and not box.address.isascii():
            return dict.fromkeys(recipients, f"{_CANNOT}, but {field} is {box.address}")
    return {recipient: _CANNOT for recipient in recipients if not recipient.isascii()}


def _options(message: Message, recipients: Sequence[str], content: bytes, form: MessageForm) -> Iterator[str]:
    """Yields only the options that the mail needs.

    A mail that needs an extension only reaches servers that have it.
    """
    boxes = (message.sender, *message.to, *message.cc, *((message.reply_to,) if message.reply_to else ()))
    addresses = (*recipients, *(box.address for box in boxes))
    if form is MessageForm.UTF8 and not all(address.isascii() for address in addresses):
        yield "SMTPUTF8"
    if not content.isascii():
        yield "BODY=8BITMIME"
