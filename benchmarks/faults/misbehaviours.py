"""The ways in which an endpoint misbehaves, as data: what it sends, to which question, and what must come out."""

from __future__ import annotations

import email.utils
import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from bomb import gigabyte_of
from corpus import answer_to, facts_of, text_of
from server import Ask, End, Part, answer_text, completion, content, encoded, error, good, http, said
from tool import Ended
from verdict import Verdict

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


def quick(verdict: Verdict, ended: Ended, asks: list[Ask]) -> None:
    """It did not wait for a day."""
    verdict.expect(ended.seconds < 180, f"took {ended.seconds:.0f} s")


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

MISBEHAVIOURS = [
    # Connections
    Misbehaviour("reset before the headers", send(End.RESET)),
    Misbehaviour("closed before the headers", send(End.CLOSE)),
    Misbehaviour("reset after the headers", lambda ask: (split(ask)[0], End.RESET)),
    Misbehaviour("half a body", half),
    Misbehaviour("half a body, always", half, **ONE, kinds=TRANSIENT, passing=True),
    Misbehaviour("content-length too long", longer),
    Misbehaviour("content-length too short", shorter),
    Misbehaviour(
        "content-length that is no number",
        on(lambda a: http(200, encoded(completion(answer_text(a))), {"content-length": "many"})),
        then=ANY,
        passing=True,
    ),
    Misbehaviour("no HTTP at all", send(b"SSH-2.0-OpenSSH_9.6\r\n", End.CLOSE)),
    Misbehaviour("chunks without end", endless_chunks, arguments=QUICK),
    Misbehaviour("byte by byte beyond --timeout", trickle, arguments=QUICK),
    Misbehaviour(
        "byte by byte beyond --timeout, always", trickle, **ONE, arguments=QUICK, kinds=("timed_out",), passing=True
    ),
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
    Misbehaviour(
        "content as a list of parts", on(lambda a: content([{"type": "text", "text": answer_text(a)}])), times=None
    ),
    Misbehaviour(
        "content as parts of odd types", on(lambda a: content([1, None, {"type": "image"}])), **ONE, kinds=UNFIT
    ),
    Misbehaviour("content a number", on(lambda a: content(7)), **ONE, kinds=UNFIT),
    Misbehaviour(
        "a fence around the JSON",
        on(lambda a: content(f"Here you are:\n```json\n{answer_text(a)}\n```\nBye.")),
        times=None,
    ),
    Misbehaviour(
        "thoughts before the JSON", on(lambda a: content(f'<think>{{"a": 1}} hm</think>\n{answer_text(a)}')), times=None
    ),
    Misbehaviour("words instead of an answer", on(lambda a: content("I cannot help with that.")), **ONE, kinds=UNFIT),
    Misbehaviour(
        "an answer of another shape",
        on(lambda a: content('{"officials": 7, "date": {}, "measures": "x"}')),
        times=None,
        then=ANY,
    ),
    Misbehaviour("JSON cut off, finish_reason length", on(cut_off), **ONE, kinds=UNFIT),
    Misbehaviour("JSON cut off, finish_reason stop", on(lambda a: content(answer_text(a)[:-20])), times=1),
    Misbehaviour(
        "finish_reason content_filter", on(lambda a: content("", "content_filter")), **ONE, kinds=("content_filtered",)
    ),
    Misbehaviour("finish_reason null", on(lambda a: content(answer_text(a), None)), times=None),
    Misbehaviour("finish_reason a list", on(lambda a: content(answer_text(a), ["stop"])), times=None, then=ANY),
    Misbehaviour(
        "a byte order mark before the JSON",
        on(lambda a: http(200, b"\xef\xbb\xbf" + encoded(completion(answer_text(a))))),
        times=None,
        then=ANY,
        passing=True,
    ),
    Misbehaviour(
        "bytes of latin-1",
        on(lambda a: http(200, encoded(completion(answer_text(a), note="x")).replace(b'"x"', b'"caf\xe9"'))),
        then=ANY,
        times=None,
        passing=True,
    ),
    Misbehaviour(
        "UTF-16",
        on(lambda a: http(200, json.dumps(completion(answer_text(a))).encode("utf-16"))),
        then=ANY,
        times=None,
        passing=True,
    ),
    Misbehaviour(
        "lone surrogates in the answer",
        on(
            lambda a: http(
                200,
                encoded(completion("X")).replace(
                    b'"X"',
                    json.dumps(json.dumps({"officials": [{"name": "SURR"}]})).replace("SURR", "\\ud800何").encode(),
                ),
            )
        ),
        then=ANY,
        times=None,
        passing=True,
    ),
    Misbehaviour(
        "lone surrogates beside the answer",
        on(
            lambda a: http(
                200, encoded(completion(answer_text(a), system_fingerprint="Y")).replace(b'"Y"', b'"\\udc80"')
            )
        ),
        then=ANY,
        times=None,
        passing=True,
    ),
    Misbehaviour(
        "NUL and control characters in the answer",
        on(lambda a: content(answer_text(a).replace("何", "\\u0000何"))),
        then=ANY,
        times=None,
    ),
    Misbehaviour("keys that stand twice", on(doubled_keys), times=None),
    Misbehaviour(
        "1e999 beside the answer",
        on(lambda a: http(200, encoded(completion(answer_text(a), created="T")).replace(b'"T"', b"1e999"))),
        times=None,
    ),
    Misbehaviour(
        "a number of 100,000 digits",
        on(lambda a: http(200, encoded(completion(answer_text(a), created="T")).replace(b'"T"', b"9" * 100_000))),
        times=None,
        then=ANY,
        passing=True,
    ),
    # Usage
    Misbehaviour(
        "usage missing",
        on(lambda a: http(200, encoded({k: v for k, v in completion(answer_text(a)).items() if k != "usage"}))),
        times=None,
    ),
    Misbehaviour("usage null", on(lambda a: said(a, usage=None)), times=None),
    Misbehaviour("usage negative", numbers("-5"), times=None),
    Misbehaviour("usage NaN", numbers("NaN"), times=None),
    Misbehaviour("usage Infinity", numbers("-Infinity"), times=None),
    Misbehaviour("usage 1e999", numbers("1e999"), times=None),
    Misbehaviour("usage 1e300", numbers("1e300"), times=None),
    Misbehaviour("usage as strings", numbers('"700"'), times=None),
    Misbehaviour("usage as lists", numbers("[7]"), times=None),
    Misbehaviour(
        "usage as objects and booleans",
        usage(prompt_tokens="{}", completion_tokens="true", prompt_tokens_details='"x"'),
        times=None,
    ),
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
    Misbehaviour("Retry-After: a day", again_later("86400"), **ONE, kinds=("rate_limited",), more=quick, bound=200.0),
    Misbehaviour(
        "Retry-After: a date in a year",
        on(lambda a: error(429, headers={"retry-after": in_days(3e7)})),
        **ONE,
        kinds=("rate_limited",),
        more=quick,
        bound=200.0,
    ),
    Misbehaviour(
        "Retry-After: a date of 1970",
        on(lambda a: error(429, headers={"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"})),
    ),
    Misbehaviour("Retry-After: garbage", again_later("soon; nan")),
    Misbehaviour("Retry-After: nan", again_later("nan")),
    Misbehaviour("Retry-After: 1e400", again_later("1e400")),
    Misbehaviour(
        "x-ratelimit headers of garbage",
        limits(
            x_ratelimit_limit_requests="nan",
            x_ratelimit_remaining_requests="-1",
            x_ratelimit_reset_requests="yesterday",
        ),
        **ALL,
    ),
    Misbehaviour(
        "x-ratelimit headers of 0", limits(x_ratelimit_limit_requests="0", x_ratelimit_limit_tokens="0"), **ALL
    ),
    Misbehaviour(
        "x-ratelimit headers of 1e400",
        limits(x_ratelimit_limit_requests="1e400", x_ratelimit_limit_tokens="-1e400"),
        **ALL,
    ),
    *(Misbehaviour(f"status {status}, twice", send(error(status)), times=2) for status in (500, 502, 503, 504, 529)),
    Misbehaviour("status 500, always", send(error(500)), **ONE, kinds=("server_error",), passing=True),
    Misbehaviour(
        "status 599 with a web page, always",
        send(http(599, HTML, media="text/html")),
        **ONE,
        kinds=TRANSIENT,
        passing=True,
    ),
    Misbehaviour("status 408", send(error(408))),
    Misbehaviour("status 999", send(http(999, b"{}")), then=ANY, times=None, passing=True),
    Misbehaviour("status 100 and then nothing", send(b"HTTP/1.1 100 Continue\r\n\r\n", End.HANG), arguments=QUICK),
    Misbehaviour("status 204", send(b"HTTP/1.1 204 No Content\r\n\r\n"), **ONE, kinds=UNFIT),
    Misbehaviour(
        "401 midway",
        send(error(401, "Incorrect API key provided")),
        times=None,
        then=STOPS,
        kinds=("key_refused",),
        exit_codes=(2,),
        short=True,
    ),
    Misbehaviour(
        "403", send(error(403, "not allowed")), times=None, then=STOPS, kinds=("key_refused",), exit_codes=(2,)
    ),
    Misbehaviour(
        "402",
        send(error(402, "Insufficient Balance")),
        times=None,
        then=STOPS,
        kinds=("quota_used_up",),
        exit_codes=(1, 2),
    ),
    Misbehaviour(
        "quota used up (429)",
        send(error(429, "You exceeded your current quota", code="insufficient_quota")),
        times=None,
        then=STOPS,
        kinds=("quota_used_up",),
        exit_codes=(1, 2),
        short=True,
    ),
    Misbehaviour(
        "404: no such model",
        send(error(404, "The model `m` does not exist", code="model_not_found")),
        **ALL,
        then=FAILS,
        kinds=("model_unknown",),
        exit_codes=(1, 2),
    ),
    Misbehaviour(
        "413",
        send(http(413, b"<html>Request Entity Too Large</html>", media="text/html")),
        **ONE,
        kinds=("context_too_long", "bad_request"),
    ),
    Misbehaviour(
        "context too long (400)",
        send(error(400, "This model's maximum context length is 4096 tokens", code="context_length_exceeded")),
        **ONE,
        kinds=("context_too_long",),
    ),
    Misbehaviour(
        "one document's passages always refused",
        send(error(400, "data may contain inappropriate content", code="data_inspection_failed")),
        **ONE,
        kinds=("content_filtered",),
    ),
    Misbehaviour(
        "an error body of 5 MB",
        send(http(400, b'{"error":{"message":"' + b"x" * 5_000_000 + b'"}}')),
        **ONE,
        kinds=("bad_request",),
    ),
    Misbehaviour(
        "an error in a status 200", send(http(200, encoded({"error": {"message": "overloaded", "code": 503}})))
    ),
    Misbehaviour("a redirect loop", on(lambda a: http(307, b"", {"location": a.path})), **ONE),
    Misbehaviour("a redirect to file:///etc/passwd", send(http(302, b"", {"location": "file:///etc/passwd"})), **ONE),
    Misbehaviour("a redirect without an address", send(http(308, b"")), **ONE),
]
