"""A run as its user set it up: from the settings of the command line to a summary."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from extractor.catalog import load_schema
from extractor.faults import NotRecorded
from extractor.model import Model, choose, opened
from extractor.output import (
    Output,
    OutputError,
    failures_path,
    keep_lines,
    open_output,
    part_path,
    read_failures,
    write_line,
)
from extractor.pace import Pace
from extractor.pipeline import convert
from extractor.places import Closed, find_places
from extractor.read import ReadOptions, Unreadable, read
from extractor.recipe import Recipe
from extractor.run import NOT_REACHED, Sinks, Summary, Workers, run
from extractor.tape import Mode, Tape

if TYPE_CHECKING:
    from extractor.data import Call, Document, Json
    from extractor.report import Progressing
    from extractor.tape import Recording, Reel

DEFAULT_REPLIES = Path("fixtures/replies")
# How many questions are under way at the most in auto.
MOST = 32


@dataclass(frozen=True)
class Settings:
    """What the command line said."""

    inputs: list[str]
    schema: str
    model: str
    base_url: str | None
    replies: Path | None
    mode: Mode
    encoding: str | None
    text_column: str | None
    id_column: str | None
    fill: bool = False
    confirm: bool = False
    concurrency: int | None = None
    rpm: float | None = None
    tpm: float | None = None
    ordered: bool = False

    def documents(self) -> Iterator[Document | Unreadable]:
        return read(self.inputs, ReadOptions(self.encoding, self.text_column, self.id_column))

    def pace(self) -> Pace:
        """As many at a time as was said; else as many as the endpoint bears."""
        most = self.concurrency or MOST
        return Pace(most, auto=self.concurrency is None, rpm=self.rpm, tpm=self.tpm)

    def workers(self, model: Model) -> Workers:
        """The embedded model answers one question at a time; where none is asked there is nothing to wait for."""
        alone = model.is_local or self.mode == "replay"
        return Workers(1 if alone else self.concurrency or MOST, self.ordered)

    def tape(self) -> Tape:
        """The named folder; else the project's own where there is one; recording makes it."""
        folder = self.replies
        if folder is None and (DEFAULT_REPLIES.is_dir() or self.mode in ("record", "replay")):
            folder = DEFAULT_REPLIES
        return Tape(folder, self.mode)


@contextmanager
def prepared(settings: Settings, progress: Progressing | None = None) -> Iterator[tuple[Recipe, Tape, Call, Workers]]:
    """The recipe, the tape, the model's Call behind it, and how many may call it at a time."""
    schema = load_schema(settings.schema)
    installing = progress.installing if progress else None
    model = choose(settings.model, settings.base_url, os.environ, installing, settings.pace())
    recipe = Recipe(
        schema, model.name, replace(model.profile, fill=settings.fill, confirm=settings.confirm), model.is_local
    )
    tape = settings.tape()
    with opened(model) as call:
        yield recipe, tape, tape.over(progress.over(call) if progress else call), settings.workers(model)


def convert_all(settings: Settings, progress: Progressing) -> Summary:
    """Records to standard output; failures are told on standard error only."""
    documents = settings.documents()
    with prepared(settings, progress) as (recipe, _, call, workers):
        sinks = Sinks(partial(write_line, _standard_output()), partial(_tell, progress), progress.told)
        return run(documents, recipe, call, sinks, workers)


def _standard_output() -> TextIO:
    if sys.stdout is None:
        raise OutputError("Standard output is closed: name a file with -o.")
    return sys.stdout


def _tell(progress: Progressing, failure: Json) -> None:
    """Where no file holds the failures they are said, but for those that the summary counts."""
    if failure["kind"] != NOT_REACHED:
        progress.failed(failure)


def convert_to(settings: Settings, output: Path, retry_failed: bool, progress: Progressing) -> Summary:
    """Records to `output`, failures beside it; with `retry_failed` only what failed before, added to what is there."""
    _refuse_own_output(settings.inputs, output)
    documents = settings.documents()
    with prepared(settings, progress) as (recipe, _, call, workers), open_output(output) as files:
        note = files.failures.write if files.failures else partial(_tell, progress)
        sinks = Sinks(files.records.write, note, progress.told)
        if retry_failed:
            if files.failures is None:
                raise OutputError(f"{output} is no file, so nothing is known of what failed: leave out --retry-failed.")
            failures = read_failures(files.path)
            summary = _retry(documents, partial(run, recipe=recipe, call=call, workers=workers), files, failures, sinks)
        else:
            summary = run(documents, recipe, call, sinks, workers)
        # A retry holds all that an older file holds, so it is whole even when it was stopped.
        placed = files.finish(whole=summary.stopped is None or retry_failed)
        noted = failures_path(output) if files.failures and files.failures.size else None
        summary.output = output if placed else part_path(output)
        summary.noted = noted if placed or noted is None else part_path(noted)
    return summary


