"""Reads the filters of the list of jobs from its address."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, get_args
from urllib.parse import urlencode

from werkzeug.datastructures import MultiDict

from bureau.contracts.base import clean_text
from bureau.ledger.reads.job_queries import JobFilter
from bureau.services.gateway.api.jobs.jobs import Kind
from bureau.services.gateway.models import JobStateWord
from bureau.submission.terms import EARLIEST, LATEST

STATES = get_args(JobStateWord)
KINDS = get_args(Kind)
AMONG = 100_000  # a filter without an index searches this many of an owner's newest jobs
_TEXTS = {"q": 200, "tag": 64, "error": 100, "run": 120}
_TIMES = ("created_after", "created_before", "finished_after")


@dataclass(frozen=True)
class JobQuery:
    """The filters. An invalid value is left out and named in `ignored`, because people type addresses."""

    wanted: JobFilter
    pairs: tuple[tuple[str, str], ...]
    ignored: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Returns the filters as a query string."""
        return urlencode(self.pairs)

    @property
    def among(self) -> int | None:
        wanted = self.wanted
        return AMONG if wanted.q or wanted.tag or wanted.kind or wanted.error_code or wanted.failed_run else None

    @property
    def filter(self) -> dict[str, Any]:
        """Returns the filters in the form of the API."""
        wanted = self.wanted
        times = {name: moment.isoformat() for name in _TIMES if (moment := getattr(wanted, name))}
        texts = {name: text for name, text in self.pairs if name in _TEXTS or name == "kind"}
        return {**({"state": list(wanted.states)} if wanted.states else {}), **texts, **times}

    def with_states(self, *states: str) -> str:
        """Returns the query string with other states and all else unchanged."""
        others = [pair for pair in self.pairs if pair[0] != "state"]
        return urlencode([*(("state", state) for state in states), *others])


def read(given: "MultiDict[str, str]") -> JobQuery:
    """Reads a query string, or the hidden fields of a form that repeat it."""
    states = tuple(dict.fromkeys(state for state in given.getlist("state") if state in STATES))
    texts = {name: clean_text(given.get(name, ""))[:most].strip() for name, most in _TEXTS.items()}
    kind = given.get("kind") if given.get("kind") in KINDS else None
    times = {name: _time(given.get(name, "")) for name in _TIMES}
    wanted = JobFilter(
        states=states,
        kind=kind,
        tag=texts["tag"] or None,
        q=texts["q"] or None,
        error_code=texts["error"] or None,
        failed_run=texts["run"] or None,
        created_after=times["created_after"],
        created_before=times["created_before"],
        finished_after=times["finished_after"],
    )
    pairs = [*(("state", state) for state in states), *([("kind", kind)] if kind else [])]
    pairs += [(name, text) for name, text in texts.items() if text]
    pairs += [(name, given[name]) for name, moment in times.items() if moment]
    ignored = [name for name in _TIMES if given.get(name) and times[name] is None]
    ignored += [f"{name}={given[name]}"[:60] for name in ("state", "kind") if given.get(name) and not _has(pairs, name)]
    return JobQuery(wanted, tuple(pairs), tuple(ignored))


def _has(pairs: list[tuple[str, str]], name: str) -> bool:
    return any(given == name for given, _ in pairs)


def _time(text: str) -> datetime | None:
    """Parses RFC 3339, or the value of an `<input type="datetime-local">`, which counts as UTC."""
    try:
        moment = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    if moment is None:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC) if EARLIEST <= moment <= LATEST else None
