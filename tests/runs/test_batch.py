"""Questions submitted as a batch, and their replies: the records are those of a live run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from click.testing import Result
from fake_endpoint import LOST, FakeEndpoint, Step, answer_step, answering, field_of, passage_of
from typer.testing import CliRunner

from extractor.cli.main import app
from extractor.document import Json
from extractor.output.answer_cache import answer_cache_path
from extractor.output.files import restart_path
from extractor.pipeline.ask.misfit import SECOND_TRY
from extractor.runs import batch_submission
from extractor.runs.batch_submission import batch_folder, batch_path
from extractor.runs.estimate import shortest_answer

SPEECH = (
    "5月27日，全市安全生产工作会议在{}市人民礼堂召开。市委书记李明主持会议并讲话。去年，全市排查隐患1260处。"
    "李明要求，各部门要加强隐患排查，确保不发生重大事故。\n"
)
CITIES = "丁丙乙"
OUT = Path("out.jsonl")
FAILED = Path("out.jsonl.failures.jsonl")
# A key that would be found wherever it left a trace.
KEY = "sk-batchsecret0123456789"
FIELDS = 5


@pytest.fixture(autouse=True)
def texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EXTRACTOR_API_KEY", KEY)
    Path("texts").mkdir()
    for city in CITIES:
        Path(f"texts/{city}.txt").write_text(SPEECH.format(city), encoding="utf-8")
    return tmp_path


def arguments(fake: FakeEndpoint, *more: str) -> list[str]:
    return [
        "extract",
        "texts",
        "-o",
        str(OUT),
        "--base-url",
        fake.base_url,
        "--model",
        "fake",
        "--separate-fields",
        "--concurrency",
        "1",
        *more,
    ]


def invoke(*words: str) -> Result:
    result = CliRunner().invoke(app, list(words))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def extract(fake: FakeEndpoint, *more: str) -> Result:
    return invoke(*arguments(fake, *more))


def batch(command: str) -> Result:
    return invoke("batch", command, str(OUT))


def content() -> list[str]:
    return sorted(OUT.read_text(encoding="utf-8").splitlines())


def failures() -> list[Json]:
    return [json.loads(line) for line in FAILED.read_text(encoding="utf-8").splitlines()]


def live(fake: FakeEndpoint, *more: str) -> tuple[list[str], list[Json]]:
    """The lines and failures of a live run, whose files are then deleted."""
    extract(fake, *more)
    lines, failed = content() if OUT.exists() else [], failures() if FAILED.exists() else []
    for path in [*Path().glob("out.jsonl*")]:
        if path.is_dir():
            for inner in path.iterdir():
                inner.unlink()
            path.rmdir()
        else:
            path.unlink()
    fake.seen.clear()
    return lines, failed


def city_of(body: Json) -> str:
    return next(city for city in CITIES if f"{city}市" in passage_of(body))


# --- as if live ---


def test_a_batch_gives_the_lines_of_a_live_run() -> None:
    with answering() as fake:
        lines, _ = live(fake)
        submitted = extract(fake, "--batch")
        assert (submitted.exit_code, fake.live) == (0, [])
        assert "submitted: the open questions of 3 documents" in submitted.stderr
        assert f"batch: {3 * FIELDS} requests in 1 (batch_1) at http://127.0.0.1" in submitted.stderr
        assert not OUT.exists()
        for request in fake.requests():
            assert set(request) == {"custom_id", "method", "url", "body"}
            assert (request["method"], request["url"]) == ("POST", "/v1/chat/completions")
            assert len(request["custom_id"]) <= 64
        assert len({request["custom_id"] for request in fake.requests()}) == 3 * FIELDS

        status = batch("status")
        assert status.exit_code == 1
        assert status.stdout == f"batch_1  validating  0 completed, 0 failed, {3 * FIELDS} in all, 0 min old\n"
        early = batch("collect")
        assert early.exit_code == 1
        assert "open: 3 documents with questions that have no reply yet" in early.stderr

        fake.end()
        done = batch("status")
        assert done.exit_code == 0
        assert done.stdout == f"batch_1  completed  {3 * FIELDS} completed, 0 failed, {3 * FIELDS} in all, 0 min old\n"
        collected = batch("collect")
        assert (collected.exit_code, fake.live) == (0, [])
        assert "3 documents, 3 records" in collected.stderr
        assert f"spent: {3 * FIELDS} answers to first questions" in collected.stderr
    assert content() == lines
    assert not answer_cache_path(OUT).exists()
    assert not batch_folder(OUT).exists()


def test_collecting_twice_changes_nothing() -> None:
    with answering() as fake:
        extract(fake, "--batch")
        fake.end()
        assert batch("collect").exit_code == 0
        before = OUT.read_bytes()
        again = batch("collect")
        assert (again.exit_code, OUT.read_bytes()) == (0, before)
        assert "nothing to do: all 3 documents are up to date" in again.stderr
        assert batch("status").stdout.endswith("completed  15 requests, collected, 0 min old\n")
        assert batch("status").exit_code == 0
        assert extract(fake).exit_code == 0
        assert extract(fake, "--batch").exit_code == 0
        assert (fake.live, len(fake.batches)) == ([], 1), "all is done"


def test_a_restart_that_a_batch_forbids_touches_nothing() -> None:
    part = Path("out.jsonl.part")
    with answering() as fake:
        extract(fake, "--batch")
        part.write_bytes(b"kept\n")
        refused = extract(fake, "--restart")
        assert (refused.exit_code, fake.live) == (2, [])
    assert "A batch is under way for out.jsonl" in refused.stderr
    assert part.read_bytes() == b"kept\n"
    assert not restart_path(OUT).exists()


def test_fields_that_share_a_question_share_their_refusal() -> None:
    command = ["extract", "texts", "-o", str(OUT), "--model", "fake", "--base-url"]
    refused = Step(400, {"error": {"message": "bad"}})

    def nothing(body: Json) -> Step:
        return answer_step(shortest_answer(body["response_format"]["json_schema"]["schema"]))

    with answering(lambda body: refused if city_of(body) == "丙" else nothing(body)) as fake:
        invoke(*command, fake.base_url, "--batch")
        shared = len(fake.requests())
        assert shared < 3 * FIELDS
        fake.end()
        assert batch("collect").exit_code == 1
        assert {failure["id"] for failure in failures()} == {"丙"}
        fake.misbehave = nothing
        assert invoke(*command, fake.base_url, "--batch", "--retry-failed").exit_code == 0
        assert len(fake.requests("batch_2")) == shared // 3
        fake.end()
        assert batch("collect").exit_code == 0
        lines = content()
        assert len(lines) == 3
        for path in (OUT, batch_path(OUT)):
            path.unlink()
        invoke(*command, fake.base_url)
    assert content() == lines


def test_texts_with_the_same_question_share_one_request() -> None:
    Path("texts/甲.txt").write_text(SPEECH.format("乙"), encoding="utf-8")
    with answering() as fake:
        lines, _ = live(fake)
        extract(fake, "--batch")
        assert len(fake.requests()) == 3 * FIELDS
        fake.end()
        assert batch("collect").exit_code == 0
    assert content() == lines
    assert len(lines) == 4


def test_many_requests_are_split_into_several_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_submission, "MOST_REQUESTS", 4)
    with answering() as fake:
        lines, _ = live(fake)
        extract(fake, "--batch")
        assert [len(fake.requests(name)) for name in fake.batches] == [4, 4, 4, 3]
        fake.end()
        assert len(batch("status").stdout.splitlines()) == 4
        assert batch("collect").exit_code == 0
    assert content() == lines


def test_a_batch_is_no_larger_than_the_provider_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_submission, "MOST_BYTES", 10_000)
    with answering() as fake:
        extract(fake, "--batch")
        assert len(fake.batches) > 1
        for made in fake.batches.values():
            assert len(fake.files[made["input_file_id"]]) <= 10_000


def test_recorded_replies_are_not_submitted_and_new_ones_are_recorded() -> None:
    with answering() as fake:
        extract(fake, "--batch", "--mode", "record", "--replies", "replies")
        fake.end()
        assert batch("collect").exit_code == 0
        lines = content()
        OUT.unlink()
        assert extract(fake, "--batch", "--replies", "replies").exit_code == 0
        assert (content(), len(fake.batches), fake.live) == (lines, 1, [])


# --- errors and missing replies ---


def test_refusals_in_the_error_file_fail_as_in_a_live_run() -> None:
    refused = Step(400, {"error": {"message": "bad"}})
    filtered = Step(400, {"error": {"message": "敏感内容"}})

    def misbehave(body: Json) -> Step | None:
        if field_of(body) == "officials":
            return {"乙": refused, "丙": filtered}.get(city_of(body))
        return None

    with answering(misbehave) as fake:
        lines, failed = live(fake)
        extract(fake, "--batch")
        fake.end()
        collected = batch("collect")
        assert collected.exit_code == 1
        assert "received 13 answers, 1 content_filtered, 1 bad_request" in collected.stderr.replace(
            "1 bad_request, 1 content_filtered", "1 content_filtered, 1 bad_request"
        )
        assert (content(), failures()) == (lines, failed)
        assert extract(fake, "--batch").exit_code == 1
        assert len(fake.batches) == 1, "what was refused is not submitted again"
        fake.misbehave = lambda body: None
        retried = extract(fake, "--batch", "--retry-failed")
        assert retried.exit_code == 0
        assert [field_of(request["body"]) for request in fake.requests("batch_2")] == ["officials"] * 2
        fake.end()
        assert batch("collect").exit_code == 0
        assert not FAILED.exists()
        whole = content()
        assert live(fake)[0] == whole


@pytest.mark.parametrize(
    "disguised",
    [
        answer_step("{}", finish_reason="content_filter"),
        Step(body={"error": {"message": "敏感内容", "code": 400}}),
    ],
)
def test_an_error_with_status_200_is_an_error(disguised: Step) -> None:
    with answering(lambda body: disguised if field_of(body) == "date" and city_of(body) == "丙" else None) as fake:
        lines, failed = live(fake)
        extract(fake, "--batch")
        fake.end()
        assert batch("collect").exit_code == 1
        assert (content(), failures()) == (lines, failed)
        assert [f["kind"] for f in failed] == ["content_filtered"]


@pytest.mark.parametrize("passing", [Step(500, {"error": {"message": "broken"}}), Step(429, {"error": "wait"}), LOST])
@pytest.mark.parametrize("by_batch", [True, False])
def test_errors_that_a_retry_may_fix_leave_the_question_open(passing: Step, by_batch: bool) -> None:
    with answering() as fake:
        lines, _ = live(fake)
        fake.misbehave = lambda body: passing if field_of(body) == "targets" and city_of(body) == "丁" else None
        extract(fake, "--batch")
        fake.end()
        collected = batch("collect")
        assert collected.exit_code == 1
        assert "2 documents, 2 records" in collected.stderr
        assert "open: 1 document with questions that have no reply yet" in collected.stderr
        assert "next: run the same command with --batch to submit the open questions" in collected.stderr
        assert not FAILED.exists()
        fake.misbehave = lambda body: None
        if by_batch:
            assert extract(fake, "--batch").exit_code == 0
            assert len(fake.requests("batch_2")) == 1
            fake.end()
            assert batch("collect").exit_code == 0
        else:
            assert extract(fake).exit_code == 0
            assert len(fake.live) == 1
    assert content() == lines


@pytest.mark.parametrize("status", ["expired", "cancelled"])
def test_partial_results_count(status: str) -> None:
    with answering() as fake:
        lines, _ = live(fake)
        extract(fake, "--batch")
        fake.end(status, answered=7)
        result = batch("status")
        assert result.exit_code == 1
        assert result.stdout.startswith(f"batch_1  {status}  7 completed, 8 failed, 15 in all")
        assert batch("collect").exit_code == 1
        assert len(content()) == 1, "five questions are a document's"
        assert extract(fake, "--batch").exit_code == 0
        assert len(fake.requests("batch_2")) == 8
        fake.end()
        assert batch("collect").exit_code == 0
    assert content() == lines


def test_a_batch_that_fails_as_a_whole_shows_why_and_its_questions_stay_open() -> None:
    with answering() as fake:
        lines, _ = live(fake)
        extract(fake, "--batch")
        (made,) = fake.batches.values()
        made |= {"status": "failed", "errors": {"data": [{"message": f"Enqueued token limit reached for {KEY}."}]}}
        result = batch("status")
        assert result.exit_code == 1
        assert (
            "failed  0 completed, 0 failed, 15 in all, 0 min old: Enqueued token limit reached for ***" in result.stdout
        )
        assert batch("collect").exit_code == 1
        assert extract(fake).exit_code == 0
    assert content() == lines


def test_an_answer_that_does_not_fit_is_asked_again_in_the_next_batch() -> None:
    asked: Counter[str] = Counter()

    def misbehave(body: Json) -> Step | None:
        if field_of(body) == "date" and SECOND_TRY not in body["messages"][-1]["content"] and city_of(body) == "乙":
            asked["misfit"] += 1
            return answer_step('{"日期": 5}')
        return None

    with answering(misbehave) as fake:
        lines, _ = live(fake)
        extract(fake, "--batch")
        fake.end()
        assert batch("collect").exit_code == 1
        assert len(content()) == 2
        assert extract(fake, "--batch").exit_code == 0
        (again,) = fake.requests("batch_2")
        assert SECOND_TRY in again["body"]["messages"][-1]["content"]
        fake.end()
        assert batch("collect").exit_code == 0
    assert content() == lines
    assert asked["misfit"] == 2, "once live, once in the batch"


def test_halves_of_a_truncated_question_go_into_the_next_batch() -> None:
    long = "".join(SPEECH.format("乙").replace("1260", f"126{number}") for number in range(6))
    Path("texts/乙.txt").write_text(long, encoding="utf-8")

    def misbehave(body: Json) -> Step | None:
        is_long = city_of(body) == "乙" and len(passage_of(body)) > 400
        return (
            answer_step('{"officials": [', finish_reason="length")
            if field_of(body) == "officials" and is_long
            else None
        )

    with answering(misbehave) as fake:
        lines, _ = live(fake)
        extract(fake, "--batch")
        fake.end()
        assert batch("collect").exit_code == 1
        assert extract(fake, "--batch").exit_code == 0
        assert [field_of(request["body"]) for request in fake.requests("batch_2")] == ["officials"] * 2
        fake.end()
        assert batch("collect").exit_code == 0
    assert content() == lines


def test_second_rounds_are_not_submitted_before_the_first_is_answered() -> None:
    options = ("--second-pass", "--verify")
    with answering() as fake:
        lines, _ = live(fake, *options)
        in_all = 0
        for _ in range(6):
            extract(fake, "--batch", *options)
            fake.end()
            if batch("collect").exit_code == 0:
                break
        first = fake.requests("batch_1")
        assert len(first) == 3 * FIELDS
        names = [request["custom_id"] for request in fake.requests()]
        assert len(names) == len(set(names)), "nothing is submitted twice"
        assert len(fake.batches) > 1
        in_all = len(names)
        assert content() == lines
        live(fake, *options)
        OUT.unlink(missing_ok=True)
        extract(fake, *options)
        assert len(fake.live) == in_all, "no more than a live run asks"


# --- never twice ---


def test_a_second_batch_and_a_live_run_are_refused_while_one_is_under_way() -> None:
    with answering() as fake:
        extract(fake, "--batch")
        for again in (extract(fake, "--batch"), extract(fake)):
            assert again.exit_code == 2
            assert "A batch is under way for out.jsonl: see how far it is with `extractor batch status" in again.stderr
        assert (len(fake.batches), fake.live) == (1, [])


def start(fake: FakeEndpoint, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "extractor", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("then", ["submit", "collect"])
def test_a_batch_that_was_created_and_not_saved_is_found(then: str) -> None:
    running: list[subprocess.Popen[str]] = []
    with answering() as fake:
        lines, _ = live(fake)
        fake.on_batch = lambda batch: running[0].send_signal(signal.SIGKILL)
        for other in range(5):  # batches of others, on later pages
            fake.batches[f"batch_other{other}"] = {"id": f"batch_other{other}", "status": "completed"}
        running.append(start(fake, *arguments(fake, "--batch")))
        running[0].communicate(timeout=60)
        fake.on_batch = lambda batch: None
        assert len(fake.batches) == 6
        assert "batch_6  validating" in batch("status").stdout
        refused = extract(fake)
        assert refused.exit_code == 2, "the batch may be under way"
        if then == "submit":
            again = extract(fake, "--batch")
            assert again.exit_code == 0
            assert "the submission of an earlier run is complete now" in again.stderr
        assert len(fake.batches) == 6, "no second one is made"
        for other in range(5):
            del fake.batches[f"batch_other{other}"]
        fake.end()
        assert batch("collect").exit_code == 0
    assert content() == lines


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("call", ["POST /files", "POST /batches"])
def test_a_kill_before_a_batch_is_created_lets_it_be_created_once(call: str) -> None:
    running: list[subprocess.Popen[str]] = []

    def kill(asked: str) -> Step | None:
        if asked == call:
            running[0].send_signal(signal.SIGKILL)
            return Step(drop=True)
        return None

    with answering() as fake:
        fake.refuse = kill
        running.append(start(fake, *arguments(fake, "--batch")))
        running[0].communicate(timeout=60)
        fake.refuse = lambda asked: None
        assert extract(fake, "--batch").exit_code == 0
        assert len(fake.batches) == 1
        fake.end()
        assert batch("collect").exit_code == 0
    assert len(content()) == 3


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_a_kill_while_collecting_loses_and_doubles_nothing() -> None:
    with answering() as fake:
        lines, _ = live(fake)
        extract(fake, "--batch")
        fake.end()
        (made,) = fake.batches.values()
        whole = fake.files[made["output_file_id"]]
        fake.files[made["output_file_id"]] = b"\n".join(whole.split(b"\n")[:7]) + b"\n{"
        running = start(fake, "batch", "collect", str(OUT))
        while len([*answer_cache_path(OUT).glob("*")]) < 1:
            assert running.poll() is None
        running.send_signal(signal.SIGKILL)  # while it waits before it tries again
        running.communicate(timeout=60)
        fake.files[made["output_file_id"]] = whole
        assert batch("collect").exit_code == 0
    assert content() == lines


def test_a_submission_that_was_refused_in_part_is_completed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_submission, "MOST_REQUESTS", 10)
    with answering() as fake:
        lines, _ = live(fake)
        fake.refuse = lambda call: (
            Step(400, {"error": {"message": "too many batches"}}) if call == "POST /batches" and fake.batches else None
        )
        refused = extract(fake, "--batch")
        assert refused.exit_code == 1
        assert "too many batches" in refused.stderr
        assert "(number 2)  not submitted  5 requests" in batch("status").stdout
        fake.refuse = lambda call: None
        other = extract(fake, "--batch", "--model", "other")
        assert other.exit_code == 2
        assert "was cut short: complete it with the same --model" in other.stderr
        assert extract(fake, "--batch").exit_code == 0
        assert [len(fake.requests(name)) for name in fake.batches] == [10, 5]
        fake.end()
        assert batch("collect").exit_code == 0
    assert content() == lines


def test_a_batch_can_be_cancelled_and_its_answers_so_far_collected() -> None:
    with answering() as fake:
        lines, _ = live(fake)
        extract(fake, "--batch")
        result = batch("cancel")
        assert (result.exit_code, result.stdout.split("  ")[:2]) == (0, ["batch_1", "cancelling"])
        assert batch("collect").exit_code == 1
        fake.end("cancelled", answered=5)
        assert batch("collect").exit_code == 1
        assert extract(fake).exit_code == 0
        assert len(fake.live) == 10
    assert content() == lines


def test_cancelling_gives_up_what_was_not_submitted_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_submission, "MOST_REQUESTS", 10)
    with answering() as fake:
        lines, _ = live(fake)
        fake.refuse = lambda call: (
            Step(400, {"error": {"message": "too many batches"}}) if call == "POST /batches" and fake.batches else None
        )
        assert extract(fake, "--batch").exit_code == 1
        fake.refuse = lambda call: None
        assert batch("cancel").exit_code == 0
        assert extract(fake, "--batch").exit_code == 2, "the one that was created is not collected yet"
        assert len(fake.batches) == 1
        fake.end("cancelled", answered=0)
        batch("collect")
        assert extract(fake).exit_code == 0
        assert len(fake.batches) == 1
    assert content() == lines


# --- wrong usage ---


def test_a_provider_without_batches_gives_one_sentence() -> None:
    with answering() as fake:
        fake.refuse = lambda call: Step(404, {"detail": "Not Found"})
        refused = extract(fake, "--batch")
        assert refused.exit_code == 2
        assert "has no batch API" in refused.stderr
        assert "Leave out --batch to ask live" in refused.stderr
        assert extract(fake).exit_code == 0, "the same can be asked live"
    assert len(content()) == 3


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["texts", "-o", "out.jsonl"], "The embedded model has no batch API"),
        (
            ["texts", "--base-url", "http://127.0.0.1:9/v1"],
            "--batch can't be combined with standard output: name a file",
        ),
        (
            ["-", "-o", "out.jsonl", "--base-url", "http://127.0.0.1:9/v1"],
            "--batch can't be combined with standard input",
        ),
        (["texts", "-o", "out.jsonl", "--mode", "replay"], "--batch can't be combined with --mode replay"),
        (["texts", "-o", "out.jsonl", "--restart"], "--batch can't be combined with --restart"),
        (["texts", "-o", "out.jsonl", "--max-cost", "1"], "--batch can't be combined with --max-cost and --max-tokens"),
    ],
)
def test_wrong_usage(more: list[str], words: str) -> None:
    refused = invoke("extract", *more, "--batch")
    assert refused.exit_code == 2
    assert words in refused.stderr


def test_without_a_submission_there_is_nothing_to_collect() -> None:
    for command in ("status", "collect", "cancel"):
        refused = batch(command)
        assert refused.exit_code == 2
        assert "Nothing was submitted for out.jsonl" in refused.stderr


def test_a_key_of_another_project_gives_one_sentence_and_loses_nothing() -> None:
    with answering() as fake:
        extract(fake, "--batch")
        made = fake.batches.pop("batch_1")
        for command in ("status", "collect"):
            refused = batch(command)
            assert refused.exit_code == 2
            assert "has no batch batch_1" in refused.stderr
        fake.batches["batch_1"] = made
        fake.end()
        assert batch("collect").exit_code == 0


def test_no_key_is_on_disk() -> None:
    echo = Step(401, {"error": {"message": f"Incorrect API key provided: {KEY}"}})
    refusal = Step(400, {"error": {"message": f"bad, says {KEY}"}})

    def misbehave(body: Json) -> Step | None:
        if field_of(body) == "date":
            return {"乙": echo, "丙": refusal, "丁": answer_step({"date": KEY})}[city_of(body)]
        return None

    with answering(misbehave) as fake:
        extract(fake, "--batch")
        assert fake.keys == {f"Bearer {KEY}"}
        seen = {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}
        fake.end()
        collected = batch("collect")
        seen |= {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}
    assert batch_path(OUT) in seen
    assert KEY not in collected.stderr
    for path, written in seen.items():
        assert KEY.encode() not in written, path
