"""Renders a template for a browser: images are embedded in the HTML, because there is no mail to refer to."""

import base64

from bureau.contracts.mail.mail import MailPreview, PreviewMail
from bureau.services.mailer.message.headers import one_line
from bureau.services.mailer.templating.templating import Rendered, Templates


def preview(templates: Templates, asked: PreviewMail) -> MailPreview:
    """Renders a template. Raises `PermanentError` if a mail could not be made from it."""
    rendered = templates.render(asked.template, asked.context, asked.language)
    one_line("subject", rendered.subject)
    return MailPreview(
        subject=rendered.subject, text=rendered.text, html=_with_images(rendered), language=rendered.language
    )


def _with_images(rendered: Rendered) -> str | None:
    html = rendered.html
    for picture in rendered.pictures if html is not None else ():
        data = f"data:{picture.media_type};base64,{base64.b64encode(picture.data).decode()}"
        html = html.replace(f"cid:{picture.cid}", data) if html is not None else None
    return html
