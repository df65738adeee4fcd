"""Reads the rows of CSV files, each with the number of the line where it begins.

A quote that is never closed must neither swallow the rows after it nor fill the memory: a row is read up to the
size that a document may have. If the lines that it has taken by then are mostly rows by themselves, the quote is at
fault, and they are read as rows.
"""

from __future__ import annotations

import csv
import itertools
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress

from extractor.pipeline.read.encodings import has_surrogates
from extractor.pipeline.read.sizes import TooLong, show_size, size_of, too_large
from extractor.pipeline.read.tables import NOT_TEXT, BadRow, Cells

_HELD = 500_000  # lines of a row that are held to be read again; a line takes 50 bytes more than its characters
_SAMPLE = 1000  # lines looked at to tell rows from the lines of a text


def csv_rows(lines: Iterable[str | TooLong], largest: int) -> Iterator[tuple[int, Cells | BadRow]]:
    """The rows of a CSV file by the line where each begins.

    Parsing is strict: otherwise a quote that is never closed would swallow rows silently.
    """
    csv.field_size_limit(2 * largest)  # never met: a row is given up before
    feed = _Feed(lines, largest)
    reader = csv.reader(feed, strict=True)
    header: list[str] | None = None
    while True:
        line = feed.begin_row()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except (csv.Error, _RowTooLargeError) as error:
            if feed.has_ended or isinstance(error, _RowTooLargeError):
                yield line, _unfinished(feed, len(header or ()), largest)
            else:
                yield line, BadRow("row", f"is not CSV ({error}): fix its quotes.")
            continue
        if header is None and cells:
            header = [cell.removeprefix("\ufeff").strip() for cell in cells]
        elif header and cells:
            yield line, _row(header, cells)


def _row(header: list[str], cells: list[str]) -> Cells | BadRow:
    if any(map(has_surrogates, cells)):
        return NOT_TEXT
    if len(cells) > len(header):
        return BadRow(
            "row", f"has {len(cells)} cells, the header {len(header)}: put cells that contain commas in quotes."
        )
    return dict(itertools.zip_longest(header, cells, fillvalue=""))


class _RowTooLargeError(Exception):
    """The row under way is larger than a document may be."""


class _Feed:
    """Gives the csv module its lines, and keeps account of those that the row under way has taken."""

    def __init__(self, lines: Iterable[str | TooLong], largest: int) -> None:
        self._lines = iter(lines)
        self._again: deque[str | TooLong] = deque()
        self._largest = largest
        self._number = 0
        self.begin_row()

    def begin_row(self) -> int:
        """The number of the next line, where a row begins."""
        self._taken: list[str | TooLong] = []
        self._count = self.size = 0
        self.is_quoted = self.has_ended = False
        return self._number + 1

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        line = self._take()
        if isinstance(line, TooLong) or self.size > self._largest:
            raise _RowTooLargeError
        return line

    def after_first(self) -> list[str | TooLong]:
        """The lines of the row after its first one; none if there are too many to hold."""
        return self._taken[1:] if self._count <= _HELD else []

    def read_again(self) -> None:
        """Give the lines after the row's first one once more."""
        self._again.extendleft(reversed(self._taken[1:]))
        self._number -= self._count - 1

    def pass_over(self) -> None:
        """Take lines to the end of the quoted cell that is open, or of the file."""
        self._taken.clear()
        with suppress(StopIteration):
            while self.is_quoted:
                self._take()
                self._taken.clear()

    def _take(self) -> str | TooLong:
        try:
            line = self._again.popleft() if self._again else next(self._lines)
        except StopIteration:
            self.has_ended = True
            raise
        size, quotes = (size_of(line), line.count('"')) if isinstance(line, str) else (line.size, line.quotes)
        self._number += 1
        self._count += 1
        self.size += size
        self.is_quoted ^= quotes % 2 == 1
        if self._count <= _HELD:
            self._taken.append(line)
        return line


def _unfinished(feed: _Feed, columns: int, largest: int) -> BadRow:
    """Why a row has no end, or is too large; the feed goes on where rows may follow."""
    if _are_rows(feed.after_first(), columns):
        feed.read_again()
        return BadRow(
            "row", "has a quoted cell that never ends: close its quotes. The lines after it were read as rows."
        )
    feed.pass_over()
    if feed.has_ended:
        size = show_size(feed.size)
        return BadRow(
            "row",
            f"has a quoted cell that never ends, {size} to the end of the file: close its quotes, then run again.",
        )
    return BadRow("too-large", too_large(feed.size, largest))


def _are_rows(lines: list[str | TooLong], columns: int) -> bool:
    """Whether most of these lines are rows by themselves. In a table of one column nothing shows it."""
    some = [line for line in lines[:_SAMPLE] if isinstance(line, str) and line.strip()]
    return columns > 1 and 2 * sum(_cells_in(line) == columns for line in some) > len(some)


def _cells_in(line: str) -> int:
    try:
        return len(next(csv.reader([line], strict=True), []))
    except csv.Error:
        return 0
