"""BUDGET: --max-tokens and --max-cost, with every kind of usage. The endpoint counts what was really answered."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from checks import check_files, check_process, check_records, failures, records
from corpus import write_files
from server import Ask, answer_text, completion, encoded, http, serving
from tool import extract, start
from verdict import Bench, Row, Shared, Verdict

DOCUMENTS = 40
# US dollars per million tokens: read and written.
PRICE = (1.0, 2.0)
ANSWERS = 10
"""How many answers the limit is meant for."""


@dataclass(frozen=True)
class Bill:
    """What the endpoint says that an answer took. `tokens` None: as estimated, or nothing usable is said."""

    name: str
    usage: Any
    tokens: tuple[int, int] | None


def estimate(folder: Path) -> tuple[float, float]:
    """Tokens in by the tool's own estimate, for one question: the lower and the upper bound."""
    write_files(folder / "in", DOCUMENTS)
    arguments = ["estimate", "in", "--base-url", "http://127.0.0.1:9/v1", "--model", "m", "--mode", "live", "--json"]
    ended = start(folder, arguments).wait()
    assert ended.code == 0, f"the estimate failed: {ended.screen}"
    tokens = json.loads(ended.stdout)["tokens_in"]
    return tokens["low"] / DOCUMENTS, tokens["high"] / DOCUMENTS


def estimated(shared: Shared) -> tuple[float, float]:
    return shared.once("estimate", estimate)  # type: ignore[return-value]


def bills() -> list[Bill]:
    return [
        Bill("as estimated", "estimate", None),
        Bill("missing", None, None),
        Bill("negative", {"prompt_tokens": -700, "completion_tokens": -100}, None),
        Bill("NaN", {"prompt_tokens": float("nan"), "completion_tokens": float("nan")}, None),
        # Less than a quarter of the estimate is not believed.
        Bill("tiny", {"prompt_tokens": 1, "completion_tokens": 1}, None),
        Bill("huge", {"prompt_tokens": 100_000, "completion_tokens": 100_000}, (100_000, 100_000)),
    ]


def limited(bill: Bill, by_cost: bool, at_once: int, bench: Bench, verdict: Verdict) -> None:
    """A run that the limit must stop after about ANSWERS answers."""
    low, high = estimated(bench.shared)
    middle = (low + high) / 2
    texts: dict[str, str | None] = dict(write_files(bench.folder / "in", DOCUMENTS))
    (bench.folder / "out").mkdir()
    usage = {"prompt_tokens": round(middle), "completion_tokens": 100} if bill.usage == "estimate" else bill.usage
    tokens_in, tokens_out = bill.tokens or (round(middle), 100)
    cost_of_one = (tokens_in * PRICE[0] + tokens_out * PRICE[1]) / 1e6
    # Where the endpoint's usage is far from the estimate, the limit is what ANSWERS questions are estimated at.
    one = (middle + 100) if not by_cost else (middle * PRICE[0] + 100 * PRICE[1]) / 1e6
    limit = ANSWERS * one

    def answer(ask: Ask) -> Any:
        body = completion(answer_text(ask))
        if usage is None:
            del body["usage"]
        else:
            body["usage"] = usage
        return (0.1, http(200, encoded(body)))

    option = ["--max-cost", f"{limit:.6f}", "--price-in", str(PRICE[0]), "--price-out", str(PRICE[1])]
    option = option if by_cost else ["--max-tokens", str(round(limit))]
    with serving(answer) as endpoint:
        ended = start(bench.folder, extract(["in"], endpoint.base_url, "--concurrency", str(at_once), *option)).wait(90)
        answered = endpoint.answered()
        check_process(verdict, ended)
        check_files(verdict, bench.folder)
        judge(
            verdict,
            bill,
            answered,
            at_once,
            cost_of_one if by_cost else tokens_in + tokens_out,
            limit,
            one,
            (low, high),
        )
        kinds = sorted({str(line["kind"]) for line in failures(bench.folder)})
        verdict.came = f"exit {ended.code}, {answered} answers, limit for {limit / one:.0f}" + (
            f", {', '.join(kinds)}" if kinds else ""
        )
        stopped = answered < DOCUMENTS
        verdict.expect(ended.code == (1 if stopped else 0), f"exit code {ended.code} after {answered} answers")
        verdict.expect(not stopped or "--max-" in ended.screen, f"the limit is not named: {ended.screen[-200:]!r}")
        again = start(bench.folder, extract(["in"], endpoint.base_url)).wait()
    check_process(verdict, again)
    verdict.expect(again.code == 0 and len(records(bench.folder)) == DOCUMENTS, f"without a limit: exit {again.code}")
    check_records(verdict, bench.folder, texts)
    twice = len(endpoint.asks) - len(endpoint.times_asked())
    if twice:
        verdict.count("doubled", f"{twice} questions asked twice", twice)


def judge(
    verdict: Verdict,
    bill: Bill,
    answered: int,
    at_once: int,
    spent_by_one: float,
    limit: float,
    one: float,
    estimates: tuple[float, float],
) -> None:
    """Overshoot: at most the answers under way. Undershoot: at most one answer."""
    low, high = estimates
    spread = high / low
    if bill.tokens is None and bill.usage != "estimate":
        # By estimate, which may be off by the spread that the tool itself states.
        least, most = ANSWERS / spread - 1, ANSWERS * spread + at_once
        verdict.expect(least <= answered <= most, f"{answered} answers, not {least:.1f} to {most:.1f}")
        return
    spent = answered * spent_by_one
    over = spent - limit
    verdict.expect(
        over <= at_once * spent_by_one, f"{over / spent_by_one:.1f} answers over the limit, {at_once} under way"
    )
    if answered < DOCUMENTS:
        # The next question is refused only if it, as estimated or as usual, would not fit.
        room = limit - spent
        verdict.expect(
            room <= max(one * spread, spent_by_one) + 1e-9, f"stopped with room for {room / one:.1f} questions"
        )


def nothing_allowed(option: str, bench: Bench, verdict: Verdict) -> None:
    """A limit of 0: nothing is asked."""
    write_files(bench.folder / "in", 3)
    (bench.folder / "out").mkdir()
    with serving() as endpoint:
        more = [option, "0"] + (["--price-in", "1", "--price-out", "1"] if option == "--max-cost" else [])
        ended = start(bench.folder, extract(["in"], endpoint.base_url, *more)).wait()
        asked = len(endpoint.asks)
    check_process(verdict, ended)
    verdict.came = f"exit {ended.code}, {asked} requests"
    verdict.expect(asked == 0 and ended.code == 1, f"{asked} requests, exit code {ended.code}")


def rows(long: bool) -> list[Row]:
    made = []
    for bill in bills():
        for by_cost in (False, True):
            for at_once in (1, 8):
                option = "--max-cost" if by_cost else "--max-tokens"
                fault = f"{option}, usage {bill.name}, {at_once} at once"
                short = at_once == 8 and (bill.name, by_cost) in (("as estimated", True), ("missing", False))
                must = "over by at most what is under way, under by at most one answer"
                made.append(Row("BUDGET", fault, must, partial(limited, bill, by_cost, at_once), short))
    for option in ("--max-tokens", "--max-cost"):
        made.append(Row("BUDGET", f"{option} 0", "nothing asked, exit 1", partial(nothing_allowed, option)))
    return made
