"""DISK: the disk fills up, is taken away, or was torn by an earlier crash. Nothing that was finished is lost."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from checks import check_files, check_process, check_records, read_lines
from corpus import write_files
from kill_rows import AT_ONCE, LATENCY, check_lines, prepare, undisturbed
from server import Endpoint, serving
from tool import Ended, can_be_weak, extract, start
from verdict import Bench, Row, Verdict

SMALL = "400k"


def arguments_at(endpoint: Endpoint) -> list[str]:
    return extract(["in"], endpoint.base_url, "--concurrency", str(AT_ONCE))


@contextmanager
def small_disk(folder: Path, size: str = SMALL) -> Iterator[bool]:
    """Mount a small disk at the folder; whether that was possible."""
    mounted = "FAULTS_CAN_MOUNT" in os.environ and _mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder))
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], check=False)


def _mount(*words: str) -> bool:
    return subprocess.run(["mount", *words], capture_output=True, check=False).returncode == 0


def finish(bench: Bench, verdict: Verdict, endpoint: Endpoint, texts: dict[str, str | None]) -> None:
    """Run again, until it is done: the output is that of an undisturbed run."""
    expected, questions = undisturbed(bench)
    for _ in range(3):
        ended = start(bench.folder, arguments_at(endpoint)).wait()
        check_process(verdict, ended)
        if ended.code == 0:
            break
    verdict.expect(ended.code == 0, f"resumed with space: exit code {ended.code}: {ended.screen[-300:]}")
    check_files(verdict, bench.folder)
    check_records(verdict, bench.folder, texts)
    check_lines(verdict, bench.folder, expected)
    twice = len(endpoint.asks) - len(endpoint.times_asked())
    verdict.came += f"; resumed: asked twice {twice} of {questions}"
    if twice > 2 * AT_ONCE:
        verdict.count("doubled", f"{twice} questions asked twice, over {2 * AT_ONCE}", twice)


def said_so(verdict: Verdict, ended: Ended, *words: str) -> None:
    """A sentence says what happened, and the exit code is that of an output that can't be written."""
    check_process(verdict, ended)
    verdict.came = f"exit {ended.code}, {ended.seconds:.0f} s"
    verdict.expect(ended.code == 2, f"exit code {ended.code}, not 2: {ended.screen[-300:]}")
    found = any(word in ended.screen.lower() for word in words)
    verdict.expect(found, f"none of {words} is said: {ended.screen[-300:]!r}")


FULL = ("no space", "disk", "space")


def too_small(bench: Bench, verdict: Verdict) -> None:
    """A disk that the output does not fit on."""
    texts = prepare(bench)
    with serving(latency=LATENCY) as endpoint, small_disk(bench.folder / "out", "60k") as mounted:
        if not mounted:
            verdict.skipped = "no right to mount a small disk"
            return
        said_so(verdict, start(bench.folder, arguments_at(endpoint)).wait(), *FULL)
        _mount("-o", "remount,size=20m", str(bench.folder / "out"))
        finish(bench, verdict, endpoint, texts)


def fills_up(bench: Bench, verdict: Verdict) -> None:
    """Something else takes all space at a random moment; later there is space again."""
    texts = prepare(bench)
    _, questions = undisturbed(bench)
    with serving(latency=LATENCY) as endpoint, small_disk(bench.folder / "out", "20m") as mounted:
        if not mounted:
            verdict.skipped = "no right to mount a small disk"
            return
        tool = start(bench.folder, arguments_at(endpoint))
        moment = bench.chance.randrange(1, questions)
        tool.wait_for(lambda: len(endpoint.asks) >= moment, 60)
        filler = bench.folder / "out" / "filler"
        with filler.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(4096))
        ended = tool.wait()
        if ended.code == 0:
            verdict.came = "was done already"
        else:
            said_so(verdict, ended, *FULL)
        verdict.came += f", full after {moment} of {questions} questions"
        filler.unlink()
        finish(bench, verdict, endpoint, texts)


def size_limit(bench: Bench, verdict: Verdict) -> None:
    """No file may grow beyond 40 kB (a quota, or a file system's limit)."""
    texts = prepare(bench)

    def limited() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))

    with serving(latency=LATENCY) as endpoint:
        said_so(verdict, start(bench.folder, arguments_at(endpoint), before=limited).wait(), "large", "big", *FULL)
        finish(bench, verdict, endpoint, texts)


