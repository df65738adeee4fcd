"""How near the tool comes to the ideal time against an endpoint, beside a bare AsyncInstructor loop in the same run.

    pip install uvicorn && python benchmarks/throughput.py [--passages N] [--rows NAME ...]

A stand-in endpoint (benchmarks/endpoint.py) answers on this machine; both ask one question a passage of like length. Ideal time:
passages x latency / at once (or passages / rate). A figure is of this machine and this moment; compare within a run.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
SCHEMA = '''
from pydantic import BaseModel, Field
from extractor.fields import Verbatim


class Note(BaseModel):
    """One question a passage."""

    venues: list[Verbatim] = Field(description="会议地点，照抄原文")
'''


@dataclass(frozen=True)
class Row:
    """A setting of the endpoint, and how it is asked."""

    name: str
    at_once: int
    latency: float = 0.0
    settings: dict[str, str] = field(default_factory=dict)
    rpm: float | None = None
    arguments: tuple[str, ...] = ()


ROWS = [
    Row("200 ms, 32 at once", 32, 0.2),
    Row("1,000 ms, 32 at once", 32, 1.0),
    Row("1,000 ms, 128 at once", 128, 1.0),
    Row("log-normal, 32 at once", 32, 0.5, {"SIGMA": "0.8"}),
    Row("0 ms (CPU)", 8),
    Row("1,200 a minute", 32, 0.2, {"RPM": "1200"}, 1200, ("--rpm", "1200")),
    Row("1,200 a minute, learnt", 32, 0.2, {"RPM": "1200"}, 1200),
    Row("10 % faults", 32, 0.2, {"FAULTS": "0.1"}),
    Row("1 % refused for good", 32, 0.2, {"REFUSED": "0.01"}),
    Row("10 % truncated", 32, 0.2, {"TRUNCATED": "0.1"}),
]


@contextmanager
def endpoint(row: Row, port: int) -> Iterator[str]:
    """The stand-in, on a port of its own."""
    environ = {**os.environ, "LATENCY": str(row.latency), **row.settings}
    command = [sys.executable, "-m", "uvicorn", "--app-dir", str(HERE), "endpoint:app", "--port", str(port)]
    process = subprocess.Popen([*command, "--log-level", "critical"], env=environ)
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


def count(base: str) -> dict[str, int]:
    with urllib.request.urlopen(f"{base}/count", timeout=5) as answer:
        told: dict[str, int] = json.load(answer)
        return told


def corpus(folder: Path, passages: int) -> Path:
    """As many one-passage documents as rows of a file."""
    text = ("会议在县政府礼堂召开。各乡镇要建立隐患台账，对重点企业每月检查，加强值班值守，严肃查处违规行为。" * 30)[
        :1200
    ]
    path = folder / "texts.jsonl"
    with path.open("w", encoding="utf-8") as stream:
        for number in range(passages):
            stream.write(json.dumps({"id": f"d{number}", "text": f"第{number}号文。{text}"}, ensure_ascii=False) + "\n")
    (folder / "note.py").write_text(SCHEMA, encoding="utf-8")
    return path


def run_tool(row: Row, base: str, folder: Path, passages: int) -> str:
    """The command, as its user would give it."""
    path, output = corpus(folder, passages), folder / "out.jsonl"
    program = "from extractor.cli import main; main()"
    command = [
        sys.executable,
        "-c",
        program,
        "extract",
        str(path),
        "-o",
        str(output),
        "--schema",
        str(folder / "note.py"),
    ]
    command += ["--base-url", f"{base}/v1", "--model", "m", "--mode", "live", "-q"]
    auto = row.rpm is not None and not row.arguments
    command += ["--concurrency", "auto" if auto else str(row.at_once), *row.arguments]
    begin_empty = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import instructor, openai, extractor.run"], check=True)
    start_up = time.perf_counter() - begin_empty
    before, cpu = time.perf_counter(), os.times()
    subprocess.run(command, check=False, stderr=subprocess.DEVNULL)
    seconds = time.perf_counter() - before - start_up
    after = os.times()
    used = after.children_user - cpu.children_user + after.children_system - cpu.children_system - start_up
    written = len(output.read_text(encoding="utf-8").splitlines()) if output.exists() else 0
    return report(row, passages, seconds, used, passages - written, count(base))


def run_bare(row: Row, base: str, passages: int) -> str:
    """What is usually written: an AsyncInstructor, a semaphore, gather; errors caught one by one."""
    import instructor
    import openai
    from pydantic import BaseModel

    class Answer(BaseModel):
        venues: list[str]

    client = instructor.from_openai(
        openai.AsyncOpenAI(base_url=f"{base}/v1", api_key="none"), mode=instructor.Mode.JSON_SCHEMA
    )
    text = "会议在县政府礼堂召开。" * 100

    async def main() -> int:
        turn = asyncio.Semaphore(row.at_once)

        async def one(number: int) -> bool:
            async with turn:
                try:
                    await client.create(
                        model="m",
                        response_model=Answer,
                        max_retries=1,
                        messages=[{"role": "user", "content": f"第{number}号文。{text}"}],
                    )
                    return True
                except Exception:
                    return False

        return sum(await asyncio.gather(*(one(number) for number in range(passages))))

    before, cpu = time.perf_counter(), time.process_time()
    answered = asyncio.run(main())
    seconds = time.perf_counter() - before
    return report(row, passages, seconds, time.process_time() - cpu, passages - answered, count(base))


def report(row: Row, passages: int, seconds: float, cpu: float, lost: int, counts: dict[str, int]) -> str:
    mean = row.latency * (1.377 if row.settings.get("SIGMA") else 1.0)  # exp(0.8 ** 2 / 2)
    ideal = passages / row.rpm * 60 if row.rpm else passages * mean / row.at_once
    asked, refused = counts.get("requests", 0), counts.get("429", 0)
    return f"{ideal / seconds:6.2f} {seconds:7.1f} s {cpu / passages * 1000:6.1f} ms CPU {asked:5} asked {refused:4} refused {lost:4} lost"


def main() -> None:
    parser = argparse.ArgumentParser(description="The tool beside a bare AsyncInstructor loop.")
    parser.add_argument("--passages", type=int, default=500)
    parser.add_argument("--rows", nargs="*", help="only those whose names begin so")
    options = parser.parse_args()
    print(f"{options.passages} passages; ideal time / time spent, and what it cost")
    port = 8200
    for row in ROWS:
        if options.rows and not any(row.name.startswith(name) for name in options.rows):
            continue
        for name in ("extractor", "bare loop"):
            port += 1
            with endpoint(row, port) as base, tempfile.TemporaryDirectory() as folder:
                told = (
                    run_tool(row, base, Path(folder), options.passages)
                    if name == "extractor"
                    else run_bare(row, base, options.passages)
                )
            print(f"{row.name:24} {name:10} {told}", flush=True)


if __name__ == "__main__":
    main()
