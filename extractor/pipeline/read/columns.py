"""Check the columns that options name before anything is read: a typo must not fail every row of a table."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from contextlib import suppress

from extractor.pipeline.read.encodings import Undecodable
from extractor.pipeline.read.formats import format_of
from extractor.pipeline.read.tables import Cells, columns_of, read_sample, row_codec


def missing_column(file: str, wanted: dict[str, str | None], encoding: str | None) -> str | None:
    """A sentence if no row of a table has a column that an option names (by option: the column); else None.

    Rows are read until one has the columns, so usually one. A table without any readable row is not judged.
    """
    named = {option: column for option, column in wanted.items() if column}
    first: Cells | None = None
    for row in _rows(file, encoding) if named else ():
        first = row if first is None else first
        named = {option: column for option, column in named.items() if column not in row}
        if not named:
            return None
    if first is None or not named:
        return None
    option, column = next(iter(named.items()))
    return f"{file} has no column {column!r}; {columns_of(first)}: name one of them with {option}."


def _rows(file: str, encoding: str | None) -> Iterator[Cells]:
    """The readable rows of a table. Damage ends them silently: reading the table reports it."""
    form = format_of(file)
    if form.rows is None:
        return
    with suppress(OSError, EOFError, zlib.error, UnicodeError), form.open(file) as raw:
        codec = row_codec(read_sample(raw), encoding)
        if isinstance(codec, Undecodable):
            return
        raw.seek(0)
        with io.TextIOWrapper(raw, codec, errors="surrogateescape", newline=form.newline) as lines:
            for _, row in form.rows(lines):
                if isinstance(row, dict):
                    yield row
