"""What a run came to, counted document by document."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from extractor.document import Document, Json
from extractor.errors import ExtractorError
from extractor.llm.call import Usage
from extractor.pipeline.convert import Converted
from extractor.pipeline.read.read import Unreadable
from extractor.runs.budget import Budget


@dataclass
class Summary:
    """What a run came to. `empty` records hold nothing, `signs` counts what calls for an item, by field, `cited` what of it is
    cited; `failed` counts documents, `failures` what failed in them, `failed_questions` those of them that are single questions. Of an earlier run: `held` counts documents that
    were done already, `waiting` those that failed and were not asked again, `left` those to retry that were not among the
    inputs, `outdated` records of an earlier recipe whose texts were not. Of questions that go into a batch: `submitted` counts
    the documents whose questions went, `open` those whose wait for an answer still. `notes` are more lines for the user. `budget` holds what was spent; `resumes`: another run goes on with the output. `output` and `noted` are the files of the records and of the failures, if there are any."""

    documents: int = 0
    records: int = 0
    empty: int = 0
    failed: int = 0
    skipped: int = 0
    waiting: int = 0
    left: int = 0
    outdated: int = 0
    submitted: int = 0
    open: int = 0
    items: Counter[str] = field(default_factory=Counter)
    problems: Counter[str] = field(default_factory=Counter)
    expected: Counter[str] = field(default_factory=Counter)
    cited: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    failed_questions: Counter[str] = field(default_factory=Counter)
    usage: Usage = field(default_factory=Usage)
    stopped: ExtractorError | None = None
    budget: Budget | None = None
    resumes: bool = False
    output: Path | None = None
    noted: Path | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0 all converted; 1 some failed, the rest are written; 2 there is no model, or it refuses the key; 130 the user
        has stopped it."""
        if self.stopped is not None:
            return self.stopped.exit_code
        return 1 if self.failed or self.waiting or self.left or self.outdated or self.open else 0


@dataclass
class Outcome:
    """What became of a document: its records and failures; `unfinished` if the user stopped the run before its end, `open` if questions of it are postponed: then nothing
    is written of it yet."""

    document: Document | Unreadable
    converted: list[Converted] = field(default_factory=list)
    failures: list[Json] = field(default_factory=list)
    unfinished: bool = False
    open: bool = False


def count(outcome: Outcome, summary: Summary) -> None:
    """Add what became of a document to the summary."""
    summary.documents += 1
    summary.failed += bool(outcome.failures)
    summary.failures.update(failure["kind"] for failure in outcome.failures)
    summary.failed_questions.update(failure["kind"] for failure in outcome.failures if failure["field"])
    for done in outcome.converted:
        _count_record(done, summary)


def _count_record(done: Converted, summary: Summary) -> None:
    items = count_items(done)
    summary.records += 1
    summary.usage += done.usage
    summary.items.update(items)
    summary.empty += not any(items.values())
    for name, covered in done.line["coverage"].items():
        summary.expected[name] += covered["expected"]
        summary.cited[name] += covered["cited"]
    summary.problems.update(problem["kind"] for problem in done.line["problems"])


def count_items(done: Converted) -> dict[str, int]:
    """How many items each field of the record holds."""
    return {
        name: len(value) if isinstance(value, list) else int(value is not None)
        for name, value in done.line["record"].items()
    }
