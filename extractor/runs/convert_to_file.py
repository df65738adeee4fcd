"""Converting: from a user's settings to records in a file or on standard output, and a summary."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from extractor.cancellation import Cancellation
from extractor.document import Document
from extractor.errors import NOT_REACHED, RunInterruptedError
from extractor.files import is_same
from extractor.llm.call import Call
from extractor.llm.headers import without_values
from extractor.output.answer_cache import AnswerCache, answer_cache_path
from extractor.output.event_log import document_events, open_event_log
from extractor.output.failures import FailureEntry
from extractor.output.files import Output, OutputError, failures_path, followed, open_output, part_path, write_line
from extractor.output.resume import ResumableOutput, nothing_to_retry
from extractor.pipeline.line_format import OutputLine
from extractor.pipeline.read.read import Unreadable, count_documents
from extractor.runs.batch_submission import refuse_under_way
from extractor.runs.budget import Budget, OnEvent
from extractor.runs.call_stack import CallStack
from extractor.runs.observer import Observer
from extractor.runs.run import Workers, Write, run
from extractor.runs.run_log import logged_run
from extractor.runs.session import Session, open_session
from extractor.runs.settings import Settings
from extractor.runs.summary import Summary


def convert_all(settings: Settings, progress: Observer, cancellation: Cancellation) -> Summary:
    """Write records to standard output; failures are only shown, on standard error."""
    documents = settings.documents()
    stdout = _standard_output()

    def write(document: Document | Unreadable, lines: list[OutputLine], failures: list[FailureEntry]) -> None:
        for line in lines:
            write_line(stdout, line)
        _show(progress, document, lines, failures, on_file=False)

    with (
        open_event_log(settings.log) as on_event,
        open_session(
            settings, cancellation, on_event, progress.on_model_bytes, announce=progress.announce, notify=progress.say
        ) as session,
    ):
        _watch(progress, settings, session.budget)
        stack = session.call_stack(on_asked=progress.watch_call)
        logged = _logging(write, on_event)
        summary = run(documents, session.recipe, stack, logged, session.workers, cancellation, settings.max_failures)
        summary.add_budget(session.budget)
    return summary


@dataclass(frozen=True)
class Deferral:
    """How a run postpones its questions. All three are called while the output is locked for this run."""

    # Called before the output is read.
    before: Callable[[Session], None]
    # Replaces the model.
    ask: Call
    # Called when all documents have been converted as far as they can be.
    after: Callable[[Summary], None]


def convert_to(
    settings: Settings,
    output: Path,
    progress: Observer,
    cancellation: Cancellation,
    arguments: list[str],
    deferral: Deferral | None = None,
) -> Summary:
    """Write records to `output` and failures beside it, resuming what an earlier run left there.

    `arguments` go into the run log. Raises OutputError.
    """
    _refuse_own_output(settings.inputs, output)
    _refuse_empty_retry(settings, output)
    documents = settings.documents(output)
    if settings.restart:
        refuse_under_way(followed(output))  # before the restart empties anything
    with (
        open_event_log(settings.log) as on_event,
        open_session(
            settings, cancellation, on_event, progress.on_model_bytes, announce=progress.announce, notify=progress.say
        ) as session,
        open_output(output, settings.restart) as files,
    ):
        if files.failures is None and settings.retry is not None:
            raise OutputError(f"{output} is not a file, so it has no list of failures: leave out --retry-failed.")
        if deferral is None:
            refuse_under_way(files.path)
        else:
            deferral.before(session)
        cache = AnswerCache(answer_cache_path(files.path))
        resumable = ResumableOutput(files, session.recipe, cache, settings.restart)
        _announce(resumable, progress, settings, session.budget, output)
        with logged_run(files, without_values(arguments, settings.headers), settings.to_json(), session) as log_end:
            summary = run(
                resumable.pending(documents, settings.retry),
                session.recipe,
                _call_stack(session, files, cache, progress, deferral),
                _logging(_writing(resumable, progress, files), on_event),
                session.workers if deferral is None else Workers(1),  # there is no answer to wait for
                cancellation,
                settings.max_failures,
                resumable.known,
            )
            summary.add_budget(session.budget)
            _conclude(summary, resumable, files, output, deferral, settings.restart)
            log_end(summary)
    return summary


def _announce(resumable: ResumableOutput, progress: Observer, settings: Settings, budget: Budget, output: Path) -> None:
    """Report to the observer what is to be done."""
    progress.skipped = lambda: resumable.skipped + resumable.waiting
    _watch(progress, settings, budget, output)
    if resumable.outdated:
        names = resumable.fields_to_ask
        asked = f"only {', '.join(names)} will be asked for" if names else "nothing will be asked"
        progress.say(
            f"back-fill: {resumable.outdated} records are of an earlier recipe; {asked}, the other values are kept"
        )


def _watch(progress: Observer, settings: Settings, budget: Budget, output: Path | None = None) -> None:
    progress.watch_budget(budget)
    if progress.is_shown:
        progress.total = count_documents(settings.inputs, output)


def _call_stack(
    session: Session, files: Output, cache: AnswerCache, progress: Observer, deferral: Deferral | None
) -> CallStack:
    # Beside a device or a pipe no answers can be kept.
    kept = cache if files.failures is not None else None
    if deferral is None:
        return session.call_stack(cache=kept, on_asked=progress.watch_call)
    return CallStack(model=deferral.ask, on_asked=progress.watch_call, cache=kept, recordings=session.recordings)


def _writing(resumable: ResumableOutput, progress: Observer, files: Output) -> Write:
    def write(document: Document | Unreadable, lines: list[OutputLine], failures: list[FailureEntry]) -> None:
        resumable.write(document, lines, failures)
        _show(progress, document, lines, failures, on_file=files.failures is not None)

    return write


def _logging(write: Write, on_event: OnEvent | None) -> Write:
    """`write`, which then logs the document and its failures."""
    if on_event is None:
        return write

    def write_and_log(document: Document | Unreadable, lines: list[OutputLine], failures: list[FailureEntry]) -> None:
        write(document, lines, failures)
        for event in document_events(document.id, len(lines), failures):
            on_event(event)

    return write_and_log


def _show(
    progress: Observer,
    document: Document | Unreadable,
    lines: list[OutputLine],
    failures: list[FailureEntry],
    on_file: bool,
) -> None:
    """Show that a document is done, and its failures if no file has them; unreached ones are only counted."""
    for failure in () if on_file else failures:
        if failure["kind"] != NOT_REACHED:
            progress.show_failure(failure)
    progress.document_done(document.id, len(lines), failures)


def _conclude(
    summary: Summary,
    resumable: ResumableOutput,
    files: Output,
    output: Path,
    deferral: Deferral | None,
    restarted: bool,
) -> None:
    """Complete the summary, hand it to a deferral, and move the files into place unless Ctrl-C came."""
    summary.add_earlier(
        skipped=resumable.skipped,
        waiting=resumable.waiting,
        left=resumable.left,
        outdated=resumable.still_outdated,
    )
    try:
        if deferral is not None:
            resumable.sync()
            deferral.after(summary)
    finally:
        if isinstance(summary.stopped, RunInterruptedError):
            resumable.sync()
            placed = False
        else:
            placed = resumable.finish(whole=not (summary.stopped or summary.open or summary.submitted))
    failed = failures_path(output) if files.failures is not None and files.failures.size else None
    summary.add_files(
        output if placed else part_path(output),
        failed if placed or failed is None else part_path(failed),
        resumes=files.failures is not None,
        restarted=restarted,
    )


def _standard_output() -> TextIO:
    if sys.stdout is None:
        raise OutputError("Standard output is closed: name a file with -o.")
    return sys.stdout


def _refuse_own_output(inputs: list[str], output: Path) -> None:
    """Raise OutputError if a run would overwrite one of its own inputs."""
    written = [path for path in (output, failures_path(output), part_path(output)) if path.is_file()]
    for name in inputs:
        for path in written:
            if name != "-" and is_same(name, path):
                raise OutputError(f"{path} would be written and is also among the inputs: name another file with -o.")


def _refuse_empty_retry(settings: Settings, output: Path) -> None:
    """Raise OutputError if there is no earlier run to retry."""
    if settings.retry is not None and (output.is_file() or not output.exists()) and nothing_to_retry(output):
        raise OutputError(
            f"There is neither {failures_path(output)} nor {output}, so there is nothing to retry: leave out "
            "--retry-failed."
        )
