"""Runs the load generator in a process of its own, and returns what it saw."""

import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from typing import Any

from tests.benchmarks.throughput.programs.load import Plan
from tests.support.running.processes import ROOT


@dataclass(frozen=True)
class Load:
    """Holds the monotonic times of the first request and the last answer, and the seconds of each answer."""

    began: float
    ended: float
    seconds: list[float]
    reconnected: int
    cpu_seconds: float


def post(plan: Plan) -> Load:
    """Posts all jobs of the plan and returns when each was answered with 202. RuntimeError with the first other one."""
    command = [sys.executable, "-m", "tests.benchmarks.throughput.programs.load", json.dumps(asdict(plan))]
    ran = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    seen: dict[str, Any] = json.loads(ran.stdout)
    if refused := seen.pop("refused"):
        raise RuntimeError(f"{len(refused)} of {plan.jobs} were not accepted, the first: {refused[0]}")
    return Load(**seen)
