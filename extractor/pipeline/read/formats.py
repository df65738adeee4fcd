"""The file formats, by suffix. A new one is an entry here; one that is neither text nor a table brings its own `text`."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from extractor.pipeline.read.csv_table import csv_rows
from extractor.pipeline.read.encodings import Undecodable, decode
from extractor.pipeline.read.sizes import TooLong, bounded_lines
from extractor.pipeline.read.tables import BadRow, Cells, jsonl_rows

RowReader = Callable[[Iterable[str | TooLong], int], Iterator[tuple[int, Cells | BadRow]]]


@dataclass(frozen=True)
class Format:
    """How a file is read: as a whole by `text`, from its bytes and the encoding that the user named; or by `rows`, from
    its lines and the bytes that one may have, one document a row."""

    text: Callable[[bytes, str | None], str | Undecodable] = decode
    rows: RowReader | None = None
    # Whether the first row names the columns of all: a missing column is then one failure of the file.
    has_header: bool = False
    is_compressed: bool = False

    @property
    def newline(self) -> str:
        """What ends a line: in a file with a header also what stands within a quoted cell."""
        return "" if self.has_header else "\n"

    def each_row(self, raw: Any, codec: str, largest: int) -> Iterator[tuple[int, Cells | BadRow]]:
        """The rows of an open table. Undecodable bytes become surrogates, so that one bad row is one failure."""
        assert self.rows is not None
        with io.TextIOWrapper(raw, codec, errors="surrogateescape", newline=self.newline) as lines:
            yield from self.rows(bounded_lines(lines, largest), largest)

    def open(self, file: str) -> Any:
        """The file's bytes."""
        return gzip.open(file) if self.is_compressed else open(file, "rb")


FORMATS: dict[str, Format] = {
    ".jsonl.gz": Format(rows=jsonl_rows, is_compressed=True),
    ".jsonl": Format(rows=jsonl_rows),
    ".csv": Format(rows=csv_rows, has_header=True),
    ".html": Format(),
    ".htm": Format(),
    ".txt": Format(),
    ".md": Format(),
}
_TEXT = Format()


def format_of(file: str) -> Format:
    """The format of a file, by its suffix; any other file, and standard input, is text."""
    name = file.lower()
    return next((form for suffix, form in FORMATS.items() if name.endswith(suffix)), _TEXT)
