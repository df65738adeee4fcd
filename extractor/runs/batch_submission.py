"""A submission: the batches of an output at a provider's batch API, and how far they are.

records.jsonl.batch.json         the batches, and the settings of the run that submitted them; never a key
records.jsonl.batch/N.jsonl      the requests of a batch, as they are uploaded
records.jsonl.batch/asked.jsonl  one line per question: the key of its request, and what it is about

Before a batch is created this is saved, since a second one would be paid for as well: a batch with `intended`
and without `id` may exist or not, so the provider is asked.
"""

from __future__ import annotations

import json
import os
import threading
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import BinaryIO

from extractor.document import Json
from extractor.errors import CannotKeepError, PostponedError
from extractor.files import dump
from extractor.llm.call import Reply, Request, request_key
from extractor.output.event_log import now
from extractor.output.files import OutputError, guard, guard_reading, write_atomically

# The size of a batch: OpenAI takes 50,000 requests in 200 MB, Alibaba's older documents say 100 MB.
MOST_REQUESTS, MOST_BYTES = 50_000, 100_000_000


@dataclass
class Part:
    """One batch."""

    # Its number in the submission, from 1.
    number: int
    # How many requests it has.
    requests: int
    # Our name for it, in the provider's metadata.
    tag: str
    # The provider's id of the uploaded file.
    file: str | None = None
    # When its creation was about to be asked for.
    intended: str | None = None
    # The provider's id of the batch.
    id: str | None = None
    # Its last known status.
    state: str = "not submitted"
    # Whether its replies are in the answer cache.
    collected: bool = False


@dataclass
class Submission:
    """The batches of an output."""

    output: Path
    # Scheme, host and port.
    endpoint: str
    # The working directory of the run that submitted them.
    folder: str
    # The settings of that run.
    settings: Json
    parts: list[Part] = field(default_factory=list)

    @property
    def is_under_way(self) -> bool:
        """Whether there are batches, or may be, whose replies are not collected."""
        return any(part.intended and not part.collected for part in self.parts)

    @property
    def is_cut_short(self) -> bool:
        """Whether some batches were created, or may have been, and others not."""
        return self.is_under_way and any(part.id is None for part in self.parts)

    def requests(self, part: Part) -> Path:
        """The file with a batch's requests."""
        return batch_folder(self.output) / f"{part.number}.jsonl"

    def save(self) -> None:
        """Write it to disk. Raises OutputError."""
        path = batch_path(self.output)
        saved = {name: value for name, value in asdict(self).items() if name != "output"}
        with guard(path):
            write_atomically(path, [(json.dumps(saved, indent=1) + "\n").encode()])

    def asked(self) -> Callable[[str], list[Json]]:
        """Looks up, by the key of a request, what the questions with this request are about.

        Takes about 150 bytes of memory a question.
        """
        path = batch_folder(self.output) / "asked.jsonl"
        offsets: dict[bytes, tuple[int, ...]] = {}
        offset = 0
        with guard_reading(path), path.open("rb") as stream:
            for line in stream:
                key = bytes.fromhex(json.loads(line)["id"])
                offsets[key] = (*offsets.get(key, ()), offset)
                offset += len(line)

        def abouts(name: str) -> list[Json]:
            with guard_reading(path), path.open("rb") as stream:
                return [_about_at(stream, offset) for offset in _offsets_of(name, offsets)]

        return abouts


def _offsets_of(name: str, offsets: dict[bytes, tuple[int, ...]]) -> tuple[int, ...]:
    with suppress(ValueError):  # a name that is not one of our keys
        return offsets.get(bytes.fromhex(name), ())
    return ()


def _about_at(stream: BinaryIO, offset: int) -> Json:
    stream.seek(offset)
    about: Json = json.loads(stream.readline())["about"]
    return about


def batch_path(output: Path) -> Path:
    """The file that a submission is saved in."""
    return output.with_name(f"{output.name}.batch.json")


def batch_folder(output: Path) -> Path:
    """The folder with the requests of an output's batches."""
    return output.with_name(f"{output.name}.batch")


def load_submission(output: Path) -> Submission | None:
    """The submission of an output; None if nothing was submitted. Raises OutputError."""
    path = batch_path(output)
    if not path.is_file():
        return None
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
        parts = [Part(**part) for part in saved.pop("parts")]
        return Submission(output, **saved, parts=parts)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise OutputError(f"{path} can't be read ({type(error).__name__}: {error}): restore it.") from error


def delete_requests(output: Path) -> None:
    """Delete the requests of batches that are collected, or were never created."""
    folder = batch_folder(output)
    for path in folder.glob("*.jsonl") if folder.is_dir() else ():
        path.unlink(missing_ok=True)
    with suppress(OSError):  # it holds files that are not ours
        folder.rmdir()


def refuse_under_way(output: Path) -> None:
    """Raise OutputError if replies are still to come: asking now would cost twice."""
    submission = load_submission(output)
    if submission is not None and submission.is_under_way:
        raise OutputError(
            f"A batch is under way for {output}: see how far it is with `extractor batch status {output}`, collect its "
            f"replies with `extractor batch collect {output}`, or cancel it first with "
            f"`extractor batch cancel {output}`."
        )


def postpone(request: Request) -> Reply:
    """A Call that never answers. Raises PostponedError."""
    raise PostponedError("The question waits for a batch.")


class Requests:
    """A Call that writes each request down and never answers; it raises PostponedError.

    The files are as large as a batch may be. Questions with the same request share one. Takes about 100 bytes
    of memory a request.
    """

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
        if (digest := bytes.fromhex(key)) in self._seen:
            return
        self._seen.add(digest)
        line = _one_line({"custom_id": key, "method": "POST", "url": self._url, "body": request.body})
        if self._stream is None or self.parts[-1].requests >= MOST_REQUESTS or self._size + len(line) > MOST_BYTES:
            self._begin_part()
        assert self._stream is not None
        self._stream.write(line)
        self._size += len(line)
        self.parts[-1].requests += 1

    def _begin_part(self) -> None:
        if self._stream is not None:
            self._stream.close()
        # The tag is random, not a digest of the requests: the same ones may be submitted again, in a batch of
        # their own.
        self.parts.append(Part(len(self.parts) + 1, 0, f"{now()[:10]}-{uuid.uuid4().hex}"))
        self._stream = (self._folder / f"{self.parts[-1].number}.jsonl").open("wb")
        self._size = 0

    def close(self) -> None:
        """Flush all files to disk and close them. Raises OutputError."""
        with guard(self._folder):
            for stream in (self._asked, self._stream):
                if stream is not None:
                    stream.flush()
                    os.fsync(stream.fileno())
                    stream.close()


def _one_line(entry: Json) -> bytes:
    """JSON on one line for every reader: some end a line at U+0085 or U+2028."""
    text = dump(entry)
    for character in "\x85\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return f"{text}\n".encode()
