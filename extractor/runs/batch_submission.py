"""Submission: what has been handed to a provider's batch desk for an output, and how far that is.

records.jsonl.batch.json         the batches, and the settings of the run that made them; never a key
records.jsonl.batch/N.jsonl      the requests of a batch, as they are uploaded
records.jsonl.batch/asked.jsonl  a line a question: the name of its request, and what it was asked for

A step is noted before it is taken where taking it twice would be paid twice: of a batch with `intended` and without `id`
it is not known whether there is one, so it is looked up.
"""

from __future__ import annotations

import json
import os
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import BinaryIO

from extractor.document import Json
from extractor.errors import CannotKeepError, PostponedError
from extractor.files import dump
from extractor.llm.call import Reply, Request, request_key
from extractor.output.event_log import now
from extractor.output.files import OutputError, guard, guard_reading

# What a batch may hold: OpenAI takes 50,000 requests in 200 MB, Alibaba's older documents say 100 MB.
MOST_REQUESTS, MOST_BYTES = 50_000, 100_000_000


@dataclass
class Part:
    """One batch: its number, its requests, the name that it goes by there (`tag`), the uploaded file, when its making was
    `intended`, the `id` that it got, its last known state, and whether its replies are home."""

    number: int
    requests: int
    tag: str
    file: str | None = None
    intended: str | None = None
    id: str | None = None
    state: str = "not submitted"
    collected: bool = False


@dataclass
class Submission:
    """The batches of an output. `folder` is where the run was begun, `settings` what it was told."""

    output: Path
    endpoint: str
    folder: str
    settings: Json
    parts: list[Part] = field(default_factory=list)

    @property
    def is_under_way(self) -> bool:
        """Whether there are batches, or there may be, whose replies are not home."""
        return any(part.intended and not part.collected for part in self.parts)

    @property
    def is_cut_short(self) -> bool:
        """Whether some batches were made, or may have been, and others not."""
        return self.is_under_way and any(part.id is None for part in self.parts)

    def requests(self, part: Part) -> Path:
        """The file of a batch's requests."""
        return batch_folder(self.output) / f"{part.number}.jsonl"

    def save(self) -> None:
        """On disk, before anything further is done. Raises OutputError."""
        path = batch_path(self.output)
        fresh = path.with_name(f"{path.name}.new")
        with guard(path):
            with fresh.open("w", encoding="utf-8", newline="\n") as stream:
                told = {name: value for name, value in asdict(self).items() if name != "output"}
                stream.write(json.dumps(told, indent=1) + "\n")
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(fresh, path)

    def asked(self) -> Callable[[str], list[Json]]:
        """By the name of a request: what it was asked for, once for each question that is worded so. Memory: some 150
        bytes a question."""
        path = batch_folder(self.output) / "asked.jsonl"
        places: dict[bytes, tuple[int, ...]] = {}
        offset = 0
        with guard_reading(path), path.open("rb") as stream:
            for line in stream:
                name = bytes.fromhex(json.loads(line)["id"])
                places[name] = (*places.get(name, ()), offset)
                offset += len(line)

        def abouts(name: str) -> list[Json]:
            with guard_reading(path), path.open("rb") as stream:
                return [about for at in _places(name, places) for about in _about_at(stream, at)]

        return abouts


def _places(name: str, places: dict[bytes, tuple[int, ...]]) -> tuple[int, ...]:
    with suppress(ValueError):  # of a name that is not ours
        return places.get(bytes.fromhex(name), ())
    return ()


def _about_at(stream: BinaryIO, offset: int) -> Iterator[Json]:
    stream.seek(offset)
    yield json.loads(stream.readline())["about"]


def batch_path(output: Path) -> Path:
    """Where the batches of an output are noted."""
    return output.with_name(f"{output.name}.batch.json")


def batch_folder(output: Path) -> Path:
    """Where the requests of the batches of an output are."""
    return output.with_name(f"{output.name}.batch")


def load_submission(output: Path) -> Submission | None:
    """What is noted of an output; None where nothing was submitted. Raises OutputError."""
    path = batch_path(output)
    if not path.is_file():
        return None
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        parts = [Part(**part) for part in told.pop("parts")]
        return Submission(output, **told, parts=parts)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise OutputError(f"{path} can't be read ({type(error).__name__}: {error}): restore it.") from error


def forget(output: Path) -> None:
    """Delete the requests of batches that are home, or were never made."""
    folder = batch_folder(output)
    for path in folder.glob("*.jsonl") if folder.is_dir() else ():
        path.unlink(missing_ok=True)
    with suppress(OSError):  # with something of the user's own in it
        folder.rmdir()


def refuse_under_way(output: Path) -> None:
    """Raise OutputError where replies are to come: to ask now would be to pay twice."""
    submission = load_submission(output)
    if submission is not None and submission.is_under_way:
        raise OutputError(
            f"A batch is under way for {output}: see how far it is with `extractor batch status {output}`, bring its "
            f"replies home with `extractor batch collect {output}`, or end it first with `extractor batch cancel {output}`."
        )


def postpone(request: Request) -> Reply:
    """A Call that answers nothing."""
    raise PostponedError("The question waits for a batch.")


class Requests:
    """A Call that answers nothing and writes each request down, in files as large as a batch may be. The same request is
    written once, whoever asks it. Memory: some 100 bytes a request."""

    def __init__(self, output: Path, url: str) -> None:
        self._folder, self._url = batch_folder(output), url
        self._lock = threading.Lock()
        self._seen: set[bytes] = set()
        self._asked: BinaryIO | None = None
        self._stream: BinaryIO | None = None
        self._size = 0
        self.questions = 0
        self.parts: list[Part] = []

    def __call__(self, request: Request) -> Reply:
        key = request_key(request.body)
        with self._lock:
            try:
                self._add(key, request)
            except OSError as error:
                raise CannotKeepError(f"The requests can't be kept in {self._folder} ({error.strerror}).") from error
        return postpone(request)

    def _add(self, key: str, request: Request) -> None:
        if self._asked is None:
            self._folder.mkdir(exist_ok=True)
            self._asked = (self._folder / "asked.jsonl").open("wb")
        self._asked.write(f"{dump({'id': key, 'about': request.about})}\n".encode())
        self.questions += 1
        if (name := bytes.fromhex(key)) in self._seen:
            return
        self._seen.add(name)
        line = _one_line({"custom_id": key, "method": "POST", "url": self._url, "body": request.body})
        if self._stream is None or self.parts[-1].requests >= MOST_REQUESTS or self._size + len(line) > MOST_BYTES:
            self._begin()
        assert self._stream is not None
        self._stream.write(line)
        self._size += len(line)
        self.parts[-1].requests += 1

    def _begin(self) -> None:
        if self._stream is not None:
            self._stream.close()
        # Not a digest of the requests: the same ones may be sent a second time, in a batch of their own.
        self.parts.append(Part(len(self.parts) + 1, 0, f"{now()[:10]}-{uuid.uuid4().hex}"))
        self._stream = (self._folder / f"{self.parts[-1].number}.jsonl").open("wb")
        self._size = 0

    def close(self) -> None:
        """Have all on disk. Raises OutputError."""
        with guard(self._folder):
            for stream in (self._asked, self._stream):
                if stream is not None:
                    stream.flush()
                    os.fsync(stream.fileno())
                    stream.close()


def _one_line(entry: Json) -> bytes:
    """JSON that is one line to whoever splits it: to some, U+0085 and U+2028 end one."""
    text = dump(entry)
    for character in "\x85\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return f"{text}\n".encode()
