"""Questions that go into a provider's batch, and the replies that come home: the lines are those of a live run."""

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
# What a key looks like whose traces would be found.
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


def arguments(client: FakeEndpoint, *more: str) -> list[str]:
    return [
        "extract",
        "texts",
        "-o",
        str(OUT),
        "--base-url",
        client.base_url,
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


def extract(client: FakeEndpoint, *more: str) -> Result:
    return invoke(*arguments(client, *more))


def batch(command: str) -> Result:
    return invoke("batch", command, str(OUT))


def content() -> list[str]:
    return sorted(OUT.read_text(encoding="utf-8").splitlines())


def failures() -> list[Json]:
    return [json.loads(line) for line in FAILED.read_text(encoding="utf-8").splitlines()]


def live(client: FakeEndpoint, *more: str) -> tuple[list[str], list[Json]]:
    """The lines and failures of a live run of the same, which is then taken away."""
    extract(client, *more)
    lines, failed = content() if OUT.exists() else [], failures() if FAILED.exists() else []
    for path in [*Path().glob("out.jsonl*")]:
        if path.is_dir():
            for inner in path.iterdir():
                inner.unlink()
            path.rmdir()
        else:
            path.unlink()
    client.seen.clear()
    return lines, failed


def city_of(body: Json) -> str:
    return next(city for city in CITIES if f"{city}市" in passage_of(body))


# --- as if live ---


def test_a_batch_gives_the_lines_of_a_live_run() -> None:
    with answering() as client:
        lines, _ = live(client)
        submitted = extract(client, "--batch")
        assert (submitted.exit_code, client.live) == (0, [])
        assert "submitted: the open questions of 3 documents" in submitted.stderr
        assert f"batch: {3 * FIELDS} requests in 1 (batch_1) at http://127.0.0.1" in submitted.stderr
        assert not OUT.exists()
        for request in client.requests():
            assert set(request) == {"custom_id", "method", "url", "body"}
            assert (request["method"], request["url"]) == ("POST", "/v1/chat/completions")
            assert len(request["custom_id"]) <= 64
        assert len({request["custom_id"] for request in client.requests()}) == 3 * FIELDS

        status = batch("status")
        assert status.exit_code == 1
        assert status.stdout == f"batch_1  validating  0 completed, 0 failed, {3 * FIELDS} in all, 0 min old\n"
        early = batch("collect")
        assert early.exit_code == 1
        assert "open: 3 documents with questions that no reply has answered yet" in early.stderr

        client.end()
        done = batch("status")
        assert done.exit_code == 0
        assert done.stdout == f"batch_1  completed  {3 * FIELDS} completed, 0 failed, {3 * FIELDS} in all, 0 min old\n"
        collected = batch("collect")
        assert (collected.exit_code, client.live) == (0, [])
        assert "3 documents, 3 records" in collected.stderr
        assert f"spent: {3 * FIELDS} answers to first asks" in collected.stderr
    assert content() == lines
    assert not answer_cache_path(OUT).exists()
    assert not batch_folder(OUT).exists()


def test_collecting_twice_changes_nothing() -> None:
    with answering() as client:
        extract(client, "--batch")
        client.end()
        assert batch("collect").exit_code == 0
        before = OUT.read_bytes()
        again = batch("collect")
        assert (again.exit_code, OUT.read_bytes()) == (0, before)
        assert "held: 3 documents" in again.stderr
        assert batch("status").stdout.endswith("completed  15 requests, collected, 0 min old\n")
        assert batch("status").exit_code == 0
        assert extract(client).exit_code == 0
        assert extract(client, "--batch").exit_code == 0
        assert (client.live, len(client.batches)) == ([], 1), "all is done"


def test_fields_that_share_a_question_share_their_refusal() -> None:
    command = ["extract", "texts", "-o", str(OUT), "--model", "fake", "--base-url"]
    refused = Step(400, {"error": {"message": "bad"}})

    def nothing(body: Json) -> Step:
        return answer_step(shortest_answer(body["response_format"]["json_schema"]["schema"]))

    with answering(lambda body: refused if city_of(body) == "丙" else nothing(body)) as client:
        invoke(*command, client.base_url, "--batch")
        shared = len(client.requests())
        assert shared < 3 * FIELDS
        client.end()
        assert batch("collect").exit_code == 1
        assert {failure["id"] for failure in failures()} == {"丙"}
        client.misbehave = nothing
        assert invoke(*command, client.base_url, "--batch", "--retry-failed").exit_code == 0
        assert len(client.requests("batch_2")) == shared // 3
        client.end()
        assert batch("collect").exit_code == 0
        lines = content()
        assert len(lines) == 3
        for path in (OUT, batch_path(OUT)):
            path.unlink()
        invoke(*command, client.base_url)
    assert content() == lines


def test_two_texts_that_ask_the_same_ask_it_once() -> None:
    Path("texts/甲.txt").write_text(SPEECH.format("乙"), encoding="utf-8")
    with answering() as client:
        lines, _ = live(client)
        extract(client, "--batch")
        assert len(client.requests()) == 3 * FIELDS
        client.end()
        assert batch("collect").exit_code == 0
    assert content() == lines
    assert len(lines) == 4


def test_what_is_too_much_for_one_batch_goes_into_several(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_submission, "MOST_REQUESTS", 4)
    with answering() as client:
        lines, _ = live(client)
        extract(client, "--batch")
        assert [len(client.requests(name)) for name in client.batches] == [4, 4, 4, 3]
        client.end()
        assert len(batch("status").stdout.splitlines()) == 4
        assert batch("collect").exit_code == 0
    assert content() == lines


def test_a_batch_is_no_larger_than_the_provider_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_submission, "MOST_BYTES", 10_000)
    with answering() as client:
        extract(client, "--batch")
        assert len(client.batches) > 1
        for made in client.batches.values():
            assert len(client.files[made["input_file_id"]]) <= 10_000


