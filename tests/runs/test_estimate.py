"""The estimate of what a run would ask and cost, compared with runs, recordings and outputs.

No model is asked.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from fake_endpoint import FakeEndpoint, Step, answering
from scripted import ROOT
from typer.testing import CliRunner

from extractor.cli.main import app
from extractor.document import Json
from extractor.llm.price_list import PRICES, Source
from extractor.llm.prices import Price, is_old, price_of, source_of
from extractor.llm.providers import PROVIDERS
from extractor.llm.recordings import Recordings
from extractor.llm.tokens import WITHIN, tokens_in, tokens_of
from extractor.output.files import open_output

SPEECH = (
    "5月27日，全市安全生产工作会议在{}市人民礼堂召开。市委书记李明主持会议并讲话。去年，全市排查隐患1260处。"
    "李明要求，各部门要加强隐患排查，确保不发生重大事故。\n"
)
SEEDS, REPLIES = ROOT / "seeds", ROOT / "fixtures" / "replies"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("texts").mkdir()
    for name, city in (("a", "甲"), ("b", "乙"), ("c", "丙")):
        Path(f"texts/{name}.txt").write_text(SPEECH.format(city), encoding="utf-8")
    return tmp_path


@pytest.fixture
def fake() -> Iterator[FakeEndpoint]:
    with answering() as server:
        yield server


def extractor(*arguments: str) -> Result:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def estimated(*arguments: str) -> Json:
    result = extractor("estimate", *arguments, "--json")
    assert result.exit_code == 0, result.stderr
    estimate: Json = json.loads(result.stdout)
    return estimate


def rows(*arguments: str) -> dict[str, str]:
    """What people read, by the names in the first column; rows without a name continue the one above."""
    result = extractor("estimate", *arguments)
    assert result.exit_code == 0, result.stderr
    found: dict[str, str] = {}
    for line in result.stdout.splitlines():
        name = line[:12].strip() or name  # noqa: F821
        found[name] = f"{found[name]}\n{line[12:]}" if name in found else line[12:]
    return found


def everything(folder: Path) -> dict[str, tuple[bytes, int]]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


# --- the seeds, whose real figures are in the recordings ---


def recorded() -> list[tuple[Json, int, int]]:
    """The recorded requests with the tokens that they really took, in and out."""
    recordings = Recordings(REPLIES, "replay")
    calls = [call for path in sorted(REPLIES.glob("*.json")) for call in recordings.file(path.stem).calls.values()]
    usages = [call.reply["usage"] for call in calls]
    return [
        (call.request, usage["prompt_tokens"], usage["completion_tokens"])
        for call, usage in zip(calls, usages, strict=True)
    ]


def test_the_estimate_brackets_the_real_figures_of_the_seeds() -> None:
    real = recorded()
    asked, read, written = len(real), sum(r[1] for r in real), sum(r[2] for r in real)
    estimate = estimated(str(SEEDS), "--mode", "live")
    print(f"asked {asked}, estimated {estimate['requests']}; read {read}, estimated {estimate['tokens_in']}", end="; ")
    print(f"written {written}, estimated {estimate['tokens_out']}")
    assert (asked, read, written) == (20, 13_765, 925)
    assert estimate["requests"] == asked
    assert estimate["tokens_in"]["low"] < read < estimate["tokens_in"]["high"]
    assert estimate["tokens_out"]["low"] < written < estimate["tokens_out"]["high"]
    assert (estimate["documents"], estimate["speeches"]) == (5, 12)


def test_the_token_estimate_is_as_exact_as_stated() -> None:
    real = recorded()
    estimates = [tokens_in(request) for request, _, _ in real]
    assert sum(read for _, read, _ in real) / sum(estimates) == pytest.approx(1.006, abs=0.001)
    ratios = [read / estimate for (_, read, _), estimate in zip(real, estimates, strict=True)]
    assert (round(min(ratios), 2), round(max(ratios), 2)) == (0.96, 1.06)
    assert max(abs(ratio - 1) for ratio in ratios) < WITHIN


@pytest.mark.parametrize(
    ("text", "tokens"), [("", 0), ("会议" * 50, 65), ("2024", 4), ("abcdefghij", 3), ("（，）", 1)]
)
def test_tokens_by_kind_of_character(text: str, tokens: int) -> None:
    assert tokens_of(text) == tokens


def test_what_recordings_answer_costs_nothing() -> None:
    estimate = estimated(str(SEEDS), "--replies", str(REPLIES))
    assert (estimate["questions"], estimate["recorded"], estimate["requests"]) == (20, 20, 0)
    assert rows(str(SEEDS), "--replies", str(REPLIES))["cost"] == "nothing: no model would be asked"


def test_a_question_whose_recording_is_missing_is_to_be_asked() -> None:
    replies = Path(shutil.copytree(REPLIES, "replies"))
    (replies / "000_f3784ed5a834436f.json").unlink()
    estimate = estimated(str(SEEDS), "--replies", "replies")
    assert (estimate["recorded"], estimate["requests"], estimate["unrecorded"]) == (17, 3, 0)
    estimate = estimated(str(SEEDS), "--replies", "replies", "--mode", "replay")
    assert (estimate["recorded"], estimate["requests"], estimate["unrecorded"]) == (17, 0, 3)


def test_mode_record_writes_no_recordings() -> None:
    assert estimated("texts", "--replies", "replies", "--mode", "record")["requests"] == 6
    assert not Path("replies").exists()


# --- compared with runs ---


@pytest.mark.parametrize("more", [[], ["--model", "openai/gpt-4o-mini"], ["--model", "deepseek/deepseek-flash"]])
def test_nothing_is_written_and_no_key_is_needed(folder: Path, more: list[str]) -> None:
    before = everything(folder)
    assert estimated("texts", "-o", "out.jsonl", *more)["documents"] == 3
    assert everything(folder) == before


def test_the_estimate_counts_the_questions_of_a_run(fake: FakeEndpoint) -> None:
    server = ["--base-url", fake.base_url, "--model", "fake", "--separate-fields", "--concurrency", "1"]
    estimate = estimated("texts", *server)
    assert fake.seen == []
    assert extractor("extract", "texts", *server).exit_code == 0
    assert estimate["requests"] == len(fake.seen) == 15
    assert (
        estimate["tokens_in"]["low"] < sum(tokens_in(seen.body) for seen in fake.seen) < estimate["tokens_in"]["high"]
    )


@pytest.mark.parametrize(("answered", "skipped", "kept"), [(0, 0, 0), (2, 0, 2), (7, 1, 2), (15, 3, 0)])
def test_with_an_output_it_counts_what_resuming_would_ask(folder: Path, answered: int, skipped: int, kept: int) -> None:
    refused: list[Step] = []
    with answering(lambda body: refused[0] if refused and len(fake.seen) > answered else None) as fake:
        arguments = [
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
        ]
        refused.append(Step(401, {"error": {"message": "no"}}))
        extractor("extract", *arguments)
        refused.clear()
        done = len(fake.seen)
        before = everything(folder)
        estimate = estimated(*arguments)
        assert everything(folder) == before
        assert extractor("extract", *arguments).exit_code == 0
    assert estimate["requests"] == len(fake.seen) - done == 15 - answered
    assert (estimate["skipped"], estimate["documents"], estimate["kept"]) == (skipped, 3 - skipped, kept)


def test_a_changed_text_is_converted_again_and_a_failed_one_waits(fake: FakeEndpoint) -> None:
    arguments = [
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
    ]
    extractor("extract", *arguments)
    Path("texts/b.txt").write_text(SPEECH.format("丁"), encoding="utf-8")
    estimate = estimated(*arguments)
    assert (estimate["skipped"], estimate["documents"], estimate["requests"]) == (2, 1, 5)
    noted = {"id": "c", "path": "texts/c.txt", "sha256": None, "kind": "misfit", "reason": "", "field": None}
    Path("out.jsonl.failures.jsonl").write_text(json.dumps(noted) + "\n", encoding="utf-8")
    estimate = estimated(*arguments)
    assert (estimate["skipped"], estimate["waiting"], estimate["documents"]) == (1, 1, 1)
    assert "1 failed before and not asked about again without --retry-failed" in rows(*arguments)["documents"]


def test_an_output_that_a_run_is_writing_can_be_estimated(fake: FakeEndpoint) -> None:
    arguments = [
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
    ]
    extractor("extract", *arguments)
    with open_output(Path("out.jsonl")):
        assert estimated(*arguments)["skipped"] == 3


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_link_to_an_output_is_followed(fake: FakeEndpoint) -> None:
    Path("there").mkdir()
    arguments = [
        "texts",
        "-o",
        "there/out.jsonl",
        "--base-url",
        fake.base_url,
        "--model",
        "fake",
        "--separate-fields",
        "--concurrency",
        "1",
    ]
    extractor("extract", *arguments)
    Path("link.jsonl").symlink_to("there/out.jsonl")
    arguments[2] = "link.jsonl"
    assert estimated(*arguments)["skipped"] == 3


def test_only_the_questions_of_a_new_field_are_counted(fake: FakeEndpoint) -> None:
    schema = (ROOT / "schemas" / "meeting.py").read_text(encoding="utf-8")
    Path("my.py").write_text(schema, encoding="utf-8")
    arguments = [
        "texts",
        "-o",
        "out.jsonl",
        "--schema",
        "my.py",
        "--base-url",
        fake.base_url,
        "--model",
        "fake",
        "--separate-fields",
    ]
    extractor("extract", *arguments)
    begin, head, rest = schema.partition("class MeetingRecord(")
    doc, quotes, fields = rest.partition('"""\n')
    Path("my.py").write_text(
        f'{begin}{head}{doc}{quotes}    venue: Verbatim | None = Field(description="会议地点")\n{fields}',
        encoding="utf-8",
    )
    done = len(fake.seen)
    estimate = estimated(*arguments)
    assert estimate["outdated"] == 3
    assert rows(*arguments)["records"] == "3 of an earlier recipe, to be back-filled"
    extractor("extract", *arguments)
    assert estimate["fields"] == {"venue": len(fake.seen) - done} == {"venue": 3}


