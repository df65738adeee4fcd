"""ENDPOINT: an endpoint that echoes the key, in every part of a reply and in every way of writing it.

Each run has one key and a document for each way. The key may be in no file, in no file's name and on no
screen, in whatever way it may be written there.
"""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Iterable
from functools import partial
from urllib.parse import quote, quote_plus

from checks import check_files, check_process, check_records, check_secret
from corpus import answer_to, write_files
from server import Ask, End, Part, answer_text, completion, content, encoded, error, http, said, serving
from tool import extract, start
from verdict import Bench, Row, Verdict

KEYS = {
    "of 12 letters": "kqzvwxjtrpnm",
    "with digits, sk-": "sk-9c41f0d7ab23",
    "with / and +": "AbC/dEf+GhI/jKl+mNoPq",
    'with = and "': 'tok"en=Zx91"Qw82==',
    "with \\ and %": "Pa\\ss%phr\\ase~7731",
    "of 120 characters": "eyJ" + "hbGci0iJ9Kx/7+" * 8 + "Qm3Tz",
}


def escaped(text: str) -> str:
    """JSON in which every character is an escape."""
    return "".join(f"\\u{ord(c):04x}" for c in text)


def in_message(form: Callable[[str], str], key: str, ask: Ask) -> bytes:
    """An error whose message holds the key; `form` makes raw JSON text of it."""
    body = encoded({"error": {"message": "Not allowed for KEY here", "code": "x"}})
    return http(400, body.replace(b"KEY", form(key).encode()))


def in_item(key: str, ask: Ask) -> bytes:
    """The key as values that the model claims to have found."""
    found = {**answer_to(ask.body), "officials": [{"name": key, "titles": [key], "roles": [key]}]}
    found["measures"] = [{"text": f"加强{key}管理", "responsible": [key]}]
    return content(json.dumps(found, ensure_ascii=False))


def in_keys(key: str, ask: Ask) -> bytes:
    answer = {**answer_to(ask.body), key: {key: [key]}}
    return http(200, encoded({**completion(json.dumps(answer, ensure_ascii=False)), key: key, "usage": {key: 7}}))


def dumped(key: str) -> str:
    return json.dumps(key)[1:-1]


WAYS: dict[str, Callable[[str, Ask], bytes]] = {
    "in an error message": partial(in_message, dumped),
    "in an error message, / as \\/": partial(in_message, lambda key: dumped(key).replace("/", "\\/")),
    "in an error message, / as \\u002f": partial(in_message, lambda key: dumped(key).replace("/", "\\u002f")),
    "in an error message, all escaped": partial(in_message, escaped),
    "in an error message, URL-encoded": partial(in_message, lambda key: quote(key, safe="")),
    "in an error message, URL-encoded in lower case, + for blanks": partial(
        in_message, lambda key: quote_plus(key).lower() if key.lower() == key else quote_plus(key)
    ),
    "in an error message, JSON in JSON": partial(in_message, lambda key: dumped(json.dumps({"auth": f"Bearer {key}"}))),
    "in an error message, after Bearer": partial(in_message, lambda key: f"Authorization: Bearer {dumped(key)}"),
    "in the error's code and type": lambda key, ask: error(400, "no", code=key, type=key, param=key),
    "in a web page": lambda key, ask: http(
        400, f"<html><p>key {html.escape(key)} &amp; so on</p></html>".encode(), media="text/html"
    ),
    "in a web page with status 200": lambda key, ask: http(
        200, f"<html><p>key {html.escape(key)}</p></html>".encode(), media="text/html"
    ),
    "in plain text with status 200": lambda key, ask: http(200, f"your key is {key}".encode(), media="text/plain"),
    "in JSON that is no completion": lambda key, ask: http(200, encoded({"echo": {"authorization": f"Bearer {key}"}})),
    "in JSON that is cut off": lambda key, ask: http(200, encoded({"echo": f"Bearer {key}"})[:-2]),
    "in headers": lambda key, ask: http(
        400,
        encoded({"error": {"message": "see headers"}}),
        {"www-authenticate": f"Bearer {key}", "x-key": key, "retry-after": key, "x-request-id": key},
    ),
    "in headers of a right answer": lambda key, ask: http(
        200, encoded(completion(answer_text(ask))), {"x-key": key, "x-ratelimit-limit-requests": key}
    ),
    "in a redirect": lambda key, ask: http(307, b"", {"location": f"http://127.0.0.1:1/?key={quote(key, safe='')}"}),
    "in the reason phrase": lambda key, ask: http(400, b"{}").replace(b"Whatever", key.encode()),
    "in the content, as values": in_item,
    "in the content, as words": lambda key, ask: content(f"Sorry, {key} is not allowed to do this."),
    "in the content, before the JSON": lambda key, ask: content(f"key {key}\n{answer_text(ask)}"),
    "in the model's name and id": lambda key, ask: said(ask, model=f"m-{key}", id=key, system_fingerprint=key),
    "in the finish_reason": lambda key, ask: said(
        ask, choices=[{"index": 0, "finish_reason": key, "message": {"role": "assistant", "content": answer_text(ask)}}]
    ),
    "in a refusal": lambda key, ask: said(
        ask,
        choices=[
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": None, "refusal": f"no {key}"},
            }
        ],
    ),
    "in names of keys": in_keys,
    "in an error with status 200": lambda key, ask: http(
        200, encoded({"error": {"message": f"bad key {key}", "code": 400}})
    ),
}


