"""Servers that are named by their address: forms of answer, headers and keys, as users meet them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from click.testing import Result
from fake_endpoint import FakeEndpoint, Step, answer_step, answering, passage_of
from typer.testing import CliRunner

from extractor.cli.main import app
from extractor.document import Json
from extractor.pipeline.ask.structured_output import answer_schema_of
from extractor.runs.estimate import shortest_answer

SPEECH = (
    "5月27日，全市安全生产工作会议在{}市人民礼堂召开。市委书记李明主持会议并讲话。去年，全市排查隐患1260处。"
    "李明要求，各部门要加强隐患排查，确保不发生重大事故。\n"
)
SECRET = "tenant-secret-0123456789"
HEADER = ("--header", f"X-Tenant: {SECRET}", "--header", f"Authorization: Bearer {SECRET}-too")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EXTRACTOR_API_KEY", raising=False)
    Path("texts").mkdir()
    for name, city in (("a", "甲"), ("b", "乙"), ("c", "丙")):
        Path(f"texts/{name}.txt").write_text(SPEECH.format(city), encoding="utf-8")
    return tmp_path


def extractor(*arguments: str) -> Result:
    with patch.object(sys, "argv", ["extractor", *arguments]):  # the run log has what stands there
        result = CliRunner().invoke(app, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def extract(fake: FakeEndpoint, *arguments: str) -> Result:
    return extractor("extract", "texts", "--base-url", fake.base_url, "--model", "fake", "-o", "out.jsonl", *arguments)


def form_of(body: Json) -> str:
    form: str = body.get("response_format", {"type": "text"})["type"]
    return form


def without_schemas(body: Json) -> Step:
    """As llama-cpp-python's server: a JSON Schema is a 500. The answers are the shortest that fit."""
    if form_of(body) == "json_schema":
        said = "1 validation error: {'loc': ('body', 'response_format', 'type'), 'input': 'json_schema'}"
        return Step(500, {"error": {"message": said, "type": "internal_server_error"}})
    return answer_step(shortest_answer(answer_schema_of(body)))


def everything(folder: Path) -> str:
    return "".join(path.read_text(encoding="utf-8", errors="replace") for path in folder.rglob("*") if path.is_file())


def runs() -> list[Json]:
    return [json.loads(line) for line in Path("out.jsonl.runs.jsonl").read_text(encoding="utf-8").splitlines()]


# --- forms of answer ---


def test_a_server_without_schemas_is_found_out_and_said_once() -> None:
    with answering(without_schemas) as fake:
        result = extract(fake, "--concurrency", "1")
    assert result.exit_code == 0, result.output
    assert [form_of(body) for body in fake.live] == ["json_schema", *["json_object"] * (len(fake.live) - 1)]
    assert result.stderr.count("asked for a JSON object, with the schema in words") == 1
    assert "retries" not in result.stderr


def test_a_run_that_goes_on_asks_nothing_again_although_it_finds_the_form_out_again() -> None:
    def broken(body: Json) -> Step:
        refused = Step(400, {"error": {"message": "this text is broken"}})
        return refused if "丙市" in passage_of(body) and form_of(body) != "json_schema" else without_schemas(body)

    with answering(broken) as fake:
        assert extract(fake).exit_code == 1
    with answering(without_schemas) as fake:
        # Another port is the same server: the recipe knows no address.
        assert extract(fake, "--retry-failed").exit_code == 0
        asked = [body for body in fake.live if form_of(body) != "json_schema"]
        assert asked
        assert all("丙市" in passage_of(body) for body in asked)
    first, _, second, _ = runs()
    assert first["recipe"] == second["recipe"]


def test_what_was_recorded_in_a_weaker_form_is_replayed() -> None:
    with answering(without_schemas) as fake:
        assert extract(fake, "--mode", "record", "--replies", "replies").exit_code == 0
    recorded = sorted(Path("out.jsonl").read_bytes().splitlines())
    again = ("--base-url", fake.base_url, "--model", "fake", "--mode", "replay", "--replies", "replies")
    result = extractor("extract", "texts", "-o", "again.jsonl", *again)
    assert result.exit_code == 0, result.output
    assert sorted(Path("again.jsonl").read_bytes().splitlines()) == recorded
    assert '"answer_format": "json_object"' in Path("replies/a.json").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("option", "form", "strict"),
    [
        ("json-schema", "json_schema", False),
        ("strict", "json_schema", True),
        ("json-object", "json_object", False),
        ("none", "text", False),
    ],
)
def test_a_form_can_be_named(option: str, form: str, strict: bool) -> None:
    with answering(lambda body: answer_step(shortest_answer(answer_schema_of(body)))) as fake:
        assert extract(fake, "--answer-format", option).exit_code == 0
        tried = ("--base-url", fake.base_url, "--model", "fake", "--answer-format", option)
        assert extractor("schema", "try", "meeting", "texts/a.txt", *tried).exit_code == 0
    assert {form_of(body) for body in fake.live} == {form}
    assert {"strict" in str(body.get("response_format")) for body in fake.live} == {strict}


