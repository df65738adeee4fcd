"""The commands for authors of schemas: `schema check` with and without texts, `schema try`, `schema new`."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from fake_endpoint import FakeEndpoint, answer_step, answering, field_of
from scripted import ROOT
from typer.testing import CliRunner

from extractor.cli.main import app
from extractor.schema.source_lines import json_lines

HEAD = """from typing import Annotated, Literal
from pydantic import BaseModel, Field
from extractor.fields import *

EXAMPLE = "mine.example.json"

"""
ITEMS = (
    HEAD
    + '''class Sum(BaseModel):
    """一笔资金。"""
    value: Quantity = Field(description="金额")
    purpose: Verbatim | None = Field(description="用途")
    evidence: list[Evidence]

class Record(BaseModel):
    venue: Verbatim | None = Field(description="地点")
    sums: Annotated[list[Sum], Cue("投资|资金")] = Field(description="资金")
'''
)
EXAMPLE = """{
  "text": "会议在县政府礼堂召开。去年，全县投资320万元用于渠道维修。",
  "record": {
    "venue": "县政府礼堂",
    "sums": [
      {"value": "320万元", "purpose": "渠道维修"}
    ]
  }
}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def extractor(*arguments: str) -> Result:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def write(source: str = ITEMS, example: str = EXAMPLE, name: str = "mine.py") -> None:
    Path(name).write_text(source, encoding="utf-8")
    Path("mine.example.json").write_text(example, encoding="utf-8")


def errors(*texts: str) -> list[str]:
    """The lines of `schema check` that are neither warnings nor notes."""
    result = extractor("schema", "check", "mine.py", *texts)
    lines = result.stdout.splitlines()
    assert result.exit_code == (0 if lines[-1] == "mine.py: OK" else 1), result.output
    return [line for line in lines if not line.startswith(("note: ", "warning: ")) and line != "mine.py: OK"]


def warnings(*texts: str) -> list[str]:
    """What `schema check` warns about; warnings don't make it fail."""
    result = extractor("schema", "check", "mine.py", *texts)
    assert result.exit_code == 0, result.output
    return [line.removeprefix("warning: ") for line in result.stdout.splitlines() if line.startswith("warning: ")]


def test_a_good_schema_has_no_errors() -> None:
    write()
    assert errors() == []


# --- fields ---


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('x: Verbatim | None', "mine.py:16: Record.x has no description"),
        ('x: Annotated[list[Literal["a"]], Like("某.")] = Field(description="某物")', "Record.x has Like, which has no effect here"),
        ('x: Annotated[Literal["a"] | None, Shown(b="某.")] = Field(description="某物")', "Record.x has Shown words for 'b'"),
        ('x: Annotated[Literal["a"] | None, Mood("goal")] = Field(description="某物")', "Record.x has a Mood, which only works for items"),
        ('x: Annotated[list[Name], Most(0)] = Field(description="某物")', "Record.x has Most(0)"),
        ('x: Annotated[list[Name], Like("某.")] = Field(description="某物")', "Record.x has Like, which has no effect here"),
        ('x: Annotated[list[Name], Mood("goal")] = Field(description="某物")', "Record.x has a Mood, which only works for items"),
    ],
)  # fmt: skip
def test_a_field_that_would_work_badly(line: str, says: str) -> None:
    write(ITEMS + f"    {line}\n")
    (error,) = errors()
    assert error.startswith("mine.py:16: ")
    assert says in error


@pytest.mark.parametrize(
    ("leaf", "says"),
    [
        ('by: Annotated[list[Name], Subject("各[^，]+要")]', "Sum.by has a Subject without a group"),
        ('by: Annotated[Literal["a", "b"], Shown(c="主持")] | None', "Shown words for 'c', which is not among its choices (a, b)"),
        ('by: Annotated[Literal["a", "b"], Shown(otherwise="d")]', "Shown words for 'd'"),
        ('by: Literal["a", " "] | None', "Sum.by has the choice ' ', which providers refuse"),
    ],
)  # fmt: skip
def test_a_part_that_would_work_badly(leaf: str, says: str) -> None:
    source = ITEMS.replace("    evidence", f'    {leaf} = Field(description="谁")\n    evidence')
    write(source, EXAMPLE.replace('"渠道维修"', '"渠道维修", "by": ' + ("[]" if "list" in leaf else '"a"')))
    (error,) = errors()
    assert error.startswith("mine.py:11: ")
    assert says in error