def echoed(key: str, bench: Bench, verdict: Verdict) -> None:
    """A document for each way to echo the key; every third document is undisturbed."""
    numbers = {f"D{8 + place:04}": way for place, way in enumerate(WAYS)}
    texts: dict[str, str | None] = dict(write_files(bench.folder / "in", 8 + len(WAYS)))
    (bench.folder / "out").mkdir()

    def answer(ask: Ask) -> Iterable[Part] | None:
        way = numbers.get(ask.document)
        return (WAYS[way](key, ask), End.CLOSE) if way else None

    with serving(answer) as endpoint:
        arguments = extract(["in"], endpoint.base_url, "--log-json", "out/log.jsonl", "--concurrency", "8")
        ended = start(bench.folder, arguments, key=key).wait(90)
        sent = sum(key in ask.headers.get("authorization", "") for ask in endpoint.asks)
    again = start(
        bench.folder, ["extract", "in", "--base-url", endpoint.base_url, "--model", "m", "--mode", "replay"], key=key
    )
    again_ended = again.wait(30)
    check_process(verdict, ended)
    check_files(verdict, bench.folder)
    check_records(verdict, bench.folder, texts)
    check_secret(verdict, bench.folder, key, ended, again_ended, ways=numbers)
    verdict.expect(sent > 0, "the key was not sent at all, so this run shows nothing")
    verdict.came = f"exit {ended.code}, {len(WAYS)} ways, {verdict.counts['leaked']} leaks"


def refused(key: str, bench: Bench, verdict: Verdict) -> None:
    """A 401 that quotes the key, as OpenAI's does in part."""
    write_files(bench.folder / "in", 3)
    (bench.folder / "out").mkdir()
    with serving(lambda ask: (error(401, f"Incorrect API key provided: {key}."),)) as endpoint:
        ended = start(bench.folder, extract(["in"], endpoint.base_url), key=key).wait(60)
    check_process(verdict, ended)
    check_secret(verdict, bench.folder, key, ended)
    verdict.came = f"exit {ended.code}, {verdict.counts['leaked']} leaks"
    verdict.expect(ended.code == 2, f"exit code {ended.code}, not 2: {ended.screen[-300:]}")


def in_arguments(bench: Bench, verdict: Verdict) -> None:
    """A key that its user typed into an address: refused, and written nowhere."""
    key = KEYS["with digits, sk-"]
    write_files(bench.folder / "in", 3)
    (bench.folder / "out").mkdir()
    ends = []
    for address in (f"http://user:{key}@127.0.0.1:9/v1", f"http://127.0.0.1:9/v1?key={key}"):
        ends.append(start(bench.folder, extract(["in"], address), key=None).wait(60))
        check_process(verdict, ends[-1])
        check_secret(verdict, bench.folder, key, ends[-1])
        verdict.expect(ends[-1].code == 2, f"exit code {ends[-1].code}, not 2: {ends[-1].screen[-300:]}")
    verdict.came = f"exit {ends[0].code} and {ends[1].code}"


def rows(long: bool) -> list[Row]:
    must = "in no file and on no screen"
    table = [
        Row(
            "ENDPOINT",
            f"the key echoed in {len(WAYS)} ways, a key {name}",
            must,
            partial(echoed, key),
            name in ("with / and +",),
        )
        for name, key in KEYS.items()
    ]
    quoted = [
        Row("ENDPOINT", f"401 that quotes the key, a key {name}", f"{must}, exit 2", partial(refused, key))
        for name, key in KEYS.items()
    ]
    typed = Row("ENDPOINT", "a key in --base-url", f"refused, {must}", in_arguments)
    return [*table, *quoted, typed]
