"""Answers of documents that are not finished, kept so that a run that was cut short asks no question twice.

records.jsonl.answers/DOCUMENT.jsonl   one answer a line, handed to the operating system before it is used

A document whose id is its line (`in:3`) may stand at another line in the next run: its answers are then found by
their questions, in the files of the other lines. A refusal from a batch that a retry can't fix is kept like an answer, until it is written to the failures
file. A document's file is deleted once its records are on disk. If something in the document failed the file
stays, without the answers that failed, so that a retry asks only for those.
"""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from extractor.document import Json
from extractor.errors import CannotKeepError, ExtractorError, ProviderError, kinds
from extractor.files import dump, file_stem
from extractor.llm.call import Call, Reply, Request, request_key
from extractor.output.files import append, write_atomically

_LINE = re.compile(r"(.+):[0-9]+(?:~[0-9]+)?", re.DOTALL)
# The field and the passage that a question was about: start and end in characters of the source.
QuestionRef = tuple[str, int, int]


class AnswerCache:
    """A folder with one file for each unfinished document that has answers. Threads may share it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        # Files of an earlier run. This run's own answers are written to disk but never read back.
        self._earlier = {name for name in os.listdir(folder) if name.endswith(".jsonl")} if folder.is_dir() else set()
        self._replies: dict[str, dict[str, Reply | ExtractorError]] = {}
        self._keys: dict[str, set[str]] = {}
        self._files: set[str] = set(self._earlier)
        # By request key: the file of an earlier run, of any line of the same table, that answers it.
        self._of_lines: dict[str, dict[str, str]] = {}

    def reuse_answers(self, call: Call) -> Call:
        """`call`, asked only what an earlier run did not get answered."""

        def answer(request: Request) -> Reply:
            document = str(request.about.get("document", "unnamed"))
            key = request_key(request.body)
            known = self._earlier_replies(self._path(document).name).get(key) if self._earlier else None
            if isinstance(known, ExtractorError):
                raise type(known)(known.what, status=known.status)
            if known is not None:
                return Reply(json.loads(json.dumps(known.body)), known.by, known.attempts)
            kept = []

            def keep(reply: Reply) -> None:
                self.add(document, key, request.about, reply)
                kept.append(key)

            reply = self._of_another_line(document, key) or call(replace(request, on_reply=keep))
            if not kept:  # kept for another line, or from a Call that tells of no reply before it returns
                keep(reply)
            return reply

        return answer

    def contains(self, document: str, key: str) -> bool:
        """Whether an answer to this request is on file, from any run.

        Takes about 150 bytes of memory an answer.
        """
        name = self._path(document).name
        if name not in self._keys:
            self._keys[name] = {entry["key"] for entry in _entries(self._path(document))}
        return key in self._keys[name]

    def add(self, document: str, key: str, about: Json, reply: Reply | ExtractorError) -> None:
        """Write down an answer or a refusal. Raises CannotKeepError."""
        entry: Json = {"key": key, "about": about}
        if isinstance(reply, ExtractorError):
            entry["error"] = {"kind": reply.kind, "what": reply.what, "status": reply.status}
        else:
            entry |= {"reply": reply.body, "by": reply.by, "attempts": reply.attempts}
        line = (dump(entry) + "\n").encode()
        path = self._path(document)
        with self._lock, self._guard():
            if not self._files:
                self.folder.mkdir(exist_ok=True)
            self._files.add(path.name)
            append(path, line)
            if path.name in self._keys:
                self._keys[path.name].add(key)

    def has_earlier_answers(self, document: str) -> bool:
        """Whether an earlier run left answers of this document that this run has not discarded yet."""
        name = self._path(document).name
        return name in self._earlier and name in self._files

    def discard(self, documents: Iterable[str]) -> None:
        """Delete the answers of documents that are finished. Raises CannotKeepError."""
        if not self._files:
            return
        with self._lock, self._guard():
            for document in documents:
                path = self._path(document)
                if path.name in self._files:
                    if _table(document) in self._of_lines:  # the answers may be those of another line by now
                        self._load(path.name)
                    else:
                        self._replies.pop(path.name, None)
                    path.unlink(missing_ok=True)
                    self._files.discard(path.name)
                    if not self._files:
                        self._remove_folder()

    def discard_all(self) -> None:
        """Delete every answer."""
        for name in list(self._files):
            (self.folder / name).unlink(missing_ok=True)
        self._files.clear()
        self._earlier.clear()
        self._replies.clear()
        self._remove_folder()

    def discard_failed(self, document: str, requests: Collection[str], failed: Sequence[QuestionRef]) -> None:
        """Delete what a retry must ask again. Raises CannotKeepError.

        That is the answers to `requests`, which did not fit, and the refusals of the questions that `failed`.
        """
        path = self._path(document)
        if path.name not in self._files:
            return
        entries = _entries(path)
        kept = [
            entry
            for entry in entries
            if entry["key"] not in requests
            and not ("error" in entry and any(_is_about(entry["about"], question) for question in failed))
        ]
        if len(kept) == len(entries):
            return
        if not kept:
            self.discard([document])
            return
        with self._lock, self._guard():
            _rewrite(path, kept)

    @contextmanager
    def _guard(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise CannotKeepError(f"The answers can't be kept in {self.folder} ({error.strerror}).") from error

    def _remove_folder(self) -> None:
        with suppress(OSError):  # it stays if it is missing, or holds files that are not ours
            self.folder.rmdir()

    def _path(self, document: str) -> Path:
        return self.folder / f"{file_stem(document)}.jsonl"

    def _earlier_replies(self, name: str) -> dict[str, Reply | ExtractorError]:
        """What an earlier run left in a file, by request key; read when it is first needed."""
        if name not in self._earlier:
            return {}
        with self._lock:
            return self._load(name)

    def _load(self, name: str) -> dict[str, Reply | ExtractorError]:
        if name not in self._replies:
            self._replies[name] = {entry["key"]: _reply_of(entry) for entry in _entries(self.folder / name)}
        return self._replies[name]

    def _of_another_line(self, document: str, key: str) -> Reply | None:
        """The answer that an earlier run got to the same question about another line of the same table."""
        table = _table(document)
        if table is None or not self._earlier:
            return None
        with self._lock:
            if table not in self._of_lines:
                names = [name for name in self._files & self._earlier if name.startswith(table)]
                self._of_lines[table] = {e["key"]: name for name in names for e in _entries(self.folder / name)}
            name = self._of_lines[table].get(key)
            reply = self._load(name).get(key) if name else None
        return Reply(json.loads(json.dumps(reply.body)), reply.by, reply.attempts) if isinstance(reply, Reply) else None


class ReadOnlyAnswerCache(AnswerCache):
    """The answers of an earlier run, for an estimate: nothing is added."""

    def add(self, document: str, key: str, about: Json, reply: object) -> None:
        """Do nothing."""


def _table(document: str) -> str | None:
    """What the files of all lines of a table begin with, for a document whose id is its line; else None."""
    found = _LINE.fullmatch(document)
    return file_stem(f"{found[1]}:")[: -len("-00000000")] if found else None


def answer_cache_path(output: Path) -> Path:
    """The folder with the answers of unfinished documents."""
    return output.with_name(f"{output.name}.answers")


def _entries(path: Path) -> list[Json]:
    """The whole lines of a file.

    A torn one is dropped, and removed if it is the last: it is asked for again.
    """
    entries = []
    with suppress(FileNotFoundError):
        content = path.read_bytes()
        for line in content.splitlines():
            with suppress(ValueError, KeyError, TypeError):
                entry = json.loads(line)
                names = ("key", "about", "error") if "error" in entry else ("key", "about", "reply", "by", "attempts")
                entries.append({name: entry[name] for name in names})
        if content and not content.endswith(b"\n"):
            _rewrite(path, entries)
    return entries


def _rewrite(path: Path, entries: list[Json]) -> None:
    write_atomically(path, ((dump(entry) + "\n").encode() for entry in entries), sync=False)


def _reply_of(entry: Json) -> Reply | ExtractorError:
    if "error" not in entry:
        return Reply(entry["reply"], entry["by"], entry["attempts"])
    error = entry["error"]
    return _error_class(error["kind"])(error["what"], status=error["status"])


def _error_class(kind: str, root: type[ExtractorError] = ProviderError) -> type[ExtractorError]:
    """The class with this `kind`; `root` if there is none."""
    below = next((inner for inner in root.__subclasses__() if kind in kinds(inner)), None)
    return root if root.kind == kind or below is None else _error_class(kind, below)


def _is_about(about: Json, question: QuestionRef) -> bool:
    """Whether a request asked for this field in this passage; it may have asked for several fields."""
    field, start, end = question
    return bool(field in str(about.get("field")).split("+") and start < about["end"] and about["start"] < end)
