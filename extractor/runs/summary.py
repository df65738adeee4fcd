"""The result of a run, counted document by document. Only the methods of Summary change it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from extractor.document import Document
from extractor.errors import ExtractorError
from extractor.llm.call import Usage
from extractor.pipeline.convert import Converted
from extractor.pipeline.read.read import Unreadable
from extractor.runs.budget import Budget

if TYPE_CHECKING:
    from extractor.output.failures import FailureEntry


@dataclass
class Outcome:
    """What became of a document."""

    document: Document | Unreadable
    # Its records.
    converted: list[Converted] = field(default_factory=list)
    # What failed in it.
    failures: list[FailureEntry] = field(default_factory=list)
    # The user stopped the run before the document was done: nothing of it is written.
    unfinished: bool = False
    # Some of its questions wait for a batch: nothing of it is written yet.
    open: bool = False


@dataclass
class Summary:
    """The result of a run."""

    # Documents converted or failed in this run.
    documents: int = 0
    # Records written.
    records: int = 0
    # Records without any item.
    empty: int = 0
    # Documents in which something failed.
    failed: int = 0
    # Documents that an earlier run converted, unchanged since.
    skipped: int = 0
    # Documents that failed in an earlier run and were not asked about again.
    waiting: int = 0
    # Documents to retry that were not among the inputs.
    left: int = 0
    # Records of an earlier recipe whose texts were not among the inputs.
    outdated: int = 0
    # Documents whose questions went into a batch.
    submitted: int = 0
    # Documents with questions that still wait for a reply from a batch.
    open: int = 0
    # Items found, by field.
    items: Counter[str] = field(default_factory=Counter)
    # Problems noted in records, by kind.
    problems: Counter[str] = field(default_factory=Counter)
    # Places in the texts that call for an item, by field.
    expected: Counter[str] = field(default_factory=Counter)
    # Those of them that an item cites, by field.
    cited: Counter[str] = field(default_factory=Counter)
    # Failures, by kind: of questions, and of documents as a whole.
    failures: Counter[str] = field(default_factory=Counter)
    # Those of them that are of questions.
    failed_questions: Counter[str] = field(default_factory=Counter)
    # Tokens behind the records, those of recorded replies included.
    usage: Usage = field(default_factory=Usage)
    # The error that ended the run early.
    stopped: ExtractorError | None = None
    # What this run spent.
    budget: Budget | None = None
    # Whether another run can resume with the output.
    resumes: bool = False
    # Whether the run started over (--restart): the same command would do so again instead of resuming.
    restarted: bool = False
    # The file of the records.
    output: Path | None = None
    # The file of the failures.
    failures_file: Path | None = None
    # Further lines for the user.
    notes: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0 all converted; 1 some failed, the rest are written; 2 no model or a refused key; 130 Ctrl-C."""
        if self.stopped is not None:
            return self.stopped.exit_code
        return 1 if self.failed or self.waiting or self.left or self.outdated or self.open else 0

    def add(self, outcome: Outcome) -> None:
        """Count a document."""
        if outcome.open:
            self.open += 1
            return
        self.documents += 1
        self.failed += bool(outcome.failures)
        self.failures.update(failure["kind"] for failure in outcome.failures)
        self.failed_questions.update(failure["kind"] for failure in outcome.failures if failure["field"])
        for converted in outcome.converted:
            self._add_record(converted)

    def _add_record(self, converted: Converted) -> None:
        items = count_items(converted)
        self.records += 1
        self.usage += converted.usage
        self.items.update(items)
        self.empty += not any(items.values())
        for name, coverage in converted.line["coverage"].items():
            self.expected[name] += coverage["expected"]
            self.cited[name] += coverage["cited"]
        self.problems.update(problem["kind"] for problem in converted.line["problems"])

    def stop(self, error: ExtractorError | None) -> None:
        """Note the error that ended the run, if one did."""
        self.stopped = error

    def add_budget(self, budget: Budget) -> None:
        """Note what the run spends; it may still grow."""
        self.budget = budget

    def add_earlier(self, *, skipped: int, waiting: int, left: int, outdated: int) -> None:
        """Count what earlier runs left in the output."""
        self.skipped, self.waiting, self.left = skipped, waiting, left
        # Records of documents that wait for a batch will be renewed.
        self.outdated = 0 if self.open else outdated

    def submit(self) -> None:
        """The questions of all open documents went into a batch."""
        self.submitted, self.open = self.open, 0

    def add_files(self, output: Path, failures_file: Path | None, resumes: bool, restarted: bool = False) -> None:
        """Note where the records and the failures are."""
        self.output, self.failures_file = output, failures_file
        self.resumes, self.restarted = resumes, restarted

    def add_notes(self, *lines: str) -> None:
        """Add lines for the user."""
        self.notes += lines


def count_items(converted: Converted) -> dict[str, int]:
    """How many items each field of a record has."""
    return {
        name: len(value) if isinstance(value, list) else int(value is not None)
        for name, value in converted.line["record"].items()
    }
