"""Ask real servers and gateways through `extractor extract`, and print what each case is taken for.

    python benchmarks/real_servers.py --litellm PATH --llama-cpp PYTHON --llama-cpp-python PYTHON

LiteLLM's proxy runs in front of endpoint.py. llama.cpp's server (xllamacpp) and llama-cpp-python's run with a
model of random numbers (350 kB, made with the package gguf): what they answer is nonsense, but in JSON where
they constrain it. All on 127.0.0.1, one after another. Nothing is installed; a server that is not there is
left out with a sentence. Each option names a program of its own environment:

    --litellm            the command of: pip install 'litellm[proxy]'
    --llama-cpp          a python with: pip install xllamacpp gguf
    --llama-cpp-python   a python with: pip install 'llama-cpp-python[server]' (which compiles llama.cpp)
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
TEXT = "5月27日，全市安全生产工作会议在人民礼堂召开。市委书记李明主持会议并讲话。去年，全市排查隐患1260处。\n"
# LiteLLM refuses to start with a weak one.
KEY = "sk-Zr8pQ2vLk9XwT4nB7mYc1dHs"


@dataclass(frozen=True)
class Case:
    """What is asked, and the kind of failure that it should be, or "ok"."""

    name: str
    expect: str
    model: str = "good"
    key: str | None = KEY
    options: tuple[str, ...] = ()
    # Words that the messages must hold.
    says: str = ""


@dataclass(frozen=True)
class Server:
    """A running server, and the cases to ask it."""

    name: str
    url: str
    cases: tuple[Case, ...] = field(default=())


LITELLM = (
    Case("answers", "ok"),
    Case("wrong key", "key_refused", key="sk-wrong"),
    Case("no key", "server_error", key=None, says="No key was sent"),
    Case("unknown model", "model_unknown", model="nosuch"),
    Case("provider away", "server_error", model="away"),
    Case("no key behind it", "key_refused", model="keyless"),
    # Two a minute, for three questions: waited for.
    Case("too many requests", "ok", model="limited", options=("--separate-fields",), says="rate_limited"),
    Case("no schema behind it", "ok", model="objects", says="asked for a JSON object"),
    Case("no format behind it", "ok", model="words", says="asked for JSON in words only"),
    Case("json-schema by name", "format_refused", model="objects", options=("--answer-format", "json-schema")),
    Case("json-object by name", "ok", model="objects", options=("--answer-format", "json-object")),
    Case("none by name", "ok", model="words", options=("--answer-format", "none")),
    Case("key in a header", "ok", key=None, options=("--header", f"Authorization: Bearer {KEY}")),
    Case("wrong path", "model_unknown", options=("--base-url", "URL/nosuch")),
)
LLAMA_CPP = (
    # A model of random numbers may write a string without end: what counts is that the question is taken.
    Case("answers", "read", options=("--max-output-tokens", "300")),
    Case("strict by name", "read", options=("--answer-format", "strict", "--max-output-tokens", "300")),
    Case("json-object by name", "read", options=("--answer-format", "json-object", "--max-output-tokens", "300")),
    Case("wrong key", "key_refused", key="sk-wrong"),
    Case("no key", "key_refused", key=None, says="No key was sent"),
)
SMALL_CONTEXT = (Case("too long", "context_too_long"),)
LLAMA_CPP_PYTHON = (
    Case("no schema", "read", options=("--max-output-tokens", "300"), says="asked for a JSON object"),
    Case("json-schema by name", "format_refused", options=("--answer-format", "json-schema")),
    Case("wrong key", "key_refused", key="sk-wrong"),
    Case("no key", "key_refused", key=None, says="No key was sent"),
)
# Failures of answers: the endpoint took the question and answered.
READ = {"ok", "invalid_answer", "blank_answer", "refused", "truncated", "answers_unusable"}


def main() -> None:
    """Run the cases of each server that is there, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("litellm", "llama-cpp", "llama-cpp-python"):
        parser.add_argument(f"--{name}", metavar="PROGRAM")
    chosen = parser.parse_args()
    wrong = 0
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        work = Path(folder)
        print(f"{'server':<17}{'case':<22}{'expected':<18}{'got':<18}{'seconds':>7}")
        for server in _servers(chosen, work, stack):
            for case in server.cases:
                wrong += not _try(server, case, work)
    sys.exit(1 if wrong else 0)


def _servers(chosen: argparse.Namespace, work: Path, stack: ExitStack) -> Iterator[Server]:
    if chosen.litellm:
        yield stack.enter_context(_litellm(chosen.litellm, work))
    else:
        print("LiteLLM is left out: pip install 'litellm[proxy]', and name its command with --litellm")
    if not chosen.llama_cpp:
        print("llama.cpp is left out: pip install xllamacpp gguf, and name the python with --llama-cpp")
        return
    model = work / "random.gguf"
    subprocess.run([chosen.llama_cpp, str(HERE / "random_model.py"), str(model)], check=True)
    for context, cases in ((32768, LLAMA_CPP), (2048, SMALL_CONTEXT)):
        with _llama_cpp(chosen.llama_cpp, model, context) as url:
            yield Server("llama.cpp", url, cases)
    if not chosen.llama_cpp_python:
        print("llama-cpp-python is left out: pip install 'llama-cpp-python[server]', and name the python")
        return
    with _llama_cpp_python(chosen.llama_cpp_python, model) as url:
        yield Server("llama-cpp-python", url, LLAMA_CPP_PYTHON)


