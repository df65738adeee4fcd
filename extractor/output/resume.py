"""Store: what an output holds, by document, so that a run goes on where an earlier one stopped.

A run writes into `.part` files. Whatever an earlier run left, whole or cut short, is taken up first; then documents are
added as they are done: the failures, then the lines, then the answers are let go (`cache`). A run that is killed at
any moment leaves a document finished, or unfinished with its answers kept.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from extractor.document import Document, Json
from extractor.errors import FATAL, NOT_REACHED, kinds
from extractor.output.answer_cache import AnswerCache, Left, answer_cache_path
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
from extractor.pipeline.read.read import Unreadable
from extractor.pipeline.recipe import Recipe

# Failures that say nothing of the document: it is asked about when the run goes on.
PASSING = frozenset({NOT_REACHED, *kinds(*FATAL)})
# In the place of a document's earlier failures, which stand no more.
_MENDED = "mended"
# Seconds between writings to disk: what a power loss may take.
SYNC_EVERY = 1.0


class ResumableOutput:
    """The documents of an output.

    `outdated` counts the records of an earlier recipe that were there, some fields of which hold: their documents are
    back-filled. `held` counts those among the inputs that are done already; `waiting` those that failed in an earlier run and are not
    asked again, `left` those to retry that are not among the inputs.
    """

    def __init__(
        self,
        files: Output,
        recipe: Recipe,
        cache: AnswerCache,
        restart: bool = False,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take up what is there. Raises OutputError where nothing of it holds under this recipe, or it is no records."""
        self._files, self._recipe, self._cache, self._now = files, recipe, cache, now
        self._synced = now()
        self._unsynced: list[str] = []
        self._last: str | None = None
        self._mended = False
        self._failed: dict[str, list[Json]] = {}
        self.skipped = self.waiting = self.left = 0
        if restart:
            cache.clear()
        self._records = RecordIndex(files, recipe, restart)
        self.outdated = self._records.outdated
        if files.failures is not None and not restart:
            older = [] if files.replaces else [files.failures.path]
            self._failed = _failures_in(*older, part_path(files.failures.path))
            files.failures.refill(_encode(self._failed))

    @property
    def to_fill(self) -> list[str]:
        """The fields that some record lacks, or has by an earlier recipe."""
        kept = [names for recipe, names in self._records.recipes.items() if recipe != self._recipe.digest]
        return [name for name in self._recipe.fields if any(name not in names for names in kept)]

    @property
    def still_outdated(self) -> int:
        """How many records are of an earlier recipe just now."""
        return self._records.outdated

    # --- what is to be done ---

    def pending(
        self, documents: Iterable[Document | Unreadable], retry: Collection[str] | None = None
    ) -> Iterator[Document | Unreadable]:
        """The documents that are not done, or not surely so: their answers are kept until their lines are on disk. Of
        those in which something failed before, those whose failures say nothing of them; with `retry` also those with
        failures of these kinds (of any, where it is empty)."""
        to_retry = set(self._failed) if retry is not None else set()
        for document in documents:
            to_retry.discard(document.id)
            if isinstance(document, Unreadable):
                yield document
                continue
            failed = self._failures_of(document)
            if failed:
                if _is_due(failed, retry) or self._records.was_cut(document.id, document.path):
                    yield document
                else:
                    self.waiting += 1
            elif self._records.has(document.id, document.sha256) and not self._cache.left(document.id):
                self.skipped += 1
            elif (path := self._records.path_of(document.id)) not in (None, document.path):
                yield _taken(document, self._files.path, path)
            else:
                yield document
        self.left = len(to_retry)

    def _failures_of(self, document: Document) -> list[Json]:
        """What failed in a document of this content. Failures of what it was before say nothing of it."""
        noted = self._failed.get(document.id, ())
        return [f for f in noted if f["path"] in (document.path, None) and f["sha256"] in (document.sha256, None)]

    def known(self, document: Document) -> Known:
        """The lines that there are of a document, by name, without what failed in them."""
        failed = frozenset(failure["field"] for failure in self._failed.get(document.id, ()) if failure["field"])

        def older(name: str) -> EarlierRecord | None:
            line = None if self._files.failures is None else self._records.line(name)
            return None if line is None else EarlierRecord(line, failed)

        return older

    # --- what is done ---

    def write(self, document: Document | Unreadable, lines: list[OutputLine], failures: list[Json]) -> None:
        """Add what became of a document. Raises OutputError."""
        noted = self._files.failures
        if noted is None:
            self._files.records.add(b"".join(map(encode, lines)))
            return
        earlier = self._failed.pop(document.id, [])
        if any(failure["field"] is None for failure in failures):  # it was not gone through: what failed before stands
            failures = [*earlier, *(failure for failure in failures if failure not in earlier)]
        if earlier:
            failures = [{"id": document.id, "path": document.path, "kind": _MENDED}, *failures]
            self._mended = True
        # The lines first: those of the last document are not relied upon, so that it is gone through again if its
        # failures are not noted.
        done = not any(failure["kind"] != _MENDED for failure in failures)
        self._records.add(document.id, document.path, lines, complete=done)
        noted.add(b"".join(map(encode, failures)))
        if done:
            self._let_go(document.id)
            return
        placed = [f for f in failures if f.get("field") is not None]
        requests = {request for f in failures for request in f.get("requests", ())}
        self._cache.drop(document.id, requests, [(f["field"], f["start"], f["end"]) for f in placed])

    def _let_go(self, document: str) -> None:
        """Of the answers of documents whose lines are on disk; of the last one's not before another follows, since
        only the last one's lines may turn out torn."""
        if self._last is not None:
            self._unsynced.append(self._last)
        self._last = document
        if self._now() - self._synced >= SYNC_EVERY:
            self.sync()

    def sync(self) -> None:
        """Have what was written on disk. Raises OutputError."""
        if self._files.failures is not None:
            self._files.failures.sync()
            self._files.records.sync()
            self._cache.close(self._unsynced)
            self._unsynced.clear()
            self._synced = self._now()

    def finish(self, whole: bool) -> bool:
        """Put the files in their places; False where they stay `.part`, since an older output holds other records and
        these are not whole. What was back-filled stays beside it as it was before. Raises OutputError."""
        self.sync()
        stands = self._files.path.is_file()
        if not whole and stands and (self._files.replaces or self.outdated):
            return False
        # Not once more where a back-fill goes on that has been put in its place already.
        if stands and self.outdated > self.still_outdated and not self._records.is_mixed:
            self._files.keep_before()
        noted = self._files.failures
        if noted is not None and self._mended:
            noted.refill(_encode(_failures_in(part_path(noted.path), keep_unreached=True)))
        self._files.put(whole, self._records.standing() if self._records.superseded else None)
        self._cache.close([] if self._last is None else [self._last])
        return True


