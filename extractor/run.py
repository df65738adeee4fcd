"""Many documents: convert each, write what is done, note what failed and why, go on."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from extractor.data import Call, Document, Json, Usage
from extractor.faults import Fault
from extractor.pipeline import FATAL, Converted, convert
from extractor.read import Unreadable
from extractor.recipe import Recipe


class OutputError(Exception):
    """The output can't be written: a sentence with the path, the reason and what to do."""


@dataclass
class Summary:
    """What a run came to."""

    documents: int = 0
    records: int = 0
    failed: int = 0
    items: Counter[str] = field(default_factory=Counter)
    problems: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    usage: Usage = field(default_factory=Usage)
    stopped: Fault | None = None

    @property
    def exit_code(self) -> int:
        """0 all converted; 1 some failed, the rest are written; 2 no model."""
        if self.stopped is not None and self.stopped.exit_code == 2:
            return 2
        return 1 if self.failed or self.stopped else 0


@dataclass(frozen=True)
class Sinks:
    """Where lines go: records and failures; `told` hears of each document that is done."""

    record: Callable[[Json], None]
    failure: Callable[[Json], None]
    told: Callable[[str, int, list[Json]], None] = lambda name, records, failures: None


def run(documents: Iterable[Document | Unreadable], recipe: Recipe, call: Call, sinks: Sinks) -> Summary:
    """Convert all documents. A failed one is a line among the failures; a fault that no later request can escape
    (no model, key refused, quota used up) ends the run with everything so far written."""
    summary = Summary()
    for document in documents:
        summary.documents += 1
        if isinstance(document, Unreadable):
            failures = [_unreadable(document)]
            converted: list[Converted] = []
        else:
            converted, failures = _convert(document, recipe, call, summary)
        for done in converted:
            _count(done, summary)
            sinks.record(done.line)
        for failure in failures:
            sinks.failure(failure)
        summary.failed += bool(failures)
        summary.failures.update(failure["kind"] for failure in failures)
        sinks.told(document.id, len(converted), failures)
        if summary.stopped is not None:
            break
    return summary


def _convert(document: Document, recipe: Recipe, call: Call, summary: Summary) -> tuple[list[Converted], list[Json]]:
    """A document's records, and its failures: of single questions, or of the document as a whole."""
    converted: list[Converted] = []
    failures: list[Json] = []
    try:
        for done in convert(document, recipe, call):
            failures += [
                _failure(document, f.fault.kind, str(f.fault), {"field": f.field, "start": f.start, "end": f.end})
                for f in done.failures
            ]
            # Where nothing was answered there is nothing to write.
            if done.usage.requests or not done.failures:
                converted.append(done)
    except FATAL as fault:
        summary.stopped = fault
        failures.append(_failure(document, fault.kind, str(fault)))
    return converted, failures


def _count(done: Converted, summary: Summary) -> None:
    summary.records += 1
    summary.usage += done.usage
    for name, value in done.line["record"].items():
        summary.items[name] += len(value) if isinstance(value, list) else value is not None
    summary.problems.update(problem["kind"] for problem in done.line["problems"])


def _failure(document: Document, kind: str, reason: str, where: Json | None = None) -> Json:
    return {"id": document.id, "path": document.path, "kind": kind, "reason": reason, **(where or {})}


def _unreadable(document: Unreadable) -> Json:
    return {"id": document.id, "path": document.path, "kind": document.kind, "reason": document.reason}


# --- the files ---


def failures_path(output: Path) -> Path:
    """Where the failures of a run into `output` are noted."""
    return output.with_name(f"{output.name}.failures.jsonl")


@contextmanager
def open_output(output: Path) -> Iterator[IO[str]]:
    """`output` for writing. It appears whole when the block ends, so that a run that is cut short leaves an older file
    as it was, and its own lines in `output`.part. Raises OutputError."""
    if output.is_dir():
        raise OutputError(f"{output} is a folder: name a file, such as {output / 'records.jsonl'}.")
    if not output.parent.is_dir():
        raise OutputError(f"There is no folder {output.parent}: make it first (mkdir -p {output.parent}).")
    special = output.exists() and not output.is_file()
    part = output if special else output.with_name(f"{output.name}.part")
    with guard(output):
        stream = part.open("w", encoding="utf-8", newline="\n")
    try:
        yield stream
        with guard(output):
            stream.flush()
            if not special:
                os.fsync(stream.fileno())
            stream.close()
            if not special:
                os.replace(part, output)
    finally:
        close_quietly(stream)


def close_quietly(stream: IO[str]) -> None:
    """Close a stream whose error, if any, has been told already."""
    try:
        stream.close()
    except OSError:
        pass


@contextmanager
def guard(path: Path | str) -> Iterator[None]:
    """Turn an operating system's error about `path` into a sentence."""
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"{path} can't be written: {error.strerror or error}. "
            "Make room or name another place with -o, then run again; recorded replies and finished files are kept."
        ) from error


def write_line(stream: IO[str], name: Path | str, line: Json) -> None:
    """One JSON line, on disk before the next is begun. Raises OutputError."""
    with guard(name):
        stream.write(json.dumps(line, ensure_ascii=False) + "\n")
        stream.flush()


def read_failed_ids(path: Path) -> set[str]:
    """The ids that a failures file names. Raises OutputError where it can't be read."""
    try:
        with path.open(encoding="utf-8") as stream:
            return {json.loads(line)["id"] for line in stream if line.strip()}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OutputError(f"{path} names no failures to retry ({error}).") from error


def only(documents: Iterable[Document | Unreadable], ids: set[str]) -> Iterator[Document | Unreadable]:
    """The documents with these ids."""
    return (document for document in documents if document.id in ids)
