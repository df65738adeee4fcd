"""The files of a run: the records, and the failures beside them. Both are `.part` files until the run ends.

records.jsonl                  the records
records.jsonl.failures.jsonl   what failed and why; absent if nothing did
*.part                         the same files while the run is going, or after it was cut short: the next run
                               resumes from them (see `resume`)
"""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from extractor.files import dump
from extractor.output.lock import open_locked


class OutputError(Exception):
    """The output can't be written: a sentence with the path, the reason and what to do."""


@dataclass
class Lines:
    """A JSONL file that grows by whole lines. `path` names it in errors; `size` is in bytes."""

    path: Path
    stream: io.FileIO
    size: int = 0
    placed: bool = False

    def add(self, lines: bytes) -> None:
        """Append whole lines, all or none. The operating system has them on return. Raises OutputError."""
        remaining = memoryview(lines)
        with guard(self.path):
            try:
                while remaining:
                    remaining = remaining[self.stream.write(remaining) :]
            except OSError:
                with suppress(OSError):  # half a line is useless
                    self.stream.truncate(self.size)
                raise
        self.size += len(lines)

    def sync(self) -> None:
        """Flush to disk, so that the lines survive a power loss. Raises OutputError."""
        with guard(self.path):
            os.fsync(self.stream.fileno())

    def refill(self, lines: bytes) -> None:
        """Replace the content at once: a reader sees the old lines or the new ones. Raises OutputError."""
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
        """Truncate to `size` bytes. Raises OutputError."""
        with guard(self.path):
            self.stream.truncate(size)
            self.stream.seek(size)
        self.size = size


def encode(line: Mapping[str, Any]) -> bytes:
    """The line as it is written to a file."""
    return (dump(line) + "\n").encode()


@dataclass
class Output:
    """The open files of a run.

    `failures` is None if no file can stand beside the records: the output is a device or a pipe.
    `replaces`: the run replaces what is at `path` and reuses none of it.
    """

    path: Path
    records: Lines
    failures: Lines | None
    replaces: bool = False

    def put(self, whole: bool, records: Iterable[bytes] | None = None) -> None:
        """Move the `.part` files into place; `records`, if given, are written instead of their `.part`.

        An empty records file is written only if the run is `whole`. Raises OutputError.
        """
        if self.failures is None:
            return
        if self.failures.size:
            _put(self.failures)
        else:
            with guard(self.failures.path):
                self.failures.path.unlink(missing_ok=True)
        # The records go last: their lock keeps other runs away from both files.
        if records is not None:
            _put_instead(self.records, records)
        elif whole or self.records.size:
            _put(self.records)
        with guard(self.path):
            restart_path(self.path).unlink(missing_ok=True)

    def keep_before(self) -> None:
        """Copy the output as it is to `.before`. Raises OutputError."""
        with guard(before_path(self.path)):
            shutil.copyfile(self.path, before_path(self.path))


def followed(output: Path) -> Path:
    """The file to write: if `output` is a link, the file that it points at, so that the link stays."""
    return output.resolve() if output.is_symlink() else output


def restart_path(output: Path) -> Path:
    """The marker of a --restart beside an older output; it lasts until the new records are in place."""
    return output.with_name(f"{output.name}.restart")


def before_path(output: Path) -> Path:
    """Where the output is kept as it was before a back-fill, or an unfinished one before a --restart."""
    return output.with_name(f"{output.name}.before")


def failures_path(output: Path) -> Path:
    """Where the failures of runs into `output` are."""
    return output.with_name(f"{output.name}.failures.jsonl")


def part_path(path: Path) -> Path:
    """The file's name while a run writes it."""
    return path.with_name(f"{path.name}.part")