# --- the example ---


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ('"venue": "县政府礼堂"', '"place": "县政府礼堂"', 4, "the example answers 'place', which is not a field of Record. Its fields are venue, sums."),
        ('"purpose"', '"use"', 6, "the example answers sums.use, but Sum does not ask for it. It asks for value, purpose."),
        (', "purpose": "渠道维修"', "", 6, "the example's sums.0.purpose is not an answer that a model may give: field required. Write words of the text"),
        ('"县政府礼堂",', '["县政府礼堂"],', 4, "the example's venue is not an answer that a model may give: input should be a valid string"),
        ('"县政府礼堂",', '"市政府礼堂",', 4, "the example's venue '市政府礼堂' would not get into a record (ungrounded: not found"),
        ('"渠道维修"}', '"桥梁维修"}', 6, "the example's sums.purpose '桥梁维修' would not get into a record (ungrounded"),
        ("投资320万元", "花320万元", 5, "the example answers sums, but neither its Cue nor its Mood matches in the example's text"),
    ],
)  # fmt: skip
def test_an_error_in_the_example_is_shown_with_its_line(old: str, new: str, line: int, says: str) -> None:
    write(example=EXAMPLE.replace(old, new))
    found = errors()
    assert any(one.startswith(f"mine.example.json:{line}: {says}") for one in found), found


def test_a_field_without_an_answer_in_the_example_is_noted() -> None:
    write(example=EXAMPLE.replace('    "venue": "县政府礼堂",\n', ""))
    result = extractor("schema", "check", "mine.py")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0] == (
        "note: mine.py:14: Record.venue is not answered in the example mine.example.json, so a model that reads is shown no "
        'answer for it. Add "venue" to its record: null or [] if its text has none.'
    )


def test_the_lines_of_a_json_text() -> None:
    text = '{\n "a": [\n  1,\n  {"b": "x\\n,]",\n   "c": null}\n ],\n "d": {}, "e": []\n}'
    lines = json_lines(text)
    assert lines == {
        (): 1,
        ("a",): 2,
        ("a", 0): 3,
        ("a", 1): 4,
        ("a", 1, "b"): 4,
        ("a", 1, "c"): 5,
        ("d",): 7,
        ("e",): 7,
    }  # fmt: skip


# --- patterns and texts ---

TEXT = (
    "5月27日，全市水利工作会议在甲市礼堂召开。市委书记李明主持会议。\n"
    + "去年，全市投资320万元用于渠道维修。各县要加强巡查，落实责任。\n" * 20
    + "甲市人民政府办公室\n"
)


@pytest.fixture
def text(folder: Path) -> str:
    Path("t.txt").write_text(TEXT, encoding="utf-8")
    return "t.txt"


@pytest.mark.parametrize(
    ("field", "says"),
    [
        ('Annotated[Verbatim | None, Cue("地下室")]', "the Cue '地下室' matches nothing in the texts. It is tried on passages; the texts have"),
        ('Annotated[Verbatim | None, Cue("渠道维.。各县要加强巡查，落实责任。\\n去年", where="ends")]', None),
        ('Annotated[EdtfDate | None, Cue("渠道.*日")]', "It is tried on sentences with a date; the texts have"),
        ('Annotated[list[Sum], Cue("召开")]', "It is tried on clauses with a number; the texts have 20. It would match '召开' at t.txt:"),
        ('Annotated[list[Sum], Cue("投资"), Unless("计划")]', "the Unless '计划' matches nothing"),
        ('Annotated[list[Sum], Cue("投资"), Unless("投资", before="计划")]', "the Unless(before=…) '计划' matches"),
        ('Annotated[list[Task], Mood("action"), Cue("渠道")]', "clauses in the mood 'action'; the texts have 40. It would match"),
        ('Annotated[list[Task], Mood("action"), Expects("必须")]', "the Expects '必须' matches nothing in the texts. It is tried on clauses"),
        ('Annotated[list[Task], Mood("action"), Expects("加强")]', None),
    ],
)  # fmt: skip
def test_a_pattern_that_matches_nothing(field: str, says: str | None, text: str) -> None:
    tasks = 'class Task(BaseModel):\n    text: Clause = Field(description="事")\n\n' if "Task" in field else ""
    source = ITEMS.replace("class Record", tasks + "class Record") + f'    x: {field} = Field(description="某物")\n'
    write(source)
    found = warnings(text)
    if says is None:
        assert found == []
    else:
        (warning,) = found
        assert warning.startswith(f"mine.py:{source.count(chr(10))}: Record.x: ")
        assert says in warning


