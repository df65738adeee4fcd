"""A conversion: from a user's settings to records in a file or on standard output, and a summary."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from extractor.cancellation import Cancellation
from extractor.document import Document, Json
from extractor.errors import NOT_REACHED, RunInterruptedError
from extractor.files import is_same
from extractor.llm.call import Call
from extractor.output.answer_cache import AnswerCache, answer_cache_path
from extractor.output.event_log import document_events, open_event_log
from extractor.output.files import OutputError, failures_path, open_output, part_path, write_line
from extractor.output.resume import ResumableOutput, nothing_to_retry
from extractor.pipeline.line_format import OutputLine
from extractor.pipeline.read.read import Unreadable, count_documents
from extractor.runs.batch_submission import refuse_under_way
from extractor.runs.budget import Budget, Event
from extractor.runs.observer import Observer
from extractor.runs.run import Workers, Write, run
from extractor.runs.run_log import recorded
from extractor.runs.session import Session, open_session
from extractor.runs.settings import Settings
from extractor.runs.summary import Summary


def convert_all(settings: Settings, progress: Observer, cancellation: Cancellation) -> Summary:
    """Records to standard output; failures are told on standard error only."""
    documents = settings.documents()
    stdout = _standard_output()

    def write(document: Document | Unreadable, lines: list[OutputLine], failures: list[Json]) -> None:
        for line in lines:
            write_line(stdout, line)
        for failure in failures:
            _show(progress, failure)
        progress.document_done(document.id, len(lines), failures)

    with (
        open_event_log(settings.log) as tell,
        open_session(settings, cancellation, tell, progress.on_model_bytes, announce=progress.announce) as ready,
    ):
        _show_all(progress, settings, ready.budget)
        call = ready.recordings.over(progress.watch_call(ready.ask))
        logged = _logging(write, tell)
        summary = run(documents, ready.recipe, call, logged, ready.workers, cancellation, settings.max_failures)
        summary.budget = ready.budget
    return summary


def _show_all(progress: Observer, settings: Settings, budget: Budget, output: Path | None = None) -> None:
    progress.watch_budget(budget)
    if progress.is_shown:
        progress.total = count_documents(settings.inputs, output)


def _standard_output() -> TextIO:
    if sys.stdout is None:
        raise OutputError("Standard output is closed: name a file with -o.")
    return sys.stdout


def _logging(write: Write, tell: Event | None) -> Write:
    """`write`, which then logs the document and its failures."""
    if tell is None:
        return write

    def write_and_log(document: Document | Unreadable, lines: list[OutputLine], failures: list[Json]) -> None:
        write(document, lines, failures)
        for event in document_events(document.id, len(lines), failures):
            tell(event)

    return write_and_log


def _show(progress: Observer, failure: Json) -> None:
    """Show a failure that no file records. Documents that were not reached are only counted, in the summary."""
    if failure["kind"] != NOT_REACHED:
        progress.show_failure(failure)


@dataclass(frozen=True)
class Deferral:
    """What a run does that puts no question now: `first`, before anything is taken up; `ask` in the place of the model;
    `last`, once all documents have been gone through. All while the output is this run's alone."""

    first: Callable[[Session], None]
    ask: Call
    last: Callable[[Summary], None]


def convert_to(
    settings: Settings,
    output: Path,
    progress: Observer,
    cancellation: Cancellation,
    arguments: list[str],
    later: Deferral | None = None,
) -> Summary:
    """Records to `output`, failures beside it, added to what an earlier run left there. `arguments` are noted."""
    _refuse_own_output(settings.inputs, output)
    documents = settings.documents(output)
    if settings.retry is not None and (output.is_file() or not output.exists()) and nothing_to_retry(output):
        raise OutputError(
            f"There is neither {failures_path(output)} nor {output}: there is nothing to retry. Leave out --retry-failed."
        )
    with (
        open_event_log(settings.log) as tell,
        open_session(settings, cancellation, tell, progress.on_model_bytes, announce=progress.announce) as ready,
        open_output(output, settings.restart) as files,
    ):
        if files.failures is None and settings.retry is not None:
            raise OutputError(f"{output} is no file, so nothing is known of what failed: leave out --retry-failed.")
        if later is None:
            refuse_under_way(files.path)
        else:
            later.first(ready)
        cache = AnswerCache(answer_cache_path(files.path))
        resumable = ResumableOutput(files, ready.recipe, cache, settings.restart)
        ask = progress.watch_call(ready.ask if later is None else later.ask)
        call = ready.recordings.over(cache.over(ask) if files.failures is not None else ask)
        progress.skipped = lambda: resumable.skipped + resumable.waiting
        _show_all(progress, settings, ready.budget, output)
        if resumable.outdated:
            asked = f"asked for is {', '.join(resumable.to_fill)}" if resumable.to_fill else "nothing is asked"
            progress.say(f"back-fill: {resumable.outdated} records are of an earlier recipe; {asked}, the rest is kept")
        with recorded(files, arguments, settings.to_json(), ready) as record:
            summary = run(
                resumable.pending(documents, settings.retry),
                ready.recipe,
                call,
                _logging(_writing(resumable, progress, noted=files.failures is not None), tell),
                ready.workers if later is None else Workers(1),  # there is no answer to wait for
                cancellation,
                settings.max_failures,
                resumable.known,
            )
            summary.budget = ready.budget
            summary.skipped, summary.waiting, summary.left = resumable.skipped, resumable.waiting, resumable.left
            # Those of documents that wait for a batch will be renewed.
            summary.outdated = 0 if summary.open else resumable.still_outdated
            summary.resumes = files.failures is not None
            try:
                if later is not None:
                    resumable.sync()
                    later.last(summary)
            finally:
                if isinstance(summary.stopped, RunInterruptedError):
                    resumable.sync()
                    placed = False
                else:
                    is_open = summary.open or summary.submitted
                    placed = resumable.finish(whole=summary.stopped is None and not is_open)
            noted = failures_path(output) if files.failures is not None and files.failures.size else None
            summary.output = output if placed else part_path(output)
            summary.noted = noted if placed or noted is None else part_path(noted)
            record(summary)
    return summary


def _writing(resumable: ResumableOutput, progress: Observer, noted: bool) -> Write:
    def write(document: Document | Unreadable, lines: list[OutputLine], failures: list[Json]) -> None:
        resumable.write(document, lines, failures)
        for failure in () if noted else failures:
            _show(progress, failure)
        progress.document_done(document.id, len(lines), failures)

    return write


def _refuse_own_output(inputs: list[str], output: Path) -> None:
    """Raise OutputError where a run would put what it writes in the place of a text that is named as an input."""
    own = [path for path in (output, failures_path(output), part_path(output)) if path.is_file()]
    for given in inputs:
        for path in own:
            if given != "-" and is_same(given, path):
                raise OutputError(f"{path} would be written and is also among the inputs: name another file with -o.")