def _try(server: Server, case: Case, work: Path) -> bool:
    """Run a case, print its row; whether it is as expected."""
    text, output = work / "text.txt", work / f"{server.name}-{case.name}.jsonl".replace(" ", "-")
    text.write_text(TEXT, encoding="utf-8")
    environ = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
    if case.key:
        environ["EXTRACTOR_API_KEY"] = case.key
    options = [option.replace("URL", server.url) for option in case.options]
    address = [] if "--base-url" in options else ["--base-url", server.url]
    command = [sys.executable, "-m", "extractor", "extract", str(text), "-o", str(output), "--model", case.model]
    began = time.monotonic()
    done = subprocess.run(
        [*command, *address, *options], env=environ, capture_output=True, encoding="utf-8", check=False
    )
    got, said = _outcome(output, done.stderr)
    as_expected = (got == case.expect or (case.expect == "read" and got in READ)) and case.says in said
    mark = "" if as_expected else "   <- " + " ".join(said.split())[-600:]
    seconds = time.monotonic() - began
    print(f"{server.name:<17}{case.name:<22}{case.expect:<18}{got:<18}{seconds:>7.1f}{mark}", flush=True)
    return as_expected


def _outcome(output: Path, stderr: str) -> tuple[str, str]:
    """The kind of failure that a run met most, or "ok", and all that it said."""
    runs = output.with_name(f"{output.name}.runs.jsonl")
    last = json.loads(runs.read_text(encoding="utf-8").splitlines()[-1]) if runs.exists() else {}
    failures = output.with_name(f"{output.name}.failures.jsonl")
    listed = failures.read_text(encoding="utf-8").splitlines() if failures.exists() else []
    kinds = Counter(json.loads(line)["kind"] for line in listed)
    kinds.pop("not_reached", None)
    got = last.get("stopped") or (kinds.most_common(1)[0][0] if kinds else "ok" if output.exists() else "nothing")
    return got, stderr + "\n".join(listed)


# --- the servers ---


@contextmanager
def _running(command: list[str], url: str, **environ: str) -> Iterator[None]:
    """Run a server on this machine until the block ends."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, env={**os.environ, **environ}, stdout=log, stderr=log)
        try:
            _wait_for(url, process)
            yield
        finally:
            process.terminate()
            process.wait(20)


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(240):
        try:
            urllib.request.urlopen(url, timeout=5)
            return
        except urllib.error.HTTPError:  # it answers
            return
        except OSError:
            if process.poll() is not None:
                raise SystemExit(f"The server at {url} has ended.") from None
            time.sleep(0.5)
    raise SystemExit(f"The server at {url} does not answer.")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _stand_in(**environ: str) -> Iterator[str]:
    port = _free_port()
    command = [sys.executable, "-m", "uvicorn", "--app-dir", str(HERE), "endpoint:app", "--port", str(port)]
    with _running(command, f"http://127.0.0.1:{port}/count", **environ):
        yield f"http://127.0.0.1:{port}/v1"


@contextmanager
def _litellm(program: str, work: Path) -> Iterator[Server]:
    with (
        _stand_in() as good,
        _stand_in(FORMS="json_object,text") as objects,
        _stand_in(FORMS="text") as words,
    ):
        away = f"http://127.0.0.1:{_free_port()}/v1"
        models = {"good": good, "objects": objects, "words": words, "limited": good, "away": away, "keyless": None}
        config = work / "litellm.json"  # JSON is YAML
        config.write_text(json.dumps(_litellm_config(models)), encoding="utf-8")
        port = _free_port()
        command = [program, "--config", str(config), "--host", "127.0.0.1", "--port", str(port), "--telemetry", "False"]
        with _running(command, f"http://127.0.0.1:{port}/health/liveliness", LITELLM_LOCAL_MODEL_COST_MAP="True"):
            yield Server("litellm", f"http://127.0.0.1:{port}/v1", LITELLM)


def _litellm_config(models: dict[str, str | None]) -> dict[str, object]:
    listed = []
    for name, url in models.items():
        settings: dict[str, object] = {"model": f"openai/{name}"}
        if url:
            settings |= {"api_base": url, "api_key": "sk-behind"}
        if name == "limited":
            settings["rpm"] = 2
        listed.append({"model_name": name, "litellm_params": settings})
    return {
        "model_list": listed,
        "litellm_settings": {"num_retries": 0},
        "router_settings": {"num_retries": 0, "optional_pre_call_checks": ["enforce_model_rate_limits"]},
        "general_settings": {"master_key": KEY},
    }


@contextmanager
def _llama_cpp(python: str, model: Path, context: int) -> Iterator[str]:
    port = _free_port()
    script = (
        "import sys, time, xllamacpp; p = xllamacpp.CommonParams(); p.model.path, p.hostnames = sys.argv[1], ['127.0.0.1']; "
        "p.port, p.n_ctx, p.n_parallel, p.api_keys = int(sys.argv[2]), int(sys.argv[3]), 1, [sys.argv[4]]; "
        "p.ui, p.verbosity, p.cache_ram_mib = False, 0, 0; s = xllamacpp.Server(p); time.sleep(3600)"
    )
    command = [python, "-c", script, str(model), str(port), str(context), KEY]
    with _running(command, f"http://127.0.0.1:{port}/health"):
        yield f"http://127.0.0.1:{port}/v1"


@contextmanager
def _llama_cpp_python(python: str, model: Path) -> Iterator[str]:
    port = _free_port()
    options = ["--model", str(model), "--host", "127.0.0.1", "--port", str(port), "--n_ctx", "32768", "--api_key", KEY]
    with _running([python, "-m", "llama_cpp.server", *options], f"http://127.0.0.1:{port}/v1/models"):
        yield f"http://127.0.0.1:{port}/v1"


if __name__ == "__main__":
    main()
