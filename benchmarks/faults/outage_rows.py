"""ENDPOINT: an outage in the middle of a long run. It is waited for: nothing fails, and little is asked in vain."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterable
from functools import partial

from checks import check_files, check_process, check_records, failures, read_lines, records
from corpus import write_table
from server import Ask, End, Part, error, serving
from tool import extract, start
from verdict import Bench, Row, Verdict

AT_ONCE = 8
SAID = re.compile("paus|wait|outage", re.IGNORECASE)


def outage(kind: str, seconds: float, documents: int, bench: Bench, verdict: Verdict) -> None:
    """From a third of the documents on the endpoint refuses everything for some seconds."""
    texts: dict[str, str | None] = dict(write_table(bench.folder / "in" / "table.jsonl", documents))
    (bench.folder / "out").mkdir()
    down = threading.Event()

    def answer(ask: Ask) -> Iterable[Part] | None:
        if not down.is_set():
            return None
        return (error(503, "overloaded"),) if kind == "503" else (End.RESET,)

    with serving(answer, latency=0.05) as endpoint:
        arguments = extract(
            ["in/table.jsonl"], endpoint.base_url, "--concurrency", str(AT_ONCE), "--log-json", "out/log.jsonl"
        )
        tool = start(bench.folder, arguments)
        reached = tool.wait_for(lambda: endpoint.answered() >= documents // 3, 60)
        down.set()
        if kind == "refused":
            endpoint.refuse()
        time.sleep(seconds)
        said = SAID.search(tool.screen())
        down.clear()
        if kind == "refused":
            endpoint.listen()
        ended = tool.wait(documents * 0.2 + 90)
    check_process(verdict, ended)
    check_files(verdict, bench.folder)
    check_records(verdict, bench.folder, texts)
    failed = {str(line["id"]) for line in failures(bench.folder)}
    attempts = [line for line in read_lines(bench.folder / "out/log.jsonl") if line["event"] == "attempt"]
    vain = sum(line["error"] is not None for line in attempts)
    verdict.came = (
        f"exit {ended.code}, {len(records(bench.folder))} records, {len(failed)} failed, "
        f"{len(attempts)} requests ({vain} in vain), pause {'said' if said else 'not said'}, {ended.seconds:.0f} s"
    )
    verdict.expect(reached, "the run did not get to the outage")
    verdict.expect(ended.code == 0 and not failed, f"{len(failed)} documents failed, exit code {ended.code}")
    # What was under way when it began is lost in any case; beside 1,000 questions that is little.
    most = documents * 1.05 + (AT_ONCE if documents < 1000 else 0)
    verdict.expect(len(attempts) <= most, f"{len(attempts)} requests for {documents} questions, over {most:.0f}")
    verdict.expect(said is not None, "the pause is not said on the screen")


def rows(long: bool) -> list[Row]:
    made = []
    for kind in ("refused", "503", "reset"):
        must = "no document fails, at most 5 % more requests, the pause is said"
        made.append(
            Row(
                "ENDPOINT",
                f"outage of 3 s ({kind}), 240 documents",
                must,
                partial(outage, kind, 3.0, 240),
                kind == "503",
            )
        )
        if kind != "reset":
            made.append(
                Row("ENDPOINT", f"outage of 60 s ({kind}), 1,000 documents", must, partial(outage, kind, 60.0, 1000))
            )
    return made
