"""The files of a run: records, and the failures beside them. They appear whole: until the run ends they are `.part`.

records.jsonl                  the records
records.jsonl.failures.jsonl   what failed and why; there only if something did
*.part                         the same while the run goes on, and what is left of a run that was cut short
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from extractor.data import Json

_NUMBER = re.compile(r"#\d+$")  # of a speech, in the id of its record


class OutputError(Exception):
    """The output can't be written: a sentence with the path, the reason and what to do."""


@dataclass
class Lines:
    """A JSONL file that grows by whole lines. `path` is what errors call it."""

    path: Path
    stream: io.FileIO
    size: int = 0
    placed: bool = False

    def write(self, line: Json) -> None:
        """Add a line. It is with the operating system before this returns. Raises OutputError."""
        self.add((json.dumps(line, ensure_ascii=False) + "\n").encode())

    def add(self, line: bytes) -> None:
        """As `write`, for a line that is JSON already."""
        left = memoryview(line)
        with guard(self.path):
            try:
                while left:
                    left = left[self.stream.write(left) :]
            except OSError:
                with suppress(OSError):  # half of a line helps nobody
                    self.stream.truncate(self.size)
                raise
        self.size += len(line)


@dataclass
class Output:
    """The open files of a run. `failures` is None where nothing can stand beside the records: a device, a pipe."""

    path: Path
    records: Lines
    failures: Lines | None

    def finish(self, whole: bool) -> bool:
        """Put the files in their places. What is not whole never takes the place of an older file: it stays `.part`,
        and the answer is False. Raises OutputError."""
        if self.failures is None:
            return True
        if not whole and _has_lines(self.path):
            return False
        if self.failures.size:
            _put(self.failures)
        else:
            with guard(self.failures.path):
                self.failures.path.unlink(missing_ok=True)
        # Last, since its lock keeps other runs from both files.
        if whole or self.records.size:
            _put(self.records)
        return True


def failures_path(output: Path) -> Path:
    """Where the failures of a run into `output` are noted."""
    return output.with_name(f"{output.name}.failures.jsonl")


def part_path(path: Path) -> Path:
    """What a file is called until it is whole."""
    return path.with_name(f"{path.name}.part")


@contextmanager
def open_output(output: Path) -> Iterator[Output]:
    """The files of a run into `output`, empty. Without `finish` they stay `.part` and older files as they were.
    Raises OutputError, also where another run is writing the same file."""
    _check(output)
    # The file that a link leads to is written, the link stays.
    path = output.resolve() if output.is_symlink() else output
    with ExitStack() as stack:
        if path.exists() and not path.is_file():
            with guard(path):
                device = stack.enter_context(_quietly(path.open("wb", buffering=0)))
            yield Output(path, Lines(path, device), None)
            return
        records = Lines(path, stack.enter_context(_quietly(_open_alone(path))))
        noted = failures_path(path)
        with guard(noted):
            failures = Lines(noted, stack.enter_context(_quietly(part_path(noted).open("wb", buffering=0))))
        try:
            yield Output(path, records, failures)
        finally:
            for lines in (records, failures):
                if not lines.size and not lines.placed:
                    with suppress(OSError):
                        part_path(lines.path).unlink(missing_ok=True)


def _check(output: Path) -> None:
    with guard(output):
        if output.is_dir():
            raise OutputError(f"{output} is a folder: name a file, such as {output / 'records.jsonl'}.")
        if output.parent.exists() and not output.parent.is_dir():
            raise OutputError(f"{output.parent} is a file, so {output} can't be written: name another place with -o.")
        if not output.parent.exists():
            raise OutputError(f"There is no folder {output.parent}: make it first (mkdir -p {output.parent}).")
        if output.exists() and not os.access(output, os.W_OK):
            raise OutputError(f"{output} is write-protected: change its permissions or name another file with -o.")


