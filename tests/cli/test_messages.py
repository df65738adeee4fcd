"""The next step that a message advises must work; and what a user sees during a run."""

from __future__ import annotations

import json
import re
import shlex
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from fake_endpoint import FakeEndpoint, Step, answering, passage_of
from scripted import nothing, scripted
from typer.testing import CliRunner

from extractor.cli.extract import retry_kinds
from extractor.cli.main import app
from extractor.cli.report import describe
from extractor.errors import ExtractorError
from extractor.llm.call import Attempt, Call, Request, Usage
from extractor.runs.budget import Budget
from extractor.runs.summary import Summary

SPEECH = (
    "5月27日，全市安全生产工作会议在{}市人民礼堂召开。市委书记李明主持会议并讲话。去年，全市排查隐患1260处。"
    "李明要求，各部门要加强隐患排查，确保不发生重大事故。\n"
)
REFUSED = Step(400, {"error": {"message": "data_inspection_failed"}})
NO_QUOTA = Step(402, {"error": {"message": "insufficient balance"}})


@pytest.fixture(autouse=True)
def texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three texts in an empty working folder."""
    monkeypatch.chdir(tmp_path)
    Path("texts").mkdir()
    for name, city in (("a", "甲"), ("b", "乙"), ("c", "丙")):
        Path(f"texts/{name}.txt").write_text(SPEECH.format(city), encoding="utf-8")


@pytest.fixture
def broken() -> list[Step]:
    """The step that answers questions about 乙市, while there is one."""
    return []


@pytest.fixture
def fake(broken: list[Step]) -> Iterator[FakeEndpoint]:
    with answering(lambda body: broken[0] if broken and "乙市" in passage_of(body) else None) as server:
        yield server


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def extract(fake: FakeEndpoint, *arguments: str) -> Result:
    server = ["--base-url", fake.base_url, "--model", "fake", "--separate-fields", "--concurrency", "1"]
    return run("extract", *arguments, *server)


def records(path: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


# --- the advice of the summary ---


def test_the_advice_after_failures_works(fake: FakeEndpoint, broken: list[Step]) -> None:
    broken.append(REFUSED)
    failed = extract(fake, "texts", "-o", "out.jsonl")
    assert failed.exit_code == 1
    assert "failures: 5 questions (content_filtered 5), listed in out.jsonl.failures.jsonl" in failed.stderr
    assert "run the same command with --retry-failed" in failed.stderr.splitlines()[-1]
    broken.clear()
    waiting = extract(fake, "texts", "-o", "out.jsonl")
    assert waiting.exit_code == 1
    assert waiting.stderr.splitlines()[0].startswith("2 documents up to date, ")
    assert "waiting: 1 document that failed in an earlier run" in waiting.stderr
    assert "run the same command with --retry-failed" in waiting.stderr.splitlines()[-1]
    assert extract(fake, "texts", "-o", "out.jsonl", "--retry-failed").exit_code == 0
    assert [line["id"] for line in records("out.jsonl")] == ["a", "c", "b"]


def test_the_advice_after_a_run_without_a_file_works(fake: FakeEndpoint, broken: list[Step]) -> None:
    broken.append(REFUSED)
    advice = extract(fake, "texts").stderr.splitlines()[-1]
    assert "with -o FILE, --retry-failed then converts only what failed" in advice
    assert extract(fake, "texts", "-o", "out.jsonl").exit_code == 1
    broken.clear()
    asked = len(fake.seen)
    assert extract(fake, "texts", "-o", "out.jsonl", "--retry-failed").exit_code == 0
    assert all("乙市" in passage_of(seen.body) for seen in fake.seen[asked:])


def test_the_advice_after_a_stopped_run_works(fake: FakeEndpoint, broken: list[Step]) -> None:
    broken.append(NO_QUOTA)
    stopped = extract(fake, "texts", "-o", "out.jsonl")
    assert "run the same command again: it resumes where this run stopped" in stopped.stderr.splitlines()[-1]
    broken.clear()
    assert extract(fake, "texts", "-o", "out.jsonl").exit_code == 0
    assert sorted(line["id"] for line in records("out.jsonl")) == ["a", "b", "c"]


def test_the_advice_after_a_stopped_restart_works(fake: FakeEndpoint, broken: list[Step]) -> None:
    assert extract(fake, "texts", "-o", "out.jsonl").exit_code == 0
    before = Path("out.jsonl").read_bytes()
    broken.append(NO_QUOTA)
    stopped = extract(fake, "texts", "-o", "out.jsonl", "--restart")
    advice = stopped.stderr.splitlines()[-1]
    assert advice.endswith(
        "run the same command without --restart: it resumes where this run stopped; out.jsonl is unchanged"
    )
    (reason,) = [line for line in stopped.stderr.splitlines() if line.startswith("stopped: ")]
    assert "then run the same command without --restart: finished work is kept" in reason
    assert Path("out.jsonl").read_bytes() == before
    broken.clear()
    assert extract(fake, "texts", "-o", "out.jsonl").exit_code == 0
    assert sorted(line["id"] for line in records("out.jsonl")) == ["a", "b", "c"]


def test_the_advice_after_failures_in_a_restart_works(fake: FakeEndpoint, broken: list[Step]) -> None:
    broken.append(REFUSED)
    failed = extract(fake, "texts", "-o", "out.jsonl", "--restart")
    advice = failed.stderr.splitlines()[-1]
    assert "run the same command with --retry-failed instead of --restart" in advice
    broken.clear()
    assert extract(fake, "texts", "-o", "out.jsonl", "--retry-failed").exit_code == 0
    assert sorted(line["id"] for line in records("out.jsonl")) == ["a", "b", "c"]


@pytest.mark.parametrize("option", ["--retry-failed", "--restart"])
def test_an_option_that_needs_an_output_works_with_one(option: str, fake: FakeEndpoint, broken: list[Step]) -> None:
    assert f"{option} needs -o" in extract(fake, "texts", option).stderr
    broken.append(REFUSED)
    assert extract(fake, "texts", "-o", "out.jsonl").exit_code == 1
    broken.clear()
    assert extract(fake, "texts", "-o", "out.jsonl", option).exit_code == 0


def test_the_command_that_replies_check_prints_renews_the_replies(fake: FakeEndpoint) -> None:
    server = ["--base-url", fake.base_url, "--model", "fake", "--replies", "replies"]
    missing = run("replies", "check", "texts", *server)
    (renew,) = re.findall(r"^renew +extractor (.*)$", missing.stdout, re.MULTILINE)
    assert run(*shlex.split(renew)).exit_code == 0
    assert run("replies", "check", "texts", *server).exit_code == 0


def test_a_second_run_says_that_there_is_nothing_to_do(fake: FakeEndpoint) -> None:
    assert extract(fake, "texts", "-o", "out.jsonl").exit_code == 0
    (line,) = extract(fake, "texts", "-o", "out.jsonl").stderr.splitlines()
    assert re.fullmatch(r"nothing to do: all 3 documents are up to date, \d+\.\d s → out\.jsonl", line)
    Path("texts/d.txt").write_text(SPEECH.format("丁"), encoding="utf-8")
    more = extract(fake, "texts", "-o", "out.jsonl").stderr.splitlines()
    assert more[1].startswith("1 document, 1 record, ")
    assert more[2] == "skipped: 3 documents, already converted and unchanged"


# --- numbers and their units ---


def test_each_line_of_the_summary_counts_one_unit() -> None:
    budget = Budget()
    for number, error in [(1, "network")] * 3 + [(2, "network"), (2, "server_error"), (3, None)]:
        usage = Usage() if error else Usage(1, 100, 40, 10)
        budget.record_attempt(Attempt(Request({}, {}), number, 0.5, usage, error))
    summary = Summary(documents=70, records=2, failed=68, budget=budget, resumes=True, output=Path("o.jsonl"))
    summary.failures = Counter(content_filtered=169, network=157, empty=2)
    summary.failed_questions = Counter(content_filtered=169, network=157)
    summary.expected, summary.cited = Counter(date=0, statistics=119), Counter(statistics=115)
    lines = describe(summary, 1.0)
    assert lines[0] == "70 documents (68 with failures), 2 records, 1.0 s → o.jsonl"
    assert "coverage: statistics 115 of 119 (places that call for an item, cited by an item of any field)" in lines
    assert "spent: 1 answer to first questions (110 tokens)" in lines
    assert "failed attempts: 5 (network 4, server_error 1); 3 attempts repeated an earlier one" in lines
    assert "failures: 326 questions (content_filtered 169, network 157), 2 whole documents (empty 2)" in lines


# --- options and inputs ---


def test_retry_offers_the_kinds_that_a_failure_can_have(fake: FakeEndpoint) -> None:
    offered = {*retry_kinds()}
    groups = {ExtractorError.kind, "provider", "unanswered", "postponed", "interrupted", "stopped"}
    assert offered & groups == set()
    assert offered >= {"network", "content_filtered", "truncated", "not_recorded", "key_refused", "empty", "bug"}
    refused = extract(fake, "texts", "-o", "out.jsonl", "--retry", "provider")
    assert refused.exit_code == 2
    assert f"not 'provider': one of {', '.join(retry_kinds())}." in refused.stderr


ROWS = [{"title": "甲", "body": SPEECH.format("甲"), "url": "u1"}, {"body": SPEECH.format("乙")}]


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.csv"])
@pytest.mark.parametrize("option", ["--text-column", "--id-column"])
def test_a_misspelt_column_is_a_usage_error(name: str, option: str, fake: FakeEndpoint) -> None:
    rows = [json.dumps(row, ensure_ascii=False) for row in ROWS] * 1000
    if name == "rows.csv":
        rows = ["title,body,url", *(f"甲,{SPEECH.strip()},u{n}" for n in range(1000))]
    Path(name).write_text("\n".join(rows), encoding="utf-8")
    result = extract(fake, "texts", name, "--text-column", "body", option, "boddy", "-o", "out.jsonl")
    assert result.exit_code == 2
    assert result.stderr == (
        f"extractor: {name} has no column 'boddy'; its columns are title, body, url: name one of them with {option}.\n"
    )
    assert fake.seen == []
    assert not list(Path().glob("out.jsonl*"))


def test_rows_without_a_column_that_others_have_are_failures(fake: FakeEndpoint) -> None:
    Path("rows.jsonl").write_text("\n".join(json.dumps(row) for row in ROWS), encoding="utf-8")
    result = extract(fake, "rows.jsonl", "--text-column", "body", "--id-column", "url", "-o", "out.jsonl")
    assert result.exit_code == 1
    assert [line["id"] for line in records("out.jsonl")] == ["u1"]
    assert [failure["kind"] for failure in records("out.jsonl.failures.jsonl")] == ["no-id-column"]


@pytest.mark.parametrize("inputs", [("a.jsonl", "b.jsonl"), ("b.jsonl", "a.jsonl")], ids=" ".join)
def test_a_table_without_a_column_that_another_has_is_a_failure(inputs: tuple[str, str], fake: FakeEndpoint) -> None:
    Path("a.jsonl").write_text(json.dumps({"body": SPEECH.format("甲")}), encoding="utf-8")
    Path("b.jsonl").write_text(json.dumps({"content": SPEECH.format("乙"), "id": "b1"}), encoding="utf-8")
    assert extract(fake, *inputs, "--text-column", "content", "-o", "out.jsonl").exit_code == 1
    assert [line["id"] for line in records("out.jsonl")] == ["b1"]
    assert [failure["kind"] for failure in records("out.jsonl.failures.jsonl")] == ["no-text-column"]


# --- what is shown and logged during a run ---


def test_the_log_has_an_event_for_each_attempt_failure_and_document(fake: FakeEndpoint, broken: list[Step]) -> None:
    broken.append(REFUSED)
    Path("texts/empty.txt").touch()
    for arguments in (["-o", "out.jsonl"], []):
        extract(fake, "texts", "--log-json", "log.jsonl", *arguments)
        events = records("log.jsonl")
        Path("log.jsonl").unlink()
        assert Counter(event["event"] for event in events) == {"attempt": 15, "failure": 6, "document": 4}
        documents = {event["document"]: event for event in events if event["event"] == "document"}
        assert {name: (event["records"], event["failures"]) for name, event in documents.items()} == {
            **{"a": (1, 0), "b": (0, 5), "c": (1, 0), "empty": (0, 1)},
        }
        failures = [event for event in events if event["event"] == "failure"]
        assert {(event["document"], event["kind"]) for event in failures} == {
            ("b", "content_filtered"),
            ("empty", "empty"),
        }
        assert all(event.keys() >= {"time", "reason", "field", "start", "end"} for event in failures)


def test_the_help_of_log_json_names_all_events_and_keys(fake: FakeEndpoint) -> None:
    extract(fake, "texts/a.txt", "texts/a.txt", "--log-json", "log.jsonl")
    words = run("extract", "--help").stdout
    for event in records("log.jsonl"):
        assert f'"{event["event"]}"' in words
        assert [key for key in event if key not in words] == []


def test_loading_the_embedded_model_is_announced(monkeypatch: pytest.MonkeyPatch) -> None:
    from extractor.runs import session

    real = session.choose

    def choose(*given: Any) -> Any:
        def opening(stack: ExitStack) -> Call:
            return scripted(nothing)

        return replace(real(*given), open=opening)

    monkeypatch.setattr(session, "choose", choose)
    for arguments in (
        ["extract", "texts"],
        ["extract", "texts", "-o", "o.jsonl"],
        ["schema", "try", "meeting", "texts"],
    ):
        lines = run(*arguments, "--mode", "live").stderr.splitlines()
        announced = [line for line in lines if "embedded model" in line]
        assert announced == ["loading the embedded model …", "the embedded model is ready"], arguments
    assert "embedded" not in run("extract", "texts", "--mode", "live", "-q").stderr