@pytest.mark.parametrize(
    ("leaf", "says"),
    [
        ('Annotated[list[Verbatim], Subject("(各市)要")]', "the Subject '(各市)要' matches nothing"),
        ('Annotated[list[Verbatim], Subject("(各县)要")]', None),
        ('Annotated[Verbatim | None, Like("全省")]', "the Like '全省' matches nothing in the texts. It is tried on passages"),
        ('Annotated[Verbatim | None, Cue("渠道")]', "the Cue '渠道' matches nothing in the texts. It is tried on sentences of x"),
    ],
)  # fmt: skip
def test_a_part_s_pattern_that_matches_nothing(leaf: str, says: str | None, text: str) -> None:
    tasks = f'class Task(BaseModel):\n    text: Clause = Field(description="事")\n    by: {leaf} = Field(description="谁")\n'
    source = ITEMS.replace("class Record", tasks + "class Record")
    write(source + '    x: Annotated[list[Task], Mood("action")] = Field(description="某物")\n')
    found = warnings(text)
    assert (found == []) if says is None else ("mine.py:15: Task.by: " in found[0] and says in found[0])


def test_the_markers_of_a_person_are_tried(text: str) -> None:
    person = (
        'class Person(BaseModel):\n    name: Name = Field(description="姓名")\n'
        '    titles: Annotated[list[Verbatim], Beside("市委书记", "局长")] = Field(description="职务")\n'
        '    role: Annotated[Literal["chair", "guest"], Shown(otherwise="guest", chair="主持")] = Field(description="角色")\n\n'
    )
    write(ITEMS.replace("class Record", person + "class Record") + '    x: list[Person] = Field(description="人")\n')
    (warning,) = warnings(text)
    assert warning.startswith("mine.py:15: Person.titles: the Beside(after=…) '局长' matches nothing in the texts.")


def test_a_pattern_that_could_not_be_tried_is_noted() -> None:
    Path("t.txt").write_text("今天天气很好。\n", encoding="utf-8")
    write(ITEMS.replace(', Cue("投资|资金")', ', Cue("投资|资金"), Unless("计划")'))
    result = extractor("schema", "check", "mine.py", "t.txt")
    assert result.exit_code == 0
    assert "note: mine.py:15: Record.sums: the Unless '计划' was not tried: the texts have no numbers" in result.stdout


def test_shipped_schemas_pass_the_check_on_any_text(text: str) -> None:
    for schema in ("meeting", "notice"):
        result = extractor("schema", "check", schema, text)
        assert result.exit_code == 0, result.stdout
        assert result.stdout.splitlines()[-1] == f"{schema}: OK"
    assert "warning: " in result.stdout


def test_texts_that_cannot_be_read_are_reported() -> None:
    write()
    assert "nowhere does not exist" in extractor("schema", "check", "mine.py", "nowhere").stderr
    Path("empty.txt").touch()
    assert "empty.txt is empty" in extractor("schema", "check", "mine.py", "empty.txt").stderr


# --- try ---


@pytest.fixture
def fake() -> Iterator[FakeEndpoint]:
    def answer(body: dict[str, Any]) -> Any:
        if field_of(body) == "venue":
            return answer_step({"venue": "乙市礼堂"})
        return answer_step(
            {"sums": [{"value": "320万元", "purpose": "渠道维修"}, {"value": "99万元", "purpose": None}]}
        )

    with answering(answer) as server:
        yield server


def tried(fake: FakeEndpoint, *arguments: str) -> Result:
    write()
    Path("t.txt").write_text("会议在甲市礼堂召开。去年，全市投资320万元用于渠道维修。\n", encoding="utf-8")
    return extractor("schema", "try", "mine.py", "t.txt", "--base-url", fake.base_url, "--model", "fake", *arguments)


def test_try_shows_questions_answers_and_what_becomes_of_them(fake: FakeEndpoint) -> None:
    result = tried(fake)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "# t: 29 characters in 1 passage"
    assert lines[2:5] == [
        "venue · characters 0-29",
        "  asked     【1】venue（一个值）：地点",
        '  answer    {"venue": "乙市礼堂"}',
    ]
    assert (
        "  dropped   ungrounded venue “乙市礼堂”: not found in the passage that was asked about (characters 0-29)"
        in lines
    )
    (kept,) = (line for line in lines if line.startswith("  kept "))
    assert '"number": 3200000' in kept
    assert kept.endswith("“全市投资320万元用于渠道维修” at 13-28")
    assert (
        "  dropped   ungrounded sums.value “99万元”: not found in the passage that was asked about (characters 0-29)"
        in lines
    )
    assert lines[-1].startswith("2 questions (0 answered from recordings), 2000 tokens in, 1000 out, ")
    assert {path.name for path in Path().iterdir()} == {"mine.py", "mine.example.json", "t.txt"}


