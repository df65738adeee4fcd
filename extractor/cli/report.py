"""The summary of a run, and what to do next, as lines of text.

Each line counts in one unit, which it names: documents, records, questions, answers or attempts.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from extractor.errors import RunInterruptedError
from extractor.llm.call import Usage
from extractor.runs.budget import Budget
from extractor.runs.summary import Summary
from extractor.wording import counted, dollars, listed

# How messages call the command that resumes; after a --restart it would start over once more.
_SAME_COMMAND = "the same command again"
_WITHOUT_RESTART = "the same command without --restart"


def describe(summary: Summary, seconds: float) -> list[str]:
    """The summary of a run that took `seconds`, with the next step last."""
    lines = [_headline(summary, seconds)]
    if summary.skipped and summary.documents:
        lines.append(f"skipped: {counted(summary.skipped, 'document')}, already converted and unchanged")
    if summary.records:
        lines += _contents(summary)
    if summary.budget is not None:
        lines += _spending(summary.budget)
    lines += [*_failures(summary), *_open_work(summary), *summary.notes]
    if summary.stopped is not None:
        lines.append(f"stopped: {_reason(summary)}")
    return lines + _next_steps(summary)


def _reason(summary: Summary) -> str:
    """Why the run stopped, and the command that resumes it."""
    reason = str(summary.stopped)
    return reason.replace(_SAME_COMMAND, _WITHOUT_RESTART) if summary.restarted else reason


def _headline(summary: Summary, seconds: float) -> str:
    where = f" → {summary.output}" if summary.output and (summary.records or summary.skipped) else ""
    if summary.skipped and not summary.documents:
        rest = summary.waiting or summary.open or summary.outdated or summary.stopped
        done = f"all {counted(summary.skipped, 'document')} are" if summary.skipped > 1 else "the document is"
        what = f"{counted(summary.skipped, 'document')} up to date" if rest else f"nothing to do: {done} up to date"
        return f"{what}, {seconds:.1f} s{where}"
    failed = f" ({summary.failed} with failures)" if summary.failed else ""
    records = counted(summary.records, "record")
    return f"{counted(summary.documents, 'document')}{failed}, {records}, {seconds:.1f} s{where}"


def _contents(summary: Summary) -> Iterator[str]:
    """What the records of this run contain."""
    usage = summary.usage
    cited = [f"{name} {summary.cited[name]} of {n}" for name, n in summary.expected.items() if n]
    yield "items: " + (", ".join(f"{name} {n}" for name, n in summary.items.items()) or "none")
    if cited:
        yield f"coverage: {', '.join(cited)} (places that call for an item, cited by an item of any field)"
    problems = f"{summary.problems.total()} ({listed(summary.problems)})" if summary.problems else "none"
    yield f"problems: {problems}"
    yield (
        f"answers used: {usage.requests}, with {usage.input_tokens} tokens in ({usage.cached_tokens} cached) and "
        f"{usage.output_tokens} out"
    )
    if summary.empty:
        yield f"empty: {counted(summary.empty, 'record')} without any item: does the schema suit the text?"


def _spending(budget: Budget) -> Iterator[str]:
    """What this run itself asked. Recorded and cached answers cost nothing and are not counted here."""
    asked = [
        f"{counted(usage.requests, 'answer')} to {kind} ({_tokens_and_cost(budget, usage)})"
        for kind, usage in (("first questions", budget.first), ("questions asked again", budget.reasked))
        if usage.requests
    ]
    if asked:
        yield f"spent: {', '.join(asked)}"
    if budget.errors:
        repeated = f"; {counted(budget.retries, 'attempt')} repeated an earlier one" if budget.retries else ""
        yield f"failed attempts: {budget.errors.total()} ({listed(budget.errors)}){repeated}"


def _tokens_and_cost(budget: Budget, usage: Usage) -> str:
    cost = budget.cost(usage)
    return f"{usage.input_tokens + usage.output_tokens} tokens" + (f", {dollars(cost)}" if cost else "")


def _failures(summary: Summary) -> Iterator[str]:
    whole = summary.failures - summary.failed_questions
    parts = [
        f"{counted(counts.total(), noun)} ({listed(counts)})"
        for noun, counts in (("question", summary.failed_questions), ("whole document", whole))
        if counts
    ]
    if parts:
        yield f"failures: {', '.join(parts)}{_listed_in(summary.failures_file)}"
    if summary.waiting:
        documents = counted(summary.waiting, "document")
        yield f"waiting: {documents} that failed in an earlier run, not asked about again{_listed_in(summary.failures_file)}"
    if summary.left:
        documents = counted(summary.left, "failed document")
        yield f"not retried: {documents} not among the inputs{_listed_in(summary.failures_file)}"


def _listed_in(path: Path | None) -> str:
    return f", listed in {path}" if path else ""


def _open_work(summary: Summary) -> Iterator[str]:
    if summary.outdated and summary.stopped is None:
        records = counted(summary.outdated, "record")
        yield f"outdated: {records} of an earlier recipe whose texts are not among the inputs: name those as well"
    if summary.submitted:
        yield f"submitted: the open questions of {counted(summary.submitted, 'document')}"
    if summary.open:
        yield f"open: {counted(summary.open, 'document')} with questions that have no reply yet"


def _next_steps(summary: Summary) -> list[str]:
    if isinstance(summary.stopped, RunInterruptedError) or not (summary.failures or summary.waiting):
        return []
    if not summary.resumes:
        return ["next: fix the cause and run again; with -o FILE, --retry-failed then converts only what failed"]
    if summary.stopped is not None:
        command = _WITHOUT_RESTART if summary.restarted else _SAME_COMMAND
        resume = f"run {command}: it resumes where this run stopped"
        if summary.output is not None and summary.output.suffix == ".part":
            resume += f"; {summary.output.with_suffix('')} is unchanged"
        return [f"next: fix the cause and {resume}"]
    option = "--retry-failed instead of --restart" if summary.restarted else "--retry-failed"
    return [f"next: fix the cause, then run the same command with {option} to ask about the failures again"]
