"""How close the tool comes to the ideal time against an endpoint, compared with a bare AsyncInstructor loop.

    pip install uvicorn && python benchmarks/throughput.py [--passages N] [--repeat N] [--rows NAME ...]

A stand-in endpoint (benchmarks/endpoint.py) answers on this machine. Both ask one question about each
passage, and the passages have similar lengths. The ideal time is passages x mean latency / concurrency, or
passages / rate; "at best" is the share of it that slots reach if they are never idle. The time spent asking
is from the first request that the endpoint receives to its last answer. CPU is the user and system time of
the process, minus that of a run on FEW passages. Every figure is the median of the repetitions. Figures
depend on the machine and its load, so compare within one run.
"""

from __future__ import annotations

import argparse
import heapq
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
# Passages of the run that measures start-up. It is repeated for each row, because starting threads counts
# too.
FEW = 10
SIGMA = 0.8
SCHEMA = '''
from pydantic import BaseModel, Field
from extractor.fields import Verbatim


class Note(BaseModel):
    """One question a passage."""

    venues: list[Verbatim] = Field(description="会议地点，照抄原文")
'''


@dataclass(frozen=True)
class Row:
    """A setup of the endpoint (`latency` in seconds, `rate` in requests a minute), and the target (`bar`)."""

    name: str
    at_once: int
    bar: str
    latency: float = 0.0
    rate: float | None = None
    settings: dict[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()

    def ideal(self, passages: int) -> float:
        """The ideal time in seconds."""
        if self.rate:
            return passages / self.rate * 60
        mean = self.latency * (math.exp(SIGMA**2 / 2) if "SIGMA" in self.settings else 1.0)
        return passages * mean / self.at_once


def at_best(latencies: list[float], at_once: int) -> float:
    """The seconds that slots take if they are never idle; which answer takes long is not known beforehand."""
    ends = [0.0] * at_once
    for latency in latencies:
        heapq.heapreplace(ends, ends[0] + latency)
    return max(ends)


RATE = {"RPM": "1200"}
ROWS = [
    Row("200 ms, 32 at once", 32, ">= 0.85", 0.2),
    Row("1,000 ms, 32 at once", 32, ">= 0.95", 1.0),
    Row("1,000 ms, 128 at once", 128, ">= 0.85", 1.0),
    Row("log-normal, 32 at once", 32, ">= 0.80", 0.5, settings={"SIGMA": str(SIGMA)}),
    Row("0 ms (CPU)", 8, "<= 7 ms CPU"),
    Row("1,200 a minute, --rpm", 32, ">= 0.95, < 1 % refused", 0.2, 1200, RATE, ("--rpm", "1200")),
    Row("1,200 a minute, headers", 32, "few refused", 0.2, 1200, RATE, ("--concurrency", "auto")),
    Row("1,200 a minute, 429s", 32, "few refused", 0.2, 1200, {**RATE, "LIMIT_HEADERS": ""}, ("--concurrency", "auto")),
    Row("200 ms, auto", 32, "", 0.2, arguments=("--concurrency", "auto")),
    Row("10 % errors", 32, "as the loop, 0 lost", 0.2, settings={"FAULTS": "0.1"}),
    Row("1 % always refused", 32, "those lost", 0.2, settings={"REFUSED": "0.01"}),
    Row("10 % truncated", 32, "0 lost", 0.2, settings={"TRUNCATED": "0.1"}),
]


@dataclass(frozen=True)
class Ran:
    """The times of a run in seconds, and the counts of the endpoint."""

    asking: float
    cpu: float
    answered: int
    counts: dict[str, Any]


@contextmanager
def endpoint(row: Row, port: int) -> Iterator[str]:
    """Run the stand-in on this port; the value is its base URL."""
    environ = {**os.environ, "LATENCY": str(row.latency), **row.settings}
    command = [sys.executable, "-m", "uvicorn", "--app-dir", str(HERE), "endpoint:app", "--port", str(port)]
    process = subprocess.Popen([*command, "--log-level", "critical"], env=environ, stderr=subprocess.DEVNULL)
    base = f"http://127.0.0.1:{port}"
    try:
        for _ in range(100):
            try:
                count(base)
                break
            except OSError:
                time.sleep(0.1)
        yield base
    finally:
        process.terminate()
        process.wait()


def count(base: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{base}/count", timeout=5) as answer:
        counts: dict[str, Any] = json.load(answer)
        return counts


def corpus(folder: Path, passages: int) -> Path:
    """A file with one document of one passage in each row, and the schema beside it."""
    text = ("会议在县政府礼堂召开。各乡镇要建立隐患台账，对重点企业每月检查，加强值班值守，严肃查处违规行为。" * 30)[
        :1200
    ]
    path = folder / "texts.jsonl"
    with path.open("w", encoding="utf-8") as stream:
        for number in range(passages):
            stream.write(json.dumps({"id": f"d{number}", "text": f"第{number}号文。{text}"}, ensure_ascii=False) + "\n")
    (folder / "note.py").write_text(SCHEMA, encoding="utf-8")
    return path


def run_tool(row: Row, base: str, passages: int) -> Ran:
    """Run the command as a user would."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path, output = corpus(folder, passages), folder / "out.jsonl"
        command = [sys.executable, "-c", "from extractor.cli.main import main; main()", "extract", str(path)]
        command += ["-o", str(output), "--schema", str(folder / "note.py"), "--base-url", f"{base}/v1", "--model", "m"]
        command += ["--mode", "live", "-q", "--concurrency", str(row.at_once), *row.arguments]
        _, cpu = timed(command)
        written = output.read_text(encoding="utf-8").count("\n") if output.exists() else 0
    counts = count(base)
    return Ran(counts.get("seconds", 0.0), cpu, written, counts)


def run_bare(row: Row, base: str, passages: int) -> Ran:
    """Run the bare loop in a process of its own, like the tool."""
    printed, cpu = timed([sys.executable, str(HERE / "bare_loop.py"), f"{base}/v1", str(passages), str(row.at_once)])
    counts = count(base)
    return Ran(counts.get("seconds", 0.0), cpu, int(printed or 0), counts)


def timed(command: list[str]) -> tuple[str, float]:
    """The output of the command and the CPU seconds that it uses."""
    before = os.times()
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    after = os.times()
    used = after.children_user - before.children_user + after.children_system - before.children_system
    return done.stdout, used


def report(row: Row, passages: int, few: Ran, runs: list[Ran]) -> str:
    """One line with the medians of the runs."""
    near = statistics.median(row.ideal(passages) / ran.asking for ran in runs)
    cpu = statistics.median((ran.cpu - few.cpu) / (passages - FEW) * 1000 for ran in runs)
    asked, refused = (int(statistics.median(ran.counts.get(of, 0) for ran in runs)) for of in ("requests", "429"))
    lost = max(passages - ran.answered for ran in runs)
    seconds = statistics.median(ran.asking for ran in runs)
    near_best = ""
    if row.latency and not row.rate:
        best = statistics.median(row.ideal(passages) / at_best(ran.counts["latencies"], row.at_once) for ran in runs)
        near_best = f"(at best {best:.2f})"
    return f"{near:6.2f} {near_best:14} {seconds:7.1f} s {cpu:6.1f} ms CPU {asked:5} asked {refused:4} refused {lost:4} lost"


def main() -> None:
    parser = argparse.ArgumentParser(description="The tool beside a bare AsyncInstructor loop.")
    parser.add_argument("--passages", type=int, default=500)
    parser.add_argument("--repeat", type=int, default=3, help="runs per row; the median is printed")
    parser.add_argument("--rows", nargs="*", help="only rows whose names begin with one of these")
    options = parser.parse_args()
    print(f"{options.passages} passages; ideal time / time spent asking, medians of {options.repeat}; maximum lost")
    port = 8200
    for row in ROWS:
        if options.rows and not any(row.name.startswith(name) for name in options.rows):
            continue
        results: dict[str, list[Ran]] = {}
        # In turn, so that other load on the machine affects both.
        for passages in (FEW, *[options.passages] * options.repeat):
            for name, run in (("extractor", run_tool), ("bare loop", run_bare)):
                port += 1
                with endpoint(row, port) as base:
                    results.setdefault(name, []).append(run(row, base, passages))
        for name, (few, *runs) in results.items():
            bar = row.bar if name == "extractor" else ""
            print(f"{row.name:24} {name:10} {report(row, options.passages, few, runs)}  {bar}", flush=True)


if __name__ == "__main__":
    main()
