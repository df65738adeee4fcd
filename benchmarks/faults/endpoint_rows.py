"""ENDPOINT: an endpoint that misbehaves in every way that a socket allows.

Each row disturbs the questions about one document of four, or all of them, once or always. Where something
fails, the same command with --retry-failed at a healthy endpoint must give what an undisturbed run gives.
"""

from __future__ import annotations

import email.utils
import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bomb import gigabyte_of
from checks import (
    check_equal,
    check_files,
    check_process,
    check_records,
    check_secret,
    failures,
    incomplete,
    records,
    said_of,
)
from corpus import answer_to, facts_of, text_of, write_files
from server import Ask, End, Part, answer_text, completion, content, encoded, error, good, http, said, serving
from tool import KEY, Ended, Tool, extract, start
from verdict import Bench, Row, Shared, Verdict

DOCUMENTS = 4
DISTURBED = "D0002"

# What must come out. WHOLE: nothing is noticed but the time. FAILS: the disturbed document is listed as failed
# with one of the kinds, the others are whole, exit code 1. STOPS: the run stops as a whole. ANY: whole or failed.
WHOLE, FAILS, STOPS, ANY = "whole", "fails", "stops", "any"
TRANSIENT = ("rate_limited", "overloaded", "server_error", "network", "timed_out", "malformed_response")
UNFIT = ("invalid_answer", "blank_answer", "refused", "truncated", "not_json", "malformed_response", "bad_request")

Disturb = Callable[[Ask], Iterable[Part] | None]


@dataclass(frozen=True)
class Misbehaviour:
    """One way to misbehave. `times`: how often for each question; None: always. `everywhere`: to all documents."""

    fault: str
    disturb: Disturb
    then: str = WHOLE
    kinds: tuple[str, ...] = ()
    times: int | None = 1
    everywhere: bool = False
    arguments: tuple[str, ...] = ()
    bound: float = 60.0
    exit_codes: tuple[int, ...] = ()
    short: bool = False
    # Whether one such reply looks like an outage, so that many at once may be taken for one.
    passing: bool = False
    # A further check of the disturbed run.
    more: Callable[[Verdict, Ended, list[Ask]], None] = lambda verdict, ended, asks: None

    @property
    def must(self) -> str:
        kinds = f" as {' or '.join(self.kinds)}" if self.kinds and len(self.kinds) < 4 else ""
        words = {
            WHOLE: "all records, exit 0",
            FAILS: f"{'all fail' if self.everywhere else 'one fails'}{kinds}, the rest whole, exit 1",
            STOPS: f"stops{kinds}, exit {' or '.join(map(str, self.exit_codes))}; a rerun is whole",
            ANY: "whole, or one fails with a kind; nothing false",
        }
        return words[self.then]


def send(*parts: Part) -> Disturb:
    """These parts, whatever is asked."""
    return lambda ask: parts


def on(make: Callable[[Ask], bytes]) -> Disturb:
    """One part, made from the question."""
    return lambda ask: (make(ask),)


def split(ask: Ask) -> tuple[bytes, bytes]:
    """Head and body of the right reply."""
    head, _, body = good(ask).partition(b"\r\n\r\n")
    return head + b"\r\n\r\n", body


