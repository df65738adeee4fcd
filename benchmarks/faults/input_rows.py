"""INPUT: hostile inputs, each beside three good documents that must come out as if it were not there."""

from __future__ import annotations

import os
import resource
import signal
import time
from functools import partial
from pathlib import Path

import hostile
from checks import check_files, check_process, check_records, document_of, failures, read_lines, records, ungrounded
from corpus import write_files
from hostile import Hostile
from server import serving
from tool import Ended, can_be_weak, extract, slowness, start
from verdict import Bench, Row, Shared, Verdict

GOOD = 3
ADDRESS_SPACE = 6 * 2**30
"""Bytes: a run that tries to take more gets none, so that it fails instead of the machine."""


def limited() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))


def reference(folder: Path) -> tuple[dict[str, bytes], float]:
    """The lines of the good documents alone, and the seconds of computing that such a run takes."""
    write_files(folder / "in", GOOD)
    (folder / "out").mkdir()
    with serving() as endpoint:
        ended = start(folder, extract(["in"], endpoint.base_url)).wait()
    assert ended.code == 0, f"the undisturbed run failed: {ended}"
    return lines_of(folder), ended.cpu


def lines_of(folder: Path) -> dict[str, bytes]:
    """Id → line, of the good documents."""
    raw = (
        (folder / "out/records.jsonl").read_bytes().split(b"\n")[:-1] if (folder / "out/records.jsonl").exists() else []
    )
    parsed = read_lines(folder / "out/records.jsonl")
    names = {f"D{number:04}" for number in range(1, GOOD + 1)}
    return {line["id"]: text for line, text in zip(parsed, raw, strict=True) if line["id"] in names}


def alone(shared: Shared) -> tuple[dict[str, bytes], float]:
    return shared.once("reference-of-three", reference)  # type: ignore[return-value]


def check(inputs: list[Hostile], cpu: float, bench: Bench, verdict: Verdict) -> None:
    """Run with these hostile inputs beside the good documents."""
    expected, usual = alone(bench.shared)
    weak = any(one.weak for one in inputs)
    if weak and not can_be_weak():
        inputs = [one for one in inputs if not one.weak]
        if not inputs:
            verdict.skipped = "as root without setpriv, permissions hold for nobody"
            return
    write_files(bench.folder / "in", GOOD)
    (bench.folder / "out").mkdir()
    outside = _tree(bench.folder)
    for one in inputs:
        one.make(bench.folder / "in")
    with serving() as endpoint:
        arguments = extract(["in"], endpoint.base_url, *(word for one in inputs for word in one.arguments))
        tool = start(bench.folder, arguments, before=limited, weak=weak)
        ended = tool.wait(cpu + 60)
        asked = len(endpoint.asks)
    check_process(verdict, ended, max(one.memory for one in inputs))
    _open_again(bench.folder / "in")
    if ended.hung:
        computing = f"{ended.cpu - usual:.0f} s of computing"
        verdict.came = f"no end after {ended.seconds:.0f} s, {asked} requests, {computing}, {ended.peak} MB"
        return
    check_files(verdict, bench.folder)
    check_records(verdict, bench.folder, {name: text for one in inputs for name, text in one.texts().items()})
    check_good(verdict, bench.folder, expected)
    check_hostile(verdict, bench.folder, inputs, ended)
    beyond = ended.cpu - usual
    # The short form runs beside other tests, where a core's time counts up to double.
    verdict.expect(
        beyond <= cpu * (1 if bench.long else 2), f"{beyond:.1f} s of computing beyond the usual, over {cpu:.0f}"
    )
    new = {
        path
        for path in _tree(bench.folder) - outside
        if not path.startswith(("in/", "out/", "home", "tmp", "screen", "stdout"))
    }
    verdict.expect(not new, f"files outside of the output's folder: {sorted(new)[:3]}")
    failed = sorted({str(line["kind"]) for line in failures(bench.folder)})
    verdict.came = (
        f"exit {ended.code}, {len(records(bench.folder))} records, {''.join(f'{kind}, ' for kind in failed)}"
        f"{asked} requests, {beyond:+.1f} s, {ended.peak} MB"
    )


