"""Many documents: convert each, hand on what is done, note what failed and why, go on."""

from __future__ import annotations

import threading
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from extractor.data import Call, Document, Json, Reply, Request, Usage
from extractor.faults import FATAL, Fault, Interrupted, KeyRefused, SetupFault, Stopped
from extractor.pipeline import Converted, Gather, convert, one_by_one
from extractor.read import Unreadable
from extractor.recipe import Recipe
from extractor.workers import Floor, Pool, gathering, in_order

NOT_REACHED = "not_reached"
# Documents begun and not yet written, and threads of either pool, for each question that may be under way: while one is,
# another is made ready.
AHEAD = 2


@dataclass
class Summary:
    """What a run came to. `empty` records hold nothing, `signs` counts what calls for an item, by field, `cited` what of it is
    cited; `failed` counts documents, `failures` what failed in them,
    `left` documents to retry that were not among the inputs; `output` and `noted` are the files of the records and of
    the failures, if there are any."""

    documents: int = 0
    records: int = 0
    empty: int = 0
    failed: int = 0
    left: int = 0
    items: Counter[str] = field(default_factory=Counter)
    problems: Counter[str] = field(default_factory=Counter)
    signs: Counter[str] = field(default_factory=Counter)
    cited: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    usage: Usage = field(default_factory=Usage)
    stopped: Fault | None = None
    output: Path | None = None
    noted: Path | None = None

    @property
    def exit_code(self) -> int:
        """0 all converted; 1 some failed, the rest are written; 2 there is no model, or it refuses the key."""
        if isinstance(self.stopped, SetupFault | KeyRefused):
            return 2
        return 1 if self.failed or self.left or self.stopped else 0


@dataclass(frozen=True)
class Sinks:
    """Where lines go: records and failures; `told` hears of each document that is done."""

    record: Callable[[Json], None]
    failure: Callable[[Json], None]
    told: Callable[[str, int, list[Json]], None] = lambda name, records, failures: None


@dataclass(frozen=True)
class Workers:
    """How many questions are under way at a time, and whether records come in the order of the documents."""

    count: int = 1
    ordered: bool = False


@dataclass
class Outcome:
    """What became of a document: its records and failures, and the fault that ends the asking, if it met one."""

    document: Document | Unreadable
    converted: list[Converted] = field(default_factory=list)
    failures: list[Json] = field(default_factory=list)
    stopped: Fault | None = None


def run(
    documents: Iterable[Document | Unreadable], recipe: Recipe, call: Call, sinks: Sinks, workers: Workers | None = None
) -> Summary:
    """Convert all documents: one at a time, or as many side by side as there are workers. A failed one is a line among
    the failures. A fault that no later request can escape (no model, key refused, quota used up) ends the asking: the
    documents after it are noted as not reached.
    """
    summary = Summary()
    workers = workers or Workers()
    remaining = iter(documents)
    floor = Floor()
    stopping = Stopping(floor.leaving(call) if workers.count > 1 else call)
    with _pools(workers, stopping, floor) as (asking, lines):
        outcomes: Iterator[Outcome] = (_convert(d, recipe, stopping, one_by_one) for d in stopping.until(remaining))
        if asking and lines:
            convert_one = partial(_convert, recipe=recipe, call=stopping, gather=gathering(asking, floor))
            ahead = AHEAD * workers.count
            outcomes = in_order(convert_one, stopping.until(remaining), lines, ahead, workers.ordered)
        for outcome in outcomes:
            for done in outcome.converted:
                _count(done, summary)
                sinks.record(done.line)
            _note(outcome.failures, summary, sinks)
            sinks.told(outcome.document.id, len(outcome.converted), outcome.failures)
            if outcome.stopped is not None:
                summary.stopped = summary.stopped or outcome.stopped
    for document in remaining:
        _note([_not_reached(document, summary.stopped)], summary, sinks)
    return summary


@contextmanager
def _pools(workers: Workers, stopping: Stopping, floor: Floor) -> Iterator[tuple[Pool, Pool] | tuple[None, None]]:
    """Threads for questions and for documents; none where one question is asked at a time. Ctrl-C ends the asking, and
    does not wait for answers that are under way."""
    if workers.count == 1:
        yield None, None
        return
    asking, lines = (Pool(AHEAD * workers.count, name, floor) for name in ("ask", "line"))
    try:
        yield asking, lines
    except BaseException:
        stopping.fault = Interrupted("The run was interrupted.")
        raise
    finally:
        for pool in (lines, asking):
            pool.close(wait=not isinstance(stopping.fault, Interrupted))


