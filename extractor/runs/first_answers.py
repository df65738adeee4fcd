"""The first answers of a run: if none of them can be used, the model can't do this, and more would cost for nothing."""

from __future__ import annotations

import threading

from extractor.errors import AnswerError, AnswersUnusableError, TruncatedError
from extractor.llm.call import REASKED, Call, Reply, Request, request_key
from extractor.pipeline.ask.answer_json import read_answer
from extractor.pipeline.ask.ask import MOST_QUESTIONS
from extractor.pipeline.ask.structured_output import answer_schema_of

# Questions without a usable answer, in two tries, after which a run ends. One document may be at fault itself,
# so a single one has to fail more often.
FIRST_QUESTIONS, FIRST_QUESTIONS_OF_ONE_DOCUMENT = 5, 20
LONGER = "Allow longer answers with --max-output-tokens, or use another model."


class FirstAnswers:
    """A Call that raises AnswersUnusableError if the first answers are all unusable.

    After one that can be used it does nothing. Threads may share it.
    """

    def __init__(self, call: Call) -> None:
        self._call = call
        self._lock = threading.Lock()
        self._is_usable = False
        # Keys of the requests that were answered so, by document.
        self._unusable: dict[str, list[str]] = {}
        self._questions = 0.0
        self._error: AnswersUnusableError | None = None

    def __call__(self, request: Request) -> Reply:
        reply = self._call(request)
        if not self._is_usable:
            names = tuple(answer_schema_of(request.body).get("properties", {}))
            try:
                read_answer(reply.body, names)
            except AnswerError as error:
                self._add(request, error)
            else:
                self._is_usable = True
        return reply

    def _add(self, request: Request, error: AnswerError) -> None:
        """Count an unusable answer. Raises AnswersUnusableError, and again for those that were under way."""
        with self._lock:
            if self._error is None:
                self._unusable.setdefault(str(request.about.get("document")), []).append(request_key(request.body))
                if isinstance(error, TruncatedError):
                    self._questions += 1 / MOST_QUESTIONS
                elif request.about.get(REASKED):  # the first of two tries may still come right
                    self._questions += 1
                most = FIRST_QUESTIONS if len(self._unusable) > 1 else FIRST_QUESTIONS_OF_ONE_DOCUMENT
                if self._is_usable or round(self._questions, 6) < most:
                    return
                count = sum(map(len, self._unusable.values()))
                what = f"None of the first {count} answers could be used. The last one: {error.what}"
                self._error = AnswersUnusableError(what, LONGER if isinstance(error, TruncatedError) else None)
                self._error.unusable = self._unusable
        raise self._error