def check_good(verdict: Verdict, folder: Path, expected: dict[str, bytes]) -> None:
    """The good documents' lines are those of a run without the hostile ones, byte for byte."""
    try:
        here = lines_of(folder)
    except ValueError as error:
        verdict.expect(False, str(error))
        return
    for name, line in expected.items():
        if name not in here:
            verdict.count("lost", f"no record of the good document {name}")
        else:
            verdict.expect(here[name] == line, f"the line of the good document {name} differs")


def check_hostile(verdict: Verdict, folder: Path, inputs: list[Hostile], ended: Ended) -> None:
    """Every hostile input has a record or a failure of an allowed kind, and the exit code says so."""
    lines, failed = records(folder), failures(folder)
    whole = {document_of(line) for line in lines} | {str(line["id"]) for line in lines}
    for line in failed:
        verdict.expect(line["kind"] != "bug", f"a failure of kind bug ({line['id'][:40]}): {line['reason'][:200]}")
    verdict.expect(ended.code == (1 if failed else 0), f"exit code {ended.code} with {len(failed)} failures")
    for one in inputs:
        for name in one.texts():
            kinds = {str(line["kind"]) for line in failed if str(line["id"]) in (name, f"{name}.txt")}
            outcome = kinds | ({"record"} if name in whole else set())
            allowed = set(one.outcomes)
            verdict.expect(
                not allowed or outcome <= allowed, f"{one.name}: came out as {sorted(outcome)}, not {one.outcomes}"
            )
    for one in inputs:
        for line in lines:
            if (text := one.by_path.get(line["source"]["path"])) is not None:
                for what in ungrounded(line, text):
                    verdict.expect(False, f"{one.name}, {line['source']['path']}: {what}")
    if len(inputs) == 1 and inputs[0].added is not None:
        others, rows_failed = len(lines) - GOOD, len({line["id"] for line in failed})
        found = others if inputs[0].outcomes == hostile.RECORD else others + rows_failed
        if found < inputs[0].added:
            verdict.count("lost", f"{others} records and {rows_failed} failures of {inputs[0].added} rows")
        verdict.expect(others <= inputs[0].added, f"{others} records of {inputs[0].added} rows")


def _tree(folder: Path) -> set[str]:
    return {os.path.relpath(os.path.join(root, name), folder) for root, _, names in os.walk(folder) for name in names}


def _open_again(folder: Path) -> None:
    for path in folder.iterdir():
        if not path.is_symlink() and path.is_dir():
            path.chmod(0o755)


def heard(one: Hostile, bench: Bench, verdict: Verdict) -> None:
    """Ctrl-C, twice, is heard within a second while the text is worked on."""
    write_files(bench.folder / "in", GOOD)
    (bench.folder / "out").mkdir()
    one.make(bench.folder / "in")
    with serving(latency=0.05) as endpoint:
        tool = start(bench.folder, extract(["in"], endpoint.base_url, "--concurrency", "1"), before=limited)
        tool.wait_for(lambda: time.monotonic() - tool.began > 1.5 + bench.chance.random(), 10)
        tool.signal(signal.SIGINT)
        time.sleep(0.1)
        tool.signal(signal.SIGINT)
        ended = tool.wait(30)
    check_process(verdict, ended)
    after = ended.after_signal
    verdict.came = f"exit {ended.code}, " + ("ended before" if after is None else f"{after:.2f} s after the second")
    if after is not None and after > 1.0 * slowness():
        verdict.count("hung", f"ended {after:.1f} s after the second Ctrl-C")


def rows(long: bool) -> list[Row]:
    must = "three good lines byte-equal, a record or a failure"
    made = [
        Row(
            "INPUT",
            one.name,
            f"{must}, at most {one.cpu:.0f} s more",
            partial(check, [one], one.cpu),
            one in hostile.FIRST,
        )
        for one in hostile.ALL
    ]
    # In the short form without those that take seconds of work, however well it is done.
    together = [one for one in hostile.ALL if one.together and (long or one not in hostile.LARGE)]
    name = f"{len(together)} other hostile inputs in one folder"
    made.append(Row("INPUT", name, f"{must} each", partial(check, together, 120.0), True))
    made += [
        Row("INPUT", f"Ctrl-C twice during {one.name}", "ended within a second", partial(heard, one))
        for one in hostile.FIRST
    ]
    return made
