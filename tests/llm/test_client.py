"""One call to an endpoint, against a fake on loopback that follows a script."""

from __future__ import annotations

import asyncio
import gzip
import html
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import openai
import pytest
from fake_endpoint import FakeEndpoint, Step, completion_body, serve

from extractor import errors
from extractor.llm import http
from extractor.llm.call import Reply, Request, Usage
from extractor.llm.client import WINDOW, connect
from extractor.llm.providers import Endpoint, resolve
from extractor.llm.rate_limit import RateLimiter

KEY = "sk-secret-0123456789abcdef"
BODY = {
    "model": "m",
    "messages": [{"role": "user", "content": "本市人口160万人。"}],
    "temperature": 0,
    "max_tokens": 50,
    "seed": 7,
    "repeat_penalty": 1.1,
    "cache_prompt": True,
}
OK = Step(body=completion_body())


def ask(fake: FakeEndpoint, sleeps: list[float] | None = None, **options: Any) -> Reply:
    endpoint = Endpoint("custom", "m", fake.base_url, options.pop("key", KEY), headers=options.pop("headers", {}))
    options = {"timeout": 10, "max_attempts": 3, "sleep": [].append if sleeps is None else sleeps.append, **options}
    return connect(endpoint, **options)(Request(BODY))


def test_sends_the_body_as_it_is_and_returns_the_answer_as_it_came() -> None:
    answer = completion_body("中文", timings={"cache_n": 3})
    with serve(Step(body=answer)) as fake:
        reply = ask(fake)
    assert fake.seen[0].body == BODY
    assert fake.seen[0].path == "/v1/chat/completions"
    assert fake.seen[0].headers["authorization"] == f"Bearer {KEY}"
    assert reply.body == answer


def packed(content: bytes) -> dict[str, Any]:
    return {"body": gzip.compress(content), "headers": {"content-encoding": "gzip"}}


TOO_LONG = 1_000_000 + 128 * BODY["max_tokens"] + 1  # type: ignore[operator]


@pytest.fixture(params=["aiohttp", "httpx2"])
def either_client(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "httpx2":  # used where there is a proxy, which loopback ignores
        monkeypatch.setattr(openai, "DefaultAioHttpClient", openai.DefaultAsyncHttpxClient)


@pytest.mark.usefixtures("either_client")
@pytest.mark.parametrize("step", [Step(body=b" " * TOO_LONG), Step(**packed(b" " * 50_000_000))])
def test_an_answer_is_read_no_further_than_it_can_be_long(step: Step) -> None:
    with serve(step) as fake, pytest.raises(errors.OversizedAnswerError) as caught:
        ask(fake)
    assert len(fake.seen) == 1, "the next answer would be as long"
    assert str(caught.value).startswith("127.0.0.1 sent more than 1.0 MB in answer to one question. Check ")


@pytest.mark.usefixtures("either_client")
@pytest.mark.parametrize("pack", [False, True])
def test_an_answer_of_just_the_size_is_read(pack: bool) -> None:
    content = json.dumps(completion_body("中文")).encode()
    content += b" " * (TOO_LONG - 1 - len(content))
    with serve(Step(**packed(content)) if pack else Step(body=content)) as fake:
        assert ask(fake).body == completion_body("中文")


@pytest.mark.usefixtures("either_client")
@pytest.mark.parametrize("pack", [False, True])
def test_the_message_of_an_error_page_without_end_is_shown(pack: bool) -> None:
    page = b"<html><body>the gateway is down" + b" " * 5_000_000
    steps = [Step(502, **packed(page)) if pack else Step(502, body=page)] * 3
    with serve(*steps) as fake, pytest.raises(errors.ServerError) as caught:
        ask(fake)
    assert "answered 502: the gateway is down" in str(caught.value)
    assert len(fake.seen) == 3


@pytest.mark.parametrize(
    ("usage", "expect"),
    [
        ('{"prompt_tokens": NaN, "completion_tokens": 7}', (0, 0, 7)),
        ('{"prompt_tokens": Infinity, "completion_tokens": 1e999, "total_tokens": 12}', (0, 0, 12)),
        ('{"prompt_tokens": -20, "completion_tokens": -1}', (0, 0, 0)),
        ('{"prompt_tokens": "20", "completion_tokens": 7.0}', (20, 0, 7)),
        ('{"prompt_tokens": "n/a", "completion_tokens": 7.5, "prompt_tokens_details": [1]}', (0, 0, 0)),
        (
            '{"prompt_tokens": 20, "completion_tokens": {}, "prompt_tokens_details": {"cached_tokens": 900}}',
            (20, 20, 0),
        ),
        ('{"prompt_tokens": true, "completion_tokens": 99999999999999999999999}', (0, 0, 0)),
        ('"none"', (0, 0, 0)),
        ("[1]", (0, 0, 0)),
        ("null", (0, 0, 0)),
    ],
)
def test_only_numbers_of_tokens_are_counted(usage: str, expect: tuple[int, int, int]) -> None:
    raw = json.dumps(completion_body("{}") | {"usage": "USAGE"}).replace('"USAGE"', usage)
    with serve(Step(body=raw)) as fake:
        reply = ask(fake)
    json.dumps(reply.body, allow_nan=False)
    used = Usage.of(reply.body)
    assert (used.input_tokens, used.cached_tokens, used.output_tokens) == expect


@pytest.mark.parametrize("reason", [["stop"], {"a": 1}, 7, None, True])
def test_a_reason_that_is_no_word_is_none(reason: Any) -> None:
    with serve(Step(body=completion_body(finish_reason=reason))) as fake:
        assert ask(fake).body["choices"][0]["finish_reason"] is None


def test_says_who_answered() -> None:
    with serve(Step(body=completion_body(system_fingerprint="fp_1")), OK) as fake:
        host = fake.base_url.removesuffix("/v1")
        assert ask(fake).by == {"model": "served-model", "version": "fp_1", "digest": None, "endpoint": host}
        known = {"model": "x", "version": "1", "digest": "sha256:0", "endpoint": "local"}
        assert ask(fake, by=known).by == known


def test_sends_no_key_without_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-somebody-else")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-private")
    with serve(OK) as fake:
        ask(fake, key=None)
    assert "authorization" not in fake.seen[0].headers
    assert "org-private" not in str(fake.seen[0].headers)


