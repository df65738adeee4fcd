"""Many documents: convert each, hand on what is done, note what failed and why, go on."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from extractor.cancellation import Cancellation
from extractor.document import Document, Json
from extractor.errors import (
    FATAL,
    NOT_REACHED,
    ExtractorError,
    PostponedError,
    RunInterruptedError,
    RunStoppedError,
    TooManyFailuresError,
)
from extractor.llm.call import Call, Reply, Request
from extractor.pipeline.convert import Converted, Known, convert, nothing_known
from extractor.pipeline.items import Gather, one_by_one
from extractor.pipeline.line_format import OutputLine
from extractor.pipeline.read.read import Unreadable
from extractor.pipeline.recipe import Recipe
from extractor.runs.summary import Outcome, Summary, count, count_items
from extractor.runs.workers import ComputeLock, Pool, gathering, in_order

# Documents begun and not yet written, and threads of either pool, for each question that may be under way: while one is,
# another is made ready.
AHEAD = 2
PACKAGE = Path(__file__).parents[1]


Write = Callable[[Document | Unreadable, list[OutputLine], list[Json]], None]
"""Takes a document that is done: the lines of its records, and its failures."""


@dataclass(frozen=True)
class Workers:
    """How many questions are under way at a time, and whether records come in the order of the documents."""

    count: int = 1
    ordered: bool = False


def outcomes(
    documents: Iterator[Document | Unreadable],
    recipe: Recipe,
    call: Call,
    workers: Workers | None = None,
    cancellation: Cancellation | None = None,
    known: Callable[[Document], Known] = lambda document: nothing_known,
) -> Generator[Outcome]:
    """What becomes of each document, as it is done: one at a time, or as many side by side as there are workers. A failed
    one is a value among the failures. After `cancellation`, which a fault that no later request can escape (no model, key refused,
    quota used up) sets as well, no more documents are taken. Closing the generator ends the asking.
    """
    workers, cancellation = workers or Workers(), cancellation or Cancellation()
    floor = ComputeLock()
    stopping = CancellableCall(floor.leaving(call) if workers.count > 1 else call, cancellation)
    with _pools(workers, cancellation, floor) as (asking, lines):
        done: Iterator[Outcome] = (
            _convert(d, recipe, stopping, one_by_one, known) for d in _until(cancellation, documents)
        )
        if asking and lines:
            convert_one = partial(_convert, recipe=recipe, call=stopping, gather=gathering(asking, floor), known=known)
            done = in_order(convert_one, _until(cancellation, documents), lines, AHEAD * workers.count, workers.ordered)
        for outcome in done:
            if not outcome.unfinished:
                yield outcome


def run(
    documents: Iterable[Document | Unreadable],
    recipe: Recipe,
    call: Call,
    write: Write,
    workers: Workers | None = None,
    cancellation: Cancellation | None = None,
    max_failures: int | None = None,
    known: Callable[[Document], Known] = lambda document: nothing_known,
) -> Summary:
    """Convert all documents, and have each written as it is done. Faults that end the asking, and more failed documents
    than `max_failures`, do so: the documents after that are noted as not reached. So does the user, by `cancellation`: what was
    not finished then is left for another run. What of the lines that are `known` holds is kept.
    """
    summary, cancellation = Summary(), cancellation or Cancellation()
    remaining = iter(documents)
    with closing(outcomes(remaining, recipe, call, workers, cancellation, known)) as done:
        for outcome in done:
            if outcome.open:
                summary.open += 1
                continue
            write(outcome.document, [made.line for made in outcome.converted], outcome.failures)
            count(outcome, summary)
            stop_at(max_failures, summary, cancellation)
    summary.stopped = cancellation.fault
    if cancellation.fault is not None and not isinstance(cancellation.fault, RunInterruptedError):
        for document in remaining:
            outcome = Outcome(document, failures=[_not_reached(document, cancellation.fault)])
            write(document, [], outcome.failures)
            count(outcome, summary)
    return summary


def stop_at(max_failures: int | None, summary: Summary, cancellation: Cancellation) -> None:
    """Ask no more where more documents than that have failed."""
    if max_failures is not None and summary.failed > max_failures:
        cancellation.stop(
            TooManyFailuresError(f"{summary.failed} documents failed, which is more than --max-failures.")
        )


@contextmanager
def _pools(
    workers: Workers, cancellation: Cancellation, floor: ComputeLock
) -> Iterator[tuple[Pool, Pool] | tuple[None, None]]:
    """Threads for questions and for documents; none where one question is asked at a time. What ends the run at once
    does not wait for answers that are under way."""
    if workers.count == 1:
        yield None, None
        return
    asking, lines = (Pool(AHEAD * workers.count, name, floor) for name in ("ask", "line"))
    wait = False
    try:
        yield asking, lines
        wait = True
    finally:
        if not wait:
            cancellation.stop(RunInterruptedError("The run was ended."))
        for pool in (lines, asking):
            pool.close(wait=wait)


class CancellableCall:
    """A Call that asks no more once the run is to halt; a fault that all questions would meet makes it halt."""

    def __init__(self, call: Call, cancellation: Cancellation) -> None:
        self._call = call
        self.cancellation = cancellation

    def __call__(self, request: Request) -> Reply:
        self.cancellation.check()
        try:
            return self._call(request)
        except RunStoppedError:
            raise
        except FATAL as fault:
            self.cancellation.stop(fault, request.about.get("document"))
            raise


def _until(cancellation: Cancellation, documents: Iterator[Document | Unreadable]) -> Iterator[Document | Unreadable]:
    """The documents, as long as there is asking."""
    while cancellation.fault is None:
        try:
            yield next(documents)
        except StopIteration:
            return


def _convert(
    document: Document | Unreadable,
    recipe: Recipe,
    call: CancellableCall,
    gather: Gather,
    known: Callable[[Document], Known],
) -> Outcome:
    """A document's records, and its failures: of single questions, or of the document as a whole."""
    outcome = Outcome(document)
    if isinstance(document, Unreadable):
        outcome.failures.append(_failure(document, document.kind, document.reason))
        return outcome
    asked: list[Json] = []
    speeches = 0

    def noting(request: Request) -> Reply:
        asked.append(request.about)
        return call(request)

    try:
        for done in convert(document, recipe, noting, gather, known(document)):
            outcome.open |= any(isinstance(failed.error, PostponedError) for failed in done.failures)
            failed = list(_failures_of(document, done))
            outcome.failures += failed
            if not _is_lost(done, asked, failed):
                outcome.converted.append(done)
            asked.clear()
            speeches += 1
        if not speeches:
            reason = f"{document.path} holds no text once markup and page furniture are left out: look into the file."
            outcome.failures.append(_failure(document, "empty", reason))
    except FATAL as error:
        met = call.cancellation.fault or error
        if isinstance(met, RunInterruptedError):
            outcome.unfinished = True
        elif met is error or call.cancellation.document == document.id:
            outcome.failures.append(_failure(document, met.kind, str(met)))
        else:
            outcome.failures.append(_not_reached(document, met, begun=bool(outcome.converted)))
    except Exception as error:  # a bug must not take the other documents with it
        outcome.failures.append(_failure(document, "bug", _describe_bug(error)))
    return outcome


