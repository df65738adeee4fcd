"""Reads files, folders, globs, standard input, JSONL and CSV as documents, one at a time.

Line ends are kept and a byte order mark is dropped, so offsets are those of the decoded file. A file or row
that cannot be read becomes an `Unreadable` among the documents, and reading continues. Wrong usage (a path
that does not exist, an unknown encoding) raises `InputError` before anything is read.

Memory: one file or row, of `max_document_size` at most, and what `paths` needs.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import sys
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Literal

from extractor.document import Document
from extractor.pipeline.read.columns import Wanted, missing_columns
from extractor.pipeline.read.encodings import Undecodable, is_encoding, safe
from extractor.pipeline.read.formats import FORMATS, Format, format_of
from extractor.pipeline.read.paths import WILDCARD, ClosedFolder, InputFile, find_files, unique
from extractor.pipeline.read.row_cells import kept_cells, row_date, row_title
from extractor.pipeline.read.sizes import LARGEST, too_large
from extractor.pipeline.read.tables import BadRow, Cells, columns_of, read_sample, row_codec, row_text

_LONGEST_ID = 200
_HTML = re.compile(r"\s{0,999}(?:<\?xml[^>]{0,200}>\s{0,99})?<(?:!doctype\s+html|html)\b", re.IGNORECASE)

Kind = Literal[
    "empty",
    "binary",
    "encoding",
    "missing",
    "permission",
    "unreadable",
    "truncated",
    "too-large",
    "row",
    "no-text-column",
    "no-id-column",
    "id-taken",
]


class InputError(ValueError):
    """An input or a reading option is wrong. The message says which, and what to do."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file or row that could not be read. `reason` is a sentence that names the path."""

    id: str
    path: str
    kind: Kind
    reason: str


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How to read: an encoding instead of the guess, and the columns of JSONL and CSV files.

    Columns that are None are looked for under their usual names. `keep_columns` are kept for the output line.

    A file, a page or a row of more than `max_document_size` bytes is not read.

    `output` and the files beside it whose names begin with its name are not read, even if they are in a
    folder that is.
    """

    encoding: str | None = None
    text_column: str | None = None
    id_column: str | None = None
    output: Path | None = None
    title_column: str | None = None
    date_column: str | None = None
    keep_columns: tuple[str, ...] = ()
    max_document_size: int = LARGEST


def read(inputs: Sequence[str], options: ReadOptions | None = None) -> Iterator[Document | Unreadable]:
    """The documents of files, folders, globs and `-` (standard input), in order.

    Raises InputError at the call.
    """
    options = options or ReadOptions()
    if options.encoding is not None and not is_encoding(options.encoding):
        raise InputError(f"Unknown encoding {options.encoding!r}. Use one such as gb18030, big5, utf-16 or utf-8.")
    if not inputs:
        raise InputError("Nothing to read: name a file, a folder, a glob in quotes, or - for standard input.")
    wanted = list(dict.fromkeys(inputs))
    for given in wanted:
        _check(given)
    _check_columns(wanted, options)
    return _read_all(wanted, options)


def _check_columns(wanted: list[str], options: ReadOptions) -> None:
    """Raise InputError if no row of any table has a column that an option names."""
    named = (
        ("--text-column", options.text_column),
        ("--id-column", options.id_column),
        ("--title-column", options.title_column),
        ("--date-column", options.date_column),
        *(("--keep-column", column) for column in options.keep_columns),
    )
    missing = [(option, column) for option, column in named if column]
    problems: dict[Wanted, str] = {}
    for file in (file for given in wanted for file in _files(given, options.output)) if missing else ():
        if not isinstance(file, ClosedFolder) and format_of(file.source).rows is not None:
            # Rows that lack a column which others have are read without it, or are failures of their own.
            missing, problem = missing_columns(file.source, missing, options.encoding, options.max_document_size)
            if problem is not None:
                problems.setdefault(missing[0], problem)
            if not missing:
                return
    if missing and missing[0] in problems:
        raise InputError(problems[missing[0]])


def _read_all(wanted: list[str], options: ReadOptions) -> Iterator[Document | Unreadable]:
    taken: dict[int, int] = {}
    for given in wanted:
        for file in _files(given, options.output):
            for item in _read_file(file, options):
                name = unique(safe(item.id)[:_LONGEST_ID] or "untitled", taken)
                yield item if name == item.id else replace(item, id=name)


def _files(given: str, output: Path | None) -> Iterator[InputFile | ClosedFolder]:
    """The files of an input, without those of a run into `output` unless the input names them itself."""
    own = None if output is None else str(output.resolve())
    for file in find_files(given):
        path = None if isinstance(file, ClosedFolder) or file.source in ("-", given) else os.path.realpath(file.source)
        if own is None or path is None or not (path == own or path.startswith(f"{own}.")):
            yield file


def count_documents(inputs: Sequence[str], output: Path | None = None) -> int | None:
    """The approximate number of documents: files, and lines of JSONL and CSV files.

    None if the inputs would have to be read to know.
    """
    total = 0
    for given in dict.fromkeys(inputs):
        for file in _files(given, output):
            if isinstance(file, ClosedFolder):
                continue
            form = format_of(file.source)
            if file.source == "-" or form.is_compressed:
                return None
            total += 1 if form.rows is None else _count_lines(file.source)
    return total


def _count_lines(path: str) -> int:
    try:
        with open(path, "rb") as stream:
            return sum(block.count(b"\n") for block in iter(lambda: stream.read(1 << 20), b""))
    except OSError:
        return 0


def _check(given: str) -> None:
    """Raise InputError unless `given` names something to read."""
    if given == "-" or os.path.isfile(given):
        return
    if os.path.isdir(given):
        try:
            os.scandir(given).close()
        except OSError as error:
            raise InputError(f"{given} cannot be opened ({error.strerror}). Check its permissions.") from error
        if next(find_files(given), None) is None:
            raise InputError(
                f"{given} has no {', '.join(FORMATS)} files. Name another folder, or the files themselves."
            )
    elif os.path.exists(given):
        raise InputError(f"{given} is neither a file nor a folder. To read from a pipe, use standard input (-).")
    elif os.path.lexists(given):
        raise InputError(f"{given} is a broken link. Fix the link, or name another file.")
    elif not WILDCARD.search(given):
        raise InputError(f"{given} does not exist. Check the path, or name a folder or a glob in quotes.")
    elif next(find_files(given), None) is None:
        raise InputError(f"{given} matches no files. Check the pattern; ** stands for folders at any depth.")


def _read_file(file: InputFile | ClosedFolder, options: ReadOptions) -> Iterator[Document | Unreadable]:
    if isinstance(file, ClosedFolder):
        yield _failure(file.folder, file.error)
        return
    form = format_of(file.source)
    try:
        if form.rows is not None:
            yield from _read_rows(file, form, options)
        else:
            yield _read_whole(file, form, options)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        yield _unreadable(
            file, "truncated", "is not a complete gzip file: fetch it again. The rows before the damage were read."
        )
    except UnicodeError:
        yield _unreadable(file, "encoding", "changes to another encoding or is damaged after its beginning: fix it.")
    except OSError as error:
        yield _failure(file, error)


def _read_whole(file: InputFile, form: Format, options: ReadOptions) -> Document | Unreadable:
    if file.source == "-":
        data, size = _read_bounded(sys.stdin.buffer, options.max_document_size)
    else:
        with open(file.source, "rb") as stream:
            data, size = _read_bounded(stream, options.max_document_size)
    if len(data) > options.max_document_size:
        return _unreadable(file, "too-large", too_large(size, options.max_document_size))
    text = form.text(data, options.encoding)
    if isinstance(text, Undecodable):
        return _unreadable(file, text.kind, text.reason)
    if not text.strip():
        return _unreadable(file, "empty", "is empty: there is nothing to read in it.")
    html = file.source.lower().endswith((".html", ".htm")) or _HTML.match(text)
    digest = hashlib.sha256(data).hexdigest()
    kept = kept_cells({}, options.keep_columns)
    return Document(file.id, safe(file.path), text, digest, "html" if html else "text", columns=kept)


def _read_bounded(stream: BinaryIO, largest: int) -> tuple[bytes, int | None]:
    """The bytes of a stream, of which one more than `largest` is enough, and how many it has if the system knows."""
    data = stream.read(largest + 1)
    size = None
    with suppress(OSError):
        size = os.fstat(stream.fileno()).st_size
    return data, size or None


def _read_rows(file: InputFile, form: Format, options: ReadOptions) -> Iterator[Document | Unreadable]:
    """One document for each row. A column that is not in the header of a CSV file is reported once."""
    empty = True
    with form.open(file.source) as raw:
        codec = row_codec(read_sample(raw), options.encoding)
        if isinstance(codec, Undecodable):
            yield _unreadable(file, codec.kind, codec.reason)
            return
        raw.seek(0)
        for line, row in form.each_row(raw, codec, options.max_document_size):
            empty = False
            found = _read_row(file, line, row, options)
            yield found
            if form.has_header and isinstance(found, Unreadable) and found.kind in ("no-text-column", "no-id-column"):
                return
    if empty:
        yield _unreadable(file, "empty", "has no rows: there is nothing to read in it.")


def _read_row(file: InputFile, line: int, row: Cells | BadRow, options: ReadOptions) -> Document | Unreadable:
    here = InputFile(file.source, f"{file.path}#{line}", f"{file.id}:{line}")
    if isinstance(row, BadRow):
        return _unreadable(here, row.kind, row.reason)
    key = options.id_column or "id"
    if options.id_column and key not in row:
        return _unreadable(here, "no-id-column", f"has no column {key}; {columns_of(row)}: name one with --id-column.")
    has_own_id = isinstance(row.get(key), str | int) and bool(str(row[key]).strip())
    if has_own_id:
        here = InputFile(file.source, here.path, str(row[key]))
    text = row_text(row, options.text_column)
    if isinstance(text, BadRow):
        return _unreadable(here, text.kind, text.reason)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Document(
        here.id,
        safe(here.path),
        text,
        digest,
        "html" if _HTML.match(text) else "text",
        row_title(row, options.title_column),
        row_date(row, options.date_column),
        kept_cells(row, options.keep_columns),
        has_own_id,
    )


def _unreadable(file: InputFile, kind: Kind, reason: str) -> Unreadable:
    path = safe(file.path)
    return Unreadable(file.id, path, kind, f"{path} {reason}")


def _failure(file: InputFile, error: OSError) -> Unreadable:
    """A file or folder that the system does not let us read.

    The error's own message would show an absolute path.
    """
    if isinstance(error, FileNotFoundError):
        return _unreadable(file, "missing", "no longer exists, or is a broken link.")
    if isinstance(error, PermissionError):
        return _unreadable(file, "permission", "cannot be read: change its permissions, or leave it out.")
    return _unreadable(file, "unreadable", f"cannot be read: {error.strerror or type(error).__name__}.")