HEADERS = {"X-Tenant": "tenant-secret-0123456789", "X-Team": "Bearer team-secret-0123456789"}


def test_the_headers_of_the_user_are_sent_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every variable that the client reads would go to any address."""
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Private: of-somebody-else\nX-Tenant: of-somebody-else")
    for name in ("OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_ADMIN_KEY", "OPENAI_WEBHOOK_SECRET", "OPENAI_API_KEY"):
        monkeypatch.setenv(name, "of-somebody-else")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/of-somebody-else")
    with serve(OK, OK) as fake:
        ask(fake, key=None)
        ask(fake, key=None, headers=HEADERS)
    bare, with_headers = (seen.headers for seen in fake.seen)
    assert "of-somebody-else" not in str(bare) + str(with_headers)
    assert "authorization" not in bare | with_headers
    assert (with_headers["x-tenant"], with_headers["x-team"]) == (HEADERS["X-Tenant"], HEADERS["X-Team"])


def test_a_header_may_replace_the_key() -> None:
    with serve(OK, OK) as fake:
        ask(fake, key=None, headers={"Authorization": "Basic abc"})
        ask(fake, key=KEY, headers={"Authorization": "Basic abc"})
    assert [seen.headers["authorization"] for seen in fake.seen] == ["Basic abc", "Basic abc"]


@pytest.mark.parametrize("status", [200, 400, 500])
def test_no_error_and_no_reply_shows_a_header(status: int) -> None:
    secrets = ["tenant-secret-0123456789", "team-secret-0123456789"]
    body = {"error": {"message": f"{secrets} refused", "code": 400}}
    with serve(Step(status, body)) as fake, pytest.raises(errors.ExtractorError) as caught:
        ask(fake, max_attempts=1, headers=HEADERS)
    shown = "".join([str(caught.value), *traceback.format_exception(caught.value)])
    assert "refused" in shown
    assert not [secret for secret in secrets if secret in shown]
    with serve(Step(body=completion_body(str(secrets)))) as fake:
        reply = ask(fake, headers=HEADERS)
    assert "***" in repr(reply)
    assert not [secret for secret in secrets if secret in repr(reply)]


def test_no_key_sent_is_said_with_the_variable_to_set() -> None:
    for step in (Step(401, {"detail": "Invalid API key"}), Step(500, "Internal Server Error", media="text/plain")):
        with serve(step) as fake, pytest.raises(errors.ProviderError) as caught:
            ask(fake, max_attempts=1, key=None)
        assert "No key was sent, because EXTRACTOR_API_KEY is not set" in str(caught.value)
        assert "OPENAI_API_KEY" in str(caught.value)
        with serve(step) as fake, pytest.raises(errors.ProviderError) as caught:
            ask(fake, max_attempts=1)
        assert "No key was sent" not in str(caught.value)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("proxied", [False, True], ids=["aiohttp", "httpx2"])
def test_no_redirect_is_followed(status: int, proxied: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(OK) as other, serve() as fake:
        elsewhere = f"{other.base_url}/chat/completions?key=hunter2"
        fake.misbehave = lambda body: Step(status, "", {"Location": elsewhere})
        if proxied:
            monkeypatch.setenv("HTTP_PROXY", fake.base_url.removesuffix("/v1"))
        url = "http://models.example/v1" if proxied else fake.base_url
        with pytest.raises(errors.RedirectedError) as caught:
            connect(Endpoint("custom", "m", url, KEY), timeout=10)(Request(BODY))
    assert (len(fake.seen), other.seen, other.calls) == (1, [], [])
    assert f"answered {status} and points to {other.base_url}/chat/completions. " in str(caught.value)


def test_a_redirect_on_the_same_host_says_where_it_points_to() -> None:
    with serve(Step(308, "", {"Location": "/api/v1/chat/completions"})) as fake:
        with pytest.raises(errors.RedirectedError) as caught:
            ask(fake)
        host = fake.base_url.removesuffix("/v1")
    assert f"points to {host}/api/v1/chat/completions" in str(caught.value)
    assert len(fake.seen) == 1


def test_no_proxy_is_used_for_a_server_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    with serve(OK, OK) as fake:
        assert ask(fake).body["choices"]
        short = resolve("m", fake.base_url.replace("127.0.0.1", "127.1"), {})
        assert connect(short, timeout=10)(Request(BODY)).body["choices"]


def test_a_proxy_of_the_environment_is_used_for_other_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(OK) as fake:
        monkeypatch.setenv("HTTP_PROXY", fake.base_url.removesuffix("/v1"))
        endpoint = Endpoint("custom", "m", "http://models.example/v1", KEY)
        assert connect(endpoint, timeout=10)(Request(BODY)).body == completion_body()
    assert fake.seen[0].path == "http://models.example/v1/chat/completions"


def test_a_proxy_that_cannot_be_used_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "gopher://127.0.0.1:9")
    with pytest.raises(errors.SetupError, match="proxy settings do not work"):
        connect(Endpoint("custom", "m", "http://models.example/v1", KEY), timeout=10)(Request(BODY))


@pytest.mark.parametrize(
    ("headers", "expect"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"retry-after-ms": "1500", "Retry-After": "2"}, 1.5),
        ({"Retry-After": "Thu, 01 Jan 1970 00:01:30 GMT"}, 30.0),
    ],
)
def test_waits_as_long_as_the_endpoint_asks(headers: dict[str, str], expect: float) -> None:
    sleeps: list[float] = []
    with serve(Step(429, {"error": {"message": "slow down"}}, headers), OK) as fake:
        ask(fake, sleeps, now=lambda: 60.0)
    assert sleeps == [expect]


@pytest.mark.parametrize("value", ["nan", "inf", "-3", "0", "soon", "Thu, 01 Jan 1970 00:00:30 GMT", "²"])
def test_waits_its_own_time_if_the_header_is_nonsense(value: str) -> None:
    sleeps: list[float] = []
    raw = value.encode("utf-8").decode("latin-1")
    with serve(Step(429, {}, {"Retry-After": raw}), OK) as fake:
        ask(fake, sleeps, now=lambda: 60.0)
    assert len(sleeps) == 1
    assert 1 <= sleeps[0] <= 2


def test_a_wait_of_an_hour_is_not_believed() -> None:
    """It may be a quota of a day, or nonsense: the next attempts show which."""
    sleeps: list[float] = []
    with serve(Step(429, {}, {"Retry-After": "3600"}), OK) as fake:
        assert ask(fake, sleeps).body == completion_body()
    assert 1 <= sleeps[0] <= 2


@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        (Step(500, {"error": {"message": "boom"}}), errors.ServerError),
        (Step(502, "<html>Bad Gateway</html>", media="text/html"), errors.ServerError),
        (Step(503, ""), errors.OverloadedError),
        (
            Step(429, {"error": {"code": "1305", "message": "该模型当前访问量过大，请您稍后再试"}}),
            errors.RateLimitedError,
        ),
        (Step(drop=True), errors.NetworkError),
        (Step(body=completion_body(), cut=40), errors.NetworkError),
        (Step(body='{"choices": [{"index": 0, "mess'), errors.MalformedResponseError),
        (Step(body=b"\xff\xfe\x00"), errors.MalformedResponseError),
        (Step(body=""), errors.MalformedResponseError),
        (Step(body="[" * 100_000), errors.MalformedResponseError),
        (Step(body=json.dumps(completion_body("\ud83d"))), errors.MalformedResponseError),
        (Step(body=completion_body(finish_reason="insufficient_system_resource")), errors.OverloadedError),
        (Step(body={"error": {"message": "Provider returned error", "code": 502}}), errors.ServerError),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_retries_and_then_gives_up(trouble: Step, error: type[errors.ExtractorError]) -> None:
    sleeps: list[float] = []
    with serve(trouble, trouble, OK) as fake:
        assert ask(fake, sleeps).body == completion_body()
    assert len(fake.seen) == 3
    if issubclass(error, (errors.RateLimitedError, errors.OverloadedError)):
        assert 1 <= sleeps[0] <= 2 <= sleeps[1] <= 3
    else:
        assert 0.375 <= sleeps[0] <= 0.5 < 0.75 <= sleeps[1] <= 1.0
    sleeps.clear()
    with serve(*[trouble] * 20) as fake, pytest.raises(errors.ExtractorError) as caught:
        ask(fake, sleeps)
    assert type(caught.value) is error
    if issubclass(error, (errors.RateLimitedError, errors.OverloadedError)):
        assert sum(sleeps[:-1]) < WINDOW <= sum(sleeps)  # a limit a minute is waited out
    else:
        assert len(fake.seen) == 3


@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        (Step(401, {"error": {"message": "Invalid Authentication"}}), errors.KeyRefusedError),
        (Step(429, {"error": {"message": "您的额度已用尽，请充值"}}), errors.QuotaUsedUpError),
        (Step(400, {"error": {"message": "bad field"}}), errors.BadRequestError),
        (Step(404, "<html><body>404 page not found</body></html>", media="text/html"), errors.UnknownModelError),
        (Step(body="<!doctype html><title>登录</title>", media="text/html"), errors.NotJsonError),
        (Step(body={"hello": "world"}), errors.NotJsonError),
        (Step(body={"choices": []}), errors.NotJsonError),
        (Step(body={"choices": [{"message": None}]}), errors.NotJsonError),
        (Step(body=[1]), errors.NotJsonError),
        (Step(body=completion_body("", finish_reason="content_filter")), errors.ContentFilteredError),
        (Step(body={"error": {"message": "余额不足", "code": 402}}), errors.QuotaUsedUpError),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_does_not_retry_what_cannot_succeed(trouble: Step, error: type[errors.ExtractorError]) -> None:
    with serve(trouble, OK) as fake, pytest.raises(errors.ExtractorError) as caught:
        ask(fake)
    assert type(caught.value) is error
    assert len(fake.seen) == 1


def test_times_out() -> None:
    with serve(Step(hang=True), OK) as fake, pytest.raises(errors.TimedOutError) as caught:
        ask(fake, timeout=0.05, max_attempts=1)
    assert str(caught.value) == (
        f"{fake.base_url.removesuffix('/v1')} did not answer in time. "
        "Run again later, or with a lower --concurrency or a higher --timeout: finished work is kept."
    )


def test_a_response_that_never_ends_times_out_and_blocks_no_other() -> None:
    with serve(Step(body=completion_body(), trickle=True), OK, OK) as fake:
        call = connect(Endpoint("custom", "m", fake.base_url), timeout=1, max_attempts=1, limiter=RateLimiter(2))
        with ThreadPoolExecutor(1) as pool:
            endless = pool.submit(call, Request(BODY))
            while not fake.seen:
                assert not endless.done()
            assert call(Request(BODY)).body == completion_body()
            assert not endless.done()
            with pytest.raises(errors.TimedOutError):
                endless.result(timeout=20)


def test_threads_that_start_together_share_one_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    from extractor.llm import http

    known = http._loop()
    monkeypatch.setattr(http, "_loops", [])
    start = threading.Barrier(8, timeout=20)

    def begin() -> asyncio.AbstractEventLoop:
        start.wait()
        return http._loop()

    with ThreadPoolExecutor(8) as pool:
        loops = {future.result() for future in [pool.submit(begin) for _ in range(8)]}
    assert len(loops) == 1
    assert loops != {known}
    (begun,) = loops
    begun.call_soon_threadsafe(begun.stop)
    while begun.is_running():
        time.sleep(0.001)
    begun.close()


def test_a_server_that_is_not_there_ends_the_run() -> None:
    with serve() as fake:
        pass
    with pytest.raises(errors.EndpointDownError, match=r"cannot be reached: .*refused"):
        ask(fake, max_attempts=1)


@pytest.mark.parametrize(
    "step",
    [
        Step(401, {"error": {"message": f"Incorrect API key provided: {KEY}."}}),
        Step(400, f"<p>Authorization: Bearer {KEY}</p>"),
        Step(body={"error": {"message": f"no such key {KEY}", "code": 401}}),
        Step(body={"echo": KEY}),
        Step(body=f"not json {KEY}"),
        Step(drop=True),
    ],
)
def test_no_error_shows_the_key(step: Step) -> None:
    with serve(step) as fake, pytest.raises(errors.ExtractorError) as caught:
        ask(fake, max_attempts=1)
    shown = [str(caught.value), repr(caught.value), *traceback.format_exception(caught.value)]
    assert KEY not in "".join(shown)


ECHOES = {
    "plain": lambda key: key,
    "JSON": lambda key: json.dumps(key)[1:-1],
    "JSON with escaped slashes": lambda key: json.dumps(key)[1:-1].replace("/", "\\/"),
    "JSON with escapes": lambda key: "".join(c if c.isalnum() else f"\\u{ord(c):04x}" for c in key),
    "URL": lambda key: quote(key, safe=""),
    "URL, small letters": lambda key: re.sub("%..", lambda found: found[0].lower(), quote(key, safe="")),
    "page": html.escape,
}
STRANGE_KEYS = ["abc/def+ghi=", "a1/b2/c3/d4/e5/f6/g7==", 'k"ey/with"quotes+0123456789', "x/Y+" * 30]


@pytest.mark.parametrize("key", STRANGE_KEYS)
@pytest.mark.parametrize("way", list(ECHOES))
@pytest.mark.parametrize("status", [200, 401, 500])
def test_a_key_with_signs_is_redacted_however_it_is_echoed(key: str, way: str, status: int) -> None:
    echo = ECHOES[way](key)
    as_json = way.startswith("JSON")
    page, answer = "<p>KEY is wrong</p>", '{"error": {"message": "the key KEY is wrong", "code": 401}}'
    body = (answer if as_json else page).replace("KEY", echo)
    with serve(Step(status, body)) as fake, pytest.raises(errors.ExtractorError) as caught:
        ask(fake, max_attempts=1, key=key)
    shown = "".join([str(caught.value), repr(caught.value), *traceback.format_exception(caught.value)])
    assert "wrong" in shown
    assert not [form for form in (echo, key, *(echo_as(key) for echo_as in ECHOES.values())) if form in shown]


@pytest.mark.parametrize("key", [key for key in STRANGE_KEYS if len(key) >= 16])
@pytest.mark.parametrize("way", [way for way in ECHOES if "escape" in way])
def test_no_reply_holds_a_key_with_signs(key: str, way: str) -> None:
    raw = json.dumps(completion_body("the key is KEY")).replace("KEY", ECHOES[way](key))
    with serve(Step(body=raw)) as fake:
        reply = ask(fake, key=key)
    assert reply.body["choices"][0]["message"]["content"] == "the key is ***"


def test_no_reply_shows_the_key() -> None:
    with serve(Step(body=completion_body(f"the key is {KEY}"))) as fake:
        reply = ask(fake)
    assert KEY not in repr(reply)
    assert "***" in repr(reply)
    assert KEY not in repr(Endpoint("custom", "m", fake.base_url, KEY))


def test_a_key_of_another_account_is_redacted_too() -> None:
    step = Step(401, {"error": {"message": "Bearer abcdef.ghijkl or sk-other-99999 is wrong"}})
    with serve(step) as fake, pytest.raises(errors.KeyRefusedError) as caught:
        ask(fake)
    assert "abcdef.ghijkl" not in str(caught.value)
    assert "sk-other" not in str(caught.value)


def test_threads_share_a_call() -> None:
    with serve(*[OK, Step(500, {})] * 8, *[OK] * 8) as fake:
        call = connect(Endpoint("custom", "m", fake.base_url), timeout=10, max_attempts=9, sleep=[].append)
        with ThreadPoolExecutor(4) as pool:
            replies = list(pool.map(lambda _: call(Request(BODY)), range(16)))
    assert [reply.body for reply in replies] == [completion_body()] * 16


def test_a_refused_key_is_sent_once_even_if_other_requests_wait() -> None:
    with serve(Step(401, {"error": {"message": "no such key"}}), *[OK] * 8) as fake:
        call = connect(Endpoint("custom", "m", fake.base_url), timeout=10, limiter=RateLimiter(1))
        with ThreadPoolExecutor(8) as pool:
            met = [pool.submit(call, Request(BODY)) for _ in range(8)]
            ended = [type(future.exception(timeout=20)) for future in met]
    assert sorted(error.kind for error in ended) == ["key_refused", *["stopped"] * 7]  # type: ignore[union-attr]
    assert len(fake.seen) == 1


@pytest.mark.skipif(os.name == "nt", reason="timers of POSIX")
def test_an_interrupted_request_has_ended_when_the_interrupt_is_raised() -> None:
    """Otherwise a server in this process, stopped next, would wait for it for ever."""

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with serve(Step(hang=True)) as fake:
            call = connect(Endpoint("custom", "m", fake.base_url), timeout=30)
            signal.setitimer(signal.ITIMER_REAL, 1.0)
            with pytest.raises(KeyboardInterrupt):
                call(Request(BODY))
            assert asyncio.all_tasks(http._loop()) == set()
    finally:
        signal.signal(signal.SIGALRM, before)


def test_an_interrupt_is_not_retried() -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    with serve(Step(500, {}), OK) as fake, pytest.raises(KeyboardInterrupt):
        ask(fake, sleep=interrupt)
    assert len(fake.seen) == 1


def test_importing_loads_no_client() -> None:
    code = (
        "import sys, extractor.llm.client, extractor.llm.providers, extractor.errors\n"
        "import extractor.llm.local_server, extractor.llm.local_weights\n"
        "extractor.llm.client.connect(extractor.llm.providers.resolve('ollama/m', None, {}), timeout=1)\n"
        "print(sorted({'openai', 'httpx2', 'instructor', 'xllamacpp', 'pydantic'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_digest_of_a_key_is_redacted() -> None:
    said = f"Rate limit exceeded for api_key: {'0123456789abcdef' * 4}. Limit type: requests"
    with (
        serve(*[Step(429, {"error": {"message": said}})] * 20) as fake,
        pytest.raises(errors.RateLimitedError) as caught,
    ):
        ask(fake)
    assert "api_key: ***. Limit type: requests" in str(caught.value)


def test_a_key_at_the_end_of_a_disguised_error_is_redacted() -> None:
    disguised = Step(body={"error": {"message": "refused: Bearer abcdef", "code": 400}})
    with serve(disguised) as fake, pytest.raises(errors.BadRequestError, match=r"refused: Bearer \*\*\*"):
        ask(fake)