def test_recorded_replies_are_not_submitted_and_new_ones_are_recorded() -> None:
    with answering() as client:
        extract(client, "--batch", "--mode", "record", "--replies", "tape")
        client.end()
        assert batch("collect").exit_code == 0
        lines = content()
        OUT.unlink()
        assert extract(client, "--batch", "--replies", "tape").exit_code == 0
        assert (content(), len(client.batches), client.live) == (lines, 1, [])


# --- what does not come, or not well ---


def test_what_the_error_file_refuses_fails_as_in_a_live_run() -> None:
    refused = Step(400, {"error": {"message": "bad"}})
    filtered = Step(400, {"error": {"message": "敏感内容"}})

    def misbehave(body: Json) -> Step | None:
        if field_of(body) == "officials":
            return {"乙": refused, "丙": filtered}.get(city_of(body))
        return None

    with answering(misbehave) as client:
        lines, failed = live(client)
        extract(client, "--batch")
        client.end()
        collected = batch("collect")
        assert collected.exit_code == 1
        assert "received 13 answers, 1 content_filtered, 1 bad_request" in collected.stderr.replace(
            "1 bad_request, 1 content_filtered", "1 content_filtered, 1 bad_request"
        )
        assert (content(), failures()) == (lines, failed)
        assert extract(client, "--batch").exit_code == 1
        assert len(client.batches) == 1, "what is refused is not submitted for ever"
        client.misbehave = lambda body: None
        retried = extract(client, "--batch", "--retry-failed")
        assert retried.exit_code == 0
        assert [field_of(request["body"]) for request in client.requests("batch_2")] == ["officials"] * 2
        client.end()
        assert batch("collect").exit_code == 0
        assert not FAILED.exists()
        whole = content()
        assert live(client)[0] == whole


@pytest.mark.parametrize(
    "disguised",
    [
        answer_step("{}", finish_reason="content_filter"),
        Step(body={"error": {"message": "敏感内容", "code": 400}}),
    ],
)
def test_an_error_in_disguise_is_one(disguised: Step) -> None:
    with answering(lambda body: disguised if field_of(body) == "date" and city_of(body) == "丙" else None) as client:
        lines, failed = live(client)
        extract(client, "--batch")
        client.end()
        assert batch("collect").exit_code == 1
        assert (content(), failures()) == (lines, failed)
        assert [f["kind"] for f in failed] == ["content_filtered"]


