"""Templates: what is shipped renders; what does not fit is refused by name."""

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from bureau.contracts.errors import PermanentError
from bureau.services.mailer.templating.filters import FILTERS, ValueUnfit
from bureau.services.mailer.templating.templating import Templates

SHA = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
REPORT = {
    "title": "Monthly sales",
    "report": "monthly-sales",
    "rows": 1234567,
    "bytes": 20_312_345,
    "sha256": SHA,
    "params": {"region": "north", "items": 3},
    "snapshot_at": "2025-11-20T11:12:00+01:00",
    "duration_seconds": 65.2,
}
CERTIFICATES = {"title": "Python, autumn", "members": 120, "bytes": 5_120_000, "sha256": SHA}
FAILED = {"title": "Nightly export", "reason": "the API answered 500", "task": "issue", "code": "upstream"}
LINKED = REPORT | {"link": "https://bureau.example/x", "link_expires_at": "2025-12-20T00:00:00Z"}
OWN = {
    "recipient": "Ada Lovelace",
    "course": "Engines",
    "date": "20 November 2025",
    "organisation": "Royal Society",
    "serial": "2025-1",
    "link": "https://bureau.example/c/x",
}
SHIPPED = [
    ("welcome", {}, "Welcome", ["Your account is ready"]),
    (
        "welcome",
        {"name": "Ada", "product": "Portal", "link": "https://portal.example/"},
        "Welcome to Portal",
        ["Hello Ada", "https://portal.example/"],
    ),
    (
        "report-ready",
        REPORT,
        "Report ready: Monthly sales",
        ["complete", "1,234,567", "20.3 MB", SHA, "20 November 2025, 10:12 UTC", "region", "north", "1 min 5 s"],
    ),
    ("reports-ready", {"rows": 4}, "Reports ready", ["4 rows"]),
    (
        "reports-ready",
        {"rows": 7, "title": "Quarter end", "reports": [{"title": "North", "rows": 7, "bytes": 512}]},
        "Reports ready: Quarter end",
        ["North", "512 bytes"],
    ),
    ("certificates-ready", CERTIFICATES, "Certificates ready: Python, autumn", ["120", "5.1 MB", SHA, "complete"]),
    ("report-ready", LINKED, "Report ready: Monthly sales", ["complete", "until 20 December 2025", LINKED["link"]]),
    ("report-ready", REPORT | {"complete": False}, "Report ready: Monthly sales", ["it ends after 1,234,567 rows"]),
    (
        "report-ready",
        REPORT | {"attachment": "sales.csv.zip"},
        "Report ready: Monthly sales",
        ["of the file in the ZIP"],
    ),
    ("your-certificate", {"recipient": "Ada"}, "Your certificate", ["Hello", "Ada"]),
    (
        "your-certificate",
        OWN,
        "Your certificate: Engines",
        ["Ada Lovelace", "Engines", "Royal Society", "2025-1", "20 November", "https://bureau.example/c/x"],
    ),
    ("job-failed", FAILED, "Failed: Nightly export", ["the API answered 500", "issue", "upstream"]),
    (
        "job-failed",
        FAILED
        | {"details": [{"file": "a.csv", "line": 4, "column": None, "message": "no <address>"}, {"message": "b"}]},
        "Failed: Nightly export",
        ["a.csv, line 4: no <address>"],
    ),
]


