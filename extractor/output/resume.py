"""Resuming: what an output holds, by document, so that a run continues where an earlier one stopped.

A run writes into `.part` files. It first reads what an earlier run left, finished or cut short. Then, for
each document that is done, it writes the lines, then the failures; only later, once the lines are synced to
disk, it deletes the kept answers (`answer_cache`). So a run that is killed at any moment leaves
each document either finished, or unfinished with its answers kept. The lines of the last document in a
`.part` are never trusted: if the kill came before its failures were written, the document is converted again.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import get_args

from extractor.document import Document
from extractor.errors import BUG, FATAL, NOT_REACHED, IdTakenError, kinds
from extractor.output.answer_cache import AnswerCache, ReadOnlyAnswerCache, answer_cache_path
from extractor.output.failures import FailureEntry, Failures, encode_failures, read_failures
from extractor.output.files import (
    Output,
    OutputError,
    encode,
    failures_path,
    followed,
    guard,
    open_output,
    part_path,
    restart_path,
)
from extractor.output.record_index import RecordIndex
from extractor.pipeline.convert import EarlierRecord, Known
from extractor.pipeline.line_format import OutputLine
from extractor.pipeline.read.read import Kind, Unreadable
from extractor.pipeline.recipe import Recipe

# Failures that say nothing about the document itself, so any run that resumes asks about it again.
PASSING = frozenset({NOT_REACHED, *kinds(*FATAL)})
# Failures to read a document: once it can be read, they are past.
_UNREAD = frozenset(get_args(Kind))
# Seconds between syncs to disk: how much work a power loss may cost.
SYNC_EVERY = 1.0


class ResumableOutput:
    """The documents of an output.

    `outdated` counts the records of an earlier recipe that were there, to be back-filled.
    `skipped` counts the inputs that are done already.
    `waiting` counts the inputs that failed in an earlier run and are not asked about again.
    `left` counts the documents to retry that are not among the inputs.
    """

    def __init__(
        self,
        files: Output,
        recipe: Recipe,
        cache: AnswerCache,
        restart: bool = False,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Read what is there.

        Raises OutputError if it is not records, or none of it is valid under this recipe.
        """
        self._files, self._recipe, self._cache, self._now = files, recipe, cache, now
        self._synced = now()
        self._unsynced: list[str] = []
        self._last: str | None = None
        self._has_resolved = False
        self._failures: Failures = {}
        self.skipped = self.waiting = self.left = 0
        if restart:
            cache.discard_all()
        self._index = RecordIndex(files, recipe, restart)
        self.outdated = self._index.outdated
        if files.failures is not None and not restart:
            older = [] if files.replaces else [files.failures.path]
            self._failures = read_failures(*older, part_path(files.failures.path), keep_unreached=False)
            files.failures.refill(_encode_all(self._failures))

    @property
    def fields_to_ask(self) -> list[str]:
        """The fields that some record lacks, or has from an earlier recipe."""
        kept = [names for recipe, names in self._index.recipes.items() if recipe != self._recipe.digest]
        return [name for name in self._recipe.fields if any(name not in names for names in kept)]

    @property
    def still_outdated(self) -> int:
        """How many records are of an earlier recipe right now."""
        return self._index.outdated

    # --- what is to be done ---

    def pending(
        self, documents: Iterable[Document | Unreadable], retry: Collection[str] | None = None
    ) -> Iterator[Document | Unreadable]:
        """The documents that are not done, or may not be: answers are kept until the lines are on disk.

        A document that failed before comes again if the failure says nothing about the document, or if
        `retry` names its kind (an empty `retry` means any kind).
        """
        to_retry = set(self._failures) if retry is not None else set()
        for document in documents:
            to_retry.discard(document.id)
            if isinstance(document, Unreadable):
                yield document
                continue
            failed = self._failures_of(document)
            if failed:
                if _is_due(failed, retry) or self._index.was_cut(document):
                    if _names_bug(failed, retry):
                        self._cache.discard([document.id])
                    yield document
                else:
                    self._settle(document)
                    self.waiting += 1
            elif self._is_done(document):
                self._settle(document)
                self.skipped += 1
            elif (path := self._index.taken(document, self._failures)) is not None:
                reason = str(self._id_taken(document, document.id, path))
                yield Unreadable(document.id, document.path, "id-taken", reason)
            else:
                yield document
        self.left = len(to_retry)

    def _is_done(self, document: Document) -> bool:
        return self._index.has(document) and not self._cache.has_earlier_answers(document.id)

    def _settle(self, document: Document) -> None:
        """Let the lines and failures of a document that is not converted name the place where it is read now."""
        if self._files.failures is None:
            return
        self._index.settle(document)
        failures = self._failures.get(document.id, [])
        if any(failure["path"] != document.path for failure in failures):
            for failure in failures:
                failure["path"] = document.path
            self._files.failures.add(encode_failures(failures, resolved=document.id))
            self._has_resolved = True

    def _failures_of(self, document: Document) -> list[FailureEntry]:
        """What failed in a document of this content. Failures of an older content, or to read it, don't count."""
        return [
            failure
            for failure in self._failures.get(document.id, ())
            if failure["sha256"] == document.sha256 or (failure["sha256"] is None and failure["kind"] not in _UNREAD)
        ]

    def known(self, document: Document) -> Known:
        """Looks up the document's earlier records by name, each with the fields that failed in it."""
        failed = frozenset(failure["field"] for failure in self._failures.get(document.id, ()) if failure["field"])

        def earlier(name: str) -> EarlierRecord | None:
            line = None if self._files.failures is None else self._index.line(name)
            return None if line is None else EarlierRecord(line, failed)

        return earlier

    # --- what is done ---

    def write(self, document: Document | Unreadable, lines: list[OutputLine], failures: list[FailureEntry]) -> None:
        """Write a document's lines and failures.

        Raises OutputError; IdTakenError, with nothing written, if another document has a record of a line's id: a
        speech of `d` and a document named `d#1` may be under way at once.
        """
        output = self._files.failures
        if output is None:
            self._files.records.add(b"".join(map(encode, lines)))
            return
        if isinstance(document, Document):
            for name in (line["id"] for line in lines):
                if self._index.is_taken(document, name, self._failures):
                    raise self._id_taken(document, name, self._index.path_of(name))
        earlier = self._failures.pop(document.id, [])
        if any(failure["field"] is None for failure in failures):
            # The document was not converted to its end, so its earlier failures stand as well.
            failures = [*earlier, *(failure for failure in failures if failure not in earlier)]
        self._has_resolved |= bool(earlier)
        # The lines first: the last document's are not trusted, so a kill here converts it again.
        if isinstance(document, Document):
            self._index.add(document, lines, complete=not failures)
        output.add(encode_failures(failures, resolved=document.id if earlier else None))
        if failures:
            self._discard_failed_answers(document.id, failures)
        else:
            self._discard_answers(document.id)

    def _id_taken(self, document: Document | Unreadable, name: str, path: str | None) -> IdTakenError:
        what = "would have the id" if name == document.id else "would have a record with the id"
        return IdTakenError(
            f"{document.path} {what} {name}, which {self._files.path} already has for {path}.",
            "Give it another id, or name another file with -o.",
        )

    def _discard_failed_answers(self, document: str, failures: list[FailureEntry]) -> None:
        requests = {key for failure in failures for key in failure.get("requests", ())}
        questions = [
            (failure["field"], failure["start"], failure["end"])
            for failure in failures
            if failure["field"] is not None and failure["start"] is not None and failure["end"] is not None
        ]
        self._cache.discard_failed(document, requests, questions)

    def _discard_answers(self, document: str) -> None:
        """Delete a document's answers at a sync after the next document: only the last lines may be torn."""
        if self._last is not None:
            self._unsynced.append(self._last)
        self._last = document
        if self._now() - self._synced >= SYNC_EVERY:
            self.sync()

    def sync(self) -> None:
        """Flush what was written to disk, and delete the answers that are no longer needed.

        Raises OutputError.
        """
        if self._files.failures is not None:
            self._files.failures.sync()
            self._files.records.sync()
            self._cache.discard(self._unsynced)
            self._unsynced.clear()
            self._synced = self._now()

    def finish(self, whole: bool) -> bool:
        """Move the files into place.

        False if they stay `.part`: an older output has other records, and these are not whole. The first
        back-fill of an output keeps it as it was in `.before`. Raises OutputError.
        """
        self.sync()
        exists = self._files.path.is_file()
        if not whole and exists and (self._files.replaces or self.outdated):
            return False
        # A back-fill that was put in place before, in part, has its `.before` already.
        if exists and self.outdated > self.still_outdated and not self._index.is_mixed:
            self._files.keep_before()
        failures = self._files.failures
        if failures is not None and self._has_resolved:
            failures.refill(_encode_all(read_failures(part_path(failures.path))))
        self._files.put(whole, self._index.standing() if self._index.superseded else None)
        self._cache.discard([] if self._last is None else [self._last])
        return True


