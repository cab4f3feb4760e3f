"""Renders mail templates: sandboxed, escaped, strict, and with inlined CSS.

Jinja2 runs sandboxed, HTML is escaped, and a missing value is an error. The CSS of the HTML part is inlined into its
elements, because many mail programs drop `<style>`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from css_inline import CSSInliner
from jinja2 import FileSystemLoader, StrictUndefined, TemplateError, UndefinedError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from bureau.contracts.catalog import TemplateDescription
from bureau.contracts.errors import PermanentError
from bureau.services.mailer.message.plain_text import plain_text
from bureau.services.mailer.templating.filters import FILTERS, ValueUnfit
from bureau.services.mailer.templating.template_folders import HTML, SUBJECT, TEXT, Picture, TemplateFolders, Variant

SHIPPED = Path(__file__).parents[1] / "templates"


@dataclass(frozen=True)
class Rendered:
    """Holds a rendered template.

    `subject` is one line if the context's values are; `html` is None if the template has only text.
    """

    subject: str
    text: str
    html: str | None
    language: str
    pictures: tuple[Picture, ...] = ()


class Templates:
    """Renders the templates of several folders, an earlier folder first. Files are read on first use and cached."""

    def __init__(self, folders: Sequence[Path] = (SHIPPED,)) -> None:
        self._folders = TemplateFolders(folders)
        self._environment = ImmutableSandboxedEnvironment(
            loader=FileSystemLoader(folders),
            autoescape=lambda name: name is not None and name.endswith(".html"),
            undefined=_Missing,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters.update({name: _of_defined(show) for name, show in FILTERS.items()})
        # Nothing is fetched: a template that names a remote style sheet is rendered without it.
        self._inliner = CSSInliner(keep_style_tags=False, load_remote_stylesheets=False)

    def descriptions(self) -> list[TemplateDescription]:
        """Returns the name and description of every template, as the service announces them."""
        return self._folders.descriptions()

    def render(self, name: str, context: dict[str, Any], language: str | None = None) -> Rendered:
        """Renders a template. Raises `PermanentError` if there is no such template or the context does not fit it."""
        variant = self._folders.variant(name, language)
        given = {"language": variant.language} | context
        subject = self._part(variant, SUBJECT, given).strip()
        html = None
        if variant.has(HTML):
            html = self._inliner.inline(self._part(variant, HTML, given | {"subject": subject}))
        text = self._part(variant, TEXT, given).strip() + "\n" if variant.has(TEXT) else plain_text(html or "")
        return Rendered(subject, text, html, variant.language, self._pictures(variant, html))

    def _pictures(self, variant: Variant, html: str | None) -> tuple[Picture, ...]:
        try:
            return self._folders.pictures(variant, html) if html else ()
        except LookupError as error:
            raise _unfit(variant.name, str(error)) from None

    def _part(self, variant: Variant, part: str, context: dict[str, Any]) -> str:
        try:
            return self._environment.get_template(variant.path(part)).render(context)
        except UndefinedError as error:
            raise _unfit(variant.name, f"{error}: add it to `context`") from None
        except (
            ValueUnfit,
            TemplateError,
            ArithmeticError,
            TypeError,
            ValueError,
        ) as error:  # the template cannot use a value
            raise _unfit(variant.name, str(error)) from error


class _Missing(StrictUndefined):
    """Names the missing value in words for the author of the context, not of the template."""

    @property
    def _undefined_message(self) -> str:
        return f"it needs `{self._undefined_name}`"


def _of_defined(show: Callable[..., Any]) -> Callable[..., Any]:
    """Wraps the filter `show` so that a missing value is reported as missing and not as a value of the wrong type."""

    def shown(value: Any, *more: Any) -> Any:
        return show(str(value) if isinstance(value, _Missing) else value, *more)  # `str` of a missing value raises

    return shown


def _unfit(name: str, why: str) -> PermanentError:
    return PermanentError("template_context_invalid", f"The mail template {name!r} cannot be filled in: {why}.")
