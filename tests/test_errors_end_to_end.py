"""Errors of a server, from the command line to the files: what is retried, what fails, what is kept."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from fake_endpoint import FakeEndpoint, Step, answer_step, answering, completion_body, field_of, passage_of, read_facts
from typer.testing import CliRunner

from extractor.cli.main import app
from extractor.document import Json
from extractor.llm import models
from extractor.llm.client import connect

SPEECH = (
    "5月27日，全市安全生产工作会议在{}市人民礼堂召开。市委书记李明主持会议并讲话。去年，全市排查隐患1260处。"
    "李明要求，各部门要加强隐患排查，确保不发生重大事故。\n"
)
# The documents are read in this order; the server misbehaves at the second.
NAMES = {"a": "甲", "b": "乙", "c": "丙"}
PASSING = ("rate_limited", "server_error", "network")
FIELDS = ["date", "officials", "statistics", "targets", "measures"]


@pytest.fixture(autouse=True)
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits of a run, listed instead of slept."""
    waited: list[float] = []
    monkeypatch.setattr(models, "connect", partial(connect, sleep=waited.append))
    return waited


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("texts").mkdir()
    for name, city in NAMES.items():
        Path(f"texts/{name}.txt").write_text(SPEECH.format(city), encoding="utf-8")
    return tmp_path


