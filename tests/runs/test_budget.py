"""What a run spends: limits, the event log, the run log and the progress line."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fake_endpoint import Step, answering
from scripted import completion
from typer.testing import CliRunner

from extractor.cancellation import Cancellation
from extractor.cli.main import app
from extractor.cli.progress import FIRST_LINES, ProgressDisplay
from extractor.document import Json
from extractor.errors import BudgetSpentError, RunInterruptedError, RunStoppedError
from extractor.llm.call import REASKED, Attempt, Reply, Request, Usage
from extractor.llm.prices import Price
from extractor.llm.tokens import tokens_in, usage_of
from extractor.runs.budget import Budget, Limits
from extractor.runs.run_log import run_log_path

SPEECH = "5月27日，全市安全生产工作会议召开。市委书记李明主持会议并讲话。去年，全市排查隐患1260处。\n"
BODY: Json = {"model": "m", "messages": [{"role": "user", "content": "会议" * 100}], "max_tokens": 100}


def attempt(number: int = 1, error: str | None = None, reasked: bool = False) -> Attempt:
    about = {"document": "d", "field": "f", "start": 0, "end": 9, **({REASKED: True} if reasked else {})}
    usage = Usage() if error else Usage(1, 100, 40, 10)
    return Attempt(Request(BODY, about), number, 0.5, usage, error)


def test_first_asks_re_asks_and_retries_are_counted_separately() -> None:
    events: list[Json] = []
    budget = Budget(Price(1.0, 2.0, 0.5), on_event=events.append)
    for each in (attempt(error="server_error"), attempt(2), attempt(reasked=True)):
        budget.record_attempt(each)
    assert (budget.first, budget.reasked) == (Usage(1, 100, 40, 10), Usage(1, 100, 40, 10))
    assert (budget.retries, budget.errors) == (1, {"server_error": 1})
    # 60 read afresh, 40 from the cache, 10 written.
    assert budget.cost(budget.first) == pytest.approx((60 + 20 + 20) / 1e6)
    assert [(e["attempt"], e["error"], e["reasked"], e["input_tokens"]) for e in events] == [
        (1, "server_error", False, 0),
        (2, None, False, 100),
        (1, None, True, 100),
    ]
    assert budget.to_json()["first"]["cost"] == pytest.approx(1e-4)


REPORTED = {
    "usage": {"prompt_tokens": 130, "completion_tokens": 50},
    "none": None,
    "negative": {"prompt_tokens": -130, "completion_tokens": -50},
    "nothing": {"prompt_tokens": 0, "completion_tokens": 0},
    "too little": {"prompt_tokens": 1, "completion_tokens": 1},
    "no numbers": {"prompt_tokens": "many", "completion_tokens": None},
}
ANSWER = "会" * 77  # about 50 tokens
MOST = usage_of(BODY, {"usage": REPORTED["usage"]}).tokens


@pytest.mark.parametrize("at_once", [1, 8])
@pytest.mark.parametrize("reported", REPORTED.values(), ids=REPORTED)
@pytest.mark.parametrize("limits", [Limits(tokens=20 * MOST), Limits(cost=20 * MOST / 1e6)], ids=["tokens", "cost"])
def test_a_limit_is_kept_to_an_answer(limits: Limits, reported: Json | None, at_once: int) -> None:
    """No answer more than are under way beyond the limit, and none less than fit, whatever the endpoint reports."""
    budget = Budget(Price(1.0, 1.0), limits)
    body = completion(ANSWER).body | {"usage": reported}

    def answer(request: Request) -> Reply:
        threading.Event().wait(0.001)
        budget.record_attempt(Attempt(request, 1, 0.0, usage_of(request.body, body)))
        return Reply(body)

    call = budget.limit_call(answer)
    with ThreadPoolExecutor(at_once) as pool:
        ended = [future.exception() for future in [pool.submit(call, Request(BODY)) for _ in range(40)]]
    assert all(error is None or isinstance(error, BudgetSpentError) for error in ended)
    assert 19 * MOST <= budget.usage.tokens <= (20 + at_once) * MOST
    assert (budget.usage.estimated > 0) == (reported is not REPORTED["usage"])


def test_a_question_near_the_limit_waits_for_the_answers_under_way() -> None:
    """Only then is it known what they take."""
    budget = Budget(limits=Limits(tokens=2 * tokens_in(BODY) + 5))
    begun, go_on = threading.Event(), threading.Event()

    def answer(request: Request) -> Reply:
        begun.set()
        go_on.wait(10)
        budget.record_attempt(Attempt(request, 1, 0.0, Usage(1, tokens_in(BODY), 0, 1)))
        return completion("{}")

    call = budget.limit_call(answer)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(call, Request(BODY))
        begun.wait(10)
        begun.clear()
        second = pool.submit(call, Request(BODY))
        assert not begun.wait(0.1)
        go_on.set()
        first.result(10)
        second.result(10)
        with pytest.raises(BudgetSpentError, match="over --max-tokens"):
            call(Request(BODY))


def test_what_waits_near_a_limit_ends_with_the_run() -> None:
    budget, cancellation = Budget(limits=Limits(tokens=tokens_in(BODY) + 20)), Cancellation()
    begun, go_on = threading.Event(), threading.Event()

    def answer(request: Request) -> Reply:
        begun.set()
        go_on.wait(10)
        return completion("{}")

    call = budget.limit_call(answer, cancellation)
    with ThreadPoolExecutor(2) as pool:
        pool.submit(call, Request(BODY))
        begun.wait(10)
        waiting = pool.submit(call, Request(BODY))
        cancellation.stop(RunInterruptedError("The run was interrupted."))
        assert isinstance(waiting.exception(10), RunStoppedError)
        go_on.set()


def test_the_progress_line() -> None:
    shown: list[str] = []
    clock = [0.0]
    progress = ProgressDisplay(None, shown.append, now=lambda: clock[0])
    budget = Budget(Price(1.0, 1.0))
    progress.watch_budget(budget)
    progress.total, progress.skipped = 110, lambda: 10
    for number in range(50):
        clock[0] += 1.0
        budget.record_attempt(attempt(2))
        progress.document_done(f"d{number}", 1, [])
    assert shown[:FIRST_LINES] == [f"d{number}: 1 record" for number in range(FIRST_LINES)]
    assert (
        shown[FIRST_LINES]
        == "35 of 100 documents · 1.0 answers/s · 65 s left · 3850 tokens · $0.0039 · 35 attempts repeated"
    )
    assert len(shown) == FIRST_LINES + 2
    progress.document_done("e", 0, [{"reason": "It broke."}])
    assert shown[-1] == "e: 0 records, 1 failure: It broke."


@pytest.fixture
def texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.txt").write_text(SPEECH, encoding="utf-8")


def test_the_event_log_has_each_attempt_and_the_run_log_both_ends_of_a_run(texts: None) -> None:
    once = iter([Step(500, {"error": {"message": "internal"}}, {"retry-after": "0.01"})])
    key = "sk-secret-0123456789"
    with answering(lambda body: next(once, None)) as fake:
        command = [
            "extract",
            "a.txt",
            "-o",
            "o.jsonl",
            "--base-url",
            fake.base_url,
            "--model",
            "fake",
            "--separate-fields",
            "--concurrency",
            "1",
        ]
        more = ["--log-json", "log.jsonl", "--price-in", "1", "--price-out", "2"]
        result = CliRunner(env={"EXTRACTOR_API_KEY": key}).invoke(app, [*command, *more])
        asked = len(fake.seen)
    assert result.exit_code == 0, result.stderr
    *events, last = [json.loads(line) for line in Path("log.jsonl").read_text(encoding="utf-8").splitlines()]
    assert last.items() >= {"event": "document", "document": "a", "records": 1, "failures": 0}.items()
    assert len(events) == asked == 4
    assert [event["error"] for event in events] == ["server_error", *[None] * 3]
    assert [event["attempt"] for event in events] == [1, 2, 1, 1]
    assert events[1]["cost"] == pytest.approx(2000 / 1e6)
    assert (
        "spent: 3 answers to first questions (4500 tokens, $0.0060)\nfailed attempts: 1 (server_error 1); 1 attempt repeated"
        in result.stderr
    )
    start, end = (json.loads(line) for line in run_log_path(Path("o.jsonl")).read_text(encoding="utf-8").splitlines())
    line = json.loads(Path("o.jsonl").read_text(encoding="utf-8"))
    assert start["run"] == end["run"]
    assert start["recipe"]["digest"] == line["run"]["recipe"]
    assert start["settings"]["price"] == {"input": 1.0, "output": 2.0, "cached": None}
    assert {"python", "instructor", "openai", "pydantic"} <= start["versions"].keys()
    assert (end["exit_code"], end["records"], end["spent"]["retries"]) == (0, 1, 1)
    assert line["run"]["cost"] == pytest.approx(6000 / 1e6)
    assert line["run"]["retries"] == 1
    assert not any(key in path.read_text(encoding="utf-8") for path in Path().glob("*.jsonl"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--max-cost", "1"], "No price is known for fake, so --max-cost can't be kept. Give --price-in"),
        (["--price-in", "1"], "--price-in and --price-out belong together"),
        (
            ["--retry", "nonsense"],
            "--retry takes a kind of failure, not 'nonsense': one of answers_unusable, bad_request, ",
        ),
        (["--restart", "--retry-failed"], "--restart converts everything again"),
        (["--log-json", "none/log.jsonl"], "none/log.jsonl can't be written"),
    ],
)
def test_wrong_usage(texts: None, arguments: list[str], words: str) -> None:
    with answering() as fake:
        command = [
            "extract",
            "a.txt",
            "-o",
            "o.jsonl",
            "--base-url",
            fake.base_url,
            "--model",
            "fake",
            "--separate-fields",
            *arguments,
        ]
        result = CliRunner().invoke(app, command)
        assert fake.seen == []
    assert result.exit_code == 2
    assert result.stderr.startswith(f"extractor: {words}")


def test_a_clock_that_runs_backwards_does_no_harm(texts: None, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(2_000_000_000, 0, -3600))
    monkeypatch.setattr("time.time", lambda: float(next(clock)))
    busy = iter([Step(503, {"error": {"message": "busy"}}, {"retry-after": "Fri, 01 Jan 2100 00:00:00 GMT"})])
    with answering(lambda body: next(busy, None)) as fake:
        server = ["--base-url", fake.base_url, "--model", "fake", "--separate-fields", "--concurrency", "1"]
        command = ["extract", "a.txt", "-o", "o.jsonl", *server]
        result = CliRunner().invoke(app, command)
    # An endpoint that asks for decades of patience is asked again as if it had named no time.
    assert result.exit_code == 0
    assert len(Path("o.jsonl").read_text(encoding="utf-8").splitlines()) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_log_that_cannot_be_written_costs_no_answer(texts: None, capfd: pytest.CaptureFixture[str]) -> None:
    with answering() as fake:
        command = ["extract", "a.txt", "-o", "o.jsonl", "--base-url", fake.base_url, "--model", "fake"]
        result = CliRunner().invoke(app, [*command, "--log-json", "/dev/full"])
    assert result.exit_code == 0
    assert (
        result.stderr.count("/dev/full can't be written: No space left on device. The run continues without the log.")
        == 1
    )
    assert len(Path("o.jsonl").read_text(encoding="utf-8").splitlines()) == 1


def test_a_torn_line_of_the_run_log_is_skipped(texts: None) -> None:
    with answering() as fake:
        command = ["extract", "a.txt", "-o", "o.jsonl", "--base-url", fake.base_url, "--model", "fake"]
        assert CliRunner().invoke(app, command).exit_code == 0
        with run_log_path(Path("o.jsonl")).open("a", encoding="utf-8") as stream:
            stream.write('{"run": "ab')
        assert CliRunner().invoke(app, ["schema", "diff", "o.jsonl", "meeting"]).exit_code == 0
        assert CliRunner().invoke(app, command).exit_code == 0
    notes = run_log_path(Path("o.jsonl")).read_text(encoding="utf-8").splitlines()
    assert [json.loads(note)["event"] for note in notes if note != '{"run": "ab'] == ["start", "end"] * 2
    missing = CliRunner().invoke(app, ["schema", "diff", "nope.jsonl", "meeting"])
    assert (missing.exit_code, missing.stderr) == (
        2,
        "extractor: nope.jsonl can't be read: No such file or directory.\n",
    )