def test_try_shows_a_label_and_what_validators_refuse() -> None:
    refusing = (
        '    kind: Literal["speech", "report"] | None = Field(description="文种")\n\n'
        '    @model_validator(mode="after")\n    def f(self):\n        raise ValueError("never")\n'
    )
    write(ITEMS.replace("BaseModel, Field", "BaseModel, Field, model_validator") + refusing)
    Path("t.txt").write_text("会议召开。\n", encoding="utf-8")
    with answering(lambda body: answer_step({"kind": "report"}) if field_of(body) == "kind" else None) as server:
        result = extractor("schema", "try", "mine.py", "t.txt", "--base-url", server.base_url, "--model", "fake")
    assert result.exit_code == 0
    assert '\nkind · a label of the whole text\n  kept      "report"\n' in result.stdout
    assert "\nthe record as a whole\n  refused   the schema's own code refuses it: never. The record" in result.stdout


def test_try_asks_for_the_named_fields_only(fake: FakeEndpoint) -> None:
    assert "sums" not in tried(fake, "--field", "venue").stdout
    assert [field_of(seen.body) for seen in fake.seen] == ["venue"]
    wrong = tried(fake, "--field", "place")
    assert (wrong.exit_code, wrong.stderr) == (
        2,
        "extractor: Record has no field 'place': --field takes one of venue, sums.\n",
    )


def test_try_of_fields_that_share_a_question(fake: FakeEndpoint) -> None:
    write(
        ITEMS.replace("import *", "import *\nfrom extractor.fields import Group")
        .replace("venue: Verbatim | None", 'venue: Annotated[Verbatim | None, Group("all")]')
        .replace('Cue("投资|资金")', 'Cue("投资|资金"), Group("all")')
    )
    Path("t.txt").write_text("会议在甲市礼堂召开。去年，全市投资320万元用于渠道维修。\n", encoding="utf-8")
    answer = {"venue": "甲市礼堂", "sums": [{"value": "320万元", "purpose": "渠道维修"}]}
    with answering(lambda body: answer_step(answer)) as server:
        arguments = ("schema", "try", "mine.py", "t.txt", "--base-url", server.base_url, "--model", "fake")
        shown = extractor(*arguments).stdout
        assert len(server.seen) == 1
    assert "            【2】sums（列表）：资金" in shown
    assert '  kept      "甲市礼堂" → “会议在甲市礼堂召开” at 0-9' in shown
    assert "  asked     in one question with venue, shown there\n  kept      {" in shown


def test_try_in_full(fake: FakeEndpoint) -> None:
    shown = tried(fake, "--full").stdout
    assert "  system    你从中国政府的讲话" in shown
    assert "            会议在甲市礼堂召开。" in shown


def test_try_answers_from_recordings(fake: FakeEndpoint) -> None:
    tried(fake, "--replies", "kept", "--mode", "record")
    fake.seen.clear()
    again = tried(fake, "--replies", "kept", "--field", "venue")
    assert '  recorded  {"venue": "乙市礼堂"}' in again.stdout
    assert "1 question (1 answered from recordings)" in again.stdout
    assert not fake.seen


def test_try_shows_a_question_that_could_not_be_answered(fake: FakeEndpoint) -> None:
    result = tried(fake, "--replies", "none", "--mode", "replay", "--field", "venue")
    assert result.exit_code == 1
    (failed,) = (line for line in result.stdout.splitlines() if line.startswith("  failed"))
    assert "No recorded reply for t, venue" in failed
    assert "  dropped" not in result.stdout


def test_try_says_why_it_did_not_ask(fake: FakeEndpoint) -> None:
    write()
    Path("t.txt").write_text("会议在甲市礼堂召开。\n", encoding="utf-8")
    result = extractor("schema", "try", "mine.py", "t.txt", "--base-url", fake.base_url, "--model", "fake")
    assert "sums · characters 0-10 · not asked: its Cue or Mood does not match here" in result.stdout


def test_try_without_a_model() -> None:
    write()
    Path("t.txt").write_text("会议在甲市礼堂召开。\n", encoding="utf-8")
    result = extractor("schema", "try", "mine.py", "t.txt")
    assert result.exit_code == 2
    assert "pip install 'meeting-extractor[local]'" in result.stderr


