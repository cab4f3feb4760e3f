"""Text that a database or a browser would refuse comes out clean, wherever it comes from."""

import json
from uuid import UUID

from bureau.ledger.jobs.outcome import Succeeded
from bureau.ledger.reads import job_queries
from tests.support.ledger.book import Book, failed, task

NASTY = "a\x00b\ud800c\U0001f600 \u202e \\u0000"


def shown(book: Book, job_id: UUID) -> str:
    """As the gateway would send it; fails for what is not text, and for what is not JSON."""
    view = job_queries.job(book.db, job_id, "ada")
    assert view is not None
    values = [view.error, *(one.error for one in view.tasks), *(one.result for one in view.tasks), view.tasks[0].input]
    return json.dumps(values, ensure_ascii=False, allow_nan=False).encode("utf-8").decode()


def test_errors_are_clean(book: Book) -> None:
    job_id = book.submit()
    book.run(job_id, ending=failed(message=NASTY))
    assert "ab\ufffdc\U0001f600" in shown(book, job_id)


def test_any_clean_text_comes_back_as_it_was(book: Book) -> None:
    text = "".join(chr(code) for code in (*range(1, 0xD800, 97), *range(0xE000, 0x110000, 9973)))
    job_id = book.submit(task(input={"text": text, text[:50]: 1}), title=text[:100])
    book.run(job_id, ending=Succeeded({"text": text}))
    assert book.task(job_id).input == {"text": text, text[:50]: 1}
    assert book.task(job_id).result == {"text": text}
    assert book.job(job_id).title == text[:100]
    assert shown(book, job_id)