@pytest.mark.parametrize("passing", [Step(500, {"error": {"message": "broken"}}), Step(429, {"error": "wait"}), LOST])
@pytest.mark.parametrize("by_batch", [True, False])
def test_what_another_try_may_mend_is_asked_again(passing: Step, by_batch: bool) -> None:
    with answering() as client:
        lines, _ = live(client)
        client.misbehave = lambda body: passing if field_of(body) == "targets" and city_of(body) == "丁" else None
        extract(client, "--batch")
        client.end()
        collected = batch("collect")
        assert collected.exit_code == 1
        assert "2 documents, 2 records" in collected.stderr
        assert "open: 1 document with questions that no reply has answered yet" in collected.stderr
        assert "next: run the same command with --batch to submit the open questions" in collected.stderr
        assert not FAILED.exists()
        client.misbehave = lambda body: None
        if by_batch:
            assert extract(client, "--batch").exit_code == 0
            assert len(client.requests("batch_2")) == 1
            client.end()
            assert batch("collect").exit_code == 0
        else:
            assert extract(client).exit_code == 0
            assert len(client.live) == 1
    assert content() == lines


@pytest.mark.parametrize("status", ["expired", "cancelled"])
def test_partial_results_count(status: str) -> None:
    with answering() as client:
        lines, _ = live(client)
        extract(client, "--batch")
        client.end(status, answered=7)
        told = batch("status")
        assert told.exit_code == 1
        assert told.stdout.startswith(f"batch_1  {status}  7 completed, 8 failed, 15 in all")
        assert batch("collect").exit_code == 1
        assert len(content()) == 1, "five questions are a document's"
        assert extract(client, "--batch").exit_code == 0
        assert len(client.requests("batch_2")) == 8
        client.end()
        assert batch("collect").exit_code == 0
    assert content() == lines


def test_a_batch_that_fails_as_a_whole_says_why_and_its_questions_stay_open() -> None:
    with answering() as client:
        lines, _ = live(client)
        extract(client, "--batch")
        (made,) = client.batches.values()
        made |= {"status": "failed", "errors": {"data": [{"message": f"Enqueued token limit reached for {KEY}."}]}}
        told = batch("status")
        assert told.exit_code == 1
        assert (
            "failed  0 completed, 0 failed, 15 in all, 0 min old: Enqueued token limit reached for ***" in told.stdout
        )
        assert batch("collect").exit_code == 1
        assert extract(client).exit_code == 0
    assert content() == lines


def test_a_misfit_is_asked_for_again_in_the_next_batch() -> None:
    asked: Counter[str] = Counter()

    def misbehave(body: Json) -> Step | None:
        if field_of(body) == "date" and len(body["messages"]) == 2 and city_of(body) == "乙":
            asked["misfit"] += 1
            return answer_step('{"date": 5}')
        return None

    with answering(misbehave) as client:
        lines, _ = live(client)
        extract(client, "--batch")
        client.end()
        assert batch("collect").exit_code == 1
        assert len(content()) == 2
        assert extract(client, "--batch").exit_code == 0
        (again,) = client.requests("batch_2")
        assert len(again["body"]["messages"]) > 2
        client.end()
        assert batch("collect").exit_code == 0
    assert content() == lines
    assert asked["misfit"] == 2, "once live, once in the batch"


def test_halves_of_what_was_cut_off_go_into_the_next_batch() -> None:
    long = "".join(SPEECH.format("乙").replace("1260", f"126{number}") for number in range(6))
    Path("texts/乙.txt").write_text(long, encoding="utf-8")

    def misbehave(body: Json) -> Step | None:
        is_long = city_of(body) == "乙" and len(passage_of(body)) > 400
        return (
            answer_step('{"officials": [', finish_reason="length")
            if field_of(body) == "officials" and is_long
            else None
        )

    with answering(misbehave) as client:
        lines, _ = live(client)
        extract(client, "--batch")
        client.end()
        assert batch("collect").exit_code == 1
        assert extract(client, "--batch").exit_code == 0
        assert [field_of(request["body"]) for request in client.requests("batch_2")] == ["officials"] * 2
        client.end()
        assert batch("collect").exit_code == 0
    assert content() == lines


