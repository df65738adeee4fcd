"""The command line as users meet it: in this process if that is enough, otherwise in a separate one."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import Result
from fake_endpoint import FakeEndpoint, Step, answering, field_of, passage_of
from scripted import ROOT
from typer.testing import CliRunner

from extractor.cli.main import app
from extractor.document import Json

KEY = "sk-secret-0123456789abcdefghij"
SPEECH = (
    "5月27日，全市安全生产工作会议在{}市人民礼堂召开。市委书记李明主持会议并讲话。去年，全市排查隐患1260处。"
    "李明要求，各部门要加强隐患排查，确保不发生重大事故。\n"
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, so that no recorded replies are at hand."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def fake() -> Iterator[FakeEndpoint]:
    with answering() as server:
        yield server


@pytest.fixture
def texts(folder: Path) -> Path:
    Path("texts").mkdir()
    for name, city in (("a", "甲"), ("b", "乙"), ("c", "丙")):
        Path(f"texts/{name}.txt").write_text(SPEECH.format(city), encoding="utf-8")
    return folder / "texts"


def extractor(*arguments: str, stdin: bytes | None = None) -> Result:
    result = CliRunner().invoke(app, list(arguments), input=stdin)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def extract(fake: FakeEndpoint, *arguments: str, stdin: bytes | None = None) -> Result:
    return extractor(
        "extract",
        *arguments,
        "--base-url",
        fake.base_url,
        "--model",
        "fake",
        "--separate-fields",
        "--concurrency",
        "1",
        stdin=stdin,
    )


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "extractor", *arguments]


def spawn(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    options = {"capture_output": True, "encoding": "utf-8", "timeout": 120, "check": False, **options}
    return subprocess.run(command(*arguments), **options)


def parsed(text: str) -> list[Json]:
    assert text == "" or text.endswith("\n")
    return [json.loads(line) for line in text.split("\n")[:-1]]


def everything(folder: Path) -> str:
    return "".join(path.read_text(encoding="utf-8", errors="replace") for path in folder.rglob("*") if path.is_file())


# --- records to standard output ---


def test_standard_output_holds_records_only(texts: Path, fake: FakeEndpoint) -> None:
    first = extract(fake, "texts")
    assert first.exit_code == 0
    lines = parsed(first.stdout)
    assert [line["id"] for line in lines] == ["a", "b", "c"]
    assert [line["source"]["path"] for line in lines] == ["texts/a.txt", "texts/b.txt", "texts/c.txt"]
    text = Path("texts/a.txt").read_text(encoding="utf-8")
    (official,) = lines[0]["record"]["officials"]
    place = official["evidence"][0]
    assert text[place["start"] : place["end"]] == place["text"]
    assert first.stderr.splitlines()[:3] == ["a: 1 record", "b: 1 record", "c: 1 record"]
    assert extract(fake, "texts").stdout == first.stdout


def test_no_line_contains_an_absolute_path_or_a_time(texts: Path, fake: FakeEndpoint) -> None:
    for given in ("texts", str(texts), "texts/*.txt"):
        result = extract(fake, given)
        assert str(texts.parent) not in result.stdout
        assert not re.search(r"\d\d:\d\d|20\d\d-\d\d-\d\dT", result.stdout)
        assert {line["source"]["path"] for line in parsed(result.stdout)} == {f"texts/{x}.txt" for x in "abc"}


def test_standard_input(fake: FakeEndpoint) -> None:
    result = extract(fake, "-", stdin=SPEECH.format("甲").encode("gb18030"))
    assert result.exit_code == 0
    (line,) = parsed(result.stdout)
    assert (line["id"], line["source"]["path"]) == ("stdin", "stdin")
    assert line["record"]["officials"][0]["name"] == "李明"


def test_a_dash_for_output_is_standard_output(texts: Path, fake: FakeEndpoint) -> None:
    result = extract(fake, "texts", "-o", "-")
    assert len(parsed(result.stdout)) == 3
    assert not Path("-").exists()


def test_quiet_says_nothing_unless_something_failed(texts: Path, fake: FakeEndpoint) -> None:
    assert extract(fake, "texts", "-q").stderr == ""
    assert extract(fake, "texts", "-q", "-o", "out.jsonl").stderr == ""
    Path("texts/bad.txt").write_bytes(b"")
    result = extract(fake, "texts", "--quiet")
    assert result.exit_code == 1
    assert "texts/bad.txt is empty" in result.stderr


def test_the_summary_gives_the_result(texts: Path, fake: FakeEndpoint) -> None:
    shown = extract(fake, "texts", "-o", "out.jsonl").stderr
    assert re.search(r"^3 documents, 3 records, \d+\.\d s → out\.jsonl$", shown, re.MULTILINE)
    assert "items: date 3, officials 3, statistics 3, targets 3, measures 3" in shown
    assert re.search(r"^problems: ", shown, re.MULTILINE)
    assert "answers used: 15, with 15000 tokens in (0 cached) and 7500 out" in shown
    assert "failures" not in shown
    assert "\x1b" not in shown


# --- inputs that cannot be read ---


def test_bad_documents_do_not_cost_the_good_ones(texts: Path, fake: FakeEndpoint) -> None:
    Path("texts/empty.txt").write_bytes(b"")
    Path("texts/blank.txt").write_text(" \n\u3000\n", encoding="utf-8")
    Path("texts/binary.txt").write_bytes(b"\x7fELF\x00\x00\x01\x02" * 50)
    Path("texts/neither.txt").write_bytes(b"\xff\xfe\xfd\x80\x81" * 31)
    rows = ['{"id": "good", "text": "' + SPEECH.format("丁").strip() + '"}', '{"id": "broken", "text": ', "[1, 2]", ""]
    Path("texts/rows.jsonl").write_text("\n".join(rows), encoding="utf-8")
    result = extract(fake, "texts", "-o", "out.jsonl")
    assert result.exit_code == 1
    assert [line["id"] for line in parsed(Path("out.jsonl").read_text(encoding="utf-8"))] == ["a", "b", "c", "good"]
    failures = parsed(Path("out.jsonl.failures.jsonl").read_text(encoding="utf-8"))
    assert {failure["id"]: failure["kind"] for failure in failures} == {
        "empty": "empty",
        "blank": "empty",
        "binary": "binary",
        "neither": "encoding",
        "rows:2": "row",
        "rows:3": "row",
    }
    for failure in failures:
        assert failure["reason"].startswith(failure["path"])
        assert failure["reason"].endswith(".")
        assert failure["id"] in result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere.txt"], "nowhere.txt does not exist"),
        (["nothing/"], "nothing/ has no .jsonl.gz, .jsonl, .csv"),
        (["*.md"], "*.md matches no file"),
        (["good.txt", "--encoding", "utf-9"], "Unknown encoding 'utf-9'"),
        (["good.txt", "--schema", "minutes"], "Unknown schema 'minutes'. The shipped schemas are: meeting, notice"),
        (["good.txt", "--schema", "my.py"], "Schema file my.py not found"),
        (["good.txt", "--retry-failed"], "--retry-failed needs -o"),
        (["good.txt", "-o", "nothing"], "nothing is a folder"),
        (["good.txt", "-o", "none/out.jsonl"], "There is no folder none: make it first (mkdir -p none)"),
        (["good.txt", "-o", "good.txt/out.jsonl"], "good.txt is a file, so"),
        (["good.txt", "-o", "good.txt"], "good.txt would be written and is also among the inputs"),
        (["./good.txt", "-o", "link.txt"], "link.txt would be written and is also among the inputs"),
        (["good.txt", "-o", "/dev/null", "--retry-failed"], "/dev/null is not a file, so it has no list of failures"),
        ([".", "-o", "rows.jsonl"], "rows.jsonl, line 1, is not a record: fix or delete the line, name another"),
        (["./rows.jsonl", "-o", "rows.jsonl"], "rows.jsonl would be written and is also among the inputs"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_is_reported_before_anything_is_done(arguments: list[str], words: str, fake: FakeEndpoint) -> None:
    Path("nothing").mkdir()
    Path("good.txt").write_text(SPEECH, encoding="utf-8")
    Path("rows.jsonl").write_text("{}\n", encoding="utf-8")
    Path("link.txt").symlink_to("good.txt")
    before = sorted(Path().iterdir())
    result = extract(fake, *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith(f"extractor: {words}")
    assert result.stderr.count("\n") == 1
    assert fake.seen == []
    assert sorted(Path().iterdir()) == before
    assert Path("good.txt").read_text(encoding="utf-8") == SPEECH


@pytest.mark.parametrize(
    "text",
    [
        "番茄两个洗净切块，鸡蛋三个打散，热锅下油，炒熟出锅。",
        "The quick brown fox jumps over the lazy dog.",
        "啊" * 300_000,
        "x" * 300_000,
    ],
    ids=["recipe", "English", "one character", "one letter"],
)
def test_a_text_that_is_not_a_speech_gives_an_empty_record(text: str, fake: FakeEndpoint) -> None:
    Path("t.txt").write_text(text, encoding="utf-8")
    result = extract(fake, "t.txt")
    assert result.exit_code == 0
    (line,) = parsed(result.stdout)
    assert not any(line["record"].values())
    assert "empty: 1 record without any item" in result.stderr


def test_an_encoding_that_is_named_is_used(fake: FakeEndpoint) -> None:
    Path("t.txt").write_bytes(SPEECH.encode("big5", errors="ignore"))
    assert extract(fake, "t.txt", "--encoding", "big5").exit_code == 0
    failed = extract(fake, "t.txt", "--encoding", "utf-8", "-o", "out.jsonl")
    assert failed.exit_code == 1
    assert json.loads(Path("out.jsonl.failures.jsonl").read_text(encoding="utf-8"))["kind"] == "encoding"


# --- models ---


def test_without_a_model_the_message_lists_the_alternatives(texts: Path, fake: FakeEndpoint) -> None:
    """Nothing is recorded, so the first question ends the run."""
    result = extractor("extract", "texts", "-o", "out.jsonl")
    assert result.exit_code == 2
    assert "pip install 'meeting-extractor[local]'" in result.stderr
    assert "--base-url URL --model NAME" in result.stderr
    assert not Path("out.jsonl").exists()


def test_what_was_done_before_the_model_was_missed_is_written(texts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from extractor.errors import ModelMissingError
    from extractor.llm import models

    def open_nothing(*_: Any, **__: Any) -> Any:
        raise ModelMissingError("The embedded model is not installed.")

    with answering() as fake:
        arguments = [
            "--base-url",
            fake.base_url,
            "--model",
            "fake",
            "--separate-fields",
            "--concurrency",
            "1",
            "--replies",
            "replies",
            "-o",
            "out.jsonl",
        ]
        assert extractor("extract", "texts/a.txt", "--mode", "record", *arguments).exit_code == 0
        monkeypatch.setattr(models, "connect", open_nothing)
        result = extractor("extract", "texts", *arguments[:-1], "two.jsonl")
    assert result.exit_code == 2
    assert "pip install" in result.stderr
    (line,) = parsed(Path("two.jsonl").read_text(encoding="utf-8"))
    assert line["id"] == "a"
    assert [line["id"] for line in parsed(Path("two.jsonl.failures.jsonl").read_text(encoding="utf-8"))] == ["b", "c"]


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (
            "opanai/gpt-4o",
            "does not name a model of a known provider. Write PROVIDER/NAME with one of openai, deepseek",
        ),
        ("gpt-4o", "does not name a model of a known provider"),
        ("deepseek/deepseek-chat", "DEEPSEEK_API_KEY is not set. Put the key into the environment"),
        ("local:none.gguf", "none.gguf"),
    ],
)
def test_a_model_that_cannot_be_asked(model: str, words: str, texts: Path) -> None:
    result = extractor("extract", "texts", "-o", "out.jsonl", "--model", model)
    assert result.exit_code == 2
    assert words in result.stderr
    assert not Path("out.jsonl").exists()


def test_an_invalid_base_url_is_refused(texts: Path) -> None:
    result = extractor("extract", "texts", "--base-url", "localhost", "--model", "m")
    assert result.exit_code == 2
    assert "'localhost' is not a web address" in result.stderr


# --- recorded replies ---


@pytest.fixture
def recorded(texts: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Record replies in `replies`, write records to `first.jsonl`; returns an address that no server has."""
    monkeypatch.setenv("EXTRACTOR_API_KEY", KEY)
    with answering() as fake:
        result = extract(fake, "texts", "--mode", "record", "--replies", "replies", "-o", "first.jsonl")
        assert result.exit_code == 0, result.stderr
        assert {seen.headers["authorization"] for seen in fake.seen} == {f"Bearer {KEY}"}
        assert KEY not in result.output
        return fake.base_url


