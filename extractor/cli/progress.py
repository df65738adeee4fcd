"""The progress of a run on standard error."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TextIO, cast

from extractor.llm.call import Call, Reply, Request
from extractor.runs.budget import Budget
from extractor.wording import counted, dollars, duration, rounded

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from extractor.output.failures import FailureEntry

Print = Callable[[str], None]

# In a pipe: one line for each of the first documents, then the state of the run every LINE_EVERY seconds.
FIRST_LINES = 20
LINE_EVERY = 15.0


class ProgressDisplay:
    """Progress of a run: one moving line on a terminal, lines now and then in a pipe, nothing when quiet.

    `total` is the number of documents, if known; `skipped` returns how many of them need no work.
    """

    def __init__(self, bar: Progress | None, print_line: Print, now: Callable[[], float] = time.monotonic) -> None:
        self._bar = bar
        self._print = print_line
        self._now = now
        self._task: TaskID | None = bar.add_task("reading", total=None) if bar else None
        self._budget = Budget()
        self._began = self._printed = now()
        self._reason_shown = False
        self.documents = self.records = self.failed = 0
        self.total: int | None = None
        self.skipped: Callable[[], int] = lambda: 0

    @property
    def last_words(self) -> str:
        """What puts the terminal right if the process ends without closing the display: the cursor is shown again."""
        return "\r\x1b[2K\x1b[?25h" if self._bar is not None else ""

    @property
    def is_shown(self) -> bool:
        """False if the user asked for quiet."""
        return self._print is not print_nothing

    def watch_budget(self, budget: Budget) -> None:
        """Show what this budget counts from now on."""
        self._budget, self._began = budget, self._now()

    def watch_call(self, call: Call) -> Call:
        """Return `call` with each question shown when it is asked."""
        if self._bar is None:
            return call

        def watched(request: Request) -> Reply:
            about = request.about
            self._move(f"{self.line()} · {about.get('document')}: {about.get('field')} at {about.get('start')}")
            return call(request)

        return watched

    def document_done(self, name: str, records: int, failures: list[FailureEntry]) -> None:
        """Count a finished document and show the progress. Only the first failure's reason is printed."""
        self.documents += 1
        self.records += records
        self.failed += bool(failures)
        if self._bar is not None:
            self._move(self.line())
        elif self.documents <= FIRST_LINES or (failures and not self._reason_shown):
            number = f", {counted(len(failures), 'failure')}" if failures else ""
            reason = f": {failures[0]['reason']}" if failures and not self._reason_shown else ""
            self._reason_shown |= bool(failures)
            self._print(f"{name}: {counted(records, 'record')}{number}{reason}")
            self._printed = self._now()
        elif self._now() - self._printed >= LINE_EVERY:
            self._print(self.line())
            self._printed = self._now()

    def line(self) -> str:
        """The state of the run in one line, each number with its unit."""
        budget, seconds = self._budget, max(self._now() - self._began, 0.001)
        usage = budget.usage
        of = f" of {self.total - self.skipped()}" if self.total else ""
        parts = [f"{self.documents}{of} documents"]
        if self.failed:
            parts.append(f"{self.failed} with failures")
        parts.append(f"{usage.requests / seconds:.1f} answers/s")
        if self.total and self.documents:
            left = max(self.total - self.skipped() - self.documents, 0)
            parts.append(f"{duration(seconds / self.documents * left)} left")
        parts.append(f"{rounded(usage.input_tokens + usage.output_tokens)} tokens")
        if cost := budget.cost(usage):
            parts.append(dollars(cost))
        if budget.retries:
            parts.append(counted(budget.retries, "attempt repeated", "attempts repeated"))
        return " · ".join(parts)

    def show_failure(self, failure: FailureEntry) -> None:
        """Show a failure that no file records, even when quiet; above the moving line if there is one."""
        self._reason_shown = True
        where = f"{failure['field']} at {failure['start']}-{failure['end']}: " if failure["field"] else ""
        self.warn(f"extractor: {failure['id']}: {where}{failure['reason']}")

    def announce(self, line: str) -> None:
        """Show a lengthy step: in the moving line on a terminal, on a line of its own in a pipe."""
        if self._bar is not None:
            self._move(line)
        else:
            self._print(line)

    def say(self, line: str) -> None:
        """Print a line unless quiet."""
        if self.is_shown:
            self.warn(line)

    def warn(self, line: str) -> None:
        """Print a line, even when quiet."""
        if self._bar is None:
            _print(line)
        else:
            self._bar.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def warn_from_signal(self, line: str) -> None:
        """Print a line from a signal handler, which may have come in the middle of a print: past all buffers."""
        start = "\r\x1b[2K" if self._bar is not None else ""
        with suppress(OSError):
            os.write(2, f"{start}{line}\n".encode())

    def on_model_bytes(self, done: int, total: int) -> None:
        """Show how much of the embedded model's file is joined or checked, in bytes."""
        self._move(f"preparing the embedded model, {done * 100 // max(total, 1)} %")

    def _move(self, description: str) -> None:
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, description=description)


def print_nothing(line: str) -> None:
    """Print nothing: the user asked for quiet."""


@contextmanager
def progress_display(quiet: bool, to_stdout: bool) -> Iterator[ProgressDisplay]:
    """Show progress during the block. There is no moving line if the records go to the same terminal."""
    if quiet:
        yield ProgressDisplay(None, print_nothing)
    elif sys.stderr.isatty() and not (to_stdout and sys.stdout is not None and sys.stdout.isatty()):
        from rich.console import Console
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = (SpinnerColumn(), TimeElapsedColumn(), TextColumn("{task.description}", markup=False))
        console = Console(file=cast(TextIO, _Lenient(sys.stderr)))
        # By default rich redirects standard output too, and would send the records to the terminal.
        with Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False) as bar:
            yield ProgressDisplay(bar, lambda line: None)
    else:
        yield ProgressDisplay(None, _print)


def _print(line: str) -> None:
    """Print to standard error, if it can be: what is shown is worth less than the run, which goes on."""
    with suppress(OSError):
        print(line, file=sys.stderr, flush=True)


class _Lenient:
    """Standard error without its errors: the terminal may hang up while a run goes on."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def byte_bar() -> Iterator[Callable[[int, int], None]]:
    """A progress bar for bytes on a terminal; the callback takes the bytes done and the total."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    columns = (TextColumn("joining"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("joining", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
