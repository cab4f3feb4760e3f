"""GET /: the latest jobs, as people see them."""

import re
import shlex

from tests.integration.gateway.conftest import Door


def test_without_jobs_the_page_shows_a_curl_line_that_works(door: Door) -> None:
    page = door.get("/")
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    found = re.search(r"<code>(curl .*?)</code>", page.text, re.DOTALL)
    assert found is not None
    command = shlex.split(found[1].replace("&#39;", "'").replace("&#34;", '"'))
    url, header, body = command[1], command[command.index("-H") + 1], command[command.index("-d") + 1]
    assert url.startswith("http://127.0.0.1:8600")
    path = url.removeprefix("http://127.0.0.1:8600")
    name, value = header.split(": ")
    assert door.post(path, content=body.encode(), headers={name: value}).status_code == 202


def test_each_job_is_linked_with_its_state_in_words(door: Door) -> None:
    job = door.post("/v1/emails", {"to": ["a@example.com"], "subject": "Hello <b>", "text": "x"}).json()
    gone = door.post("/v1/emails", {"to": ["a@example.com"], "subject": "Gone", "text": "x"}).json()
    door.post(f"/v1/jobs/{gone['id']}/cancel")
    page = door.get("/").text
    assert f'<a href="/v1/jobs/{job["id"]}">Hello &lt;b&gt;</a>' in page
    assert "queued" in page
    assert "cancelled" in page
    assert "The job was cancelled." in page


def test_the_page_loads_nothing_that_its_policy_forbids(door: Door) -> None:
    page = door.get("/")
    policy = page.headers["Content-Security-Policy"]
    assert "script" not in policy
    assert "style-src 'self'" in policy
    assert "<script" not in page.text
    assert "style=" not in page.text
    for address in re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text):
        answer = door.get(address)
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith(("text/css", "image/svg+xml"))
    assert door.get("/static/nothing.css").status_code == 404


def test_the_page_takes_any_query(door: Door) -> None:
    assert door.get("/?utm_source=mail").status_code == 200
