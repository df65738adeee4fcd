"""A run as its user set it up: from the settings of the command line to what converts, asks and counts."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from extractor.account import Account, Limits
from extractor.catalog import Schema, load_schema
from extractor.data import Call, Document, Json
from extractor.faults import PriceUnknown
from extractor.halt import Halt
from extractor.model import Model, choose, opened
from extractor.pace import Pace
from extractor.prices import FREE, Price, price_of
from extractor.read import ReadOptions, Unreadable, read
from extractor.recipe import Recipe
from extractor.run import Workers
from extractor.tape import Mode, Tape

DEFAULT_REPLIES = Path("fixtures/replies")
# How many questions are under way at the most in auto.
MOST = 32


@dataclass(frozen=True)
class Settings:
    """What the command line said. `retry` holds kinds of failures to ask about again: all, where it is empty."""

    inputs: list[str]
    schema: str
    model: str
    base_url: str | None
    replies: Path | None
    mode: Mode
    encoding: str | None
    text_column: str | None
    id_column: str | None
    fill: bool = False
    confirm: bool = False
    concurrency: int | None = None
    rpm: float | None = None
    tpm: float | None = None
    ordered: bool = False
    restart: bool = False
    retry: tuple[str, ...] | None = None
    max_failures: int | None = None
    price: Price | None = None
    limits: Limits = field(default_factory=Limits)
    log: Path | None = None
    apart: bool = False

    def documents(self, output: Path | None = None) -> Iterator[Document | Unreadable]:
        """The inputs, but for the files of a run into `output` that lie in the same folder."""
        return read(self.inputs, ReadOptions(self.encoding, self.text_column, self.id_column, output))

    def pace(self, halt: Halt) -> Pace:
        """As many at a time as was said; else as many as the endpoint bears."""
        most = self.concurrency or MOST
        return Pace(most, auto=self.concurrency is None, rpm=self.rpm, tpm=self.tpm, sleep=halt.sleep)

    def workers(self, model: Model) -> Workers:
        """The embedded model answers one question at a time; where none is asked there is nothing to wait for."""
        alone = model.is_local or self.mode == "replay"
        return Workers(1 if alone else self.concurrency or MOST, self.ordered)

    def tape(self) -> Tape:
        """The named folder; else the project's own where there is one; recording makes it."""
        folder = self.replies
        if folder is None and (DEFAULT_REPLIES.is_dir() or self.mode in ("record", "replay")):
            folder = DEFAULT_REPLIES
        return Tape(folder, self.mode)

    def price_of(self, model: Model) -> Price | None:
        """The embedded model costs nothing; else what the user says, else what is known: nothing of a server by its
        address. Raises PriceUnknown where a limit needs it."""
        price = FREE if model.is_local else self.price or (price_of(self.model) if self.base_url is None else None)
        if price is None and self.limits.cost is not None:
            raise PriceUnknown(f"No price is known for {self.model}, so --max-cost can't be kept.")
        return price

    @classmethod
    def from_json(cls, saved: Json) -> Settings:
        """What `to_json` was made of."""
        paths = {name: Path(saved[name]) for name in ("replies", "log") if saved[name] is not None}
        retry = None if saved["retry"] is None else tuple(saved["retry"])
        price = None if saved["price"] is None else Price(**saved["price"])
        return cls(**{**saved, **paths, "retry": retry, "price": price, "limits": Limits(**saved["limits"])})

    def to_json(self) -> Json:
        """As resolved, for the history of runs."""
        return {name: str(value) if isinstance(value, Path) else value for name, value in asdict(self).items()}


@dataclass(frozen=True)
class Ready:
    """What a run needs: `ask` asks the model, within the limits and counted by `account`."""

    model: Model
    recipe: Recipe
    tape: Tape
    ask: Call
    workers: Workers
    account: Account
    halt: Halt


@contextmanager
def prepared(
    settings: Settings,
    halt: Halt | None = None,
    tell: Callable[[Json], None] | None = None,
    installing: Callable[[int, int], None] | None = None,
    schema: Schema | None = None,
) -> Iterator[Ready]:
    """What the settings come to. Nothing is opened before the first question. `tell` hears events, `installing` of the
    embedded model's bytes as they are joined; `schema` is the settings' own where it is loaded already."""
    schema = schema or load_schema(settings.schema)
    halt = halt or Halt()
    accounts: list[Account] = []
    model = choose(
        settings.model,
        settings.base_url,
        os.environ,
        installing,
        settings.pace(halt),
        halt,
        lambda attempt: accounts[0].heard(attempt),
    )
    price = settings.price_of(model)
    accounts.append(Account(price, settings.limits, tell))
    together = model.profile.together and not settings.apart
    profile = replace(model.profile, fill=settings.fill, confirm=settings.confirm, together=together)
    recipe = Recipe(schema, model.name, profile, price)
    with opened(model) as call:
        yield Ready(model, recipe, settings.tape(), accounts[0].over(call), settings.workers(model), accounts[0], halt)
