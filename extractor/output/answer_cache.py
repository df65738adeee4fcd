"""Journal: the answers of documents that are not finished, so that a run that is cut short asks none of them twice.

records.jsonl.answers/DOCUMENT.jsonl   an answer a line, with the operating system before it is used

A refusal that asking again does not mend, as a batch brings home, stands in the place of an answer until it is noted
among the failures. A document's file goes once its records are on disk. Of a document in which something failed it stays, without the
answers that failed, so that a retry asks only for those.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from extractor.document import Json
from extractor.errors import CannotKeepError, ExtractorError, ProviderError, kinds
from extractor.files import dump, file_stem
from extractor.llm.call import Call, Reply, Request, request_key

# Where a question lay: field, and start and end in the source.
Place = tuple[str, int, int]


class AnswerCache:
    """A folder with a file for each document that has answers and is not finished. Threads may share it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        # What an earlier run left. Answers of this one are written, and not asked for again.
        self._left = {name for name in os.listdir(folder) if name.endswith(".jsonl")} if folder.is_dir() else set()
        self._known: dict[str, dict[str, Reply | ExtractorError]] = {}
        self._keys: dict[str, set[str]] = {}
        self._open: set[str] = set(self._left)

    def over(self, call: Call) -> Call:
        """`call` behind this journal: what is answered already is not asked."""

        def answer(request: Request) -> Reply:
            document = str(request.about.get("document", "unnamed"))
            key = request_key(request.body)
            known = self._read(document).get(key) if self._left else None
            if isinstance(known, ExtractorError):
                raise type(known)(known.what, status=known.status)
            if known is not None:
                return Reply(json.loads(json.dumps(known.body)), known.by, known.attempts)
            reply = call(request)
            self.add(document, key, request.about, reply)
            return reply

        return answer

    def holds(self, document: str, key: str) -> bool:
        """Whether an answer to this request is written down, whoever did. Memory: some 150 bytes an answer."""
        name = self._path(document).name
        if name not in self._keys:
            self._keys[name] = {entry["key"] for entry in _entries(self._path(document))}
        return key in self._keys[name]

    def add(self, document: str, key: str, about: Json, reply: Reply | ExtractorError) -> None:
        """Write an answer down, or a refusal. Raises CannotKeepError."""
        entry: Json = {"key": key, "about": about}
        if isinstance(reply, ExtractorError):
            entry["error"] = {"kind": reply.kind, "what": reply.what, "status": reply.status}
        else:
            entry |= {"reply": reply.body, "by": reply.by, "attempts": reply.attempts}
        line = (dump(entry) + "\n").encode()
        path = self._path(document)
        with self._lock, self._keeping():
            if not self._open:
                self.folder.mkdir(exist_ok=True)
            self._open.add(path.name)
            _append(path, line)
            if path.name in self._keys:
                self._keys[path.name].add(key)

    def left(self, document: str) -> bool:
        """Whether an earlier run left answers of this document, and it was not gone through since."""
        if not self._left:
            return False
        name = self._path(document).name
        return name in self._left and name in self._open

    def close(self, documents: Iterable[str]) -> None:
        """Let go of the answers of documents that are finished. Raises CannotKeepError."""
        if not self._open:
            return
        with self._lock, self._keeping():
            for document in documents:
                path = self._path(document)
                if path.name in self._open:
                    path.unlink(missing_ok=True)
                    self._open.discard(path.name)
                    self._known.pop(path.name, None)
                    if not self._open:
                        with suppress(OSError):  # with something of the user's own in it
                            self.folder.rmdir()

    def clear(self) -> None:
        """Let go of everything."""
        for name in list(self._open):
            (self.folder / name).unlink(missing_ok=True)
        self._open.clear()
        self._left.clear()
        self._known.clear()
        with suppress(OSError):
            self.folder.rmdir()

    def drop(self, document: str, requests: Collection[str], failed: Sequence[Place]) -> None:
        """Forget what a retry is to ask for again: answers to these requests, which are to blame for a failure, and
        refusals that are noted."""
        path = self._path(document)
        if path.name not in self._open:
            return
        entries = _entries(path)
        kept = [
            entry
            for entry in entries
            if entry["key"] not in requests
            and not ("error" in entry and any(_meets(entry["about"], place) for place in failed))
        ]
        if len(kept) == len(entries):
            return
        if not kept:
            self.close([document])
            return
        with self._lock, self._keeping():
            _rewrite(path, kept)

    @contextmanager
    def _keeping(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise CannotKeepError(f"The answers can't be kept in {self.folder} ({error.strerror}).") from error

    def _path(self, document: str) -> Path:
        return self.folder / f"{file_stem(document)}.jsonl"

    def _read(self, document: str) -> dict[str, Reply | ExtractorError]:
        """What an earlier run left of a document, read at its first question."""
        path = self._path(document)
        if path.name not in self._left:
            return {}
        with self._lock:
            if path.name not in self._known:
                self._known[path.name] = {entry["key"]: _reply_of(entry) for entry in _entries(path)}
            return self._known[path.name]


class Left(AnswerCache):
    """The answers that an earlier run left, for one who only looks: no other is added."""

    def add(self, document: str, key: str, about: Json, reply: object) -> None:
        """Nothing is written down."""


def answer_cache_path(output: Path) -> Path:
    """The folder of the answers of documents that are not finished."""
    return output.with_name(f"{output.name}.answers")


def _append(path: Path, line: bytes) -> None:
    """A whole line or nothing: after half a line no other could be read."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    try:
        size = os.fstat(file).st_size
        try:
            written = os.write(file, line)
            while written < len(line):
                written += os.write(file, line[written:])
        except OSError:
            os.ftruncate(file, size)
            raise
    finally:
        os.close(file)


def _entries(path: Path) -> list[Json]:
    """The whole lines; one that was cut short counts for nothing, and is asked for again."""
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
    """In place at once: a kill leaves the older file or the newer one."""
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(b"".join((dump(entry) + "\n").encode() for entry in entries))
    os.replace(part, path)


def _reply_of(entry: Json) -> Reply | ExtractorError:
    if "error" not in entry:
        return Reply(entry["reply"], entry["by"], entry["attempts"])
    told = entry["error"]
    return _fault_class(told["kind"])(told["what"], status=told["status"])


def _fault_class(kind: str, root: type[ExtractorError] = ProviderError) -> type[ExtractorError]:
    """The class of this name; of an unknown one, the root."""
    below = next((inner for inner in root.__subclasses__() if kind in kinds(inner)), None)
    return root if root.kind == kind or below is None else _fault_class(kind, below)


def _meets(about: Json, failed: Place) -> bool:
    """Whether a failure lies in what a question was about; it may have been about several fields."""
    field, start, end = failed
    return bool(field in str(about.get("field")).split("+") and start < about["end"] and about["start"] < end)