def test_second_rounds_are_not_submitted_before_the_first_is_answered() -> None:
    options = ("--second-pass", "--verify")
    with answering() as client:
        lines, _ = live(client, *options)
        in_all = 0
        for _ in range(6):
            extract(client, "--batch", *options)
            client.end()
            if batch("collect").exit_code == 0:
                break
        first = client.requests("batch_1")
        assert len(first) == 3 * FIELDS
        names = [request["custom_id"] for request in client.requests()]
        assert len(names) == len(set(names)), "nothing is submitted twice"
        assert len(client.batches) > 1
        in_all = len(names)
        assert content() == lines
        live(client, *options)
        OUT.unlink(missing_ok=True)
        extract(client, *options)
        assert len(client.live) == in_all, "no more than a live run asks"


# --- never twice ---


def test_a_second_batch_and_a_live_run_are_refused_while_one_is_under_way() -> None:
    with answering() as client:
        extract(client, "--batch")
        for again in (extract(client, "--batch"), extract(client)):
            assert again.exit_code == 2
            assert "A batch is under way for out.jsonl: see how far it is with `extractor batch status" in again.stderr
        assert (len(client.batches), client.live) == (1, [])


def start(client: FakeEndpoint, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "extractor", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("then", ["submit", "collect"])
def test_a_batch_that_was_made_and_not_noted_is_found(then: str) -> None:
    running: list[subprocess.Popen[str]] = []
    with answering() as client:
        lines, _ = live(client)
        client.on_batch = lambda batch: running[0].send_signal(signal.SIGKILL)
        for other in range(5):  # of somebody else, on later pages
            client.batches[f"batch_other{other}"] = {"id": f"batch_other{other}", "status": "completed"}
        running.append(start(client, *arguments(client, "--batch")))
        running[0].communicate(timeout=60)
        client.on_batch = lambda batch: None
        assert len(client.batches) == 6
        assert "batch_6  validating" in batch("status").stdout
        refused = extract(client)
        assert refused.exit_code == 2, "it may be under way"
        if then == "submit":
            again = extract(client, "--batch")
            assert again.exit_code == 0
            assert "the submission of an earlier run is complete now" in again.stderr
        assert len(client.batches) == 6, "no second one is made"
        for other in range(5):
            del client.batches[f"batch_other{other}"]
        client.end()
        assert batch("collect").exit_code == 0
    assert content() == lines


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("call", ["POST /files", "POST /batches"])
def test_a_kill_before_a_batch_is_made_lets_it_be_made_once(call: str) -> None:
    running: list[subprocess.Popen[str]] = []

    def kill(asked: str) -> Step | None:
        if asked == call:
            running[0].send_signal(signal.SIGKILL)
            return Step(drop=True)
        return None

    with answering() as client:
        client.refuse = kill
        running.append(start(client, *arguments(client, "--batch")))
        running[0].communicate(timeout=60)
        client.refuse = lambda asked: None
        assert extract(client, "--batch").exit_code == 0
        assert len(client.batches) == 1
        client.end()
        assert batch("collect").exit_code == 0
    assert len(content()) == 3


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_a_kill_while_replies_come_home_loses_and_doubles_nothing() -> None:
    with answering() as client:
        lines, _ = live(client)
        extract(client, "--batch")
        client.end()
        (made,) = client.batches.values()
        whole = client.files[made["output_file_id"]]
        client.files[made["output_file_id"]] = b"\n".join(whole.split(b"\n")[:7]) + b"\n{"
        running = start(client, "batch", "collect", str(OUT))
        while len([*answer_cache_path(OUT).glob("*")]) < 1:
            assert running.poll() is None
        running.send_signal(signal.SIGKILL)  # while it waits before it tries again
        running.communicate(timeout=60)
        client.files[made["output_file_id"]] = whole
        assert batch("collect").exit_code == 0
    assert content() == lines


def test_the_rest_of_a_submission_that_was_refused_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_submission, "MOST_REQUESTS", 10)
    with answering() as client:
        lines, _ = live(client)
        client.refuse = lambda call: (
            Step(400, {"error": {"message": "too many batches"}})
            if call == "POST /batches" and client.batches
            else None
        )
        refused = extract(client, "--batch")
        assert refused.exit_code == 1
        assert "too many batches" in refused.stderr
        assert "(number 2)  not submitted  5 requests" in batch("status").stdout
        client.refuse = lambda call: None
        other = extract(client, "--batch", "--model", "other")
        assert other.exit_code == 2
        assert "was cut short: complete it with the same --model" in other.stderr
        assert extract(client, "--batch").exit_code == 0
        assert [len(client.requests(name)) for name in client.batches] == [10, 5]
        client.end()
        assert batch("collect").exit_code == 0
    assert content() == lines