def _is_due(failed: list[FailureEntry], retry: Collection[str] | None) -> bool:
    kinds = {failure["kind"] for failure in failed}
    return bool(kinds & PASSING) or (retry is not None and (not retry or bool(kinds & set(retry))))


def _names_bug(failed: list[FailureEntry], retry: Collection[str] | None) -> bool:
    """Whether a bug is to be retried: the answers that it was met with would only lead to it again."""
    return retry is not None and (not retry or BUG in retry) and any(failure["kind"] == BUG for failure in failed)


def _encode_all(failures: Failures) -> bytes:
    return b"".join(map(encode_failures, failures.values()))


@contextmanager
def look(output: Path, recipe: Recipe) -> Iterator[tuple[ResumableOutput, AnswerCache]]:
    """What a run that resumes `output` would find, from a copy: nothing there is locked or written.

    Raises OutputError.
    """
    path = followed(output)
    with TemporaryDirectory() as folder:
        copy = Path(folder) / path.name
        failures, failures_copy = failures_path(path), failures_path(copy)
        answers, answers_copy = answer_cache_path(path), answer_cache_path(copy)
        files = {
            restart_path(path): restart_path(copy),
            path: copy,
            failures: failures_copy,
            part_path(path): part_path(copy),
            part_path(failures): part_path(failures_copy),
        }
        if answers.is_dir():
            answers_copy.mkdir()
            files |= {file: answers_copy / file.name for file in answers.glob("*.jsonl")}
        for file, to in files.items():
            # A run that is writing this output may delete some of them meanwhile.
            with guard(to), suppress(FileNotFoundError):
                shutil.copyfile(file, to)
        cache = ReadOnlyAnswerCache(answers_copy)
        try:
            with open_output(copy) as opened:
                yield ResumableOutput(opened, recipe, cache), cache
        except OutputError as error:
            raise OutputError(str(error).replace(str(copy), str(path))) from error


def nothing_to_retry(output: Path) -> bool:
    """Whether there is neither an output nor a failures file."""
    paths = (output, failures_path(output))
    return not any(path.is_file() for path in (*paths, *map(part_path, paths)))
