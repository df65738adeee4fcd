"""The files of a run: records, and the failures beside them. They appear whole: until the run ends they are `.part`.

records.jsonl                  the records
records.jsonl.failures.jsonl   what failed and why; there only if something did
*.part                         the same while the run goes on, and what is left of a run that was cut short: the next
                               one goes on with them (see `resumable`)
"""

from __future__ import annotations

import io
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from extractor.files import dump


class OutputError(Exception):
    """The output can't be written: a sentence with the path, the reason and what to do."""


@dataclass
class Lines:
    """A JSONL file that grows by whole lines. `path` is what errors call it, `size` its bytes so far."""

    path: Path
    stream: io.FileIO
    size: int = 0
    placed: bool = False

    def add(self, lines: bytes) -> None:
        """Add whole lines, all or none. They are with the operating system before this returns. Raises OutputError."""
        left = memoryview(lines)
        with guard(self.path):
            try:
                while left:
                    left = left[self.stream.write(left) :]
            except OSError:
                with suppress(OSError):  # half of a line helps nobody
                    self.stream.truncate(self.size)
                raise
        self.size += len(lines)

    def sync(self) -> None:
        """Have it on disk, where a power loss leaves it."""
        with guard(self.path):
            os.fsync(self.stream.fileno())

    def refill(self, lines: bytes) -> None:
        """Have these lines in the place of all others: at no moment does the file hold less than before or after."""
        part = part_path(self.path)
        fresh = part.with_name(f"{part.name}.new")
        with guard(self.path):
            fresh.write_bytes(lines)
            self.stream.close()
            os.replace(fresh, part)
            self.stream = io.FileIO(part, "r+")
            self.stream.seek(len(lines))
        self.size = len(lines)

    def cut(self, size: int) -> None:
        """Leave only so many bytes."""
        with guard(self.path):
            self.stream.truncate(size)
            self.stream.seek(size)
        self.size = size


def encode(line: Mapping[str, Any]) -> bytes:
    """A line as it stands in a file."""
    return (dump(line) + "\n").encode()


@dataclass
class Output:
    """The open files of a run. `failures` is None where nothing can stand beside the records: a device, a pipe."""

    path: Path
    records: Lines
    failures: Lines | None
    # Whether what stands at `path` is to be replaced, and nothing of it taken up.
    replaces: bool = False

    def put(self, whole: bool, records: Iterable[bytes] | None = None) -> None:
        """Put the files in their places, the records with these lines instead if there are any given. No records are no
        file where the run is not `whole`. Raises OutputError."""
        if self.failures is None:
            return
        if self.failures.size:
            _put(self.failures)
        else:
            with guard(self.failures.path):
                self.failures.path.unlink(missing_ok=True)
        # Last, since its lock keeps other runs from both files.
        if records is not None:
            _put_instead(self.records, records)
        elif whole or self.records.size:
            _put(self.records)
        with guard(self.path):
            restart_path(self.path).unlink(missing_ok=True)

    def keep_before(self) -> None:
        """Keep the output as it is under another name. Raises OutputError."""
        with guard(before_path(self.path)):
            shutil.copyfile(self.path, before_path(self.path))


def followed(output: Path) -> Path:
    """The file that a link leads to: it is what is written, and the link stays."""
    return output.resolve() if output.is_symlink() else output


def restart_path(output: Path) -> Path:
    """There while a `.part` is of a run that was to begin anew, beside an older output."""
    return output.with_name(f"{output.name}.restart")


def before_path(output: Path) -> Path:
    """Where an output stays as it was before it was back-filled."""
    return output.with_name(f"{output.name}.before")


def failures_path(output: Path) -> Path:
    """Where the failures of a run into `output` are noted."""
    return output.with_name(f"{output.name}.failures.jsonl")


def part_path(path: Path) -> Path:
    """What a file is called until it is whole."""
    return path.with_name(f"{path.name}.part")


@contextmanager
def open_output(output: Path, restart: bool = False) -> Iterator[Output]:
    """The files of a run into `output`, as a run that was cut short left them, or empty with `restart`. Without `put`
    they stay `.part` and older files as they were. Raises OutputError, also where another run is writing the same file.
    """
    _check(output)
    path = followed(output)
    with ExitStack() as stack:
        if path.exists() and not path.is_file():
            with guard(path):
                device = path.open("wb", buffering=0)
            stack.callback(_close, device)
            yield Output(path, Lines(path, device), None)
            return
        went_on = part_path(path).exists()
        records = Lines(path, _open_alone(path))
        stack.callback(_close, records.stream)
        replaces = _replaces(path, restart, went_on)
        noted = failures_path(path)
        with guard(noted):
            failures = Lines(noted, io.FileIO(os.open(part_path(noted), os.O_RDWR | os.O_CREAT, 0o666), "r+"))
        stack.callback(lambda: _close(failures.stream))
        for lines in (records, failures):
            lines.cut(0 if restart else lines.stream.seek(0, os.SEEK_END))
        try:
            yield Output(path, records, failures, replaces)
        finally:
            for lines in (records, failures):
                if not lines.size and not lines.placed:
                    with suppress(OSError):
                        part_path(lines.path).unlink(missing_ok=True)


def _replaces(path: Path, restart: bool, went_on: bool) -> bool:
    """Whether the run begins anew beside an older output, or goes on with one that did. That is written down first."""
    marker = restart_path(path)
    with guard(path):
        if restart and path.is_file():
            marker.touch()
        elif not (went_on and path.is_file()):
            marker.unlink(missing_ok=True)
        return marker.exists()


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
    """`path`.part, locked for this process: the lock goes with the process, so none is left behind."""
    part = part_path(path)
    with guard(path):
        while True:
            stream = io.FileIO(os.open(part, os.O_RDWR | os.O_CREAT, 0o666), "r+")
            if not _lock(stream):
                stream.close()
                raise OutputError(f"Another run is writing {path} just now: wait for it, or name another file with -o.")
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(stream.fileno()), os.stat(part)):
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


def _close(stream: io.FileIO) -> None:
    """An error that this brings has been told already."""
    with suppress(OSError):
        stream.close()


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


def _put_instead(lines: Lines, records: Iterable[bytes]) -> None:
    """These lines in the place of the file; the `.part` that they come from keeps its lock until they stand there."""
    fresh = lines.path.with_name(f"{lines.path.name}.new")
    with guard(lines.path):
        with fresh.open("wb") as stream:
            stream.writelines(records)
            stream.flush()
            os.fsync(stream.fileno())
        with suppress(OSError):
            shutil.copymode(lines.path, fresh)
        os.replace(fresh, lines.path)
        if os.name == "nt":
            lines.stream.close()
        part_path(lines.path).unlink(missing_ok=True)
    lines.placed = True


@contextmanager
def guard_reading(path: Path) -> Iterator[None]:
    """As `guard`, where a file is only read."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"{path} can't be read: {error.strerror or error}.") from error


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


def write_line(stream: TextIO, line: Mapping[str, Any]) -> None:
    """One JSON line to standard output. Raises OutputError."""
    with guard("Standard output"):
        stream.write(dump(line) + "\n")
        stream.flush()
