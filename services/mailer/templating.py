"""Mail templates: a folder each, `<name>/{subject.txt,body.txt,body.html,description.txt}`.

Folders that begin with `_` hold what templates share. Jinja2 runs sandboxed, HTML is escaped, a value that is
missing is an error, and the CSS of the HTML part is put on its elements, because many mail programs drop `<style>`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from css_inline import CSSInliner
from jinja2 import FileSystemLoader, StrictUndefined, TemplateError, UndefinedError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from bureau.contracts.catalog import TemplateDescription
from bureau.contracts.errors import PermanentError
from services.mailer.filters import FILTERS, ValueUnfit

SHIPPED = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Rendered:
    """A template filled in. `subject` is one line if the context's values are."""

    subject: str
    text: str
    html: str


class Templates:
    """The templates of a folder. Files are read on first use and kept."""

    def __init__(self, folder: Path = SHIPPED) -> None:
        self._folder = folder
        self._environment = ImmutableSandboxedEnvironment(
            loader=FileSystemLoader(folder),
            autoescape=lambda name: name is not None and name.endswith(".html"),
            undefined=_Missing,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters.update({name: _of_defined(show) for name, show in FILTERS.items()})
        # Nothing is fetched: a template that names a style sheet elsewhere goes without it.
        self._inliner = CSSInliner(keep_style_tags=False, load_remote_stylesheets=False)

    def descriptions(self) -> list[TemplateDescription]:
        """What is announced: every folder, by name."""
        return [
            TemplateDescription(name=name, description=(self._folder / name / "description.txt").read_text().strip())
            for name in self._names()
        ]

    def render(self, name: str, context: dict[str, Any]) -> Rendered:
        """Raises `PermanentError`: no such template, or a context that does not fit it."""
        if name not in self._names():
            known = ", ".join(self._names())
            raise PermanentError("template_unknown", f"template: there is no {name!r}; there are {known}.")
        subject = self._part(name, "subject.txt", context).strip()
        html = self._part(name, "body.html", context | {"subject": subject})
        return Rendered(subject, self._part(name, "body.txt", context).strip() + "\n", self._inliner.inline(html))

    def _names(self) -> list[str]:
        return sorted(path.name for path in self._folder.iterdir() if path.is_dir() and path.name[0] not in "_.")

    def _part(self, name: str, part: str, context: dict[str, Any]) -> str:
        try:
            return self._environment.get_template(f"{name}/{part}").render(context)
        except UndefinedError as error:
            raise _unfit(name, f"{error}: give it in `context`") from None
        except (
            ValueUnfit,
            TemplateError,
            ArithmeticError,
            TypeError,
            ValueError,
        ) as error:  # a value the template cannot work with
            raise _unfit(name, str(error)) from error


class _Missing(StrictUndefined):
    """Says which value is missing in words for who wrote the context, not the template."""

    @property
    def _undefined_message(self) -> str:
        return f"it needs `{self._undefined_name}`"


def _of_defined(show: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """`show`, for which a missing value is missing and not a value of the wrong kind."""

    def shown(value: Any) -> Any:
        return show(str(value) if isinstance(value, _Missing) else value)  # the former raises

    return shown


def _unfit(name: str, why: str) -> PermanentError:
    return PermanentError("template_context_invalid", f"The mail template {name!r} cannot be filled in: {why}.")
