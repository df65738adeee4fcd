"""A run over many documents: convert each, write it when it is done, note what failed and why, continue."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from extractor.cancellation import Cancellation
from extractor.document import Document, Json
from extractor.errors import FATAL, IdTakenError, PostponedError, RunInterruptedError, TooManyFailuresError
from extractor.llm.call import Call, Reply, Request
from extractor.pipeline.convert import Converted, Known, convert, nothing_known
from extractor.pipeline.items import Gather, one_by_one
from extractor.pipeline.line_format import OutputLine
from extractor.pipeline.read.read import Unreadable
from extractor.pipeline.recipe import Recipe
from extractor.runs.call_stack import CallStack, assemble_call
from extractor.runs.failures import (
    bug_failure,
    document_failure,
    question_failures,
    stopped_failure,
    unreached_failure,
)
from extractor.runs.summary import Outcome, Summary, count_items
from extractor.runs.workers import ComputeLock, Pool, gathering, in_order

if TYPE_CHECKING:
    from extractor.output.failures import FailureEntry

# Documents begun and not yet written, and threads of either pool, for each question that may be under way:
# while one is being answered, another is prepared.
AHEAD = 2

Write = Callable[[Document | Unreadable, list[OutputLine], "list[FailureEntry]"], None]
"""Takes a document that is done: the lines of its records, and its failures.

Raises IdTakenError, having written nothing, if another document has a record of one of their ids.
"""

KnownRecords = Callable[[Document], Known]
"""Looks up the earlier records of a document."""


@dataclass(frozen=True)
class Workers:
    """How many questions are under way at once, and whether records come in the order of the documents."""

    count: int = 1
    ordered: bool = False


def no_records(document: Document) -> Known:
    """No document has earlier records."""
    return nothing_known


def outcomes(
    documents: Iterator[Document | Unreadable],
    recipe: Recipe,
    stack: CallStack,
    workers: Workers | None = None,
    cancellation: Cancellation | None = None,
    known: KnownRecords = no_records,
) -> Generator[Outcome]:
    """What becomes of each document, as it is done; as many documents side by side as there are workers.

    A document that fails is a value with failures. After a cancellation no more documents are taken; an error
    that no later question can escape (no model, key refused, quota used up) cancels as well, and so do first
    answers that can't be used. Closing the generator ends the asking.
    """
    workers, cancellation = workers or Workers(), cancellation or Cancellation()
    compute_lock = ComputeLock() if workers.count > 1 else None
    call = assemble_call(stack, cancellation, compute_lock)
    convert_one = partial(_convert, recipe=recipe, call=call, cancellation=cancellation, known=known)
    taken = _until(cancellation, documents)
    with _pools(workers, cancellation, compute_lock) as pools:
        if pools is None:
            done: Iterator[Outcome] = (convert_one(document, gather=one_by_one) for document in taken)
        else:
            asking, converting = pools
            convert_parallel = partial(convert_one, gather=gathering(asking, compute_lock))
            done = in_order(convert_parallel, taken, converting, AHEAD * workers.count, workers.ordered)
        for outcome in done:
            if not outcome.unfinished:
                yield outcome


def run(
    documents: Iterable[Document | Unreadable],
    recipe: Recipe,
    stack: CallStack,
    write: Write,
    workers: Workers | None = None,
    cancellation: Cancellation | None = None,
    max_failures: int | None = None,
    known: KnownRecords = no_records,
) -> Summary:
    """Convert all documents, and write each when it is done.

    A fatal error, or more failed documents than `max_failures`, ends the asking: the documents after it are
    noted as not reached. A cancellation by the user ends it too: what was not finished is left to another
    run. What is still valid in the `known` records is kept and not asked for.
    """
    summary, cancellation = Summary(), cancellation or Cancellation()
    remaining = iter(documents)
    with closing(outcomes(remaining, recipe, stack, workers, cancellation, known)) as done:
        for outcome in done:
            if not outcome.open:
                _write(outcome, write)
            summary.add(outcome)
            stop_at(max_failures, summary, cancellation)
    error = cancellation.error
    summary.stop(error)
    if error is not None and not isinstance(error, RunInterruptedError):
        for document in remaining:
            outcome = Outcome(document, failures=[unreached_failure(document, error)])
            write(document, [], outcome.failures)
            summary.add(outcome)
    return summary


def _write(outcome: Outcome, write: Write) -> None:
    try:
        write(outcome.document, [converted.line for converted in outcome.converted], outcome.failures)
    except IdTakenError as error:
        outcome.converted.clear()
        outcome.failures.append(document_failure(outcome.document, error.kind, str(error)))
        write(outcome.document, [], outcome.failures)


def stop_at(max_failures: int | None, summary: Summary, cancellation: Cancellation) -> None:
    """Cancel the run if more documents than `max_failures` have failed."""
    if max_failures is not None and summary.failed > max_failures:
        cancellation.stop(
            TooManyFailuresError(f"{summary.failed} documents failed, which is more than --max-failures.")
        )


@contextmanager
def _pools(
    workers: Workers, cancellation: Cancellation, compute_lock: ComputeLock | None
) -> Iterator[tuple[Pool, Pool] | None]:
    """Threads that ask and threads that convert; none if one question is asked at a time.

    If the block is left early, answers under way are not waited for.
    """
    if workers.count == 1:
        yield None
        return
    asking, converting = (Pool(AHEAD * workers.count, name, compute_lock) for name in ("ask", "convert"))
    wait = False
    try:
        yield asking, converting
        wait = True
    finally:
        if not wait:
            cancellation.stop(RunInterruptedError("The run was ended."))
        for pool in (converting, asking):
            pool.close(wait=wait)


def _until(cancellation: Cancellation, documents: Iterator[Document | Unreadable]) -> Iterator[Document | Unreadable]:
    """The documents, until a cancellation."""
    while cancellation.error is None:
        try:
            yield next(documents)
        except StopIteration:
            return


def _convert(
    document: Document | Unreadable,
    recipe: Recipe,
    call: Call,
    cancellation: Cancellation,
    gather: Gather,
    known: KnownRecords,
) -> Outcome:
    """A document's records and failures. Errors and bugs become failures; no exception is raised."""
    outcome = Outcome(document)
    if isinstance(document, Unreadable):
        outcome.failures.append(document_failure(document, document.kind, document.reason))
        return outcome
    try:
        _convert_speeches(outcome, document, recipe, call, gather, known(document))
    except FATAL as error:
        first = cancellation.error or error
        if isinstance(first, RunInterruptedError):
            outcome.unfinished = True
        elif first is error or cancellation.document == document.id:
            outcome.failures.append(stopped_failure(document, first))
        else:
            outcome.failures.append(unreached_failure(document, first, begun=bool(outcome.converted)))
    except Exception as error:  # a bug must not cost the other documents
        outcome.failures.append(bug_failure(document, error))
    return outcome


