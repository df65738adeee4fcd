"""The records of an output, by name: which lines are current, and which a later line supersedes.

A document is known by its id, wherever it is read from. A rewritten record comes later in the file than the older
line of its name. If a document's source has changed, all its older lines are superseded. Takes about 300 bytes of
memory a record.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from extractor.document import Document
from extractor.output.files import Lines, Output, OutputError, before_path, encode, free_path, guard, part_path
from extractor.pipeline.backfill import valid_fields
from extractor.pipeline.line_format import FORMAT, OutputLine
from extractor.pipeline.recipe import Recipe

_HEAD = re.compile(
    rb'\{"format": %d, "id": ("(?:[^"\\]|\\.)*"), "source": \{"path": ("(?:[^"\\]|\\.)*"), "sha256": "([0-9a-f]*)"(?:, "row": "([0-9a-f]*)")?'
    % FORMAT
)
_RECIPE = re.compile(rb'"recipe": "([0-9a-f]+)"')
_COPY_LINES = 500  # lines copied at a time
_NUMBER = re.compile(r"#\d+$")  # the number of a speech, in the id of its record


@dataclass(frozen=True, slots=True)
class Head:
    """The keys at the start of a record's line."""

    format: int
    name: str
    path: str
    sha256: str
    row: str | None  # None: written before lines had it
    recipe: str

    @property
    def owner(self) -> tuple[str, str, str]:
        """Lines that were written together share it."""
        return _stem(self.name), self.path, self.sha256


def read_head(line: bytes) -> Head | None:
    """The head of a record's whole line, or None. Lines as this version writes them are not parsed."""
    found = _HEAD.match(line)
    at = line.rfind(b'"recipe": "')
    recipe = _RECIPE.match(line, at) if at >= 0 else None
    try:
        if found and recipe and line.endswith(b"}\n"):
            name, path, sha256, row = found.groups()
            plain_row = None if row is None else row.decode()
            return Head(FORMAT, _plain(name), _plain(path), sha256.decode(), plain_row, recipe[1].decode())
    except ValueError:
        return None
    return _parse_head(line)


def check_format(head: Head, path: Path, advice: str) -> None:
    """Raise OutputError, with what that means and what to do, if a line of `path` has another format."""
    if head.format == FORMAT:
        return
    older = "an older" if head.format < FORMAT else "a newer"
    raise OutputError(
        f"{path} was written by {older} version of extractor (format {head.format}; this one writes format {FORMAT}), so "
        f"{advice}"
    )


def _parse_head(line: bytes) -> Head | None:
    try:
        data = json.loads(line)
        source = data["source"]
        version = int(data.get("format", 1))  # the first format had no number
        recipe = str(data["run"]["recipe"])
        row = None if source.get("row") is None else str(source["row"])
        return Head(version, str(data["id"]), str(source["path"]), str(source["sha256"]), row, recipe)
    except (ValueError, KeyError, TypeError):
        return None


def _plain(quoted: bytes) -> str:
    return str(json.loads(quoted)) if b"\\" in quoted else quoted[1:-1].decode()


def _digits(sha256: str) -> int:
    return int(sha256[:16] or "0", 16)


def _stem(name: str) -> str:
    """The name without the number of a speech."""
    return _NUMBER.sub("", name)


class _Line(NamedTuple):
    """A current line: where it starts, and what there is to know about it without reading it."""

    offset: int
    digits: int  # the first of its source's digest
    path: int  # a hash
    is_outdated: bool
    row: str | None  # what its row says beside the text


