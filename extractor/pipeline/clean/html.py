"""The main text of a web page, each character with its place in the source: Document → Excerpt."""

from __future__ import annotations

import re
import warnings
from array import array
from dataclasses import dataclass, field
from html import unescape
from typing import NamedTuple

from extractor.document import Document, Excerpt, Omission

# Elements without text to read. Without its closing tag, one extends to the end of the page, as in a browser.
_SILENT = ("script", "style", "title", "textarea", "noscript", "template", "select", "svg")
_CLOSINGS = {name: re.compile(f"</{name}", re.IGNORECASE) for name in _SILENT}
_TAG = re.compile(r"</?([a-zA-Z][a-zA-Z0-9]*)")
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});?")
# Tags that begin a new line if the whole page is taken.
_BLOCK = re.compile(
    r"address|article|aside|blockquote|body|br|center|dd|div|dl|dt|fieldset|figure|footer|form|h[1-6]"
    r"|header|hr|li|main|nav"
    r"|ol|p|pre|section|table|td|th|tr|ul"
)
_SENTENCE = re.compile(r"[^。；！？|]*[^。；！？|\s][^。；！？|]*[。；！？]*")
_MARK = re.compile(r"^(?:[-|] )+| \|\s*$")
_HTML_SPACE = re.compile(r"[ \t\r\n\f]+")
_LONG = 12  # characters; a line of this length hardly occurs twice, so it is found at its own place
_REACH = 200_000  # characters of the page searched for one line


@dataclass(slots=True)
class _Page:
    """The characters of a page outside its tags, and the indices before which there is a block tag."""

    text: list[str] = field(default_factory=list)
    starts: array[int] = field(default_factory=lambda: array("q"))
    ends: array[int] = field(default_factory=lambda: array("q"))
    breaks: list[int] = field(default_factory=list)

    def add(self, character: str, start: int, end: int) -> None:
        self.text.append(character)
        self.starts.append(start)
        self.ends.append(end)


class _Piece(NamedTuple):
    """Words of one line, and the index of their first character in the page's solid (not white) text."""

    line: int
    words: str
    at: int


def main_text(document: Document) -> Excerpt:
    """The article of an HTML page, or all its text if no article is found. The rest is omitted as "html"."""
    page = _scan(document.text)
    solid = array("q", (i for i, character in enumerate(page.text) if not character.isspace()))
    pieces = _align(_article(document.text), "".join(page.text[i] for i in solid)) or _everything(page)
    text, starts, ends = _visible(page, solid, pieces)
    omissions, done = [], 0
    for start, end in zip([*starts, len(document.text)], [*ends, len(document.text)], strict=True):
        if done < start:
            omissions.append(Omission(done, start, "html"))
        done = end
    return Excerpt(document, text, starts, ends, tuple(omissions))


def _article(page: str) -> list[str]:
    """The lines of the article that trafilatura finds, if any."""
    import trafilatura  # a second of imports that plain text can do without

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations in lxml
        found = trafilatura.extract(page, include_comments=False, include_tables=True, deduplicate=False)
    return [line for line in (found or "").split("\n") if line.strip()]


def _scan(source: str) -> _Page:
    """The characters of the page with their places.

    A closing that is missing is searched for only once, so the time is linear.
    """
    page, at, missing = _Page(), 0, set[str]()

    def after(closing: str, start: int) -> int:  # -1 if there is none
        found = -1 if closing in missing else source.find(closing, start)
        if found < 0:
            missing.add(closing)
        return found + len(closing) if found >= 0 else -1

    while at < len(source):
        less = source.find("<", at)
        _characters(page, source, at, less if less >= 0 else len(source))
        if less < 0:
            break
        tag = _TAG.match(source, less)
        if source.startswith("<!--", less):
            at = after("-->", less + 4)
            at = at if at >= 0 else len(source)
        elif tag is None and source[less + 1 : less + 2] not in ("!", "?"):
            page.add("<", less, less + 1)
            at = less + 1
        else:
            at = after(">", less)
            if at < 0:
                break
            name = tag[1].lower() if tag else ""
            if _BLOCK.fullmatch(name):
                page.breaks.append(len(page.text))
            if name in _SILENT and source[less + 1] != "/":
                closing = _CLOSINGS[name].search(source, at) if name not in missing else None
                if closing is None:
                    missing.add(name)
                at = closing.start() if closing else at
    return page