def _convert_speeches(
    outcome: Outcome, document: Document, recipe: Recipe, call: Call, gather: Gather, known: Known
) -> None:
    """Put the records and failures of a document into `outcome`, speech by speech."""
    asked: list[Json] = []
    speeches = 0
    for converted in convert(document, recipe, note_questions(call, asked), gather, known):
        outcome.open |= any(isinstance(failure.error, PostponedError) for failure in converted.failures)
        failures = list(question_failures(document, converted))
        outcome.failures += failures
        if not _is_lost(converted, asked, failures):
            outcome.converted.append(converted)
        asked.clear()
        speeches += 1
    if not speeches:
        reason = f"{document.path} has no text once markup and boilerplate are removed: look into the file."
        outcome.failures.append(document_failure(document, "empty", reason))


def note_questions(call: Call, asked: list[Json]) -> Call:
    """`call`, with what each request is about added to `asked`."""

    def noting(request: Request) -> Reply:
        asked.append(request.about)
        return call(request)

    return noting


def _is_lost(converted: Converted, asked: list[Json], failures: list[FailureEntry]) -> bool:
    """Whether there is nothing to write: no question was answered, and code found nothing by itself.

    A question that was asked again in parts has failed if a part has; the parts are in `asked` as well.
    """
    asked = [about for about in asked if not about.get("verifying")]
    if not failures or not asked or any(count_items(converted).values()):
        return False
    return all(any(_covers(about, failure) for failure in failures) for about in asked)


def _covers(about: Json, failure: FailureEntry) -> bool:
    """Whether a question asked for the field and passage of a failure."""
    start, end = failure["start"], failure["end"]
    if start is None or end is None:
        return False
    return failure["field"] in about["field"].split("+") and about["start"] <= start and end <= about["end"]
