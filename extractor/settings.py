"""A run as its user set it up: from the settings of the command line to a summary."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from extractor.catalog import load_schema
from extractor.model import choose, opened
from extractor.pipeline import convert
from extractor.read import ReadOptions, Unreadable, read
from extractor.recipe import Recipe
from extractor.run import (
    Sinks,
    Summary,
    failures_path,
    guard,
    only,
    open_output,
    read_failed_ids,
    run,
    write_line,
)
from extractor.tape import Mode, NotRecorded, Tape

if TYPE_CHECKING:
    from extractor.data import Call, Document, Json
    from extractor.report import Progressing

DEFAULT_REPLIES = Path("fixtures/replies")


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

    def documents(self) -> Iterator[Document | Unreadable]:
        return read(self.inputs, ReadOptions(self.encoding, self.text_column, self.id_column))

    def tape(self) -> Tape:
        """The named folder; else the project's own where there is one; recording makes it."""
        folder = self.replies
        if folder is None and (DEFAULT_REPLIES.is_dir() or self.mode in ("record", "replay")):
            folder = DEFAULT_REPLIES
        return Tape(folder, self.mode)


@contextmanager
def prepared(settings: Settings, progress: Progressing | None = None) -> Iterator[tuple[Recipe, Tape, Call]]:
    """The recipe, the tape, and the model's Call behind it."""
    schema = load_schema(settings.schema)
    installing = progress.installing if progress else None
    model = choose(settings.model, settings.base_url, os.environ, installing)
    recipe = Recipe(schema, model.name, model.profile, model.is_local)
    tape = settings.tape()
    with opened(model) as call:
        yield recipe, tape, tape.over(progress.over(call) if progress else call)


def convert_all(settings: Settings, progress: Progressing) -> Summary:
    """Records to standard output; failures are told on standard error only."""
    documents = settings.documents()
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")  # type: ignore[union-attr]
    with prepared(settings, progress) as (recipe, _, call):
        sinks = Sinks(partial(write_line, sys.stdout, "standard output"), lambda failure: None, progress.told)
        return run(documents, recipe, call, sinks)


def convert_to(settings: Settings, output: Path, retry_failed: bool, progress: Progressing) -> Summary:
    """Records to `output`, failures beside it; with `retry_failed` only what failed before, added to what is there."""
    documents = settings.documents()
    failures = failures_path(output)
    earlier: list[str] = []
    if retry_failed:
        ids = read_failed_ids(failures)
        documents = only(documents, ids)
        earlier = _lines_without(output, ids)
    with prepared(settings, progress) as (recipe, _, call), open_output(output) as lines, _failures(failures) as failed:
        with guard(output):
            lines.writelines(earlier)
        sinks = Sinks(partial(write_line, lines, output), failed, progress.told)
        return run(documents, recipe, call, sinks)


def _lines_without(output: Path, ids: set[str]) -> list[str]:
    """The lines of an earlier run, but for those of documents that are to be converted again."""
    import json

    if not output.is_file():
        return []
    with guard(output), output.open(encoding="utf-8") as stream:
        return [line for line in stream if json.loads(line)["id"].partition("#")[0] not in ids]


@contextmanager
def _failures(path: Path) -> Iterator[Callable[[Json], None]]:
    """Where failures go: a file that is there only if there are any."""
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)

    def note(failure: Json) -> None:
        with guard(path), part.open("a", encoding="utf-8", newline="\n") as stream:
            write_line(stream, path, failure)

    yield note
    with guard(path):
        if part.exists():
            shutil.move(part, path)
        else:
            path.unlink(missing_ok=True)


def check_replies(settings: Settings, prune: bool) -> tuple[int, list[str]]:
    """How many recordings are missing, stale or unused for the inputs, and a line on each."""
    lines: list[str] = []
    findings = used = 0
    with prepared(settings) as (recipe, tape, call):
        for document in settings.documents():
            if isinstance(document, Unreadable):
                lines.append(f"{document.id}: {document.reason}")
                findings += 1
                continue
            missing = _missing(document, recipe, call)
            reel = tape.reel(document.id)
            stale = [recording for recording in reel.calls.values() if not recording.used]
            used += len(reel.calls) - len(stale)
            findings += len(missing) + len(stale)
            lines += [f"missing  {fault.what}" for fault in missing]
            for recording in stale:
                about = recording.about
                lines.append(
                    f"unused   {document.id}: {about.get('field')} of {about.get('start')}-{about.get('end')}: "
                    "no question asks this any more"
                )
            if prune and stale:
                lines.append(f"pruned   {document.id}: {tape.drop_unused(document.id)} recordings")
    lines.append(f"{used} recordings in use, {findings} findings")
    return findings, lines


def _missing(document: Document, recipe: Recipe, call: Call) -> list[NotRecorded]:
    """What a replay of the document misses. Answers that depend on a missing one can't be known."""
    faults = [f.fault for converted in convert(document, recipe, call) for f in converted.failures]
    return [fault for fault in faults if isinstance(fault, NotRecorded)]