class _Text(HTMLParser):
    """What a reader sees of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, _attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not {"style", "title"} & set(self.open):
            self.seen.append(data)


@pytest.fixture(scope="module")
def templates() -> Templates:
    return Templates()


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., Templates]:
    def make(**parts: str) -> Templates:
        folder = tmp_path / "own"
        folder.mkdir()
        files = {"subject": "Subject", "body.txt": "Text", "body.html": "<p>Html</p>"} | parts
        for name, text in files.items():
            (folder / (f"{name}.txt" if "." not in name else name)).write_text(text)
        return Templates((tmp_path,))

    return make


@pytest.mark.parametrize(("name", "context", "subject", "said"), SHIPPED)
def test_a_shipped_template_says_it_in_text_and_in_html(
    templates: Templates, name: str, context: dict[str, Any], subject: str, said: list[str]
) -> None:
    rendered = templates.render(name, context)
    assert rendered.subject == subject
    page = " ".join(_Text(str(rendered.html)).seen)
    for words in said:
        assert words in rendered.text
        assert words in page or words.startswith("https://")
    assert not re.search(r"\n{3,}|[ \t]\n", rendered.text), "the text has stray blanks"


@pytest.mark.parametrize(
    ("name", "language", "subject", "said"),
    [
        ("certificates-ready", "es", "Certificados listos: Python, autumn", "Adjuntamos los certificados"),
        ("certificates-ready", "ca", "Certificats a punt: Python, autumn", "Us adjuntem els certificats"),
        ("certificates-ready", "fr-CA", "Certificats prêts : Python, autumn", "Les certificats sont joints"),
        ("certificates-ready", "pt-BR", "Certificados prontos: Python, autumn", "seguem em anexo"),
        ("job-failed", "es", "Ha fallado: Nightly export", "Código"),
        ("job-failed", "ca", "Ha fallat: Nightly export", "Codi"),
        ("job-failed", "fr", "Échec : Nightly export", "Étape"),
        ("job-failed", "pt", "Falhou: Nightly export", "Passo"),
    ],
)
def test_mails_about_certificates_speak_the_languages_of_certificates(
    templates: Templates, name: str, language: str, subject: str, said: str
) -> None:
    rendered = templates.render(name, CERTIFICATES if name == "certificates-ready" else FAILED, language)
    assert (rendered.subject, rendered.language) == (subject, language[:2])
    page = " ".join(_Text(str(rendered.html)).seen)
    for text in (rendered.text, page):
        assert said in text
        assert not re.search(r"attached|complete\b|Sent by|Files|Code:|Task:", text)


@pytest.mark.parametrize(("name", "context"), [(name, context) for name, context, _, _ in SHIPPED])
def test_html_carries_its_css_on_its_elements_and_asks_nothing_from_outside(
    templates: Templates, name: str, context: dict[str, Any]
) -> None:
    page = str(templates.render(name, context).html)
    assert 'style="' in page
    assert "prefers-color-scheme: dark" in page
    assert "max-width: 480px" in page
    assert not re.search(r"<(link|script|img|iframe)|@import|url\(", page)


@pytest.mark.parametrize(
    ("name", "context", "missing"),
    [
        *[("report-ready", REPORT, key) for key in REPORT],
        *[("certificates-ready", CERTIFICATES, key) for key in CERTIFICATES],
        ("job-failed", FAILED, "title"),
        ("job-failed", FAILED, "reason"),
        ("reports-ready", {"rows": 1}, "rows"),
        ("reports-ready", {"rows": 1, "reports": [{"rows": 1, "bytes": 1}]}, "title"),
    ],
)
def test_a_missing_value_is_named_with_the_template(
    templates: Templates, name: str, context: dict[str, Any], missing: str
) -> None:
    with pytest.raises(PermanentError) as caught:
        templates.render(name, {key: value for key, value in context.items() if key != missing})
    assert caught.value.code == "template_context_invalid"
    assert f"`{missing}`" in caught.value.message
    assert f"'{name}'" in caught.value.message


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rows": "many"}, "'many' is not a number"),
        ({"rows": True}, "True is not a number"),
        ({"bytes": None}, "None is not a number"),
        ({"snapshot_at": "yesterday"}, "'yesterday' is not a time"),
        ({"snapshot_at": "2025-11-20T10:12:00"}, "no time zone"),
        ({"params": [1, 2]}, "not an object"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_with_the_value(
    templates: Templates, change: dict[str, Any], said: str
) -> None:
    with pytest.raises(PermanentError, match=said):
        templates.render("report-ready", REPORT | change)


def test_an_unknown_template_is_refused_with_the_known_names(templates: Templates) -> None:
    with pytest.raises(PermanentError, match="the templates are certificates-ready, job-failed") as caught:
        templates.render("wellcome", {})
    assert caught.value.code == "template_unknown"


@pytest.mark.parametrize("name", ["_shared", "../templates/welcome", ".", "", "welcome/../welcome"])
def test_a_name_that_is_no_template_reaches_no_file(templates: Templates, name: str) -> None:
    with pytest.raises(PermanentError, match="not found; the templates are"):
        templates.render(name, {})


def test_values_cannot_add_markup_to_html(templates: Templates) -> None:
    page = str(templates.render("report-ready", REPORT | {"title": '<script>alert("x")</script>'}).html)
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_a_link_cannot_run_a_script(templates: Templates) -> None:
    with pytest.raises(PermanentError, match="not a link"):
        templates.render("welcome", {"link": "javascript:alert(1)"})


def test_a_line_break_in_a_value_does_not_leave_the_subject_unnoticed(templates: Templates) -> None:
    rendered = templates.render("report-ready", REPORT | {"title": "Sales\r\nBcc: eve@example.com"})
    assert "\n" in rendered.subject  # and is refused where the message is made


@pytest.mark.parametrize(
    "attack",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ self.__init__.__globals__ }}",
        "{{ params.clear() }}",
        "{% for i in range(10 ** 9) %}{% endfor %}",
        "{% include '/etc/passwd' %}",
    ],
)
def test_a_template_cannot_leave_the_sandbox(made: Callable[..., Templates], attack: str) -> None:
    with pytest.raises(PermanentError, match="cannot be filled in"):
        made(**{"body.txt": attack}).render("own", {"params": {"a": 1}})


def test_a_style_sheet_from_elsewhere_is_not_fetched(made: Callable[..., Templates]) -> None:
    page = '<html><head><link rel="stylesheet" href="http://127.0.0.1:1/x.css"></head><body><p>x</p></body></html>'
    assert "<p>x</p>" in str(made(**{"body.html": page}).render("own", {}).html)


def test_every_shipped_template_is_announced_with_what_it_needs(templates: Templates) -> None:
    described = {template.name: template.description for template in templates.descriptions()}
    assert set(described) == {name for name, *_ in SHIPPED}
    assert all("Context" in text for text in described.values())
    for key in REPORT:
        assert key in described["report-ready"]
    for key in CERTIFICATES:
        assert key in described["certificates-ready"]


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("number", 0, "0"),
        ("number", 1234567, "1,234,567"),
        ("number", 1234.5, "1,234.5"),
        ("size", 0, "0 bytes"),
        ("size", 999, "999 bytes"),
        ("size", 1000, "1.0 kB"),
        ("size", 999_960, "1.0 MB"),
        ("size", 5_120_000, "5.1 MB"),
        ("size", 2_500_000_000_000, "2.5 TB"),
        ("duration", 0.04, "0.0 s"),
        ("duration", 9.94, "9.9 s"),
        ("duration", 42, "42 s"),
        ("duration", 59.7, "1 min 0 s"),
        ("duration", 185, "3 min 5 s"),
        ("duration", 7620, "2 h 7 min"),
        ("moment", "2025-11-20T10:12:00Z", "20 November 2025, 10:12 UTC"),
        ("moment", "2025-01-01T00:30:00+02:00", "31 December 2024, 22:30 UTC"),
        ("web_link", "https://a.example/?b=c", "https://a.example/?b=c"),
        ("direction", "en", "ltr"),
        ("direction", "he-IL", "rtl"),
        ("direction", "az-Arab", "rtl"),
        ("direction", "ur-Latn-PK", "ltr"),
        ("direction", "ar-EG-u-nu-latn", "rtl"),
        ("direction", None, "ltr"),
        (
            "pairs",
            {"a": "b", "c": True, "d": None, "e": ["é", 1]},
            [("a", "b"), ("c", "true"), ("d", "null"), ("e", '["é", 1]')],
        ),
    ],
)
def test_a_filter_shows(name: str, value: Any, shown: Any) -> None:
    assert FILTERS[name](value) == shown


@pytest.mark.parametrize(("value", "shown"), [(0, "0 rows"), (1, "1 row"), (1234, "1,234 rows")])
def test_one_row_is_not_many(value: int, shown: str) -> None:
    assert FILTERS["number"](value, "row") == shown


def test_french_has_a_space_before_its_colon_that_does_not_break(templates: Templates) -> None:
    rendered = templates.render("your-certificate", OWN, "fr")
    assert rendered.subject == "Votre certificat\N{NO-BREAK SPACE}: Engines"
    assert "Formation\N{NO-BREAK SPACE}: Engines" in rendered.text


@pytest.mark.parametrize("value", [None, "x", [], True])
def test_a_filter_refuses_what_it_cannot_show(value: Any) -> None:
    for name in FILTERS:
        if name != "direction":  # which what is no language has too
            with pytest.raises(ValueUnfit):
                FILTERS[name](value)
