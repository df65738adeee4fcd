"""ENDPOINT: an endpoint that misbehaves in every way that a socket allows.

Each row disturbs the questions about one document of four, or all of them, once or always. Where something
fails, the same command with --retry-failed at a healthy endpoint must give what an undisturbed run gives.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

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
from corpus import write_files
from misbehaviours import (
    ANY,
    DISTURBED,
    FAILS,
    MISBEHAVIOURS,
    STOPS,
    WHOLE,
    Disturb,
    Misbehaviour,
    half,
    longer,
    send,
    shorter,
    split,
)
from server import Ask, End, Part, answer_text, completion, encoded, error, http, serving
from tool import KEY, Ended, Tool, extract, start
from verdict import Bench, Row, Shared, Verdict

DOCUMENTS = 4


def reference(folder: Path) -> dict[str, str]:
    """What an undisturbed run says of the four documents."""
    texts = write_files(folder / "in", DOCUMENTS)
    (folder / "out").mkdir()
    with serving() as endpoint:
        ended = start(folder, extract(["in"], endpoint.base_url)).wait()
    lines = records(folder)
    assert (ended.code, len(lines)) == (0, len(texts)), f"the undisturbed run failed: {ended}"
    missing = [what for line in lines for what in incomplete(line, texts[line["id"]])]
    assert not missing, f"the undisturbed run found too little: {missing}"
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