def replay(base_url: str, *more: str) -> Result:
    arguments = [
        "--base-url",
        base_url,
        "--model",
        "fake",
        "--separate-fields",
        "--concurrency",
        "1",
        "--replies",
        "replies",
    ]
    return extractor("extract", "texts", *arguments, "--mode", "replay", *more)


def check(base_url: str, *more: str) -> Result:
    return extractor(
        "replies",
        "check",
        "texts",
        "--base-url",
        base_url,
        "--model",
        "fake",
        "--separate-fields",
        "--replies",
        "replies",
        *more,
    )


def test_a_replay_is_the_same_to_the_byte(recorded: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EXTRACTOR_API_KEY")
    assert replay(recorded, "-o", "second.jsonl").exit_code == 0
    assert Path("second.jsonl").read_bytes() == Path("first.jsonl").read_bytes()
    assert replay(recorded).stdout.encode() == Path("first.jsonl").read_bytes()
    assert sorted(path.name for path in Path("replies").iterdir()) == ["a.json", "b.json", "c.json"]
    assert KEY not in everything(folder)


def test_a_key_that_the_server_repeats_is_in_no_file(
    texts: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXTRACTOR_API_KEY", KEY)
    refusal = Step(400, {"error": {"message": f"Bad request of Bearer {KEY}"}})
    with answering(lambda body: refusal if "乙市" in passage_of(body) else None) as fake:
        result = extract(fake, "texts", "--mode", "record", "--replies", "replies", "-o", "out.jsonl")
    assert result.exit_code == 1
    assert "Bad request" in everything(folder)
    assert KEY not in everything(folder)
    assert KEY not in result.output


def test_a_reply_that_is_not_recorded_fails_its_document(recorded: str) -> None:
    Path("texts/b.txt").write_text(SPEECH.format("丁"), encoding="utf-8")
    Path("texts/d.txt").write_text(SPEECH.format("戊"), encoding="utf-8")
    result = replay(recorded, "-o", "second.jsonl")
    assert result.exit_code == 1
    before, after = (parsed(Path(name).read_text(encoding="utf-8")) for name in ("first.jsonl", "second.jsonl"))
    assert after == [before[0], before[2]]
    failures = parsed(Path("second.jsonl.failures.jsonl").read_text(encoding="utf-8"))
    assert {(failure["id"], failure["kind"]) for failure in failures} == {("b", "not_recorded"), ("d", "not_recorded")}
    (about_date,) = (f["reason"] for f in failures if (f["id"], f["field"]) == ("b", "date"))
    assert "differs in the question or the passage" in about_date
    assert "--mode record" in about_date
    assert any("replies/d.json does not exist" in failure["reason"] for failure in failures)


def test_auto_asks_only_for_what_is_not_recorded(recorded: str) -> None:
    Path("texts/d.txt").write_text(SPEECH.format("戊"), encoding="utf-8")
    with answering() as fake:
        result = extract(fake, "texts", "--replies", "replies")
        assert result.exit_code == 0
        assert all("戊市" in passage_of(seen.body) for seen in fake.seen)
        assert len(fake.seen) == 5
        assert len(parsed(result.stdout)) == 4
        extract(fake, "texts", "--replies", "replies", "--mode", "live")
        assert len(fake.seen) == 25
    assert not Path("replies/d.json").exists()


def test_check_finds_replies_current(recorded: str) -> None:
    result = check(recorded)
    assert result.exit_code == 0
    assert result.stdout == "15 recordings in use, 0 findings\n"


def test_check_names_what_is_missing_and_what_is_unused(recorded: str) -> None:
    Path("texts/b.txt").write_text(SPEECH.format("丁"), encoding="utf-8")
    Path("texts/c.txt").unlink()
    result = check(recorded)
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert len([line for line in lines if line.startswith("missing  No recorded reply for b, ")]) == 5
    assert any("differs in the question or the passage, from character" in line for line in lines)
    unused = [line for line in lines if line.startswith("unused   b: ")]
    assert len(unused) == 5
    assert all("no question uses it any more" in line for line in unused)
    assert "other    replies/c.json belongs to no document among the inputs" in lines
    assert lines[-1] == "5 recordings in use, 10 findings"


def test_prune_deletes_what_is_unused_once_nothing_is_missing(recorded: str) -> None:
    Path("texts/b.txt").write_text(SPEECH.format("丁"), encoding="utf-8")
    kept = Path("replies/b.json").read_bytes()
    result = check(recorded, "--prune")
    assert "kept     b: record what is missing first" in result.stdout
    assert Path("replies/b.json").read_bytes() == kept
    with answering() as fake:
        assert extract(fake, "texts", "--mode", "record", "--replies", "replies").exit_code == 0
    assert "pruned   b: 5 recordings deleted from replies/b.json" in check(recorded, "--prune").stdout
    assert check(recorded).exit_code == 0
    assert replay(recorded).exit_code == 0


def test_a_wrong_model_empties_no_folder(recorded: str) -> None:
    before = everything(Path("replies"))
    arguments = [
        "replies",
        "check",
        "texts",
        "--base-url",
        recorded,
        "--model",
        "other",
        "--separate-fields",
        "--replies",
        "replies",
        "--prune",
    ]
    result = extractor(*arguments)
    assert result.exit_code == 1
    assert "the model (fake recorded, other asked)" in result.stdout
    assert everything(Path("replies")) == before


def test_damaged_recordings_are_reported(recorded: str) -> None:
    Path("replies/b.json").write_text("{", encoding="utf-8")
    result = check(recorded)
    assert result.exit_code == 2
    assert "replies/b.json can't be read" in result.stderr
    failed = replay(recorded, "-o", "second.jsonl")
    assert failed.exit_code == 1
    assert [line["id"] for line in parsed(Path("second.jsonl").read_text(encoding="utf-8"))] == ["a", "c"]


# --- schemas ---

VENUE = '    venue: Verbatim | None = Field(description="会议召开的地点，照抄原文；没有写明则为null")\n'


@pytest.fixture
def my_schema(folder: Path) -> Path:
    """A copy of the shipped schema with one line more."""
    source = (ROOT / "schemas" / "meeting.py").read_text(encoding="utf-8")
    path = folder / "my.py"
    path.write_text(source.rstrip("\n") + "\n" + VENUE, encoding="utf-8")
    return path


def test_an_added_field_adds_a_column(texts: Path, my_schema: Path, fake: FakeEndpoint) -> None:
    plain = parsed(extract(fake, "texts").stdout)
    questions = [seen.body for seen in fake.seen]
    fake.seen.clear()
    mine = parsed(extract(fake, "texts", "--schema", "my.py").stdout)
    assert [line["record"].pop("venue") for line in mine] == ["甲市人民礼堂", "乙市人民礼堂", "丙市人民礼堂"]
    assert [line["record"] for line in mine] == [line["record"] for line in plain]
    for line in mine:
        (place,) = line["evidence"]["venue"]
        text = Path(line["source"]["path"]).read_text(encoding="utf-8")
        assert text[place["start"] : place["end"]] == place["text"]
    # A new field costs only itself.
    asked = [seen.body for seen in fake.seen]
    assert [body for body in asked if field_of(body) != "venue"] == questions
    assert "会议召开的地点" in asked[-1]["messages"][-1]["content"]


def test_the_notice_schema(fake: FakeEndpoint) -> None:
    text = "丁县水利局通知\n各乡镇应当于5月31日前完成自查。\n丁县水利局\n2020年4月2日\n"
    Path("n.txt").write_text(text, encoding="utf-8")
    result = extract(fake, "n.txt", "--schema", "notice")
    assert result.exit_code == 0
    (line,) = parsed(result.stdout)
    assert line["run"]["schema"] == "notice"
    assert [one["text"] for one in line["record"]["obligations"]] == ["各乡镇应当于5月31日前完成自查"]


@pytest.mark.parametrize("schema", ["meeting", "notice", "my.py"])
def test_the_output_schema_fits_each_line(schema: str, texts: Path, my_schema: Path) -> None:
    shown = extractor("schema", "show", schema, "--output")
    assert shown.exit_code == 0
    definition = json.loads(shown.stdout)
    jsonschema.Draft202012Validator.check_schema(definition)
    validator = jsonschema.Draft202012Validator(definition)
    with answering(
        lambda body: Step(400, {"error": "no"}) if field_of(body) in ("targets", "number") else None
    ) as fake:
        lines = parsed(extract(fake, "texts", "--schema", schema).stdout)
    assert len(lines) == 3
    for line in lines:
        validator.validate(line)
        assert not validator.is_valid({**line, "more": 1})
        assert not validator.is_valid({**line, "record": {**line["record"], "date": 5}})


def test_schema_list_and_show() -> None:
    listed = extractor("schema", "list").stdout.splitlines()
    assert listed[0].split() == [
        "meeting",
        "MeetingRecord:",
        "date,",
        "officials,",
        "statistics,",
        "targets,",
        "measures",
    ]
    assert listed[1].startswith("notice ")
    shown = extractor("schema", "show").stdout
    assert shown.startswith("MeetingRecord (meeting)\n")
    for words in (
        "officials: list of Official",
        "  .name: person  姓名",
        "date: date or null",
        "asked at the ends of a text if this matches: ",
    ):
        assert words in shown


@pytest.mark.parametrize("model", ["local", "openai/gpt-4o"])
def test_schema_show_asked_is_what_is_asked(model: str) -> None:
    shown = extractor("schema", "show", "--asked", "--model", model)
    assert shown.exit_code == 0, shown.stderr
    assert shown.stdout.startswith("=== system ===\n你从中国政府的讲话")
    for number, field in enumerate(("date", "officials", "statistics", "targets", "measures"), 1):
        assert (f"\n=== {field} ===\n" if model == "local" else f"\n【{number}】{field}（") in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("schema", "show", "nothing"), "Unknown schema 'nothing'"),
        (("schema", "check", "nothing.py"), "Schema file nothing.py not found"),
        (("schema", "show", "--asked", "--model", "gpt"), "does not name a model of a known provider"),
        (("schema", "show", "--asked", "--output"), "give one of them"),
        (("replies", "check", "nowhere"), "nowhere does not exist"),
    ],
)
def test_other_commands_report_what_is_wrong(arguments: tuple[str, ...], words: str) -> None:
    result = extractor(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert words in result.stderr


@pytest.mark.parametrize("schema", ["meeting", "notice", "my.py"])
def test_the_shipped_schemas_pass_schema_check(schema: str, my_schema: Path) -> None:
    result = extractor("schema", "check", schema)
    *notes, last = result.stdout.splitlines()
    assert (result.exit_code, last) == (0, f"{schema}: OK")
    if schema == "my.py":
        last_line = my_schema.read_text(encoding="utf-8").count("\n")
        examples = ("meeting.example.json", "meeting.reading.json")
        for note, example in zip(notes, examples, strict=True):
            assert f"note: my.py:{last_line}: MeetingRecord.venue is not answered in the example {example}" in note
    else:
        assert not notes


def test_schema_check_names_file_and_line(my_schema: Path) -> None:
    source = my_schema.read_text(encoding="utf-8").replace(VENUE, "    venue: Verbatim | None\n")
    source += '    hosts: Annotated[list[Verbatim], Cue("(主办")] = Field(description="主办单位")\n'
    Path("careless.py").write_text(source, encoding="utf-8")
    result = extractor("schema", "check", "careless.py")
    assert result.exit_code == 1
    last = source.count("\n")
    assert result.stdout.splitlines()[:2] == [
        f"careless.py:{last - 1}: MeetingRecord.venue has no description: it is what the model is asked. "
        'Write Field(description="…").',
        f"careless.py:{last}: MeetingRecord.hosts has the pattern '(主办', which is not a regular expression: "
        "missing ), unterminated subpattern at position 0. Fix it.",
    ]


def test_schema_check_of_what_cannot_work() -> None:
    Path("number.py").write_text(
        "from pydantic import BaseModel\n\n\nclass Record(BaseModel):\n    number: int | None\n", encoding="utf-8"
    )
    result = extractor("schema", "check", "number.py")
    assert result.exit_code == 2
    assert "number.py:5: Record.number is int, which the engine can't ground. Use Name" in result.stderr
    Path("torn.py").write_text("class Record(\n", encoding="utf-8")
    assert "torn.py:1: Can't load the schema: SyntaxError" in extractor("schema", "check", "torn.py").stderr


def test_model_status_says_that_nothing_is_installed() -> None:
    result = extractor("model", "status")
    assert result.exit_code == 0
    assert "parts     0 of 22 installed" in result.stdout
    assert "ready     no: pip install" in result.stdout
    missing = extractor("model", "install")
    assert missing.exit_code == 2
    assert missing.stderr.startswith("extractor: ")


# --- a process of its own ---


def live(fake: FakeEndpoint, *more: str) -> list[str]:
    return [
        "extract",
        "texts",
        "--base-url",
        fake.base_url,
        "--model",
        "fake",
        "--separate-fields",
        "--concurrency",
        "1",
        *more,
    ]


def test_a_process_writes_as_the_runner_does(texts: Path, fake: FakeEndpoint) -> None:
    done = spawn(*live(fake), env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0, done.stderr
    assert done.stdout == extract(fake, "texts").stdout
    assert len(parsed(done.stdout)) == 3


@pytest.mark.skipif(os.name == "nt", reason="terminals of POSIX")
def test_on_a_terminal_one_line_moves_and_failures_stand_above_it(texts: Path) -> None:
    Path("texts/bad.txt").write_bytes(b"")
    with answering() as fake:
        shown, stdout, code = on_a_terminal(live(fake), records_too=False)
        assert code == 1
        assert stdout == extract(fake, "texts").stdout
    assert b"extractor: bad: texts/bad.txt is empty: there is nothing to read in it.\r\n" in shown
    assert b"\x1b[2K" in shown
    assert b"a: 1 record" not in shown


@pytest.mark.skipif(os.name == "nt", reason="terminals of POSIX")
def test_records_on_a_terminal_are_not_drawn_over(texts: Path, fake: FakeEndpoint) -> None:
    shown, _, code = on_a_terminal(live(fake), records_too=True)
    assert code == 0
    assert b"\x1b" not in shown
    lines = shown.decode().split("\r\n")
    assert [line for line in lines if line.startswith("{")] == extract(fake, "texts").stdout.splitlines()
    assert "a: 1 record" in lines


def on_a_terminal(arguments: list[str], records_too: bool) -> tuple[bytes, str, int]:
    """What a terminal is sent, what standard output holds if it is not a terminal, and the exit code."""
    import pty

    ours, theirs = pty.openpty()
    stdout = theirs if records_too else subprocess.PIPE
    process = subprocess.Popen(command(*arguments), stdout=stdout, stderr=theirs, encoding="utf-8")
    os.close(theirs)
    shown = b""
    while part := _read_terminal(ours):
        shown += part
    os.close(ours)
    text, _ = process.communicate(timeout=120)
    return shown, text or "", process.returncode


def _read_terminal(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # how Linux says that the other end is closed
        return b""


@pytest.mark.skipif(os.name == "nt", reason="a pipe of POSIX")
def test_a_reader_that_leaves_ends_the_run_quietly(texts: Path, fake: FakeEndpoint) -> None:
    process = subprocess.Popen(command(*live(fake, "-q")), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    stderr = process.stderr.read().decode()
    process.stderr.close()
    assert process.wait(timeout=120) == 1
    assert stderr == ""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")
@pytest.mark.parametrize("arguments", [[], ["-o", "/dev/full"]], ids=["standard output", "file"])
def test_a_full_disk_is_a_sentence(arguments: list[str], texts: Path, fake: FakeEndpoint) -> None:
    with open("/dev/full", "w") as full:
        done = spawn(*live(fake, *arguments), capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 2
    last = done.stderr.splitlines()[-1]
    assert last.startswith("extractor: ")
    assert "can't be written: No space left on device" in last
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert not os.path.exists("/dev/full.failures.jsonl")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")
def test_a_command_whose_print_fails(folder: Path) -> None:
    with open("/dev/full", "w") as full:
        done = spawn("schema", "show", capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 2
    assert done.stderr == "extractor: Standard output can't be written: No space left on device.\n"


@pytest.mark.skipif(os.name == "nt", reason="limits of POSIX")
def test_a_file_that_cannot_grow_keeps_whole_lines(texts: Path, fake: FakeEndpoint) -> None:
    import resource

    whole = extract(fake, "texts").stdout.encode()
    limit = len(whole) // 3 + 100  # one line and a bit of the next
    before = len(fake.seen)

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = spawn(*live(fake, "-o", "out.jsonl"), preexec_fn=limited)
    assert done.returncode == 2
    assert "can't be" in done.stderr
    assert "File too large" in done.stderr
    assert "Traceback" not in done.stderr
    assert whole.startswith(b"".join(path.read_bytes() for path in Path().glob("out.jsonl*part")))
    assert extract(fake, "texts", "-o", "out.jsonl").exit_code == 0
    assert Path("out.jsonl").read_bytes() == whole
    # Nothing is asked twice but the question whose answer did not fit on the disk.
    keys = Counter(json.dumps(seen.body) for seen in fake.seen[before:])
    assert sum(n - 1 for n in keys.values()) <= 1


@pytest.mark.skipif(os.name == "nt", reason="descriptors of POSIX")
def test_a_closed_standard_error_puts_nothing_among_the_records(texts: Path, fake: FakeEndpoint) -> None:
    done = spawn(*live(fake), preexec_fn=lambda: os.close(2), capture_output=False, stdout=subprocess.PIPE)
    assert done.returncode == 0
    assert len(parsed(done.stdout)) == 3
    silent = spawn(*live(fake), preexec_fn=lambda: os.close(1), capture_output=False, stderr=subprocess.PIPE)
    assert silent.returncode == 2
    assert "Standard output is closed: name a file with -o." in silent.stderr


def test_a_second_run_into_the_same_file_is_refused(texts: Path) -> None:
    refused: list[subprocess.CompletedProcess[str]] = []

    def meanwhile(body: Json) -> Step | None:
        if "乙市" in passage_of(body) and not refused:
            refused.append(spawn(*live(fake, "-o", "out.jsonl")))
        return None

    with answering(meanwhile) as fake:
        result = extract(fake, "texts", "-o", "out.jsonl")
    assert refused[0].returncode == 2
    assert "Another run is writing out.jsonl: wait for it" in refused[0].stderr
    assert result.exit_code == 0
    assert len(parsed(Path("out.jsonl").read_text(encoding="utf-8"))) == 3


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_folder_that_may_not_be_written(texts: Path, fake: FakeEndpoint) -> None:
    Path("closed").mkdir(mode=0o500)
    result = extract(fake, "texts", "-o", "closed/out.jsonl")
    assert result.exit_code == 2
    assert "closed/out.jsonl can't be written: Permission denied" in result.stderr


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_file_that_may_not_be_written(texts: Path, fake: FakeEndpoint) -> None:
    Path("out.jsonl").write_text("old\n", encoding="utf-8")
    Path("out.jsonl").chmod(0o400)
    result = extract(fake, "texts", "-o", "out.jsonl")
    assert result.exit_code == 2
    assert "out.jsonl is write-protected" in result.stderr
