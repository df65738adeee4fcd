"""What a run came to, and what to do next, in lines for a person."""

from __future__ import annotations

from extractor.errors import RunInterruptedError
from extractor.runs.budget import Budget
from extractor.runs.summary import Summary
from extractor.runs.wording import counted, dollars


def describe(summary: Summary, seconds: float) -> list[str]:
    """What a run came to, and what to do next, as lines."""
    usage = summary.usage
    where = f" → {summary.output}" if summary.output and (summary.records or summary.skipped) else ""
    failed = f", {summary.failed} failed" if summary.failed else ""
    lines = [
        f"{counted(summary.documents, 'document')}, {counted(summary.records, 'record')}{failed}, {seconds:.1f} s{where}",
    ]
    if summary.skipped:
        lines.append(
            f"held: {counted(summary.skipped, 'document')} converted before, as they are now: not asked about again"
        )
    if summary.records:
        lines += [
            "items: " + (", ".join(f"{name} {n}" for name, n in summary.items.items()) or "none"),
            "coverage: "
            + (
                ", ".join(f"{name} {summary.cited[name]} of {n}" for name, n in summary.expected.items() if n)
                or "nothing to count"
            ),
            "problems: " + (", ".join(f"{kind} {n}" for kind, n in summary.problems.most_common()) or "none"),
            f"asked: {counted(usage.requests, 'answer')}, {usage.input_tokens} tokens in ({usage.cached_tokens} cached), "
            f"{usage.output_tokens} out",
        ]
    if summary.budget is not None and (summary.budget.usage.requests or summary.budget.errors):
        lines.append(f"spent: {_spending(summary.budget)}")
    if summary.empty:
        lines.append(f"empty: {counted(summary.empty, 'record')} without any item: is the text one for this schema?")
    if summary.failures:
        kinds = ", ".join(f"{kind} {n}" for kind, n in summary.failures.most_common())
        noted = f", named in {summary.failures_file}" if summary.failures_file else ""
        lines.append(f"failures: {kinds}{noted}")
    if summary.waiting:
        lines.append(
            f"waiting: {counted(summary.waiting, 'document')} with failures of an earlier run, named in {summary.failures_file}"
        )
    if summary.left:
        lines.append(
            f"left: {counted(summary.left, 'failed document')} not among the inputs, still in {summary.failures_file}"
        )
    if summary.outdated and summary.stopped is None:
        lines.append(
            f"outdated: {counted(summary.outdated, 'record')} of texts that are not among the inputs: name those as well"
        )
    if summary.submitted:
        lines.append(f"submitted: the open questions of {counted(summary.submitted, 'document')}")
    if summary.open:
        lines.append(f"open: {counted(summary.open, 'document')} with questions that no reply has answered yet")
    lines += summary.notes
    if summary.stopped is not None:
        lines.append(f"stopped: {summary.stopped}")
    return lines + _next_steps(summary)


def _spending(budget: Budget) -> str:
    """What this run itself asked; recorded and kept answers cost nothing."""
    parts = []
    for name, usage in (("first asks", budget.first), ("re-asks", budget.reasked)):
        if usage.requests:
            cost = budget.cost(usage)
            money = f", {dollars(cost)}" if cost else ""
            tokens = f"{usage.input_tokens + usage.output_tokens} tokens"
            parts.append(f"{counted(usage.requests, 'answer')} to {name} ({tokens}{money})")
    faults = ", ".join(f"{kind} {n}" for kind, n in budget.errors.most_common())
    if faults:
        parts.append(f"{counted(budget.retries, 'retry', 'retries')} ({faults})")
    return ", ".join(parts)


def _next_steps(summary: Summary) -> list[str]:
    if isinstance(summary.stopped, RunInterruptedError) or not (summary.failures or summary.waiting):
        return []
    if not summary.resumes:
        return ["next: mend the cause and run again; with -o FILE, --retry-failed converts only what failed"]
    if summary.output is not None and summary.output.suffix == ".part":
        older = summary.output.with_suffix("")
        return [f"next: mend the cause and run the same command without --restart; {older} is as it was before"]
    if summary.stopped is not None:
        return ["next: mend the cause and run the same command again: it goes on where this one stopped"]
    return ["next: mend the cause, then run the same command with --retry-failed to ask again about what failed"]
