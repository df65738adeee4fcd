"""Bounds: what is larger than a document may be is not held in memory, and what comes after it is still read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TextIO

LARGEST = 16_000_000
"""Bytes that a document may have, if the user names no other number: five million Chinese characters in UTF-8."""

_UNITS = {"GB": 10**9, "MB": 10**6, "KB": 10**3}
_LEAST, _MOST = 10**3, 10**12

_CHUNK = 1 << 16  # characters of a line that is too long which are held at a time
_WIDEST = 4  # bytes of a character in UTF-8


@dataclass(frozen=True, slots=True)
class TooLong:
    """In place of a line that is larger than a document may be: its bytes in UTF-8, and the quotation marks in it."""

    size: int
    quotes: int


def bounded_lines(stream: TextIO, largest: int) -> Iterator[str | TooLong]:
    """The lines of a text, none of more than `largest` bytes in UTF-8. The characters of the others are passed over."""
    while line := stream.readline(largest + 1):
        if len(line) > largest or (len(line) * _WIDEST > largest and size_of(line) > largest):
            yield _passed_over(line, stream)
        else:
            yield line


def size_of(text: str) -> int:
    """The bytes of a text in UTF-8."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def parse_size(words: str) -> int:
    """The bytes that 850KB, 50MB, 1.5GB or a plain number stand for. Raises ValueError."""
    found = re.fullmatch(r"([0-9]{1,13}(?:\.[0-9]{1,3})?) ?(B|KB|MB|GB)?", words.strip(), re.IGNORECASE)
    size = int(float(found[1]) * _UNITS.get((found[2] or "").upper(), 1)) if found else 0
    if not _LEAST <= size <= _MOST:
        raise ValueError(f"takes a size from 1KB to 1000GB, such as 50MB, not {words!r}.")
    return size


def show_size(size: int) -> str:
    """A number of bytes in words: 850 KB, 16 MB, 1.5 GB."""
    for unit, bytes_in_it in _UNITS.items():
        if size >= bytes_in_it:
            return f"{size / bytes_in_it:.3g} {unit}"
    return f"{size} bytes"


def too_large(size: int | None, largest: int) -> str:
    """Why a document is not read; `size` is None if its end was not looked for. Continues a sentence."""
    what = f"has {show_size(size)}, more than" if size is not None else "has more than"
    return f"{what} the {show_size(largest)} that a document may have: split it, or raise the bound with --max-document-size."


def _passed_over(begun: str, stream: TextIO) -> TooLong:
    size, quotes, part = size_of(begun), begun.count('"'), begun
    while not part.endswith("\n") and (part := stream.readline(_CHUNK)):
        size += size_of(part)
        quotes += part.count('"')
    return TooLong(size, quotes)