# --- wrong usage ---


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], "nowhere does not exist"),
        (["texts", "--model", "nobody/m"], "does not name a model of a known provider"),
        (["texts", "--price-in", "1"], "--price-in and --price-out belong together"),
        (["texts", "--concurrency", "many"], "--concurrency takes auto or a number"),
        (["texts", "--schema", "nothing"], "nothing"),
        (["texts", "-o", "other.jsonl"], "other.jsonl holds records of another recipe"),
        (["texts", "-o", "broken.jsonl"], "broken.jsonl, line 1, is not a record"),
    ],
)
def test_wrong_usage_gives_one_sentence(folder: Path, arguments: list[str], words: str) -> None:
    line = {
        "format": 2,
        "id": "a",
        "source": {"path": "texts/a.txt", "sha256": "00"},
        "run": {"recipe": "0123456789ab"},
    }
    Path("other.jsonl").write_text(json.dumps(line) + "\n", encoding="utf-8")
    Path("broken.jsonl").write_text("{}\n", encoding="utf-8")
    result = extractor("estimate", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr
    assert "/tmp" not in result.stderr.replace(str(folder), "")


def test_a_file_that_cant_be_read_is_counted() -> None:
    Path("texts/d.txt").write_bytes(b"")
    estimate = estimated("texts")
    assert (estimate["documents"], estimate["failed"]) == (3, 1)
    assert rows("texts")["documents"] == "3 to convert, 1 unreadable"


# --- prices ---


def test_the_cost_is_that_of_the_tokens() -> None:
    estimate = estimated("texts", "--model", "openai/gpt-4o-mini", "--price-in", "2", "--price-out", "10")
    for end in ("low", "high"):
        expected = (round(estimate["tokens_in"][end]) * 2 + round(estimate["tokens_out"][end]) * 10) / 1e6
        assert estimate["cost"][end] == pytest.approx(expected)
    assert estimate["price_source"] is None


PRICED: list[tuple[list[str], str]] = [
    (["--model", "local"], "nothing: the model runs on this machine"),
    (["--model", "ollama/qwen2.5:14b"], "unknown: no price is listed for ollama/qwen2.5:14b; give --price-in"),
    (["--model", "openai/gpt-4o-mini", "--base-url", "http://127.0.0.1:9/v1"], "unknown: no price is listed"),
    (["--model", "openai/gpt-4o-mini"], "$0.0"),
    (["--model", "ollama/m", "--price-in", "1", "--price-out", "1"], "$0.0"),
]


@pytest.mark.parametrize(("arguments", "cost"), PRICED)
def test_the_cost_row(arguments: list[str], cost: str) -> None:
    assert rows("texts", *arguments)["cost"].startswith(cost)


def test_the_source_of_a_price_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = rows("texts", "--model", "deepseek/deepseek-flash")["price"]
    assert shown.startswith(
        "$0.3 in, $1.2 out per million tokens, as of 2026-11-01 (genai-prices 0.2.3)\nthe price on work"
    )
    old = Source("a table", date(2020, 1, 1))
    monkeypatch.setitem(PRICES, "openai/gpt-4o", (2.5, 10, None, old))
    shown = rows("texts", "--model", "openai/gpt-4o")["price"]
    assert shown.endswith("this price is from 2020-01-01: check it, or give --price-in and --price-out")
    assert is_old(old, date(2021, 1, 2))
    assert not is_old(old, date(2020, 12, 31))


@pytest.mark.parametrize("model", ["openai/gpt-4o-mini", "OpenAI/gpt-4o-mini", "openai/ gpt-4o-mini"])
def test_a_model_is_found_whatever_its_spelling(model: str) -> None:
    assert price_of(model) == Price(0.15, 0.6, 0.075)
    assert source_of(model) is not None


@pytest.mark.parametrize("model", ["gpt-4o-mini", "openai/gpt-4o-mini-2024-07-18", "local", ""])
def test_a_price_is_not_guessed(model: str) -> None:
    assert price_of(model) is None
    assert source_of(model) is None


def test_the_price_list_names_known_providers() -> None:
    for model, (read, written, cached, source) in PRICES.items():
        provider, _, name = model.partition("/")
        assert provider in PROVIDERS
        assert name == name.lower()
        assert 0 < read <= written
        assert cached is not None
        assert cached < read
        assert date(2026, 1, 1) < source.day


# --- time ---


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["--model", "openai/gpt-4o-mini", "--separate-fields"],
            "as long as the endpoint takes for 15 answers, up to 32 at a time",
        ),
        (
            ["--model", "openai/gpt-4o-mini", "--separate-fields", "--concurrency", "4"],
            "as long as 4 answers take one after another, 4 at a time",
        ),
        (
            ["--model", "openai/gpt-4o-mini", "--rpm", "5"],
            "at least 0.6 min at --rpm 5, and as long as the endpoint takes for 3 answers, up to 32 at a time",
        ),
        (["--model", "openai/gpt-4o-mini", "--concurrency", "auto"], "as long as the endpoint takes for 3 answers"),
        (["--model", "local", "--concurrency", "8", "--rpm", "5"], "as long as 6 answers take one after another"),
    ],
)
def test_the_time_row(arguments: list[str], words: str) -> None:
    assert rows("texts", *arguments)["time"].startswith(words)


