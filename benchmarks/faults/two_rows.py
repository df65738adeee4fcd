"""TWO RUNS: two runs at one output, at two outputs that share recordings, and a reader beside a run."""

from __future__ import annotations

import json
import signal
import threading
import time
from functools import partial

from checks import check_files, check_process, check_records, failures, records
from corpus import write_files
from kill_rows import AT_ONCE, LATENCY, check_lines, prepare, undisturbed
from server import serving
from tool import extract, start
from verdict import Bench, Row, Verdict


def same_output(delay: float, more: tuple[str, ...], bench: Bench, verdict: Verdict) -> None:
    """Four runs at one output: one is whole, the others are refused with a sentence."""
    texts = prepare(bench)
    with serving(latency=LATENCY) as endpoint:
        arguments = extract(["in"], endpoint.base_url, "--concurrency", str(AT_ONCE))
        tools = [start(bench.folder, arguments)]
        for _ in range(3):
            time.sleep(delay)
            tools.append(start(bench.folder, [*arguments, *more]))
        ends = [tool.wait() for tool in tools]
        twice = len(endpoint.asks) - len(endpoint.times_asked())
    for ended in ends:
        check_process(verdict, ended)
    codes = sorted(ended.code for ended in ends)
    verdict.came = f"exit codes {codes}, asked twice {twice}"
    verdict.expect(codes == [0, 2, 2, 2], f"exit codes {codes}, not one 0 and three 2")
    for ended in ends:
        if ended.code == 2:
            said = ended.screen.strip()
            verdict.expect("another run" in said.lower() and len(said.splitlines()) == 1, f"no sentence: {said!r}")
    if twice:
        verdict.count("doubled", f"{twice} questions asked twice", twice)
    check_files(verdict, bench.folder)
    check_records(verdict, bench.folder, texts)
    check_lines(verdict, bench.folder, undisturbed(bench)[0])


def shared_recordings(bench: Bench, verdict: Verdict) -> None:
    """Two runs at two outputs record into one folder; a replay from it then gives both outputs."""
    write_files(bench.folder / "in", 20)
    (bench.folder / "out").mkdir()
    (bench.folder / "out2").mkdir()
    with serving(latency=0.02) as endpoint:
        made = []
        for output in ("out/records.jsonl", "out2/records.jsonl"):
            arguments = extract(["in"], endpoint.base_url, "--replies", "replies", output=output)
            arguments[arguments.index("live")] = "record"
            made.append(start(bench.folder, arguments))
        ends = [tool.wait() for tool in made]
        arguments = extract(["in"], endpoint.base_url, "--replies", "replies", "--restart")
        arguments[arguments.index("live")] = "replay"
        asked = len(endpoint.asks)
        ends.append(start(bench.folder, arguments).wait())
        verdict.expect(len(endpoint.asks) == asked, "the replay asked the endpoint")
    for ended in ends:
        check_process(verdict, ended)
        verdict.expect(ended.code == 0, f"exit code {ended.code}: {ended.screen[-300:]}")
    both = [
        sorted(json.dumps(line["record"]) for line in records(bench.folder, f"{out}/records.jsonl"))
        for out in ("out", "out2")
    ]
    verdict.expect(both[0] == both[1] and len(both[0]) == 20, f"{len(both[0])} and {len(both[1])} records, or others")
    verdict.came = (
        f"exit codes {[ended.code for ended in ends]}, {asked} requests, {len(both[0])} and {len(both[1])} records"
    )


def followed(bench: Bench, verdict: Verdict) -> None:
    """A reader of the .part file, as `tail -f`, sees whole lines and at most one torn last line, never another past."""
    texts = prepare(bench)
    part = bench.folder / "out/records.jsonl.part"
    looks, torn, wrong = 0, 0, []
    done = threading.Event()

    def follow() -> None:
        nonlocal looks, torn
        before = b""
        while not done.is_set():
            try:
                content = part.read_bytes()
            except OSError:
                content = before
            looks += 1
            *lines, last = content.split(b"\n")
            torn += bool(last)
            if not content.startswith(before):
                wrong.append("what was read before has changed")
            for line in lines:
                try:
                    json.loads(line)
                except ValueError:
                    wrong.append(f"a torn line in the middle: {line[:60]!r}")
            before = content if not last else content[: -len(last)]
            time.sleep(0.002)

    with serving(latency=0.02) as endpoint:
        tool = start(bench.folder, extract(["in"], endpoint.base_url, "--concurrency", str(AT_ONCE)))
        thread = threading.Thread(target=follow)
        thread.start()
        ended = tool.wait()
        done.set()
        thread.join()
    check_process(verdict, ended)
    verdict.came = f"exit {ended.code}, read {looks} times, {torn} times with a torn last line"
    for what in wrong[:3]:
        verdict.expect(False, what)
    check_records(verdict, bench.folder, texts)


def one_is_stopped(bench: Bench, verdict: Verdict) -> None:
    """A run is stopped (SIGSTOP); another at its output is refused; then the first goes on and is whole."""
    texts = prepare(bench)
    with serving(latency=LATENCY) as endpoint:
        arguments = extract(["in"], endpoint.base_url, "--concurrency", str(AT_ONCE), "--timeout", "30")
        first = start(bench.folder, arguments)
        first.wait_for(lambda: endpoint.answered() >= 10, 60)
        first.process.send_signal(signal.SIGSTOP)
        second = start(bench.folder, arguments).wait(30)
        first.process.send_signal(signal.SIGCONT)
        ended = first.wait()
    for one in (second, ended):
        check_process(verdict, one)
    verdict.came = f"exit codes {second.code} and {ended.code}"
    verdict.expect((second.code, ended.code) == (2, 0), f"exit codes {second.code} and {ended.code}, not 2 and 0")
    check_files(verdict, bench.folder)
    check_records(verdict, bench.folder, texts)
    check_lines(verdict, bench.folder, undisturbed(bench)[0])
    verdict.expect(not failures(bench.folder), "there are failures")


def rows(long: bool) -> list[Row]:
    must = "one is whole, the others refused with a sentence"
    return [
        Row("TWO RUNS", "four runs at one output, at the same moment", must, partial(same_output, 0.0, ()), True),
        Row("TWO RUNS", "four runs at one output, half a second apart", must, partial(same_output, 0.5, ())),
        Row("TWO RUNS", "a run, and three with --restart", must, partial(same_output, 1.2, ("--restart",))),
        Row("TWO RUNS", "a stopped run, and another", "2 and 0, whole", one_is_stopped),
        Row("TWO RUNS", "two outputs, one folder of recordings", "both whole, a replay too", shared_recordings),
        Row("TWO RUNS", "a reader beside a run", "whole lines, at most the last one torn", followed, True),
    ]
