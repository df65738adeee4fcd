"""Documents, and excerpts that know their place in the source: frozen data without logic."""

from __future__ import annotations

import hashlib
import json
from array import array
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Literal

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Document:
    """One decoded source text. All offsets, everywhere, count code points of `text`.

    `media` is "text" or "html"; an HTML page keeps its markup in `text`, and `clean` leaves it out.
    `sha256` is the digest of the file's bytes, or of the row's text in UTF-8 for a JSONL or CSV row. Such a row
    may have a `title` ("" without one), a date (`published`) and further `columns` (name, text) to keep.
    `has_own_id`: the id is the document's own, from a column; else it says where the document stands.
    """

    id: str
    path: str
    text: str
    sha256: str
    media: Literal["text", "html"] = "text"
    title: str = ""
    published: date | None = None
    columns: tuple[tuple[str, str], ...] = ()
    has_own_id: bool = False

    @property
    def row(self) -> str:
        """16 hexadecimal digits of what the row says beside its text; "" if it says nothing."""
        if not (self.title or self.published or self.columns):
            return ""
        said = [self.title, self.published and self.published.isoformat(), self.columns]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]

    @classmethod
    def from_text(cls, text: str, id: str = "text", path: str | None = None) -> Document:
        """A text that is not in a file. `path` is the source named in its output lines (default: the id)."""
        return cls(id, id if path is None else path, text, hashlib.sha256(text.encode()).hexdigest())


@dataclass(frozen=True, slots=True)
class Omission:
    """Characters `start:end` of the source that the model does not see, and the rule that left them out."""

    start: int
    end: int
    rule: str


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Some of a document's characters, in order, as the model sees them, with their places in the source.

    `text[i]` stands for `document.text[starts[i]:ends[i]]`: usually one character, more if inline noise
    belongs to it (核(hé) is one visible character and 5 source characters).
    """

    document: Document
    text: str
    starts: array[int]
    ends: array[int]
    omissions: tuple[Omission, ...] = ()
    headings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not len(self.text) == len(self.starts) == len(self.ends):
            raise ValueError("an Excerpt needs one start and one end for each character")

    @classmethod
    def whole(cls, document: Document) -> Excerpt:
        """The whole document, with nothing left out."""
        n = len(document.text)
        return cls(document, document.text, array("i", range(n)), array("i", range(1, n + 1)))

    @property
    def start(self) -> int:
        """First source offset covered (0 when empty)."""
        return self.starts[0] if self.starts else 0

    @property
    def end(self) -> int:
        """Source offset after the last character covered."""
        return self.ends[-1] if self.ends else 0

    def cut(self, i: int, j: int, headings: tuple[str, ...] | None = None) -> Excerpt:
        """The visible characters i:j as an Excerpt."""
        part = replace(self, text=self.text[i:j], starts=self.starts[i:j], ends=self.ends[i:j])
        return part if headings is None else replace(part, headings=headings)

    def span(self, i: int, j: int) -> tuple[int, int]:
        """Source offsets of the visible characters i:j, including noise between them."""
        return self.starts[i], self.ends[j - 1]

    def source(self, i: int, j: int) -> str:
        """The source characters behind the visible characters i:j."""
        start, end = self.span(i, j)
        return self.document.text[start:end]
