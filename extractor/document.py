"""The nouns of the line. Plain frozen data: no stage's logic lives here."""

from __future__ import annotations

import hashlib
from array import array
from dataclasses import dataclass, replace
from typing import Any, Literal

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Document:
    """One source text as decoded. All offsets anywhere are code points of `text`.

    `media` is "text" or "html"; an HTML page keeps its markup in `text`, `clean` leaves it out.
    `sha256` is of the file's bytes (of the row's UTF-8 text for a JSONL or CSV row).
    """

    id: str
    path: str
    text: str
    sha256: str
    media: Literal["text", "html"] = "text"

    @classmethod
    def from_text(cls, text: str, id: str = "text", path: str | None = None) -> Document:
        """A text that is in no file. `path` is what its output lines call their source (default: the id)."""
        return cls(id, id if path is None else path, text, hashlib.sha256(text.encode()).hexdigest())


@dataclass(frozen=True, slots=True)
class Omission:
    """Characters `start:end` of the source that no model sees, and the rule that left them out."""

    start: int
    end: int
    rule: str


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Some of a document's characters, in order, as a model sees them, with their place in the source.

    `text[i]` stands for `document.text[starts[i]:ends[i]]`: usually one character; more where inline noise
    belongs to it (核(hé) is one visible character, 5 source characters).
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
        """The document itself, nothing left out."""
        n = len(document.text)
        return cls(document, document.text, array("q", range(n)), array("q", range(1, n + 1)))

    @property
    def start(self) -> int:
        """First source offset covered (0 when empty)."""
        return self.starts[0] if self.starts else 0

    @property
    def end(self) -> int:
        """Source offset after the last character covered."""
        return self.ends[-1] if self.ends else 0

    def cut(self, i: int, j: int, headings: tuple[str, ...] | None = None) -> Excerpt:
        """Visible characters i:j as an Excerpt of their own."""
        part = replace(self, text=self.text[i:j], starts=self.starts[i:j], ends=self.ends[i:j])
        return part if headings is None else replace(part, headings=headings)

    def span(self, i: int, j: int) -> tuple[int, int]:
        """Source offsets of the visible characters i:j, noise inside included."""
        return self.starts[i], self.ends[j - 1]

    def source(self, i: int, j: int) -> str:
        """The source's own characters behind the visible ones i:j."""
        start, end = self.span(i, j)
        return self.document.text[start:end]
