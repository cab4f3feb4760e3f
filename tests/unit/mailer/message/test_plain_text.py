"""Text made from HTML: what a reader sees, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bureau.services.mailer.message.plain_text import plain_text

CASES = [
    ("<p>Hello <b>Ada</b>,</p><p>two\n   lines</p>", "Hello Ada,\n\ntwo lines\n"),
    ("one<br>two<br/>three", "one\ntwo\nthree\n"),
    ("<ul><li>a</li><li>b</li></ul>", "- a\n- b\n"),
    ("<table><tr><td>Rows</td><td>12</td></tr><tr><td>Size</td><td>5</td></tr></table>", "Rows 12\nSize 5\n"),
    ('<a href="https://a.example/x">See it</a>', "See it: https://a.example/x\n"),
    ('<a href="https://a.example/x">https://a.example/x</a>', "https://a.example/x\n"),
    ('<a href="mailto:a@example.com">a@example.com</a>', "a@example.com\n"),
    ('<a href="javascript:alert(1)">x</a>', "x\n"),
    ('<img src="cid:logo.png" alt="Academy">', "Academy\n"),
    ("<head><title>t</title><style>p {}</style></head><body><script>x</script>seen</body>", "seen\n"),
    ('<div style="display:none">preview <b>line</b></div><p>seen</p>', "seen\n"),
    ("a &amp; b &lt;c&gt; &eacute;", "a & b <c> é\n"),
    ("<p>日本語</p><p>مرحبا</p>", "日本語\n\nمرحبا\n"),
    ("", "\n"),
]


@pytest.mark.parametrize(("html", "text"), CASES)
def test_html_becomes_what_its_reader_sees(html: str, text: str) -> None:
    assert plain_text(html) == text


@given(st.text(alphabet="<>/ab =\"'&;pdivastyle:no\n", max_size=200))
def test_broken_html_breaks_nothing(html: str) -> None:
    assert plain_text(html).endswith("\n")
