"""The failures file: its lines fit their type, and which of them stand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fake_endpoint import Step, answering, field_of, passage_of
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter
from typer.testing import CliRunner

from extractor.cli.main import app
from extractor.document import Json
from extractor.output.failures import FailureEntry, encode_failures, failure_schema, read_failures
from extractor.output.files import OutputError

SPEECH = "5月27日，全市安全生产工作会议在{}市召开。市委书记李明主持会议。去年，全市排查隐患1260处。\n"
MALFORMED = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "{"}}


def entry(document: str, kind: str = "bad_request", reason: str = "") -> FailureEntry:
    return {
        "id": document,
        "path": f"{document}.txt",
        "sha256": "00",
        "kind": kind,
        "reason": reason,
        "field": None,
        "start": None,
        "end": None,
    }


def test_every_failure_line_of_a_run_fits_the_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("texts").mkdir()
    for name in "甲乙丙丁":
        Path(f"texts/{name}.txt").write_text(SPEECH.format(name), encoding="utf-8")
    Path("texts/0.html").write_text("<html><head><title>x</title></head><body></body></html>", encoding="utf-8")
    Path("texts/1.txt").write_bytes(b"")

    def misbehave(body: Json) -> Step | None:
        passage = passage_of(body)
        if "丙市" in passage:
            return Step(429, {"error": {"message": "您的账户额度已用尽，请充值"}})
        if field_of(body) != "date":
            return None
        return Step(400, {"error": {"message": "bad"}}) if "丁市" in passage else Step(body={"choices": [MALFORMED]})

    with answering(misbehave) as fake:
        server = ["--base-url", fake.base_url, "--model", "fake", "--separate-fields", "--concurrency", "1"]
        assert CliRunner().invoke(app, ["extract", "texts", "-o", "o.jsonl", *server]).exit_code == 1
    lines = [json.loads(line) for line in Path("o.jsonl.failures.jsonl").read_text(encoding="utf-8").splitlines()]
    schema = failure_schema()
    Draft202012Validator.check_schema(schema)
    for line in lines:
        Draft202012Validator(schema).validate(line)
        assert TypeAdapter(FailureEntry).validate_python(line, strict=True) == line
    assert {line["kind"] for line in lines} >= {"empty", "bad_request", "quota_used_up", "not_reached"}
    assert schema["required"] == [name for name in schema["properties"] if name != "requests"]


def test_requests_that_did_not_fit_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.txt").write_text(SPEECH.format("甲"), encoding="utf-8")
    with answering(lambda body: Step(body={"choices": [MALFORMED]}) if field_of(body) == "date" else None) as fake:
        server = ["--base-url", fake.base_url, "--model", "fake", "--separate-fields"]
        CliRunner().invoke(app, ["extract", "a.txt", "-o", "o.jsonl", *server])
    (line,) = (json.loads(line) for line in Path("o.jsonl.failures.jsonl").read_text(encoding="utf-8").splitlines())
    assert (line["kind"], line["field"], len(line["requests"])) == ("invalid_answer", "date", 2)
    Draft202012Validator(failure_schema()).validate(line)


def test_a_later_line_withdraws_the_earlier_failures_of_its_document(tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl"
    path.write_bytes(
        encode_failures([entry("a"), entry("b")])
        + encode_failures([entry("a", "network")], resolved="a")
        + encode_failures([], resolved="b")
    )
    assert read_failures(path) == {"a": [entry("a", "network")]}


def test_a_later_file_replaces_the_failures_of_its_documents(tmp_path: Path) -> None:
    older, newer = tmp_path / "older.jsonl", tmp_path / "newer.jsonl"
    older.write_bytes(encode_failures([entry("a"), entry("b"), entry("c", "not_reached")]))
    newer.write_bytes(encode_failures([entry("a", "network")]) + encode_failures([], resolved="b"))
    assert read_failures(older, newer, keep_unreached=False) == {"a": [entry("a", "network")]}
    assert read_failures(older, newer).keys() == {"a", "c"}
    assert read_failures(tmp_path / "none.jsonl") == {}


def test_a_torn_last_line_is_ignored_and_another_is_not(tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl"
    whole = encode_failures([entry("a")])
    path.write_bytes(whole + whole[:-20])
    assert read_failures(path) == {"a": [entry("a")]}
    path.write_bytes(whole[:-20] + b"\n" + whole)
    with pytest.raises(OutputError, match=r"is not a list of failures .* or start over with --restart\.$"):
        read_failures(path)


def test_keys_that_an_edited_line_lacks_are_filled_in(tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl"
    path.write_text('{"id": "a"}\n', encoding="utf-8")
    nothing = dict.fromkeys(("path", "sha256", "field", "start", "end"))
    assert read_failures(path) == {"a": [{"id": "a", "kind": "unknown", "reason": "", **nothing}]}


def test_the_mark_of_version_0_1_withdraws_failures_too(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl.failures.jsonl"
    failed = {"id": "a", "path": "a.txt", "sha256": "00", "kind": "network", "reason": "It broke.", "field": None}
    lines = [{**failed, "start": None, "end": None}, {"id": "a", "path": "a.txt", "kind": "mended"}]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    assert read_failures(path) == {}