def test_a_token_limit_bounds_the_time() -> None:
    estimate = estimated("texts", "--model", "openai/gpt-4o-mini", "--tpm", "100")
    for end in ("low", "high"):
        tokens = estimate["tokens_in"][end] + estimate["tokens_out"][end]
        assert estimate["minutes_at_least"][end] == pytest.approx(tokens / 100)


# --- what is included and what is not ---


def test_fields_that_share_a_question_are_counted_each() -> None:
    together, separate_fields = (
        estimated("texts", "--model", "openai/gpt-4o-mini", *more) for more in ([], ["--separate-fields"])
    )
    assert (together["requests"], separate_fields["requests"]) == (3, 15)
    assert together["fields"] == separate_fields["fields"]
    assert together["tokens_in"]["high"] < separate_fields["tokens_in"]["high"]
    assert together["tokens_out"]["high"] == pytest.approx(separate_fields["tokens_out"]["high"], rel=0.01)


def test_schemas_beside_the_messages_count_in_the_upper_bound_only() -> None:
    beside = estimated("texts", "--model", "openai/gpt-4o-mini")
    within = estimated("texts", "--model", "deepseek/deepseek-flash")
    assert beside["shapes"] > 0
    assert within["shapes"] == 0
    spread: Any = lambda estimate: estimate["tokens_in"]["high"] / estimate["tokens_in"]["low"]  # noqa: E731
    assert spread(within) == pytest.approx((1 + WITHIN) / (1 - WITHIN))
    assert spread(beside) > spread(within)


def test_what_is_not_included_is_listed() -> None:
    left = rows("texts", "--model", "openai/gpt-4o-mini", "--verify", "--second-pass")["excluded"]
    for words in ("asked again", "thinking", "cache", "--verify", "--second-pass"):
        assert words in left
    assert rows("texts")["excluded"] == "questions asked again because the answer does not fit or is too long"


def test_the_second_pass_is_counted_as_if_nothing_was_found() -> None:
    plain, filled = (estimated("texts", "--model", "openai/gpt-4o-mini", *more) for more in ([], ["--second-pass"]))
    assert filled["requests"] > plain["requests"]


def test_the_documentation_shows_what_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    page = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    shown = re.search(r"^```bash\nextractor (estimate .*)\n```.*?```text\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert shown is not None
    printed = extractor(*shown[1].split()).stdout.splitlines()
    assert [line for line in shown[2].splitlines() if line not in printed] == []
