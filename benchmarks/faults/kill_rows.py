"""KILLS: a run is ended at a random moment, and run again until it is done.

The output must then be what an undisturbed run writes, line by line. The endpoint's own count says what was
asked twice: after SIGKILL and two SIGINT at most what was under way or had only just been answered, after
one SIGINT, SIGTERM or SIGHUP nothing.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from checks import check_files, check_process, check_records, read_lines, records
from corpus import write_files
from server import Endpoint, serving
from tool import Ended, Tool, copy, extract, slowness, start
from verdict import Bench, Row, Verdict

LONG, SHORT = 60, 20
"""Documents; every fifth has several questions."""
TIMES = 50
"""Kills of each kind in the long form."""
AT_ONCE = 8
LATENCY = 0.1
# Seconds from the start of the process from which on a signal finds the command and not only the interpreter.
STARTED = 0.5
INTERRUPTED = 130


@dataclass(frozen=True)
class Kill:
    """A way to end a run. `gentle`: answers under way are waited for, so nothing is asked twice."""

    name: str
    signals: tuple[int, ...]
    gentle: bool
    codes: tuple[int, ...]
    tty: bool = False


KILLS = [
    Kill("SIGKILL", (signal.SIGKILL,), False, (-9,)),
    Kill("SIGTERM", (signal.SIGTERM,), True, (INTERRUPTED, 143)),
    Kill("SIGINT", (signal.SIGINT,), True, (INTERRUPTED,)),
    Kill("SIGINT twice", (signal.SIGINT, signal.SIGINT), False, (INTERRUPTED,)),
    Kill("SIGINT twice at a terminal", (signal.SIGINT, signal.SIGINT), False, (INTERRUPTED,), tty=True),
    Kill("SIGHUP", (signal.SIGHUP,), True, (INTERRUPTED, 129)),
]


def prepare(bench: Bench, folder: Path | None = None) -> dict[str, str | None]:
    """Write the documents of a run into its folder. Returns id → text."""
    folder = folder or bench.folder
    (folder / "out").mkdir()
    return dict(write_files(folder / "in", LONG if bench.long else SHORT, long_ones=True))


def reference(documents: int, folder: Path) -> dict[str, str]:
    """The lines of an undisturbed run, by id."""
    write_files(folder / "in", documents, long_ones=True)
    (folder / "out").mkdir()
    with serving(latency=0.0) as endpoint:
        ended = start(folder, extract(["in"], endpoint.base_url, "--concurrency", str(AT_ONCE))).wait()
        questions = len(endpoint.times_asked())
    assert (ended.code, len(records(folder))) == (0, documents), f"the undisturbed run failed: {ended}"
    lines = (folder / "out/records.jsonl").read_text(encoding="utf-8").splitlines()
    return {line["id"]: text for line, text in zip(records(folder), lines, strict=True)} | {"": str(questions)}


def undisturbed(bench: Bench) -> tuple[dict[str, str], int]:
    """Id → line, and the number of questions."""
    documents = LONG if bench.long else SHORT
    lines = dict(bench.shared.once(f"reference-of-{documents}", partial(reference, documents)))  # type: ignore[call-overload]
    return lines, int(lines.pop(""))


def killed_once(kill: Kill, bench: Bench, verdict: Verdict, folder: Path) -> tuple[int, int, str]:
    """One kill at a random moment, and the runs after it. Returns (asked twice, under way, phase)."""
    expected, questions = undisturbed(bench)
    texts = prepare(bench, folder)
    with serving(latency=LATENCY) as endpoint:
        arguments = extract(["in"], endpoint.base_url, "--concurrency", str(AT_ONCE))
        tool = start(folder, arguments, tty=kill.tty)
        phase = wait_for_moment(tool, endpoint, questions, bench)
        under_way = send(kill, tool, endpoint, bench)
        ended = tool.wait(20)
        asked_before = endpoint.times_asked()
        judge_end(kill, verdict, ended, endpoint, phase)
        check_files(verdict, folder, finished=ended.code == 0)
        rounds = resume(verdict, folder, arguments, ended)
        twice = endpoint.times_asked() - Counter(dict.fromkeys(endpoint.times_asked(), 1))
    verdict.expect(rounds <= 1, f"{rounds} more runs were needed")
    again = sum(twice.values())
    unknown = sum(times for key, times in twice.items() if key not in asked_before)
    allowed = 0 if kill.gentle and phase != "start-up" else len(under_way) + AT_ONCE
    if again > allowed or unknown:
        verdict.count("doubled", f"{kill.name} {phase}: {again} questions asked twice, {allowed} allowed", again)
    check_files(verdict, folder)
    check_records(verdict, folder, texts)
    check_lines(verdict, folder, expected)
    check_bill(verdict, folder, endpoint.answered(), 0 if kill.gentle else 2 * AT_ONCE)
    return again, len(under_way), phase


def wait_for_moment(tool: Tool, endpoint: Endpoint, questions: int, bench: Bench) -> str:
    """Wait for a random moment of the run; says which part of it that is."""
    chance = bench.chance.random() if bench.long else 0.5
    if chance < 0.1:
        moment = bench.chance.uniform(STARTED, 1.5)
        tool.wait_for(lambda: time.monotonic() - tool.began > moment, 10)
        return "start-up" if not endpoint.asks else "asking"
    if chance < 0.9:
        number = bench.chance.randrange(1, questions)
        tool.wait_for(lambda: len(endpoint.asks) >= number, 60)
        time.sleep(bench.chance.uniform(0, 0.1))
        return "asking"
    tool.wait_for(lambda: endpoint.answered() >= questions, 60)
    time.sleep(bench.chance.uniform(0, 0.3))
    return "end"


def send(kill: Kill, tool: Tool, endpoint: Endpoint, bench: Bench) -> set[str]:
    """Send the signals; the questions that were under way when the last one was sent.

    The system makes one of two equal signals that have not been received yet, hence the least distance.
    """
    for number, one in enumerate(kill.signals):
        if number:
            time.sleep(bench.chance.uniform(0.05, 0.6))
        tool.signal(one)
    return {ask.key for ask in list(endpoint.under_way)}


def judge_end(kill: Kill, verdict: Verdict, ended: Ended, endpoint: Endpoint, phase: str) -> None:
    """How the run ended: in time, with the documented exit code and a last message, without a crash."""
    check_process(verdict, ended)
    after = ended.after_signal
    # One signal waits for the answers under way; a load of other work on the machine takes its time as well.
    bound = 1.0 * slowness() if kill.name.startswith("SIGINT twice") else LATENCY + 5.0
    if after is not None and after > bound:
        verdict.count("hung", f"{kill.name} {phase}: ended {after:.1f} s after the signal")
    early = phase == "start-up"
    codes = {*kill.codes, 0} | ({-kill.signals[0], 128 + kill.signals[0]} if early else set())
    verdict.expect(ended.code in codes, f"{kill.name} {phase}: exit code {ended.code}, not {sorted(codes)}")
    if kill.signals[0] != signal.SIGKILL and ended.code not in (0, -kill.signals[0]):
        said = ended.screen.lower()
        verdict.expect("run the same command" in said, f"{kill.name} {phase}: no last message: {ended.screen[-200:]!r}")


def resume(verdict: Verdict, folder: Path, arguments: list[str], ended: Ended) -> int:
    """Run the same command until it is done; how many runs that took."""
    rounds = 0
    while ended.code != 0 and rounds < 4:
        ended = start(folder, arguments).wait()
        check_process(verdict, ended)
        rounds += 1
    verdict.expect(ended.code == 0, f"resumed: exit code {ended.code}: {ended.screen[-300:]}")
    return rounds


def check_lines(verdict: Verdict, folder: Path, expected: dict[str, str]) -> None:
    """The output holds the lines of an undisturbed run, each once, in any order."""
    here = (folder / "out/records.jsonl").read_text(encoding="utf-8").splitlines()
    missing = set(expected.values()) - set(here)
    present = {line["id"] for line in records(folder)}
    lost = [name for name, line in expected.items() if name not in present]
    if lost:
        verdict.count("lost", f"no record of {lost[:5]}", len(lost))
    verdict.expect(not missing, f"{len(missing)} lines differ from those of an undisturbed run")
    verdict.expect(not (folder / "out/records.jsonl.failures.jsonl").exists(), "there is a file of failures")
    try:
        log = read_lines(folder / "out/records.jsonl.runs.jsonl")
    except ValueError:
        return  # check_files has said so
    starts = [line["run"] for line in log if line["event"] == "start"]
    ends = [line for line in log if line["event"] == "end"]
    verdict.expect(len(set(starts)) == len(starts), "runs.jsonl holds a run twice")
    verdict.expect(bool(ends) and ends[-1]["exit_code"] == 0, "runs.jsonl lacks the end of the last run")


def check_bill(verdict: Verdict, folder: Path, answered: int, missing: int) -> None:
    """The log of runs counts every answer that the endpoint sent, but for those lost in a kill."""
    with suppress(ValueError):  # check_files has said so
        log = read_lines(folder / "out/records.jsonl.runs.jsonl")
        billed = sum(
            line["spent"][part]["requests"] for line in log if "spent" in line for part in ("first", "reasked")
        )
        verdict.expect(
            answered - missing <= billed <= answered, f"{billed} answers are on the bill, {answered} were sent"
        )


def killed(kill: Kill, times: int, bench: Bench, verdict: Verdict) -> None:
    """So many kills, each in a folder of its own."""
    phases: Counter[str] = Counter()
    again, most, kept_not = 0, 0, 0
    for number in range(times):
        folder = bench.folder / f"kill{number}"
        folder.mkdir()
        faults_before = len(verdict.wrong)
        twice, under_way, phase = killed_once(kill, bench, verdict, folder)
        if len(verdict.wrong) > faults_before:
            verdict.wrong[faults_before] = f"[{folder.name}] {verdict.wrong[faults_before]}"
        phases[phase] += 1
        again += twice
        most = max(most, twice)
        kept_not = max(kept_not, twice - under_way)
    parts = ", ".join(f"{count} in {phase}" for phase, count in sorted(phases.items()))
    verdict.came = f"{times} kills ({parts}), asked twice {again}, at most {most} by one kill"
    if not kill.gentle:
        verdict.came += f", of which answered but not kept at most {max(kept_not, 0)}"


def while_printing(number: int, bench: Bench, verdict: Verdict) -> None:
    """A signal comes while a line is being printed, to a pipe that nobody reads at the moment."""
    expected, _ = undisturbed(bench)
    texts = prepare(bench)
    read, write = os.pipe()
    os.set_blocking(write, False)
    with suppress(BlockingIOError):
        while True:
            os.write(write, b"." * 4096)
    os.set_blocking(write, True)
    with serving(latency=0.02) as endpoint:
        arguments = extract(["in"], endpoint.base_url, "--concurrency", str(AT_ONCE))
        tool = start(bench.folder, arguments, stderr=write)
        os.close(write)
        tool.wait_for(lambda: endpoint.answered() >= AT_ONCE, 30)
        time.sleep(1.5)  # until the line of the first document is being printed
        tool.signal(number)
        time.sleep(0.3)
        copying = threading.Thread(target=copy, args=(read, tool.screen_file))
        copying.start()
        ended = tool.wait(20)
        copying.join(2)
        ended = replace(ended, screen=tool.screen().lstrip("."))
        kill = Kill(signal.Signals(number).name, (number,), True, (INTERRUPTED, 128 + number))
        judge_end(kill, verdict, ended, endpoint, "asking")
        check_files(verdict, bench.folder, finished=ended.code == 0)
        resume(verdict, bench.folder, arguments, ended)
        twice = len(endpoint.asks) - len(endpoint.times_asked())
    verdict.came = f"exit {ended.code}, asked twice {twice}"
    if twice:
        verdict.count("doubled", f"{twice} questions asked twice", twice)
    check_files(verdict, bench.folder)
    check_records(verdict, bench.folder, texts)
    check_lines(verdict, bench.folder, expected)


def rows(long: bool) -> list[Row]:
    times = TIMES if long else 1
    made = []
    for kill in KILLS:
        must = "equal to an undisturbed run; " + (
            "nothing asked twice"
            if kill.gentle
            else f"asked twice at most what was under way, and {AT_ONCE} not yet kept"
        )
        short = kill.name in ("SIGKILL", "SIGTERM", "SIGINT twice at a terminal", "SIGHUP")
        made.append(Row("KILLS", f"{kill.name}, {times} times", must, partial(killed, kill, times), short))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        fault = f"{number.name} while a line is printed"
        short = number is signal.SIGINT
        must = "equal to an undisturbed run; nothing asked twice"
        made.append(Row("KILLS", fault, must, partial(while_printing, number), short))
    return made