@contextmanager
def open_output(output: Path, restart: bool = False) -> Iterator[Output]:
    """Open the files of a run: as an earlier run that was cut short left them, or empty with `restart`.

    Without `put` they stay `.part`, and the older files as they were. If there is only a `.part`, `restart`
    keeps its records under the name that `before_path` gives. Raises OutputError, also if another run is
    writing the same output.
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
        failed = failures_path(path)
        resumes = part_path(path).exists() or part_path(failed).exists()
        records = Lines(path, _open_part(path))
        stack.callback(_close, records.stream)
        replaces = _replaces(path, restart, resumes)
        with guard(failed):
            failures = Lines(failed, io.FileIO(os.open(part_path(failed), os.O_RDWR | os.O_CREAT, 0o666), "r+"))
        stack.callback(lambda: _close(failures.stream))
        if restart and not path.exists():
            _keep_part(path)
        for lines in (records, failures):
            lines.cut(0 if restart else lines.stream.seek(0, os.SEEK_END))
        try:
            yield Output(path, records, failures, replaces)
        finally:
            # An unfinished restart keeps its `.part`, though empty: the next run goes on with the restart.
            for lines in (failures,) if replaces else (records, failures):
                if not lines.size and not lines.placed:
                    with suppress(OSError):
                        part_path(lines.path).unlink(missing_ok=True)


def _keep_part(path: Path) -> None:
    """Copy the records of a run that was cut short to `.before`: no output holds them."""
    with guard(before_path(path)):
        if part_path(path).stat().st_size:
            fresh = before_path(path).with_name(f"{before_path(path).name}.new")
            shutil.copyfile(part_path(path), fresh)
            os.replace(fresh, free_path(before_path(path)))


def free_path(path: Path) -> Path:
    """The path, with a number if there is such a file."""
    names = (path, *(path.with_name(f"{path.name}.{number}") for number in range(2, 1000)))
    return next(name for name in names if not name.exists())


def _replaces(path: Path, restart: bool, resumes: bool) -> bool:
    """Whether the run starts over beside an older output, or resumes one that did.

    A marker file remembers it.
    """
    marker = restart_path(path)
    with guard(path):
        if restart and path.is_file():
            marker.touch()
        elif not (resumes and path.is_file()):
            marker.unlink(missing_ok=True)
        return marker.exists()


def _check(output: Path) -> None:
    with guard(output):
        if output.is_dir():
            raise OutputError(f"{output} is a folder: name a file, for example {output / 'records.jsonl'}.")
        if output.parent.exists() and not output.parent.is_dir():
            raise OutputError(f"{output.parent} is a file, so {output} can't be written: name another path with -o.")
        if not output.parent.exists():
            raise OutputError(f"There is no folder {output.parent}: make it first (mkdir -p {output.parent}).")
        if output.exists() and not os.access(output, os.W_OK):
            raise OutputError(f"{output} is write-protected: change its permissions or name another file with -o.")


def _open_part(path: Path) -> io.FileIO:
    """The `.part` of the records, locked. Raises OutputError if another run has it."""
    with guard(path):
        stream = open_locked(part_path(path))
    if stream is None:
        raise OutputError(f"Another run is writing {path}: wait for it, or name another file with -o.")
    return stream


def _close(stream: io.FileIO) -> None:
    """Close; an error here was already reported by the write that failed."""
    with suppress(OSError):
        stream.close()


def _put(lines: Lines) -> None:
    """Move a `.part` into place, synced, with the permissions of the file that it replaces."""
    part = part_path(lines.path)
    with guard(lines.path):
        os.fsync(lines.stream.fileno())
        with suppress(OSError):
            shutil.copymode(lines.path, part)
        if os.name == "nt":  # an open file can't be moved there
            lines.stream.close()
        os.replace(part, lines.path)
    lines.placed = True


def _put_instead(lines: Lines, records: Iterable[bytes]) -> None:
    """Replace the file by these lines.

    They are read from the `.part`, which keeps its lock until they are in place.
    """
    with guard(lines.path):
        write_atomically(lines.path, records)
        if os.name == "nt":
            lines.stream.close()
        part_path(lines.path).unlink(missing_ok=True)
    lines.placed = True


def write_atomically(path: Path, lines: Iterable[bytes], sync: bool = True) -> None:
    """Write a file so that a kill leaves the old content or the new; with `sync`, a power loss too.

    An existing file's permissions stay. Raises OSError.
    """
    fresh = path.with_name(f"{path.name}.new")
    with fresh.open("wb") as stream:
        stream.writelines(lines)
        if sync:
            stream.flush()
            os.fsync(stream.fileno())
    with suppress(OSError):
        shutil.copymode(path, fresh)
    os.replace(fresh, path)


def append(path: Path, line: bytes) -> None:
    """Append the whole line or nothing: after half a line no other could be read. Raises OSError."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
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


def cut_torn_line(path: Path) -> None:
    """Remove what a kill or a full disk left of a last line. Raises OSError."""
    with suppress(FileNotFoundError):
        content = path.read_bytes()
        if content and not content.endswith(b"\n"):
            os.truncate(path, content.rfind(b"\n") + 1)


@contextmanager
def guard_reading(path: Path) -> Iterator[None]:
    """Turn an operating system's error in reading `path` into an OutputError."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"{path} can't be read: {error.strerror or error}.") from error


@contextmanager
def guard(path: Path | str) -> Iterator[None]:
    """Turn an operating system's error in writing `path` into an OutputError, except BrokenPipeError."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(
            f"{path} can't be written: {error.strerror or error}. Make room or name another path with -o, "
            "then run again."
        ) from error


def write_line(stream: TextIO, line: Mapping[str, Any]) -> None:
    """Write one JSON line to standard output. Raises OutputError."""
    with guard("Standard output"):
        stream.write(dump(line) + "\n")
        stream.flush()