def test_try_says_why_a_worded_value_was_changed() -> None:
    counts = (
        'class Count(BaseModel):\n    what: Worded = Field(description="什么")\n'
        '    value: Quantity = Field(description="数")\n    evidence: list[Evidence]\n\n'
    )
    write(
        ITEMS.replace("class Record", counts + "class Record")
        + '    counts: Annotated[list[Count], Cue("排查")] = Field(description="数")\n'
    )
    Path("t.txt").write_text("去年，全县排查出隐患1260处。\n", encoding="utf-8")
    answer = {"counts": [{"what": "安全问题", "value": "1260处"}]}
    with answering(lambda body: answer_step(answer)) as server:
        arguments = ("t.txt", "--base-url", server.base_url, "--model", "fake", "--field", "counts")
        shown = extractor("schema", "try", "mine.py", *arguments).stdout
    (changed,) = (line for line in shown.splitlines() if line.startswith("  changed"))
    assert changed == (
        "  changed   reworded counts.what “安全问题”: the answer has characters that are not in the sentence of its item, "
        "so the words of the clause are kept instead (characters 0-16)"
    )
    assert '"what": "全县排查出隐患"' in shown


# --- new ---


def test_a_new_schema_works(fake: FakeEndpoint) -> None:
    made = extractor("schema", "new", "road_plan")
    assert made.exit_code == 0, made.output
    assert made.stdout.splitlines()[:3] == [
        "wrote road_plan.py",
        "wrote road_plan.example.json",
        "wrote test_road_plan.py",
    ]
    checked = extractor("schema", "check", "road_plan.py")
    assert checked.stdout == "road_plan.py: OK\n"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_road_plan.py"],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert made.stdout.splitlines()[-1].startswith("guide: docs/adding-a-field.md")
    test = Path("test_road_plan.py").read_text(encoding="utf-8")
    assert "pytest test_road_plan.py" in test
    assert re.findall(r"^from (extractor\S*) import (.*)$", test, re.MULTILINE) == [
        ("extractor", "check_schema, load_schema")
    ]
    text = json.loads(Path("road_plan.example.json").read_text(encoding="utf-8"))
    Path("t.txt").write_text(text["text"], encoding="utf-8")
    with answering(lambda body: answer_step({field_of(body): text["record"][field_of(body)]})) as server:
        result = extractor(
            *("extract", "t.txt", "--schema", "road_plan.py", "--base-url", server.base_url, "--model", "fake")
        )
    assert result.exit_code == 0, result.output
    record = json.loads(result.stdout)["record"]
    assert (record["venue"], record["kind"]) == ("县水利局会议室", "报道")
    assert record["amounts"][0]["value"]["number"] == 3200000
    assert [task["text"] for task in record["tasks"]] == ["加强水库巡查", "落实值班制度"]
    assert checked_against_itself()


def checked_against_itself() -> bool:
    """Each pattern of the new schema finds something in its own example's text."""
    result = extractor("schema", "check", "road_plan.py", "t.txt")
    return result.exit_code == 0 and "note: " not in result.stdout


def test_a_new_schema_is_formatted() -> None:
    extractor("schema", "new", "budget")
    for arguments in (
        ["format", "--check"],
        ["check", "--ignore", "I001"],
    ):  # whose imports go first depends on where it is
        command = [
            sys.executable,
            "-m",
            "ruff",
            *arguments,
            "--no-cache",
            "--config",
            str(ROOT / "pyproject.toml"),
            ".",
        ]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("Budget", "'Budget' can't name a schema: use small letters, digits and _, as in budget or road_plan."),
        ("my-plan", "'my-plan' can't name a schema"),
        ("class", "'class' is a Python keyword"),
        ("../x", "'../x' can't name a schema"),
    ],
)
def test_a_name_that_is_not_usable_is_refused(name: str, says: str) -> None:
    result = extractor("schema", "new", name)
    assert result.exit_code == 2
    assert says in result.stderr
    assert not list(Path().iterdir())


@pytest.mark.parametrize("file", ["budget.py", "budget.example.json", "test_budget.py"])
def test_no_file_is_overwritten(file: str) -> None:
    Path(file).write_text("mine", encoding="utf-8")
    result = extractor("schema", "new", "budget")
    assert result.exit_code == 2
    assert f"{file} exists and is not overwritten" in result.stderr
    assert [(path.name, path.read_text(encoding="utf-8")) for path in Path().iterdir()] == [(file, "mine")]


def test_a_new_schema_goes_into_the_named_folder() -> None:
    assert "There is no folder sub: create it first" in extractor("schema", "new", "budget", "--into", "sub").stderr
    Path("sub").mkdir()
    assert extractor("schema", "new", "budget", "--into", "sub").exit_code == 0
    assert extractor("schema", "check", "sub/budget.py").exit_code == 0
