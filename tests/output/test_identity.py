"""A document is its id: what a run into the same output does with rows that moved, changed, came or went."""

from __future__ import annotations

import hashlib
import json
import os
import random
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest
from click.testing import Result
from fake_endpoint import FakeEndpoint, Step, answering, field_of, passage_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from extractor.cli.main import app
from extractor.document import Json

OUT = Path("out.jsonl")
FAILED = Path("out.jsonl.failures.jsonl")
EDITS = ("reorder", "insert", "delete", "change", "rename", "move")
COMPILATION = next((Path(__file__).parents[2] / "seeds").glob("001_*.txt")).read_text(encoding="utf-8")


def text_of(number: int) -> str:
    return f"5月27日，第{number}次会议在市人民礼堂召开。市委书记李明主持会议并讲话。"


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def lines(path: Path = OUT) -> list[Json]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def write(path: Path, rows: list[tuple[str | None, str]]) -> None:
    path.parent.mkdir(exist_ok=True)
    found = [{"text": text} if name is None else {"id": name, "text": text} for name, text in rows]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in found), encoding="utf-8")


def extract(fake: FakeEndpoint, path: Path, *more: str) -> Result:
    command = ["extract", str(path), "-o", str(OUT), "--base-url", fake.base_url, "--model", "fake", *more]
    result = CliRunner().invoke(app, command)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@contextmanager
def empty_folder() -> Iterator[None]:
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)


@dataclass
class Table:
    """A small JSONL file, and what is known of the output: id → digest and path."""

    has_ids: bool
    path: Path = Path("a/in.jsonl")
    rows: list[tuple[str | None, str]] = field(default_factory=list)
    written: dict[str, tuple[str, str]] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=count)

    def new_row(self) -> tuple[str | None, str]:
        number = next(self.numbers)
        return (f"r{number}" if self.has_ids else None), text_of(number)

    def edit(self, kind: str, chance: random.Random) -> None:
        at = chance.randrange(len(self.rows))
        if kind == "reorder":
            chance.shuffle(self.rows)
        elif kind == "insert":
            self.rows.insert(at, self.new_row())
        elif kind == "delete" and len(self.rows) > 1:
            del self.rows[at]
        elif kind == "change":
            self.rows[at] = (self.rows[at][0], text_of(next(self.numbers)))
        elif kind == "rename":
            self._rename(self.path.with_name(f"in{next(self.numbers)}.jsonl"))
        elif kind == "move":
            self._rename(Path(f"b{next(self.numbers)}") / self.path.name)

    def _rename(self, path: Path) -> None:
        path.parent.mkdir(exist_ok=True)
        self.path = self.path.rename(path)

    def check_run(self, fake: FakeEndpoint) -> None:
        """Run, and compare what was asked and written with what is due."""
        write(self.path, self.rows)
        due, refused = set(), set()
        for number, (name, text) in enumerate(self.rows, 1):
            name = name or f"{self.path.stem}:{number}"
            here = (digest(text), f"{self.path}#{number}")
            earlier = self.written.get(name, here if name in self.written else (None, None))
            if earlier[0] not in (None, here[0]) and earlier[1] != here[1] and not self.has_ids:
                refused.add(name)  # another text at another place: nothing says that it is the same document
                continue
            if earlier[0] != here[0]:
                due.add(text)
            self.written[name] = here
        fake.seen.clear()
        result = extract(fake, self.path)
        assert {passage_of(body).strip() for body in fake.live} == due
        assert {failure["id"] for failure in lines(FAILED) if failure["kind"] == "id-taken"} == refused
        assert result.exit_code == (1 if refused else 0)
        found = lines()
        assert len({line["id"] for line in found}) == len(found), "no record is there twice"
        assert {line["id"]: (line["source"]["sha256"], line["source"]["path"]) for line in found} == self.written


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(has_ids=st.booleans(), edits=st.lists(st.sampled_from(EDITS), min_size=1, max_size=5), seed=st.integers(0, 99))
def test_only_changed_texts_are_asked_and_every_line_names_its_place(
    has_ids: bool, edits: list[str], seed: int
) -> None:
    chance = random.Random(seed)
    with empty_folder(), answering() as fake:
        table = Table(has_ids)
        table.rows = [table.new_row() for _ in range(3)]
        table.check_run(fake)
        for kind in edits:
            table.edit(kind, chance)
            table.check_run(fake)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_row_that_moved_and_changed_at_once_is_asked_again() -> None:
    write(Path("in.jsonl"), [("x", text_of(1)), ("y", text_of(2))])
    with answering() as fake:
        assert extract(fake, Path("in.jsonl")).exit_code == 0
        fake.seen.clear()
        write(Path("other.jsonl"), [("y", text_of(2)), ("new", text_of(4)), ("x", text_of(3))])
        assert extract(fake, Path("other.jsonl")).exit_code == 0
        assert {passage_of(body).strip() for body in fake.live} == {text_of(3), text_of(4)}
    places = {line["id"]: (line["source"]["path"], line["source"]["sha256"]) for line in lines()}
    assert places == {
        "y": ("other.jsonl#1", digest(text_of(2))),
        "new": ("other.jsonl#2", digest(text_of(4))),
        "x": ("other.jsonl#3", digest(text_of(3))),
    }


