"""Reads the rows of JSONL files, and what is common to all tables. Each row has the number of the line where it begins."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from extractor.pipeline.read.encodings import Undecodable, detect, has_surrogates, safe
from extractor.pipeline.read.sizes import TooLong, too_large

TEXT_COLUMNS = ("text", "content", "正文", "内容", "body", "article")

_SAMPLE = 1 << 18  # bytes from which the encoding of a JSONL or CSV file is guessed
_LONGEST_NAME = 60  # characters of a column's name in a message

Cells = dict[str, Any]


@dataclass(frozen=True, slots=True)
class BadRow:
    """Why a row could not be read. `reason` continues a sentence that begins with the name of the row."""

    kind: Literal["row", "encoding", "empty", "too-large", "no-text-column"]
    reason: str


NOT_TEXT = BadRow(
    "encoding", "has bytes or escapes that are not characters: fix it, or name the encoding with --encoding."
)


def row_codec(sample: bytes, encoding: str | None) -> str | Undecodable:
    """Like `detect`, but a damaged row does not hide the encoding of the others: the rows vote.

    UTF-8 needs only a majority, since text in another encoding is not taken for it. Others need all votes.
    """
    codec = detect(sample, encoding, whole=False)
    if isinstance(codec, str) or codec.kind != "encoding":
        return codec
    rows = [row for row in sample.split(b"\n")[:50] if not row.isascii()]
    votes = [found for row in rows if isinstance(found := detect(row), str)]
    if votes.count("utf-8") * 2 > len(votes):
        return "utf-8"
    return votes[0] if len(set(votes)) == 1 else codec


def read_sample(raw: Any) -> bytes:
    """The first bytes of an open file, which may be compressed."""
    sample = b""
    try:
        while len(sample) < _SAMPLE and (more := raw.read1(_SAMPLE)):
            sample += more
    except (EOFError, zlib.error):
        pass  # the rows before the damage are read, and then the damage is reported
    return sample


def jsonl_rows(lines: Iterable[str | TooLong], largest: int) -> Iterator[tuple[int, Cells | BadRow]]:
    """The objects of a JSONL file by line number. Blank lines are skipped."""
    for number, line in enumerate(lines, 1):
        if isinstance(line, TooLong):
            yield number, BadRow("too-large", too_large(line.size, largest))
        elif line.strip():
            yield number, _object(line.removeprefix("\ufeff") if number == 1 else line)


def _object(line: str) -> Cells | BadRow:
    if has_surrogates(line):
        return NOT_TEXT
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        return BadRow("row", f"is not JSON ({error.msg} at column {error.colno}): fix the line.")
    except (ValueError, RecursionError):
        return BadRow("row", "is JSON with a number that is too long or nesting that is too deep: fix the line.")
    return row if isinstance(row, dict) else BadRow("row", "is not a JSON object: put one {…} on each line.")


def row_text(row: Cells, column: str | None) -> str | BadRow:
    """The text in `column` of a row, or in the first of the usual columns that it has."""
    names = {name.lower(): name for name in reversed(row)}
    name = column if column else next((names[c] for c in TEXT_COLUMNS if c in names), None)
    if name is None or name not in row:
        wanted = f"no column {column}" if column else f"none of the columns {', '.join(TEXT_COLUMNS)}"
        return BadRow("no-text-column", f"has {wanted}; {columns_of(row)}: name one with --text-column.")
    text = row[name]
    if text is None or (isinstance(text, str) and not text.strip()):
        return BadRow("empty", f"has no text in its column {name}.")
    if not isinstance(text, str):
        return BadRow("row", f"has no string in its column {name}: name another column with --text-column.")
    return NOT_TEXT if has_surrogates(text) else text


def columns_of(row: Cells) -> str:
    """The columns of a row, for a message."""
    names = ", ".join(safe(name)[:_LONGEST_NAME] for name in list(row)[:20])
    return f"its columns are {names}" if row else "it has no columns"
