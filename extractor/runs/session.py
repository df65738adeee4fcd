"""A session: the model, the recipe, the recordings and the budget of a run, made from its settings."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from extractor.cancellation import Cancellation
from extractor.document import Json
from extractor.llm.call import Call
from extractor.llm.models import LONGEST_OUTAGE, Model, choose, opened
from extractor.llm.recordings import Recordings
from extractor.output.answer_cache import AnswerCache
from extractor.pipeline.recipe import Recipe
from extractor.runs.budget import Budget
from extractor.runs.call_stack import CallStack, Layer
from extractor.runs.run import Workers
from extractor.runs.settings import Settings
from extractor.schema.loading import Schema, load_schema


@dataclass(frozen=True)
class Session:
    """What a run needs."""

    model: Model
    recipe: Recipe
    recordings: Recordings
    # Asks the model, without any limit; opened at the first question.
    ask: Call
    workers: Workers
    budget: Budget
    cancellation: Cancellation

    def call_stack(
        self, *, cache: AnswerCache | None = None, on_asked: Layer | None = None, recordings: Recordings | None = None
    ) -> CallStack:
        """The layers of a Call that asks the model, within the budget."""
        return CallStack(
            model=self.ask,
            budget=self.budget,
            on_asked=on_asked,
            cache=cache,
            recordings=recordings or self.recordings,
        )


@contextmanager
def open_session(
    settings: Settings,
    cancellation: Cancellation | None = None,
    on_event: Callable[[Json], None] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    schema: Schema | None = None,
    announce: Callable[[str], None] | None = None,
    notify: Callable[[str], None] = lambda line: None,
) -> Iterator[Session]:
    """Resolve the settings. No model is opened before the first question.

    `on_event` gets an event for each attempt; `on_progress` the bytes done and in all while the embedded
    model is joined; `schema` is the settings' own if it is loaded already; `announce` takes a line when the
    embedded model is being loaded, one when it is ready, and those of an endpoint (see `choose`); `notify` takes
    a line when the endpoint slows the run, pauses it, or answers again. Raises SchemaError and SetupError.
    """
    schema = schema or load_schema(settings.schema)
    cancellation = cancellation or Cancellation()
    budgets: list[Budget] = []
    model = choose(
        settings.model,
        settings.base_url,
        os.environ,
        on_progress,
        settings.limiter(cancellation, notify),
        cancellation,
        lambda attempt: budgets[0].record_attempt(attempt),
        settings.timeout,
        LONGEST_OUTAGE if settings.max_outage is None else 60 * settings.max_outage,
        settings.answer_format,
        settings.headers,
        announce or (lambda line: None),
    )
    if announce is not None and model.is_local:
        model = _announced(model, announce)
    price = settings.price_of(model)
    budget = Budget(price, settings.limits, on_event)
    # The budget needs a price, which needs the model, which reports to the budget.
    budgets.append(budget)
    combine = model.profile.combine and not settings.separate_fields
    profile = replace(
        model.profile,
        second_pass=settings.second_pass,
        verify=settings.verify,
        combine=combine,
        output=settings.max_output_tokens or model.profile.output,
        sampling=_sampling(model.profile.sampling, settings),
    )
    recipe = Recipe(schema, model.name, profile, price)
    with opened(model) as ask:
        yield Session(model, recipe, settings.recordings(), ask, settings.workers(model), budget, cancellation)


def _sampling(sampling: Json, settings: Settings) -> Json:
    """How the model samples, with what the user chose."""
    chosen = {"temperature": settings.temperature, "reasoning_effort": settings.reasoning_effort}
    return {**sampling, **{name: value for name, value in chosen.items() if value is not None}}


def _announced(model: Model, announce: Callable[[str], None]) -> Model:
    """The model, with a line before and after it is loaded at the first question: that takes a while."""

    def open_announced(stack: ExitStack) -> Call:
        announce("loading the embedded model …")
        call = model.open(stack)
        announce("the embedded model is ready")
        return call

    return replace(model, open=open_announced)