def _retry(
    documents: Iterator[Document | Unreadable],
    convert: Callable[..., Summary],
    files: Output,
    failures: dict[str, list[Json]],
    sinks: Sinks,
) -> Summary:
    """Only the documents that failed before. Nothing is lost by it: an incomplete older record goes when a new one has
    come for it or its document is complete; failures of documents that are not among the inputs stay on the list."""
    older = keep_lines(files, failures)
    asked_for = set()
    failed_again = set()

    def only() -> Iterator[Document | Unreadable]:
        for document in documents:
            if document.id in failures:
                asked_for.add(document.id)
                yield document

    def record(line: Json) -> None:
        sinks.record(line)
        older.pop(line["id"], None)

    def failure(line: Json) -> None:
        sinks.failure(line)
        failed_again.add(line["id"])

    summary = convert(only(), sinks=Sinks(record, failure, sinks.told))
    for name in sorted(failures.keys() - asked_for):
        summary.left += 1
        for line in failures[name]:
            failure(line)
    for owner, kept in older.values():
        if owner in failed_again:
            files.records.add(kept)
    return summary


def _refuse_own_output(inputs: list[str], output: Path) -> None:
    """Raise OutputError where a run would read what it writes, or would put it in the place of a source."""
    own = [path for path in (output, failures_path(output), part_path(output)) if path.is_file()]
    for given in inputs if own else ():
        for found in find_places(given):
            for path in own:
                if not isinstance(found, Closed) and _is_same(found.file, path):
                    raise OutputError(
                        f"{path} would be written and is also among the inputs ({given}): name another file with -o, "
                        "in a folder that is not read."
                    )


def _is_same(file: str, path: Path) -> bool:
    try:
        return file != "-" and path.samefile(file)
    except OSError:
        return False


# --- recorded replies ---


def check_replies(settings: Settings, prune: bool) -> tuple[int, list[str]]:
    """How many recordings are missing or unused for the inputs, or can't be read, and a line on each."""
    lines: list[str] = []
    findings = used = 0
    seen: set[Path] = set()
    with prepared(settings) as (recipe, tape, call, _):
        for document in settings.documents():
            if isinstance(document, Unreadable):
                lines.append(f"unread   {document.reason}")
                findings += 1
                continue
            missing = _missing(document, recipe, call)
            reel = tape.reel(document.id)
            seen.add(reel.path)
            unused = [recording for recording in reel.calls.values() if not recording.used]
            used += len(reel.calls) - len(unused)
            findings += len(missing) + len(unused)
            lines += [f"missing  {fault.what}" for fault in missing]
            lines += [f"unused   {_describe_unused(document.id, recording)}" for recording in unused]
            if prune and unused:
                lines.append(_prune(tape, reel, document.id, len(unused), missing))
        others = sorted(set(tape.folder.glob("*.json")) - seen) if tape.folder is not None else []
    # No finding: the inputs may be some of many.
    lines += [f"other    {path} is of no document among the inputs" for path in others]
    lines.append(f"{used} recordings in use, {findings} findings")
    return findings, lines


def _missing(document: Document, recipe: Recipe, call: Call) -> list[NotRecorded]:
    """What a replay of the document misses. Answers that depend on a missing one can't be known."""
    faults = [f.fault for converted in convert(document, recipe, call) for f in converted.failures]
    return [fault for fault in faults if isinstance(fault, NotRecorded)]


def _describe_unused(document: str, recording: Recording) -> str:
    about = recording.about
    return (
        f"{document}: {about.get('field')} of {about.get('start')}-{about.get('end')}: no question asks this any more, "
        "since the text, the prompts, the schema or the model has changed"
    )


def _prune(tape: Tape, reel: Reel, document: str, unused: int, missing: list[NotRecorded]) -> str:
    """Delete what is unused. Not while replies are missing: what seems unused may be the re-ask of a missing one, and
    a wrong --model or --schema would empty the folder."""
    if missing:
        return f"kept     {document}: record what is missing first, then prune ({unused} unused in {reel.path})"
    return f"pruned   {document}: {tape.drop_unused(document)} recordings deleted from {reel.path}"