def removed(bench: Bench, verdict: Verdict) -> None:
    """The output's folder is removed in the middle of the run."""
    prepare(bench)
    with serving(latency=LATENCY) as endpoint:
        tool = start(bench.folder, arguments_at(endpoint))
        tool.wait_for(lambda: endpoint.answered() >= 10, 60)
        shutil.rmtree(bench.folder / "out", ignore_errors=True)
        ended = tool.wait()
        check_process(verdict, ended)
        verdict.came = f"exit {ended.code}, {ended.seconds:.0f} s, said: {ended.screen.strip()[-80:]!r}"
        verdict.expect(ended.code == 2, f"exit code {ended.code}, not 2: {ended.screen[-300:]}")
        shutil.rmtree(bench.folder / "out", ignore_errors=True)
        (bench.folder / "out").mkdir()
        ended = start(bench.folder, arguments_at(endpoint)).wait()
        check_process(verdict, ended)
        verdict.expect(ended.code == 0, f"run again: exit code {ended.code}")
        check_files(verdict, bench.folder)
        check_lines(verdict, bench.folder, undisturbed(bench)[0])


def read_only(way: str, bench: Bench, verdict: Verdict) -> None:
    """A folder that can't be written: said before anything is asked."""
    texts = prepare(bench)
    if way == "mount":
        with small_disk(bench.folder / "out") as mounted:
            if not mounted or not _mount("-o", "remount,ro", str(bench.folder / "out")):
                verdict.skipped = "no right to mount a disk"
                return
            with serving() as endpoint:
                said_so(
                    verdict, start(bench.folder, arguments_at(endpoint)).wait(), "read-only", "written", "permission"
                )
                verdict.expect(not endpoint.asks, f"{len(endpoint.asks)} questions were asked before")
        return
    if not can_be_weak():
        verdict.skipped = "as root without setpriv, permissions hold for nobody"
        return
    with serving() as endpoint:
        if way == "folder":
            (bench.folder / "out").chmod(0o555)
        else:
            (bench.folder / "out/records.jsonl").touch()
            (bench.folder / "out/records.jsonl").chmod(0o444)
        ended = start(bench.folder, arguments_at(endpoint), weak=True).wait()
        (bench.folder / "out").chmod(0o755)
        said_so(verdict, ended, "permission", "write")
        verdict.expect(not endpoint.asks, f"{len(endpoint.asks)} questions were asked before")
        (bench.folder / "out/records.jsonl").unlink(missing_ok=True)
        finish(bench, verdict, endpoint, texts)


def full_stdout(bench: Bench, verdict: Verdict) -> None:
    """Standard output is /dev/full."""
    write_files(bench.folder / "in", 4)
    (bench.folder / "out").mkdir()
    with serving() as endpoint:
        arguments = extract(["in"], endpoint.base_url, output="")
        ended = start(bench.folder, arguments, stdout="/dev/full").wait()
    said_so(verdict, ended, *FULL)


def output_dev_full(bench: Bench, verdict: Verdict) -> None:
    """The output is /dev/full."""
    write_files(bench.folder / "in", 4)
    (bench.folder / "out").mkdir()
    with serving() as endpoint:
        ended = start(bench.folder, extract(["in"], endpoint.base_url, output="/dev/full")).wait()
    said_so(verdict, ended, *FULL)


# --- torn files ---


