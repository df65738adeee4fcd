"""From `--model` and `--base-url` to how a model is asked and to the Call that asks it.

Nothing is opened before the first question: a run that the tape answers needs neither weights nor key nor network.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace

from extractor.cancellation import Cancellation
from extractor.errors import KeyMissingError, SetupError
from extractor.llm import local_server, local_weights
from extractor.llm.batch_api import BatchClient
from extractor.llm.call import Attempt, Call, Profile, Reply, Request
from extractor.llm.client import connect
from extractor.llm.providers import EMBEDDED, Endpoint, dialect_of, resolve
from extractor.llm.rate_limit import RateLimiter

# Seconds for one answer. The embedded model may take minutes on a slow machine.
TIMEOUT_LOCAL, TIMEOUT = 900.0, 180.0

# How the embedded model is asked; found by trying (see the README's accuracy section).
SMALL = Profile(style="form", passage=700, rows=12, output=700, sampling={"temperature": 0.0, "seed": 1}, sure=0.6)
LARGE = Profile(style="read", passage=3000, rows=30, output=6000, sampling={"temperature": 0.0}, combine=True)


@dataclass(frozen=True)
class Model:
    """A model by its name in requests, how it is asked, and how to reach it once it is needed."""

    name: str
    profile: Profile
    is_local: bool
    open: Callable[[ExitStack], Call]


def choose(
    model: str,
    base_url: str | None,
    environ: Mapping[str, str],
    progress: local_weights.Progress | None = None,
    limiter: RateLimiter | None = None,
    cancellation: Cancellation | None = None,
    heard: Callable[[Attempt], None] = lambda attempt: None,
) -> Model:
    """The model that the settings mean; an endpoint is asked at this pace, the embedded model one question at a time;
    `heard` hears of each attempt, and after `cancellation` there is none.
    Raises a SetupError only for what can be known without opening it."""
    if base_url is None and (model == "local" or model.startswith("local:")):
        return _embedded(model, progress, cancellation, heard)
    with suppress(KeyMissingError):  # a replay needs none
        resolve(model, base_url, environ)
    endpoint_name = model if base_url else model.partition("/")[2] or model

    def open_endpoint(stack: ExitStack) -> Call:
        return connect(
            resolve(model, base_url, environ), timeout=TIMEOUT, limiter=limiter, cancellation=cancellation, heard=heard
        )

    return Model(endpoint_name, _profile_of(model, base_url), False, open_endpoint)


def _embedded(
    model: str,
    progress: local_weights.Progress | None,
    cancellation: Cancellation | None,
    heard: Callable[[Attempt], None],
) -> Model:
    # A file of the user's own goes by its digest as well: two files may have one name.
    own = None if model == "local" else local_weights.find(model, progress)
    name = local_weights.MODEL.name if own is None else f"{own.name}@{own.sha256[:12]}"

    def open_embedded(stack: ExitStack) -> Call:
        found = own or local_weights.find(model, progress)
        url = stack.enter_context(local_server.serve(found.path))
        endpoint = Endpoint("local", name, url, dialect=EMBEDDED)
        return connect(
            endpoint, timeout=TIMEOUT_LOCAL, by=local_weights.answered_by(found), cancellation=cancellation, heard=heard
        )

    return Model(name, SMALL, True, open_embedded)


def _profile_of(model: str, base_url: str | None) -> Profile:
    """LARGE, in the words that the endpoint understands."""
    dialect = dialect_of(model, base_url)
    return replace(LARGE, answer=dialect.response_format, limit=dialect.limit)


def batch_client(
    model: str, base_url: str | None, environ: Mapping[str, str], cancellation: Cancellation | None = None
) -> BatchClient:
    """The batch desk of the endpoint that the settings mean. Raises SetupError."""
    if base_url is None and (model == "local" or model.startswith("local:")):
        raise SetupError("The embedded model takes no batches.", "Leave out --batch, or name an endpoint with --model.")
    return BatchClient(resolve(model, base_url, environ), cancellation)


@contextmanager
def opened(model: Model) -> Iterator[Call]:
    """The model's Call; opened at its first question, closed with the block."""
    lock = threading.Lock()
    calls: list[Call] = []
    with ExitStack() as stack:

        def call(request: Request) -> Reply:
            with lock:
                if not calls:
                    calls.append(model.open(stack))
            return calls[0](request)

        yield call