class RecordIndex:
    """The records of an output, and where their lines start in its `.part`.

    `outdated`: how many lines of another recipe there are; they stay until they are back-filled.
    `recipes`: for each recipe found, the fields whose values are still valid.
    `superseded`: whether the `.part` has lines that are no longer current.
    `is_mixed`: whether the output itself already had records of this recipe.
    """

    def __init__(self, files: Output, recipe: Recipe, restart: bool) -> None:
        """Read what is there.

        Raises OutputError if it is not records, or if no field of its recipe is still valid.
        """
        self._lines: Lines = files.records
        self._path, self._part, self._recipe = files.path, part_path(files.path), recipe
        self._live: dict[str, _Line] = {}
        # The names with a number, by what stands before it: they are of speeches, or of documents named so.
        self._numbered: dict[str, set[str]] = {}
        # Whose these are, as far as this run has come to their documents.
        self._claims: dict[str, str] = {}
        # The document whose lines were cut off the end of a `.part`.
        self._cut: tuple[str, str, str] | None = None
        self.recipes: dict[str, frozenset[str]] = {}
        self.superseded = False
        self.outdated = 0
        self.is_mixed = False
        if not restart and files.failures is not None:
            with guard(self._path):
                self._read_part()
                if self._path.is_file() and not files.replaces:
                    self._read_output()

    def has(self, document: Document) -> bool:
        """Whether a document of this content and `Document.row` has its records, and they are not outdated."""
        current = (_digits(document.sha256), False, document.row)
        lines = [self._live[name] for name in self._first_names(document) if self.is_of(document, name)]
        return any((line.digits, line.is_outdated, line.row) == current for line in lines)

    def was_cut(self, document: Document) -> bool:
        """Whether the document had lines that were cut off, since there may have been more to come."""
        return self._cut is not None and (self._cut[0], self._cut[2]) == (_stem(document.id), document.sha256)

    def is_of(self, document: Document, name: str, unfinished: Collection[str] = ()) -> bool:
        """Whether the record of this name is of a document with such an id.

        A document is known by an id of its own. If its id only says where it stands, another text at another
        place is another document. `d#1` may be a speech of `d`, or a document: a speech is not alone, unless the
        others failed, and then `d` is `unfinished`.
        """
        line = self._live[name]
        if name in self._claims:
            return self._claims[name] == document.id
        is_here = line.path == hash(document.path)
        if line.digits == _digits(document.sha256) or not document.has_own_id:
            return is_here or line.digits == _digits(document.sha256)
        if not _NUMBER.search(name):
            return True
        if self._is_speech(name):
            return name != document.id
        return is_here or (name == document.id and _stem(name) not in unfinished)

    def is_taken(self, document: Document, name: str, unfinished: Collection[str]) -> bool:
        """Whether another document has a record of this name."""
        return name in self._live and not self.is_of(document, name, unfinished)

    def taken(self, document: Document, unfinished: Collection[str]) -> str | None:
        """The path of another document that has this one's name, or the name of its first speech."""
        names = (name for name in self._first_names(document) if not self.is_of(document, name, unfinished))
        return next((self.path_of(name) for name in names), None)

    def line(self, name: str) -> OutputLine | None:
        """The record of this name."""
        if name not in self._live:
            return None
        with self._part.open("rb") as stream:
            stream.seek(self._live[name].offset)
            line: OutputLine = json.loads(stream.readline())
            return line

    def path_of(self, name: str) -> str | None:
        """The path of the document that the record of this name is from; None without such a record."""
        with self._part.open("rb") as stream:
            if name not in self._live:
                return None
            stream.seek(self._live[name].offset)
            head = read_head(stream.readline())
        return None if head is None else head.path

    def add(self, document: Document, lines: list[OutputLine], complete: bool) -> None:
        """Append a document's lines.

        If `complete` they supersede all its older lines, else those of the same names and those of another source.

        Raises OutputError.
        """
        digits = _digits(document.sha256)
        older = [name for name in self._names_of(document) if complete or (lines and self._live[name].digits != digits)]
        offset = self._lines.size
        written = [encode(line) for line in lines]
        self._lines.add(b"".join(written))
        for name in older:
            self._drop(name)
        for line in written:
            head = read_head(line)
            assert head is not None
            self._index(head, offset)
            self._claim(document, head.name)
            offset += len(line)

    def settle(self, document: Document) -> bool:
        """Take the lines of a document that needs no conversion for its own, and give them its path.

        Whether the path was another. Raises OutputError.
        """
        moved = []
        for name in self._names_of(document):
            if self._live[name].digits != _digits(document.sha256):
                self._drop(name)
                continue
            self._claim(document, name)
            if self._live[name].path != hash(document.path) and (line := self.line(name)):
                moved.append(line)
        for line in moved:
            line["source"]["path"] = document.path
        if moved:
            self.add(document, moved, complete=False)
        return bool(moved)

    def standing(self) -> Iterator[bytes]:
        """The lines that nothing has superseded."""
        offset = 0
        with self._part.open("rb") as stream:
            for line in stream:
                head = read_head(line)
                if head is not None and head.name in self._live and self._live[head.name].offset == offset:
                    yield line
                offset += len(line)

    def _read_part(self) -> None:
        """Index the whole lines of a `.part`; cut off those of the last document, which may be incomplete."""
        offset = 0
        last: list[tuple[Head, int]] = []
        with self._part.open("rb") as part:
            for line in part:
                head = read_head(line) if line.endswith(b"\n") else None
                if head is None:
                    self.superseded = True
                else:
                    self._check(head, line, self._part)
                    if last and last[-1][0].owner != head.owner:
                        for done, at in last:
                            self._index(done, at)
                        last = []
                    last.append((head, offset))
                offset += len(line)
        self._lines.cut(last[0][1] if last else 0)
        if last:
            self._cut = last[0][0].owner

    def _read_output(self) -> None:
        """Copy and index the lines of the output itself, except those of records that are in the `.part`."""
        in_part = dict(self._live)
        copied: list[bytes] = []
        offset = self._lines.size
        with self._path.open("rb") as stream:
            for number, line in enumerate(stream, 1):
                torn = not line.endswith(b"\n")
                line += b"\n" * torn
                # A line torn just after some "}" may pass the quick check, which looks at the two ends only.
                head = _parse_head(line) if torn else read_head(line)
                if head is None and (torn or not line.strip()):
                    continue
                if head is None:
                    raise OutputError(
                        f"{self._path}, line {number}, is not a record: fix or delete the line, name another file "
                        "with -o, or replace the file with --restart."
                    )
                self._check(head, line, self._path)
                self.is_mixed |= head.recipe == self._recipe.digest
                if head.name in in_part or any(name in in_part for name in self._superseding(head)):
                    continue
                if len(copied) >= _COPY_LINES:
                    self._lines.add(b"".join(copied))
                    copied.clear()
                copied.append(line)
                self._index(head, offset)
                offset += len(line)
        self._lines.add(b"".join(copied))

    def _check(self, head: Head, line: bytes, path: Path) -> None:
        """Raise OutputError if the line of `path` has another format, or no field that is valid under this recipe."""
        stay = "the old records stay until all new ones are there"
        if not self._path.is_file():
            stay = f"{free_path(before_path(self._path))} then holds the old records"
        check_format(
            head,
            path,
            f"it can't be added to. Name another file with -o, or convert everything again with --restart ({stay}).",
        )
        if head.recipe not in self.recipes:
            same = head.recipe == self._recipe.digest
            self.recipes[head.recipe] = frozenset(
                self._recipe.fields if same else valid_fields(json.loads(line), self._recipe)
            )
        if not self.recipes[head.recipe]:
            raise OutputError(
                f"{path} holds records of another recipe ({head.recipe}; this run's is {self._recipe.digest}), "
                "and no field of it is still valid: the schema, the prompts, the model or its options have "
                f"changed. Name another file with -o, or start over with --restart ({stay})."
            )

    def _index(self, head: Head, offset: int) -> None:
        for name in self._superseding(head):
            self._drop(name)
        if head.name in self._live:
            self._drop(head.name)
        is_outdated = head.recipe != self._recipe.digest
        self.outdated += is_outdated
        self._live[head.name] = _Line(offset, _digits(head.sha256), hash(head.path), is_outdated, head.row)
        if _NUMBER.search(head.name):
            self._numbered.setdefault(_stem(head.name), set()).add(head.name)

    def _superseding(self, head: Head) -> list[str]:
        """The current lines of another source at the same place: they supersede this one, or it them."""
        digits, path = _digits(head.sha256), hash(head.path)
        names = self._family(_stem(head.name))
        return [name for name in names if self._live[name].path == path and self._live[name].digits != digits]

    def _drop(self, name: str) -> None:
        self.outdated -= self._live.pop(name).is_outdated
        self._numbered.get(_stem(name), set()).discard(name)
        self._claims.pop(name, None)
        self.superseded = True

    def _claim(self, document: Document, name: str) -> None:
        """Note whose record this is, if its name does not say it. Names without a number are their documents'."""
        if _NUMBER.search(name):
            self._claims[name] = document.id

    def _is_speech(self, name: str) -> bool:
        """Whether there is another speech of the same source."""
        digits = self._live[name].digits
        return sum(self._live[other].digits == digits for other in self._numbered[_stem(name)]) > 1

    def _first_names(self, document: Document) -> list[str]:
        """The names that a document's first record may have, of those that there are."""
        return [name for name in (document.id, f"{document.id}#1") if name in self._live]

    def _names_of(self, document: Document) -> list[str]:
        """The names of all records of a document."""
        return [name for name in self._family(document.id) if self.is_of(document, name)]

    def _family(self, document: str) -> list[str]:
        """The names that records of a document may have, of those that there are."""
        return [*([document] if document in self._live else []), *self._numbered.get(document, ())]
