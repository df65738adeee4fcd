"""Back-fill: which questions are asked and which values are kept when a schema changes."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from fake_endpoint import FakeEndpoint, Step, answering, field_of, passage_of
from scripted import ROOT
from typer.testing import CliRunner

from extractor.cli.main import app
from extractor.document import Json
from extractor.llm.call import request_key
from extractor.output.files import before_path

OUT = Path("out.jsonl")
SCHEMA = (ROOT / "schemas" / "meeting.py").read_text(encoding="utf-8")
VENUE = '    venue: Verbatim | None = Field(description="会议地点，照抄原文")\n'
FILES = '    files: list[Verbatim] = Field(description="印发的文件名，照抄原文")\n'
# The fields whose values are kept when others are added.
PARTS = ("date", "officials", "statistics", "targets", "measures")

Edit = Callable[[str], str]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write(lambda text: text)
    Path("meeting.example.json").write_bytes((ROOT / "prompts" / "meeting.example.json").read_bytes())
    Path("texts").mkdir()
    for city in "丁丙乙":
        text = (
            f"5月27日，全市安全生产工作会议在{city}市人民礼堂召开。市委书记李明主持会议。去年，全市排查隐患1260处。\n"
        )
        Path(f"texts/{city}.txt").write_text(
            text + "李明要求，各部门要加强隐患排查，确保不发生重大事故。\n", encoding="utf-8"
        )
    return tmp_path


def write(edit: Edit) -> None:
    """Write the schema with an edit."""
    Path("my.py").write_text(edit(SCHEMA), encoding="utf-8")


def extract(fake: FakeEndpoint, *more: str, inputs: str = "texts") -> Result:
    command = [
        "extract",
        inputs,
        "-o",
        str(OUT),
        "--schema",
        "my.py",
        "--base-url",
        fake.base_url,
        "--model",
        "fake",
        "--separate-fields",
        "--concurrency",
        "1",
    ]
    result = CliRunner().invoke(app, [*command, *more])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def lines(path: Path = OUT) -> dict[str, Json]:
    return {line["id"]: line for line in map(json.loads, path.read_text(encoding="utf-8").splitlines())}


def add(*fields: str) -> Edit:
    return lambda text: text + "".join(fields)


def afresh() -> dict[str, Json]:
    """The lines of a run without an earlier output."""
    OUT.rename("filled.jsonl")
    with answering() as fake:
        assert extract(fake).exit_code == 0
    fresh = lines()
    Path("filled.jsonl").rename(OUT)
    return fresh


def test_only_added_fields_are_asked_about_the_seeds() -> None:
    """Old values stay the same bytes, and the lines are those of a run without an earlier output."""
    seeds = str(ROOT / "seeds")
    with answering() as fake:
        assert extract(fake, inputs=seeds).exit_code == 0
        before, first = lines(), Counter(request_key(seen.body) for seen in fake.seen)
    write(add(VENUE, FILES))
    with answering() as fake:
        result = extract(fake, inputs=seeds)
        assert result.exit_code == 0, result.stderr
        asked = Counter(field_of(seen.body) for seen in fake.seen)
        again = Counter(request_key(seen.body) for seen in fake.seen)
    assert asked.keys() == {"venue", "files"}
    assert (
        "back-fill: 12 records are of an earlier recipe; only venue, files will be asked for, the other values are kept"
        in result.stderr
    )
    after = lines()
    for name, line in after.items():
        for part in PARTS:
            dumped = [json.dumps(x["record"][part], ensure_ascii=False) for x in (before[name], line)]
            assert dumped[0] == dumped[1]
        assert list(line["record"]) == [*PARTS, "venue", "files"]
    assert len(lines(before_path(OUT))) == 12
    OUT.unlink()
    with answering() as fake:
        assert extract(fake, inputs=seeds).exit_code == 0
        assert Counter(request_key(seen.body) for seen in fake.seen) == first + again
    assert lines() == after


@pytest.mark.parametrize(
    ("edit", "asked"),
    [
        (lambda t: t.replace("要采取的行动：谁要建立", "要采取的行动：谁应建立"), {"measures"}),
        (lambda t: t.replace("此人做了什么，可多选", "此人做了什么"), {"officials"}),
        (lambda t: t.replace('"chair", "speaker", "reporter"', '"speaker", "chair", "reporter"'), {"officials"}),
        (lambda t: t.replace('Within("passage"), Like', 'Within("sentence"), Like'), {"statistics"}),
        (lambda t: t.replace("召开|举行|举办", "召开|举行"), {"date"}),
        (lambda t: t.replace('Mood("goal"), Expects', "Mood('goal'), Expects"), set()),
        (lambda t: t.replace("list[Measure], Mood", "list[Measure], Most(9), Mood").replace("    Mood,", "    Mood,\n    Most,", 1), {"measures"}),
        (lambda t: t.replace('"""一次会议或一篇讲话。"""', '"""一篇讲话。"""'), set()),
        (lambda t: t.replace('"""要采取的行动。"""', '"""行动。"""'), set()),
        (lambda t: "# a comment\n" + t.replace("PLEDGE = ", "# another\nPLEDGE = "), set()),
        (lambda t: re.sub(r"(    date: .*?\n    \)\n)(    officials: .*?\n    \)\n)", r"\2\1", t, flags=re.S), set()),
        (lambda t: re.sub(r"    date: .*?\n    \)\n", "", t, flags=re.S), set()),
        (lambda t: t.replace('    "确保|力争', '    "一定|确保|力争'), set()),
    ],
    ids=[
        *("a description", "a part's description", "choices", "a part's reach", "a cue", "spelling", "a bound"),
        *("docstring of the record", "docstring of an item", "comments", "order", "a field removed", "signs"),
    ],
)  # fmt: skip
def test_a_change_asks_only_the_affected_field_again(edit: Edit, asked: set[str]) -> None:
    with answering() as fake:
        assert extract(fake).exit_code == 0
    before, recipes = OUT.read_bytes(), {line["run"]["recipe"] for line in lines().values()}
    write(edit)
    assert Path("my.py").read_text(encoding="utf-8") != SCHEMA
    with answering() as fake:
        assert extract(fake).exit_code == 0
        assert {field_of(seen.body) for seen in fake.seen} == asked
    filled = lines()
    assert {name: line["record"] for name, line in filled.items()} == {
        name: line["record"] for name, line in afresh().items()
    }
    has_changed = recipes != {line["run"]["recipe"] for line in filled.values()}
    assert has_changed or not asked
    assert before_path(OUT).exists() == has_changed
    assert not has_changed or before_path(OUT).read_bytes() == before


def test_a_renamed_field_keeps_its_values_without_a_question() -> None:
    write(add(VENUE))
    with answering() as fake:
        assert extract(fake).exit_code == 0
    before = lines()
    renamed = VENUE.replace("venue: Verbatim | None", 'place: Annotated[Verbatim | None, Was("venue")]')
    write(lambda text: text.replace("    Within,", "    Was,\n    Within,") + renamed)
    with answering() as fake:
        assert extract(fake).exit_code == 0
        assert fake.seen == []
    for name, line in lines().items():
        assert line["record"]["place"] == before[name]["record"]["venue"] is not None
        assert line["evidence"] == {"place": before[name]["evidence"]["venue"]}
        assert "venue" not in line["record"]
        assert line["run"]["requests"] == before[name]["run"]["requests"]
    with answering() as fake:
        assert extract(fake).exit_code == 0
        assert fake.seen == [], "the output has the current recipe now"


def test_a_stopped_back_fill_leaves_the_output_and_can_be_resumed() -> None:
    with answering() as fake:
        assert extract(fake).exit_code == 0
    before = OUT.read_bytes()
    write(add(VENUE, FILES))
    used_up = Step(429, {"error": {"message": "您的账户额度已用尽，请充值"}})
    with answering(lambda body: used_up if "丙市" in passage_of(body) and field_of(body) == "files" else None) as fake:
        assert extract(fake).exit_code == 1
        assert len(fake.seen) == 4
    assert OUT.read_bytes() == before
    with answering() as fake:
        assert extract(fake).exit_code == 0
        assert len(fake.seen) == 3
    assert before_path(OUT).read_bytes() == before
    assert lines() == afresh()


def test_a_resumed_back_fill_keeps_the_copy_of_the_output_from_before() -> None:
    with answering() as fake:
        assert extract(fake).exit_code == 0
        before = OUT.read_bytes()
        write(add(VENUE))
        assert extract(fake, inputs="texts/丙.txt").exit_code == 1
        assert before_path(OUT).read_bytes() == before
        assert extract(fake).exit_code == 0
    assert before_path(OUT).read_bytes() == before


def test_only_failed_questions_of_a_back_fill_are_asked_again() -> None:
    with answering() as fake:
        assert extract(fake).exit_code == 0
    write(add(VENUE, FILES))
    bad = Step(400, {"error": {"message": "bad"}})
    with answering(lambda body: bad if "丙市" in passage_of(body) and field_of(body) == "files" else None) as fake:
        assert extract(fake).exit_code == 1
    with answering() as fake:
        assert extract(fake, "--retry-failed").exit_code == 0
        assert [field_of(seen.body) for seen in fake.seen] == ["files"]
    assert lines() == afresh()


def test_records_of_texts_outside_the_inputs_stay_and_are_reported() -> None:
    with answering() as fake:
        assert extract(fake).exit_code == 0
    before = lines()
    write(add(VENUE))
    with answering() as fake:
        result = extract(fake, inputs="texts/丙.txt")
        assert len(fake.seen) == 1
    assert result.exit_code == 1
    assert "outdated: 2 records of an earlier recipe whose texts are not among the inputs" in result.stderr
    after = lines()
    assert after.keys() == before.keys()
    assert (after["丁"], after["乙"]) == (before["丁"], before["乙"])
    assert after["丙"]["record"]["venue"] == "丙市人民礼堂"
    with answering() as fake:
        assert extract(fake).exit_code == 0
        assert len(fake.seen) == 2


# --- comparing schemas beforehand ---


def command(*arguments: str) -> Result:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def changed(text: str) -> str:
    text = text.replace("要采取的行动：谁要建立", "要采取的行动：谁应建立").replace(
        "    Within,", "    Was,\n    Within,"
    )
    text = text.replace(
        "    targets: Annotated[list[Target], Mood", '    goals: Annotated[list[Target], Was("targets"), Mood'
    )
    text = re.sub(r"    date: .*?\n    \)\n", "", text, flags=re.S)
    text = text.replace("    period: Annotated[Verbatim | None", "    when: Annotated[Verbatim | None")
    return text + VENUE


DIFFERENCES = [
    "same     officials",
    "changed  statistics: period removed, when added",
    "renamed  goals (was targets; nothing is asked)",
    "changed  measures: description",
    "added    venue",
    "removed  date",
    "to ask   statistics, measures, venue",
]


def test_schema_diff_reports_field_by_field() -> None:
    Path("older.py").write_text(SCHEMA, encoding="utf-8")
    write(changed)
    replies = ROOT / "fixtures" / "replies"
    calls = [call for path in replies.glob("*.json") for call in json.loads(path.read_text(encoding="utf-8"))["calls"]]
    recorded = Counter(call["about"]["field"] for call in calls)
    result = command("schema", "diff", "older.py", "my.py", "--replies", str(replies))
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        *DIFFERENCES,
        f"affected recordings in {replies}: date {recorded['date']}, statistics {recorded['statistics']}",
    ]
    same = command("schema", "diff", "my.py", "my.py")
    assert (same.exit_code, same.stdout.splitlines()[-1]) == (0, "to ask   nothing")


def test_schema_diff_compares_with_the_recipe_of_an_output() -> None:
    with answering() as fake:
        assert extract(fake).exit_code == 0
    Path("gold").mkdir()
    Path("gold/a.json").write_text(json.dumps({"record": {"targets": [], "officials": []}}), encoding="utf-8")
    write(changed)
    result = command("schema", "diff", str(OUT), "my.py", "--gold", "gold")
    assert result.stdout.splitlines() == [*DIFFERENCES, "affected annotations in gold: targets 1"]
    Path("out.jsonl.runs.jsonl").unlink()
    lost = command("schema", "diff", str(OUT), "my.py")
    assert lost.exit_code == 2
    assert "There is no out.jsonl.runs.jsonl" in lost.stderr


def test_stale_recordings_are_named_by_field_with_the_command_that_renews_them() -> None:
    options = ["--replies", "r", "--schema", "my.py"]
    with answering() as fake:
        options += ["--base-url", fake.base_url, "--model", "fake", "--separate-fields"]
        assert command("extract", "texts", "-o", "a.jsonl", "--mode", "record", *options).exit_code == 0
        assert command("replies", "check", "texts", *options).exit_code == 0
        write(lambda text: text.replace("要采取的行动：谁要建立", "要采取的行动：谁应建立") + VENUE)
        result = command("replies", "check", "texts", *options)
        assert result.exit_code == 1
        lines = result.stdout.splitlines()
        assert "stale    measures: 3 missing, 3 unused" in lines
        assert "stale    venue: 3 missing" in lines
        (renew,) = (line for line in lines if line.startswith("renew"))
        before = len(fake.seen)
        assert command(*renew.split()[2:]).exit_code == 0
        assert {field_of(seen.body) for seen in fake.seen[before:]} == {"measures", "venue"}
        assert len(fake.seen) == before + 6