class Stopping:
    """A Call that asks no more once a fault has ended the asking: from the moment that any thread meets it."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._lock = threading.Lock()
        self.fault: Fault | None = None
        self.met_by: str | None = None

    def __call__(self, request: Request) -> Reply:
        if self.fault is not None:
            raise Stopped(self.fault.what)
        try:
            return self._call(request)
        except FATAL as fault:
            with self._lock:
                if self.fault is None:
                    self.fault, self.met_by = fault, request.about.get("document")
            raise

    def until(self, documents: Iterator[Document | Unreadable]) -> Iterator[Document | Unreadable]:
        """The documents, as long as there is asking."""
        while self.fault is None:
            try:
                yield next(documents)
            except StopIteration:
                return


def _note(failures: list[Json], summary: Summary, sinks: Sinks) -> None:
    """Count a document and hand on what failed in it."""
    for failure in failures:
        sinks.failure(failure)
    summary.documents += 1
    summary.failed += bool(failures)
    summary.failures.update(failure["kind"] for failure in failures)


def _convert(document: Document | Unreadable, recipe: Recipe, call: Stopping, gather: Gather) -> Outcome:
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
        for done in convert(document, recipe, noting, gather):
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
        met = call.fault if isinstance(error, Stopped) and call.fault else error
        if met is not error and call.met_by != document.id:
            outcome.failures.append(_not_reached(document, met))
        else:
            outcome.stopped = met
            outcome.failures.append(_failure(document, met.kind, str(met)))
    except Exception as error:  # a bug must not take the other documents with it
        outcome.failures.append(_failure(document, "bug", _describe_bug(error)))
    return outcome


def _is_lost(done: Converted, asked: list[Json], failed: list[Json]) -> bool:
    """Whether no question of a speech was answered, so that there is nothing to write. A question that was put again in
    parts has failed where one of them has, and its parts are among the asked."""
    asked = [about for about in asked if not about.get("confirming")]
    if not failed or not asked or (done.usage.requests and any(_count_items(done).values())):
        return False
    return all(
        any(
            about["field"] == failure["field"] and about["start"] <= failure["start"] and failure["end"] <= about["end"]
            for failure in failed
        )
        for about in asked
    )


def _failures_of(document: Document, done: Converted) -> Iterator[Json]:
    """The questions of a speech that got no answer, whether a fault or the answer itself is to blame."""
    told = set()
    for failed in done.failures:
        told.add((failed.field, failed.start, failed.end))
        yield _failure(document, failed.fault.kind, str(failed.fault), (failed.field, failed.start, failed.end))
    for problem in done.line["problems"]:
        place = (problem["field"], problem["start"], problem["end"])
        if problem["kind"] == "unanswered" and place not in told:
            yield _failure(document, "unanswered", f"{problem['detail'][:1].upper()}{problem['detail'][1:]}.", place)


def _failure(
    document: Document | Unreadable, kind: str, reason: str, where: tuple[str, int, int] | None = None
) -> Json:
    place = dict(zip(("field", "start", "end"), where or (None, None, None), strict=True))
    return {"id": document.id, "path": document.path, "kind": kind, "reason": reason, **place}


def _not_reached(document: Document | Unreadable, stopped: Fault | None) -> Json:
    if isinstance(document, Unreadable):
        return _failure(document, document.kind, document.reason)
    kind = stopped.kind if stopped is not None else "fault"
    return _failure(document, NOT_REACHED, f"The run had stopped before this document came ({kind}).")


def _describe_bug(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if Path(frame.filename).parent == Path(__file__).parent][-1]
    place = f"{Path(ours.filename).name}, line {ours.lineno}"
    said = " ".join(str(error).split())[:200]
    return (
        f"{type(error).__name__} in {place}: {said or 'no message'}. "
        "This is a fault of extractor or of the schema, not of the text: please report it with the text."
    )


def _count(done: Converted, summary: Summary) -> None:
    items = _count_items(done)
    summary.records += 1
    summary.usage += done.usage
    summary.items.update(items)
    summary.empty += not any(items.values())
    for name, covered in done.line["coverage"].items():
        summary.signs[name] += covered["signs"]
        summary.cited[name] += covered["cited"]
    summary.problems.update(problem["kind"] for problem in done.line["problems"])


def _count_items(done: Converted) -> dict[str, int]:
    """How many items each field of the record holds."""
    return {
        name: len(value) if isinstance(value, list) else int(value is not None)
        for name, value in done.line["record"].items()
    }
