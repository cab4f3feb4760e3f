"""Templates of one's own: languages, parts that are missing, pictures."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bureau.contracts.errors import PermanentError
from bureau.contracts.mail.mail import PreviewMail
from bureau.services.mailer.templating.preview import preview
from bureau.services.mailer.templating.templating import SHIPPED, Templates

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., Templates]:
    def make(files: dict[str, str | bytes]) -> Templates:
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return Templates((tmp_path, SHIPPED))

    return make


OWN: dict[str, str | bytes] = {
    "own/subject.txt": "Hello",
    "own/body.txt": "Hello {{ name }}",
    "own/pt/subject.txt": "Olá",
    "own/pt/body.txt": "Olá {{ name }}",
    "own/pt-br/body.txt": "Oi {{ name }}",
}


@pytest.mark.parametrize(
    ("asked", "language", "subject", "text"),
    [
        (None, "en", "Hello", "Hello Ada\n"),
        ("de", "en", "Hello", "Hello Ada\n"),
        ("pt", "pt", "Olá", "Olá Ada\n"),
        ("pt-PT", "pt", "Olá", "Olá Ada\n"),
        ("PT-BR", "pt-br", "Hello", "Oi Ada\n"),  # what the variant lacks is the default's
        ("../pt", "en", "Hello", "Hello Ada\n"),
    ],
)
def test_a_template_speaks_the_nearest_language(
    made: Callable[..., Templates], asked: str | None, language: str, subject: str, text: str
) -> None:
    rendered = made(OWN).render("own", {"name": "Ada"}, asked)
    assert (rendered.language, rendered.subject, rendered.text, rendered.html) == (language, subject, text, None)


def test_a_language_with_a_text_of_its_own_does_not_get_anothers_html(made: Callable[..., Templates]) -> None:
    rendered = made(OWN | {"own/body.html": "<p>Hello</p>"}).render("own", {"name": "Ada"}, "pt")
    assert (rendered.text, rendered.html) == ("Olá Ada\n", None)


def test_text_is_made_from_html_where_there_is_none(made: Callable[..., Templates]) -> None:
    templates = made({"own/subject.txt": "x", "own/body.html": "<p>Hello {{ name }}</p>"})
    rendered = templates.render("own", {"name": "<Ada>"})
    assert rendered.text == "Hello <Ada>\n"
    assert "&lt;Ada&gt;" in str(rendered.html)


def test_ones_own_template_takes_the_place_of_a_shipped_one(made: Callable[..., Templates]) -> None:
    templates = made({"welcome/subject.txt": "Ours", "welcome/body.html": "{% extends '_shared/layout.html' %}"})
    assert templates.render("welcome", {}).subject == "Ours"
    assert {one.name for one in templates.descriptions()} >= {"welcome", "job-failed"}


@pytest.mark.parametrize(
    ("language", "laid_out"),
    [("ar", ("rtl", "right")), ("ar-EG", ("rtl", "right")), ("fr", ("ltr", "left")), (None, ("ltr", "left"))],
)
def test_the_shipped_page_begins_where_its_language_does(
    made: Callable[..., Templates], language: str | None, laid_out: tuple[str, str]
) -> None:
    page = "{% extends '_shared/layout.html' %}{% block content %}<p>{{ name }}</p>{% endblock %}"
    folders = ("own", "own/ar", "own/fr")
    parts = {"subject.txt": "Hello", "body.html": page}
    templates = made({f"{folder}/{part}": text for folder in folders for part, text in parts.items()})
    html = str(templates.render("own", {"name": "أحمد"}, language).html)
    direction, start = laid_out
    assert f'dir="{direction}"' in html
    assert html.count(f"text-align: {start}") == 1, "the card, with its CSS on it"


def test_the_shipped_page_leaves_the_words_of_a_context_alone(made: Callable[..., Templates]) -> None:
    page = "{% extends '_shared/layout.html' %}{% block content %}<p>{{ start }}, {{ end }}, {{ direction }}</p>"
    templates = made({"own/subject.txt": "x", "own/body.html": page + "{% endblock %}"})
    rendered = templates.render("own", {"start": "1 May", "end": "9 May", "direction": "north"})
    assert "1 May, 9 May, north</p>" in str(rendered.html)
    with pytest.raises(PermanentError, match="start"):
        templates.render("own", {})


@pytest.mark.parametrize("language", [None, 5, {"code": "fr"}])
def test_a_context_whose_language_is_no_text_makes_a_page_without_one(
    made: Callable[..., Templates], language: object
) -> None:
    templates = made({"own/subject.txt": "x", "own/body.html": "{% extends '_shared/layout.html' %}"})
    assert '<html dir="ltr">' in str(templates.render("own", {"language": language}).html)


def test_a_template_without_a_subject_or_a_body_says_what_it_lacks(made: Callable[..., Templates]) -> None:
    templates = made({"own/body.txt": "x", "bare/subject.txt": "x"})
    for name in ("own", "bare"):
        with pytest.raises(PermanentError, match=r"needs subject\.txt and one of body\.txt and body\.html"):
            templates.render(name, {})


def test_a_picture_beside_the_template_goes_with_it(made: Callable[..., Templates]) -> None:
    page = '<p style="background: url(cid:back.jpg)"><img src="cid:logo.png"><img src="cid:logo.png"></p>'
    templates = made(
        {
            "own/subject.txt": "x",
            "own/body.html": page,
            "own/logo.png": PNG,
            "_shared/back.jpg": b"JPEG",
            "own/b.png": PNG,
        }
    )
    pictures = templates.render("own", {}).pictures
    assert [(one.cid, one.media_type, one.data) for one in pictures] == [
        ("back.jpg", "image/jpeg", b"JPEG"),
        ("logo.png", "image/png", PNG),
    ]
    shown = preview(templates, PreviewMail(template="own")).html
    assert shown is not None
    assert shown.count("data:image/png;base64,iVBORw0KGgo=") == 2
    assert "cid:" not in shown


@pytest.mark.parametrize("cid", ["missing.png", "../subject.txt", "own/logo.png", "subject.txt", ".png"])
def test_a_picture_that_is_not_there_is_named(made: Callable[..., Templates], cid: str) -> None:
    templates = made({"own/subject.txt": "x", "own/body.html": f'<img src="cid:{cid}">'})
    with pytest.raises(PermanentError, match="cid:"):
        templates.render("own", {})


@pytest.mark.parametrize(
    ("language", "words"), [("ca", "Comproveu|Comprova"), ("es", "Comprobar"), ("fr", "Vérifier"), ("pt", "Verificar")]
)
def test_a_certificate_is_sent_in_its_holders_language(language: str, words: str) -> None:
    context = {"recipient": "Ada", "link": "https://bureau.example/c/x"}
    rendered = Templates().render("your-certificate", context, language)
    assert rendered.language == language
    assert f'lang="{language}"' in str(rendered.html)
    assert any(word in str(rendered.html) for word in words.split("|"))


def test_a_preview_refuses_what_a_mail_would(made: Callable[..., Templates]) -> None:
    templates = made({"own/subject.txt": "{{ name }}", "own/body.txt": "x"})
    with pytest.raises(PermanentError, match="line break"):
        preview(templates, PreviewMail(template="own", context={"name": "a\r\nBcc: eve@example.com"}))
