"""Faults, done on purpose to the command line: what must come out, what came out, and five counts.

    python benchmarks/faults/run.py [--short] [--seed N] [--only GROUP] [--rows WORDS] [--jobs N] [--kills N]

Everything runs on this machine: the endpoint is a stand-in on loopback, which counts for itself what it was
asked. The short form takes about a minute on two cores and is part of the tests, the long form half an hour.
lost: an expected record or failure is missing. doubled: an id twice in the output, or a question asked more
often than allowed. hung: no end within the bound, or Ctrl-C unheard for a second. leaked: a key or a text
where it must not be. traceback: a traceback or an abort on any stream. Linux only. The exit code is 1 if a
count is not 0 or an expectation fails.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import budget_rows
import disk_rows
import endpoint_rows
import input_rows
import key_rows
import kill_rows
import outage_rows
import two_rows
from verdict import COUNTS, Bench, Row, Shared, Verdict

MODULES = (endpoint_rows, key_rows, outage_rows, input_rows, kill_rows, disk_rows, two_rows, budget_rows)
GROUPS = ("ENDPOINT", "INPUT", "KILLS", "DISK", "TWO RUNS", "BUDGET")


def chosen(short: bool, only: str | None, words: str | None) -> list[Row]:
    """The rows to run."""
    rows = [row for module in MODULES for row in module.rows(not short)]
    return [
        row
        for row in rows
        if (row.short or not short)
        and (only is None or row.group.casefold() == only.casefold())
        and (words is None or words in row.fault)
    ]


def run_row(row: Row, number: int, root: Path, seed: int, long: bool, shared: Shared) -> tuple[Verdict, float]:
    """Run one row in a folder of its own, which is kept only if the row fails."""
    folder = root / f"row{number}"
    folder.mkdir()
    verdict, began = Verdict(), time.monotonic()
    try:
        row.check(Bench(folder, random.Random(f"{seed} {row.fault}"), long, shared), verdict)
    except Exception:
        verdict.wrong.append(f"the harness itself failed: {traceback.format_exc(limit=-3)[-1500:]}")
    if verdict.passed:
        shutil.rmtree(folder, ignore_errors=True)
    return verdict, time.monotonic() - began


def show(row: Row, verdict: Verdict, seconds: float) -> None:
    """Print a row of the table."""
    word = "skipped" if verdict.skipped else "ok" if verdict.passed else "FAILED"
    cells = [row.group, row.fault, row.must, verdict.skipped or verdict.came, f"{word}, {seconds:.0f} s"]
    print("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |")
    for what in verdict.wrong[:8]:
        print(f"    {what}")
    if len(verdict.wrong) > 8:
        print(f"    … and {len(verdict.wrong) - 8} more")
    sys.stdout.flush()


def in_own_namespace() -> None:
    """Start again with the right to mount small disks, where the system allows that to anybody."""
    inside = "FAULTS_CAN_MOUNT"
    if inside in os.environ or not shutil.which("unshare"):
        return
    words = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
    if os.system(f"{' '.join(words)} true 2>/dev/null") == 0:
        os.environ[inside] = "1"
        os.execvp(words[0], [*words, sys.executable, *sys.argv])


def main() -> int:
    parser = argparse.ArgumentParser(description="Faults, done on purpose to the command line.")
    parser.add_argument("--short", action="store_true", help="the rows of the tests: about a minute")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", metavar="GROUP", choices=[*GROUPS, *map(str.lower, GROUPS)])
    parser.add_argument("--rows", metavar="WORDS", help="only rows whose fault holds these words")
    parser.add_argument("--jobs", type=int, default=4, help="rows side by side")
    parser.add_argument("--kills", type=int, default=kill_rows.TIMES, help="kills of each kind in the long form")
    options = parser.parse_args()
    kill_rows.TIMES = options.kills
    in_own_namespace()
    rows = chosen(options.short, options.only, options.rows)
    root = Path(tempfile.mkdtemp(prefix="faults-"))
    totals: Counter[str] = Counter()
    failed = skipped = 0
    began = time.monotonic()
    print("| group | fault | must come out | came out | verdict |\n|---|---|---|---|---|")
    with ThreadPoolExecutor(options.jobs) as pool:
        shared = Shared(root / "shared")
        futures = [
            (row, pool.submit(run_row, row, number, root, options.seed, not options.short, shared))
            for number, row in enumerate(rows)
        ]
        for row, future in futures:
            verdict, seconds = future.result()
            show(row, verdict, seconds)
            totals += verdict.counts
            failed += not verdict.passed
            skipped += bool(verdict.skipped)
    print(f"\n{len(rows)} rows, {failed} failed, {skipped} skipped, {time.monotonic() - began:.0f} s")
    print(", ".join(f"{name} {totals[name]}" for name in COUNTS))
    if failed:
        print(f"The folders of the rows that failed are in {root}.")
    else:
        shutil.rmtree(root, ignore_errors=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