def _taken(document: Document, output: Path, path: str | None) -> Unreadable:
    reason = f"{document.path} would be called {document.id}, and {output} holds that record of {path}"
    return Unreadable(document.id, document.path, "id-taken", f"{reason}: name another file with -o.")


def _is_due(failed: list[Json], retry: Collection[str] | None) -> bool:
    kinds = {failure["kind"] for failure in failed}
    return bool(kinds & PASSING) or (retry is not None and (not retry or bool(kinds & set(retry))))


def _failures_in(*paths: Path, keep_unreached: bool = False) -> dict[str, list[Json]]:
    """The failures that stand, by document, the later paths' before the earlier ones'. Raises OutputError."""
    failed: dict[str, list[Json]] = {}
    for path in paths:
        here: dict[str, list[Json]] = {}
        for failure in _read_failures(path):
            name = failure["id"]
            if failure["kind"] == _MENDED:
                here[name] = []
            elif keep_unreached or failure["kind"] != NOT_REACHED:
                here.setdefault(name, []).append(failure)
        failed.update(here)
    return {name: noted for name, noted in failed.items() if noted}


def _read_failures(path: Path) -> Iterator[Json]:
    with guard(path):
        content = path.read_bytes() if path.is_file() else b""
    for line in content.splitlines(keepends=True):
        try:
            if line.strip():
                failure = json.loads(line)
                yield {"path": None, "sha256": None, "kind": "unknown", **failure, "id": str(failure["id"])}
        except (ValueError, KeyError, TypeError) as error:
            if not line.endswith(b"\n"):
                return  # torn
            raise OutputError(
                f"{path} is no list of failures ({error}). Restore it, or begin anew with --restart."
            ) from error


def _encode(failed: dict[str, list[Json]]) -> bytes:
    return b"".join(encode(failure) for noted in failed.values() for failure in noted)


@contextmanager
def look(output: Path, recipe: Recipe) -> Iterator[tuple[ResumableOutput, AnswerCache]]:
    """What a run that goes on with `output` would find, by a copy: nothing there is locked or written. Raises
    OutputError."""
    path = followed(output)
    with TemporaryDirectory() as folder:
        copy = Path(folder) / path.name
        noted, noted_too = failures_path(path), failures_path(copy)
        left, left_too = answer_cache_path(path), answer_cache_path(copy)
        files = {
            restart_path(path): restart_path(copy),
            path: copy,
            noted: noted_too,
            part_path(path): part_path(copy),
            part_path(noted): part_path(noted_too),
        }
        if left.is_dir():
            left_too.mkdir()
            files |= {file: left_too / file.name for file in left.glob("*.jsonl")}
        for file, to in files.items():
            # A run that goes on meanwhile may let go of some.
            with guard(to), suppress(FileNotFoundError):
                shutil.copyfile(file, to)
        cache = Left(left_too)
        try:
            with open_output(copy) as opened:
                yield ResumableOutput(opened, recipe, cache), cache
        except OutputError as error:
            raise OutputError(str(error).replace(str(copy), str(path))) from error


def nothing_to_retry(output: Path) -> bool:
    """Whether there is neither an output nor a list of what failed."""
    paths = (output, failures_path(output))
    return not any(path.is_file() for path in (*paths, *map(part_path, paths)))