def _characters(page: _Page, source: str, start: int, end: int) -> None:
    """Adds the text between two tags. An entity becomes one character that covers all of the entity."""
    for m in _ENTITY.finditer(source, start, end):
        meaning = unescape(m[0])
        if len(meaning) == 1:
            _plain(page, source, start, m.start())
            page.add(meaning, *m.span())
            start = m.end()
    _plain(page, source, start, end)


def _plain(page: _Page, source: str, start: int, end: int) -> None:
    page.text.extend(source[start:end])
    page.starts.extend(range(start, end))
    page.ends.extend(range(start + 1, end + 1))


def _align(lines: list[str], text: str) -> list[_Piece]:
    """Where the lines of the article are in the solid text of the page.

    Long lines are found first, then the others between them.
    """
    solid = [_solid(line) for line in lines]
    at, done = [-1] * len(lines), 0
    for number, line in enumerate(solid):
        if len(line) >= _LONG:
            at[number] = text.find(line, done, done + len(line) + _REACH)
            done = at[number] + len(line) if at[number] >= 0 else done
    pieces: list[_Piece] = []
    done = number = 0
    while number < len(lines):
        if at[number] >= 0:
            pieces.append(_Piece(number, lines[number], at[number]))
            done = at[number] + len(solid[number])
            number += 1
            continue
        end = next((i for i in range(number, len(lines)) if at[i] >= 0), len(lines))
        last = at[end] if end < len(lines) else None
        pieces += _between(lines, range(number, end), text, done, last)
        number = end
    return pieces


def _between(lines: list[str], numbers: range, text: str, start: int, end: int | None) -> list[_Piece]:
    """Pieces of the lines, as near before `end` as possible, or after `start` if `end` is None."""
    found: list[_Piece] = []
    for number in numbers if end is None else reversed(numbers):
        for words in _candidates(lines[number], text, start, end):
            wanted = _solid(words)
            if end is None:
                at = text.find(wanted, start, start + len(wanted) + _REACH)
                start = at + len(wanted) if at >= 0 else start
            else:
                at = text.rfind(wanted, max(start, end - len(wanted) - _REACH), end)
                end = at if at >= 0 else end
            if at >= 0:
                found.append(_Piece(number, words, at))
    return sorted(found, key=lambda piece: piece.at)


def _candidates(line: str, text: str, start: int, end: int | None) -> list[str]:
    """The line, with or without the marks that trafilatura adds; otherwise its sentences and cells."""
    stop = end if end is not None else start + len(line) + _REACH
    for words in (line, _MARK.sub("", line)):
        if _solid(words) and text.find(_solid(words), start, stop) >= 0:
            return [words]
    pieces = [m[0] for m in _SENTENCE.finditer(_MARK.sub("", line))]
    return pieces if end is None else pieces[::-1]


def _solid(words: str) -> str:
    return "".join(words.split())


def _everything(page: _Page) -> list[_Piece]:
    """All text of the page, one line for each block."""
    pieces, at = [], 0
    for number, (start, end) in enumerate(zip([0, *page.breaks], [*page.breaks, len(page.text)], strict=True)):
        words = _HTML_SPACE.sub(" ", "".join(page.text[start:end]))
        if words.strip():
            pieces.append(_Piece(number, words, at))
            at += len(_solid(words))
    return pieces


def _visible(page: _Page, solid: array[int], pieces: list[_Piece]) -> tuple[str, array[int], array[int]]:
    """The text of the pieces, and the start and end of each character in the page.

    White space and line ends are given one character of the gap in the page.
    """
    text: list[str] = []
    starts, ends = array("q"), array("q")
    line = pieces[0].line if pieces else 0
    for piece in pieces:
        at = piece.at
        space = "\n" if piece.line != line else " "
        pending = space if text else ""
        line = piece.line
        for character in piece.words:
            if character.isspace():
                pending = pending or (character if text else "")
                continue
            i = solid[at]
            if pending and ends[-1] < page.starts[i]:
                text.append(pending)
                starts.append(ends[-1])
                ends.append(ends[-1] + 1)
            pending = ""
            text.append(character)
            starts.append(page.starts[i])
            ends.append(page.ends[i])
            at += 1
    return "".join(text), starts, ends