def extract(fake: FakeEndpoint, *more: str) -> Result:
    arguments = [
        "extract",
        "texts",
        "-o",
        "out.jsonl",
        "--base-url",
        fake.base_url,
        "--model",
        "fake",
        "--separate-fields",
        "--concurrency",
        "1",
        *more,
    ]
    result = CliRunner().invoke(app, arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert result.stdout == ""
    return result


def lines(name: str) -> list[Json]:
    return [json.loads(line) for line in Path(name).read_text(encoding="utf-8").splitlines()]


def records() -> dict[str, Json]:
    return {line["id"]: line for line in lines("out.jsonl")}


def failures() -> list[Json]:
    return lines("out.jsonl.failures.jsonl")


def about_b(body: Json) -> bool:
    return "乙市" in passage_of(body)


def once(step: Step) -> Callable[[Json], Step | None]:
    """This step for the first request about b, good answers after it."""
    given: list[Json] = []

    def misbehave(body: Json) -> Step | None:
        if given or not about_b(body):
            return None
        given.append(body)
        return step

    return misbehave


def always(step: Step) -> Callable[[Json], Step | None]:
    return lambda body: step if about_b(body) else None


def from_b_on(step: Step) -> Callable[[Json], Step | None]:
    return lambda body: None if "甲市" in passage_of(body) else step


GOOD = json.dumps(completion_body('{"date": "5月27日"}'), ensure_ascii=False)
TOO_MANY = Step(429, {"error": {"message": "速率限制"}}, {"retry-after": "7"})
BROKEN = Step(500, {"error": {"message": "internal"}})
DROPPED = Step(drop=True)
CUT = Step(body=GOOD[: len(GOOD) // 2])
MISFIT = answer_step({"nonsense": [1]})
NO_JSON = answer_step("好的，会议日期是5月27日。")
AT_LENGTH = answer_step('{"date": "5月2', finish_reason="length")
REFUSED = Step(401, {"error": {"message": "Incorrect API key provided"}})
USED_UP = Step(429, {"error": {"message": "您的账户额度已用尽，请充值"}})


def test_a_good_server_converts_every_document(folder: Path) -> None:
    with answering() as fake:
        result = extract(fake)
    assert result.exit_code == 0, result.stderr
    assert [line["id"] for line in lines("out.jsonl")] == ["a", "b", "c"]
    record = records()["b"]["record"]
    assert [official["name"] for official in record["officials"]] == ["李明"]
    assert [statistic["value"]["number"] for statistic in record["statistics"]] == [1260]
    assert sorted(path.name for path in folder.iterdir()) == ["out.jsonl", "out.jsonl.runs.jsonl", "texts"]


@pytest.mark.parametrize(
    ("step", "extra"),
    [(TOO_MANY, 1), (BROKEN, 1), (DROPPED, 1), (CUT, 1), (MISFIT, 1), (NO_JSON, 1)],
    ids=["429", "500", "dropped", "cut JSON", "misfit", "no JSON"],
)
def test_an_error_that_passes_is_retried(folder: Path, step: Step, extra: int) -> None:
    with answering() as fake:
        assert extract(fake).exit_code == 0
        good, asked = records(), len(fake.seen)
    with answering(once(step)) as fake:
        result = extract(fake, "--restart")
        assert len(fake.seen) == asked + extra
    assert result.exit_code == 0, result.stderr
    assert {name: line["record"] for name, line in records().items()} == {
        name: line["record"] for name, line in good.items()
    }
    assert not Path("out.jsonl.failures.jsonl").exists()


def test_the_server_decides_how_long_to_wait(folder: Path, naps: list[float]) -> None:
    with answering(once(TOO_MANY)) as fake:
        assert extract(fake).exit_code == 0
    assert naps == [7.0]


@pytest.mark.parametrize(
    ("step", "kind", "words", "tries"),
    [
        (TOO_MANY, "rate_limited", "answered 429: 速率限制", 5),
        (BROKEN, "server_error", "answered 500: internal", 5),
        (DROPPED, "network", "broke the connection", 5),
        (CUT, "malformed_response", "not JSON", 5),
        (MISFIT, "invalid_answer", "holds no JSON object with", 2),
        (NO_JSON, "refused", "gave no JSON but words: '好的，会议日期是5月27日。'", 2),
        (AT_LENGTH, "truncated", "cut off at its length limit", 1),
    ],
    ids=["429", "500", "dropped", "cut JSON", "misfit", "no JSON", "length"],
)
def test_an_error_that_stays_fails_only_that_document(
    folder: Path, step: Step, kind: str, words: str, tries: int
) -> None:
    with answering(always(step)) as fake:
        result = extract(fake)
        asked = Counter(field_of(seen.body) for seen in fake.seen if about_b(seen.body))
    assert result.exit_code == 1
    # The first question is tried for a minute and more, as nobody else is answered meanwhile.
    assert asked.pop(FIELDS[0]) in (range(6, 20) if kind in PASSING else {tries})
    assert asked == dict.fromkeys(FIELDS[1:], tries)
    assert list(records()) == ["a", "c"]
    named = failures()
    assert [failure["field"] for failure in named] == FIELDS
    length = len(SPEECH.format("乙").strip())
    for failure in named:
        assert (failure["id"], failure["path"], failure["kind"]) == ("b", "texts/b.txt", kind)
        assert (failure["start"], failure["end"]) == (0, length)
        assert words in failure["reason"]
        assert failure["reason"].endswith(".")
    assert f"failures: 5 questions ({kind} 5), listed in out.jsonl.failures.jsonl" in result.stderr
    assert "--retry-failed" in result.stderr
    assert not list(folder.glob("*.part"))


def test_a_document_with_some_answers_is_written(folder: Path) -> None:
    with answering(lambda body: BROKEN if about_b(body) and field_of(body) == "officials" else None) as fake:
        result = extract(fake)
    assert result.exit_code == 1
    line = records()["b"]
    assert line["record"]["officials"] == []
    assert len(line["record"]["statistics"]) == 1
    problems = [problem for problem in line["problems"] if problem["kind"] == "unanswered"]
    assert [(problem["field"], problem["start"]) for problem in problems] == [("officials", 0)]
    assert problems[0]["detail"].startswith("server_error: ")
    assert [(failure["id"], failure["field"]) for failure in failures()] == [("b", "officials")]

    before = Path("out.jsonl").read_text(encoding="utf-8").splitlines()
    with answering() as fake:
        result = extract(fake, "--retry-failed")
        assert all(about_b(seen.body) for seen in fake.seen)
    assert result.exit_code == 0, result.stderr
    after = Path("out.jsonl").read_text(encoding="utf-8").splitlines()
    assert [line for line in before if line in after] == [before[0], before[2]]
    assert sorted(records()) == ["a", "b", "c"]
    assert len(after) == 3
    assert records()["b"]["record"]["officials"][0]["name"] == "李明"
    assert not Path("out.jsonl.failures.jsonl").exists()


@pytest.mark.parametrize(
    ("step", "kind", "code"), [(REFUSED, "key_refused", 2), (USED_UP, "quota_used_up", 1)], ids=["401", "quota"]
)
def test_an_error_that_every_request_would_meet_stops_the_run(folder: Path, step: Step, kind: str, code: int) -> None:
    with answering(from_b_on(step)) as fake:
        result = extract(fake)
        asked = [seen for seen in fake.seen if "甲市" not in passage_of(seen.body)]
    assert result.exit_code == code
    assert len(asked) == 1
    assert list(records()) == ["a"]
    assert [(failure["id"], failure["kind"]) for failure in failures()] == [("b", kind), ("c", "not_reached")]
    assert "stopped: " in result.stderr
    assert "3 documents (2 with failures), 1 record" in result.stderr

    with answering() as fake:
        result = extract(fake, "--retry-failed")
        assert not any("甲市" in passage_of(seen.body) for seen in fake.seen)
    assert result.exit_code == 0, result.stderr
    assert list(records()) == ["a", "b", "c"]
    assert not Path("out.jsonl.failures.jsonl").exists()


def test_a_key_that_is_refused_at_once_leaves_no_records_file(folder: Path) -> None:
    with answering(lambda body: REFUSED) as fake:
        result = extract(fake)
        assert len(fake.seen) == 1
    assert result.exit_code == 2
    assert "No key was sent, because EXTRACTOR_API_KEY is not set" in result.stderr
    assert not Path("out.jsonl").exists()
    assert [failure["kind"] for failure in failures()] == ["key_refused", "not_reached", "not_reached"]
    with answering() as fake:
        assert extract(fake, "--retry-failed").exit_code == 0
    assert list(records()) == ["a", "b", "c"]


def test_a_stopped_restart_does_not_replace_the_older_file(folder: Path) -> None:
    with answering() as fake:
        assert extract(fake).exit_code == 0
    before = Path("out.jsonl").read_bytes()
    with answering(from_b_on(USED_UP)) as fake:
        result = extract(fake, "--restart", "--model", "other")
    assert result.exit_code == 1
    assert Path("out.jsonl").read_bytes() == before
    assert not Path("out.jsonl.failures.jsonl").exists()
    assert [line["id"] for line in lines("out.jsonl.part")] == ["a"]
    assert [failure["id"] for failure in lines("out.jsonl.failures.jsonl.part")] == ["b", "c"]
    assert "→ out.jsonl.part" in result.stderr
    assert "without --restart: it resumes where this run stopped; out.jsonl is unchanged" in result.stderr
    with answering() as fake:
        assert extract(fake, "--model", "other").exit_code == 0
        # All answers about a, the last document in the file, were kept.
        assert not any("甲市" in passage_of(seen.body) for seen in fake.seen)
    assert {line["run"]["model"] for line in lines("out.jsonl")} == {"other"}
    assert sorted(records()) == ["a", "b", "c"]
    assert not list(folder.glob("*.part"))


def test_a_stopped_retry_loses_nothing(folder: Path) -> None:
    def broken(body: Json) -> Step | None:
        return BROKEN if field_of(body) == "officials" and "丙市" not in passage_of(body) else None

    with answering(broken) as fake:
        assert extract(fake).exit_code == 1
    before = records()
    with answering(from_b_on(REFUSED)) as fake:
        result = extract(fake, "--retry-failed")
    assert result.exit_code == 2
    after = records()
    assert sorted(after) == ["a", "b", "c"]
    assert after["a"] != before["a"]
    assert (after["b"], after["c"]) == (before["b"], before["c"])
    # The earlier failure of b is listed beside the one that stopped the retry.
    listed = [(failure["id"], failure["kind"]) for failure in failures()]
    assert listed == [("b", "server_error"), ("b", "key_refused")]


def test_a_retry_without_the_failed_document_keeps_it_on_the_list(folder: Path) -> None:
    with answering(always(BROKEN)) as fake:
        assert extract(fake).exit_code == 1
        named = failures()
        Path("texts/b.txt").rename("b.txt")
        result = extract(fake, "--retry-failed")
    assert result.exit_code == 1
    assert failures() == named
    assert sorted(records()) == ["a", "c"]
    assert "1 failed document not among the inputs" in result.stderr


def test_a_retry_with_nothing_to_retry(folder: Path) -> None:
    with answering() as fake:
        refused = extract(fake, "--retry-failed")
        assert refused.exit_code == 2
        assert "there is nothing to retry" in refused.stderr
        assert extract(fake).exit_code == 0
        before, asked = Path("out.jsonl").read_bytes(), len(fake.seen)
        assert extract(fake, "--retry-failed").exit_code == 0
        assert len(fake.seen) == asked
    assert Path("out.jsonl").read_bytes() == before


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("out.jsonl.failures.jsonl", "{not json\n", "is not a list of failures"),
        ("out.jsonl.failures.jsonl", "[1]\n", "is not a list of failures"),
        ("out.jsonl", '{"id": "a"}\n', "line 1, is not a record"),
    ],
)
def test_a_retry_reports_damaged_files_and_leaves_them(folder: Path, name: str, content: str, words: str) -> None:
    with answering(always(BROKEN)) as fake:
        assert extract(fake).exit_code == 1
        Path(name).write_text(content, encoding="utf-8")
        result = extract(fake, "--retry-failed")
    assert result.exit_code == 2
    assert words in result.stderr
    assert Path(name).read_text(encoding="utf-8") == content


def test_speeches_of_one_document_are_replaced_one_by_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If a retry fails for one speech again, that speech keeps its older, incomplete record."""
    from array import array

    from extractor.document import Excerpt
    from extractor.pipeline import convert

    def halves(excerpt: Excerpt) -> list[Excerpt]:
        middle = len(excerpt.text) // 2
        parts = ((0, middle), (middle, len(excerpt.text)))
        return [
            Excerpt(excerpt.document, excerpt.text[i:j], array("i", excerpt.starts[i:j]), array("i", excerpt.ends[i:j]))
            for i, j in parts
        ]

    monkeypatch.setattr(convert, "split_speeches", halves)
    second = "加强隐患排查"
    with answering(
        lambda body: BROKEN if second in passage_of(body) and field_of(body) == "measures" else None
    ) as fake:
        assert extract(fake).exit_code == 1
    before = records()
    assert sorted(before) == ["a#1", "a#2", "b#1", "b#2", "c#1", "c#2"]
    with answering(lambda body: BROKEN if second in passage_of(body) else None) as fake:
        assert extract(fake, "--retry-failed").exit_code == 1
        # The other fields of these speeches have their answers already.
        assert {field_of(seen.body) for seen in fake.seen} == {"measures"}
    assert {name: line["record"] for name, line in records().items()} == {
        name: line["record"] for name, line in before.items()
    }
    assert len(lines("out.jsonl")) == 6
    with answering() as fake:
        assert extract(fake, "--retry-failed").exit_code == 0
    after = records()
    assert sorted(after) == sorted(before)
    assert len(lines("out.jsonl")) == 6
    assert after["a#2"]["record"]["measures"][0]["text"] == second


def test_without_a_file_failures_are_printed(folder: Path) -> None:
    with answering(always(BROKEN)) as fake:
        result = CliRunner().invoke(
            app,
            [
                "extract",
                "texts",
                "-q",
                "--base-url",
                fake.base_url,
                "--model",
                "fake",
                "--separate-fields",
                "--concurrency",
                "1",
            ],
        )
    assert result.exit_code == 1
    assert [json.loads(line)["id"] for line in result.stdout.splitlines()] == ["a", "c"]
    assert "extractor: b: officials at 0-" in result.stderr
    assert "answered 500: internal" in result.stderr


def test_a_bug_in_one_document_is_a_failure_of_that_document(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from extractor.pipeline import convert

    clean: Any = convert.clean

    def stumble(document: Any) -> Any:
        if document.id == "b":
            raise IndexError("list index out of range")
        return clean(document)

    monkeypatch.setattr(convert, "clean", stumble)
    with answering() as fake:
        result = extract(fake)
    assert result.exit_code == 1
    assert list(records()) == ["a", "c"]
    (failure,) = failures()
    assert (failure["id"], failure["kind"], failure["field"]) == ("b", "bug", None)
    assert failure["reason"].startswith("IndexError in convert.py, line ")
    assert "please report it" in failure["reason"]


def test_the_server_is_asked_for_the_fields_of_the_schema(folder: Path) -> None:
    with answering() as fake:
        extract(fake)
        bodies = [seen.body for seen in fake.seen if about_b(seen.body)]
    assert [field_of(body) for body in bodies] == FIELDS
    assert {body["temperature"] for body in bodies} == {0.0}
    assert read_facts(bodies[0]) == {"date": "5月27日"}
