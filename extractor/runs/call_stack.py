"""The Call of a run: every question passes these layers, assembled in one place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from extractor.cancellation import Cancellation
from extractor.errors import FATAL, RunStoppedError
from extractor.llm.call import Call, Reply, Request
from extractor.runs.first_answers import FirstAnswers
from extractor.runs.workers import ComputeLock

if TYPE_CHECKING:
    from extractor.llm.recordings import Recordings
    from extractor.output.answer_cache import AnswerCache
    from extractor.runs.budget import Budget

Layer = Callable[[Call], Call]
"""Takes a Call and returns a Call that does something around it."""


@dataclass(frozen=True, kw_only=True)
class CallStack:
    """What the Call of a run is made of. Layers that are None are left out."""

    # Asks the model; a batch puts a Call here that only writes the question down.
    model: Call
    # Counts and limits what the model is asked.
    budget: Budget | None = None
    # Shows or counts the questions that go to the model.
    on_asked: Layer | None = None
    # Answers from an earlier run into the same output.
    cache: AnswerCache | None = None
    # Counts the questions that no recording answers.
    on_unrecorded: Layer | None = None
    # Recorded replies.
    recordings: Recordings | None = None
    # Counts all questions.
    on_question: Layer | None = None


def assemble_call(
    stack: CallStack, cancellation: Cancellation | None = None, compute_lock: ComputeLock | None = None
) -> Call:
    """The Call of a run. Each layer is a function that takes a Call and returns one. Outermost first:

    UsageMeter           pipeline/usage.py       counts tokens by field, recorded replies included
    note_questions       runs/run.py             notes what a document was asked
    CancellableCall      here                    asks no more once cancelled; fatal errors cancel
    released_during      runs/workers.py         lets another thread compute, whatever the call waits for
    on_question          runs/estimate.py        counts the questions, those that recordings answer included
    Recordings.over      llm/recordings.py       replays replies, or records those from below
    on_unrecorded        runs/estimate.py        counts the questions that no recording answers
    reuse_answers        output/answer_cache.py  reuses what an earlier run was answered; keeps new answers
    FirstAnswers         runs/first_answers.py   fatal if none of the first answers can be used
    on_asked             cli/progress.py         shows a question, if the model is really asked
    limit_call           runs/budget.py          raises before a limit is exceeded; only what is paid counts
    the model            llm/models.py           opens at its first question, keeps to rate limits, retries;
                                                 reports each attempt to the budget

    Why in this order: the cancellation is above everything that works or waits, and sees every fatal error.
    Recordings come before kept answers, since they serve every output and kept answers serve one. Progress
    and budget are below both, so that only what the model is really asked is shown and paid. The first two
    layers need a speech or a document, so they are added where one is converted. First answers are judged
    below the kept ones: what ends a run must not come from an earlier one, nor be kept for a later one.
    """
    layers: list[Layer | None] = [
        partial(CancellableCall, cancellation=cancellation) if cancellation else None,
        compute_lock.released_during if compute_lock else None,
        stack.on_question,
        stack.recordings.over if stack.recordings else None,
        stack.on_unrecorded,
        stack.cache.reuse_answers if stack.cache else None,
        FirstAnswers if cancellation else None,
        stack.on_asked,
        partial(stack.budget.limit_call, cancellation=cancellation) if stack.budget else None,
    ]
    call = stack.model
    for layer in reversed(layers):
        if layer is not None:
            call = layer(call)
    return call


class CancellableCall:
    """A Call that raises RunStoppedError once the run is cancelled.

    An error that every question would meet (FATAL) cancels it.
    """

    def __init__(self, call: Call, cancellation: Cancellation) -> None:
        self._call = call
        self._cancellation = cancellation

    def __call__(self, request: Request) -> Reply:
        self._cancellation.check()
        try:
            return self._call(request)
        except RunStoppedError:
            raise
        except FATAL as error:
            self._cancellation.stop(error, request.about.get("document"))
            raise
