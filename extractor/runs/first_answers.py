"""The first answers of a run: if there are none, or none that can be used, more questions would be for nothing."""

from __future__ import annotations

import threading
from dataclasses import replace

from extractor.errors import (
    AnswerError,
    AnswersUnusableError,
    ContentFilteredError,
    ContextTooLongError,
    EndpointDownError,
    ProviderError,
    SetupError,
    TruncatedError,
)
from extractor.llm.call import REASKED, Call, Reply, Request, request_key
from extractor.pipeline.ask.answer_json import read_answer
from extractor.pipeline.ask.ask import MOST_QUESTIONS
from extractor.pipeline.ask.structured_output import answer_schema_of

# Questions without a usable answer, in two tries, after which a run ends. One document may be at fault itself,
# so a single one has to fail more often.
FIRST_QUESTIONS, FIRST_QUESTIONS_OF_ONE_DOCUMENT = 5, 20
LONGER = "Allow longer answers with --max-output-tokens, or use another model."


class FirstAnswers:
    """A Call that raises AnswersUnusableError if the first answers are all unusable, and EndpointDownError if the
    first questions are not answered.

    After one answer that can be used it does nothing. Threads may share it.
    """

    def __init__(self, call: Call) -> None:
        self._call = call
        self._lock = threading.Lock()
        self._is_usable = False
        self._documents: set[str] = set()
        # Keys of the requests whose answers can't be used, by document.
        self._unusable: dict[str, list[str]] = {}
        self._questions = 0.0
        self._error: SetupError | None = None

    def __call__(self, request: Request) -> Reply:
        if self._is_usable:
            return self._call(request)
        judged = False

        def judge(reply: Reply) -> None:
            """Before the answer is kept: what ends the run must not be reused by a later one."""
            nonlocal judged
            judged = True
            self._judge(request, reply)
            request.on_reply(reply)

        try:
            reply = self._call(replace(request, on_reply=judge))
        except (ContextTooLongError, ContentFilteredError):  # says something about the text
            raise
        except ProviderError as error:
            if not self._is_usable:
                self._add(request, 1, error)
            raise
        if not judged:  # not every Call tells of a reply before it returns
            judge(reply)
        return reply

    def _judge(self, request: Request, reply: Reply) -> None:
        if self._is_usable:
            return
        names = tuple(answer_schema_of(request.body).get("properties", {}))
        try:
            read_answer(reply.body, names)
        except TruncatedError as error:
            self._add(request, 1 / MOST_QUESTIONS, error)
        except AnswerError as error:
            # The first of two tries may still come right.
            self._add(request, int(bool(request.about.get(REASKED))), error)
        else:
            self._is_usable = True

    def _add(self, request: Request, questions: float, error: AnswerError | ProviderError) -> None:
        """Count a failure as so many questions. Raises the error that ends the run, if it does."""
        with self._lock:
            if self._error is None:
                document = str(request.about.get("document"))
                if isinstance(error, AnswerError):
                    self._unusable.setdefault(document, []).append(request_key(request.body))
                self._documents.add(document)
                self._questions += questions
                if self._is_usable or not self._is_enough(error):
                    return
                self._error = self._ended_by(error)
        raise self._error

    def _is_enough(self, error: AnswerError | ProviderError) -> bool:
        questions, documents = round(self._questions, 6), len(self._documents)
        if isinstance(error, ProviderError):  # the text may be at fault: all questions about it are refused then
            return documents >= FIRST_QUESTIONS or questions >= FIRST_QUESTIONS_OF_ONE_DOCUMENT
        return questions >= (FIRST_QUESTIONS if documents > 1 else FIRST_QUESTIONS_OF_ONE_DOCUMENT)

    def _ended_by(self, error: AnswerError | ProviderError) -> SetupError:
        if isinstance(error, ProviderError):
            return EndpointDownError(
                f"None of the first {self._questions:g} questions was answered. The last error: {error.what}",
                error.hint,
            )
        count = sum(map(len, self._unusable.values()))
        what = f"None of the first {count} answers could be used. The last one: {error.what}"
        ended = AnswersUnusableError(what, LONGER if isinstance(error, TruncatedError) else None)
        ended.unusable = self._unusable
        return ended