def _is_lost(done: Converted, asked: list[Json], failed: list[Json]) -> bool:
    """Whether no question of a speech was answered, and code found nothing by itself, so that there is nothing to write.
    A question that was put again in parts has failed where one of them has, and its parts are among the asked."""
    asked = [about for about in asked if not about.get("verifying")]
    if not failed or not asked or any(count_items(done).values()):
        return False
    return all(
        any(
            failure["field"] in about["field"].split("+")
            and about["start"] <= failure["start"]
            and failure["end"] <= about["end"]
            for failure in failed
        )
        for about in asked
    )


def _failures_of(document: Document, done: Converted) -> Iterator[Json]:
    """The questions of a speech that got no answer, whether a fault or the answer itself is to blame."""
    for failed in done.failures:
        noted = _failure(document, failed.error.kind, str(failed.error), (failed.field, failed.start, failed.end))
        requests = getattr(failed.error, "requests", ())
        yield noted | ({"requests": list(requests)} if requests else {})


def _failure(
    document: Document | Unreadable, kind: str, reason: str, where: tuple[str, int, int] | None = None
) -> Json:
    place = dict(zip(("field", "start", "end"), where or (None, None, None), strict=True))
    sha256 = document.sha256 if isinstance(document, Document) else None
    return {"id": document.id, "path": document.path, "sha256": sha256, "kind": kind, "reason": reason, **place}


def _not_reached(document: Document | Unreadable, stopped: ExtractorError, begun: bool = False) -> Json:
    """Of a document that some records were made of the stop itself is the failure."""
    if isinstance(document, Unreadable):
        return _failure(document, document.kind, document.reason)
    when = "was done" if begun else "came"
    reason = f"The run had stopped before this document {when} ({stopped.kind})."
    return _failure(document, stopped.kind if begun else NOT_REACHED, reason)


def _describe_bug(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if PACKAGE in Path(frame.filename).parents][-1]
    place = f"{Path(ours.filename).name}, line {ours.lineno}"
    said = " ".join(str(error).split())[:200]
    return (
        f"{type(error).__name__} in {place}: {said or 'no message'}. "
        "This is a fault of extractor or of the schema, not of the text: please report it with the text."
    )