def half_line(path: Path) -> None:
    """The last line lacks its end."""
    content = path.read_bytes()
    start_of_last = content.rstrip(b"\n").rfind(b"\n") + 1
    with path.open("r+b") as file:
        file.truncate(start_of_last + (len(content) - start_of_last) // 2)


def no_newline(path: Path) -> None:
    """The last line lacks only its line end."""
    with path.open("r+b") as file:
        file.truncate(max(path.stat().st_size - 1, 0))


def nuls(path: Path) -> None:
    """A power loss left a block of NUL bytes at the end, as journalling file systems do."""
    with path.open("ab") as file:
        file.write(bytes(4096))


def half_character(path: Path) -> None:
    """A line that ends within a character was added."""
    with path.open("ab") as file:
        file.write('{"id": "县'.encode()[:-1])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


TEARS: dict[str, Callable[[Path], None]] = {
    "half a last line": half_line,
    "no last line end": no_newline,
    "NUL bytes at the end": nuls,
    "half a character at the end": half_character,
    "emptied": emptied,
}


def torn(tear: Callable[[Path], None], which: str, bench: Bench, verdict: Verdict) -> None:
    """A run is killed, its files are torn, and it is resumed."""
    texts = prepare(bench)
    expected, questions = undisturbed(bench)
    out = bench.folder / "out"
    with serving(latency=LATENCY) as endpoint:
        tool = start(bench.folder, arguments_at(endpoint))
        tool.wait_for(lambda: endpoint.answered() >= questions // 2, 60)
        time.sleep(0.3)
        tool.signal(signal.SIGKILL)
        tool.wait()
        paths = {
            "every file": [path for path in sorted(out.rglob("*")) if path.is_file()],
            "the records": [out / "records.jsonl.part"],
            "the answers": sorted((out / "records.jsonl.answers").glob("*.jsonl")),
            "runs.jsonl": [out / "records.jsonl.runs.jsonl"],
        }[which]
        sizes = sum(path.stat().st_size > 0 for path in paths)
        for path in paths:
            tear(path)
        ended = start(bench.folder, arguments_at(endpoint)).wait()
        check_process(verdict, ended)
        verdict.came = (
            f"{sizes} files torn; resumed: exit {ended.code}, {len(endpoint.asks) - questions} more questions"
        )
        verdict.expect(ended.code == 0, f"resumed: exit code {ended.code}: {ended.screen[-300:]}")
    check_files(verdict, bench.folder)
    check_records(verdict, bench.folder, texts)
    check_lines(verdict, bench.folder, expected)


def torn_end(tear: Callable[[Path], None], bench: Bench, verdict: Verdict) -> None:
    """The files of a finished run with failures are torn; the next run repairs them and does the rest."""
    texts = prepare(bench)
    expected, _ = undisturbed(bench)
    out = bench.folder / "out"
    with serving() as endpoint:
        with serving(
            lambda ask: None if ask.document != "D0003" else (b"HTTP/1.1 400 no\r\ncontent-length: 0\r\n\r\n",)
        ) as bad:
            first = start(bench.folder, arguments_at(bad)).wait()
        check_process(verdict, first)
        verdict.expect(first.code == 1, f"the first run: exit code {first.code}")
        for path in sorted(out.rglob("*")):
            if path.is_file():
                tear(path)
        for more in ([], ["--retry-failed"]):
            ended = start(bench.folder, [*arguments_at(endpoint), *more]).wait()
            check_process(verdict, ended)
        verdict.came = f"exit {ended.code}, {len(endpoint.asks)} questions"
        verdict.expect(ended.code == 0, f"resumed: exit code {ended.code}: {ended.screen[-300:]}")
    check_files(verdict, bench.folder)
    check_records(verdict, bench.folder, texts)
    here = {line["id"] for line in read_lines(out / "records.jsonl")}
    missing = expected.keys() - here
    if missing:
        verdict.count("lost", f"no record of {sorted(missing)[:5]}", len(missing))


def rows(long: bool) -> list[Row]:
    resumed = "exit 2 and a sentence; resumed: equal"
    made = [
        Row("DISK", "a disk that is too small, later enough space", resumed, too_small),
        Row("DISK", "a file size limit, later none", resumed, size_limit),
        Row("DISK", "the output's folder removed in mid-run", "exit 2; run again: whole", removed),
        Row(
            "DISK",
            "a disk mounted read-only",
            "exit 2 and a sentence, nothing asked",
            partial(read_only, "mount"),
            True,
        ),
        Row("DISK", "a folder without permission", resumed, partial(read_only, "folder")),
        Row("DISK", "an output without permission", resumed, partial(read_only, "file")),
        Row("DISK", "standard output is /dev/full", "exit 2 and a sentence", full_stdout),
        Row("DISK", "the output is /dev/full", "exit 2 and a sentence", output_dev_full),
    ]
    for number in range(1, 11 if long else 2):
        made.append(Row("DISK", f"full at a random moment ({number})", resumed, fills_up, number == 1))
    for name, tear in TEARS.items():
        for which in ("every file", "the records", "the answers", "runs.jsonl"):
            short = (name, which) == ("half a last line", "every file")
            made.append(
                Row(
                    "DISK",
                    f"torn by a kill: {name}, {which}",
                    "repaired; resumed: equal",
                    partial(torn, tear, which),
                    short,
                )
            )
        if tear is not emptied:
            made.append(
                Row(
                    "DISK", f"torn after the end: {name}, every file", "repaired, nothing lost", partial(torn_end, tear)
                )
            )
    return made
