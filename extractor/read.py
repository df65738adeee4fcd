"""Files, folders, globs, standard input, JSONL and CSV to documents, one at a time.

Line ends are never translated and a byte order mark is no character: offsets are into the file as decoded.
What can't be read is an `Unreadable` among the documents, and the reading goes on. Wrong usage (a path that does not
exist, an encoding that nobody knows) is an `InputError` before anything is read.

Memory: one file or row, the names in one folder, and about 150 bytes a document to keep ids apart.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import itertools
import json
import os
import re
import sys
import unicodedata
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any, Literal

from extractor.data import Document
from extractor.decode import Undecodable, decode, detect, is_encoding

SUFFIXES = (".jsonl.gz", ".jsonl", ".csv", ".html", ".htm", ".txt", ".md")
TEXT_COLUMNS = ("text", "content", "正文", "内容", "body", "article")

_SAMPLE = 1 << 18  # bytes by which the encoding of a JSONL or CSV file is told
_LONGEST_CELL = 1 << 26  # characters; a quote that is never closed must not take the rest of a large file
_LONGEST_ID = 200
_MAGIC = re.compile(r"[*?\[]")
_ANY_SUFFIX = re.compile(r"\.[A-Za-z]{1,5}$")
_HTML = re.compile(r"\s{0,999}(?:<\?xml[^>]{0,200}>\s{0,99})?<(?:!doctype\s+html|html)\b", re.IGNORECASE)
_SURROGATE = re.compile("[\ud800-\udfff]")

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
    """How to read: an encoding in place of the guess, and the columns of JSONL and CSV files."""

    encoding: str | None = None
    text_column: str | None = None
    id_column: str | None = None


@dataclass(frozen=True, slots=True)
class _Place:
    """A file to open, and what it is called in the output: never an absolute path."""

    file: str
    path: str
    id: str


@dataclass(frozen=True, slots=True)
class _Flaw:
    """What is wrong with a row; `reason` continues a sentence that names it."""

    kind: Kind
    reason: str


_Cells = dict[str, Any]


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
    return _read_all(wanted, options)


def _read_all(wanted: list[str], options: ReadOptions) -> Iterator[Document | Unreadable]:
    taken: dict[int, int] = {}
    for given in wanted:
        for place in _places(given):
            found = iter([place]) if isinstance(place, Unreadable) else _read_place(place, options)
            for item in found:
                yield replace(item, id=_unique(_safe(item.id)[:_LONGEST_ID] or "untitled", taken))


def _unique(name: str, taken: dict[int, int]) -> str:
    """`name`, or `name~2`, `name~3` where it is taken. Keeps 8-byte hashes, not names."""
    number, unique = taken.get(_hash(name), 1), name
    while _hash(unique) in taken:
        number += 1
        unique = f"{name}~{number}"
    taken[_hash(name)] = number
    taken.setdefault(_hash(unique), 1)
    return unique


def _hash(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big")


def _safe(name: str) -> str:
    """`name` without control and invisible characters; bytes of a file name that are no text become U+FFFD."""
    if name.isascii() and name.isprintable():
        return name.strip()
    kept = (c for c in name if unicodedata.category(c) not in ("Cc", "Cf", "Zl", "Zp"))
    return _SURROGATE.sub("\ufffd", "".join(kept)).strip()


# --- where the files are


def _check(given: str) -> None:
    """Raise InputError unless `given` names something to read."""
    if given == "-" or os.path.isfile(given):
        return
    if os.path.isdir(given):
        try:
            os.scandir(given).close()
        except OSError as error:
            raise InputError(f"{given} can't be opened ({error.strerror}). Check its permissions.") from error
        if next(_places(given), None) is None:
            raise InputError(f"{given} holds no {', '.join(SUFFIXES)} files. Name another folder, or the files.")
    elif os.path.exists(given):
        raise InputError(f"{given} is neither a file nor a folder. To read from a pipe, send it to standard input (-).")
    elif os.path.lexists(given):
        raise InputError(f"{given} is a link to nothing. Mend the link, or name another file.")
    elif not _MAGIC.search(given):
        raise InputError(f"{given} does not exist. Check the path, or name a folder or a glob in quotes.")
    elif next(_places(given), None) is None:
        raise InputError(f"{given} matches no file. Check the pattern; ** stands for folders at any depth.")


def _places(given: str) -> Iterator[_Place | Unreadable]:
    """The files that `given` stands for, sorted."""
    if given == "-":
        yield _Place("-", "stdin", "stdin")
    elif os.path.isdir(given):
        yield from _walk(given, ("**", "*"), SUFFIXES)
    elif os.path.lexists(given) or not _MAGIC.search(given):
        yield _Place(given, _shown(given), _stem(os.path.basename(given)))
    else:
        parts = given.replace(os.sep, "/").split("/")
        fixed = next(i for i, part in enumerate(parts) if _MAGIC.search(part))
        root = "/".join(parts[:fixed]) or ("/" if given.startswith("/") else ".")
        pattern = [part for part in parts[fixed:] if part not in ("", ".")]
        if os.path.isdir(root):
            yield from _walk(root, (*pattern, "*") if pattern[-1] == "**" else tuple(pattern), ("",))


def _walk(root: str, pattern: tuple[str, ...], suffixes: tuple[str, ...]) -> Iterator[_Place | Unreadable]:
    """The files under `root` whose relative path matches `pattern`, one part for each folder.

    `pending` holds the names to visit, last first, each with the positions in the pattern that it has come to.
    A name that ends in "/" is a folder; none is entered twice, so links in a circle end.
    """
    shown = _shown(root)
    seen: set[tuple[int, int]] = set()
    pending = [("", _positions(pattern, {0}))]
    while pending:
        relative, positions = pending.pop()
        place = _Place(os.path.join(root, relative), f"{shown}/{relative}".strip("/"), _stem(relative.rstrip("/")))
        if relative and not relative.endswith("/"):
            yield place
            continue
        try:
            names = _names(place.file, suffixes, seen)
        except OSError as error:
            yield _failure(place, error)
            continue
        for name in reversed(names):
            reached = _advance(pattern, positions, name.rstrip("/"))
            if reached - {len(pattern)} if name.endswith("/") else len(pattern) in reached:
                pending.append((relative + name, reached))


def _advance(pattern: tuple[str, ...], positions: frozenset[int], name: str) -> frozenset[int]:
    """The positions in `pattern` after one more part of a path. `**` takes any part and stays."""
    here = [p for p in positions if p < len(pattern) and fnmatchcase(name, pattern[p])]
    return _positions(pattern, {p if pattern[p] == "**" else p + 1 for p in here})


def _positions(pattern: tuple[str, ...], reached: set[int]) -> frozenset[int]:
    """`reached`, and the position behind each `**` in it: `**` stands for no folder too."""
    for p, part in enumerate(pattern):
        if p in reached and part == "**":
            reached.add(p + 1)
    return frozenset(reached)


def _names(folder: str, suffixes: tuple[str, ...], seen: set[tuple[int, int]]) -> list[str]:
    """The visible names in `folder`, sorted: folders with "/" at the end, and regular files with one of `suffixes`."""
    about = os.stat(folder)
    if (about.st_dev, about.st_ino) in seen:
        return []
    seen.add((about.st_dev, about.st_ino))
    names = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if os.path.isdir(entry.path) if entry.is_symlink() else entry.is_dir():
                names.append(entry.name + "/")
            elif entry.name.lower().endswith(suffixes) and _is_readable(entry):
                names.append(entry.name)
    return sorted(names)


def _is_readable(entry: os.DirEntry[str]) -> bool:
    """A regular file, or a link to nothing: that its file is missing is said when it is read. Pipes would hang."""
    if entry.is_symlink():
        return os.path.isfile(entry.path) or not os.path.exists(entry.path)
    return entry.is_file()


def _shown(given: str) -> str:
    """A path as records show it: relative as given, the mere name if absolute, "" for the current folder."""
    path = os.path.normpath(given)
    path = os.path.basename(path) if os.path.isabs(path) else path.replace(os.sep, "/")
    return "" if path == "." else path


def _stem(name: str) -> str:
    """`name` without its suffix: speech.jsonl.gz is speech; 讲话.2014 stays."""
    for suffix in SUFFIXES:
        if name.lower().endswith(suffix):
            return name[: -len(suffix)] or name
    return _ANY_SUFFIX.sub("", name) or name


# --- what is in them


def _read_place(place: _Place, options: ReadOptions) -> Iterator[Document | Unreadable]:
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


def _read_whole(place: _Place, options: ReadOptions) -> Document | Unreadable:
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
    return Document(place.id, _safe(place.path), text, digest, "html" if html else "text")


def _read_rows(place: _Place, options: ReadOptions) -> Iterator[Document | Unreadable]:
    """One document a row. In a CSV file a column that is not in the header is said once."""
    table = place.file.lower().endswith(".csv")
    empty = True
    with gzip.open(place.file) if place.file.lower().endswith(".gz") else open(place.file, "rb") as raw:
        codec = _row_codec(_sample(raw), options.encoding)
        if isinstance(codec, Undecodable):
            yield _unreadable(place, codec.kind, codec.reason)
            return
        raw.seek(0)
        # Bytes that are no text become surrogates: one bad row is one failure, not the end of the file.
        with io.TextIOWrapper(raw, codec, errors="surrogateescape", newline="" if table else "\n") as lines:
            for line, row in _csv_rows(lines) if table else _jsonl_rows(lines):
                empty = False
                found = _read_row(place, line, row, options)
                yield found
                if table and isinstance(found, Unreadable) and found.kind in ("no-text-column", "no-id-column"):
                    return
    if empty:
        yield _unreadable(place, "empty", "holds no rows: there is nothing to read in it.")


def _row_codec(sample: bytes, encoding: str | None) -> str | Undecodable:
    """As `detect`; a damaged row must not hide the encoding of the others. UTF-8 may win a vote: it is never read
    into wrong characters."""
    codec = detect(sample, encoding, whole=False)
    if isinstance(codec, str) or codec.kind != "encoding":
        return codec
    rows = [row for row in sample.split(b"\n")[:50] if not row.isascii()]
    told = [found for row in rows if isinstance(found := detect(row), str)]
    if told.count("utf-8") * 2 > len(told):
        return "utf-8"
    return told[0] if len(set(told)) == 1 else codec


def _sample(raw: Any) -> bytes:
    sample = b""
    try:
        while len(sample) < _SAMPLE and (more := raw.read1(_SAMPLE)):
            sample += more
    except (EOFError, zlib.error):
        pass  # the rows before the damage are read; the damage is said when they end
    return sample


def _jsonl_rows(lines: Iterable[str]) -> Iterator[tuple[int, _Cells | _Flaw]]:
    for number, line in enumerate(lines, 1):
        if number == 1:
            line = line.removeprefix("\ufeff")
        if not line.strip():
            continue
        if _SURROGATE.search(line):
            yield number, _NOT_TEXT
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            yield number, _Flaw("row", f"is not JSON ({error.msg} at column {error.colno}): mend the line.")
        except (ValueError, RecursionError):
            yield number, _Flaw("row", "holds JSON with too long a number or too deep a nesting: mend the line.")
        else:
            yield number, row if isinstance(row, dict) else _Flaw("row", "is no JSON object: put one {…} on a line.")


def _csv_rows(lines: Iterable[str]) -> Iterator[tuple[int, _Cells | _Flaw]]:
    """Rows by the line that they begin in. Strict, or a quote that is never closed would swallow rows in silence."""
    csv.field_size_limit(_LONGEST_CELL)
    reader = csv.reader(lines, strict=True)
    header: list[str] | None = None
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield line, _Flaw("row", f"is not CSV ({error}): mend its quotes.")
            continue
        if header is None and cells:
            header = [cell.removeprefix("\ufeff").strip() for cell in cells]
        elif header and cells:
            yield line, _cells(header, cells)


def _cells(header: list[str], cells: list[str]) -> _Cells | _Flaw:
    if any(map(_SURROGATE.search, cells)):
        return _NOT_TEXT
    if len(cells) > len(header):
        return _Flaw("row", f"has {len(cells)} cells, the header {len(header)}: put cells that hold commas in quotes.")
    return dict(itertools.zip_longest(header, cells, fillvalue=""))


def _read_row(place: _Place, line: int, row: _Cells | _Flaw, options: ReadOptions) -> Document | Unreadable:
    here = replace(place, path=f"{place.path}#{line}", id=f"{place.id}:{line}")
    if isinstance(row, _Flaw):
        return _unreadable(here, row.kind, row.reason)
    key = options.id_column or "id"
    if options.id_column and key not in row:
        return _unreadable(here, "no-id-column", f"has no column {key}; {_columns(row)}: name one with --id-column.")
    if isinstance(row.get(key), str | int) and str(row[key]).strip():
        here = replace(here, id=str(row[key]))
    text = _row_text(row, options.text_column)
    if isinstance(text, _Flaw):
        return _unreadable(here, text.kind, text.reason)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Document(here.id, _safe(here.path), text, digest, "html" if _HTML.match(text) else "text")


def _row_text(row: _Cells, column: str | None) -> str | _Flaw:
    names = {name.lower(): name for name in reversed(row)}
    name = column if column else next((names[c] for c in TEXT_COLUMNS if c in names), None)
    if name is None or name not in row:
        wanted = f"no column {column}" if column else f"none of the columns {', '.join(TEXT_COLUMNS)}"
        return _Flaw("no-text-column", f"has {wanted}; {_columns(row)}: name one with --text-column.")
    text = row[name]
    if text is None or (isinstance(text, str) and not text.strip()):
        return _Flaw("empty", f"has nothing in its column {name}.")
    if not isinstance(text, str):
        return _Flaw("row", f"holds no string in its column {name}: name another with --text-column.")
    return _NOT_TEXT if _SURROGATE.search(text) else text


def _columns(row: _Cells) -> str:
    return f"its columns are {', '.join(map(_safe, list(row)[:20]))}" if row else "it has no columns"


# --- what can't be read

_NOT_TEXT = _Flaw(
    "encoding", "holds bytes or escapes that are no characters: mend it, or name the encoding with --encoding."
)


def _unreadable(place: _Place, kind: Kind, reason: str) -> Unreadable:
    path = _safe(place.path)
    return Unreadable(place.id, path, kind, f"{path} {reason}")


def _failure(place: _Place, error: OSError) -> Unreadable:
    """A file or folder that the system does not let us read. The error's own text would tell an absolute path."""
    if isinstance(error, FileNotFoundError):
        return _unreadable(place, "missing", "is no longer there, or is a link to nothing.")
    if isinstance(error, PermissionError):
        return _unreadable(place, "permission", "may not be read: change its permissions, or leave it out.")
    return _unreadable(place, "unreadable", f"can't be read: {error.strerror or type(error).__name__}.")
