"""What a table row says beside its text: kept columns, and lines that follow its title and date without a question."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import jsonschema
import pytest
from click.testing import Result
from fake_endpoint import FakeEndpoint, answering
from typer.testing import CliRunner

from extractor import Document, load_schema, read
from extractor import extract as extract_documents
from extractor.cli.main import app
from extractor.document import Json
from extractor.pipeline.output_line import line_schema
from extractor.pipeline.read.read import ReadOptions

SPEECH = "{}，全市安全生产工作会议在{}市人民礼堂召开。市委书记李明主持会议并讲话。去年，全市排查隐患1260处。"
ROWS: list[Json] = [
    {"id": "甲", "text": SPEECH.format("12月30日", "甲"), "url": "u1", "tags": ["会议", 1], "date": "2020-01-03"},
    {"id": "乙", "text": SPEECH.format("5月27日", "乙"), "url": None, "标题": "乙市召开2019年全市安全生产工作会议"},
    {"id": "丙", "text": SPEECH.format("2014年5月27日", "丙"), "date": "2014-05-28"},
]
TABLE, OUT = Path("rows.jsonl"), Path("out.jsonl")


@pytest.fixture(autouse=True)
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_rows()


@pytest.fixture
def fake() -> Iterator[FakeEndpoint]:
    with answering() as endpoint:
        yield endpoint


def write_rows(**changes: Json) -> None:
    """The rows, with some cells of some rows changed."""
    rows = [{**row, **changes.get(row["id"], {})} for row in ROWS]
    TABLE.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")


def extract(fake: FakeEndpoint, *more: str, command: str = "extract") -> Result:
    server = ["--base-url", fake.base_url, "--model", "fake", "--separate-fields", "--concurrency", "1"]
    result = CliRunner().invoke(app, [command, str(TABLE), "-o", str(OUT), *server, *more])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def lines() -> dict[str, Any]:
    return {line["id"]: line for line in map(json.loads, OUT.read_text(encoding="utf-8").splitlines())}


def dates() -> dict[str, tuple[str, bool, list[str]]]:
    """By document: the date, whether its year is inferred, and its marks."""
    return {
        name: (
            line["record"]["date"]["edtf"],
            line["record"]["date"]["year_inferred"],
            [mark for entry in line["marks"] if entry["field"] == "date" for mark in entry["marks"]],
        )
        for name, line in lines().items()
    }


KEEP = ("--keep-column", "url", "--keep-column", "tags")


def test_kept_columns_are_in_every_line(fake: FakeEndpoint) -> None:
    assert extract(fake, *KEEP).exit_code == 0
    assert {name: line["columns"] for name, line in lines().items()} == {
        "甲": {"url": "u1", "tags": '["会议",1]'},
        "乙": {"url": "", "tags": ""},
        "丙": {"url": "", "tags": ""},
    }
    validator = jsonschema.Draft202012Validator(line_schema(load_schema("meeting")))
    for line in lines().values():
        validator.validate(line)
    urls = duckdb.sql("SELECT columns.url FROM read_json_auto('out.jsonl') ORDER BY columns.url").fetchall()
    assert urls == [("",), ("",), ("u1",)]


def test_without_the_option_nothing_is_kept(fake: FakeEndpoint) -> None:
    assert extract(fake).exit_code == 0
    assert [line["columns"] for line in lines().values()] == [{}] * 3


@pytest.mark.parametrize("second", [(), KEEP[:2], (*KEEP, "--keep-column", "date")], ids=["none", "fewer", "more"])
def test_other_columns_renew_the_lines_without_a_question(second: tuple[str, ...], fake: FakeEndpoint) -> None:
    extract(fake, *KEEP)
    before, asked = lines(), len(fake.seen)
    assert extract(fake, *second).exit_code == 0
    after = lines()
    assert len(fake.seen) == asked
    names = list(second[1::2])
    assert [list(line["columns"]) for line in after.values()] == [names] * 3
    changing = {"columns", "source"}
    for name in before:
        assert {k: v for k, v in after[name].items() if k not in changing} == {
            k: v for k, v in before[name].items() if k not in changing
        }
    again = extract(fake, *second)
    assert "nothing to do: all 3 documents are up to date" in again.stderr


def test_a_changed_cell_renews_its_line_only(fake: FakeEndpoint) -> None:
    extract(fake, *KEEP)
    before, asked = OUT.read_text(encoding="utf-8").splitlines(), len(fake.seen)
    write_rows(乙={"url": "u2"})
    result = extract(fake, *KEEP)
    assert result.stderr.splitlines()[-6].startswith("1 document, 1 record") or "1 document, 1 record" in result.stderr
    assert len(fake.seen) == asked
    after = OUT.read_text(encoding="utf-8").splitlines()
    assert lines()["乙"]["columns"]["url"] == "u2"
    assert len(set(before) & set(after)) == 2
    write_rows(乙={"url": "u2", "elsewhere": 1})
    assert "nothing to do" in extract(fake, *KEEP).stderr


def test_a_column_that_no_row_has_is_a_usage_error(fake: FakeEndpoint) -> None:
    for option in ("--keep-column", "--title-column", "--date-column"):
        result = extract(fake, option, "nope")
        assert result.exit_code == 2
        assert f"its columns are id, text, url, tags, date: name one of them with {option}." in result.stderr
    assert fake.seen == []


def test_the_row_gives_the_year_that_the_text_leaves_out(fake: FakeEndpoint) -> None:
    assert extract(fake).exit_code == 0
    assert dates() == {
        "甲": ("2019-12-30", True, ["year_from_row"]),
        "乙": ("2019-05-27", True, ["year_from_row"]),
        "丙": ("2014-05-27", False, []),
    }


def test_another_date_of_the_row_gives_another_year_without_a_question(fake: FakeEndpoint) -> None:
    extract(fake)
    asked = len(fake.seen)
    write_rows(甲={"date": "2016/1/8"}, 乙={"标题": "乙市召开会议"}, 丙={"date": "2021-01-01"})
    assert extract(fake).exit_code == 0
    assert len(fake.seen) == asked
    renewed = OUT.read_bytes()
    assert dates() == {
        "甲": ("2015-12-30", True, ["year_from_row"]),
        "乙": ("XXXX-05-27", False, []),
        "丙": ("2014-05-27", False, []),
    }
    # The lines are those of a run that begins anew.
    extract(fake, "--restart")
    assert sorted(OUT.read_bytes().splitlines()) == sorted(renewed.splitlines())


def test_lines_of_a_version_without_columns_are_renewed_without_a_question(fake: FakeEndpoint) -> None:
    extract(fake)
    whole, asked = OUT.read_text(encoding="utf-8"), len(fake.seen)
    older = []
    for line in lines().values():
        del line["columns"], line["source"]["row"]
        older.append(json.dumps(line, ensure_ascii=False) + "\n")
    OUT.write_text("".join(older), encoding="utf-8")
    assert extract(fake).exit_code == 0
    assert len(fake.seen) == asked
    assert sorted(OUT.read_text(encoding="utf-8").splitlines()) == sorted(whole.splitlines())


def test_an_estimate_takes_the_same_options(fake: FakeEndpoint) -> None:
    extract(fake, *KEEP)
    result = extract(fake, *KEEP, "--json", command="estimate")
    # Not all options of extract are those of estimate.
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["documents"] == 0


def test_the_library_keeps_columns_too(fake: FakeEndpoint) -> None:
    options: Json = {"base_url": fake.base_url, "model": "fake", "mode": "live"}
    found = {done.id: done for done in extract_documents([str(TABLE)], keep_column=["url"], **options)}
    assert found["甲"].lines[0]["columns"] == {"url": "u1"}
    documents = list(read([str(TABLE)], ReadOptions(keep_columns=("url",))))
    assert all(isinstance(document, Document) for document in documents)
    assert [done.lines[0]["columns"]["url"] for done in extract_documents(documents, ordered=True, **options)] == [
        "u1",
        "",
        "",
    ]
