"""What a person sees of a run on standard error: progress while it goes, and what it came to."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
        self._lock = threading.Lock()
        self._task: TaskID | None = bar.add_task("reading", total=None) if bar else None
        self.documents = self.records = self.requests = 0
        self._said_failures = False

    def over(self, call: Call) -> Call:
        """`call`, with each question shown as it is asked."""

        def watched(request: Request) -> Reply:
            self._show(f"{request.about.get('document')}: {request.about.get('field')} at {request.about.get('start')}")
            reply = call(request)
            with self._lock:
                self.requests += 1
            return reply

        return watched

    def told(self, name: str, records: int, failures: list[Json]) -> None:
        """A document is done."""
        self.documents += 1
        self.records += records
        if self._bar is None:
            trouble = f", {_count(len(failures), 'failure')}" if failures else ""
            reason = f": {failures[0]['reason']}" if failures and not self._said_failures else ""
            self._say(f"{name}: {_count(records, 'record')}{trouble}{reason}")
        self._show(name)

    def failed(self, failure: Json) -> None:
        """A failure that is written nowhere else: said even when quiet, above the moving line if there is one."""
        self._said_failures = True
        where = f"{failure['field']} at {failure['start']}-{failure['end']}: " if failure["field"] else ""
        line = f"extractor: {failure['id']}: {where}{failure['reason']}"
        if self._bar is None:
            print(line, file=sys.stderr, flush=True)
        else:
            self._bar.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def installing(self, done: int, total: int) -> None:
        """The model is being joined or checked: bytes done, bytes in all."""
        self._show(f"preparing the model, {done * 100 // max(total, 1)} %")

    def _show(self, what: str) -> None:
        if self._bar is not None and self._task is not None:
            so_far = f"{_count(self.documents, 'document')}, {_count(self.records, 'record')}, {self.requests} answers"
            self._bar.update(self._task, description=f"{so_far} · {what}")


@contextmanager
def progressing(quiet: bool, to_stdout: bool) -> Iterator[Progressing]:
    """Progress for the length of the block. No moving line where the records themselves go to the same terminal."""
    if quiet:
        yield Progressing(None, lambda line: None)
    elif sys.stderr.isatty() and not (to_stdout and sys.stdout is not None and sys.stdout.isatty()):
        from rich.console import Console
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = (SpinnerColumn(), TimeElapsedColumn(), TextColumn("{task.description}", markup=False))
        console = Console(stderr=True)
        # By default rich takes standard output too, and would send the records to the terminal.
        with Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False) as bar:
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


def describe(summary: Summary, seconds: float) -> list[str]:
    """What a run came to, and what to do next, as lines."""
    usage = summary.usage
    where = f" → {summary.output}" if summary.output and summary.records else ""
    failed = f", {summary.failed} failed" if summary.failed else ""
    lines = [
        f"{_count(summary.documents, 'document')}, {_count(summary.records, 'record')}{failed}, {seconds:.1f} s{where}",
        "items: " + (", ".join(f"{name} {n}" for name, n in summary.items.items()) or "none"),
        "coverage: "
        + (
            ", ".join(f"{name} {summary.cited[name]} of {n}" for name, n in summary.signs.items() if n)
            or "nothing to count"
        ),
        "problems: " + (", ".join(f"{kind} {n}" for kind, n in summary.problems.most_common()) or "none"),
        f"asked: {_count(usage.requests, 'answer')}, {usage.input_tokens} tokens in ({usage.cached_tokens} cached), "
        f"{usage.output_tokens} out",
    ]
    if summary.empty:
        lines.append(f"empty: {_count(summary.empty, 'record')} without any item: is the text one for this schema?")
    if summary.failures:
        kinds = ", ".join(f"{kind} {n}" for kind, n in summary.failures.most_common())
        noted = f", named in {summary.noted}" if summary.noted else ""
        lines.append(f"failures: {kinds}{noted}")
    if summary.left:
        lines.append(f"left: {_count(summary.left, 'failed document')} not among the inputs, still in {summary.noted}")
    if summary.stopped is not None:
        lines.append(f"stopped: {summary.stopped}")
    return lines + _next_steps(summary)


def _next_steps(summary: Summary) -> list[str]:
    if not summary.failures:
        return []
    if summary.noted is None:
        return ["next: mend the cause and run again; with -o FILE, --retry-failed converts only what failed"]
    if summary.noted.suffix == ".part":
        older = summary.output.with_suffix("") if summary.output else ""
        return [f"next: mend the cause and run the same command again; {older} is as it was before this run"]
    return ["next: mend the cause, then run the same command with --retry-failed to convert only those"]


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}{'' if n == 1 else 's'}"