def half(ask: Ask) -> tuple[Part, ...]:
    head, body = split(ask)
    return head + body[: len(body) // 2], End.CLOSE


def longer(ask: Ask) -> tuple[Part, ...]:
    body = encoded(completion(answer_text(ask)))
    return http(200, body, {"content-length": str(len(body) + 500)}), End.CLOSE


def shorter(ask: Ask) -> tuple[Part, ...]:
    body = encoded(completion(answer_text(ask)))
    return http(200, body, {"content-length": str(len(body) // 2)}), End.CLOSE


CHUNKED = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"


def endless_chunks(ask: Ask) -> Iterator[Part]:
    yield CHUNKED
    while True:
        yield b"1\r\n \r\n"
        yield 0.2


def trickle(ask: Ask) -> Iterator[Part]:
    for byte in good(ask):
        yield bytes([byte])
        yield 0.2


def slow_but_whole(ask: Ask) -> Iterator[Part]:
    reply = good(ask)
    step = len(reply) // 20 + 1
    for start_at in range(0, len(reply), step):
        yield reply[start_at : start_at + step]
        yield 0.02


def endless_body(ask: Ask) -> Iterator[Part]:
    yield CHUNKED
    block = b"10000\r\n" + b'"' + b"x" * 65535 + b"\r\n"
    while True:
        yield block


def endless_headers(ask: Ask) -> Iterator[Part]:
    yield b"HTTP/1.1 200 OK\r\n"
    number = 0
    while True:
        number += 1
        yield f"x-{number}: {'y' * 1000}\r\n".encode()


def bomb(ask: Ask) -> tuple[Part, ...]:
    return (http(200, gigabyte_of(b" "), {"content-encoding": "gzip"}),)


def deep(ask: Ask) -> bytes:
    return http(200, b'{"choices":' + b"[" * 100_000 + b"]" * 100_000 + b"}")


def usage(**values: Any) -> Disturb:
    """The right answer with this usage; a value may be raw JSON text."""

    def make(ask: Ask) -> bytes:
        body = completion(answer_text(ask))
        body["usage"] = "USAGE"
        raw = "{" + ",".join(f'"{name}":{value}' for name, value in values.items()) + "}"
        return http(200, encoded(body).replace(b'"USAGE"', raw.encode()))

    return on(make)


def numbers(value: str) -> Disturb:
    return usage(prompt_tokens=value, completion_tokens=value, total_tokens=value)


def doubled_keys(ask: Ask) -> bytes:
    body = encoded(completion(answer_text(ask)))
    return http(200, b'{"choices":[],"usage":{},' + body[1:])


def other_document(ask: Ask) -> bytes:
    """The answer to a question about another document, as a cache gone wrong would give it."""
    facts = facts_of(text_of(3 if ask.document != "D0003" else 4))
    asked = ask.body["response_format"]["json_schema"]["schema"]["properties"]
    return content(json.dumps({k: v for k, v in facts.items() if k in asked}, ensure_ascii=False))


def invented(ask: Ask) -> bytes:
    facts = {
        "date": "2031年1月1日",
        "officials": [{"name": "欧阳虚构", "titles": ["部长"], "roles": ["chair"]}],
        "statistics": [{"indicator": "虚构产值", "value": "98765亿元", "period": "2031年", "region": "火星"}],
        "targets": [{"text": "确保登上火星"}],
        "measures": [{"text": "建立火星基地", "responsible": ["火星局"]}],
    }
    return content(json.dumps({**facts, **{k: v for k, v in answer_to(ask.body).items() if k not in facts}}))


def cut_off(ask: Ask) -> bytes:
    text = answer_text(ask)
    return content(text[: len(text) // 2], "length")


def waited(seconds: float) -> Callable[[Verdict, Ended, list[Ask]], None]:
    """The second attempt at the disturbed question came only after the time that the endpoint asked for."""

    def check(verdict: Verdict, ended: Ended, asks: list[Ask]) -> None:
        times = [ask.received for ask in asks if ask.document == DISTURBED][:2]
        gap = times[1] - times[0] if len(times) == 2 else -1.0
        verdict.expect(gap >= seconds, f"asked again after {gap:.2f} s, not after the {seconds} s asked for")

    return check


def quick(seconds: float) -> Callable[[Verdict, Ended, list[Ask]], None]:
    """It did not wait for a day."""
    return lambda verdict, ended, asks: (
        None if verdict.expect(ended.seconds < seconds, f"took {ended.seconds:.0f} s") else None
    )


def few_asks(most: int) -> Callable[[Verdict, Ended, list[Ask]], None]:
    """It did not go on asking."""
    return lambda verdict, ended, asks: (
        None if verdict.expect(len(asks) <= most, f"{len(asks)} requests, over {most}") else None
    )


def in_days(seconds: float) -> str:
    return email.utils.formatdate(time.time() + seconds, usegmt=True)


def again_later(value: str) -> Disturb:
    return on(lambda ask: error(429, "slow down", {"retry-after": value}))


def dated(ask: Ask) -> bytes:
    return error(429, "slow down", {"retry-after": in_days(3)})


def limits(**headers: str) -> Disturb:
    """The right answer, with headers that announce limits."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return on(lambda ask: http(200, encoded(completion(answer_text(ask))), sent))


HTML = b"<!doctype html><html><head><title>Login</title></head><body><form>Please sign in</form></body></html>"
QUICK = ("--timeout", "2")
ONE = {"times": None, "then": FAILS}
ALL = {"times": None, "everywhere": True}

# fmt: off
MISBEHAVIOURS = [
    # Connections
    Misbehaviour("reset before the headers", send(End.RESET)),
    Misbehaviour("closed before the headers", send(End.CLOSE)),
    Misbehaviour("reset after the headers", lambda ask: (split(ask)[0], End.RESET)),
    Misbehaviour("half a body", half),
    Misbehaviour("half a body, always", half, **ONE, kinds=TRANSIENT, passing=True),
    Misbehaviour("content-length too long", longer),
    Misbehaviour("content-length too short", shorter),
    Misbehaviour("content-length that is no number", on(lambda a: http(200, encoded(completion(answer_text(a))), {"content-length": "many"})), then=ANY, passing=True),
    Misbehaviour("no HTTP at all", send(b"SSH-2.0-OpenSSH_9.6\r\n", End.CLOSE)),
    Misbehaviour("chunks without end", endless_chunks, arguments=QUICK),
    Misbehaviour("byte by byte beyond --timeout", trickle, arguments=QUICK),
    Misbehaviour("byte by byte beyond --timeout, always", trickle, **ONE, arguments=QUICK, kinds=("timed_out",), passing=True),
    Misbehaviour("slow, but whole within --timeout", slow_but_whole, arguments=QUICK),
    Misbehaviour("never answers", send(End.HANG), arguments=QUICK),
    Misbehaviour("a body without end", endless_body, then=ANY, times=None, arguments=("--timeout", "3"), short=True),
    Misbehaviour("headers without end", endless_headers, then=ANY, times=None, arguments=("--timeout", "5")),
    Misbehaviour("1 GB of blanks in gzip", bomb, **ONE, arguments=("--timeout", "20"), short=True),
    # Bodies
    Misbehaviour("a body that is not JSON", send(http(200, b"hello")), **ONE, kinds=UNFIT, passing=True),
    Misbehaviour("an empty body", send(http(200, b"")), **ONE, kinds=UNFIT, passing=True),
    Misbehaviour("a login page with status 200", send(http(200, HTML, media="text/html")), **ONE, kinds=("not_json",)),
    Misbehaviour("JSON of another shape", send(http(200, b'{"result": [1, 2, 3]}')), **ONE, kinds=UNFIT),
    Misbehaviour("JSON that is a list", send(http(200, b"[1]")), **ONE, kinds=UNFIT),
    Misbehaviour("JSON 100,000 levels deep", on(deep), **ONE, kinds=UNFIT, passing=True),
    Misbehaviour("no choices", on(lambda a: said(a, choices=[])), **ONE, kinds=UNFIT),
    Misbehaviour("choices that are null", on(lambda a: said(a, choices=None)), **ONE, kinds=UNFIT),
    Misbehaviour("a choice without a message", on(lambda a: said(a, choices=[{}])), **ONE, kinds=UNFIT),
    Misbehaviour("content null", on(lambda a: content(None)), **ONE, kinds=UNFIT),
    Misbehaviour("content null, once", on(lambda a: content(None))),
    Misbehaviour("content blank", on(lambda a: content("  \n")), **ONE, kinds=("blank_answer",)),
    Misbehaviour("content as a list of parts", on(lambda a: content([{"type": "text", "text": answer_text(a)}])), times=None),
    Misbehaviour("content as parts of odd types", on(lambda a: content([1, None, {"type": "image"}])), **ONE, kinds=UNFIT),
    Misbehaviour("content a number", on(lambda a: content(7)), **ONE, kinds=UNFIT),
    Misbehaviour("a fence around the JSON", on(lambda a: content(f"Here you are:\n```json\n{answer_text(a)}\n```\nBye.")), times=None),
    Misbehaviour("thoughts before the JSON", on(lambda a: content(f'<think>{{"a": 1}} hm</think>\n{answer_text(a)}')), times=None),
    Misbehaviour("words instead of an answer", on(lambda a: content("I cannot help with that.")), **ONE, kinds=UNFIT),
    Misbehaviour("an answer of another shape", on(lambda a: content('{"officials": 7, "date": {}, "measures": "x"}')), times=None, then=ANY),
    Misbehaviour("JSON cut off, finish_reason length", on(cut_off), **ONE, kinds=UNFIT),
    Misbehaviour("JSON cut off, finish_reason stop", on(lambda a: content(answer_text(a)[:-20])), times=1),
    Misbehaviour("finish_reason content_filter", on(lambda a: content("", "content_filter")), **ONE, kinds=("content_filtered",)),
    Misbehaviour("finish_reason null", on(lambda a: content(answer_text(a), None)), times=None),
    Misbehaviour("finish_reason a list", on(lambda a: content(answer_text(a), ["stop"])), times=None, then=ANY),
    Misbehaviour("a byte order mark before the JSON", on(lambda a: http(200, b"\xef\xbb\xbf" + encoded(completion(answer_text(a))))), times=None, then=ANY, passing=True),
    Misbehaviour("bytes of latin-1", on(lambda a: http(200, encoded(completion(answer_text(a), note="x")).replace(b'"x"', b'"caf\xe9"'))), then=ANY, times=None, passing=True),
    Misbehaviour("UTF-16", on(lambda a: http(200, json.dumps(completion(answer_text(a))).encode("utf-16"))), then=ANY, times=None, passing=True),
    Misbehaviour("lone surrogates in the answer", on(lambda a: http(200, encoded(completion("X")).replace(b'"X"', json.dumps(json.dumps({"officials": [{"name": "SURR"}]})).replace("SURR", "\\ud800何").encode()))), then=ANY, times=None, passing=True),
    Misbehaviour("lone surrogates beside the answer", on(lambda a: http(200, encoded(completion(answer_text(a), system_fingerprint="Y")).replace(b'"Y"', b'"\\udc80"'))), then=ANY, times=None, passing=True),
    Misbehaviour("NUL and control characters in the answer", on(lambda a: content(answer_text(a).replace("何", "\\u0000何"))), then=ANY, times=None),
    Misbehaviour("keys that stand twice", on(doubled_keys), times=None),
    Misbehaviour("1e999 beside the answer", on(lambda a: http(200, encoded(completion(answer_text(a), created="T")).replace(b'"T"', b"1e999"))), times=None),
    Misbehaviour("a number of 100,000 digits", on(lambda a: http(200, encoded(completion(answer_text(a), created="T")).replace(b'"T"', b"9" * 100_000))), times=None, then=ANY, passing=True),
    # Usage
    Misbehaviour("usage missing", on(lambda a: http(200, encoded({k: v for k, v in completion(answer_text(a)).items() if k != "usage"}))), times=None),
    Misbehaviour("usage null", on(lambda a: said(a, usage=None)), times=None),
    Misbehaviour("usage negative", numbers("-5"), times=None),
    Misbehaviour("usage NaN", numbers("NaN"), times=None),
    Misbehaviour("usage Infinity", numbers("-Infinity"), times=None),
    Misbehaviour("usage 1e999", numbers("1e999"), times=None),
    Misbehaviour("usage 1e300", numbers("1e300"), times=None),
    Misbehaviour("usage as strings", numbers('"700"'), times=None),
    Misbehaviour("usage as lists", numbers("[7]"), times=None),
    Misbehaviour("usage as objects and booleans", usage(prompt_tokens="{}", completion_tokens="true", prompt_tokens_details='"x"'), times=None),
    Misbehaviour("usage with fractions", numbers("7.5"), times=None),
    Misbehaviour("usage of 40 digits", numbers("9" * 40), times=None, then=ANY),
    # Lies
    Misbehaviour("the answer to another passage", on(other_document), times=None, then=ANY),
    Misbehaviour("invented values", on(invented), times=None, then=ANY),
    # Refusals
    Misbehaviour("429 without Retry-After", send(error(429))),
    Misbehaviour("429 without Retry-After, three times", send(error(429)), times=3),
    Misbehaviour("Retry-After: 2", again_later("2"), more=waited(1.9)),
    Misbehaviour("Retry-After: a date in 3 s", on(dated), more=waited(1.5)),
    Misbehaviour("Retry-After: 0", again_later("0")),
    Misbehaviour("Retry-After: -30", again_later("-30")),
    Misbehaviour("Retry-After: a day", again_later("86400"), **ONE, kinds=("rate_limited",), more=quick(30)),
    Misbehaviour("Retry-After: a date in a year", on(lambda a: error(429, headers={"retry-after": in_days(3e7)})), **ONE, kinds=("rate_limited",), more=quick(30)),
    Misbehaviour("Retry-After: a date of 1970", on(lambda a: error(429, headers={"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}))),
    Misbehaviour("Retry-After: garbage", again_later("soon; nan")),
    Misbehaviour("Retry-After: nan", again_later("nan")),
    Misbehaviour("Retry-After: 1e400", again_later("1e400")),
    Misbehaviour("x-ratelimit headers of garbage", limits(x_ratelimit_limit_requests="nan", x_ratelimit_remaining_requests="-1", x_ratelimit_reset_requests="yesterday"), **ALL),
    Misbehaviour("x-ratelimit headers of 0", limits(x_ratelimit_limit_requests="0", x_ratelimit_limit_tokens="0"), **ALL),
    Misbehaviour("x-ratelimit headers of 1e400", limits(x_ratelimit_limit_requests="1e400", x_ratelimit_limit_tokens="-1e400"), **ALL),
    *(Misbehaviour(f"status {status}, twice", send(error(status)), times=2) for status in (500, 502, 503, 504, 529)),
    Misbehaviour("status 500, always", send(error(500)), **ONE, kinds=("server_error",), passing=True),
    Misbehaviour("status 599 with a web page, always", send(http(599, HTML, media="text/html")), **ONE, kinds=TRANSIENT, passing=True),
    Misbehaviour("status 408", send(error(408))),
    Misbehaviour("status 999", send(http(999, b"{}")), then=ANY, times=None, passing=True),
    Misbehaviour("status 100 and then nothing", send(b"HTTP/1.1 100 Continue\r\n\r\n", End.HANG), arguments=QUICK),
    Misbehaviour("status 204", send(b"HTTP/1.1 204 No Content\r\n\r\n"), **ONE, kinds=UNFIT),
    Misbehaviour("401 midway", send(error(401, "Incorrect API key provided")), times=None, then=STOPS, kinds=("key_refused",), exit_codes=(2,), short=True),
    Misbehaviour("403", send(error(403, "not allowed")), times=None, then=STOPS, kinds=("key_refused",), exit_codes=(2,)),
    Misbehaviour("402", send(error(402, "Insufficient Balance")), times=None, then=STOPS, kinds=("quota_used_up",), exit_codes=(1, 2)),
    Misbehaviour("quota used up (429)", send(error(429, "You exceeded your current quota", code="insufficient_quota")), times=None, then=STOPS, kinds=("quota_used_up",), exit_codes=(1, 2), short=True),
    Misbehaviour("404: no such model", send(error(404, "The model `m` does not exist", code="model_not_found")), **ALL, then=FAILS, kinds=("model_unknown",), exit_codes=(1, 2)),
    Misbehaviour("413", send(http(413, b"<html>Request Entity Too Large</html>", media="text/html")), **ONE, kinds=("context_too_long", "bad_request")),
    Misbehaviour("context too long (400)", send(error(400, "This model's maximum context length is 4096 tokens", code="context_length_exceeded")), **ONE, kinds=("context_too_long",)),
    Misbehaviour("one document's passages always refused", send(error(400, "data may contain inappropriate content", code="data_inspection_failed")), **ONE, kinds=("content_filtered",)),
    Misbehaviour("an error body of 5 MB", send(http(400, b'{"error":{"message":"' + b"x" * 5_000_000 + b'"}}')), **ONE, kinds=("bad_request",)),
    Misbehaviour("an error in a status 200", send(http(200, encoded({"error": {"message": "overloaded", "code": 503}})))),
    Misbehaviour("a redirect loop", on(lambda a: http(307, b"", {"location": a.path})), **ONE),
    Misbehaviour("a redirect to file:///etc/passwd", send(http(302, b"", {"location": "file:///etc/passwd"})), **ONE),
    Misbehaviour("a redirect without an address", send(http(308, b"")), **ONE),
]
# fmt: on


def reference(folder: Path) -> dict[str, str]:
    """What an undisturbed run says of the four documents."""
    texts = write_files(folder / "in", DOCUMENTS)
    (folder / "out").mkdir()
    with serving() as endpoint:
        ended = start(folder, extract(["in"], endpoint.base_url)).wait()
    lines = records(folder)
    assert ended.code == 0 and len(lines) == len(texts), f"the undisturbed run failed: {ended}"
    for line in lines:
        whole = line["record"]
        assert whole["date"] and all(whole[name] for name in ("officials", "statistics", "targets", "measures")), line
    return {line["id"]: said_of(line) for line in lines}


def reference_of(shared: Shared) -> dict[str, str]:
    return shared.once("reference-of-four", reference)  # type: ignore[return-value]


def script(row: Misbehaviour) -> Callable[[Ask], Iterable[Part] | None]:
    def answer(ask: Ask) -> Iterable[Part] | None:
        hit = row.everywhere or ask.document == DISTURBED
        return row.disturb(ask) if hit and (row.times is None or ask.time_of_asking <= row.times) else None

    return answer


def check(row: Misbehaviour, bench: Bench, verdict: Verdict) -> None:
    expected = reference_of(bench.shared)
    texts: dict[str, str | None] = dict(write_files(bench.folder / "in", DOCUMENTS))
    (bench.folder / "out").mkdir()
    with serving(script(row)) as endpoint:
        tool = start(bench.folder, extract(["in"], endpoint.base_url, "--concurrency", "2", *row.arguments))
        ended = tool.wait(row.bound)
        asks = list(endpoint.asks)
    check_process(verdict, ended)
    if ended.hung:
        verdict.came = f"no end after {ended.seconds:.0f} s, {len(asks)} requests, {ended.peak} MB"
        return
    check_files(verdict, bench.folder)
    check_secret(verdict, bench.folder, KEY, ended)
    row.more(verdict, ended, asks)
    outcome(row, verdict, bench.folder, ended, expected, texts)
    verdict.came += f", {len(asks)} requests, {ended.seconds:.1f} s, {ended.peak} MB"
    if ended.code != 0:
        repaired(verdict, bench.folder, expected)


def outcome(
    row: Misbehaviour, verdict: Verdict, folder: Path, ended: Ended, expected: dict[str, str], texts: dict[str, Any]
) -> None:
    """What came out, against what must."""
    failed = failures(folder)
    kinds = sorted({str(line["kind"]) for line in failed})
    verdict.came = f"exit {ended.code}, {len(records(folder))} records" + (f", {', '.join(kinds)}" if kinds else "")
    for line in failed:
        verdict.expect(line["kind"] != "bug", f"a failure of kind bug: {line['reason'][:200]}")
    if row.then != STOPS:
        check_records(verdict, folder, texts)
    if row.then == WHOLE:
        verdict.expect(ended.code == 0, f"exit code {ended.code}: {ended.screen[-300:]}")
        check_equal(verdict, folder, expected)
    elif row.then == STOPS:
        verdict.expect(ended.code in row.exit_codes, f"exit code {ended.code}, not {row.exit_codes}")
        check_equal(verdict, folder, {k: v for k, v in expected.items() if k in _present(folder)})
        verdict.expect(
            any(kind in ended.screen for kind in row.kinds) or bool(set(kinds) & set(row.kinds)), f"kinds {kinds}"
        )
    elif row.then == FAILS:
        codes = row.exit_codes or (1,)
        verdict.expect(ended.code in codes, f"exit code {ended.code}, not {codes}")
        verdict.expect(bool(failed), "no failure is listed")
        unexpected = [kind for kind in kinds if row.kinds and kind not in row.kinds]
        verdict.expect(not unexpected or row.everywhere, f"failures of kind {unexpected}, not {row.kinds}")
        if not row.everywhere:
            check_equal(verdict, folder, expected, except_for=(DISTURBED,))
    else:
        verdict.expect(ended.code in (0, 1), f"exit code {ended.code}: {ended.screen[-300:]}")
        verdict.expect((ended.code == 1) == bool(failed), f"exit code {ended.code} with {len(failed)} failures")
        check_equal(verdict, folder, expected, except_for=(DISTURBED,))


def _present(folder: Path) -> set[str]:
    return {line["id"] for line in records(folder)}


def repaired(verdict: Verdict, folder: Path, expected: dict[str, str]) -> None:
    """At a healthy endpoint the same command, with --retry-failed, gives everything."""
    with serving() as endpoint:
        ended = start(folder, extract(["in"], endpoint.base_url, "--retry-failed")).wait()
    check_process(verdict, ended)
    check_files(verdict, folder)
    verdict.expect(ended.code == 0, f"retried at a healthy endpoint: exit code {ended.code}: {ended.screen[-300:]}")
    check_equal(verdict, folder, expected)


# --- rows of their own ---


def all_at_once(bench: Bench, verdict: Verdict) -> None:
    """Every misbehaviour that concerns one document, each at a document of its own, in one run."""
    zoo = [
        one
        for one in MISBEHAVIOURS
        if not (one.everywhere or one.passing or one.then == STOPS or "etry-After" in one.fault or one.fault in _ALONE)
    ]
    numbers = {f"D{10 + 2 * place:04}": one for place, one in enumerate(zoo)}
    count = 10 + 2 * len(zoo)
    texts: dict[str, str | None] = dict(write_files(bench.folder / "in", count))
    (bench.folder / "out").mkdir()

    def answer(ask: Ask) -> Iterable[Part] | None:
        one = numbers.get(ask.document)
        return one.disturb(ask) if one and (one.times is None or ask.time_of_asking <= one.times) else None

    with serving(answer) as endpoint:
        arguments = extract(["in"], endpoint.base_url, "--concurrency", "16", "--timeout", "3")
        ended = start(bench.folder, arguments).wait(120)
        asked = len(endpoint.asks)
    check_process(verdict, ended)
    check_files(verdict, bench.folder)
    check_records(verdict, bench.folder, texts)
    kinds: dict[str, set[str]] = {name: set() for name in texts}
    for line in failures(bench.folder):
        kinds[line["id"]].add(str(line["kind"]))
    for name, found in kinds.items():
        one = numbers.get(name)
        allowed = (
            {ANY: found - {"bug"}, FAILS: set(one.kinds) or found - {"bug"}}.get(one.then, set()) if one else set()
        )
        verdict.expect(found <= allowed, f"{one.fault if one else 'undisturbed'} ({name}): failed as {sorted(found)}")
        if one and one.then == FAILS:
            verdict.expect(bool(found), f"{one.fault} ({name}): no failure is listed")
    for line in records(bench.folder):
        one = numbers.get(line["id"])
        if one is None or one.then == WHOLE:
            for what in incomplete(line, str(texts[line["id"]])):
                verdict.expect(False, f"{one.fault if one else 'undisturbed'} ({line['id']}): {what}")
    failed = sum(bool(found) for found in kinds.values())
    verdict.came = (
        f"exit {ended.code}, {count - failed} whole, {failed} failed, {asked} requests, {ended.seconds:.0f} s"
    )
    verdict.expect(ended.code == 1, f"exit code {ended.code}: {ended.screen[-300:]}")
    with serving() as endpoint:
        ended = start(bench.folder, extract(["in"], endpoint.base_url, "--retry-failed")).wait()
    check_process(verdict, ended)
    verdict.expect(ended.code == 0, f"retried at a healthy endpoint: exit code {ended.code}: {ended.screen[-300:]}")
    verdict.expect(len(records(bench.folder)) == count, f"retried: {len(records(bench.folder))} of {count} records")


# These take much memory or time, so each has a run of its own only.
_ALONE = (
    "a body without end",
    "headers without end",
    "1 GB of blanks in gzip",
    "an error body of 5 MB",
    "never answers",
)


def refused(bench: Bench, verdict: Verdict) -> None:
    """Nobody listens."""
    expected = reference_of(bench.shared)
    texts: dict[str, str | None] = dict(write_files(bench.folder / "in", DOCUMENTS))
    (bench.folder / "out").mkdir()
    with serving() as endpoint:
        address = endpoint.base_url
    ended = start(bench.folder, extract(["in"], address)).wait(120)
    check_process(verdict, ended)
    check_files(verdict, bench.folder)
    verdict.expect(ended.code in (1, 2), f"exit code {ended.code}")
    verdict.expect(
        any(word in ended.screen.lower() for word in ("refused", "reached")), f"no reason said: {ended.screen[-200:]}"
    )
    verdict.came = f"exit {ended.code}, {ended.seconds:.1f} s"
    if ended.code == 1:
        check_records(verdict, bench.folder, texts)
    repaired(verdict, bench.folder, expected)


def redirected(host: str, bench: Bench, verdict: Verdict) -> None:
    """A redirect to another host: neither the text nor the key may go there."""
    expected = reference_of(bench.shared)
    write_files(bench.folder / "in", DOCUMENTS)
    (bench.folder / "out").mkdir()
    with serving(host=host) as other:

        def away(ask: Ask) -> Iterable[Part]:
            return (http(307, b"", {"location": f"{other.base_url}/chat/completions"}),)

        with serving(away) as endpoint:
            ended = start(bench.folder, extract(["in"], endpoint.base_url)).wait(60)
        received = len(other.asks)
    check_process(verdict, ended)
    check_files(verdict, bench.folder)
    verdict.came = f"exit {ended.code}, the other host received {received} requests"
    if received:
        verdict.count("leaked", f"{received} requests with texts went to another host")
    verdict.expect(ended.code in (1, 2), f"exit code {ended.code}")
    repaired(verdict, bench.folder, expected)


def proxied(host: str, bench: Bench, verdict: Verdict) -> None:
    """A server on this machine is asked directly, whatever the proxy settings say."""
    write_files(bench.folder / "in", DOCUMENTS)
    (bench.folder / "out").mkdir()
    with serving() as proxy, serving(host=host) as endpoint:
        address = f"http://127.0.0.1:{proxy.port}"
        environment = dict.fromkeys(("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"), address)
        ended = start(bench.folder, extract(["in"], endpoint.base_url), environment=environment).wait(60)
        received = len(proxy.asks)
    check_process(verdict, ended)
    verdict.came = f"exit {ended.code}, the proxy received {received} requests"
    if received:
        verdict.count("leaked", f"{received} requests for {host} went through the proxy")
    verdict.expect(ended.code == 0, f"exit code {ended.code}: {ended.screen[-300:]}")


def strange_environment(bench: Bench, verdict: Verdict) -> None:
    """What the openai client reads from the environment is meant for OpenAI, not for another address."""
    write_files(bench.folder / "in", DOCUMENTS)
    (bench.folder / "out").mkdir()
    environment = {
        "OPENAI_ORG_ID": "org-secretorganisation",
        "OPENAI_PROJECT_ID": "proj-secretproject",
        "OPENAI_CUSTOM_HEADERS": "x-secret: secretheader",
        "DEEPSEEK_API_KEY": "sk-deepseek-secretkey000000",
        "DASHSCOPE_API_KEY": "sk-dashscope-secretkey00000",
    }
    with serving() as endpoint:
        ended = start(bench.folder, extract(["in"], endpoint.base_url), environment=environment).wait(60)
        sent = json.dumps([ask.headers for ask in endpoint.asks])
    check_process(verdict, ended)
    seen = [name for name, value in environment.items() if value.rpartition(": ")[2] in sent]
    verdict.came = f"exit {ended.code}, sent: {', '.join(seen) or 'none of them'}"
    if seen:
        verdict.count("leaked", f"sent to another address: {', '.join(seen)}")
    verdict.expect(ended.code == 0, f"exit code {ended.code}: {ended.screen[-300:]}")


def one_a_minute(headers: dict[str, str], bench: Bench, verdict: Verdict) -> None:
    """Headers that would slow the run to a question a minute: it goes on, or says why it waits."""
    write_files(bench.folder / "in", DOCUMENTS)
    (bench.folder / "out").mkdir()
    with serving(lambda ask: (http(200, encoded(completion(answer_text(ask))), headers),)) as endpoint:
        tool = start(bench.folder, extract(["in"], endpoint.base_url))
        done = tool.wait_for(lambda: False, 15) or tool.poll()
        told = "minute" in tool.screen() or "limit" in tool.screen()
        if not done:
            interrupted(tool)
        ended = tool.wait(10)
    check_process(verdict, ended)
    verdict.came = f"{'ended' if done else 'waits'} after {ended.seconds:.0f} s, {'said' if told else 'not said'} why"
    verdict.expect(done or told, f"waits without a word: {ended.screen[-200:]!r}")
    if not done and (ended.after_signal or 0) > 1:
        verdict.count("hung", f"two Ctrl-C heard after {ended.after_signal:.1f} s only")


def interrupted(tool: Tool) -> None:
    """Ctrl-C, twice."""
    tool.signal(2)
    time.sleep(0.2)
    tool.signal(2)


def a_tenth_cut(bench: Bench, verdict: Verdict) -> None:
    """One reply in ten is cut off in some way, at random, in a run of 40 documents."""
    texts: dict[str, str | None] = dict(write_files(bench.folder / "in", 40))
    (bench.folder / "out").mkdir()
    chance = bench.chance
    ways: list[Disturb] = [half, shorter, longer, send(End.RESET), lambda ask: (split(ask)[0], End.CLOSE)]

    def cut(ask: Ask) -> Iterable[Part] | None:
        return chance.choice(ways)(ask) if chance.random() < 0.1 else None

    with serving(cut, latency=0.02) as endpoint:
        ended = start(bench.folder, extract(["in"], endpoint.base_url)).wait(90)
        asked, answered = len(endpoint.asks), endpoint.answered()
    check_process(verdict, ended)
    check_files(verdict, bench.folder)
    check_records(verdict, bench.folder, texts)
    count = len(records(bench.folder))
    verdict.came = f"exit {ended.code}, {count} records, {asked} requests of which {asked - answered} cut"
    verdict.expect(ended.code == 0 and count == 40, f"exit code {ended.code}, {count} of 40 records")


def poisonous(numbers: range, reply: bytes, bench: Bench, verdict: Verdict) -> None:
    """Some documents make the server fail whenever they are asked about; the others are answered."""
    texts: dict[str, str | None] = dict(write_files(bench.folder / "in", 12))
    (bench.folder / "out").mkdir()
    bad = {f"D{number:04}" for number in numbers}
    with serving(lambda ask: (reply,) if ask.document in bad else None) as endpoint:
        ended = start(bench.folder, extract(["in"], endpoint.base_url, "--concurrency", "4")).wait(150)
        asked = len(endpoint.asks)
    check_process(verdict, ended)
    count = len(records(bench.folder)) if not ended.hung else 0
    verdict.came = f"exit {ended.code}, {count} records, {asked} requests, {ended.seconds:.0f} s"
    if ended.hung:
        verdict.came += f", says: {(ended.screen.strip().splitlines() or [''])[-1][:150]}"
        return
    check_files(verdict, bench.folder)
    check_records(verdict, bench.folder, texts)
    failed = {str(line["id"]) for line in failures(bench.folder)}
    verdict.expect(ended.code == 1 and failed == bad, f"exit code {ended.code}, failed: {sorted(failed)}")


def rows(long: bool) -> list[Row]:
    table = [Row("ENDPOINT", one.fault, one.must, partial(check, one), one.short) for one in MISBEHAVIOURS]
    slow = {"x-ratelimit-limit-requests": "1"}
    none_left = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1m30s"}
    poison = "these fail, the rest whole, exit 1, within 150 s"
    nothing_left = {"x-ratelimit-remaining-requests": "0"}
    return [
        Row(
            "ENDPOINT", "the misbehaviours together, each at one document", "each as in its own row", all_at_once, True
        ),
        *table,
        Row(
            "ENDPOINT",
            "three documents of twelve always get 500, the last",
            poison,
            partial(poisonous, range(10, 13), error(500)),
        ),
        Row(
            "ENDPOINT",
            "three documents of twelve always get 500, the first",
            poison,
            partial(poisonous, range(1, 4), error(500)),
        ),
        Row(
            "ENDPOINT",
            "four documents of twelve always get half a body",
            poison,
            partial(poisonous, range(5, 9), http(200, b'{"choices": [{"mess')),
        ),
        Row("ENDPOINT", "connection refused", "exit 1 or 2, says so; a rerun is whole", refused, True),
        Row("ENDPOINT", "a redirect to 127.0.0.2", "nothing goes there", partial(redirected, "127.0.0.2"), True),
        Row("ENDPOINT", "a redirect to another port", "nothing goes there", partial(redirected, "127.0.0.1")),
        Row("ENDPOINT", "a proxy, and 127.0.0.2", "asked directly", partial(proxied, "127.0.0.2"), True),
        Row("ENDPOINT", "a proxy, and 127.1", "asked directly", partial(proxied, "127.1")),
        Row("ENDPOINT", "a proxy, and localhost", "asked directly", partial(proxied, "localhost")),
        Row("ENDPOINT", "settings of OpenAI in the environment", "not sent", strange_environment),
        Row("ENDPOINT", "x-ratelimit-limit-requests: 1", "goes on, or says why not", partial(one_a_minute, slow)),
        Row("ENDPOINT", "remaining 0, reset in 90 s", "goes on, or says why not", partial(one_a_minute, none_left)),
        Row("ENDPOINT", "remaining 0 without a reset", "goes on, or says why not", partial(one_a_minute, nothing_left)),
        Row("ENDPOINT", "one reply in ten cut", "all 40 records, exit 0", a_tenth_cut),
    ]