def test_the_speeches_of_a_compilation_move_together_and_go_together() -> None:
    write(Path("in.jsonl"), [("d", COMPILATION), ("e", text_of(1))])
    with answering() as fake:
        assert extract(fake, Path("in.jsonl")).exit_code == 0
        speeches = [line["id"] for line in lines() if line["id"] != "e"]
        assert len(speeches) > 1
        fake.seen.clear()
        write(Path("in.jsonl"), [("e", text_of(1)), ("d", COMPILATION)])
        assert extract(fake, Path("in.jsonl")).exit_code == 0
        assert fake.seen == []
        paths = {line["id"]: line["source"]["path"] for line in lines()}
        assert paths == {"e": "in.jsonl#1", **dict.fromkeys(speeches, "in.jsonl#2")}
        write(Path("in.jsonl"), [("d", text_of(2)), ("e", text_of(1))])
        assert extract(fake, Path("in.jsonl")).exit_code == 0
    assert {line["id"]: line["source"]["path"] for line in lines()} == {"d": "in.jsonl#1", "e": "in.jsonl#2"}


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_later_document_does_not_take_the_record_of_a_speech_by_standing_in_its_place(order: tuple[int, ...]) -> None:
    write(Path("in.jsonl"), [("d", COMPILATION)])
    with answering() as fake:
        assert extract(fake, Path("in.jsonl")).exit_code == 0
        before = {line["id"]: line["source"]["sha256"] for line in lines()}
        fake.seen.clear()
        rows: list[tuple[str | None, str]] = [("d#1", text_of(1)), ("d", COMPILATION)]
        write(Path("in.jsonl"), [rows[n] for n in order])
        assert extract(fake, Path("in.jsonl")).exit_code == 1
        assert fake.seen == []
    assert {line["id"]: line["source"]["sha256"] for line in lines()} == before
    assert [(failure["id"], failure["kind"]) for failure in lines(FAILED)] == [("d#1", "id-taken")]


def test_an_id_with_a_number_is_an_id_like_others() -> None:
    write(Path("in.jsonl"), [("2020#3", text_of(1)), ("2020#4", text_of(2))])
    with answering() as fake:
        assert extract(fake, Path("in.jsonl")).exit_code == 0
        write(Path("in.jsonl"), [("2020#4", text_of(2)), ("2020#3", text_of(3))])
        assert extract(fake, Path("in.jsonl")).exit_code == 0
    found = {line["id"]: (line["source"]["path"], line["source"]["sha256"]) for line in lines()}
    assert found == {
        "2020#4": ("in.jsonl#1", digest(text_of(2))),
        "2020#3": ("in.jsonl#2", digest(text_of(3))),
    }


def test_a_file_that_moved_keeps_its_record() -> None:
    Path("a").mkdir()
    Path("a/x.txt").write_text(text_of(1), encoding="utf-8")
    with answering() as fake:
        assert extract(fake, Path("a")).exit_code == 0
        fake.seen.clear()
        Path("a").rename("b")
        assert extract(fake, Path("b")).exit_code == 0
        assert fake.seen == []
    assert [(line["id"], line["source"]["path"]) for line in lines()] == [("x", "b/x.txt")]


def test_a_failed_row_that_moved_waits_and_is_retried() -> None:
    write(Path("in.jsonl"), [("x", text_of(1)), ("y", text_of(2))])
    refused = Step(400, {"error": {"message": "bad"}})
    with answering(lambda body: refused if text_of(1) in passage_of(body) else None) as fake:
        assert extract(fake, Path("in.jsonl"), "--separate-fields").exit_code == 1
    write(Path("in.jsonl"), [("y", text_of(2)), ("x", text_of(1))])
    with answering() as fake:
        assert extract(fake, Path("in.jsonl"), "--separate-fields").exit_code == 1
        assert fake.seen == []
        assert {(failure["id"], failure["path"]) for failure in lines(FAILED)} == {("x", "in.jsonl#2")}
        assert extract(fake, Path("in.jsonl"), "--separate-fields", "--retry-failed").exit_code == 0
        assert {passage_of(body).strip() for body in fake.live} == {text_of(1)}
    assert {line["id"]: line["source"]["path"] for line in lines()} == {"y": "in.jsonl#1", "x": "in.jsonl#2"}
    assert not FAILED.exists()


def test_a_row_that_could_not_be_read_is_read_once_it_is_mended() -> None:
    Path("in.jsonl").write_text('{"id": "x", "text": \n', encoding="utf-8")
    with answering() as fake:
        assert extract(fake, Path("in.jsonl")).exit_code == 1
        assert [failure["id"] for failure in lines(FAILED)] == ["in:1"]
        write(Path("in.jsonl"), [(None, text_of(1))])
        assert extract(fake, Path("in.jsonl")).exit_code == 0
    assert [line["id"] for line in lines()] == ["in:1"]
    assert not FAILED.exists()


@pytest.mark.parametrize("workers", ["1", "8"])
def test_kept_answers_follow_a_text_to_another_line(workers: str) -> None:
    texts = [text_of(number) for number in range(4)]
    write(Path("in.jsonl"), [(None, text) for text in texts[:3]])
    options = ["--separate-fields", "--concurrency", workers]
    refused = Step(400, {"error": {"message": "bad"}})
    with answering(lambda body: refused if field_of(body) == "date" else None) as fake:
        assert extract(fake, Path("in.jsonl"), *options).exit_code == 1
    write(Path("in.jsonl"), [(None, text) for text in [texts[3], *texts[:3]]])
    with answering() as fake:
        assert extract(fake, Path("in.jsonl"), *options).exit_code == 0
        asked = Counter(passage_of(body).strip() for body in fake.live)
        assert asked == {texts[3]: 3, **dict.fromkeys(texts[:3], 1)}
        assert {field_of(body) for body in fake.live if passage_of(body).strip() != texts[3]} == {"date"}
    found = {line["id"]: line["source"]["sha256"] for line in lines()}
    assert found == {f"in:{number + 2}": digest(texts[number]) for number in (3 - 4, 0, 1, 2)}
    assert not FAILED.exists()
    assert not list(Path().glob("*.answers"))
