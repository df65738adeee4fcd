"""Check the columns that options name before anything is read: a typo must not fail every row of a table."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress

from extractor.pipeline.read.encodings import Undecodable
from extractor.pipeline.read.formats import format_of
from extractor.pipeline.read.tables import Cells, columns_of, read_sample, row_codec

Wanted = tuple[str, str]
"""An option, and the column that it names."""


def missing_columns(
    file: str, wanted: Sequence[Wanted], encoding: str | None, largest: int
) -> tuple[list[Wanted], str | None]:
    """Those of the wanted columns that no row of a table has, and a sentence about the first one.

    Rows are read until all columns are found, so usually one. The sentence is None if there is no readable row.
    """
    missing = list(wanted)
    first: Cells | None = None
    for row in _rows(file, encoding, largest) if missing else ():
        first = row if first is None else first
        missing = [(option, column) for option, column in missing if column not in row]
        if not missing:
            return [], None
    if first is None or not missing:
        return missing, None
    option, column = missing[0]
    return missing, f"{file} has no column {column!r}; {columns_of(first)}: name one of them with {option}."


def _rows(file: str, encoding: str | None, largest: int) -> Iterator[Cells]:
    """The readable rows of a table. Damage ends them silently: reading the table reports it."""
    form = format_of(file)
    if form.rows is None:
        return
    with suppress(OSError, EOFError, zlib.error, UnicodeError), form.open(file) as raw:
        codec = row_codec(read_sample(raw), encoding)
        if isinstance(codec, Undecodable):
            return
        raw.seek(0)
        for _, row in form.each_row(raw, codec, largest):
            if isinstance(row, dict):
                yield row
