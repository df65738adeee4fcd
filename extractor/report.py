"""What a person sees of a run on standard error: progress while it goes, and what it came to."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from extractor.account import Account
from extractor.data import Call, Json, Reply, Request
from extractor.faults import Interrupted
from extractor.run import Summary

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

Say = Callable[[str], None]

# In a pipe: a line a document for so many; then how far the run is, so often (seconds).
FIRST_LINES = 20
LINE_EVERY = 15.0


class Progressing:
    """Progress of a run: one moving line on a terminal, lines now and then in a pipe, nothing when quiet.

    `total` is how many documents there are, where that is known; `skipped` tells how many of them were done before.
    """

    def __init__(self, bar: Progress | None, say: Say, now: Callable[[], float] = time.monotonic) -> None:
        self._bar = bar
        self._say = say
        self._now = now
        self._task: TaskID | None = bar.add_task("reading", total=None) if bar else None
        self._account = Account()
        self._began = self._said = now()
        self._said_failures = False
        self.documents = self.records = self.failed = 0
        self.total: int | None = None
        self.skipped: Callable[[], int] = lambda: 0

    @property
    def is_shown(self) -> bool:
        """Whether anybody sees it."""
        return self._say is not unsaid

    def watch(self, account: Account) -> None:
        """Show what this account spends, from now on."""
        self._account, self._began = account, self._now()

    def over(self, call: Call) -> Call:
        """`call`, with each question shown as it is asked."""
        if self._bar is None:
            return call

        def watched(request: Request) -> Reply:
            about = request.about
            self._show(f"{self.line()} · {about.get('document')}: {about.get('field')} at {about.get('start')}")
            return call(request)

        return watched

    def told(self, name: str, records: int, failures: list[Json]) -> None:
        """A document is done."""
        self.documents += 1
        self.records += records
        self.failed += bool(failures)
        if self._bar is not None:
            self._show(self.line())
        elif self.documents <= FIRST_LINES or (failures and not self._said_failures):
            trouble = f", {_count(len(failures), 'failure')}" if failures else ""
            reason = f": {failures[0]['reason']}" if failures and not self._said_failures else ""
            self._said_failures |= bool(failures)
            self._say(f"{name}: {_count(records, 'record')}{trouble}{reason}")
            self._said = self._now()
        elif self._now() - self._said >= LINE_EVERY:
            self._say(self.line())
            self._said = self._now()

    def line(self) -> str:
        """How far the run is."""
        account, seconds = self._account, max(self._now() - self._began, 0.001)
        usage = account.usage
        of = f" of {self.total - self.skipped()}" if self.total else ""
        parts = [f"{self.documents}{of} documents", f"{usage.requests / seconds:.1f} answers/s"]
        if self.total and self.documents:
            left = max(self.total - self.skipped() - self.documents, 0)
            parts.append(f"{_duration(seconds / self.documents * left)} left")
        parts.append(f"{_short(usage.input_tokens + usage.output_tokens)} tokens")
        if cost := account.cost(usage):
            parts.append(_money(cost))
        if account.retries:
            parts.append(f"{account.retries} retried")
        if self.failed:
            parts.append(f"{self.failed} failed")
        return " · ".join(parts)

    def failed_line(self, failure: Json) -> None:
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
def progressing(quiet: bool, to_stdout: bool) -> Iterator[Progressing]:
    """Progress for the length of the block. No moving line where the records themselves go to the same terminal."""
    if quiet:
        yield Progressing(None, unsaid)
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
    where = f" → {summary.output}" if summary.output and (summary.records or summary.held) else ""
    failed = f", {summary.failed} failed" if summary.failed else ""
    lines = [
        f"{_count(summary.documents, 'document')}, {_count(summary.records, 'record')}{failed}, {seconds:.1f} s{where}",
    ]
    if summary.held:
        lines.append(
            f"held: {_count(summary.held, 'document')} converted before, as they are now: not asked about again"
        )
    if summary.records:
        lines += [
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
    if summary.account is not None and (summary.account.usage.requests or summary.account.faults):
        lines.append(f"spent: {_spending(summary.account)}")
    if summary.empty:
        lines.append(f"empty: {_count(summary.empty, 'record')} without any item: is the text one for this schema?")
    if summary.failures:
        kinds = ", ".join(f"{kind} {n}" for kind, n in summary.failures.most_common())
        noted = f", named in {summary.noted}" if summary.noted else ""
        lines.append(f"failures: {kinds}{noted}")
    if summary.waiting:
        lines.append(
            f"waiting: {_count(summary.waiting, 'document')} with failures of an earlier run, named in {summary.noted}"
        )
    if summary.left:
        lines.append(f"left: {_count(summary.left, 'failed document')} not among the inputs, still in {summary.noted}")
    if summary.outdated and summary.stopped is None:
        lines.append(
            f"outdated: {_count(summary.outdated, 'record')} of texts that are not among the inputs: name those as well"
        )
    if summary.submitted:
        lines.append(f"submitted: the open questions of {_count(summary.submitted, 'document')}")
    if summary.open:
        lines.append(f"open: {_count(summary.open, 'document')} with questions that no reply has answered yet")
    lines += summary.notes
    if summary.stopped is not None:
        lines.append(f"stopped: {summary.stopped}")
    return lines + _next_steps(summary)


def _spending(account: Account) -> str:
    """What this run itself asked; recorded and kept answers cost nothing."""
    parts = []
    for name, usage in (("first asks", account.first), ("re-asks", account.again)):
        if usage.requests:
            cost = account.cost(usage)
            money = f", {_money(cost)}" if cost else ""
            tokens = f"{usage.input_tokens + usage.output_tokens} tokens"
            parts.append(f"{_count(usage.requests, 'answer')} to {name} ({tokens}{money})")
    faults = ", ".join(f"{kind} {n}" for kind, n in account.faults.most_common())
    if faults:
        parts.append(f"{_count(account.retries, 'retry', 'retries')} ({faults})")
    return ", ".join(parts)


def _next_steps(summary: Summary) -> list[str]:
    if isinstance(summary.stopped, Interrupted) or not (summary.failures or summary.waiting):
        return []
    if not summary.resumes:
        return ["next: mend the cause and run again; with -o FILE, --retry-failed converts only what failed"]
    if summary.output is not None and summary.output.suffix == ".part":
        older = summary.output.with_suffix("")
        return [f"next: mend the cause and run the same command without --restart; {older} is as it was before"]
    if summary.stopped is not None:
        return ["next: mend the cause and run the same command again: it goes on where this one stopped"]
    return ["next: mend the cause, then run the same command with --retry-failed to ask again about what failed"]


def _duration(seconds: float) -> str:
    minutes, hours = seconds / 60, seconds / 3600
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes:.0f} min" if minutes < 90 else f"{hours:.1f} h"


def _money(dollars: float) -> str:
    return f"${dollars:.2f}" if dollars >= 1 else f"${dollars:.4f}"


def _short(n: int) -> str:
    return str(n) if n < 10_000 else f"{n / 1000:.0f} k" if n < 10_000_000 else f"{n / 1_000_000:.1f} M"


def _count(n: int, noun: str, many: str | None = None) -> str:
    return f"{n} {noun if n == 1 else many or noun + 's'}"
