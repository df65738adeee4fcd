"""A file format is one entry of a table: folders, ids and tables follow it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from extractor.document import Document
from extractor.pipeline.read.formats import FORMATS, Format
from extractor.pipeline.read.read import read
from extractor.pipeline.read.sizes import TooLong
from extractor.pipeline.read.tables import BadRow, Cells


def test_a_text_format(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(FORMATS, ".upper", Format(text=lambda data, encoding: data.decode().upper()))
    (tmp_path / "讲话.2014.upper").write_text("gdp增长6%。")
    (tmp_path / "other.lower").write_text("gdp")

    [found] = read([str(tmp_path)])

    assert isinstance(found, Document)
    assert (found.id, found.text) == ("讲话.2014", "GDP增长6%。")


def test_a_table_format(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def rows(lines: Iterable[str | TooLong], largest: int) -> Iterator[tuple[int, Cells | BadRow]]:
        for number, line in enumerate(lines, 1):
            assert isinstance(line, str)
            yield number, dict(zip(("id", "text"), line.split("|"), strict=True))

    monkeypatch.setitem(FORMATS, ".bars", Format(rows=rows))
    (tmp_path / "two.bars").write_text("甲|增长6%。\n乙|增长7%。\n")

    found = [each for each in read([str(tmp_path)]) if isinstance(each, Document)]

    assert [(each.id, each.text.strip()) for each in found] == [("甲", "增长6%。"), ("乙", "增长7%。")]
