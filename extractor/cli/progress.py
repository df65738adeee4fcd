"""What a person sees of a run on standard error: progress while it goes, and what it came to."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from extractor.llm.call import Call, Reply, Request
from extractor.runs.budget import Budget
from extractor.runs.wording import counted, dollars, duration, rounded

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from extractor.output.failures import FailureEntry

Say = Callable[[str], None]

# In a pipe: a line a document for so many; then how far the run is, so often (seconds).
FIRST_LINES = 20
LINE_EVERY = 15.0


class ProgressDisplay:
    """Progress of a run: one moving line on a terminal, lines now and then in a pipe, nothing when quiet.

    `total` is how many documents there are, where that is known; `skipped` tells how many of them were done before.
    """

    def __init__(self, bar: Progress | None, say: Say, now: Callable[[], float] = time.monotonic) -> None:
        self._bar = bar
        self._say = say
        self._now = now
        self._task: TaskID | None = bar.add_task("reading", total=None) if bar else None
        self._budget = Budget()
        self._began = self._said = now()
        self._said_failures = False
        self.documents = self.records = self.failed = 0
        self.total: int | None = None
        self.skipped: Callable[[], int] = lambda: 0

    @property
    def is_shown(self) -> bool:
        """Whether anybody sees it."""
        return self._say is not unsaid

    def watch(self, budget: Budget) -> None:
        """Show what this account spends, from now on."""
        self._budget, self._began = budget, self._now()

    def over(self, call: Call) -> Call:
        """`call`, with each question shown as it is asked."""
        if self._bar is None:
            return call

        def watched(request: Request) -> Reply:
            about = request.about
            self._show(f"{self.line()} · {about.get('document')}: {about.get('field')} at {about.get('start')}")
            return call(request)

        return watched

    def told(self, name: str, records: int, failures: list[FailureEntry]) -> None:
        """A document is done."""
        self.documents += 1
        self.records += records
        self.failed += bool(failures)
        if self._bar is not None:
            self._show(self.line())
        elif self.documents <= FIRST_LINES or (failures and not self._said_failures):
            trouble = f", {counted(len(failures), 'failure')}" if failures else ""
            reason = f": {failures[0]['reason']}" if failures and not self._said_failures else ""
            self._said_failures |= bool(failures)
            self._say(f"{name}: {counted(records, 'record')}{trouble}{reason}")
            self._said = self._now()
        elif self._now() - self._said >= LINE_EVERY:
            self._say(self.line())
            self._said = self._now()

    def line(self) -> str:
        """How far the run is."""
        budget, seconds = self._budget, max(self._now() - self._began, 0.001)
        usage = budget.usage
        of = f" of {self.total - self.skipped()}" if self.total else ""
        parts = [f"{self.documents}{of} documents", f"{usage.requests / seconds:.1f} answers/s"]
        if self.total and self.documents:
            left = max(self.total - self.skipped() - self.documents, 0)
            parts.append(f"{duration(seconds / self.documents * left)} left")
        parts.append(f"{rounded(usage.input_tokens + usage.output_tokens)} tokens")
        if cost := budget.cost(usage):
            parts.append(dollars(cost))
        if budget.retries:
            parts.append(f"{budget.retries} retried")
        if self.failed:
            parts.append(f"{self.failed} failed")
        return " · ".join(parts)

    def failed_line(self, failure: FailureEntry) -> None:
        """A failure that is written nowhere else: said even when quiet, above the moving line if there is one."""
        self._said_failures = True
        where = f"{failure['field']} at {failure['start']}-{failure['end']}: " if failure["field"] else ""
        self.warn(f"extractor: {failure['id']}: {where}{failure['reason']}")

    def say(self, line: str) -> None:
        """Something to know before the run goes on."""
        if self.is_shown:
            self.warn(line)

    def warn(self, line: str) -> None:
        """Something that must be seen, even when quiet."""
        if self._bar is None:
            print(line, file=sys.stderr, flush=True)
        else:
            self._bar.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def installing(self, done: int, total: int) -> None:
        """The model is being joined or checked: bytes done, bytes in all."""
        self._show(f"preparing the model, {done * 100 // max(total, 1)} %")

    def _show(self, what: str) -> None:
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, description=what)


def unsaid(line: str) -> None:
    """Says nothing."""


@contextmanager
def progress_display(quiet: bool, to_stdout: bool) -> Iterator[ProgressDisplay]:
    """Progress for the length of the block. No moving line where the records themselves go to the same terminal."""
    if quiet:
        yield ProgressDisplay(None, unsaid)
    elif sys.stderr.isatty() and not (to_stdout and sys.stdout is not None and sys.stdout.isatty()):
        from rich.console import Console
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = (SpinnerColumn(), TimeElapsedColumn(), TextColumn("{task.description}", markup=False))
        console = Console(stderr=True)
        # By default rich takes standard output too, and would send the records to the terminal.
        with Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False) as bar:
            yield ProgressDisplay(bar, lambda line: None)
    else:
        yield ProgressDisplay(None, lambda line: print(line, file=sys.stderr, flush=True))


@contextmanager
def installing() -> Iterator[Callable[[int, int], None]]:
    """A progress bar for bytes, on a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    columns = (TextColumn("joining"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("joining", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
