"""Scans HTML: the characters outside tags with their places in the source, and where a line or a cell begins."""

from __future__ import annotations

import re
from array import array
from dataclasses import dataclass, field
from html import unescape
from typing import Literal

from extractor.document import Document, Excerpt, Omission

# Elements without text to read. Without its closing tag, one extends to the end of the page, as in a browser.
_SILENT = ("script", "style", "title", "textarea", "noscript", "template", "select", "svg")
_CLOSINGS = {name: re.compile(f"</{name}", re.IGNORECASE) for name in _SILENT}
_TAG = re.compile(r"</?([a-zA-Z][a-zA-Z0-9]*)")
# Tags that begin a new line; those in `CELLS` begin a new cell of a table.
BLOCKS = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "br",
        "caption",
        "center",
        "dd",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "html",
        "li",
        "main",
        "nav",
        "ol",
        "option",
        "p",
        "pre",
        "section",
        "table",
        "tbody",
        "tfoot",
        "thead",
        "tr",
        "ul",
    ]
)
CELLS = frozenset(("td", "th"))
VOID = frozenset(["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"])
_INLINE = frozenset(
    [
        "a",
        "abbr",
        "acronym",
        "b",
        "bdi",
        "bdo",
        "big",
        "cite",
        "code",
        "del",
        "dfn",
        "em",
        "font",
        "i",
        "ins",
        "kbd",
        "label",
        "mark",
        "q",
        "rp",
        "rt",
        "ruby",
        "s",
        "samp",
        "small",
        "span",
        "strike",
        "strong",
        "sub",
        "sup",
        "tt",
        "u",
        "var",
    ]
)
_OTHER = frozenset(["center", "cell", "col", "colgroup", "head", "iframe", "meta", "link", "nobr", "object", "param"])
KNOWN = BLOCKS | CELLS | VOID | _INLINE | _OTHER | frozenset(_SILENT)
_NEVER_HIDDEN = VOID | {"html", "body"}
_HIDDEN = re.compile(r"\sstyle\s*=[^>]{0,200}?display\s*:\s*none|\shidden(?=[\s=/>])", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});?")

Break = tuple[int, int, Literal["line", "cell"]]
"""Before which character of the page a line or a cell begins, where its tag is in the source, and which of the two."""


@dataclass(slots=True)
class Page:
    """The characters outside tags, in order. `hidden` are source offsets of elements that are not displayed.

    `characters` are the different ones.
    """

    text: list[str] = field(default_factory=list)
    starts: array[int] = field(default_factory=lambda: array("i"))
    ends: array[int] = field(default_factory=lambda: array("i"))
    breaks: list[Break] = field(default_factory=list)
    hidden: list[tuple[int, int]] = field(default_factory=list)
    characters: dict[str, str] = field(default_factory=dict)

    def add(self, character: str, start: int, end: int) -> None:
        self.text.append(character)
        self.starts.append(start)
        self.ends.append(end)


def scan(source: str, tag_pattern: re.Pattern[str] | None = None) -> Page:
    """The characters of the source with their places.

    With `tag_pattern`, only what it matches as a whole is a tag. A closing that is missing is searched for only
    once, so the time is linear.
    """
    page, at, missing = Page(), 0, set[str]()
    hidden = _Hidden(page)

    def after(closing: str, start: int) -> int:  # -1 if there is none
        found = -1 if closing in missing else source.find(closing, start)
        if found < 0:
            missing.add(closing)
        return found + len(closing) if found >= 0 else -1

    while at < len(source):
        less = source.find("<", at)
        if not hidden.name:
            _characters(page, source, at, less if less >= 0 else len(source))
        if less < 0:
            break
        tag = (tag_pattern or _TAG).match(source, less)
        if source.startswith("<!--", less):
            at = after("-->", less + 4)
            at = at if at >= 0 else len(source)
        elif tag is None and (tag_pattern is not None or source[less + 1 : less + 2] not in ("!", "?")):
            if not hidden.name:
                page.add("<", less, less + 1)
            at = less + 1
        else:
            at = after(">", less) if tag_pattern is None else tag.end() if tag else -1
            if at < 0:
                break
            name = tag[1].lower() if tag else ""
            hidden.see(source, name, less, at)
            if not hidden.name and (name in BLOCKS or name in CELLS):
                page.breaks.append((len(page.text), less, "cell" if name in CELLS else "line"))
            if name in _SILENT and source[less + 1] != "/":
                closing = _CLOSINGS[name].search(source, at) if name not in missing else None
                if closing is None:
                    missing.add(name)
                at = closing.start() if closing else at
    hidden.close(len(source))
    return page


class _Hidden:
    """The element that is not displayed and has not ended yet: its name, or ""."""

    def __init__(self, page: Page) -> None:
        self.name, self._depth, self._start, self._page = "", 0, 0, page

    def see(self, source: str, name: str, start: int, end: int) -> None:
        """A tag of this name at source[start:end]."""
        closes = source.startswith("/", start + 1)
        if self.name == "p" and name in BLOCKS and not closes:  # a paragraph ends where another block begins
            self.close(start)
        if self.name:
            if name == self.name:
                self._depth += -1 if closes else 1
            if not self._depth:
                self.close(end)
        elif not closes and name not in _NEVER_HIDDEN and end - start < 2000 and _HIDDEN.search(source, start, end):
            self.name, self._depth, self._start = name, 1, start

    def close(self, end: int) -> None:
        if self.name:
            self._page.hidden.append((self._start, end))
            self.name = ""


def _characters(page: Page, source: str, start: int, end: int) -> None:
    """Adds the text between two tags. An entity becomes one character that covers all of the entity."""
    for m in _ENTITY.finditer(source, start, end):
        meaning = unescape(m[0])
        if len(meaning) == 1:
            _plain(page, source, start, m.start())
            page.add(meaning, *m.span())
            start = m.end()
    _plain(page, source, start, end)


def _plain(page: Page, source: str, start: int, end: int) -> None:
    # One object for each different character: a new one for each place would take 76 bytes a character.
    page.text.extend(map(page.characters.setdefault, source[start:end], source[start:end]))
    page.starts.extend(range(start, end))
    page.ends.extend(range(start + 1, end + 1))


def excerpt_of(document: Document, text: str, starts: array[int], ends: array[int]) -> Excerpt:
    """These characters of the document; the rest of it is omitted as "html"."""
    omissions, done = [], 0
    size = len(document.text)
    for start, end in zip([*starts, size], [*ends, size], strict=True):
        if done < start:
            omissions.append(Omission(done, start, "html"))
        done = end
    return Excerpt(document, text, starts, ends, tuple(omissions))