def test_a_batch_can_be_cancelled_and_what_came_is_collected() -> None:
    with answering() as client:
        lines, _ = live(client)
        extract(client, "--batch")
        told = batch("cancel")
        assert (told.exit_code, told.stdout.split("  ")[:2]) == (0, ["batch_1", "cancelling"])
        assert batch("collect").exit_code == 1
        client.end("cancelled", answered=5)
        assert batch("collect").exit_code == 1
        assert extract(client).exit_code == 0
        assert len(client.live) == 10
    assert content() == lines


def test_cancelling_gives_up_what_was_not_submitted_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_submission, "MOST_REQUESTS", 10)
    with answering() as client:
        lines, _ = live(client)
        client.refuse = lambda call: (
            Step(400, {"error": {"message": "too many batches"}})
            if call == "POST /batches" and client.batches
            else None
        )
        assert extract(client, "--batch").exit_code == 1
        client.refuse = lambda call: None
        assert batch("cancel").exit_code == 0
        assert extract(client, "--batch").exit_code == 2, "the one that was made is not home yet"
        assert len(client.batches) == 1
        client.end("cancelled", answered=0)
        batch("collect")
        assert extract(client).exit_code == 0
        assert len(client.batches) == 1
    assert content() == lines


# --- what can't be ---


def test_a_provider_without_batches_is_said_in_a_sentence() -> None:
    with answering() as client:
        client.refuse = lambda call: Step(404, {"detail": "Not Found"})
        refused = extract(client, "--batch")
        assert refused.exit_code == 2
        assert "has no batch API" in refused.stderr
        assert "Leave out --batch to ask live" in refused.stderr
        assert extract(client).exit_code == 0, "and nothing keeps it from being asked live"
    assert len(content()) == 3


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["texts", "-o", "out.jsonl"], "The embedded model takes no batches"),
        (["texts", "--base-url", "http://127.0.0.1:9/v1"], "--batch does not go with standard output: name a file"),
        (["-", "-o", "out.jsonl", "--base-url", "http://127.0.0.1:9/v1"], "--batch does not go with standard input"),
        (["texts", "-o", "out.jsonl", "--mode", "replay"], "--batch does not go with --mode replay"),
        (["texts", "-o", "out.jsonl", "--restart"], "--batch does not go with --restart"),
        (["texts", "-o", "out.jsonl", "--max-cost", "1"], "--batch does not go with --max-cost and --max-tokens"),
    ],
)
def test_wrong_usage_is_said(more: list[str], said: str) -> None:
    refused = invoke("extract", *more, "--batch")
    assert refused.exit_code == 2
    assert said in refused.stderr


def test_without_a_submission_there_is_nothing_to_collect() -> None:
    for command in ("status", "collect", "cancel"):
        refused = batch(command)
        assert refused.exit_code == 2
        assert "Nothing was submitted for out.jsonl" in refused.stderr


def test_a_key_of_another_project_ends_in_a_sentence_and_gives_nothing_up() -> None:
    with answering() as client:
        extract(client, "--batch")
        made = client.batches.pop("batch_1")
        for command in ("status", "collect"):
            refused = batch(command)
            assert refused.exit_code == 2
            assert "knows no batch batch_1" in refused.stderr
        client.batches["batch_1"] = made
        client.end()
        assert batch("collect").exit_code == 0


def test_no_key_is_on_disk() -> None:
    echo = Step(401, {"error": {"message": f"Incorrect API key provided: {KEY}"}})
    refusal = Step(400, {"error": {"message": f"bad, says {KEY}"}})

    def misbehave(body: Json) -> Step | None:
        if field_of(body) == "date":
            return {"乙": echo, "丙": refusal, "丁": answer_step({"date": KEY})}[city_of(body)]
        return None

    with answering(misbehave) as client:
        extract(client, "--batch")
        assert client.keys == {f"Bearer {KEY}"}
        seen = {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}
        client.end()
        collected = batch("collect")
        seen |= {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}
    assert batch_path(OUT) in seen
    assert KEY not in collected.stderr
    for path, held in seen.items():
        assert KEY.encode() not in held, path
