"""From `--model` and `--base-url` to a profile and a Call.

Nothing is opened before the first question: a run that recordings answer needs no weights, no key and no
network.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace

from extractor.cancellation import Cancellation
from extractor.errors import KeyMissingError, SetupError
from extractor.llm import local_server, local_weights
from extractor.llm.answer_format import AdaptedCall
from extractor.llm.batch_api import BatchClient
from extractor.llm.call import AnswerFormat, Attempt, Call, Profile, Reply, Request
from extractor.llm.client import connect
from extractor.llm.headers import read_headers
from extractor.llm.providers import EMBEDDED, Endpoint, dialect_of, resolve
from extractor.llm.rate_limit import RateLimiter
from extractor.llm.served_model import NamedCall, wait_until_loaded

# Timeouts in seconds for one answer. The embedded model may take minutes on a slow machine.
TIMEOUT_LOCAL, TIMEOUT = 900.0, 180.0
# Seconds to wait for an endpoint that answers nobody any more.
LONGEST_OUTAGE = 1800.0

# How the embedded model is asked; the numbers were found by trial (the docs report the accuracy).
SMALL = Profile(style="form", passage=700, rows=12, output=700, sampling={"temperature": 0.0, "seed": 1}, sure=0.6)
LARGE = Profile(style="read", passage=3000, rows=30, output=6000, sampling={"temperature": 0.0}, combine=True)


@dataclass(frozen=True)
class Model:
    """A model: its name in requests, how to ask it, and how to open it once it is needed."""

    name: str
    profile: Profile
    is_local: bool
    open: Callable[[ExitStack], Call]


def choose(
    model: str,
    base_url: str | None,
    environ: Mapping[str, str],
    on_progress: local_weights.Progress | None = None,
    limiter: RateLimiter | None = None,
    cancellation: Cancellation | None = None,
    on_attempt: Callable[[Attempt], None] = lambda attempt: None,
    timeout: float | None = None,
    longest_outage: float = LONGEST_OUTAGE,
    answer: AnswerFormat | None = None,
    headers: Sequence[str] = (),
    announce: Callable[[str], None] = lambda line: None,
) -> Model:
    """The model that the settings name. Raises SetupError for what can be checked without opening it.

    `limiter` applies to endpoints; the embedded model takes one question at a time. `on_attempt` is called
    with each attempt that has ended, and after `cancellation` none starts. `on_progress` follows the joining
    of the weights. `answer` is how an answer is described, if the user says so, `headers` are lines for every
    request; `announce` takes a line for the user about what an endpoint turns out to need.
    """
    added = read_headers(headers)
    if base_url is None and (model == "local" or model.startswith("local:")):
        return _embedded(model, on_progress, cancellation, on_attempt, timeout)
    with suppress(KeyMissingError):  # a replay needs no key
        resolve(model, base_url, environ, added)
    endpoint_name = model if base_url else model.partition("/")[2] or model

    def open_endpoint(stack: ExitStack) -> Call:
        endpoint = resolve(model, base_url, environ, added)
        call = connect(
            endpoint,
            timeout=timeout or TIMEOUT,
            limiter=limiter,
            cancellation=cancellation,
            on_attempt=on_attempt,
            longest_outage=longest_outage,
        )
        call = wait_until_loaded(call, (cancellation or Cancellation()).sleep, announce)
        if endpoint.name != "custom":
            return call
        if answer is None:
            call = AdaptedCall(call, endpoint.host, announce)
        return NamedCall(call, endpoint)

    return Model(endpoint_name, _profile_of(model, base_url, answer), False, open_endpoint)


def _embedded(
    model: str,
    on_progress: local_weights.Progress | None,
    cancellation: Cancellation | None,
    on_attempt: Callable[[Attempt], None],
    timeout: float | None,
) -> Model:
    # The name of a user's own file includes its digest: two files may have the same name.
    own = None if model == "local" else local_weights.find(model, on_progress)
    name = local_weights.MODEL.name if own is None else f"{own.name}@{own.sha256[:12]}"

    def open_embedded(stack: ExitStack) -> Call:
        found = own or local_weights.find(model, on_progress)
        url = stack.enter_context(local_server.serve(found.path))
        endpoint = Endpoint("local", name, url, dialect=EMBEDDED)
        return connect(
            endpoint,
            timeout=timeout or TIMEOUT_LOCAL,
            by=local_weights.answered_by(found),
            cancellation=cancellation,
            on_attempt=on_attempt,
            longest_outage=0,  # a server in this process does not come back
        )

    return Model(name, SMALL, True, open_embedded)


def _profile_of(model: str, base_url: str | None, answer: AnswerFormat | None) -> Profile:
    """LARGE, adapted to the endpoint's dialect and to what the model takes."""
    dialect = dialect_of(model, base_url)
    return replace(
        LARGE,
        answer=answer or dialect.answer,
        limit=dialect.limit,
        output=min(LARGE.output, dialect.longest or LARGE.output),
        sampling=dialect.sampling_of(model, LARGE.sampling),
    )


def batch_client(
    model: str,
    base_url: str | None,
    environ: Mapping[str, str],
    cancellation: Cancellation | None = None,
    headers: Sequence[str] = (),
) -> BatchClient:
    """The batch API of the endpoint that the settings name. Raises SetupError."""
    if base_url is None and (model == "local" or model.startswith("local:")):
        raise SetupError(
            "The embedded model has no batch API.",
            "Leave out --batch, or name an endpoint with --model.",
        )
    return BatchClient(resolve(model, base_url, environ, read_headers(headers)), cancellation)


@contextmanager
def opened(model: Model) -> Iterator[Call]:
    """The model's Call. The model is opened at the first question and closed at the end of the block."""
    lock = threading.Lock()
    calls: list[Call] = []
    with ExitStack() as stack:

        def call(request: Request) -> Reply:
            with lock:
                if not calls:
                    calls.append(model.open(stack))
            return calls[0](request)

        yield call
