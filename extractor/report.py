"""What a person sees of a run on standard error: progress while it goes, and what it came to."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from extractor.data import Call, Json, Reply, Request
from extractor.run import Summary

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

Say = Callable[[str], None]


class Progressing:
    """Progress of a run: one moving line on a terminal, a line a document in a pipe, nothing when quiet."""

    def __init__(self, bar: Progress | None, say: Say) -> None:
        self._bar = bar
        self._say = say
        self._task: TaskID | None = bar.add_task("reading", total=None) if bar else None
        self.documents = self.records = self.requests = 0
        self._began = time.monotonic()

    def over(self, call: Call) -> Call:
        """`call`, with each question shown as it is asked."""

        def watched(request: Request) -> Reply:
            self._show(f"{request.about.get('document')}: {request.about.get('field')} at {request.about.get('start')}")
            reply = call(request)
            self.requests += 1
            return reply

        return watched

    def told(self, name: str, records: int, failures: list[Json]) -> None:
        """A document is done."""
        self.documents += 1
        self.records += records
        if self._bar is None:
            trouble = f", {len(failures)} failed: {failures[0]['reason']}" if failures else ""
            self._say(f"{name}: {_count(records, 'record')}{trouble}")
        self._show(name)

    def installing(self, done: int, total: int) -> None:
        """The model is being joined or checked: bytes done, bytes in all."""
        self._show(f"preparing the model, {done * 100 // max(total, 1)} %")

    def _show(self, what: str) -> None:
        if self._bar is not None and self._task is not None:
            so_far = f"{_count(self.documents, 'document')}, {_count(self.records, 'record')}, {self.requests} answers"
            self._bar.update(self._task, description=f"{so_far} · {what}")


@contextmanager
def progressing(quiet: bool) -> Iterator[Progressing]:
    """Progress for the length of the block."""
    if quiet:
        yield Progressing(None, lambda line: None)
    elif sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = (SpinnerColumn(), TimeElapsedColumn(), TextColumn("{task.description}", markup=False))
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            yield Progressing(bar, lambda line: None)
    else:
        yield Progressing(None, lambda line: print(line, file=sys.stderr, flush=True))


@contextmanager
def installing() -> Iterator[Callable[[int, int], None]]:
    """A progress bar for bytes, on a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    columns = (TextColumn("joining"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("joining", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def describe(summary: Summary, output: Path | None, failures: Path | None, seconds: float) -> list[str]:
    """What a run came to, and what to do next, as lines."""
    usage = summary.usage
    lines = [
        f"{_count(summary.documents, 'document')}, {_count(summary.records, 'record')}"
        + (f", {summary.failed} failed" if summary.failed else "")
        + f", {seconds:.1f} s"
        + (f" → {output}" if output else ""),
        "items: " + (", ".join(f"{name} {n}" for name, n in summary.items.items()) or "none"),
        "problems: " + (", ".join(f"{kind} {n}" for kind, n in summary.problems.most_common()) or "none"),
        f"asked: {_count(usage.requests, 'answer')}, {usage.input_tokens} tokens in ({usage.cached_tokens} cached), "
        f"{usage.output_tokens} out",
    ]
    if summary.failed:
        kinds = ", ".join(f"{kind} {n}" for kind, n in summary.failures.most_common())
        where = f", named in {failures}" if failures else ""
        lines.append(f"failures: {kinds}{where}")
    if summary.stopped is not None:
        lines.append(f"stopped: {summary.stopped}")
    if summary.failed and failures:
        lines.append("next: mend the cause, then run the same command with --retry-failed to convert only those")
    return lines


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}{'' if n == 1 else 's'}"
