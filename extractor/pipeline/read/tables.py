"""Rows: the objects of a JSONL file and the records of a CSV file, by the line that they begin in."""

from __future__ import annotations

import csv
import itertools
import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from extractor.pipeline.read.encodings import Undecodable, detect
from extractor.pipeline.read.paths import SURROGATE, has_halves, safe

TEXT_COLUMNS = ("text", "content", "正文", "内容", "body", "article")

_SAMPLE = 1 << 18  # bytes by which the encoding of a JSONL or CSV file is told
_LONGEST_CELL = 1 << 26  # characters; a quote that is never closed must not take the rest of a large file

Cells = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with a row; `reason` continues a sentence that names it."""

    kind: Literal["row", "encoding", "empty", "no-text-column"]
    reason: str


_NOT_TEXT = Flaw(
    "encoding", "holds bytes or escapes that are no characters: mend it, or name the encoding with --encoding."
)


def row_codec(sample: bytes, encoding: str | None) -> str | Undecodable:
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


def read_sample(raw: Any) -> bytes:
    sample = b""
    try:
        while len(sample) < _SAMPLE and (more := raw.read1(_SAMPLE)):
            sample += more
    except (EOFError, zlib.error):
        pass  # the rows before the damage are read; the damage is said when they end
    return sample


def jsonl_rows(lines: Iterable[str]) -> Iterator[tuple[int, Cells | Flaw]]:
    for number, line in enumerate(lines, 1):
        if number == 1:
            line = line.removeprefix("\ufeff")
        if not line.strip():
            continue
        if has_halves(line):
            yield number, _NOT_TEXT
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            yield number, Flaw("row", f"is not JSON ({error.msg} at column {error.colno}): mend the line.")
        except (ValueError, RecursionError):
            yield number, Flaw("row", "holds JSON with too long a number or too deep a nesting: mend the line.")
        else:
            yield number, row if isinstance(row, dict) else Flaw("row", "is no JSON object: put one {…} on a line.")


def csv_rows(lines: Iterable[str]) -> Iterator[tuple[int, Cells | Flaw]]:
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
            yield line, Flaw("row", f"is not CSV ({error}): mend its quotes.")
            continue
        if header is None and cells:
            header = [cell.removeprefix("\ufeff").strip() for cell in cells]
        elif header and cells:
            yield line, _cells(header, cells)


def _cells(header: list[str], cells: list[str]) -> Cells | Flaw:
    if any(map(SURROGATE.search, cells)):
        return _NOT_TEXT
    if len(cells) > len(header):
        return Flaw("row", f"has {len(cells)} cells, the header {len(header)}: put cells that hold commas in quotes.")
    return dict(itertools.zip_longest(header, cells, fillvalue=""))


def row_text(row: Cells, column: str | None) -> str | Flaw:
    names = {name.lower(): name for name in reversed(row)}
    name = column if column else next((names[c] for c in TEXT_COLUMNS if c in names), None)
    if name is None or name not in row:
        wanted = f"no column {column}" if column else f"none of the columns {', '.join(TEXT_COLUMNS)}"
        return Flaw("no-text-column", f"has {wanted}; {columns_of(row)}: name one with --text-column.")
    text = row[name]
    if text is None or (isinstance(text, str) and not text.strip()):
        return Flaw("empty", f"has nothing in its column {name}.")
    if not isinstance(text, str):
        return Flaw("row", f"holds no string in its column {name}: name another with --text-column.")
    return _NOT_TEXT if has_halves(text) else text


def columns_of(row: Cells) -> str:
    return f"its columns are {', '.join(map(safe, list(row)[:20]))}" if row else "it has no columns"