def test_a_form_that_is_refused_where_it_was_named_says_what_to_do() -> None:
    with answering(without_schemas) as fake:
        result = extract(fake, "--answer-format", "json-schema")
    assert result.exit_code == 1
    failures = Path("out.jsonl.failures.jsonl").read_text(encoding="utf-8")
    assert '"kind": "format_refused"' in failures
    assert "--answer-format json-object" in failures


# --- headers and keys ---


def test_a_header_is_sent_and_in_no_file(folder: Path) -> None:
    def echoing(body: Json) -> Step | None:
        said = {"error": {"message": f"tenant {SECRET} (Bearer {SECRET}-too) may not read this"}}
        return Step(400, said) if "丙市" in passage_of(body) else None

    with answering(echoing) as fake:
        files = ("--mode", "record", "--replies", "replies", "--log-json", "log.jsonl")
        result = extract(fake, *HEADER, f"--header=X-Other: {SECRET}", *files)
    assert result.exit_code == 1
    headers = fake.seen[0].headers
    assert headers["x-tenant"] == headers["x-other"] == SECRET
    assert headers["authorization"] == f"Bearer {SECRET}-too"
    assert "may not read this" in everything(folder)
    assert SECRET not in everything(folder) + result.output
    start = runs()[0]
    assert "X-Tenant: ***" in start["arguments"]
    assert "--header=X-Other: ***" in start["arguments"]
    assert "headers" not in start["settings"]


def test_a_header_is_sent_with_a_batch_and_in_none_of_its_files(folder: Path) -> None:
    seen: list[str] = []
    with answering() as fake:
        respond = fake.respond

        def noting(method: str, path: str, headers: dict[str, str], content: bytes) -> Step:
            seen.append(headers.get("x-tenant", "none"))
            return respond(method, path, headers, content)

        fake.respond = noting  # type: ignore[method-assign]
        assert extract(fake, *HEADER, "--batch").exit_code == 0
        assert SECRET not in everything(folder)
        fake.end()
        for command in ("status", "collect", "cancel"):
            assert extractor("batch", command, "out.jsonl", *HEADER).exit_code == 0
    assert set(seen) == {SECRET}
    assert SECRET not in everything(folder)


def test_what_is_no_header_is_a_usage_error() -> None:
    with answering() as fake:
        result = extract(fake, "--header", f"no colon {SECRET}")
    assert result.exit_code == 2
    assert "is not a header" in result.stderr
    assert SECRET not in result.output


def test_openais_key_goes_to_no_other_address_and_the_message_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-openais-own-0123456789")
    with answering(lambda body: Step(401, {"detail": "Invalid API key"})) as fake:
        result = extract(fake)
    assert result.exit_code == 2
    assert fake.keys == {""}
    assert "No key was sent, because EXTRACTOR_API_KEY is not set" in result.stderr


def test_a_redirect_is_an_error_that_says_where_it_points_to() -> None:
    with answering() as other, answering() as fake:
        fake.misbehave = lambda body: Step(307, "", {"Location": f"{other.base_url}/chat/completions"})
        fake.refuse = lambda call: Step(307, "", {"Location": f"{other.base_url}/files"})
        live, batch = extract(fake), extractor(*_batch(fake))
    assert (other.seen, other.calls) == ([], [])
    assert live.exit_code == 1
    assert f"points to {other.base_url}/chat/completions" in Path("out.jsonl.failures.jsonl").read_text("utf-8")
    assert batch.exit_code != 0
    assert f"points to {other.base_url}/files" in batch.stderr


def _batch(fake: FakeEndpoint) -> list[Any]:
    return ["extract", "texts", "--base-url", fake.base_url, "--model", "fake", "-o", "batch.jsonl", "--batch"]
