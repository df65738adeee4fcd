"""A run as its user set it up: from the settings of the command line to what converts, asks and counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from extractor.cancellation import Cancellation
from extractor.document import Document, Json
from extractor.errors import UnknownPriceError
from extractor.llm.models import Model
from extractor.llm.prices import FREE, Price, price_of
from extractor.llm.rate_limit import RateLimiter
from extractor.llm.recordings import Mode, Recordings
from extractor.pipeline.read.read import ReadOptions, Unreadable, read
from extractor.runs.budget import Limits
from extractor.runs.run import Workers

DEFAULT_REPLIES = Path("fixtures/replies")
# How many questions are under way at the most in auto.
MOST = 32


@dataclass(frozen=True, kw_only=True)
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
    second_pass: bool = False
    verify: bool = False
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
    separate_fields: bool = False

    def documents(self, output: Path | None = None) -> Iterator[Document | Unreadable]:
        """The inputs, but for the files of a run into `output` that lie in the same folder."""
        return read(self.inputs, ReadOptions(self.encoding, self.text_column, self.id_column, output))

    def limiter(self, cancellation: Cancellation) -> RateLimiter:
        """As many at a time as was said; else as many as the endpoint bears."""
        most = self.concurrency or MOST
        return RateLimiter(most, auto=self.concurrency is None, rpm=self.rpm, tpm=self.tpm, sleep=cancellation.sleep)

    def workers(self, model: Model) -> Workers:
        """The embedded model answers one question at a time; where none is asked there is nothing to wait for."""
        alone = model.is_local or self.mode == "replay"
        return Workers(1 if alone else self.concurrency or MOST, self.ordered)

    def recordings(self) -> Recordings:
        """The named folder; else the project's own where there is one; recording makes it."""
        folder = self.replies
        if folder is None and (DEFAULT_REPLIES.is_dir() or self.mode in ("record", "replay")):
            folder = DEFAULT_REPLIES
        return Recordings(folder, self.mode)

    def price_of(self, model: Model) -> Price | None:
        """The embedded model costs nothing; else what the user says, else what is known: nothing of a server by its
        address. Raises UnknownPriceError where a limit needs it."""
        price = FREE if model.is_local else self.price or (price_of(self.model) if self.base_url is None else None)
        if price is None and self.limits.cost is not None:
            raise UnknownPriceError(f"No price is known for {self.model}, so --max-cost can't be kept.")
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
