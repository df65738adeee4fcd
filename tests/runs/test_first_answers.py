"""A run whose first answers can't be used ends after few questions; one with an odd document goes on."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from fake_endpoint import FakeEndpoint, Step, answer_step, answering, passage_of
from typer.testing import CliRunner

from extractor.api import extract as extract_in_process
from extractor.cli.main import app
from extractor.document import Document, Json
from extractor.errors import AnswersUnusableError
from extractor.pipeline.ask.ask import MOST_QUESTIONS
from extractor.runs.first_answers import FIRST_QUESTIONS, FIRST_QUESTIONS_OF_ONE_DOCUMENT

SPEECH = "5月27日，第{}次全市安全生产工作会议召开。市委书记李明主持会议并讲话。去年，全市排查隐患1260处。\n"
WORDS = answer_step("好的，我来为您整理会议的要点。")
OTHER = answer_step({"summary": "会议要点"})
BLANK = answer_step("")
CUT = answer_step('{"date": "5月', finish_reason="length")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(count: int, times: int = 1) -> None:
    Path("texts").mkdir(exist_ok=True)
    for n in range(count):
        Path(f"texts/{n:02}.txt").write_text(SPEECH.format(n) * times, encoding="utf-8")


def extract(fake: FakeEndpoint, *arguments: str) -> Result:
    settings = ["--base-url", fake.base_url, "--model", "fake", "-q", *arguments]
    result = CliRunner().invoke(app, ["extract", "texts", "-o", "out.jsonl", *settings])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def failures() -> list[Json]:
    return [json.loads(line) for line in Path("out.jsonl.failures.jsonl").read_text(encoding="utf-8").splitlines()]


def about(number: int) -> Callable[[Json], bool]:
    return lambda body: f"第{number}次" in passage_of(body)


@pytest.mark.parametrize("step", [WORDS, OTHER, BLANK], ids=["words", "other keys", "blank"])
@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_model_that_never_answers_ends_the_run_with_a_sentence(step: Step, concurrency: int) -> None:
    write(60)
    with answering(lambda body: step) as fake:
        result = extract(fake, "--concurrency", str(concurrency))
        asked = len(fake.seen)
    assert result.exit_code == 2
    assert "stopped: None of the first " in result.stderr
    assert "answers could be used. The last one: The " in result.stderr
    assert "use another model" in result.stderr
    # Two tries each, and what was under way.
    assert 2 * FIRST_QUESTIONS <= asked <= 2 * FIRST_QUESTIONS + 4 * concurrency
    assert not Path("out.jsonl").exists()
    kinds = {failure["kind"] for failure in failures()}
    assert {"answers_unusable", "not_reached"} <= kinds


def test_one_long_text_is_enough() -> None:
    write(1, times=3000)
    with answering(lambda body: WORDS) as fake:
        result = extract(fake, "--concurrency", "1")
        asked = len(fake.seen)
    assert (result.exit_code, asked) == (2, 2 * FIRST_QUESTIONS_OF_ONE_DOCUMENT)
    assert [failure["kind"] for failure in failures()] == ["answers_unusable"]


def test_answers_that_are_all_cut_off_end_the_run_with_another_hint() -> None:
    write(60, times=20)
    with answering(lambda body: CUT) as fake:
        result = extract(fake, "--concurrency", "1")
        asked = len(fake.seen)
    assert (result.exit_code, asked) == (2, FIRST_QUESTIONS * MOST_QUESTIONS)
    assert "cut off at its length limit. Allow longer answers with --max-output-tokens" in result.stderr


@pytest.mark.parametrize("odd", [0, 3, 9])
@pytest.mark.parametrize("step", [WORDS, OTHER, BLANK, CUT], ids=["words", "other keys", "blank", "cut off"])
def test_one_document_in_ten_does_not_end_the_run(odd: int, step: Step) -> None:
    write(10)
    with answering(lambda body: step if about(odd)(body) else None) as fake:
        result = extract(fake, "--concurrency", "1")
        asked = len(fake.seen)
    assert result.exit_code == 1
    assert [failure["id"] for failure in failures()] == [f"{odd:02}"] * 5
    assert len(Path("out.jsonl").read_text(encoding="utf-8").splitlines()) == 9
    assert asked == 10 + (0 if step is CUT else 1)


def test_a_first_document_that_no_model_answers_does_not_end_the_run() -> None:
    """Even if it has many passages."""
    write(3)
    Path("texts/00.txt").write_text(SPEECH.format(0) * 400, encoding="utf-8")
    with answering(lambda body: WORDS if about(0)(body) else None) as fake:
        result = extract(fake, "--concurrency", "1")
        assert FIRST_QUESTIONS < len(fake.seen) / 2 < FIRST_QUESTIONS_OF_ONE_DOCUMENT
    assert result.exit_code == 1
    assert {failure["id"] for failure in failures()} == {"00"}
    assert len(Path("out.jsonl").read_text(encoding="utf-8").splitlines()) == 2


def test_first_answers_that_come_right_when_asked_again_do_not_end_the_run() -> None:
    write(20)
    seen: set[str] = set()

    def stumbling(body: Json) -> Step | None:
        first = passage_of(body) not in seen
        seen.add(passage_of(body))
        return WORDS if first else None

    with answering(stumbling) as fake:
        result = extract(fake, "--concurrency", "8")
        assert len(fake.seen) == 40
    assert result.exit_code == 0, result.stderr


def test_after_a_usable_answer_no_number_of_others_ends_the_run() -> None:
    write(20)
    with answering(lambda body: None if about(0)(body) else WORDS) as fake:
        result = extract(fake, "--concurrency", "1")
        assert len(fake.seen) == 1 + 2 * 19
    assert result.exit_code == 1
    assert "stopped" not in result.stderr


def test_the_same_command_asks_again_once_the_model_answers() -> None:
    """What could not be used is not kept; only the documents that had failed before need --retry-failed."""
    write(8)
    with answering(lambda body: WORDS) as fake:
        assert extract(fake).exit_code == 2
    with answering() as fake:
        extract(fake)
        assert extract(fake, "--retry-failed").exit_code == 0
        assert len(fake.seen) == 8
    assert len(Path("out.jsonl").read_text(encoding="utf-8").splitlines()) == 8
    assert not Path("out.jsonl.answers").exists()
    assert not Path("out.jsonl.failures.jsonl").exists()


def test_one_long_text_is_asked_again_from_its_beginning() -> None:
    write(1, times=1300)
    with answering(lambda body: WORDS) as fake:
        assert extract(fake).exit_code == 2
    with answering() as fake:
        assert extract(fake).exit_code == 0
    assert not Path("out.jsonl.failures.jsonl").exists()


def test_the_library_stops_too() -> None:
    documents = [Document.from_text(SPEECH.format(n), f"d{n}") for n in range(60)]
    with answering(lambda body: WORDS) as fake:
        extraction: Any = extract_in_process(
            documents, base_url=fake.base_url, model="fake", mode="live", concurrency=1
        )
        with pytest.raises(AnswersUnusableError, match="None of the first 10 answers could be used"):
            list(extraction)
        assert len(fake.seen) == 2 * FIRST_QUESTIONS


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (Step(400, {"error": {"message": "unknown field cache_prompt"}}), "answered 400: unknown field cache_prompt"),
        (Step(404, {"error": {"message": "no such model"}}), "answered 404: no such model"),
        (Step(body="<html>login</html>", media="text/html"), "answered with a web page"),
    ],
    ids=["400", "404", "login page"],
)
def test_an_endpoint_that_answers_nobody_ends_the_run(step: Step, words: str) -> None:
    write(60)
    with answering(lambda body: step) as fake:
        result = extract(fake, "--concurrency", "1")
        asked = len(fake.seen)
    assert (result.exit_code, asked) == (2, FIRST_QUESTIONS)
    assert f"stopped: None of the first {FIRST_QUESTIONS} questions was answered. The last error: " in result.stderr
    assert words in result.stderr
    kinds = Counter(failure["kind"] for failure in failures())
    assert kinds["not_reached"] == 60 - FIRST_QUESTIONS
    with answering() as fake:  # the run goes on where it stopped; what was asked about failed by itself
        assert extract(fake, "--concurrency", "1").exit_code == 1
        assert extract(fake, "--concurrency", "1", "--retry-failed").exit_code == 0
    assert len(Path("out.jsonl").read_text(encoding="utf-8").splitlines()) == 60


def test_a_server_that_is_not_there_ends_the_run_at_once() -> None:
    write(60)
    with answering() as fake:
        pass
    result = extract(fake, "--concurrency", "4")
    assert result.exit_code == 2
    assert "cannot be reached: " in result.stderr
    assert "Check the address" in result.stderr
    estimate = CliRunner().invoke(
        app, ["estimate", "texts", "-o", "out.jsonl", "--base-url", fake.base_url, "--model", "fake"]
    )
    assert "documents   60 to convert" in estimate.stdout


def test_texts_that_are_refused_for_what_they_say_end_no_run() -> None:
    write(9)
    refused = Step(400, {"error": {"message": "content_filter"}})
    with answering(lambda body: None if about(8)(body) else refused) as fake:
        assert extract(fake, "--concurrency", "1").exit_code == 1
    assert {failure["kind"] for failure in failures()} == {"content_filtered"}
    assert len(Path("out.jsonl").read_text(encoding="utf-8").splitlines()) == 1
