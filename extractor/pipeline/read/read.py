"""Files, folders, globs, standard input, JSONL and CSV to documents, one at a time.

Line ends are never translated and a byte order mark is no character: offsets are into the file as decoded.
What can't be read is an `Unreadable` among the documents, and the reading goes on. Wrong usage (a path that does not
exist, an encoding that nobody knows) is an `InputError` before anything is read.

Memory: one file or row, and what `places` needs.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import re
import sys
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from extractor.document import Document
from extractor.pipeline.read.columns import TABLES, missing_column
from extractor.pipeline.read.encodings import Undecodable, decode, is_encoding
from extractor.pipeline.read.paths import SUFFIXES, WILDCARD, Closed, Place, find_places, safe, unique
from extractor.pipeline.read.tables import (
    Cells,
    Flaw,
    columns_of,
    csv_rows,
    jsonl_rows,
    read_sample,
    row_codec,
    row_text,
)

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
    "row",
    "no-text-column",
    "no-id-column",
    "id-taken",
]


class InputError(ValueError):
    """Inputs or reading options that can't be right; says which, and what to do."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file or row that is no document, and why. `reason` is a sentence that names the path."""

    id: str
    path: str
    kind: Kind
    reason: str


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How to read: an encoding in place of the guess, and the columns of JSONL and CSV files. `output` and the files beside
    it that have its name are no inputs, though they lie in a folder that is read."""

    encoding: str | None = None
    text_column: str | None = None
    id_column: str | None = None
    output: Path | None = None


def read(inputs: Sequence[str], options: ReadOptions | None = None) -> Iterator[Document | Unreadable]:
    """The documents of files, folders, globs and `-` (standard input), in order. Raises InputError at once."""
    options = options or ReadOptions()
    if options.encoding is not None and not is_encoding(options.encoding):
        raise InputError(f"There is no encoding {options.encoding!r}. Try gb18030, big5, utf-16 or utf-8.")
    if not inputs:
        raise InputError("Nothing to read: name a file, a folder, a glob in quotes, or - for standard input.")
    wanted = list(dict.fromkeys(inputs))
    for given in wanted:
        _check(given)
    _check_columns(wanted, options)
    return _read_all(wanted, options)


def _check_columns(wanted: list[str], options: ReadOptions) -> None:
    """Raise InputError if no row of the first table has the columns that the options name."""
    columns = {"--text-column": options.text_column, "--id-column": options.id_column}
    if not any(columns.values()):
        return
    places = (place for given in wanted for place in _places(given, options.output) if not isinstance(place, Closed))
    table = next((place.file for place in places if place.file.lower().endswith(TABLES)), None)
    problem = missing_column(table, columns, options.encoding) if table is not None else None
    if problem is not None:
        raise InputError(problem)


def _read_all(wanted: list[str], options: ReadOptions) -> Iterator[Document | Unreadable]:
    taken: dict[int, int] = {}
    for given in wanted:
        for place in _places(given, options.output):
            for item in _read_place(place, options):
                name = unique(safe(item.id)[:_LONGEST_ID] or "untitled", taken)
                yield item if name == item.id else replace(item, id=name)


def _places(given: str, output: Path | None) -> Iterator[Place | Closed]:
    """The files that an input stands for, but for those of a run into `output` that it does not name itself."""
    own = None if output is None else str(output.resolve())
    for place in find_places(given):
        file = None if isinstance(place, Closed) or place.file in ("-", given) else os.path.realpath(place.file)
        if own is None or file is None or not (file == own or file.startswith(f"{own}.")):
            yield place


def count_documents(inputs: Sequence[str], output: Path | None = None) -> int | None:
    """About how many documents there are: files, and lines of JSONL and CSV files. None where only reading tells."""
    total = 0
    for given in dict.fromkeys(inputs):
        for place in _places(given, output):
            if isinstance(place, Closed):
                continue
            name = place.file.lower()
            if place.file == "-" or name.endswith(".jsonl.gz"):
                return None
            total += _count_lines(place.file) if name.endswith((".jsonl", ".csv")) else 1
    return total


def _count_lines(file: str) -> int:
    try:
        with open(file, "rb") as stream:
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
            raise InputError(f"{given} can't be opened ({error.strerror}). Check its permissions.") from error
        if next(find_places(given), None) is None:
            raise InputError(f"{given} holds no {', '.join(SUFFIXES)} files. Name another folder, or the files.")
    elif os.path.exists(given):
        raise InputError(f"{given} is neither a file nor a folder. To read from a pipe, send it to standard input (-).")
    elif os.path.lexists(given):
        raise InputError(f"{given} is a link to nothing. Mend the link, or name another file.")
    elif not WILDCARD.search(given):
        raise InputError(f"{given} does not exist. Check the path, or name a folder or a glob in quotes.")
    elif next(find_places(given), None) is None:
        raise InputError(f"{given} matches no file. Check the pattern; ** stands for folders at any depth.")


def _read_place(place: Place | Closed, options: ReadOptions) -> Iterator[Document | Unreadable]:
    if isinstance(place, Closed):
        yield _failure(place.place, place.error)
        return
    name = place.file.lower()
    try:
        if name.endswith((".jsonl", ".jsonl.gz", ".csv")):
            yield from _read_rows(place, options)
        else:
            yield _read_whole(place, options)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        yield _unreadable(
            place, "truncated", "is no complete gzip file: fetch it again. The rows before the damage are read."
        )
    except UnicodeError:
        yield _unreadable(place, "encoding", "is not valid to its end in the encoding it begins with: mend it.")
    except OSError as error:
        yield _failure(place, error)


def _read_whole(place: Place, options: ReadOptions) -> Document | Unreadable:
    if place.file == "-":
        data = sys.stdin.buffer.read()
    else:
        with open(place.file, "rb") as file:
            data = file.read()
    text = decode(data, options.encoding)
    if isinstance(text, Undecodable):
        return _unreadable(place, text.kind, text.reason)
    if not text.strip():
        return _unreadable(place, "empty", "is empty: there is nothing to read in it.")
    html = place.file.lower().endswith((".html", ".htm")) or _HTML.match(text)
    digest = hashlib.sha256(data).hexdigest()
    return Document(place.id, safe(place.path), text, digest, "html" if html else "text")


def _read_rows(place: Place, options: ReadOptions) -> Iterator[Document | Unreadable]:
    """One document a row. In a CSV file a column that is not in the header is said once."""
    table = place.file.lower().endswith(".csv")
    empty = True
    with gzip.open(place.file) if place.file.lower().endswith(".gz") else open(place.file, "rb") as raw:
        codec = row_codec(read_sample(raw), options.encoding)
        if isinstance(codec, Undecodable):
            yield _unreadable(place, codec.kind, codec.reason)
            return
        raw.seek(0)
        # Bytes that are no text become surrogates: one bad row is one failure, not the end of the file.
        with io.TextIOWrapper(raw, codec, errors="surrogateescape", newline="" if table else "\n") as lines:
            for line, row in csv_rows(lines) if table else jsonl_rows(lines):
                empty = False
                found = _read_row(place, line, row, options)
                yield found
                if table and isinstance(found, Unreadable) and found.kind in ("no-text-column", "no-id-column"):
                    return
    if empty:
        yield _unreadable(place, "empty", "holds no rows: there is nothing to read in it.")


def _read_row(place: Place, line: int, row: Cells | Flaw, options: ReadOptions) -> Document | Unreadable:
    here = Place(place.file, f"{place.path}#{line}", f"{place.id}:{line}")
    if isinstance(row, Flaw):
        return _unreadable(here, row.kind, row.reason)
    key = options.id_column or "id"
    if options.id_column and key not in row:
        return _unreadable(here, "no-id-column", f"has no column {key}; {columns_of(row)}: name one with --id-column.")
    if isinstance(row.get(key), str | int) and str(row[key]).strip():
        here = Place(place.file, here.path, str(row[key]))
    text = row_text(row, options.text_column)
    if isinstance(text, Flaw):
        return _unreadable(here, text.kind, text.reason)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Document(here.id, safe(here.path), text, digest, "html" if _HTML.match(text) else "text")


def _unreadable(place: Place, kind: Kind, reason: str) -> Unreadable:
    path = safe(place.path)
    return Unreadable(place.id, path, kind, f"{path} {reason}")


def _failure(place: Place, error: OSError) -> Unreadable:
    """A file or folder that the system does not let us read. The error's own text would tell an absolute path."""
    if isinstance(error, FileNotFoundError):
        return _unreadable(place, "missing", "is no longer there, or is a link to nothing.")
    if isinstance(error, PermissionError):
        return _unreadable(place, "permission", "may not be read: change its permissions, or leave it out.")
    return _unreadable(place, "unreadable", f"can't be read: {error.strerror or type(error).__name__}.")
