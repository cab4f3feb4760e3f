"""Lists the attacks: first what needs no key, then what a submitter can do, then what others answer or publish."""

import json

from tests.benchmarks.attacks import bodies
from tests.benchmarks.attacks.archives import HOSTILE
from tests.benchmarks.attacks.sending import ADDRESSES, FORM, Attack, dripping, forged_hints, held, many, waits, work

_HOST = b"Host: localhost\r\n"
_GET = b"GET /healthz?not=known HTTP/1.1\r\n" + _HOST + b"\r\n"
_POST = b"POST /v1/emails HTTP/1.1\r\n" + _HOST + b"Content-Type: application/json\r\n"
_MULTIPART = {"Content-Type": "multipart/form-data; boundary=b"}
_BROKEN_CHUNKS = _POST + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n{}\r\n"
_READ = b"GET /openapi.json HTTP/1.1\r\n" + _HOST + b"\r\n"
_ROSTER = b"name\r\nAda Lovelace\r\n"

STRANGER: dict[str, Attack] = {
    "a form of 16 MB of %41 at /login": many(4, "/login", b"password=" + b"%41" * 5_300_000, FORM),
    "the same at /theme": many(4, "/theme", b"theme=" + b"%41" * 5_300_000, FORM),
    "33 bodies of which one byte comes": held(33, _POST + b"Content-Length: 1000\r\n\r\n{"),
    "60 heads that never end": held(60, b"GET / HTTP/1.1\r\nHost: local"),
    "1,000 connections that send nothing": held(1000, b""),
    f"1,200 of {ADDRESSES} addresses": held(1200, b"", addresses=ADDRESSES),
    "36 waits over a signed link": waits(36),
    "60 malformed chunks": held(60, _BROKEN_CHUNKS),
    "846 unknown query parameters": many(8, "/healthz?" + "&".join(f"p{n}={n}" for n in range(846)), b"", {}),
    "60 second requests that come in part": held(60, _GET + b"GET / HTTP/1.1\r\nHost: local"),
    "60 lengths with many zeros": held(60, _POST + b"Content-Length: %0100d\r\n\r\n{" % 100),
    "60 times two lengths": held(60, _POST + b"Content-Length: 0\r\nContent-Length: 100\r\n\r\n"),
    "60 lengths on two lines": held(60, _POST + b"Content-Length: 0\r\n 100\r\n\r\n"),
    "60 continuations that never come": held(60, _POST + b"Content-Length: 9\r\nExpect: 100-continue\r\n\r\n"),
    "60 upgrades to WebSockets": held(60, b"GET /v1/events HTTP/1.1\r\nUpgrade: websocket\r\n" + _HOST + b"\r\n"),
    "60 questions for health that stay": held(60, b"GET /healthz HTTP/1.0\r\n\r\n"),
    "60 answers that nobody reads": held(60, _READ),
    "1,800 answers that nobody reads": held(60, _READ * 30),
    "40 heads that come byte by byte": dripping(40, b"GET / HTTP/1.1\r\nHost: localhost\r\nX: "),
    "40 bodies that come byte by byte": dripping(40, _POST + b"Content-Length: 60000\r\n\r\n"),
    "500 large bodies announced": held(500, _POST + b"Content-Length: 10000000\r\n\r\n{"),
}
SUBMITTER: dict[str, Attack] = {
    "10,000 unknown fields": many(4, "/v1/emails", json.dumps({f"f{n}": n for n in range(10_000)}).encode()),
    "3 jobs of 1,000 wrong tasks": many(2, "/v1/jobs/batch", bodies.batch(bodies.wrong_tasks(1000), 3)),
    "5 jobs of 1,000 tasks in cycles of two": many(2, "/v1/jobs/batch", bodies.batch(bodies.cycles_of_two(1000), 5)),
    "1,000 tasks with all predecessors": many(2, "/v1/jobs", bodies.job(bodies.all_before(1000))),
    "a batch of one job of such tasks": many(2, "/v1/jobs/batch", bodies.batch(bodies.all_before(1000))),
    "15 MB of nested lists": many(4, "/v1/emails", bodies.nested_lists(4_900_000)),
    "unknown fields of 4 MB": many(4, "/v1/certificates", bodies.multipart(10, 4_000_000), _MULTIPART),
    "a mail of 40,000 open tags": work(2, "/v1/emails", json={**bodies.MAIL, "text": None, "html": bodies.ODD_HTML}),
    "results that multiply": work(2, "/v1/jobs", json={"tasks": bodies.multiplying()}),
    "a roster of 500,000 columns": work(2, "/v1/certificates", files={"files": ("a.csv", bodies.wide_roster(500_000))}),
    "a roster with a cell of 20 MB": work(
        2, "/v1/certificates", files={"files": ("a.csv", bodies.large_cell(20_000_000))}
    ),
}
OTHERS: dict[str, Attack] = {
    **{
        f"an archive: {name}": work(1, "/v1/certificates", files={"files": (f"{name}.csv", _ROSTER)})
        for name in HOSTILE
    },
    "20,000 forged hints": forged_hints(20_000),
}
