"""The title, the date and the kept cells of a table row."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from extractor.document import Document
from extractor.pipeline.read.read import InputError, ReadOptions, read
from extractor.pipeline.read.row_cells import cell_text, read_day

DAY = date(2020, 1, 3)


@pytest.mark.parametrize(
    "cell",
    [
        *("2020-01-03", "2020-1-3 10:20", "2020-01-03T10:20:30", "2020/1/3", "2020.01.03", " 2020-01-03 "),
        *("2020年1月3日", "2020年1月3日 10:20", "20200103", "20200103102030", 20200103),
        # 18:00 of the day before in London.
        *("2020-01-02T18:00:00Z", "2020-01-02T18:00:00+00:00", "2020-01-03 02:00:00+0800"),
        *(1577988000, 1577988000.5, "1577988000", 1577988000123, "1577988000123"),
    ],
)
def test_a_day_is_read_in_any_of_these_forms(cell: Any) -> None:
    assert read_day(cell) == DAY


@pytest.mark.parametrize(
    "cell",
    [
        None,
        "",
        "近日",
        "2020-02-30",
        "2020-01",
        2020,
        "123456",
        "1月3日",
        "0001-01-03",
        10**30,
        True,
        ["2020-01-03"],
        {},
    ],
)
def test_a_cell_that_gives_no_day_is_ignored(cell: Any) -> None:
    assert read_day(cell) is None


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (None, ""),
        ("", ""),
        (" 甲\n", " 甲\n"),
        (7, "7"),
        (0.5, "0.5"),
        (True, "true"),
        (["甲", 1, None], '["甲",1,null]'),
        ({"a": {"b": "乙"}}, '{"a":{"b":"乙"}}'),
        ("a\ud800b", "a\ufffdb"),
    ],
)
def test_a_cell_is_kept_as_text(cell: Any, text: str) -> None:
    assert cell_text(cell) == text


def documents(tmp_path: Path, name: str, content: str, **options: Any) -> list[Document]:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    found = list(read([str(path)], ReadOptions(**options)))
    assert all(isinstance(document, Document) for document in found)
    return [document for document in found if isinstance(document, Document)]


@pytest.mark.parametrize(
    ("row", "title", "published"),
    [
        ({"title": "甲", "date": "2020-01-03"}, "甲", DAY),
        ({"标题": " 甲 ", "发布时间": "2020年1月3日 10:20"}, "甲", DAY),
        ({"Title": "甲", "PubDate": 1577988000}, "甲", DAY),
        # The first of the usual columns that holds one.
        ({"publish_date": "近日", "date": "2020-01-03", "title": None, "题名": "甲"}, "甲", DAY),
        ({"headings": "甲", "when": "2020-01-03"}, "", None),
    ],
)
def test_title_and_date_are_found_by_their_usual_names(
    row: dict[str, Any], title: str, published: date | None, tmp_path: Path
) -> None:
    (document,) = documents(tmp_path, "a.jsonl", json.dumps({**row, "text": "县长讲话。"}))
    assert (document.title, document.published) == (title, published)
    assert document.sha256 == Document.from_text("县长讲话。").sha256


def test_title_and_date_are_read_from_the_columns_that_are_named(tmp_path: Path) -> None:
    content = "title,name,date,day,text\n甲,乙,2019-05-01,2020-01-03,县长讲话。\n甲,,2019-05-01,近日,县长讲话。\n"
    first, second = documents(tmp_path, "a.csv", content, title_column="name", date_column="day")
    assert (first.title, first.published) == ("乙", DAY)
    assert (second.title, second.published) == ("", None)


def test_kept_columns_are_there_in_every_document(tmp_path: Path) -> None:
    rows = [{"text": "一。", "url": "u", "n": 1}, {"text": "二。", "n": None}]
    kept = [
        d.columns for d in documents(tmp_path, "a.jsonl", "\n".join(map(json.dumps, rows)), keep_columns=("url", "n"))
    ]
    assert kept == [(("url", "u"), ("n", "1")), (("url", ""), ("n", ""))]
    (text,) = documents(tmp_path, "a.txt", "三。", keep_columns=("url", "n"))
    assert text.columns == (("url", ""), ("n", ""))


def test_what_a_row_says_has_a_digest_of_its_own(tmp_path: Path) -> None:
    rows = [
        *({"text": "一。"}, {"text": "一。", "title": "甲"}, {"text": "一。", "title": "乙"}),
        *({"text": "一。", "date": "2020-01-03"}, {"text": "一。", "date": "2020/1/3"}, {"text": "一。", "url": "u"}),
    ]
    found = [d.row for d in documents(tmp_path, "a.jsonl", "\n".join(map(json.dumps, rows)))]
    assert found[0] == found[5] == ""
    assert found[3] == found[4]
    assert len(set(found)) == 4


def test_columns_may_be_spread_over_tables(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "一。", "url": "u"}\n', encoding="utf-8")
    (tmp_path / "b.jsonl").write_text('{"text": "二。", "n": 2}\n', encoding="utf-8")
    assert len(list(read([str(tmp_path)], ReadOptions(keep_columns=("n", "url"))))) == 2
    with pytest.raises(
        InputError, match=r"jsonl has no column 'm'; its columns are text, n: name one of them with --keep-"
    ):
        read([str(tmp_path)], ReadOptions(keep_columns=("n", "m")))