def _open_alone(path: Path) -> io.FileIO:
    """`path`.part, emptied, and locked for this process: the lock goes with the process, so none is left behind."""
    part = part_path(path)
    with guard(path):
        while True:
            stream = io.FileIO(os.open(part, os.O_RDWR | os.O_CREAT, 0o666), "r+")
            if not _lock(stream):
                stream.close()
                raise OutputError(f"Another run is writing {path} just now: wait for it, or name another file with -o.")
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(stream.fileno()), os.stat(part)):
                    stream.truncate(0)
                    return stream
            # The other run ended between the opening and the locking, and took the file with it.
            stream.close()


def _lock(stream: io.FileIO) -> bool:
    """Whether this process alone has the file from now on."""
    if sys.platform == "win32":
        import msvcrt

        try:
            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        pass
    return True


@contextmanager
def _quietly(stream: io.FileIO) -> Iterator[io.FileIO]:
    """Closed in the end; an error that this brings has been told already."""
    try:
        yield stream
    finally:
        with suppress(OSError):
            stream.close()


def _has_lines(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


def _put(lines: Lines) -> None:
    """A `.part` into its place, on disk, with the permissions of the file that it replaces."""
    part = part_path(lines.path)
    with guard(lines.path):
        os.fsync(lines.stream.fileno())
        with suppress(OSError):
            shutil.copymode(lines.path, part)
        if os.name == "nt":  # where no open file can be moved
            lines.stream.close()
        os.replace(part, lines.path)
    lines.placed = True


@contextmanager
def guard(path: Path | str) -> Iterator[None]:
    """Turn an operating system's error about `path` into a sentence. A reader that has left is no error."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(
            f"{path} can't be written: {error.strerror or error}. Make room or name another place with -o, "
            "then run again."
        ) from error


def write_line(stream: TextIO, line: Json) -> None:
    """One JSON line to standard output. Raises OutputError."""
    with guard("Standard output"):
        stream.write(json.dumps(line, ensure_ascii=False) + "\n")
        stream.flush()


# --- what an earlier run left ---


def read_failures(output: Path) -> dict[str, list[Json]]:
    """The failures of an earlier run, by document. None at all where it had none. Raises OutputError."""
    path = failures_path(output)
    if not path.exists():
        if _has_lines(output):
            return {}
        raise OutputError(f"There is neither {path} nor {output}: there is nothing to retry. Leave out --retry-failed.")
    failures: dict[str, list[Json]] = {}
    try:
        for line in path.read_bytes().splitlines():
            if line.strip():
                failure = json.loads(line)
                failures.setdefault(failure["id"], []).append({"path": None, "kind": "unknown", **failure})
    except OSError as error:
        raise OutputError(f"{path} can't be read: {error.strerror or error}.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise OutputError(
            f"{path} is no list of failures ({error}). Restore it, or run without --retry-failed."
        ) from error
    return failures


def keep_lines(output: Output, failures: dict[str, list[Json]]) -> dict[str, tuple[str, bytes]]:
    """Copy the lines of an earlier run, but for those of documents with failures: these are given back by the record's
    id, each with the document's. Raises OutputError."""
    older: dict[str, tuple[str, bytes]] = {}
    if not output.path.is_file():
        return older
    try:
        with output.path.open("rb") as stream:
            for number, line in enumerate(stream, 1):
                name, path = _name_line(line, f"{output.path}, line {number},")
                owner = document_of(name, path, failures)
                line = line.rstrip(b"\n") + b"\n"
                if owner is None:
                    output.records.add(line)
                else:
                    older[name] = owner, line
    except OSError as error:
        raise OutputError(f"{output.path} can't be read: {error.strerror or error}.") from error
    return older


def _name_line(line: bytes, where: str) -> tuple[str, str]:
    """A record's id, and the path of its source."""
    try:
        data = json.loads(line)
        return str(data["id"]), str(data["source"]["path"])
    except (ValueError, KeyError, TypeError):
        raise OutputError(f"{where} is no record: mend or delete it, or run without --retry-failed.") from None


def document_of(name: str, path: str, failures: dict[str, list[Json]]) -> str | None:
    """Which of the documents with failures the record `name` is of: its id is the document's, or that and #2."""
    if name in failures:
        return name
    owner = _NUMBER.sub("", name)
    return owner if owner in failures and failures[owner][0]["path"] in (path, None) else None
