"""The settings of a run: what its user chose, and what follows from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from extractor.cancellation import Cancellation
from extractor.document import Document, Json
from extractor.errors import UnknownPriceError
from extractor.llm.call import AnswerFormat
from extractor.llm.models import Model
from extractor.llm.prices import FREE, Price, price_of
from extractor.llm.rate_limit import RateLimiter
from extractor.llm.recordings import Mode, Recordings
from extractor.pipeline.read.read import ReadOptions, Unreadable, read
from extractor.pipeline.read.sizes import LARGEST
from extractor.runs.budget import Limits
from extractor.runs.run import Workers

DEFAULT_REPLIES = Path("fixtures/replies")
# How many questions may be under way at once if the user names no number.
MAX_CONCURRENCY = 32


# What version 0.1 called them in the settings that it saved for a batch.
_RENAMED = {"fill": "second_pass", "confirm": "verify", "apart": "separate_fields"}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the user of a run chose."""

    # Files, folders, globs, or - for standard input.
    inputs: list[str]
    # A shipped schema's name, or a file.
    schema: str
    # local, local:PATH or PROVIDER/NAME.
    model: str
    # The address of an OpenAI-compatible server; `model` is then the name that it knows.
    base_url: str | None
    # The folder of recorded replies; None: DEFAULT_REPLIES, if there.
    replies: Path | None
    # How recorded replies are used.
    mode: Mode
    # The encoding of all inputs; None: detected.
    encoding: str | None
    # The column of JSONL and CSV inputs that holds the text.
    text_column: str | None
    # The column of JSONL and CSV inputs that holds the id.
    id_column: str | None
    # The column of JSONL and CSV inputs that holds the title; None: found by its name.
    title_column: str | None = None
    # The column of JSONL and CSV inputs that holds the date; None: found by its name.
    date_column: str | None = None
    # The columns of JSONL and CSV inputs whose cells go into the output lines.
    keep_columns: tuple[str, ...] = ()
    # The most bytes of a file, a page or a row.
    max_document_size: int = LARGEST
    # Whether to ask once more about sentences that call for an item and are not cited.
    second_pass: bool = False
    # Whether to ask a second time about each item.
    verify: bool = False
    # Questions under way at once; None: as many as the endpoint takes.
    concurrency: int | None = None
    # Requests a minute that the endpoint allows.
    rpm: float | None = None
    # Tokens a minute that the endpoint allows.
    tpm: float | None = None
    # Whether records come in the order of the inputs.
    ordered: bool = False
    # Whether to replace what the output holds.
    restart: bool = False
    # Kinds of failures to ask about again; empty: all kinds; None: none.
    retry: tuple[str, ...] | None = None
    # Stop when more documents than this have failed.
    max_failures: int | None = None
    # The price that the user gave.
    price: Price | None = None
    # What the run may spend.
    limits: Limits = field(default_factory=Limits)
    # The event log.
    log: Path | None = None
    # Whether each field is asked for in a separate question.
    separate_fields: bool = False
    # Seconds for one answer; None: 180, or 900 for the embedded model.
    timeout: float | None = None
    # Most tokens in an answer; None: 6,000.
    max_output_tokens: int | None = None
    # Sampling temperature; None: 0, or the model's own if it takes none.
    temperature: float | None = None
    # Minutes to wait for an endpoint that answers nobody any more; None: 30.
    max_outage: float | None = None
    # How much a model thinks before it answers, as the provider names it; None: not said.
    reasoning_effort: str | None = None
    # How an answer is described; None: as the provider takes it, or as is found out for an address.
    answer_format: AnswerFormat | None = None
    # Headers for every request, as "Name: value". A value may be a secret: no file holds them.
    headers: tuple[str, ...] = field(default=(), repr=False)

    def documents(self, output: Path | None = None) -> Iterator[Document | Unreadable]:
        """The inputs, without the files of a run into `output` that lie in the same folder."""
        return read(self.inputs, self.reading(output))

    def reading(self, output: Path | None = None) -> ReadOptions:
        """How the inputs are read."""
        return ReadOptions(
            self.encoding,
            self.text_column,
            self.id_column,
            output,
            self.title_column,
            self.date_column,
            tuple(dict.fromkeys(self.keep_columns)),
            self.max_document_size,
        )

    def limiter(self, cancellation: Cancellation, notify: Callable[[str], None]) -> RateLimiter:
        """As many questions at a time as the user allows; else as many as the endpoint takes."""
        return RateLimiter(
            self.concurrency or MAX_CONCURRENCY,
            auto=self.concurrency is None,
            rpm=self.rpm,
            tpm=self.tpm,
            sleep=cancellation.sleep,
            notify=notify,
        )

    def workers(self, model: Model) -> Workers:
        """One for the embedded model, which answers one question at a time, and for a replay."""
        one = model.is_local or self.mode == "replay"
        return Workers(1 if one else self.concurrency or MAX_CONCURRENCY, self.ordered)

    def recordings(self) -> Recordings:
        """The folder that the user named; else DEFAULT_REPLIES, if it is there or the mode needs a folder."""
        folder = self.replies
        if folder is None and (DEFAULT_REPLIES.is_dir() or self.mode in ("record", "replay")):
            folder = DEFAULT_REPLIES
        return Recordings(folder, self.mode)

    def price_of(self, model: Model) -> Price | None:
        """Nothing for the embedded model; else the price that the user gave, else the listed price.

        None if it is not known, as for a server named by its address. Raises UnknownPriceError if a limit
        needs it.
        """
        price = FREE if model.is_local else self.price or (price_of(self.model) if self.base_url is None else None)
        if price is None and self.limits.cost is not None:
            raise UnknownPriceError(f"No price is known for {self.model}, so --max-cost can't be kept.")
        return price

    @classmethod
    def from_json(cls, saved: Json) -> Settings:
        """The settings that `to_json` saved, in version 0.1 too. Raises ValueError for those of another version."""
        saved = {_RENAMED.get(name, name): value for name, value in saved.items()}
        if unknown := saved.keys() - {known.name for known in fields(cls)}:
            raise ValueError(f"unknown settings {', '.join(sorted(unknown))}")
        paths = {name: Path(saved[name]) for name in ("replies", "log") if saved[name] is not None}
        retry = None if saved["retry"] is None else tuple(saved["retry"])
        price = None if saved["price"] is None else Price(**saved["price"])
        kept = tuple(saved.get("keep_columns", ()))
        changed = {"retry": retry, "price": price, "limits": Limits(**saved["limits"]), "keep_columns": kept}
        return cls(**{**saved, **paths, **changed})

    def to_json(self) -> Json:
        """For the run log and for batches, without the headers."""
        saved = {name: value for name, value in asdict(self).items() if name != "headers"}
        return {name: str(value) if isinstance(value, Path) else value for name, value in saved.items()}
